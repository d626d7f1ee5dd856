"""Objections of others in the days of public notice: by name, examined by people who took no part, unknown to the school."""

import io
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from portal import clock
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.files.models import File
from portal.ratings import naming, standing
from portal.ratings.concerns import Concern
from portal.ratings.models import Entry, Round, RoundState
from portal.schools.models import School
from portal.trail.models import TrailEntry
from tests.files import seeds

SAID = "去年十一月的家长会没有开，我们班家长都在，照片是前年的。"


@pytest.fixture
def entry(app):
    """Last year's result of the town's school, on the last day of its public notice."""
    app.config["WTF_CSRF_ENABLED"] = False
    found = db.session.scalars(
        select(Entry)
        .join(Round, Round.id == Entry.round_id)
        .join(School, School.id == Entry.school_id)
        .where(Round.state == RoundState.PUBLISHED, School.name == "望溪小学")
    ).one()
    db.session.get(Round, found.round_id).publicity_ends_on = clock.today()
    db.session.commit()
    yield found
    app.config["WTF_CSRF_ENABLED"] = True


def where(entry):
    return f"/stars/{db.session.get(School, entry.school_id).public_id}/objection"


def send(client, entry, *files, words=SAID):
    page = client.page(where(entry))
    fields = page.fields(page.form_of("提交异议"))
    return client.send(
        where(entry), {**fields, "words": words, "files": [(io.BytesIO(one), name) for one, name in files]},
        files=True,
    )  # fmt: skip


def concern():
    return db.session.scalars(select(Concern).execution_options(populate_existing=True)).one()


def case(as_, name="苏敏"):
    return as_(name, "district_staff").page(f"/ratings/concerns/{concern().public_id}")


TYPED = {"outcome": "unfounded", "gist": "核查了家长会的记录，日期属实。", "reply": "谢谢您，我们查了记录。"}


def test_a_parent_objects_and_the_school_never_learns_who(as_, entry):
    link = where(entry)
    star = as_(None).page(link.removesuffix("/objection"))
    assert link in star.links.values()
    assert as_(None).get(link).status_code == 302
    page = send(as_("李晚晴"), entry, (seeds.pdf(), "证明.pdf"))
    assert SAID in page.text and "正在核查" in page.text and "证明.pdf" in page.text
    assert send_refused(as_("李晚晴"), entry) == 409, "one at a time"
    assert SAID not in as_("周桂兰").page(link).text, "another person"

    head = as_("孙立德")
    own = head.page(f"/ratings/assessments/{entry.public_id}")
    for word in (SAID, "李晚晴", "证明.pdf"):
        assert word not in own.text
    assert head.get(f"/ratings/concerns/{concern().public_id}").status_code == 403
    file = db.session.scalars(select(File).where(File.owner_kind == "rating_concern")).one()
    readers = {name: as_(name, role).get(f"/files/{file.public_id}").status_code for name, role in (
        ("苏敏", "district_staff"), ("张建平", "district_staff"), ("孙立德", None), ("吴正清", None),
        ("唐芸", "district_staff"), ("李晚晴", "guardian"),
    )}  # fmt: skip
    assert readers == {"苏敏": 200, "张建平": 404, "孙立德": 404, "吴正清": 404, "唐芸": 404, "李晚晴": 404}

    assert "请核查对评星结果的异议" in as_("苏敏").page("/").text
    assert "请核查对评星结果的异议" not in as_("张建平").page("/").text, "who decided"
    assert case(as_, "张建平").status == 404 and case(as_, "唐芸").status == 404
    page = case(as_)
    assert SAID in page.text and "李晚晴" in page.text
    page.press("答复", **TYPED)
    assert "核查了家长会的记录" in head.page(f"/ratings/assessments/{entry.public_id}").text
    for word in (SAID, "李晚晴", TYPED["reply"]):
        assert word not in head.page(f"/ratings/assessments/{entry.public_id}").text
        assert word not in as_(None).page(link.removesuffix("/objection")).text
    text = as_("李晚晴").page(link).text
    assert TYPED["reply"] in text and "不成立" in text
    assert db.session.scalar(select(Delivery.id).where(Delivery.kind == "rating.concern_answered"))
    assert TYPED["gist"] in case(as_).text, "whoever answered reads it again"
    read = select(TrailEntry).where(TrailEntry.object_kind == "rating_concern", TrailEntry.category == "F4")
    assert db.session.scalars(read).first(), "reading it is logged"
    assert "请核查对评星结果的异议" not in as_("苏敏").page("/").text


