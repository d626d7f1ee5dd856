"""Questionnaires through the front door: prepared and sent by the district, answered without a name, counted, released, voided."""

import io
from datetime import timedelta

import pytest
from pypdf import PdfReader
from sqlalchemy import func, select

from portal import clock
from portal.accounts.models import AuthSession
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.once import OnceKey
from portal.schools.models import Household, School
from portal.surveys import answering, codes, jobs, sending
from portal.surveys.answering import Given
from portal.surveys.models import (
    FlagKind,
    Survey,
    SurveyAnswer,
    SurveyBox,
    SurveyFlag,
    SurveyHousehold,
    SurveyPressure,
    SurveyRemark,
    SurveySchool,
    SurveyState,
)
from portal.trail.models import TrailEntry

BEST = {f"q{number}": "5" for number in range(9, 13)} | {f"q{number}": "yes" for number in range(1, 7)}


def newest():
    return db.session.scalars(select(Survey).order_by(Survey.id.desc()).limit(1)).one()


def address(survey, more=""):
    return f"/surveys/{survey.public_id}{more}"


@pytest.fixture
def sent(as_):
    """A questionnaire to the families of all schools, sent a moment ago."""
    page = as_("张建平").page("/surveys/new").press("准备好", name="期末家长问卷")
    assert "问卷已准备好" in page.html
    page.press("发给家长")
    return newest()


def tokens(survey, school="望溪小学"):
    """Token and invitation of every household of a school."""
    homes = db.session.scalars(
        select(SurveyHousehold)
        .join(SurveySchool, SurveySchool.id == SurveyHousehold.survey_school_id)
        .join(School, School.id == SurveySchool.school_id)
        .where(SurveySchool.survey_id == survey.id, School.name == school)
        .order_by(SurveyHousehold.id)
    ).all()
    return [(home.token, home) for home in homes]


def answered(survey, number, school="望溪小学", **more):
    """Let so many households of a school answer."""
    for token, home in tokens(survey, school)[:number]:
        answering.put(
            answering.admission_of(token, home), Given(more.get("choices", BEST), more.get("remark", ""))
        )
    db.session.commit()


def closed(as_, survey):
    as_("张建平").page(address(survey)).press("现在截止")
    db.session.expire_all()


def released(as_, survey):
    closed(as_, survey)
    as_("张建平").page(address(survey)).press("公布结果")
    db.session.expire_all()


def row_of(survey, school="望溪小学"):
    return db.session.scalars(
        select(SurveySchool)
        .join(School, School.id == SurveySchool.school_id)
        .where(SurveySchool.survey_id == survey.id, School.name == school)
    ).one()


def test_the_district_sends_it_and_every_household_gets_one_token(as_, sent):
    assert sent.state == SurveyState.OPEN
    homes = [home.household_id for _token, home in tokens(sent)]
    assert len(homes) == len(set(homes)) == row_of(sent).invited > 20
    assert all(codes.read(token) == token for token, _home in tokens(sent))
    assert "石桥县" not in as_("张建平").page(address(sent)).text


def test_a_split_family_is_two_and_a_restricted_parent_none(as_, sent):
    child = db.session.scalars(select(Household.id)).all()
    invited = {home.household_id for _token, home in tokens(sent)}
    assert invited < set(child)
    assert "填一份简短问卷" not in as_("何志强").page("/").text
    assert as_("何志强").page("/surveys/mine").text.count("开始") == 0


def test_a_family_answers_from_its_first_page_without_a_session(as_, sent):
    client = as_("李晚晴")
    before = db.session.scalar(select(func.count(OnceKey.id)))
    entries = db.session.scalar(select(func.count(TrailEntry.id)))
    assert "填一份简短问卷" in client.page("/").text
    page = client.page("/surveys/mine").press("开始填写")
    assert page.path.startswith("/q/")
    assert "学校只看得到满十户合在一起的数字" in page.text
    done = page.press("提交答卷", q1="yes", q9="5", remark="操场很好")
    assert done.heading == "答卷已收到"
    assert db.session.scalar(select(func.count()).select_from(SurveyBox)) >= 1
    assert db.session.scalar(select(func.count(OnceKey.id))) == before
    assert db.session.scalar(select(func.count(TrailEntry.id))) == entries


