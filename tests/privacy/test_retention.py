"""What goes when its time is over: not a day early, all of it on its day, and the rolled-up numbers stay."""

from datetime import date, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import joinedload

from portal import clock, i18n
from portal.accounts.codes import CodeRequest, Purpose
from portal.accounts.models import Attempts, AuthSession, KnownDevice, Person
from portal.care.models import CarePlan, LeftBehind, Referral, Watch
from portal.committees.models import Committee, CommitteeMeeting
from portal.config import ROOT
from portal.custody.models import Restriction
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.files.models import File
from portal.joining.models import JoiningRequest, JoiningSheet, JoiningSlip
from portal.once import OnceKey
from portal.opinions.models import Opinion
from portal.periods import KINDS, OWN_CLOCKS, kind, mark
from portal.privacy import jobs, retention
from portal.privacy.ledger import LEDGER
from portal.privacy.models import ErasureRequest, LegalHold, RetentionRun
from portal.privacy.retention import back
from portal.ratings import fingerprints
from portal.ratings.asking import RatingQuestion
from portal.ratings.concerns import Concern
from portal.ratings.evidence import Evidence
from portal.ratings.interests import Interest
from portal.ratings.minutes import Meeting
from portal.ratings.models import Entry, Objection, Sheet
from portal.ratings.onsite import SheetClash, SheetNote
from portal.ratings.standing import Appeal, LightCheck, Measure
from portal.recovery.models import Recovery
from portal.roster.models import RosterChange, RosterImport
from portal.schools import summaries
from portal.schools.models import Enrolment, Guardianship, GuardianshipFlag, Pupil, School
from portal.settings.models import SettingValue
from portal.surveys.models import Survey, SurveyAnswer, SurveyPressure, SurveyRemark
from portal.trail.models import TrailEntry, note
from portal.visits.drafts import VisitDraft
from portal.visits.home_lessons import HomeLesson, HomeTeaching
from portal.visits.models import Visit, VisitPart


def pupil(name="林嘉树"):
    return db.session.scalars(select(Pupil).where(Pupil.name == name)).one()


def person(name="林悦"):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def at(day):
    return clock.instant_of(day, 2, 30)


def month(day, count):
    year, number = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, number + 1, day.day)


BASE = date(2026, 9, 15)


def visit_that_ended():
    """林嘉树 left its stage on a day; the visit to it holds words."""
    child = pupil()
    db.session.execute(update(Enrolment).where(Enrolment.pupil_id == child.id).values(ended_on=BASE))
    child.left_on = BASE
    return lambda: db.session.scalar(
        select(func.count(VisitPart.id))
        .join(Visit, Visit.id == VisitPart.visit_id)
        .where(Visit.pupil_id == child.id)
    )


def opinion_that_closed():
    opinion = db.session.scalars(select(Opinion).where(Opinion.author_id == person("李晚晴").id)).first()
    opinion.acknowledged_on = opinion.answered_on = BASE
    number = opinion.id
    return lambda: int(db.session.get_one(Opinion, number).text != "—")


def roster_that_was_applied():
    made = db.session.scalars(select(RosterImport)).first()
    db.session.execute(update(RosterImport).values(moved_at=at(BASE) + timedelta(hours=9)))
    if not db.session.scalar(select(RosterChange.id).where(RosterChange.import_id == made.id).limit(1)):
        change = RosterChange(
            import_id=made.id, table_name="pupil", action="add", sealed_as="x" * 22, label="某某"
        )
        db.session.add(change)
        db.session.flush()
    return lambda: db.session.scalar(select(func.count(RosterChange.id)))


def words_of_a_request():
    request = db.session.scalars(select(ErasureRequest)).first()
    request.decided_at, request.state, request.done_at = at(BASE), "withdrawn", None
    return lambda: db.session.scalar(
        select(func.count(ErasureRequest.id)).where(ErasureRequest.words_sealed.is_not(None))
    )


def message():
    db.session.execute(delete(Delivery))
    made = Delivery(
        person_id=person().id, kind="x", key="x", channel="dry", language="zh-Hans", created_at=at(BASE),
        not_before=at(BASE), not_after=at(BASE),
    )  # fmt: skip
    made.recipient = "+8613800000000"
    db.session.add(made)
    return lambda: db.session.scalar(
        select(func.count(Delivery.id)).where(Delivery.recipient_sealed.is_not(None))
    )


