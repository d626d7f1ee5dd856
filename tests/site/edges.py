"""Rows at the edge of a rule: each of them falls under all conditions of a permission but one.

A request of one's own that others decide, an entry that belongs to no place, a draft that is public, a transfer that has
come, an office lent to somebody: whoever takes one condition away from a scope lets one of these through, or loses one.
"""

import io
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select
from werkzeug.datastructures import FileStorage

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Appointment
from portal.care.models import CareMeasure, CarePerson, LeftBehind, Referral, Watch
from portal.contacts.models import ChangeRequest
from portal.courses.models import Course
from portal.extensions import db
from portal.files.intake import take
from portal.files.models import File
from portal.files.storing import keep
from portal.joining.models import GuardianNews
from portal.notices.models import Notice
from portal.opinions.models import Category, Opinion
from portal.privacy.models import DataCopy, ErasureRequest, ExportRequest
from portal.ratings.asking import RatingQuestion
from portal.ratings.evidence import SLOT, Evidence
from portal.ratings.models import Entry, EntryState, Round, RoundState
from portal.recovery.models import Recovery, Whose
from portal.schools.models import District, Guardianship, Pupil, School, Term
from portal.staffing.models import PupilTransfer, TransferState
from portal.trail.models import append, draft, note
from portal.trail.reads import READ
from portal.visits.harm import HarmReport
from portal.visits.home_lessons import HomeTeaching
from portal.visits.models import Correction, PlanEntry, SealedNote, Visit, VisitCompanion
from tests.site.actors import PLAYERS, Player
from tests.site.crowd import copied, spots_of
from tests.site.families import class_in, person, pupil

HERE, THERE, FAR = "望溪小学", "东塔小学", "石桥县第一小学"
OFFICES = {"principal": HERE, "school_office": HERE, "district_staff": None, "auditor": None}


def populate() -> None:
    """All of them; in the current transaction, flushed."""
    named = [player for player in PLAYERS if player.name is not None]
    for player in named:
        _copy_and_erasure(player)
        _entries(player)
    for player in (player for player in named if player.actor in OFFICES):
        _exports(player, OFFICES[player.actor])
    _erasures()
    _changes()
    _courses()
    _delegations()
    _joined()
    _stories_from_elsewhere()
    _transfers()
    _readings()
    _single_rows()
    _told_and_entrusted()
    _reported()
    _planned()
    db.session.commit()
    _asked()
    _handed_in()


def school(name: str) -> School:
    return db.session.scalars(select(School).where(School.name == name)).one()


def _any(model: Any, *conditions: Any) -> Any:
    found = db.session.scalars(select(model).where(*conditions).order_by(model.id).limit(1)).first()
    assert found is not None, model
    return found


def _copied(source: Any, **values: Any) -> Any:
    """A copy of a row where it stands, with some values of its own."""
    columns = [column.key for column in source.__table__.columns if not column.primary_key]
    kept = {name: getattr(source, name) for name in columns if name != "public_id"}
    made = type(source)(**kept | values)
    db.session.add(made)
    db.session.flush()
    return made


def _copy_and_erasure(player: Player) -> None:
    """Everybody asked for a copy of their data, and for something to be deleted."""
    who = person(player.name or "")
    due_on = clock.today() + timedelta(days=15)
    db.session.add(DataCopy(person_id=who.id, asked_at=clock.now(), due_on=due_on))
    _erasure(who.id, HERE, due_on)


def _erasure(person_id: int, at: str, due_on: Any, **more: Any) -> None:
    db.session.add(
        ErasureRequest(
            person_id=person_id,
            school_id=school(at).id,
            kind="part",
            part="phone",
            asked_at=clock.now(),
            due_on=due_on,
            **more,
        )
    )


def _erasures() -> None:
    """Requests that nobody decided in time here, next door and in another district; one decided late."""
    late, asks = clock.today() - timedelta(days=1), person("林悦").id
    for at in (HERE, THERE, FAR):
        _erasure(asks, at, late)
    _erasure(asks, THERE, late, state="withdrawn")


