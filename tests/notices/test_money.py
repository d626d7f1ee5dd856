"""Words that ask for money: found where they are meant, silent where they are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.notices import money
from portal.trail.models import TrailEntry
from tests.notices.conftest import acting, db, select

ASKING = (
    "每人交20元",
    "每人交２０元",
    "请交五十块钱",
    "一共要三百元整",
    "￥30 一份",
    "¥ 1,200.50",
    "请微信转账给家委会",
    "請轉賬",
    "扫下面的收款码",
    "班费本周收齐",
    "资料费请交给组长",
    "请不要忘记缴费",
    "自愿捐款",
    "发红包给老师",
    "50块，周五前",
    "please pay 20 RMB",
    "bank transfer to the committee",
)
SILENT = (
    "元旦放假三天",
    "第三单元测验",
    "我们一块儿去河边",
    "请带一块抹布",
    "准备三块展板",
    "元宵节猜灯谜",
    "一元一次方程的作业",
    "公元前的故事",
    "多元文化周",
    "检查免费，自愿参加",
    "活动不收费",
    "无需缴费，带水就行",
    "严禁以任何名义收费",
    "周六上午九点在东门集合",
    "教三年级二单元",
    "20 个人，3 组",
    "the third unit",
)


@pytest.mark.parametrize("text", ASKING)
def test_a_request_for_money_is_found(text):
    assert money.found(text)


@pytest.mark.parametrize("text", SILENT)
def test_a_harmless_word_is_no_alarm(text):
    assert money.found(text) == []


@given(st.text(max_size=60), st.sampled_from(ASKING), st.text(max_size=60))
def test_a_request_is_found_whatever_stands_on_the_lines_around_it(before, asking, after):
    assert money.found(f"{before}\n{asking}\n{after}")


def preview_of(client, **fields):
    page = client.page("/notices/new")
    return page.press("保存，看看效果", **{"title": "春游", "body": "请交20元车费", **fields})


def test_publishing_a_request_for_money_needs_a_tick_and_reaches_the_district(as_, empty):
    chair = as_("林悦", "committee_chair")
    preview = preview_of(chair)
    assert "像是在要钱" in preview.text and "20元" in preview.text

    refused = preview.press("发布")
    assert refused.status == 422
    assert "请勾选“我仍要发布”" in refused.text
    assert "春游" not in as_("张建平").page("/notices/flagged").text

    report = refused.press("发布", money_known="y")
    assert report.status == 200
    flagged = as_("张建平").page("/notices/flagged")
    assert "春游" in flagged.text and "林悦" in flagged.text
    assert "春游" not in as_("唐芸").page("/notices/flagged").text, "another district"
    kept = db.session.scalar(select(TrailEntry).where(TrailEntry.action == "notice.published_with_money"))
    assert kept.facts["words"] == ["20元", "车费"]
    assert kept.person_id == acting("林悦").person_id

    link = next(url for text, url in flagged.links.items() if "春游" in text)
    page = as_("张建平").page(link)
    assert "撤回通知" in page.links
    assert "更正通知" not in page.links


def test_a_correction_that_asks_for_money_needs_the_tick_too(as_, send):
    notice = send()
    form = as_("林悦", "committee_chair").page(f"/notices/{notice.public_id}/correction")

    refused = form.press("发布更正", change="加一句", body="每人交10元。")
    assert refused.status == 422
    assert "每人交10元。" in refused.html, "what was typed is kept"

    refused.press("发布更正", money_known="y")
    assert "周六认树" in as_("张建平").page("/notices/flagged").text