def session_that_ran_out():
    db.session.execute(delete(AuthSession))
    db.session.add(
        AuthSession(
            token_hash="0" * 64, person_id=person().id, created_at=at(BASE), last_seen_at=at(BASE), expires_at=at(BASE)
        )
    )  # fmt: skip
    return lambda: db.session.scalar(select(func.count(AuthSession.id)))


def counter_of_attempts():
    db.session.execute(delete(Attempts))
    db.session.add(Attempts(key="account:x", count=3, window_ends_at=at(BASE)))
    return lambda: db.session.scalar(select(func.count(Attempts.key)))


def key_of_a_form():
    db.session.execute(delete(OnceKey))
    db.session.add(OnceKey(person_id=1, key="k", fingerprint="f", location="/", answered_at=at(BASE)))
    return lambda: db.session.scalar(select(func.count(OnceKey.id)))


def number_of_a_pupil_who_left():
    db.session.execute(update(Pupil).values(identity_sealed=None, identity_index=None))
    child = pupil()
    child.identity, child.left_on = "430600201703100002", BASE
    return lambda: db.session.scalar(
        select(func.count(Pupil.id)).where(
            Pupil.identity_sealed.is_not(None), Pupil.identity_index.is_not(None)
        )
    )


def counted(model, *conditions):
    return lambda: db.session.scalar(select(func.count()).select_from(model).where(*conditions))


def sheet_of_slips():
    db.session.execute(delete(JoiningSheet))
    child = pupil()
    class_id = db.session.scalar(select(Enrolment.class_id).where(Enrolment.pupil_id == child.id))
    sheet = JoiningSheet(class_id=class_id, printed_at=at(BASE), kept_until=at(BASE))
    db.session.add(sheet)
    db.session.flush()
    db.session.add(
        JoiningSlip(sheet_id=sheet.id, pupil_id=child.id, school_id=child.school_id, number="X" * 6, uses=1, used=0, wrong_tries=0, expires_at=at(BASE))
    )  # fmt: skip
    return lambda: counted(JoiningSheet)() + counted(JoiningSlip)()


def request_to_join(**more):
    db.session.execute(delete(JoiningRequest))
    made = JoiningRequest(
        pupil_id=pupil().id, way="phone", relation="奶奶", asked_at=at(BASE), person_id=person().id, **more
    )
    made.name = "某某"
    db.session.add(made)
    return counted(JoiningRequest)


def request_that_was_decided():
    return request_to_join(state="withdrawn", decided_at=at(BASE))


def request_that_nobody_decided():
    return request_to_join(state="waiting")


def lessons_at_home_that_ended():
    """Lessons of 林嘉树, whose stage was left on a day; how many were given stays."""
    visit_that_ended()
    child = pupil()
    db.session.execute(delete(HomeTeaching))
    place = db.session.scalars(select(Enrolment).where(Enrolment.pupil_id == child.id)).first()
    home = db.session.scalar(
        select(Guardianship.household_id).where(Guardianship.pupil_id == child.id).limit(1)
    )
    author = person("王雪").id
    opened = clock.instant_of(BASE - timedelta(days=3), 10)
    log = HomeTeaching(
        pupil_id=child.id, household_id=home, school_id=place.school_id, year_on=date(2026, 9, 1), required=30,
        opened_by_id=author, opened_at=opened,
    )  # fmt: skip
    log.plan = "每周两次"
    db.session.add(log)
    db.session.flush()
    lesson = HomeLesson(
        log_id=log.id, held_on=BASE, lessons=2, minutes=80, author_id=author, written_at=opened
    )
    lesson.content = "认字"
    db.session.add(lesson)
    db.session.flush()
    log_id = log.id

    def left():
        db.session.expire_all()
        kept = db.session.get_one(HomeTeaching, log_id)
        told = db.session.scalars(select(HomeLesson).where(HomeLesson.log_id == log_id)).one()
        assert (told.lessons, kept.required) == (2, 30)
        return (kept.plan != "—") + (told.content != "—")

    return left