def test_answering_again_replaces_and_shows_nothing_of_before(as_, sent):
    token, _home = tokens(sent)[0]
    visitor = as_(None)
    boxes = db.session.scalar(select(func.count()).select_from(SurveyBox))
    for choice in ("5", "1"):
        page = visitor.page(f"/q/{token}")
        assert not [box for box in page.all("input") if box.get("checked") is not None]
        page.press("提交答卷", q12=choice)
    assert db.session.scalar(select(func.count()).select_from(SurveyBox)) == boxes + 1
    found = db.session.get_one(SurveyBox, codes.box_key(token))
    assert answering.unpacked(found.content)[1].choices == {"q12": "1"}


@pytest.mark.parametrize(
    "typed", ["7k4q", "0" * 16, "ABCD-EFGH-JKMN-PQRS-TVWX", "一二三四五六七八九十一二三四五六", ""]
)
def test_a_wrong_code_comes_back_with_words(as_, sent, typed):
    page = as_(None).page("/q/").press("继续", code=typed)
    assert page.status == 422
    assert page.all("p", class_="error")


def test_a_code_is_read_as_people_type_it(as_, sent):
    token, _home = tokens(sent)[3]
    typed = codes.shown(token).lower().replace("0", "o").replace("1", "l")
    page = as_(None).page("/q/").press("继续", code=f" {typed} ")
    assert page.path == f"/q/{token}"


def test_bad_answers_keep_what_was_typed(as_, sent):
    token, _home = tokens(sent)[0]
    client = as_(None)
    sent_again = client.page(f"/q/{token}").press("提交答卷", q1="no", remark="很" * 301)
    assert sent_again.status == 422
    assert "很" * 301 in sent_again.html
    empty = client.page(f"/q/{token}").press("提交答卷")
    assert empty.status == 422
    assert "请至少选一项" in empty.text
    forged = client.post("/q/answers", data={"token": token, "q1": "certainly"})
    assert forged.status_code == 422
    assert client.post("/q/answers", data={"token": "x"}).status_code == 404


def test_a_signed_in_person_is_nobody_there(as_, sent):
    token, _home = tokens(sent)[0]
    client = as_("王雪")
    seen = db.session.scalars(select(AuthSession.last_seen_at)).all()
    page = client.page(f"/q/{token}")
    assert "王雪" not in page.html
    assert "退出" not in page.html
    page.press("提交答卷", q9="4")
    assert db.session.scalars(select(AuthSession.last_seen_at)).all() == seen


def test_closing_opens_all_boxes_and_destroys_them(as_, sent):
    answered(sent, 15, remark="13812345678 找王老师")
    closed(as_, sent)
    row = row_of(sent)
    assert (row.answered, row.survey_id) == (15, sent.id)
    for model in (SurveyBox, SurveyHousehold):
        column = model.survey_school_id
        assert db.session.scalar(select(func.count()).select_from(model).where(column == row.id)) == 0
    answers = db.session.scalars(select(SurveyAnswer).where(SurveyAnswer.survey_school_id == row.id)).all()
    assert len(answers) == 15
    remarks = db.session.scalars(select(SurveyRemark).where(SurveyRemark.survey_school_id == row.id)).all()
    assert {remark.text for remark in remarks} == {"〔隐〕 找〔隐〕老师"}
    jobs.count_waiting()
    assert row_of(sent).answered == 15


def test_it_closes_by_itself_after_its_last_day(as_, sent):
    token, _home = tokens(sent)[0]
    sent.closes_on = clock.today() - timedelta(days=1)
    db.session.commit()
    assert as_(None).page(f"/q/{token}").status == 404
    jobs.count_waiting()
    assert newest().state == SurveyState.CLOSED


def test_one_release_shows_the_school_its_tables_and_no_small_class(as_, sent):
    answered(sent, 24)
    released(as_, sent)
    row = row_of(sent)
    page = as_("孙立德").page(f"/surveys/schools/{row.public_id}")
    assert "评价题均分" in page.text
    assert "三(2)班" in page.text or "三年级" in page.text or "全校" in page.text
    assert as_("钱文博").page(f"/surveys/schools/{row.public_id}").status == 404
    again = as_("张建平").page(address(sent))
    assert "公布结果" not in again.buttons
    book = as_("张建平").get(address(sent, "/results.xlsx"))
    assert book.status_code == 200 and book.data[:2] == b"PK"


