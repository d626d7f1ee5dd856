"""The code of a household: one for all its children, the later answer counts, nothing after the closing, nobody finds one by trying."""

import io
from datetime import timedelta

import pytest
from pypdf import PdfReader
from sqlalchemy import func, select

from portal import clock
from portal.extensions import db
from portal.schools.models import Enrolment, Guardianship, Pupil, School, SchoolClass
from portal.surveys import answering, codes, slips
from portal.surveys.models import SurveyBox, SurveyHousehold
from portal.surveys.tries import MOST, tries
from tests.surveys.test_surveys import address, answered, closed, newest, released, row_of, tokens
from tests.surveys.test_unlinkable import homes_of, opened


@pytest.fixture
def sent(app):
    """A questionnaire to the families of two schools, open since a moment ago."""
    schools = db.session.scalars(
        select(School).where(School.name.in_(("望溪小学", "东塔小学"))).order_by(School.id)
    ).all()
    opened(schools=schools)
    return newest()


@pytest.fixture(autouse=True)
def no_tries():
    """Each test begins without wrong codes."""
    tries.forget()
    yield
    tries.forget()


def boxes():
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(SurveyBox))


def test_phone_slip_and_message_are_one_answer_and_the_last_counts(as_, sent):
    token, _home = tokens(sent)[0]
    before = boxes()
    for typed, choice in ((token, "1"), (codes.shown(token).lower(), "3"), (codes.shown(token), "5")):
        page = as_(None).page("/q/").press("继续", code=typed)
        page.press("提交答卷", q12=choice)
    assert boxes() == before + 1
    box = db.session.get_one(SurveyBox, codes.box_key(token))
    assert answering.unpacked(box.content)[1].choices == {"q12": "5"}
    closed(as_, sent)
    assert row_of(sent).answered == 1


def test_after_the_closing_nothing_is_taken_by_any_way(as_, sent):
    token, _home = tokens(sent)[0]
    page = as_(None).page(f"/q/{token}")
    closed(as_, sent)
    late = page.press("提交答卷", q12="5")
    assert late.status == 404
    assert "截止" in late.text
    assert as_(None).page(f"/q/{token}").status == 404
    assert as_(None).page("/q/").press("继续", code=token).status == 422
    assert boxes() == 0 or db.session.get(SurveyBox, codes.box_key(token)) is None
    assert row_of(sent).answered == 0


def test_the_last_day_counts_whole_and_the_next_one_not_at_all(as_, sent):
    token, _home = tokens(sent)[0]
    survey = newest()
    survey.closes_on = clock.today()
    db.session.commit()
    assert as_(None).page(f"/q/{token}").press("提交答卷", q1="yes").heading == "答卷已收到"
    survey = newest()
    survey.closes_on = clock.today() - timedelta(days=1)
    db.session.commit()
    assert as_(None).page(f"/q/{token}").status == 404


def test_a_code_of_another_questionnaire_opens_only_its_own(as_, sent):
    mine, other = tokens(sent)[0][0], tokens(sent, "东塔小学")[0][0]
    assert "望溪小学" in as_(None).page(f"/q/{mine}").text
    assert "望溪小学" not in as_(None).page(f"/q/{other}").text


def test_many_wrong_codes_from_one_place_have_to_wait(as_, sent):
    token, _home = tokens(sent)[0]
    visitor = as_(None)
    typed = visitor.page("/q/")
    assert typed.press("继续", code="0" * 16).status == 422
    for number in range(MOST - 1):
        tries.count("127.0.0.1")
        assert number or visitor.page(f"/q/{token}").status == 200
    for answer in (
        typed.press("继续", code="0" * 16), typed.press("继续", code=token), visitor.page(f"/q/{token}"),
    ):  # fmt: skip
        assert answer.status == 429
    assert visitor.post("/q/answers", data={"token": token, "q1": "yes"}).status_code == 429
    tries.forget()
    assert visitor.page(f"/q/{token}").status == 200


def test_right_codes_are_never_counted(as_, sent):
    token, _home = tokens(sent)[0]
    for _number in range(5):
        as_(None).page(f"/q/{token}").press("提交答卷", q1="yes")
    assert tries.wrong == {}


def test_a_network_of_ipv6_counts_as_one_place():
    for number in range(MOST):
        tries.count(f"2001:db8:1:2::{number:x}")
    assert tries.are_too_many("2001:db8:1:2:ffff::1")
    assert not tries.are_too_many("2001:db8:1:3::1")


def brought_to(class_name):
    """陈一帆 goes to a class of the school of 陈一诺, a child of the same household; the class's id."""
    place = db.session.execute(
        select(SchoolClass.id, School.id)
        .join(School, School.id == SchoolClass.school_id)
        .where(School.name == "望溪小学", SchoolClass.name == class_name)
    ).one()
    spot = db.session.scalars(
        select(Enrolment).join(Pupil, Pupil.id == Enrolment.pupil_id).where(Pupil.name == "陈一帆")
    ).one()
    spot.class_id, spot.school_id = place
    db.session.get_one(Pupil, spot.pupil_id).school_id = place[1]
    db.session.commit()
    return place[0]