def recovery_that_ran_out():
    child = pupil()
    db.session.execute(delete(Recovery))
    db.session.add(
        Recovery(
            person_id=person().id, school_id=child.school_id, pupil_id=child.id, whose="guardian", asked_at=at(BASE), expires_at=at(BASE)
        )
    )  # fmt: skip
    return counted(Recovery)


def restriction_that_is_over():
    db.session.execute(delete(Restriction))
    tie = db.session.scalars(select(Guardianship).where(Guardianship.pupil_id == pupil().id)).first()
    flag = GuardianshipFlag(
        guardianship_id=tie.id,
        kind="restricted_by_court_order",
        started_on=BASE - timedelta(days=9),
        ended_on=BASE,
    )
    flag.basis = "某号"
    db.session.add(flag)
    db.session.flush()
    flag_id = flag.id
    made = Restriction(
        guardianship_id=tie.id, pupil_id=tie.pupil_id, school_id=pupil().school_id, document="judgment", issued_on=BASE - timedelta(days=9),
        from_on=BASE - timedelta(days=9), until_on=BASE, proposed_at=at(BASE), decided_at=at(BASE), flag_id=flag.id,
    )  # fmt: skip
    made.number, made.court = "某号", "某院"
    db.session.add(made)
    db.session.flush()
    db.session.add(file_of("restriction", made.id, state="clean"))
    return lambda: (
        counted(Restriction)()
        + counted(File, File.owner_kind == "restriction")()
        + counted(GuardianshipFlag, GuardianshipFlag.id == flag_id)()
    )


def committee_whose_term_is_over():
    db.session.execute(delete(Committee))
    db.session.add(
        Committee(
            school_id=pupil().school_id, scope_kind="school", scope_id=pupil().school_id, scope_name="x", began_on=BASE - timedelta(days=9),
            until_on=BASE, way="named", meetings=[CommitteeMeeting(held_on=BASE - timedelta(days=2), present=3, topics="x")],
        )
    )  # fmt: skip
    return lambda: counted(Committee)() + counted(CommitteeMeeting)()


def file_of(kind_of, owner_id, **more):
    made = File(
        owner_kind=kind_of, owner_id=owner_id, slot="paper", kind="pdf", media_type="application/pdf", size=3, sha256="0" * 64,
        stored_key="k" * 22, holds="F4S", created_at=at(BASE), **more,
    )  # fmt: skip
    made.name, made.data_key = "判决.pdf", "x"
    return made


def refused_file():
    db.session.execute(delete(File))
    db.session.add(file_of("notice", 1, state="refused", scanned_at=at(BASE)))
    return counted(File)


def draft_of_a_visit():
    db.session.execute(delete(VisitDraft))
    author = person("王雪")
    db.session.add(
        VisitDraft(
            client_id="0" * 36,
            author_id=author.id,
            pupil_id=pupil().id,
            begun_at=at(BASE),
            changed_at=at(BASE),
        )
    )
    return counted(VisitDraft)


def care_of_a_pupil_who_left():
    child_id = db.session.scalar(select(CarePlan.pupil_id))
    db.session.execute(update(Pupil).where(Pupil.id == child_id).values(left_on=BASE))
    return lambda: sum(
        counted(one, one.pupil_id == child_id)() for one in (CarePlan, LeftBehind, Watch, Referral)
    )


def import_that_was_only_checked():
    roster_that_was_applied()
    db.session.execute(update(RosterImport).values(state="checked"))
    return counted(RosterChange)


def request_for_a_code():
    db.session.execute(delete(CodeRequest))
    db.session.add(CodeRequest(purpose=next(iter(Purpose)).value, asked_at=at(BASE), expires_at=at(BASE)))
    return counted(CodeRequest)


def objection_that_was_answered():
    entry = db.session.scalars(select(Entry)).first()
    row = Concern(
        entry_id=entry.id,
        author_id=person().id,
        state="withdrawn",
        filed_at=at(BASE),
        answer_due_on=BASE,
        closed_at=at(BASE),
    )
    row.words = "照片是前年的。"
    db.session.add(row)
    db.session.flush()
    number = row.id
    return lambda: int(db.session.get_one(Concern, number).words != "—")


