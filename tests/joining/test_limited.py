"""The guardian who sees and confirms: reads what a parent reads, confirms, and can change nothing."""

import io
import zipfile
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import clock
from portal.accounts.models import Person
from portal.courses.models import CourseSession, Seat
from portal.extensions import db
from portal.notices.models import Level, Notice, NoticeReceipt, State
from portal.opinions.models import Opinion
from portal.privacy.copies import zipped
from portal.schools import enrolling
from portal.schools.models import Flag, Guardianship, GuardianshipFlag, Pupil, School
from portal.visits.models import FollowUp, Invitation, InvitationState, Outcome, Visit

HELPER, MOTHER = "吴桂芳", "林悦"
READ_ALOUD = {"读给我听"}


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def pupil():
    return db.session.scalars(select(Pupil).where(Pupil.name == "林嘉树")).one()


@pytest.fixture
def family(app):
    """林嘉树's household with an invitation, a visit to confirm, an agreed step and a seat."""
    child = pupil()
    home = db.session.scalar(
        select(Guardianship.household_id).where(Guardianship.person_id == person(MOTHER).id)
    )
    for model, values in (
        (Invitation, {"state": InvitationState.OPEN}),
        (Visit, {"confirmed_at": None, "confirmed_by_id": None}),
        (FollowUp, {"owner": "family", "done_on": None}),
    ):
        row = db.session.scalars(
            select(model).where(model.outcome == Outcome.MET) if model is Visit else select(model)
        ).first()
        row.pupil_id, row.household_id = child.id, home
        for name, value in values.items():
            setattr(row, name, value)
        if model is Invitation:
            later = clock.now() + timedelta(days=3)
            row.times, row.last_time_at, row.chosen_at, row.chosen_form = (
                [later.isoformat()],
                later,
                None,
                None,
            )
            row.answered_at = row.answered_by_id = None
    db.session.commit()
    return home


def newest(model):
    rows = select(model).where(model.pupil_id == pupil().id)
    return db.session.scalars(rows.where(model.owner == "family") if model is FollowUp else rows).first()


def changes(client, path, **values):
    """The status of a POST with a token from one's own page."""
    page = client.page("/account/")
    token = page.fields(page.all("form")[0])["csrf_token"][0]
    return client.post(path, data={"csrf_token": token, **values}).status_code


def test_a_helper_reads_and_confirms(as_, family):
    helper = as_(HELPER)
    visit = newest(Visit)
    assert "林嘉树" in helper.page(f"/schools/pupils/{pupil().public_id}").text
    assert "只能查看和确认" in helper.page(f"/schools/pupils/{pupil().public_id}").text
    notice = db.session.scalars(
        select(Notice).where(
            Notice.state == State.PUBLISHED, Notice.level == Level.CONFIRM, Notice.scope_kind == "class"
        )
    ).first()
    assert changes(helper, f"/notices/{notice.public_id}/confirmations") == 303
    assert db.session.scalar(
        select(NoticeReceipt.person_id).where(NoticeReceipt.person_id == person(HELPER).id)
    )
    page = helper.page(f"/visits/{visit.public_id}")
    assert page.status == 200 and "补充" not in page.buttons
    page.press("确认，是这样")
    assert newest(Visit).confirmed_by_id == person(HELPER).id


def test_a_helper_changes_nothing_and_a_parent_may(as_, family):
    visit, invitation, step = newest(Visit), newest(Invitation), newest(FollowUp)
    paths = [
        f"/visits/invitations/{invitation.public_id}/refusal",
        f"/visits/{visit.public_id}/remark",
        f"/visits/{visit.public_id}/correction",
        f"/visits/follow-ups/{step.public_id}/completion",
    ]
    helper, mother = as_(HELPER), as_(MOTHER, "guardian")

    assert {path: changes(helper, path) for path in paths} == dict.fromkeys(paths, 404)
    assert not {path for path in paths if changes(mother, path) in (403, 404)}


def test_an_invitation_tells_a_helper_who_answers(as_, family):
    page = as_(HELPER).page(f"/visits/invitations/{newest(Invitation).public_id}")

    assert page.status == 200
    assert set(page.buttons) <= READ_ALOUD
    assert "由父母" in page.text
    assert "想和您见面" not in as_(HELPER).page("/").text