def _exports(player: Player, at: str | None) -> None:
    """An export that an office asked for itself, one of a colleague, and some that were asked at other offices."""
    who, colleague = person(player.name or ""), person("马兰")
    own = school(at) if at else None
    far = school(FAR)
    for by, place, district_id in (
        (who, own, school(HERE).district_id),
        (colleague, own, school(HERE).district_id),
        (who, school(THERE), school(THERE).district_id),
        (who, None, far.district_id),
        (who, far, far.district_id),
    ):
        db.session.add(
            ExportRequest(
                kind="pupils",
                district_id=district_id,
                school_id=place.id if place else None,
                asked_by_id=by.id,
                asked_at=clock.now(),
                purpose="核对名单",
            )
        )
    db.session.flush()


def _changes() -> None:
    """Changes asked by those who decide elsewhere, by the other parent, about children who left or may not be seen."""
    source = _any(ChangeRequest, ChangeRequest.state == "open")
    decided = {"state": "withdrawn", "decided_at": clock.now()}
    for asks, about, at in (
        ("王雪", "林嘉树", HERE),
        ("孙立德", "林嘉树", HERE),
        ("何静", "林嘉树", HERE),
        ("赵大江", "赵小满", HERE),
        ("周桂兰", "周归帆", HERE),
        ("周桂兰", "周小舟", HERE),
        ("何志强", "何雨桐", HERE),
        ("林悦", "白鹭洲", HERE),
        ("林悦", "柳燕飞", HERE),
        ("林悦", "周帆", THERE),
        ("林悦", "林小溪", FAR),
    ):
        child = pupil(about)
        tie = _any(Guardianship, Guardianship.pupil_id == child.id)
        sealed = {"old_sealed": None, "new_sealed": None}
        who = {"person_id": person(asks).id, "pupil_id": child.id, "guardianship_id": tie.id}
        _copied(source, school_id=school(at).id, **who, **sealed, **decided)


def _courses() -> None:
    """What would be everybody's if it were published, and what was until it was withdrawn; both with a lecturer."""
    lecturer = {"lecturer_id": person("郑雅琴").id, "is_public": True}
    source = _any(Course, Course.published_at.is_not(None), Course.withdrawn_at.is_(None))
    for values in (
        {"published_at": None},
        {"withdrawn_at": clock.now(), "withdrawal_reason": "讲师生病"},
    ):
        made = copied(source, next(spots_of(pupil("陈一诺"))), {})
        for name, value in (lecturer | values).items():
            setattr(made, name, value)
    db.session.flush()


def _delegations() -> None:
    """Hats lent by and to the players."""
    today = clock.today()
    for lender, borrower, role in (
        ("王雪", "邓宇", Role.CLASS_TEACHER),
        ("孙立德", "何静", Role.PRINCIPAL),
        ("刘明远", "郑雅琴", Role.CLASS_TEACHER),
    ):
        origin = _any(Appointment, Appointment.person_id == person(lender).id, Appointment.role == role)
        _copied(
            origin,
            person_id=person(borrower).id,
            delegated_from_id=origin.id,
            started_on=today,
            ended_on=today + timedelta(days=14),
            opens_sealed=False,
        )


def _stories_from_elsewhere() -> None:
    """A child came by a transfer; its visits came along, the sealed notes and the log of lessons at home did not."""
    child, there, here = pupil("来新桐"), class_in(THERE, "五(1)班"), school(HERE)
    now = next(spots_of(child))
    before = replace(now, class_id=there.id, school_id=there.school_id, author_id=person("钱文博").id)
    for source in (
        _any(Visit, Visit.outcome == "met"),
        _any(SealedNote),
        _any(Correction),
        _any(LeftBehind),
        _any(Watch),
        _any(CareMeasure),
        _any(Referral),
        _any(HomeTeaching),
    ):
        copied(source, before, {})
    _transfer(child, THERE, here, TransferState.DONE, shares_story=True)


def _transfer(child: Pupil, at: str, to: School | None, state: TransferState, **more: Any) -> None:
    source = _any(PupilTransfer)
    _copied(
        source,
        pupil_id=child.id,
        from_school_id=school(at).id,
        to_school_id=to.id if to else None,
        to_class_id=None,
        state=state,
        from_on=clock.today() - timedelta(days=7),
        **more,
    )


