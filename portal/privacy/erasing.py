"""Deleting what is kept about a person, a child, or of one kind (Personal Information Protection Law, art. 47).

What the law or the numbers need stays without anybody in it: a visit took place, an opinion was answered in time. The
row of a person or pupil stays as an empty shell under its id, so that the trail still holds; names, contacts and texts
are gone. On SQLite deleted bytes are overwritten (``secure_delete``), so that the file holds none of them either.
"""

from collections import Counter
from collections.abc import Callable, Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import Table, and_, delete, func, inspect, or_, select, update

from portal.accounts import holdings as accounts_holdings
from portal.accounts.models import Person
from portal.care import holdings as care_holdings
from portal.committees import holdings as committees_holdings
from portal.contacts import holdings as contacts_holdings
from portal.courses import holdings as courses_holdings
from portal.custody import holdings as custody_holdings
from portal.deliveries import holdings as deliveries_holdings
from portal.deliveries.models import Delivery
from portal.deliveries.sending import recipient_index
from portal.errors import RuleBroken
from portal.extensions import Base, db
from portal.files import holdings as files_holdings
from portal.files.jobs import remove_stored
from portal.files.models import File
from portal.files.owners import let_ownerless_go
from portal.holdings import HOLDINGS, Act, Counted, Subject, end, remove
from portal.i18n import gettext as _
from portal.jobs.queue import ring
from portal.joining import holdings as joining_holdings
from portal.keys import holdings as keys_holdings
from portal.notices import holdings as notices_holdings
from portal.once import OnceKey
from portal.opinions import holdings as opinions_holdings
from portal.opinions.models import Opinion
from portal.privacy import blocks
from portal.privacy import holdings as privacy_holdings
from portal.privacy.models import ErasureKind, ErasureRequest, ErasureState, Ground, Part
from portal.ratings import holdings as ratings_holdings
from portal.recovery import holdings as recovery_holdings
from portal.roster import holdings as roster_holdings
from portal.roster.models import RosterChange, RosterProblem
from portal.schools import holdings as schools_holdings
from portal.schools.models import Enrolment, Guardianship, Pupil
from portal.signon import holdings as signon_holdings
from portal.staffing import holdings as staffing_holdings
from portal.surveys import holdings as surveys_holdings
from portal.visits import holdings as visits_holdings
from portal.visits.models import Visit

DECIDE_WITHIN = 15
"""Working days for the school's decision."""
NOBODY = "已删除"
"""The name of an empty shell."""

DECLARED = (
    keys_holdings,
    deliveries_holdings,
    accounts_holdings,
    schools_holdings,
    signon_holdings,
    roster_holdings,
    files_holdings,
    joining_holdings,
    custody_holdings,
    contacts_holdings,
    staffing_holdings,
    recovery_holdings,
    courses_holdings,
    visits_holdings,
    care_holdings,
    notices_holdings,
    committees_holdings,
    opinions_holdings,
    surveys_holdings,
    ratings_holdings,
    privacy_holdings,
)
"""Where each feature says what it holds; loaded before anything is erased."""
SHELLS = (Person.__tablename__, Pupil.__tablename__)
OBJECTS = "erased objects"
"""Under this name the objects of erased files wait with the session."""


def _by_reference(owner: type[Base], row_id: int, done: Counted) -> None:
    """Do to every row that points at the subject what its foreign key says; what is declared has been dealt with."""
    table = inspect(owner).local_table
    for mapper in Base.registry.mappers:
        other = mapper.local_table
        if not isinstance(other, Table):
            continue
        for column in other.columns:
            for key in column.foreign_keys:
                if key.column.table is not table or key.ondelete is None:
                    continue
                if key.ondelete == "CASCADE" and other.name not in HOLDINGS:
                    result = db.session.execute(delete(other).where(column == row_id))
                elif key.ondelete == "SET NULL" and column.nullable:
                    result = db.session.execute(
                        update(other).where(column == row_id).values({column.name: None})
                    )
                else:
                    continue
                done[other.name] += int(result.rowcount)  # type: ignore[attr-defined]


def _as_declared(subject: Subject, done: Counted) -> None:
    """What every feature says it holds about somebody: rows go, or their words do."""
    for name, holding in HOLDINGS.items():
        condition = None if holding.act == Act.KEEP or name in SHELLS else holding.about(subject)
        if condition is None:
            continue
        if holding.model is File:
            _let_files_go(condition, done)
        else:
            end(holding, condition, done)


def _let_files_go(condition: Any, done: Counted) -> None:
    """The rows with their keys now, the sealed objects right after the commit."""
    rows = db.session.execute(select(File.id, File.stored_key).where(condition)).all()
    remove(File, File.id.in_([row.id for row in rows]), done)
    db.session.info.setdefault(OBJECTS, []).extend(row.stored_key for row in rows)


def remove_objects() -> None:
    """Let the stored objects of erased files go, after the commit; what storage does not take now is swept later."""
    names = db.session.info.pop(OBJECTS, [])
    if names:
        ring(remove_stored, names=names)