def test_a_school_says_how_it_was_first_and_the_district_closes_the_question(as_, sent):
    answered(sent, 24)
    released(as_, sent)
    row = row_of(sent)
    flag = SurveyFlag(
        survey_school_id=row.id, kind=FlagKind.JUMP, figures='{"before": 63.5, "now": 82.1}',
        due_on=clock.today() + timedelta(days=7), answer="", closing="",
    )  # fmt: skip
    db.session.add(flag)
    db.session.commit()
    where, said = f"/surveys/schools/{row.public_id}", "换了三位班主任，家访更勤。"
    district, page = as_("张建平"), as_("孙立德").page(where)
    assert "了结这次询问" not in district.page(where).buttons, "the school first"
    elsewhere = as_("钱文博")
    typed = {
        "csrf_token": elsewhere.page("/account/").all("input", name="csrf_token")[0].get("value"),
        "words": said,
    }
    other = elsewhere.send(f"/surveys/flags/{flag.public_id}/answer", typed)
    assert other.status == 404, "another school's question"
    assert page.press("发出答复", words="").status == 422
    page.press("发出答复", words=said)
    page = district.page(where)
    assert said in page.text
    page.press("了结这次询问", words="已了解。")
    assert "已了解。" in as_("孙立德").page(where).text


def test_nobody_reads_results_before_the_release(as_, sent):
    answered(sent, 24)
    closed(as_, sent)
    row = row_of(sent)
    assert "还没有公布" in as_("孙立德").page(f"/surveys/schools/{row.public_id}").text
    assert "还没有公布" in as_("张建平").page(f"/surveys/schools/{row.public_id}").text
    assert as_("张建平").get(address(sent, "/results.xlsx")).status_code == 409


def test_too_few_answers_show_nothing(as_, sent):
    answered(sent, 9)
    released(as_, sent)
    assert "作答的太少" in as_("孙立德").page(f"/surveys/schools/{row_of(sent).public_id}").text


def test_pressure_reaches_the_district_alone_and_stays(as_, sent):
    token, _home = tokens(sent)[2]
    as_(None).page(f"/q/{token}").press("提交答卷", q9="5", told="群里让都选满意")
    assert "群里让都选满意" not in as_("张建平").page(address(sent, "/voices")).text
    jobs.gather()
    as_(None).page(f"/q/{token}").press("提交答卷", q9="5")
    jobs.gather()
    assert "群里让都选满意" in as_("张建平").page(address(sent, "/voices")).text
    assert (
        db.session.scalar(
            select(func.count())
            .select_from(SurveyPressure)
            .where(SurveyPressure.survey_school_id == row_of(sent).id)
        )
        == 1
    )
    assert as_("孙立德").page(address(sent, "/voices")).status == 403
    assert as_("唐芸").page(address(sent, "/voices")).status == 404


def test_free_words_come_in_batches_of_ten_or_not_at_all(as_, sent):
    answered(sent, 9, remark="多一点课后活动")
    released(as_, sent)
    assert "多一点课后活动" not in as_("张建平").page(address(sent, "/voices")).text


def test_two_people_void_a_school_and_its_families_are_asked_again(as_, sent):
    answered(sent, 15)
    closed(as_, sent)
    row = row_of(sent)
    old = {token for token, _home in tokens(sent, "东塔小学")}
    page = f"/surveys/schools/{row.public_id}/void"
    as_("张建平").page(page).press("提请第二人决定", reason="查实有人在群里要求统一填写")
    assert "公布结果" in as_("张建平").page(address(sent)).buttons
    assert as_("张建平").page(address(sent)).press("公布结果").status == 409
    assert "同意，不计入" not in as_("张建平").page(page).buttons
    done = as_("苏敏").page(page).press("同意，不计入")
    assert "一律不计入" in done.text
    again = done.press("请这些家庭重新填写")
    assert again.heading == "期末家长问卷（重新发放）"
    again.press("发给家长")
    fresh = newest()
    assert fresh.repeats_id == sent.id
    assert [
        one.school_id
        for one in db.session.scalars(select(SurveySchool).where(SurveySchool.survey_id == fresh.id))
    ] == [row.school_id]
    assert not old & {token for token, _home in tokens(fresh)}


