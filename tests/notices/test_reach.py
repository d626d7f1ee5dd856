"""Whom a notice reaches today, and whom it does not."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal import clock
from portal.access import Role
from portal.extensions import db
from portal.notices import audience, reading
from portal.notices.models import Notice
from portal.notices.policy import NOTICE_READ
from portal.schools import enrolling
from portal.schools.models import Enrolment, Guardianship, Pupil, SchoolClass
from tests.notices.conftest import acting, numbers, person, select


def titles(client, path="/notices/"):
    return client.page(path).text


def pupil(name):
    return db.session.scalar(select(Pupil).where(Pupil.name == name))


def tie(child, adult):
    return db.session.scalar(
        select(Guardianship).where(
            Guardianship.pupil_id == pupil(child).id, Guardianship.person_id == person(adult).id
        )
    )


@pytest.mark.parametrize(
    ("author", "role", "kind", "reached", "spared"),
    [
        ("林悦", Role.COMMITTEE_CHAIR, "class", {"李晚晴", "周桂兰"}, {"王雪", "许诚", "何志强"}),
        ("王雪", Role.CLASS_TEACHER, "class", {"李晚晴", "阿依古丽·吐尔逊"}, {"许诚", "何志强"}),
        ("何静", None, "school", {"李晚晴", "周桂兰"}, {"王雪", "许诚", "何志强"}),
        ("何静", None, "grade", {"李晚晴", "周桂兰"}, {"王雪", "许诚", "何志强"}),
        ("张建平", None, "district", {"李晚晴", "周桂兰", "王雪"}, {"许诚", "何志强"}),
        ("张建平", None, "school", {"王雪"}, {"李晚晴", "许诚"}),
    ],
)
def test_a_notice_reaches_the_families_of_its_audience_only(as_, send, author, role, kind, reached, spared):
    notice = send(author, kind, role, place="三年级" if kind == "grade" else None)

    for name in reached:
        assert as_(name, "guardian").page(f"/notices/{notice.public_id}").status == 200, name
        assert "周六认树" in titles(as_(name, "guardian")), name
    for name in spared:
        assert as_(name, "guardian").get(f"/notices/{notice.public_id}").status_code == 404, name
        assert "周六认树" not in titles(as_(name, "guardian")), name
        assert "周六认树" not in as_(name, "guardian").page("/").text, name


def test_a_pupil_who_moved_class_takes_the_family_along(as_, send):
    notice = send()
    child = pupil("陈一诺")
    place = db.session.scalar(select(Enrolment).where(Enrolment.pupil_id == child.id))
    place.ended_on = clock.today()
    db.session.flush()
    other = db.session.scalar(
        select(SchoolClass).where(SchoolClass.school_id == child.school_id, SchoolClass.id != place.class_id)
    )
    enrolling.enrol(child, other, clock.today())

    assert as_("李晚晴").get(f"/notices/{notice.public_id}").status_code == 404
    assert "周六认树" not in titles(as_("李晚晴"))
    assert "陈一诺" not in as_("王雪").page(f"/notices/{notice.public_id}/report").text


def test_who_is_no_longer_a_guardian_reads_nothing(as_, send):
    notice = send()
    tie("赵小满", "周桂兰").ended_on = clock.today()

    assert as_("周桂兰").get(f"/notices/{notice.public_id}").status_code in (403, 404)


def test_an_order_of_the_court_takes_effect_at_once(as_, send):
    notice = send()
    enrolling.restrict(tie("陈一诺", "陈守川"), clock.today(), "裁定书(演练)第2号")

    assert as_("陈守川").get(f"/notices/{notice.public_id}").status_code == 404
    assert as_("李晚晴").get(f"/notices/{notice.public_id}").status_code == 200


def test_separated_parents_answer_apart(as_, send):
    notice = send()
    father = db.session.scalar(
        select(Guardianship)
        .where(Guardianship.id == tie("陈一诺", "陈守川").id)
        .execution_options(populate_existing=True)
    )
    db.session.refresh(father, ["pupil"])
    enrolling.split_household(father, clock.today(), None, "父母分开居住")
    as_("李晚晴").page(f"/notices/{notice.public_id}").press("确认收到")

    page = as_("陈守川").page(f"/notices/{notice.public_id}")

    assert "确认收到" in page.buttons
    assert "家里已" not in page.text


def test_a_later_family_reads_it_too(as_, send):
    notice = send()
    home = enrolling.form_household(clock.today())
    enrolling.add_guardian(pupil("陈一诺"), person("许诚"), "舅舅", home, clock.today())

    assert as_("许诚").page(f"/notices/{notice.public_id}").status == 200


def test_the_preview_counts_and_names_whom_the_portal_does_not_reach(as_, empty):
    teacher = as_("王雪").page("/notices/new")
    preview = teacher.press("保存，看看效果", title="听课", body="周三听课")

    assert "还没有账号" in preview.text
    assert "从未登录" in preview.text
    size = audience.size(db.session.scalar(select(Notice)))
    assert f"家长（人） {size.guardians}" in preview.text.replace("）", "） ").replace("  ", " ")
    assert size.reachable_guardians < size.guardians


def test_each_child_has_a_list_of_its_own(as_, send):
    send(title="三(2)班的事")
    send("张建平", "district", title="全县的事", level="read", due_on=None)
    mother = as_("李晚晴")
    both = mother.page("/notices/")
    elder = mother.page(both.links["陈一帆"])

    assert "三(2)班的事" in both.text and "全县的事" in both.text
    assert "三(2)班的事" not in elder.text and "全县的事" in elder.text


def test_the_list_goes_on_page_by_page_without_gaps_or_repeats(as_, send):
    for number in range(47):
        send("何静", "school", title=f"第{number:02d}号", level="read", due_on=None)
    client = as_("周桂兰")
    page, seen = client.page("/notices/"), []
    while True:
        seen += [
            text[text.index("第") : text.index("号") + 1]
            for text in page.links
            if "号" in text and "第" in text
        ]
        if "看更多" not in page.links:
            break
        page = client.page(page.links["看更多"])

    assert seen == [f"第{number:02d}号" for number in reversed(range(47))]


@given(data=st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_list_and_single_row_agree_for_everybody(send, data):
    """The prepared list holds exactly what the one scope of reading admits."""
    authors = [
        ("林悦", "class", None),
        ("何静", "school", None),
        ("何静", "grade", None),
        ("张建平", "district", None),
    ]
    for author, kind, role in data.draw(st.lists(st.sampled_from(authors), max_size=3)):
        send(author, kind, role)
    name = data.draw(st.sampled_from(["李晚晴", "王雪", "何志强", "许诚", "周桂兰", "方晴", "张建平"]))
    actor = acting(name, Role.GUARDIAN)

    listed, _more = reading.page(actor, reading.Cursor.read(""))
    admitted = set(db.session.scalars(NOTICE_READ.rows(actor).with_only_columns(Notice.id)))

    if len(admitted) <= reading.PAGE:
        assert {entry.row.id for entry in listed} == admitted
    else:
        assert {entry.row.id for entry in listed} <= admitted


def test_an_expired_notice_asks_nobody(as_, send):
    notice = send(due_on=None)
    notice.expires_on = clock.today() - timedelta(days=1)

    assert "周六认树" not in as_("李晚晴").page("/").text
    assert "已过期" in titles(as_("李晚晴"))
    assert numbers(notice) == (0, 0, 0, 0)