def _end_ties(condition: Any, on: date, done: Counted) -> None:
    ids = list(db.session.scalars(select(Guardianship.id).where(condition)))
    for tie in db.session.scalars(select(Guardianship).where(Guardianship.id.in_(ids))):
        if tie.ended_on is None or tie.ended_on > on:
            tie.ended_on = max(on, tie.started_on)
    db.session.flush()
    _forget_rosters("guardianship", ids, (), done)


def _forget_rosters(table: str, ids: Collection[int], words: Collection[str], done: Counted) -> None:
    """What imports kept of these rows. The import stays, and can no longer be undone for them."""
    remove(RosterChange, and_(RosterChange.table_name == table, RosterChange.record_id.in_(ids)), done)
    told = [word for word in words if word]
    if told:
        for problem in db.session.scalars(select(RosterProblem)):
            if any(word in str(value) for word in told for value in (problem.params or {}).values()):
                db.session.delete(problem)
                done["roster_problem"] += 1
        for word in told:
            remove(OnceKey, OnceKey.message.contains(word, autoescape=True), done)
        for word in told:
            remove(RosterChange, RosterChange.label.contains(word, autoescape=True), done)


def erase_person(person: Person, on: date) -> Counted:
    """Everything about one adult, in the current transaction; what each table lost or had emptied."""
    done: Counted = Counter()
    words = (person.name, person.phone or "", person.account_name or "", person.email or "")
    reached = tuple(recipient_index(address) for address in (person.phone, person.email) if address)
    _end_ties(Guardianship.person_id == person.id, on, done)
    _forget_rosters("person", [person.id], words, done)
    _as_declared(Subject(person_id=person.id, indexes=reached), done)
    db.session.flush()
    _by_reference(Person, person.id, done)
    done["file"] += let_ownerless_go()
    _hollow(person, done)
    return done


def erase_pupil(pupil: Pupil, on: date) -> Counted:
    """Everything about one child, in the current transaction; that it was enrolled and visited stays as a number."""
    done: Counted = Counter()
    enrolments = list(db.session.scalars(select(Enrolment.id).where(Enrolment.pupil_id == pupil.id)))
    _end_ties(Guardianship.pupil_id == pupil.id, on, done)
    _forget_rosters("enrolment", enrolments, (), done)
    _forget_rosters("pupil", [pupil.id], (pupil.name,), done)
    _as_declared(Subject(pupil_id=pupil.id), done)
    db.session.flush()
    _by_reference(Pupil, pupil.id, done)
    done["file"] += let_ownerless_go()
    _hollow(pupil, done)
    return done


def _hollow(row: Any, done: Counted) -> None:
    """Empty a person or pupil: the name becomes a word for nobody, whatever else may be empty is emptied."""
    table = type(row).__table__
    for column in table.columns:
        if column.primary_key or column.foreign_keys or column.name == "public_id":
            continue
        if column.name == "name":
            row.name = NOBODY
        elif column.nullable and not isinstance(getattr(row, column.key), datetime | date):
            setattr(row, column.key, None)
        elif "class" in column.info or column.name in ("name_pinyin", "name_initials"):
            setattr(row, column.key, "")
    done[table.name] += 1
    db.session.flush()


# Requests.


def pupils_of(request: ErasureRequest) -> list[int]:
    """The children whose data a request concerns: those who are at the school that is asked; of one kind of data also
    those who were there, because their visits and opinions stayed."""
    if request.pupil_id is not None:
        return [request.pupil_id]
    here: Any = Pupil.school_id == request.school_id
    if request.kind == ErasureKind.PART:
        places = select(Enrolment.pupil_id).where(Enrolment.school_id == request.school_id)
        here = or_(here, Pupil.id.in_(places))
    return list(
        db.session.scalars(
            select(Guardianship.pupil_id)
            .join(Pupil, Pupil.id == Guardianship.pupil_id)
            .where(
                Guardianship.person_id == request.person_id,
                here,
                or_(Guardianship.ended_on.is_(None), Guardianship.ended_on > request.asked_at.date()),
            )
        )
    )


def schools_of(person_id: int, on: date) -> list[int]:
    """The schools that keep data about somebody as a guardian, those of today's ties first, restricted ones as well: a
    court keeps a guardian from the child, not from asking about their own data. Ended ties count where none holds."""
    ties = (
        select(Pupil.school_id)
        .join(Guardianship, Guardianship.pupil_id == Pupil.id)
        .where(Guardianship.person_id == person_id)
        .group_by(Pupil.school_id)
        .order_by(func.min(Pupil.id))
    )
    holds = ties.where(or_(Guardianship.ended_on.is_(None), Guardianship.ended_on > on))
    return list(db.session.scalars(holds)) or list(db.session.scalars(ties))


def _homes_of(person_id: int | None) -> Any:
    return select(Guardianship.household_id).where(Guardianship.person_id == person_id)


