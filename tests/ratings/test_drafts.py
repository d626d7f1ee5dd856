"""Writing a rubric in the browser: copied, changed piece by piece, checked, tried on last year's data, published."""

import json
from decimal import Decimal

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.ratings import drafting
from portal.ratings.canonical import restored
from portal.ratings.models import Entry, Round, RoundState, RubricVersion
from portal.ratings.rubric.editing import entries
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
    """The form of an indicator, as text."""
    return page.client.page(f"/ratings/rubrics/{newest().public_id}/items/{name}?as=text")


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
    assert "看心情" in json.loads(wrong.data)["fields"]["rule"]
    right = page.client.post(where, data=fields | {"rule": ["达到得满分"]})
    assert json.loads(right.data) == {"problems": [], "fields": {}}, "control"
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


def fields_page(page, name, end=""):
    """The form of an indicator, field by field."""
    return page.client.page(f"/ratings/rubrics/{newest().public_id}/items/{name}{end}")


def held(name):
    """An indicator of the draft."""
    return next(entry for _path, entry in entries(values_of(newest())) if entry["id"] == name)


def test_an_indicator_filled_in_field_by_field_stays_as_it_was_when_nothing_is_changed(draft):
    before = values_of(newest())
    for name in ("A1", "B1", "C4", "F1", "P1", "C"):
        page = fields_page(draft, name).press(KEEP)
        assert (page.status, values_of(newest())) == (200, before), name


def test_a_rule_is_built_from_fields_another_kind_first_shows_its_own(draft):
    page = fields_page(draft, "C1")
    form = page.fields(page.form_of(KEEP))
    assert form["rule-kind"] == ["ratio_bands"]
    assert [form[f"rule-bands-{row}-limit"] for row in range(5)] == [
        ["1"],
        ["0.95"],
        ["0.90"],
        ["0.80"],
        [""],
    ]
    page = page.press(KEEP, **{"rule-kind": "count_threshold", "points": "6"})
    assert page.status == 422
    assert "下面是这种方法要填的栏目" in page.text
    assert values_of(newest())["indicators"][2]["children"][0]["points"] == 8, "nothing is kept half"
    form = page.fields(page.form_of(KEEP))
    assert form["points"] == ["6"] and "rule-bands-0-limit" not in form
    page = page.press(KEEP)
    assert page.status == 422 and "最少、按学段、各级和同时满足" in page.text
    page = page.press(
        KEEP,
        **{
            "rule-period": "学期",
            "rule-by_stage-0-name": "小学", "rule-by_stage-0-value": "２",
            "rule-steps-0-share": "100%", "rule-steps-0-points": "6",
            "rule-steps-1-share": "1/2", "rule-steps-1-points": "3",
        },
    )  # fmt: skip
    assert page.status == 200
    assert held("C1")["rule"] == {
        "kind": "count_threshold",
        "period": "term",
        "by_stage": {"primary": 2},
        "steps": [{"share": 1, "points": 6}, {"share": "1/2", "points": 3}],
    }


def test_more_rows_come_without_script_and_an_emptied_row_is_gone(draft):
    page = fields_page(draft, "C1")
    last = {"rule-bands-5-compare": "ge", "rule-bands-5-limit": "0.5", "rule-bands-6-limit": "7"}
    page = page.press("再加几行，或换一种方法", **last)
    form = page.fields(page.form_of(KEEP))
    assert form["rule-bands-5-limit"] == ["0.5"] and form["rule-bands-8-limit"] == [""]
    gone = {f"rule-bands-{row}-{name}": "" for row in (1, 5, 6) for name in ("compare", "limit", "points")}
    page = page.press(KEEP, **gone)
    assert page.status == 200
    assert [band.get("ge") for band in held("C1")["rule"]["bands"]] == [
        1,
        Decimal("0.90"),
        Decimal("0.80"),
        None,
    ]


WRONG = (
    ({"rule-bands-0-points": "9"}, "rule-bands-0-points", "超过本项满分"),
    ({"rule-bands-0-points": ""}, "rule-bands-0-limit", "得分和占本项比例"),
    ({"rule-bands-1-limit": "很多"}, "rule-bands-1-limit", "很多"),
    ({"rule-bands-1-compare": ""}, "rule-bands-1-compare", "界限和界限值要一起填"),
    ({"rule-bands-2-limit": "1e9"}, "rule-bands-2-limit", "1e9"),
    ({"rule-kind": ""}, "rule-kind", "请选择计分方法"),
    ({"points": "八分"}, "points", "不是分值"),
    ({"number": "C2"}, "number", "重复"),
    ({"rule-numerator": "家\u202e访"}, "rule-numerator", "无法显示"),
    ({"other-applies_when-0-subject": "of"}, "other-applies_when-0-name", "请填写这一项"),
    ({"other-floor": "很低"}, "other-floor", "很低"),
)


def test_what_is_wrong_stands_at_its_own_field_while_typing_and_after_sending(draft):
    before = newest().yaml
    opened = fields_page(draft, "C1")
    where = f"/ratings/rubrics/{newest().public_id}/items/C1"
    for typed, field, told in WRONG:
        fields = opened.fields(opened.form_of(KEEP)) | {name: [text] for name, text in typed.items()}
        live = json.loads(opened.client.post(f"{where}/check", data=fields).data)["fields"]
        assert told in live.get(field, ""), live
    for typed, _field, told in WRONG[::3]:
        page = opened.press(KEEP, **typed)
        assert page.status == 422 and told in page.text, typed
        assert newest().yaml == before
        kept = page.fields(page.form_of(KEEP))
        assert all(kept[name] == [text] for name, text in typed.items())