def decided_on_the_base():
    """A sheet of the town's published round, whose school was decided that day."""
    entry = db.session.scalars(select(Entry).where(Entry.state == "decided")).first()
    db.session.execute(update(Entry).where(Entry.id != entry.id).values(decided_at=None))
    db.session.execute(update(Entry).where(Entry.id == entry.id).values(decided_at=at(BASE)))
    mine = select(Sheet).where(Sheet.entry_id == entry.id).options(joinedload(Sheet.entry))
    return db.session.scalars(mine.execution_options(populate_existing=True)).first()


def kept_words(row, *names):
    """Put a row with words in; answers how many of them are still there."""
    db.session.add(row)
    db.session.flush()
    model, number = type(row), row.id
    return lambda: sum(
        getattr(db.session.get_one(model, number, populate_existing=True), name) not in ("—", "{}", "")
        for name in names
    )


def note_of_a_visit_to_a_school():
    row = SheetNote(
        sheet_id=decided_on_the_base().id, client_id="n1", kind="interview", held_on=BASE,
        with_whom="两位数学教师", text="家访记录都看过。", written_at=at(BASE),
    )  # fmt: skip
    return kept_words(row, "text", "with_whom")


def second_text_of_a_sheet():
    row = SheetClash(
        sheet_id=decided_on_the_base().id, subject="n1", device="d1", number=1,
        content='{"text":"另一台设备上写的"}', came_at=at(BASE), settled_at=at(BASE),
    )  # fmt: skip
    return kept_words(row, "content")


def tie_that_was_declared():
    sheet = decided_on_the_base()
    row = Interest(
        person_id=sheet.person_id, school_id=sheet.entry.school_id, sheet_id=sheet.id, kind="relative",
        reason="外甥女在这所学校读书。", before_papers=True, declared_at=at(BASE),
    )  # fmt: skip
    return kept_words(row, "reason")


def objection_of_a_school_that_was_answered():
    sheet = decided_on_the_base()
    mark("rating_objections", db.session.scalars(select(Objection.id)).all())
    row = Objection(
        entry_id=sheet.entry_id, tier=1, state="upheld", items="A1", text="签到表漏看了一页。", filed_at=at(BASE),
        filed_by_id=person().id, decision_by_id=sheet.entry.decided_by_id, answer_due_on=BASE,
        heard_by_id=person("苏敏").id, answer_text="已经核对，维持结果。", answered_at=at(BASE),
    )  # fmt: skip
    return kept_words(row, "text", "answer_text")


def light_check_that_was_found():
    sheet = decided_on_the_base()
    row = LightCheck(
        entry_id=sheet.entry_id, year=2026, state="kept", items="A1", due_on=BASE, asked_by_id=person("苏敏").id,
        asked_at=at(BASE), report='{"A1":"照常开展"}', clean=True, question="", finding="与命名时相符。",
        found_by_id=person("苏敏").id, found_at=at(BASE),
    )  # fmt: skip
    return kept_words(row, "report", "finding")


def appeal_that_was_answered():
    sheet = decided_on_the_base()
    measure = Measure(
        entry_id=sheet.entry_id, kind="removal", state="settled", reason="记录系事后补写。", proposed_by_id=person().id,
        proposed_at=at(BASE), hearing_due_on=BASE, settled_text="属实。", settled_by_id=person("苏敏").id,
        settled_at=at(BASE),
    )  # fmt: skip
    db.session.add(measure)
    db.session.flush()
    row = Appeal(
        entry_id=sheet.entry_id, measure_id=measure.id, tier=1, state="upheld", text="签到表在档案盒第五格。",
        filed_at=at(BASE), filed_by_id=person().id, answer_due_on=BASE, heard_by_id=person("苏敏").id,
        answer_text="已经核对，维持处理。", answered_at=at(BASE),
    )  # fmt: skip
    return kept_words(row, "text", "answer_text")


def minutes_of_a_panel():
    sheet = decided_on_the_base()
    row = Meeting(
        entry_id=sheet.entry_id, number=1, held_on=BASE, chair_id=person("苏敏").id, in_favour=3,
        text="逐项核对了分数。", why_aside="侄女在二年级。", basis="0" * 64, recorded_by_id=person("苏敏").id,
        recorded_at=at(BASE),
    )  # fmt: skip
    return kept_words(row, "text", "why_aside")