def test_a_helper_sends_no_opinion_and_takes_no_seat(as_, family):
    page = as_(HELPER).page("/opinions/new")
    assert set(page.buttons) <= READ_ALOUD
    assert (
        as_(MOTHER, "guardian").page("/opinions/new").buttons == ["提交给学校"]
        or as_(MOTHER, "guardian").page("/opinions/new").buttons
    )
    sessions = db.session.scalars(select(CourseSession)).all()
    statuses = {
        changes(as_(HELPER), f"/courses/sessions/{one.public_id}/seat", household="x") for one in sessions
    }
    assert statuses == {404}
    assert not db.session.scalar(select(Seat.id).where(Seat.taken_by_id == person(HELPER).id))


def test_an_opinion_sent_before_stays_readable_only(as_, family):
    opinion = db.session.scalars(select(Opinion).where(Opinion.answered_on.is_not(None))).first()
    opinion.author_id, opinion.pupil_id = person(HELPER).id, pupil().id
    db.session.commit()
    helper = as_(HELPER)

    assert helper.page(f"/opinions/{opinion.public_id}").status == 200
    assert changes(helper, f"/opinions/{opinion.public_id}/rating", helpful="yes") == 404


def test_a_helper_takes_no_copy_of_the_child(app, family):
    assert "林嘉树".encode() not in zipped_text(HELPER)
    assert "林嘉树".encode() in zipped_text(MOTHER)


def zipped_text(name):
    packed = zipfile.ZipFile(io.BytesIO(zipped(person(name), clock.now())))
    return b"".join(packed.read(part) for part in packed.namelist())


def test_a_limit_has_its_days(as_, family):
    flag = db.session.scalars(
        select(GuardianshipFlag)
        .join(Guardianship)
        .where(Guardianship.person_id == person(HELPER).id, GuardianshipFlag.kind == Flag.LIMITED)
    ).one()
    flag.ended_on = clock.today()
    db.session.commit()
    assert set(as_(HELPER).page("/opinions/new").buttons) - READ_ALOUD
    flag.ended_on = clock.today() + timedelta(days=1)
    db.session.commit()
    assert not set(as_(HELPER).page("/opinions/new").buttons) - READ_ALOUD


def test_a_child_by_one_home_and_a_home_by_another_child_is_not_enough(as_, family):
    """A visit to 林嘉树's home is not read by a guardian of his who belongs to that home for another child only."""
    outsider = person("方晴")
    own = enrolling.form_household(clock.today())
    enrolling.add_guardian(pupil(), outsider, "姨妈", own, clock.today())
    brother = enrolling.add_pupil("林小树", db.session.get_one(School, pupil().school_id), clock.today())
    db.session.flush()
    tie = enrolling.add_guardian(brother, outsider, "姨妈", own, clock.today())
    tie.household_id = family
    db.session.commit()
    visit = newest(Visit)

    assert "确认，是这样" in as_(MOTHER, "guardian").page(f"/visits/{visit.public_id}").buttons
    page = as_("方晴").page(f"/visits/{visit.public_id}")
    assert "确认，是这样" not in page.buttons


def test_the_class_teacher_sets_and_lifts_the_limit(as_):
    mother = db.session.scalars(select(Guardianship).where(Guardianship.person_id == person(MOTHER).id)).one()
    address = f"/join/guardians/{mother.public_id}/limit"
    teacher = as_("王雪")
    assert teacher.page(address).press("只能查看和确认", limited_until="2020-01-01").status == 422
    teacher.page(address).press("只能查看和确认", limited_until=str(clock.today() + timedelta(days=9)))
    assert not set(as_(MOTHER, "guardian").page("/opinions/new").buttons) - READ_ALOUD
    assert "一位监护人现在只能查看和确认：妈妈" in as_(HELPER).page("/").text
    teacher.page(address).press("解除，恢复全部权限")
    assert set(as_(MOTHER, "guardian").page("/opinions/new").buttons) - READ_ALOUD
