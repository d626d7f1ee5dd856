"""Parent committees through the front door: an election entered, meetings written down, a term that ends; who may do it."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal import clock
from portal.accounts.models import Person
from portal.committees.models import Committee, CommitteeMeeting, CommitteeMember, Scope
from portal.extensions import db
from portal.privacy.erasing import erase_person
from portal.ratings.metrics import METRICS, period_of
from portal.schools.models import School, SchoolClass, SchoolYear

THIRD = "三(2)班"


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def school():
    return db.session.scalars(select(School).where(School.name == "望溪小学")).one()


def committee(scope_kind=Scope.CLASS):
    """The committee of the class or school that came into office last."""
    return db.session.scalars(
        select(Committee)
        .where(Committee.school_id == school().id, Committee.scope_kind == scope_kind)
        .order_by(Committee.began_on.desc(), Committee.id.desc())
    ).first()


def address(found, rest=""):
    return f"/committees/{found.public_id}{rest}"


def elect(as_, who="王雪", **more):
    """Enter the committee of 三(2)班 elected today; the page that follows."""
    today = clock.today()
    values = {
        "began_on": str(today),
        "until_on": str(today + timedelta(days=364)),
        "way": "ballot",
        "eligible": "8",
        "voted": "7",
        "chair": person("林悦").public_id,
        "deputy": person("李晚晴").public_id,
        "members": [person("方晴").public_id, person("林悦").public_id],
        **more,
    }
    return as_(who).page("/committees/new").press("登记家委会", **values)


def figure(name):
    year = db.session.scalars(
        select(SchoolYear)
        .where(SchoolYear.starts_on <= clock.today(), SchoolYear.district_id == school().district_id)
        .order_by(SchoolYear.starts_on.desc())
    ).first()
    period = period_of(year, clock.today())
    return METRICS[name].figure(METRICS[name].records(school().id, period), period)


def test_a_class_teacher_enters_an_election_and_families_see_it(as_):
    before = committee()
    page = elect(as_)

    assert page.status == 200 and "已登记" in page.text
    found = committee()
    assert [(member.person_id, member.office) for member in members_of(found)] == [
        (person("林悦").id, "chair"),
        (person("李晚晴").id, "deputy"),
        (person("方晴").id, "member"),
    ]
    db.session.refresh(before)
    assert before.ended_on == clock.today(), "the committee before it is out of office the same day"
    mother = as_("李晚晴", "guardian")
    assert f"{THIRD}家委会" in mother.page("/").links or "家委会" in mother.page("/").text
    assert "应投 8 户，实投 7 户" in mother.page(address(found)).text
    assert "林悦" in mother.page(address(found)).text


def members_of(found):
    return db.session.scalars(
        select(CommitteeMember).where(CommitteeMember.committee_id == found.id).order_by(CommitteeMember.id)
    ).all()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"voted": "9"}, "参加投票的户数多于有投票权的户数"),
        ({"eligible": ""}, "投票产生的，请填写这个数"),
        ({"eligible": "0"}, "请填写大于零的整数"),
        ({"chair": ""}, "请选择主任"),
        ({"deputy": "", "members": []}, "连主任在内至少三人"),
        ({"until_on": "2020-01-01"}, "任期最后一天要晚于选举日期"),
        ({"until_on": "2040-01-01"}, "任期最长三年"),
        ({"began_on": "2040-01-01"}, "选举日期不能晚于今天"),
        ({"members": ["nobody"]}, "请从列表中选一项"),
    ],
)
def test_what_cannot_be_is_said_at_the_field_and_nothing_is_kept(as_, wrong, said):
    newest = committee().id
    page = elect(as_, **wrong)
    assert page.status == 422 and said in page.text
    assert committee().id == newest
    assert page.fields(page.form_of("登记家委会"))["until_on"], "what was typed is still there"


def test_without_a_vote_there_are_no_numbers_and_it_does_not_count_as_elected(as_):
    whole = figure("elections_in_term")
    elect(as_, way="named", eligible="", voted="")
    assert committee().eligible is None
    after = figure("elections_in_term")
    assert (after.numerator, after.denominator) == (whole.numerator - 1, whole.denominator)


def test_two_elections_of_one_day_are_one(as_):
    elect(as_)
    page = elect(as_)
    assert page.status == 409 and "已登记了当天或之后产生的家委会" in page.text


def test_the_office_makes_the_school_committee_of_members_of_the_classes(as_):
    office = as_("何静")
    missing = office.page("/committees/")
    assert "尚无在任家委会" in missing.text and "三(1)班" in missing.text
    place = f"school-{school().id}"
    page = office.page(f"/committees/new?place={place}")
    names = page.text
    assert "林悦" in names and "许诚" not in names, "only members of committees of this school"
    assert office.get("/committees/new?place=school-999999").status_code == 404
    assert office.get("/committees/new?place=nowhere").status_code == 404


def test_a_class_without_a_committee_has_nobody_to_send_to_the_grade(as_):
    second = db.session.scalars(
        select(SchoolClass).where(SchoolClass.school_id == school().id, SchoolClass.name == "三(1)班")
    ).first()
    db.session.query(Committee).filter(Committee.scope_kind == Scope.CLASS).delete()
    db.session.commit()
    assert second is not None
    page = as_("何静").page(f"/committees/new?place=grade-{second.grade_id}")
    assert "请先登记班级家委会" in page.text


def test_the_chair_writes_meetings_of_the_own_committee_and_takes_one_back(as_):
    chair, found = as_("林悦", "committee_chair"), committee()
    page = chair.page(address(found, "/meetings/new")).press(
        "保存会议记录",
        held_on=str(clock.today()),
        present="5",
        topics="期末家长开放日",
        agreed="十二月十日上午",
    )
    assert "期末家长开放日" in page.text and "5 人到会" in page.text
    meeting = db.session.scalars(select(CommitteeMeeting).order_by(CommitteeMeeting.id.desc())).first()
    page = chair.page(address(found, "/meetings/back"))
    assert page.press("撤回这次记录", which=meeting.public_id).status == 422, "not without a reason"
    page = page.press("撤回这次记录", which=meeting.public_id, reason="重复登记")
    assert "已撤回：重复登记" in page.text
    db.session.refresh(meeting)
    assert meeting.taken_back_at is not None
    other = committee(Scope.SCHOOL)
    assert chair.get(address(other, "/meetings/new")).status_code == 404


def test_a_meeting_lies_within_the_term_and_not_ahead(as_):
    chair, found = as_("林悦", "committee_chair"), committee()
    form = chair.page(address(found, "/meetings/new"))
    for day, said in (
        (found.began_on - timedelta(days=1), "不在家委会任期内"),
        (clock.today() + timedelta(days=1), "开会日期不能晚于今天"),
    ):
        page = form.press("保存会议记录", held_on=str(day), present="5", topics="x")
        assert page.status == 422 and said in page.text
    page = form.press("保存会议记录", held_on=str(clock.today()), present="0", topics="")
    assert "请填写大于零的整数" in page.text and "请填写议题" in page.text


def test_meetings_of_the_school_committee_count_by_term_until_taken_back(as_):
    office, found = as_("何静"), committee(Scope.SCHOOL)
    before = figure("committee_meetings").counts["term1"]
    office.page(address(found, "/meetings/new")).press(
        "保存会议记录", held_on=str(clock.today()), present="9", topics="校服"
    )
    assert figure("committee_meetings").counts["term1"] == before + 1
    meeting = db.session.scalars(select(CommitteeMeeting).order_by(CommitteeMeeting.id.desc())).first()
    office.page(address(found, "/meetings/back")).press(
        "撤回这次记录", which=meeting.public_id, reason="误登"
    )
    assert figure("committee_meetings").counts["term1"] == before
    principal = as_("孙立德")
    assert "家委会" in principal.page("/ratings/metrics/elections_in_term").text


def test_a_committee_that_ends_early_is_not_in_office_and_says_why(as_):
    found = committee()
    office = as_("何静")
    page = office.page(address(found, "/end")).press("今天终止", reason="主任转学")
    assert "主任转学" in page.text and "任期已结束" in page.text
    page = office.page(address(found, "/end")).press("今天终止", reason="再来")
    assert page.status == 409


def test_a_restricted_father_and_a_neighbour_see_nothing(as_):
    found = committee()
    for name in ("何志强", "沈家平", "许诚"):
        someone = db.session.scalars(select(Person).where(Person.name == name)).first()
        if someone is not None:
            assert as_(name).get(address(found)).status_code in (403, 404), name


def test_erasing_a_member_leaves_the_committee(as_, app):
    found, mother = committee(), person("李晚晴")
    erase_person(mother, clock.today())
    db.session.commit()
    assert mother.id not in [member.person_id for member in members_of(found)]
    assert len(members_of(found)) == 2


def test_the_database_holds_what_the_forms_hold(as_, app):
    found = committee()
    for wrong in ({"voted": 9, "eligible": 8}, {"way": "named"}, {"until_on": found.began_on}):
        with pytest.raises(IntegrityError), db.session.begin_nested():
            for name, value in wrong.items():
                setattr(found, name, value)
            db.session.flush()
        db.session.expire(found)