RATED = {
    "rating_appeals": appeal_that_was_answered,
    "rating_minutes": minutes_of_a_panel,
    "rating_notes": note_of_a_visit_to_a_school,
    "rating_clashes": second_text_of_a_sheet,
    "rating_ties": tie_that_was_declared,
    "rating_objections": objection_of_a_school_that_was_answered,
    "rating_checks": light_check_that_was_found,
}


def test_words_of_a_decided_school_go_under_a_mark_and_its_fingerprints_stay_whole(app):
    sheet = decided_on_the_base()
    entry = sheet.entry
    left = [
        note_of_a_visit_to_a_school(),
        objection_of_a_school_that_was_answered(),
        light_check_that_was_found(),
        appeal_that_was_answered(),
        minutes_of_a_panel(),
    ]
    note("rating.record", entry, person_id=None)
    db.session.commit()
    assert fingerprints.differences("rating_entry", [entry.id]) == {}
    with time_machine.travel(at(month(BASE, 36)), tick=False):
        retention.run(clock.today(), RATED)
    assert [count() for count in left] == [0] * 5
    assert fingerprints.differences("rating_entry", [entry.id]) == {}
    acts = db.session.scalars(select(TrailEntry).where(TrailEntry.action == "rating.words_ended")).all()
    assert {act.facts["table"] for act in acts} == {
        "rating_sheet_note",
        "rating_objection",
        "rating_light_check",
        "rating_appeal",
        "rating_meeting",
    }

    db.session.execute(update(SheetNote).values(text="换了一句"))
    note("rating.record", entry, person_id=None)
    db.session.commit()
    found = fingerprints.differences("rating_entry", [entry.id])[entry.id]
    assert [(one.table, one.what, one.before) for one in found] == [("rating_sheet_note", "changed", True)], (
        "control"
    )


def question_that_was_closed():
    row = db.session.scalars(select(RatingQuestion).where(RatingQuestion.closed_at.is_not(None))).first()
    number, row.closed_at = row.id, at(BASE)
    db.session.execute(delete(RatingQuestion).where(RatingQuestion.id != number))

    def left():
        asked = db.session.get_one(RatingQuestion, number)
        return int(asked.answer != "—") + int(asked.closing != "—")

    return left


def files_of_a_decided_rating():
    """The file of the town's self-assessment, as if that had been decided."""
    row = db.session.scalars(select(Evidence)).one()
    db.session.get_one(Entry, row.entry_id).decided_at = at(BASE)
    return lambda: db.session.scalar(
        select(func.count(File.id)).where(File.owner_kind == "rating_evidence", File.owner_id == row.id)
    )


def released_questionnaires(model):
    """What is left of a table once all questionnaires of the town were released on a day."""

    def story():
        db.session.execute(update(Survey).values(released_at=at(BASE)))
        return lambda: db.session.scalar(select(func.count()).select_from(model))

    return story


def device_that_was_known():
    db.session.execute(delete(KnownDevice))
    db.session.add(
        KnownDevice(person_id=person().id, token_hash="0" * 64, created_at=at(BASE), last_seen_at=at(BASE))
    )
    return counted(KnownDevice)