def schools_keeping(person_id: int, part: Part) -> list[int]:
    """The schools that keep opinions of somebody, or texts about visits to the household."""
    wanted = select(Opinion.school_id).where(Opinion.author_id == person_id)
    if part == Part.VISIT_TEXTS:
        wanted = select(Visit.school_id).where(Visit.household_id.in_(_homes_of(person_id)))
    return sorted(set(db.session.scalars(wanted)))


def schools_of_child(child: Pupil) -> list[int]:
    """The schools that keep data about a child: where it was last, then the earlier ones."""
    earlier = select(Enrolment.school_id).where(Enrolment.pupil_id == child.id).order_by(Enrolment.id.desc())
    return list(dict.fromkeys([child.school_id, *db.session.scalars(earlier)]))


def together(request: ErasureRequest) -> list[ErasureRequest]:
    """The requests about one thing of all schools that were sent to them at the same instant, locked in their order."""
    if not request.is_shared:
        return [request]
    child: Any = ErasureRequest.pupil_id.is_(None)
    if request.pupil_id is not None:
        child = ErasureRequest.pupil_id == request.pupil_id
    return list(
        db.session.scalars(
            select(ErasureRequest)
            .where(
                ErasureRequest.person_id == request.person_id,
                ErasureRequest.kind == request.kind,
                ErasureRequest.part == request.part,
                child,
                ErasureRequest.asked_at == request.asked_at,
            )
            .order_by(ErasureRequest.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def settle(request: ErasureRequest, at: datetime, on: date) -> Counted:
    """Delete what all schools share once every one that was asked has agreed; empty while one has still to answer.

    Where one of them keeps something, it stays, and those that agreed say so. RuleBroken when something stands against
    it by now at any of them.
    """
    asked = together(request)
    if any(one.is_open and not one.waits_for_others for one in asked):
        return Counter()
    agreed = [one for one in asked if one.waits_for_others]
    if len(agreed) < len(asked):
        for one in agreed:
            one.state, one.ground = ErasureState.REFUSED, Ground.DUTY
            one.reply = _("This school agreed. It stays, because another school still needs it.")
        return Counter()
    for one in asked:
        refuse_blocked(one, on)
    done = carry_out(request, at, on)
    for one in asked:
        one.words, one.state, one.done_at = "", ErasureState.DONE, at
    return done


def blocked(request: ErasureRequest, on: date) -> list[blocks.Block]:
    """What stands against it today. An appointment and a rating only stand against a whole account or child."""
    found = blocks.of(pupils_of(request), request.person_id, request.school_id, on, own=not request.is_shared)
    if request.kind == ErasureKind.PART:
        return [block for block in found if block.kind in ("hold", "opinion")]
    if request.kind == ErasureKind.CHILD:
        return [block for block in found if block.kind != "appointment"]
    others = [block for block in found if block.kind != "custody"]
    return [*others, *blocks.restrictions(on, blocks.of_person(request.person_id), request.school_id)]


def refuse_blocked(request: ErasureRequest, on: date) -> None:
    """RuleBroken while something stands against the deletion, in words."""
    found = blocked(request, on)
    if found:
        raise RuleBroken(
            _(
                "This cannot be deleted now: %(why)s",
                why=" ".join(block.brief or block.words for block in found),
            )
        )


def _erase_phone(request: ErasureRequest, done: Counted) -> None:
    person = db.session.get_one(Person, request.person_id)
    person.phone = None
    done["person"] += 1
    remove(Delivery, Delivery.person_id == person.id, done)


def _erase_own_opinions(request: ErasureRequest, done: Counted) -> None:
    mine = and_(Opinion.author_id == request.person_id, Opinion.school_id == request.school_id)
    opinions_holdings.erase_words(mine, done)


def _erase_told(request: ErasureRequest, done: Counted) -> None:
    told = select(Visit.id).where(
        Visit.household_id.in_(_homes_of(request.person_id)), Visit.school_id == request.school_id
    )
    visits_holdings.erase_texts(told, done, sealed=False)


PARTS: dict[Part, Callable[[ErasureRequest, Counted], None]] = {
    Part.PHONE: _erase_phone,
    Part.OPINIONS: _erase_own_opinions,
    Part.VISIT_TEXTS: _erase_told,
}


def carry_out(request: ErasureRequest, at: datetime, on: date) -> Counted:
    """Delete what was decided, in the current transaction. RuleBroken when something stands against it by now."""
    refuse_blocked(request, on)
    done: Counted = Counter()
    if request.parts or request.kind == ErasureKind.PART:
        for part in request.parts or [request.part]:
            PARTS[Part(part)](request, done)
    elif request.kind == ErasureKind.CHILD:
        done = erase_pupil(db.session.get_one(Pupil, request.pupil_id), on)
    else:
        done = erase_person(db.session.get_one(Person, request.person_id), on)
    request.words = ""
    request.state, request.done_at = ErasureState.DONE, at
    request.effect = {name: number for name, number in sorted(done.items()) if number}
    return done
