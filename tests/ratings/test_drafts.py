"""Writing a rubric in the browser: copied, changed piece by piece, checked, tried on last year's data, published."""

import json

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.ratings.models import Entry, Round, RoundState, RubricVersion
from portal.ratings.rubric.words import KINDS
from portal.ratings.rubrics import values_of
from portal.ratings.workbooks import workbook
from tests.ratings.building import countersigned
from tests.ratings.rubric.sheets import EXAMPLES
from tests.ratings.rubric.test_rubric_tables import values_of as file_values
from tests.ratings.test_workbooks import send

COPY, KEEP = "复制一份来修改", "保存"


@pytest.fixture
def draft(as_, app):
    """A copy of the published default rubric, as a page of the district's."""
    published = db.session.scalars(select(RubricVersion)).one()
    return as_("张建平").page(f"/ratings/rubrics/{published.public_id}").press(COPY)


def newest():
    """The newest version."""
    return db.session.scalars(select(RubricVersion).order_by(RubricVersion.id.desc()).limit(1)).one()


def item_page(page, name):
    """The form of an indicator."""
    return page.client.page(f"/ratings/rubrics/{newest().public_id}/items/{name}")


def test_a_copy_is_changed_compared_in_words_and_published(as_, draft):
    assert "没有问题" in draft.text
    page = item_page(draft, "C1")
    form = page.fields(page.form_of(KEEP))
    assert form["rule"] == [
        "类型：按比例分档\n各档：不低于 1，得分 8；不低于 0.95，得分 6；不低于 0.90，得分 4；不低于 0.80，得分 2；其余，得分 0"
    ]
    page = page.press(
        KEEP,
        rule="按比例分档\n各档：不低于 98%，得分 8；不低于 ９０%，得分 4；其余，得分 0",
        standard="走访率达标",
    )
    assert page.status == 200
    assert "没有问题" in page.text
    client = page.client
    words = client.page(f"/ratings/rubrics/{newest().public_id}/differences").text
    assert "第 2 版与第 1 版相比" in words
    assert "规则：有修改" in words and "不低于 0.98，得分 8" in words and "不低于 0.95，得分 6" in words
    assert "评分标准：有修改" in words
    assert words.count("有修改") == 2, "nothing else changed"
    page = client.page(f"/ratings/rubrics/{newest().public_id}")
    assert "走访率达标" in page.text
    assert "5 个，结果全部对得上" in page.text
    page = countersigned(as_, page.press("发布这份细则").path)
    assert "已发布" in page.text
    assert client.get(f"/ratings/rubrics/{newest().public_id}/edit").status_code == 409


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"rule": "按比例分档\n各档：不低于 1，得分 9；其余，得分 0"}, "9 分，超过本项满分 8 分。"),
        ({"rule": "按比例分档\n各档：（不低于 1"}, "有括号只写了前一半。"),
        ({"rule": "看心情"}, "没有“看心情”这种规则"),
        ({"rule": ""}, "少了内容"),
        ({"points": "八分"}, "“八分”不是分值。"),
        ({"number": ""}, "请给指标编号。"),
        ({"number": "C2"}, "重复"),
        ({"number": "C.1"}, "不能用作编号"),
        ({"other": "最低分：很低"}, "很低"),
        ({"title": "家\u202e访"}, "无法显示"),
        ({"source": "system:telepathy"}, "请从列表中选一项"),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(draft, typed, told):
    before = newest().yaml
    page = item_page(draft, "C1").press(KEEP, **typed)
    assert page.status == 422
    assert told in page.text, page.text[:400]
    kept = page.fields(page.form_of(KEEP))
    assert all(kept[name] == [value] for name, value in typed.items() if name not in ("source", "title"))
    assert newest().yaml == before


def test_a_draft_may_be_unfinished_but_is_not_published_so(draft):
    page = item_page(draft, "C1").press(
        KEEP, points="9", rule="按比例分档\n各档：不低于 1，得分 9；其余，得分 0"
    )
    assert page.status == 200
    assert "C 得分：下级指标合计 23 分" in page.text, "the group says 22"
    client, version = page.client, newest()
    assert client.get(f"/ratings/rubrics/{version.public_id}").status_code == 409
    refused = client.send(f"/ratings/rubrics/{version.public_id}/publication", {"csrf_token": token(page)})
    assert refused.status == 409
    assert client.page(f"/ratings/rubrics/{version.public_id}/preview").text.count("不能试算") == 1
    item_page(draft, "C1").press(KEEP, points="8", rule="按比例分档\n各档：不低于 1，得分 8；其余，得分 0")
    assert "没有问题" in client.page(f"/ratings/rubrics/{version.public_id}/edit").text


def token(page):
    """The forgery token of a page."""
    return page.fields(page.form_of("删除草稿"))["csrf_token"][0]


def test_the_check_while_typing_says_what_sending_would_and_keeps_nothing(draft):
    page = item_page(draft, "C1")
    fields = page.fields(page.form_of(KEEP))
    before = newest().yaml
    where = f"/ratings/rubrics/{newest().public_id}/items/C1/check"
    wrong = page.client.post(where, data=fields | {"rule": ["看心情"]})
    assert wrong.status_code == 200
    assert "看心情" in json.loads(wrong.data)["problems"][0]
    right = page.client.post(where, data=fields | {"rule": ["达到得满分"]})
    assert json.loads(right.data) == {"problems": []}, "control"
    assert newest().yaml == before