def _transfers() -> None:
    """Away from here, and between others."""
    for child, at, to, state in (
        ("客远行", HERE, THERE, TransferState.PROPOSED),
        ("来新桐", HERE, THERE, TransferState.DONE),
        ("陈一诺", HERE, THERE, TransferState.REFUSED),
        ("梁未安", THERE, FAR, TransferState.PROPOSED),
    ):
        _transfer(pupil(child), at, school(to), state)


def _entries(player: Player) -> None:
    """What a player did: at no place at all, and in a role that is none of the staff's."""
    who = person(player.name or "").id
    note("setting.changed", None, person_id=who, role="")
    note("setting.changed", None, person_id=who, role=player.role or "class_teacher")


def _readings() -> None:
    """Entries of others at every place, and openings of records of which families are told, or not."""
    other = person("钱文博").id
    for at in (HERE, THERE, FAR):
        for role in (Role.CLASS_TEACHER, Role.GUARDIAN, Role.INSPECTOR):
            note("setting.changed", None, person_id=other, role=role, school_id=school(at).id)
    for district in db.session.scalars(select(District)).all():
        note("setting.changed", district, person_id=other, role=Role.DISTRICT_STAFF)
    for name in ("陈一诺", "周小舟", "周帆", "李归帆", "李来仪", "何雨桐", "林嘉树"):
        child = pupil(name)
        tie = _any(Guardianship, Guardianship.pupil_id == child.id)
        for adult in (None, person("李晚晴").id, person("周桂兰").id, person("陈守川").id):
            _reading(tie, child, subject_id=adult, kind="person" if adult else "pupil")
        for row in (*_all(Visit, child), *_all(Opinion, child)):
            _reading(row, child)
    child = pupil("陈一诺")
    _reading(_any(SealedNote), child, category="F4S")
    _reading(_all(Visit, child)[0], child, action="visit.written")


def _all(model: Any, child: Pupil) -> list[Any]:
    return list(db.session.scalars(select(model).where(model.pupil_id == child.id).order_by(model.id)).all())


def _reading(
    row: Any, child: Pupil, category: str = "F4", kind: str = "", action: str = READ, **more: Any
) -> None:
    """Somebody of the school opened a record of a child."""
    entry = draft(
        action,
        row if not kind else None,
        person_id=person("孙立德").id,
        role=Role.PRINCIPAL,
        pupil_id=child.id,
        category=category,
        object_kind=kind,
        facts={},
        **more,
    )
    append(db.session.connection(), [entry])


def _single_rows() -> None:
    """Files of no known kind of row, a draft that asks for money, an opinion about safety at the office, a recovery
    of staff that names a child, a school in a round not opened yet."""
    for role in (Role.DISTRICT_STAFF, Role.SCHOOL_OFFICE, Role.CLASS_TEACHER, Role.COMMITTEE_CHAIR):
        notice = _any(Notice, Notice.author_role == role, Notice.published_at.is_not(None))
        file = _any(File, File.owner_kind == "notice", File.owner_id == notice.id)
        _copied(file, owner_kind="elsewhere", stored_key=secrets.token_urlsafe(16))
    _copied(_any(Notice, Notice.published_at.is_(None)), money_words="转账")
    opinion = _any(Opinion, Opinion.category == Category.SAFETY)
    copied(opinion, next(spots_of(pupil("陈一诺"))), {}).addressee = "office"
    child = pupil("陈一诺")
    recovery = _any(Recovery, Recovery.whose == Whose.GUARDIAN, Recovery.pupil_id == child.id)
    _copied(recovery, whose=Whose.STAFF, number=None, closed_at=clock.now())
    found = _any(Entry, Entry.school_id == school(HERE).id)
    early = _copied(db.session.get_one(Round, found.round_id), state=RoundState.DRAFT)
    _copied(found, round_id=early.id, state=EntryState.CHOSEN, result=None)