def send_refused(client, entry):
    return client.send(where(entry), {"words": SAID, "files": []}, files=True).status


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"outcome": ""}, "请选一项"),
        ({"gist": ""}, "请写明"),
        ({"gist": "李晚晴说家长会没有开。"}, "不能让学校知道"),
        ({"gist": "有人说去年十一月的家长会没有开，查无此事。"}, "自己的话"),
        ({"gist": "陈一诺的家长说没有开。"}, "孩子或家长"),
        ({"reply": ""}, "请写"),
    ],
)
def test_what_would_give_the_author_away_is_refused(as_, entry, change, says):
    send(as_("李晚晴"), entry)
    page = case(as_).press("答复", **TYPED | change)
    assert page.status == 422 and says in page.text
    assert concern().state == "open"


def test_what_is_founded_is_proposed_as_a_new_rating_and_stops_the_naming(as_, entry):
    send(as_("王雪", "class_teacher"), entry)
    with time_machine.travel(clock.now() + timedelta(days=1), tick=False):
        round_ = db.session.get(Round, entry.round_id)
        assert entry.id not in {one.id for one in naming.ready(round_, clock.today())}, "it is being examined"
        case(as_).press(
            "答复", **TYPED | {"outcome": "founded", "gist": "上年有一次家长会的记录与实际不符。"}
        )
        measure = standing.measures_of(entry)[0]
        assert (measure.kind, measure.state) == ("re_rating", "proposed")
        page = as_("孙立德").page(f"/ratings/assessments/{entry.public_id}/standing")
        assert "上年有一次家长会的记录与实际不符。" in page.text and "王雪" not in page.text
        assert entry.id not in {one.id for one in naming.ready(round_, clock.today())}
        assert "成立" in as_("王雪", "class_teacher").page(where(entry)).text


def test_it_is_taken_back_with_its_files_and_ends_with_the_notice(as_, entry):
    parent = as_("李晚晴")
    send(parent, entry, (seeds.pdf(), "证明.pdf"))
    parent.page(where(entry)).press("收回")
    assert concern().state == "withdrawn"
    assert db.session.scalar(select(File.id).where(File.owner_kind == "rating_concern")) is None
    assert parent.send(where(entry) + "/withdrawal", {}).status == 409
    assert case(as_).status == 404, "nothing to examine"
    send(parent, entry)
    with time_machine.travel(clock.now() + timedelta(days=1), tick=False):
        page = parent.page(where(entry))
        assert "提交异议" not in page.buttons and SAID in page.text
        assert send_refused(as_("周桂兰"), entry) == 409


@pytest.mark.parametrize(("words", "files"), [("", []), ("x" * 4001, []), (SAID, [(b"\x89PNG no", "a.png")])])
def test_bad_input_keeps_what_was_typed(as_, entry, words, files):
    page = send(as_("李晚晴"), entry, *files, words=words)
    assert page.status == 422
    assert page.fields(page.form_of("提交异议"))["words"] == [words]
    assert db.session.scalar(select(Concern.id)) is None


def test_a_school_without_a_published_result_has_nothing_to_object_to(as_, entry):
    assert as_("李晚晴").page("/stars/AAAAAAAAAAAAAAAAAAAAAA/objection").status == 404
    db.session.get(Round, entry.round_id).state = RoundState.OPEN
    db.session.commit()
    assert as_("李晚晴").page(where(entry)).status == 404