STORIES = {
    "visit_texts": (visit_that_ended, month(BASE, 12)),
    "opinions": (opinion_that_closed, month(BASE, 36)),
    "rosters": (roster_that_was_applied, BASE + timedelta(days=90)),
    "request_words": (words_of_a_request, month(BASE, 12)),
    "identity_numbers": (number_of_a_pupil_who_left, month(BASE, 12)),
    "slips": (sheet_of_slips, BASE + timedelta(days=44)),
    "joining_requests": (request_that_was_decided, month(BASE, 12)),
    "undecided_requests": (request_that_nobody_decided, BASE + timedelta(days=90)),
    "recoveries": (recovery_that_ran_out, month(BASE, 12)),
    "restrictions": (restriction_that_is_over, month(BASE, 36)),
    "committees": (committee_whose_term_is_over, month(BASE, 60)),
    "home_lessons": (lessons_at_home_that_ended, month(BASE, 12)),
    "survey_answers": (released_questionnaires(SurveyAnswer), BASE + timedelta(days=90)),
    "survey_remarks": (released_questionnaires(SurveyRemark), month(BASE, 12)),
    "survey_reports": (released_questionnaires(SurveyPressure), month(BASE, 36)),
    **{name: (story, month(BASE, 36)) for name, story in RATED.items()},
    "rating_concerns": (objection_that_was_answered, month(BASE, 36)),
    "rating_questions": (question_that_was_closed, month(BASE, 36)),
    "rating_evidence": (files_of_a_decided_rating, month(BASE, 36)),
    "visit_drafts": (draft_of_a_visit, month(BASE, 6)),
    "care": (care_of_a_pupil_who_left, month(BASE, 12)),
    "staged_imports": (import_that_was_only_checked, BASE + timedelta(days=14)),
    "refused_files": (refused_file, BASE + timedelta(days=30)),
    "code_requests": (request_for_a_code, BASE + timedelta(days=1)),
    "known_devices": (device_that_was_known, BASE + timedelta(days=365)),
    "messages": (message, BASE + timedelta(days=30)),
    "sessions": (session_that_ran_out, BASE + timedelta(days=30)),
    "attempts": (counter_of_attempts, BASE + timedelta(days=1)),
    "once_keys": (key_of_a_form, BASE + timedelta(days=30)),
}


def test_every_kind_has_its_story():
    assert set(STORIES) == set(KINDS)


@pytest.mark.parametrize("name", STORIES)
def test_nothing_goes_a_day_early_and_all_of_it_on_its_day(app, name):
    story, day = STORIES[name]
    left = story()
    db.session.commit()
    before = left()
    assert before > 0

    with time_machine.travel(at(day - timedelta(days=1)), tick=False):
        retention.run(clock.today(), [name])
        assert left() == before
    with time_machine.travel(at(day), tick=False):
        ended = retention.run(clock.today(), [name])
        assert left() == 0 and ended[name] >= 1
        assert retention.run(clock.today(), [name])[name] == 0
    line = db.session.scalars(select(RetentionRun).where(RetentionRun.kind == name)).first()
    assert line.ran_on == day and line.ended >= 1


def test_numbers_agree_after_years(app):
    summaries.rebuild()
    visit_that_ended()
    opinion_that_closed()
    db.session.commit()
    with time_machine.travel(at(date(2035, 1, 1)), tick=False):
        retention.run(clock.today())
    found = summaries.differences()

    assert found == {}


def test_a_hold_keeps_what_is_due(app):
    left = visit_that_ended()
    db.session.add(LegalHold(pupil_id=pupil().id, reason="县公安(演练)第2号", started_on=BASE))
    db.session.commit()
    day = month(BASE, 12)
    with time_machine.travel(at(day), tick=False):
        assert retention.run(clock.today(), ["visit_texts"])["visit_texts"] == 0
        assert left() > 0
        db.session.execute(update(LegalHold).values(ended_on=clock.today()))
        db.session.commit()
        assert retention.run(clock.today(), ["visit_texts"])["visit_texts"] > 0


def test_a_place_still_held_in_the_same_stage_keeps_the_texts(app):
    left = visit_that_ended()
    child = pupil()
    place = db.session.scalars(select(Enrolment).where(Enrolment.pupil_id == child.id)).first()
    db.session.add(
        Enrolment(pupil_id=child.id, class_id=place.class_id, school_id=place.school_id, started_on=BASE)
    )
    db.session.commit()

    assert retention.run(month(BASE, 40), ["visit_texts"])["visit_texts"] == 0 and left() > 0


def test_a_district_keeps_shorter_by_setting_and_its_neighbour_does_not(app):
    left = visit_that_ended()
    school_id = pupil().school_id

    district_id = db.session.get_one(School, school_id).district_id
    db.session.add(
        SettingValue(
            name="privacy.keep_visit_texts", district_id=district_id, value=6, from_on=BASE, document="演练文件", set_at=clock.now()
        )
    )  # fmt: skip
    db.session.commit()

    assert retention.run(month(BASE, 6) - timedelta(days=1), ["visit_texts"])["visit_texts"] == 0
    assert retention.run(month(BASE, 6), ["visit_texts"])["visit_texts"] > 0 and left() == 0