def _asked() -> None:
    """Questions about ratings that schools have still to answer; the district may not look at them yet."""
    for name in (HERE, THERE, FAR):
        begun = select(Round.id).where(Round.state != RoundState.DRAFT)
        own = select(Entry).where(Entry.school_id == school(name).id, Entry.round_id.in_(begun))
        found = db.session.scalar(own.order_by(Entry.id).limit(1))
        if found is not None:
            db.session.add(
                RatingQuestion(
                    entry_id=found.id, rule="quick_answers", figures={"found": 9, "of": 12, "limit": 50},
                    asked_at=clock.now(), due_on=clock.today() + timedelta(days=9),
                )
            )  # fmt: skip
    db.session.commit()


def _handed_in() -> None:
    """A file that a school handed in last year, with its self-assessment submitted long ago."""
    (taken,) = take([FileStorage(io.BytesIO("分工".encode()), "分工.txt")])
    found = _any(Entry, Entry.school_id == school(HERE).id, Entry.state == EntryState.DECIDED)
    row = Evidence(
        entry_id=found.id, item_id="A1", name=taken.name, size=taken.size, sha256=taken.sha256, shows="分工",
        added_at=clock.now(), frozen_at=clock.now(),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    head = person("孙立德").id
    row.file_public_id = keep(taken, row, Actor(head, Role.PRINCIPAL, clock.today()), slot=SLOT).public_id
    db.session.commit()


def _told_and_entrusted() -> None:
    """What a class teacher was told about a child of the class and one that left it; a child no longer entrusted."""
    teacher, last_week = person("王雪").id, clock.today() - timedelta(days=7)
    for name in ("陈一诺", "白鹭洲"):
        copied(_any(GuardianNews), replace(next(spots_of(pupil(name))), guardian_id=teacher), {})
    db.session.add(
        CarePerson(
            pupil_id=pupil("林嘉树").id,
            school_id=school(HERE).id,
            person_id=person("邓宇").id,
            started_on=last_week - timedelta(days=7),
            ended_on=last_week,
        )
    )
    db.session.flush()


def _joined() -> None:
    """Visits that others went along on, with the notes of both; to a child who left too, and notes of who stayed away."""
    source, told = _any(Visit, Visit.outcome == "met"), _any(SealedNote)
    for name in ("陈一诺", "白鹭洲"):
        where = replace(next(spots_of(pupil(name))), author_id=person("刘明远").id)
        for who in ("邓宇", "孙立德", "何静"):
            made = copied(source, where, {})
            db.session.execute(delete(VisitCompanion).where(VisitCompanion.visit_id == made.id))
            db.session.add(VisitCompanion(visit_id=made.id, person_id=person(who).id))
            _note_on(told, made, who)
            _note_on(told, made, "刘明远")
        _note_on(told, copied(source, where, {}), "何静")
    db.session.flush()


def _note_on(source: SealedNote, visit: Visit, author: str) -> None:
    made = SealedNote(visit_id=visit.id, author_id=person(author).id, written_at=source.written_at)
    made.body = "只给校长看。"
    db.session.add(made)


def _reported() -> None:
    """Reports of harm by a subject teacher, about a child of the class and one that left it."""
    for name in ("陈一诺", "白鹭洲"):
        copied(_any(HarmReport), replace(next(spots_of(pupil(name))), author_id=person("邓宇").id), {})


def _planned() -> None:
    """Visits planned with a companion, without one, for another class (with one too) and at another school."""
    term = _any(Term)
    for name, companion in (("陈一诺", "邓宇"), ("林嘉树", None), ("柳燕飞", "邓宇"), ("周帆", None)):
        spot = next(spots_of(pupil(name)))
        db.session.add(
            PlanEntry(
                term_id=term.id,
                pupil_id=spot.pupil_id,
                household_id=spot.household_id,
                class_id=spot.class_id,
                school_id=spot.school_id,
                teacher_id=spot.author_id,
                companion_id=person(companion).id if companion else None,
                planned_on=clock.today() + timedelta(days=3),
                planned_at=clock.now(),
            )
        )
    db.session.flush()