def test_stars_vetoes_and_caps_are_set_field_by_field(draft):
    where = f"/ratings/rubrics/{newest().public_id}/settings"
    before = values_of(newest())
    assert draft.client.page(where).press(KEEP).status == 200
    assert values_of(newest()) == before, "control: nothing was changed"
    page = draft.client.page(where).press(
        KEEP,
        **{
            "whole-result-ranks-0-min_total": "95",
            "whole-result-ranks-0-min_shares-0-name": "C", "whole-result-ranks-0-min_shares-0-value": "0.9",
            "whole-vetoes-5-id": "V6", "whole-vetoes-5-title": "体罚学生", "whole-vetoes-5-effect": "lower_star",
            "whole-vetoes-5-by": "2", "whole-bonus-cap": "３", "whole-allow_relative": "true",
            "whole-gates-0-id": "G1", "whole-gates-0-title": "办学许可", "whole-not_applicable": "shrink",
        },
    )  # fmt: skip
    assert page.status == 200, page.text[:500]
    values = values_of(newest())
    assert values["result"]["ranks"][0]["min_shares"] == {"C": Decimal("0.9")}
    assert values["vetoes"][5] == {"id": "V6", "title": "体罚学生", "effect": "lower_star", "by": 2}
    assert (values["bonus"]["cap"], values["gates"], values["not_applicable"], values["allow_relative"]) == (
        3, [{"id": "G1", "title": "办学许可"}], "shrink", True,
    )  # fmt: skip
    for typed, told in (
        ({"whole-result-ranks-1-min_total": "97"}, "从高到低"),
        ({"whole-vetoes-0-effect": ""}, "请填写这一项"),
        ({"whole-vetoes-0-effect": "cap_star"}, "最高"),
        ({"whole-deductions-cap": "5"}, "细则里没有这一类项目"),
        ({"rest": "满分：得分 90"}, "有专门的栏目"),
        ({"whole-validity_years": "三年"}, "三年"),
    ):
        page = draft.client.page(where).press(KEEP, **typed)
        assert page.status == 422 and told in page.text, (typed, page.text[:600])
        assert values_of(newest()) == values
    page = draft.client.page(where).press(KEEP, **{"whole-result-kind": "star_adjust"})
    assert page.status == 422 and "whole-result-ratings-0-id" in page.fields(page.form_of(KEEP))


def test_fields_and_text_are_read_and_typed_in_traditional_characters(draft):
    client = draft.client
    client.set_cookie("language", "zh-Hant")
    page = fields_page(draft, "C4")
    assert "抽查合格率" in page.text and "佔本項比例" in page.text and "占本项比例" not in page.text
    page = fields_page(draft, "C4", "?as=text")
    rule = page.fields(page.form_of("保存"))["rule"][0]
    assert rule.startswith("類型：抽查合格率") and "其餘，得分 0" in rule
    before = values_of(newest())
    assert page.press("保存").status == 200
    assert values_of(newest()) == before


def test_an_indicator_moves_up(draft):
    page = item_page(draft, "C2").press("上移")
    assert page.status == 200
    assert [entry["id"] for entry in values_of(newest())["indicators"][2]["children"]][:2] == ["C2", "C1"]
    assert values_of(newest())["indicators"][2]["title"]


def test_settings_are_changed_and_contradictions_told(draft):
    where = f"/ratings/rubrics/{newest().public_id}/settings?as=text"
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
    decided = db.session.scalars(select(Entry).where(Entry.round_id == past.id)).all()
    client, where = draft.client, f"/ratings/rubrics/{newest().public_id}/preview"
    text = client.page(where).text
    for entry in decided:
        total = str(entry.total)
        assert f"当时 {total} 分" in text and f"按这一版 {total} 分" in text
    item_page(draft, "D4").press(KEEP, rule="达到得满分", title="征求意见", points="3")
    text = client.page(where).text
    assert "缺数据：D4" in text, "points given by judgement say nothing about met or not"
    with queries() as few:
        client.page(where)
    assert len(few) < 20


def test_a_draft_that_is_not_right_or_only_in_another_order_is_told_in_words(draft):
    version, client = newest(), draft.client
    where = f"/ratings/rubrics/{version.public_id}"

    whole = restored(version.canonical)["indicators"]

    def kept(change):
        values = restored(version.canonical)
        change(values)
        drafting.keep(version, values, version.stored_by_id)
        db.session.commit()
        return [client.page(f"{where}/{page}").text for page in ("differences", "preview")]

    words, tried = kept(lambda values: values["indicators"][0]["children"].reverse())
    assert "指标的先后顺序：有修改" in words and "A3、A1" in words and "没有任何一处不同" not in words
    words, tried = kept(
        lambda values: values["bonus"]["items"].append(values["indicators"][0]["children"].pop())
    )
    assert "移到了别的分组" in words and "加分项" in words and "bonus" not in words
    assert "A 得分：下级指标合计 8 分，不是 12 分。" in tried and "indicators[" not in tried
    words, tried = kept(lambda values: values["vetoes"][0].pop("id"))
    assert "否决项：删去" in words and "这里缺少：编号" in tried
    words, tried = kept(
        lambda values: (
            values.pop("bonus")
            and values.update(result={"kind": "none"}, vetoes=[], cases=[], indicators=whole)
        )
    )
    assert "这份细则不评星" in tried and "未评星" not in tried


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
