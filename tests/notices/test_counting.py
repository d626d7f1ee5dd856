"""The numbers beside a notice equal its receipts, whatever happens; pages cost the same for few and many."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from portal import clock
from portal.access import Role
from portal.errors import RuleBroken
from portal.extensions import db
from portal.notices import answering, audience, counting, writing
from portal.notices.jobs import count_what_is_due
from portal.notices.models import Notice, NoticeSummary
from portal.notices.tasks import tasks
from portal.schools import enrolling
from portal.schools.models import Enrolment, Pupil, SchoolClass
from tests.notices.conftest import acting, numbers, person, receipts, select

READERS = ("李晚晴", "陈守川", "周桂兰", "赵大江", "方晴", "林悦", "阿依古丽·吐尔逊")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["open", "confirm"]), st.sampled_from(READERS)),
        st.tuples(st.just("correct"), st.booleans()),
        st.tuples(st.just("withdraw"), st.none()),
    ),
    max_size=14,
)


@given(
    steps=STEPS, counts=st.sampled_from(["household", "guardian"]), level=st.sampled_from(["read", "confirm"])
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_the_numbers_equal_the_receipts_after_anything(send, steps, counts, level):
    notice = send(counts=counts, level=level)
    chair = acting("林悦")
    words = {name: getattr(notice, name) for name in writing.TEXTS}
    for act, detail in steps:
        try:
            if act == "open":
                answering.open_notice(notice, person(detail).id)
            elif act == "confirm":
                answering.confirm_notice(notice, person(detail).id)
            elif act == "correct":
                writing.correct(notice, chair, "改了", detail, **words)
            else:
                writing.withdraw(notice, chair, "写错了")
        except RuleBroken:
            continue
        db.session.commit()

    assert counting.differences() == {}
    opened, opened_homes, confirmed, confirmed_homes = numbers(notice)
    assert confirmed <= opened and confirmed_homes <= opened_homes <= opened
    assert all(row.confirmed_at is None or row.opened_at <= row.confirmed_at for row in receipts(notice))
    if level == "confirm" and counts == "household":
        size = audience.size(notice)
        assert audience.missing_households(notice) == size.households - confirmed_homes


def test_a_number_that_drifted_is_named_and_put_right(app, send):
    notice = send()
    answering.confirm_notice(notice, person("李晚晴").id)
    db.session.execute(update(NoticeSummary).values(confirmed_households=9))
    db.session.commit()
    runner = app.test_cli_runner()

    found = runner.invoke(args=["rollups", "rebuild", "--compare"])
    assert found.exit_code == 1
    assert "confirmed_households：汇总 9，记录 1" in found.output

    assert runner.invoke(args=["rollups", "rebuild"]).exit_code == 0
    assert numbers(notice) == (1, 1, 1, 1)
    assert runner.invoke(args=["rollups", "rebuild", "--compare"]).exit_code == 0


def test_a_notice_to_the_whole_district_is_one_row(as_, empty, queries):
    page = as_("张建平").page("/notices/new")
    district = page.all("option")[1].get("value")
    preview = page.press("保存，看看效果", title="全县通知", body="请看", audience=district)

    with queries() as count:
        preview.press("发布")

    written = [statement for statement in count.statements if statement.lstrip().upper().startswith("INSERT")]
    assert sum("INSERT INTO notice_receipt" in one or "notice_household" in one for one in written) == 0
    assert len(db.session.scalars(select(Notice)).all()) == 1


def test_the_sweep_counts_audiences_that_the_doorbell_lost(send):
    notice = send()
    db.session.execute(update(NoticeSummary).values(counted_at=None, households=0))
    db.session.commit()

    count_what_is_due()

    kept = db.session.get(NoticeSummary, notice.id)
    db.session.refresh(kept)
    assert kept.households == audience.size(notice).households > 0


def crowd(count):
    """So many more children with a guardian each in 三(2)班."""
    school_class = db.session.scalar(select(SchoolClass).where(SchoolClass.name == "三(2)班"))
    school = db.session.scalar(
        select(Pupil).join(Enrolment).where(Enrolment.class_id == school_class.id)
    ).school_id
    for number in range(count):
        child = Pupil(
            name=f"孩子{number}", name_pinyin="", name_initials="", school_id=school, arrived_on=clock.today()
        )
        db.session.add(child)
        enrolling.enrol(child, school_class, clock.today())
        adult = enrolling.add_person(f"家长{number}")
        db.session.flush()
        enrolling.add_guardian(child, adult, "妈妈", enrolling.form_household(clock.today()), clock.today())
    db.session.commit()


@pytest.mark.parametrize(
    ("name", "role", "path"),
    [
        ("李晚晴", None, "/notices/"),
        ("李晚晴", None, "/"),
        ("林悦", Role.COMMITTEE_CHAIR, "/notices/outbox"),
        ("王雪", None, "/notices/outbox"),
        ("何静", None, "/notices/outbox"),
    ],
)
def test_lists_cost_the_same_for_one_notice_and_for_forty(as_, send, queries, name, role, path):
    client = as_(name, role)
    send()
    client.page(path)
    with queries() as one:
        client.page(path)
    for _number in range(39):
        send()
    with queries() as many:
        client.page(path)

    assert len(many) == len(one)


@pytest.mark.parametrize(("name", "role"), [("林悦", Role.COMMITTEE_CHAIR), ("王雪", None), ("何静", None)])
def test_a_report_costs_the_same_for_few_and_many_guardians(as_, send, queries, name, role):
    notice = send()
    client = as_(name, role)
    path = f"/notices/{notice.public_id}/report"
    client.page(path)
    with queries() as few:
        client.page(path)
    crowd(490)
    with queries() as many:
        page = client.page(path)

    assert len(many) == len(few)
    assert page.status == 200


def test_the_first_page_of_a_family_reads_its_notices_in_one_statement(as_, send, queries):
    send()
    actor = acting("李晚晴", Role.GUARDIAN)
    with as_("李晚晴").application.test_request_context(), queries() as count:
        found = tasks(actor)

    assert len(found) == 1
    assert count.statements == ["prepared"]