@pytest.mark.parametrize("kind", ["binary", "lookup_by_size", "survey_mean", "group"])
def test_an_indicator_is_added_and_taken_out_again(draft, kind):
    client, version = draft.client, newest()
    before = values_of(version)
    page = client.page(f"/ratings/rubrics/{version.public_id}/new-item").press("增加", under="A", kind=kind)
    assert page.status == 200
    assert page.heading == ("分组 A4" if kind == "group" else "指标 A4")
    assert values_of(newest()) != before
    page = page.press("连同下级一起删去" if kind == "group" else "删去这一项")
    assert "没有问题" in page.text
    assert values_of(newest()) == before


def test_every_kind_can_be_chosen_and_none_must_be_guessed(draft):
    page = draft.client.page(f"/ratings/rubrics/{newest().public_id}/new-item")
    assert all(word in page.text for word in KINDS.values())
    assert page.press("增加", under="A").status == 422
    assert page.press("增加", under="Z9", kind="binary").status == 422
    bonus = draft.client.page(f"/ratings/rubrics/{newest().public_id}/new-item")
    assert bonus.press("增加", under="bonus", kind="binary").heading == "指标 P3"


def test_an_indicator_moves_up(draft):
    page = item_page(draft, "C2").press("上移")
    assert page.status == 200
    assert [entry["id"] for entry in values_of(newest())["indicators"][2]["children"]][:2] == ["C2", "C1"]
    assert values_of(newest())["indicators"][2]["title"]


def test_settings_are_changed_and_contradictions_told(draft):
    where = f"/ratings/rubrics/{newest().public_id}/settings"
    page = draft.client.page(where)
    fields = page.fields(page.form_of(KEEP))
    assert fields["vetoes"][0].startswith("编号 V1，名称：（简体 考评数据或问卷造假")
    stars = "类型：按总分定星\n星级标准：星 5，总分不低于 95；星 4，总分不低于 85"
    page = page.press(KEEP, result=stars)
    assert "没有问题" in page.text
    assert [rank["star"] for rank in values_of(newest())["result"]["ranks"]] == [5, 4]
    for typed, told in (
        ({"result": "类型：按总分定星\n星级标准：星 5，总分不低于 80；星 4，总分不低于 85"}, "从高到低"),
        ({"vetoes": "编号 V1，名称 造假，后果 罚款"}, "罚款"),
        ({"total": "满分一百"}, "满分一百"),
        ({"rest": "有效年数"}, "少了冒号"),
    ):
        page = draft.client.page(where).press(KEEP, **typed)
        assert page.status == 422
        assert told in page.text, (told, page.text[:300])
        assert page.fields(page.form_of(KEEP))[next(iter(typed))] == list(typed.values())
    page = draft.client.page(where).press(KEEP, number="ours", title="本县细则")
    assert (newest().rubric_id, newest().version, newest().name) == ("ours", 1, "本县细则")


def test_last_years_data_under_an_unchanged_copy_and_under_a_changed_one(draft, queries):
    past = db.session.scalars(select(Round).where(Round.state == RoundState.PUBLISHED)).one()
    entries = db.session.scalars(select(Entry).where(Entry.round_id == past.id)).all()
    client, where = draft.client, f"/ratings/rubrics/{newest().public_id}/preview"
    text = client.page(where).text
    for entry in entries:
        total = str(entry.total)
        assert f"当时 {total} 分" in text and f"按这一版 {total} 分" in text
    item_page(draft, "D4").press(KEEP, rule="达到得满分", title="征求意见", points="3")
    text = client.page(where).text
    assert "缺数据：D4" in text, "points given by judgement say nothing about met or not"
    with queries() as few:
        client.page(where)
    assert len(few) < 20


def test_a_draft_is_removed(draft):
    before = newest().id
    page = draft.press("删除草稿")
    assert page.heading == "考评细则"
    assert newest().id < before


@pytest.mark.parametrize(
    "path", [path for path in EXAMPLES if path.stem != "default"], ids=lambda path: path.stem
)
def test_a_real_rubric_comes_in_by_the_page_and_its_worked_cases_hold(as_, app, path):
    values = file_values(path)
    page = send(as_("张建平"), workbook(values, "表"))
    assert page.status == 200
    assert values_of(newest()) == values
    page = page.client.page(f"/ratings/rubrics/{newest().public_id}")
    assert f"{len(values['cases'])} 个，结果全部对得上" in page.text
    page.client.page(f"/ratings/rubrics/{newest().public_id}/edit")
    broken = {**values, "id": "broken", "cases": [{**values["cases"][0], "expect": {"total": "7777"}}]}
    send(page.client, workbook(broken, "表"))
    page = page.client.page(f"/ratings/rubrics/{newest().public_id}")
    assert "7777" in page.text, "control: a case that does not hold is told"