def test_the_log_cannot_be_kept_for_less_than_six_months():
    assert not LEDGER.kind.fits(5) and LEDGER.kind.fits(6)
    assert LEDGER.default == 36


def test_adding_a_kind_is_one_function_and_one_line():
    def spare(until):
        return until

    try:
        assert kind("x", "y", days=3, fixed=True)(spare) is spare
        assert retention.length(KINDS["spare"], BASE, None) == 3
        with pytest.raises(ValueError, match="twice"):
            kind("x", "y", days=3)(spare)
    finally:
        del KINDS["spare"]


def test_each_feature_declares_its_own_kinds_and_none_is_forgotten():
    """A ``periods.py`` that nobody loads would let nothing go; a kind anywhere else would not be found by a reader."""
    written = {f"portal.{path.parent.name}.periods" for path in (ROOT / "portal").glob("*/periods.py")}

    assert {module.__name__ for module in retention.DECLARED} == written
    assert {kept.find.__module__ for kept in KINDS.values()} == written
    assert set(retention.PERIODS) == {name for name, kept in KINDS.items() if not kept.fixed}


def test_the_table_for_districts_says_what_is_declared():
    """``docs/district.md``: the ordinary period of each kind, what a district may set, and what stays."""
    rows = {}
    for line in (ROOT / "docs/district.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5:
            rows[cells[0]] = (cells[2], cells[3], cells[4])
    with i18n.speaking("zh-Hans"):
        for kept in KINDS.values():
            unit = "个月" if kept.months else "天"
            least, most = kept.least, kept.ordinary * 3
            may = "不能改" if kept.fixed else f"{least}–{most} {unit}"
            assert rows[str(kept.label)] == (f"{kept.ordinary} {unit}", may, str(kept.after))
        assert {str(label) for label, _period in OWN_CLOCKS} - set(rows) == {"一次性验证码"}


@given(st.dates(date(2020, 1, 1), date(2040, 12, 31)), st.integers(1, 120))
def test_months_back_never_reach_past_the_day(day, count):
    found = back(day, count, months=True)

    assert (day.year * 12 + day.month) - (found.year * 12 + found.month) == count
    assert found.day <= day.day
    assert back(found, -count, months=True) <= day


def test_the_page_says_what_goes_within_a_month_at_which_school_without_contents(as_):
    visit_that_ended()
    db.session.commit()
    with time_machine.travel(at(month(BASE, 12) - timedelta(days=10)), tick=True):
        district = as_("张建平").page("/privacy/retention")
        school = as_("何静").page("/privacy/retention")
        other = as_("罗敏").page("/privacy/retention")

    assert "三(2)班" in district.text and "三(2)班" in school.text
    assert "三(2)班" not in other.text
    due, folded = school.html.split('<details class="more"', 1)
    assert "家访写的文字" in due and "家访写的文字" not in folded
    assert "送教上门的计划和内容" in folded and "送教上门的计划和内容" not in due
    assert "12 个月；到期后：上了多少节只留下数字" in folded
    assert "林嘉树" not in district.text + school.text


def test_the_night_does_it_and_the_day_does_not(app, monkeypatch):
    ran = []
    monkeypatch.setattr(retention, "run", ran.append)
    day = clock.today()
    with time_machine.travel(clock.instant_of(day, 12), tick=False):
        jobs.end_what_is_due()
    assert ran == []
    with time_machine.travel(clock.instant_of(day, 2), tick=False):
        jobs.end_what_is_due()
    assert ran == [day]


def test_a_large_heap_goes_in_batches(app, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 7)
    db.session.execute(delete(OnceKey))
    db.session.add_all(
        OnceKey(person_id=1, key=f"k{number}", fingerprint="f", location="/", answered_at=at(BASE))
        for number in range(30)
    )
    db.session.commit()

    assert retention.run(BASE + timedelta(days=31), ["once_keys"])["once_keys"] == 30
    assert db.session.scalar(select(RetentionRun.ended)) == 30