@pytest.mark.parametrize(
    ("class_name", "names"), [("三(1)班", ["陈一帆"]), ("三(2)班", ["陈一帆", "陈一诺"])]
)
def test_two_children_of_a_household_are_one_code_on_one_slip(app, class_name, names):
    class_id = brought_to(class_name)
    row = opened()
    household_id = db.session.scalars(
        select(Guardianship.household_id)
        .join(Pupil, Pupil.id == Guardianship.pupil_id)
        .where(Pupil.name == "陈一帆")
    ).first()
    mine = [home for home in homes_of(row) if home.household_id == household_id]
    assert [home.class_id for home in mine] == [class_id]
    with app.test_request_context("/", base_url="https://gongyu.example"):
        whole_class = slips.to_print(
            newest(), db.session.get_one(SchoolClass, class_id).public_id, everybody=True
        )
        paper = slips.paper(newest(), [home for home in whole_class if home.id == mine[0].id])
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(paper)).pages)
    flat = text.replace("\n", "").replace(" ", "")
    assert flat.count(codes.shown(mine[0].token)) == 1
    assert [name for name in ("陈一帆", "陈一诺") if name in flat] == names


# What is shown: ten or nothing.


@pytest.mark.parametrize(("number", "shown"), [(9, False), (10, True)])
def test_nine_are_too_few_and_ten_are_enough(as_, sent, number, shown):
    choices = [{"q1": "yes" if place % 2 else "no"} for place in range(number)]
    for choice, (token, home) in zip(choices, tokens(sent), strict=False):
        answering.put(answering.admission_of(token, home), answering.Given(choice))
    for token, home in tokens(sent, "东塔小学")[:number]:
        answering.put(answering.admission_of(token, home), answering.Given({"q1": "yes"}))
    db.session.commit()
    released(as_, sent)
    page = as_("孙立德").page(f"/surveys/schools/{row_of(sent).public_id}")
    assert ("50.0%" in page.text) is shown
    assert ("作答的太少" in page.text) is not shown
    assert f"{number}" in page.text, "how many answered is no secret"


@pytest.mark.parametrize(("yes", "words"), [(20, "95%以上"), (0, "5%以下"), (10, "50.0%")])
def test_nearly_all_and_nearly_none_are_shown_as_bounds(as_, sent, yes, words):
    for place, (token, home) in enumerate(tokens(sent)[:20]):
        answering.put(
            answering.admission_of(token, home), answering.Given({"q1": "yes" if place < yes else "no"})
        )
    db.session.commit()
    released(as_, sent)
    text = as_("孙立德").page(f"/surveys/schools/{row_of(sent).public_id}").text.replace(" ", "")
    assert words in text
    assert "100.0%" not in text and "100%" not in text


def test_while_it_is_open_nobody_sees_how_many_have_answered(as_, sent):
    pages = {"张建平": address(sent), "孙立德": f"/surveys/schools/{row_of(sent).public_id}"}
    before = {name: as_(name).page(where).text for name, where in pages.items()}
    answered(sent, 13)
    assert {name: as_(name).page(where).text for name, where in pages.items()} == before
    tokens(sent)[0][1].fetched = True
    db.session.commit()
    assert as_("张建平").page(pages["张建平"]).text != before["张建平"], "what is fetched is counted"
    closed(as_, sent)
    assert "13" in as_("孙立德").page(pages["孙立德"]).text


def test_a_voided_school_counts_in_nothing_that_is_released(as_, sent):
    answered(sent, 20)
    answered(sent, 12, "东塔小学")
    row = row_of(sent)
    page = f"/surveys/schools/{row.public_id}/void"
    as_("张建平").page(page).press("提请第二人决定", reason="查实有人要求统一填写")
    as_("苏敏").page(page).press("同意，不计入")
    released(as_, sent)
    assert row_of(sent).tables is None
    shown = as_("孙立德").page(f"/surveys/schools/{row.public_id}").text
    assert "查实有人要求统一填写" in shown and "评价题均分" not in shown
    assert '"schools": 1' in newest().release


def test_who_is_asked_again_answers_with_a_new_code_only(as_, sent):
    old = dict(tokens(sent))
    row = row_of(sent)
    page = f"/surveys/schools/{row.public_id}/void"
    as_("张建平").page(page).press("提请第二人决定", reason="查实有人要求统一填写")
    as_("苏敏").page(page).press("同意，不计入").press("请这些家庭重新填写").press("发给家长")
    fresh = tokens(newest())
    assert {home.household_id for _token, home in fresh} == {home.household_id for home in old.values()}
    assert as_(None).page(f"/q/{next(iter(old))}").status == 404, "the old code is void at once"
    assert as_(None).page(f"/q/{fresh[0][0]}").status == 200
    assert db.session.scalar(select(func.count()).select_from(SurveyHousehold)) > len(old)