def test_a_bad_reason_and_the_same_person_twice_are_refused(as_, sent):
    row = row_of(sent)
    page = f"/surveys/schools/{row.public_id}/void"
    assert as_("张建平").page(page).press("提请第二人决定", reason="").status == 422
    as_("张建平").page(page).press("提请第二人决定", reason="试填")
    client = as_("张建平")
    token = client.page(page).all("input", name="csrf_token")[0].get("value")
    assert client.post(f"{page}/decision", data={"agrees": "yes", "csrf_token": token}).status_code == 409


def test_slips_by_class_carry_the_code_and_count_as_fetched(as_, sent):
    client = as_("张建平")
    page = client.page(address(sent, "/slips"))
    form = page.form_of("打印给没有账号的家庭")
    fields = {name: values[0] for name, values in page.fields(form).items()}
    answer = client.post(address(sent, "/slips"), data=fields)
    assert answer.mimetype == "application/pdf"
    text = "".join(found.extract_text() for found in PdfReader(io.BytesIO(answer.data)).pages)
    fetched = db.session.scalars(
        select(SurveyHousehold).where(
            SurveyHousehold.fetched.is_(True),
            SurveyHousehold.survey_school_id == SurveySchool.id,
            SurveySchool.survey_id == sent.id,
        )
    ).all()
    assert fetched
    flat = text.replace("\n", "").replace(" ", "")
    assert all(codes.shown(home.token) in flat for home in fetched)


def test_messages_go_to_each_household_once_and_reminders_only_to_the_others(as_, sent):
    homes = [home for _token, home in tokens(sent)]
    invited = db.session.scalar(select(func.count(Delivery.id)).where(Delivery.kind == "survey.invited"))
    assert invited >= len(homes)
    sending.write_messages(sent.id)
    assert (
        db.session.scalar(select(func.count(Delivery.id)).where(Delivery.kind == "survey.invited")) == invited
    )
    homes[0].fetched = True
    token, home = tokens(sent)[1]
    answering.put(answering.admission_of(token, home), Given({"q1": "yes"}))
    db.session.commit()
    as_("张建平").page(address(sent)).press("提醒还没领取的家庭")
    reminded = db.session.scalar(select(func.count(Delivery.id)).where(Delivery.kind == "survey.reminded"))
    assert reminded == invited - 2
    assert as_("张建平").page(address(sent)).press("提醒还没领取的家庭").status == 409


def test_the_questions_can_be_adapted_until_it_is_sent(as_):
    page = as_("张建平").page("/surveys/new").press("准备好", name="调整过的问卷")
    survey = newest()
    edit = as_("张建平").page(address(survey, "/questions"))
    form = edit.form_of("保存题目")
    values = {name: found[0] for name, found in edit.fields(form).items() if name.startswith("keep_")}
    assert len(values) == 12
    edit.press(
        "保存题目", keep_q7=[], text_q1="老师联系过您吗？", own_1="您喜欢线上还是线下？", kind_1="fact"
    )
    db.session.expire_all()
    survey = newest()
    assert survey.version == "2026.1*"
    assert [question.id for question in survey.questions] == [
        "q1",
        *(f"q{n}" for n in range(2, 7)),
        *(f"q{n}" for n in range(8, 13)),
        "o1",
    ]
    assert survey.questions[0].text == "老师联系过您吗？"
    assert edit.press("保存题目", text_q1="").status == 422
    page.press("发给家长")
    token, _home = tokens(newest())[0]
    assert "您喜欢线上还是线下？" in as_(None).page(f"/q/{token}").text
    assert as_("张建平").page(address(survey, "/questions")).buttons == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"group": "some"},
        {"closes_on": "2020-01-01"},
        {"closes_on": "soon"},
        {"group": "round:none"},
    ],
)
def test_a_questionnaire_that_does_not_hold_is_not_prepared(as_, wrong):
    before = newest().id if db.session.scalar(select(func.count(Survey.id))) else 0
    page = as_("张建平").page("/surveys/new").press("准备好", **wrong)
    assert page.status == 422
    assert (newest().id if before else 0) == before
