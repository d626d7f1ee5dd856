"""An objection and two appeals: in their terms, by other people each time, and what they change scores again exactly."""

import io
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.orm import joinedload, selectinload

from portal import clock
from portal.access import Role
from portal.accounts.models import Appointment
from portal.errors import RuleBroken
from portal.extensions import db
from portal.ratings import deciding, evidence
from portal.ratings.evidence import Evidence
from portal.ratings.models import (
    Entry,
    Objection,
    ObjectionState,
    Round,
    RoundState,
    RubricVersion,
    VetoEvent,
)
from portal.ratings.rubrics import rubric_of
from portal.ratings.terms import TERMS
from portal.schools.models import School
from portal.trail.models import TrailEntry, note
from tests.files import seeds
from tests.ratings.building import appoint, countersigned, entry_of, person

SAID = "第二次征求意见有公示照片，在档案盒第三格。"
STANDARD = TERMS["standard"]
SECONDS = {"苏敏": "罗敏", "郑雅琴": "高洁", "钱文博": "方敏"}
"""Who countersigns whose answer."""


@pytest.fixture
def entry(app):
    """Last year's result of the town's school, on the last day of its public notice; two more people in the office, who countersign."""
    for name in ("罗敏", "高洁"):
        appoint(name)
    return entry_of(RoundState.PUBLISHED, publicity_ends_on=clock.today())


def own(as_, entry):
    return as_("孙立德").page(f"/ratings/assessments/{entry.public_id}")


def objected(as_, entry, button="提出异议"):
    return own(as_, entry).press(button, **{"objection-items": ["D4", "C1"], "objection-text": SAID})


def hearing(as_, entry, name="苏敏"):
    return as_(name, "district_staff").page(f"/ratings/entries/{entry.public_id}/objection")


def found(as_, entry, points="3", name="苏敏"):
    """What the hearer finds about D4."""
    where = f"/ratings/entries/{entry.public_id}/objection/D4"
    return as_(name, "district_staff").page(where).press("保存核查结果", points=points, reason="照片有日期。")


def answered(as_, entry, page, name="苏敏", **typed):
    """An answer signed on a page of the hearer, then countersigned by somebody else who took no part."""
    page = page.press("答复学校", **typed)
    assert "等待会签" in page.text, page.text
    return countersigned(as_, f"/ratings/entries/{entry.public_id}/objection", SECONDS[name])


def upheld(as_, entry, name):
    typed = {"outcome": "uphold", "text": f"{name}核对过，没有公示。"}
    page = answered(as_, entry, hearing(as_, entry, name), name, **typed)
    assert "已答复" in page.text
    return page


def cases(entry):
    return db.session.scalars(
        select(Objection)
        .where(Objection.entry_id == entry.id)
        .order_by(Objection.tier)
        .execution_options(populate_existing=True)
    ).all()


def notice_is_over(entry):
    """The last day of public notice was yesterday."""
    round_ = db.session.get(Round, entry.round_id)
    round_.publicity_ends_on = clock.today() - timedelta(days=1)
    note("rating.window_extended", round_, person_id=None)
    db.session.commit()


def public(as_, entry):
    school = db.session.get(School, entry.school_id).public_id
    return as_(None).page(f"/stars/{school}")


def reproduce(app, entry):
    round_id = db.session.get(Round, entry.round_id).public_id
    return app.test_cli_runner().invoke(args=["rating", "reproduce", round_id])


def test_an_objection_is_heard_by_somebody_else_and_changes_the_result(as_, app, entry):
    assert "请看评星结果" in as_("孙立德").page("/").text
    page = objected(as_, entry)
    due = STANDARD.reply.after(clock.today())
    assert "正在核查" in page.text and SAID in page.text and f"{due.month}月{due.day}日" in page.text
    assert "提出异议" not in page.buttons
    star = public(as_, entry)
    assert "还不是最终结果" in star.text
    assert "核查" not in star.text and SAID not in star.text, "nobody outside learns who objected"

    decided = as_("张建平").page(f"/ratings/entries/{entry.public_id}")
    assert SAID in decided.text and "核查并答复" not in decided.text
    assert hearing(as_, entry, "张建平").status == 404, "who decided"
    assert "请答复：对结果的异议" not in as_("张建平").page("/").text

    assert "请答复：对结果的异议" in as_("苏敏").page("/").text
    page = hearing(as_, entry)
    assert SAID in page.text and "四星 · 89 分" in page.text
    assert as_("苏敏").page(f"/ratings/entries/{entry.public_id}/objection/A1").status == 404, "not named"
    page = found(as_, entry)
    assert "90" in page.text
    answered(as_, entry, page, outcome="change", text="照片属实，D4 改为 3 分。")

    entry = db.session.get(Entry, entry.id, populate_existing=True)
    assert entry.total == "90"
    (case,) = cases(entry)
    assert (case.state, case.before_total, case.before_star) == (ObjectionState.CHANGED, "89", 4)
    text = own(as_, entry).text
    assert "四星 · 89 分" in text and "90 分" in text and "照片属实，D4 改为 3 分。" in text
    star = public(as_, entry)
    assert "原结果：四星，89 分" in star.text and SAID not in star.text and "照片属实" not in star.text
    assert reproduce(app, entry).exit_code == 0, reproduce(app, entry).output
    actions = set(
        db.session.scalars(select(TrailEntry.action).where(TrailEntry.action.startswith("rating.")))
    )
    assert {"rating.object", "rating.objected", "rating.change", "rating.changed"} <= actions


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE rating_entry SET star = 3 WHERE id = {id}",
        "UPDATE rating_entry SET total = '89' WHERE id = {id}",
        "UPDATE rating_entry SET inputs = replace(inputs, '545', '546') WHERE id = {id}",
        "UPDATE rating_mark SET facts = '{{\"points\":0}}' WHERE item_id = 'F3'",
    ],
)
def test_a_changed_result_that_was_tampered_with_is_noticed(as_, app, entry, change):
    objected(as_, entry)
    answered(as_, entry, found(as_, entry), outcome="change", text="照片属实。")
    assert reproduce(app, entry).exit_code == 0
    db.session.connection().exec_driver_sql(change.format(id=entry.id))
    db.session.commit()
    assert reproduce(app, entry).exit_code == 1


@pytest.mark.parametrize("days", [0, 1])
def test_the_last_day_of_the_notice_still_counts_and_the_next_does_not(as_, entry, days):
    page = own(as_, entry)
    db.session.get(Round, entry.round_id).publicity_ends_on = clock.today() - timedelta(days=days)
    db.session.commit()
    page = page.press("提出异议", **{"objection-items": "D4", "objection-text": SAID})
    assert (page.status, len(cases(entry))) == ((409, 0) if days else (200, 1))
    if days:
        assert "这是最终结果" in own(as_, entry).text
        assert "还不是最终结果" not in public(as_, entry).text


@pytest.mark.parametrize(
    ("items", "text"), [([], SAID), (["D4"], ""), (["D4"], "  "), (["X9"], SAID), (["D4"], "长" * 4001)]
)
def test_what_was_typed_stays(as_, entry, items, text):
    page = own(as_, entry).press("提出异议", **{"objection-items": items, "objection-text": text})
    assert page.status == 422
    assert not cases(entry)
    fields = page.fields(page.form_of("提出异议"))
    assert fields["objection-text"] == [text.strip()]
    if items == ["D4"]:
        assert fields["objection-items"] == ["D4"]


@pytest.mark.parametrize(
    "typed", [{}, {"outcome": "change", "text": "好"}, {"outcome": "perhaps", "text": "好"}]
)
def test_an_answer_without_reason_or_change_is_refused(as_, entry, typed):
    objected(as_, entry)
    page = hearing(as_, entry).press("答复学校", **typed)
    assert page.status == 422
    assert cases(entry)[0].state == ObjectionState.OPEN
    assert page.fields(page.form_of("答复学校"))["text"] == [typed.get("text", "")]


@pytest.mark.parametrize(
    ("points", "reason", "status"),
    [
        ("2", "一样", 422),
        ("9", "太多", 422),
        ("x", "不是数", 422),
        ("3", "", 422),
        ("3", "照片有日期。", 200),
    ],
)
def test_a_finding_needs_another_fact_that_fits_and_a_reason(as_, entry, points, reason, status):
    objected(as_, entry)
    where = f"/ratings/entries/{entry.public_id}/objection/D4"
    page = as_("苏敏").page(where).press("保存核查结果", points=points, reason=reason)
    assert page.status == status
    if status == 422:
        fields = page.fields(page.form_of("保存核查结果"))
        assert fields["reason"] == [reason]
        if points in ("2", "3"):
            assert fields["points"] == [points]


def test_a_finding_must_be_used_or_taken_back_and_cannot_lower_the_result(as_, entry):
    objected(as_, entry)
    page = found(as_, entry, "1").press("答复学校", outcome="change", text="只有一次。")
    assert page.status == 422 and "不能因此降低结果" in page.text
    page = hearing(as_, entry).press("答复学校", outcome="uphold", text="维持。")
    assert page.status == 422 and "维持原决定" in page.text
    as_("苏敏").page(f"/ratings/entries/{entry.public_id}/objection/D4").press("维持原决定")
    upheld(as_, entry, "苏敏")
    assert db.session.get(Entry, entry.id, populate_existing=True).total == "89"


def test_two_appeals_each_by_other_people_then_the_result_is_final(as_, entry):
    for name in ("郑雅琴", "林悦"):
        appoint(name, "云溪县")
    objected(as_, entry)
    upheld(as_, entry, "苏敏")
    page = own(as_, entry)
    due = STANDARD.appeal.after(clock.today())
    assert "苏敏核对过，没有公示。" in page.text and f"{due.month}月{due.day}日" in page.text

    objected(as_, entry, "提出申诉")
    assert cases(entry)[1].answer_due_on == STANDARD.review.after(clock.today())
    assert hearing(as_, entry, "苏敏").status == 404, "who answered before"
    assert "苏敏核对过" in hearing(as_, entry, "郑雅琴").text
    upheld(as_, entry, "郑雅琴")

    objected(as_, entry, "再次提出申诉")
    assert hearing(as_, entry, "林悦").status == 200, "nobody of the office above is here"
    appoint("钱文博", "云岭市")
    assert hearing(as_, entry, "林悦").status == 404, "the office above has people"
    assert "请答复：第二次申诉" in as_("钱文博", "district_staff").page("/").text
    appoint("方敏", "云岭市")
    answered(as_, entry, found(as_, entry, name="钱文博"), "钱文博", outcome="change", text="照片属实。")
    assert db.session.get(Entry, entry.id, populate_existing=True).total == "90"
    assert "这是最终结果" not in own(as_, entry).text, "others may still object"
    notice_is_over(entry)
    page = own(as_, entry)
    assert "这是最终结果" in page.text
    assert not {"提出异议", "提出申诉", "再次提出申诉"} & set(page.buttons)


def test_an_answer_that_does_not_come_opens_the_next_step(as_, entry):
    appoint("郑雅琴", "云溪县")
    objected(as_, entry)
    hearing(as_, entry)
    found(as_, entry)
    assert "提出申诉" not in own(as_, entry).buttons
    cases(entry)[0].answer_due_on = clock.today() - timedelta(days=1)
    db.session.commit()
    page = own(as_, entry)
    assert "不用再等" in page.text
    page.press("提出申诉", **{"objection-items": ["D4"], "objection-text": SAID})
    assert [case.state for case in cases(entry)] == [ObjectionState.LAPSED, ObjectionState.OPEN]
    assert hearing(as_, entry, "苏敏").status == 404, "who let it lapse"
    upheld(as_, entry, "郑雅琴")


def test_who_began_to_examine_answers_and_who_is_tied_to_the_school_does_not(as_, entry):
    appoint("郑雅琴", "云溪县")
    objected(as_, entry)
    found(as_, entry)
    assert hearing(as_, entry, "郑雅琴").status == 404
    tied = Appointment(
        person_id=person("苏敏").id,
        role=Role.SCHOOL_OFFICE,
        school_id=entry.school_id,
        started_on=clock.today(),
    )
    page = hearing(as_, entry)
    db.session.add(tied)
    db.session.commit()
    assert "有关联" in hearing(as_, entry).text
    assert page.press("答复学校", outcome="change", text="照片属实。").status == 409


def test_the_database_itself_wants_other_people_and_keeps_what_was_answered(as_, entry):
    objected(as_, entry)
    (case,) = cases(entry)
    case.heard_by_id = person("张建平").id
    with pytest.raises(IntegrityError, match="other_person"):
        db.session.flush()
    db.session.rollback()
    upheld(as_, entry, "苏敏")
    objected(as_, entry, "提出申诉")
    cases(entry)[1].heard_by_id = person("苏敏").id
    with pytest.raises(IntegrityError, match="heard_by_id"):
        db.session.flush()
    db.session.rollback()
    for change in (
        "UPDATE rating_objection SET answer_text = '改' WHERE tier = 1",
        "DELETE FROM rating_objection",
    ):
        with pytest.raises(DatabaseError, match="frozen"):
            db.session.connection().exec_driver_sql(change)
        db.session.rollback()
    cases(entry)[0].answer_text = "改"
    with pytest.raises(RuleBroken, match="已经答复"):
        db.session.flush()
    db.session.rollback()


def test_files_come_with_an_objection_and_only_the_hearer_and_the_district_read_them(as_, entry):
    head = as_("孙立德")
    page = head.page(f"/ratings/assessments/{entry.public_id}")
    fields = page.fields(page.form_of("提出异议"))
    sent = {**fields, "objection-items": ["D4"], "objection-text": SAID}
    where = f"/ratings/assessments/{entry.public_id}/objection"
    broken = head.send(where, {**sent, "objection-files": [(io.BytesIO(b"\x89PNG no"), "a.png")]}, files=True)
    assert broken.status == 422 and SAID in str(broken.fields(broken.form_of("提出异议")))
    fields = broken.fields(broken.form_of("提出异议"))
    sent = {**fields, "objection-items": ["D4"], "objection-text": SAID}
    files = [(io.BytesIO(seeds.pdf()), "公示照片.pdf"), (io.BytesIO(seeds.pdf()), "同一份.pdf")]
    page = head.send(where, {**sent, "objection-files": files}, files=True)
    assert "公示照片.pdf" in page.text and "同一份.pdf" not in page.text
    row = db.session.scalars(select(Evidence).where(Evidence.entry_id == entry.id)).one()
    address = f"/files/{row.file_public_id}"
    assert address in hearing(as_, entry).links.values()
    seen = {name: as_(name, role).get(address).status_code for name, role in (
        ("苏敏", "district_staff"), ("张建平", None), ("孙立德", None), ("吴正清", None), ("钱文博", None),
    )}  # fmt: skip
    assert seen == {"苏敏": 200, "张建平": 200, "孙立德": 200, "吴正清": 404, "钱文博": 404}
    assert "公示照片.pdf" not in str(evidence.standing(entry)), "it is no evidence of the self-assessment"


def test_a_school_takes_its_objection_back_and_the_way_ends_there(as_, app, entry):
    objected(as_, entry)
    page = own(as_, entry).press("撤回异议")
    assert "已撤回" in page.text and "提出异议" not in page.buttons and "撤回异议" not in page.buttons
    assert [case.state for case in cases(entry)] == ["withdrawn"]
    assert hearing(as_, entry).status == 404
    assert "请答复：对结果的异议" not in as_("苏敏").page("/").text
    assert "还不是最终结果" in public(as_, entry).text, "others may still object"
    notice_is_over(entry)
    assert "还不是最终结果" not in public(as_, entry).text
    with pytest.raises(DatabaseError, match="frozen"):
        db.session.connection().exec_driver_sql(
            "UPDATE rating_objection SET text = 'x' WHERE state = 'withdrawn'"
        )
    db.session.rollback()
    assert reproduce(app, entry).exit_code == 0


def test_an_objection_against_a_veto_sets_it_aside_and_the_stars_come_back(as_, app, entry):
    """Last year's result as it would be with a veto that two people established."""
    row = db.session.get(Entry, entry.id)
    veto = next(
        one
        for one in rubric_of(
            db.session.get(RubricVersion, db.session.get(Round, row.round_id).rubric_version_id)
        ).settings["vetoes"]
        if "when" not in one
    )
    event = VetoEvent(
        entry_id=row.id, veto_id=veto["id"], reason="群众来信反映。", recorded_by_id=person("张建平").id,
        recorded_at=clock.now(), confirmed_by_id=person("唐芸").id, confirmed_at=clock.now(),
    )  # fmt: skip
    db.session.add(event)
    db.session.flush()
    loaded = db.session.scalars(
        select(Entry)
        .where(Entry.id == row.id)
        .options(joinedload(Entry.round).joinedload(Round.rubric_version), selectinload(Entry.vetoes))
        .execution_options(populate_existing=True)
    ).one()
    deciding.settle(loaded, person("张建平").id, "有一项否决。")
    low = loaded.star
    db.session.commit()
    assert low != 4
    name = f"veto:{veto['id']}"
    page = own(as_, entry).press(
        "提出异议", **{"objection-items": [name], "objection-text": "信中说的不是我校。"}
    )
    assert page.status == 200
    where = f"/ratings/entries/{entry.public_id}/objection"
    link = f"{where}/vetoes/{veto['id']}"
    assert link in hearing(as_, entry).links.values()
    page = as_("苏敏", "district_staff").page(link)
    assert "群众来信反映。" in page.text
    assert page.press("这一项否决不成立", reason="").status == 422
    assert as_("苏敏", "district_staff").page(f"{where}/vetoes/V99").status == 404
    assert as_("苏敏", "district_staff").page(f"{where}/{name}").status == 404, "no indicator"
    page.press("这一项否决不成立", reason="来信说的是另一所学校。")
    answered(as_, entry, hearing(as_, entry), outcome="change", text="否决不成立。")
    row = db.session.get(Entry, entry.id, populate_existing=True)
    assert (row.star, row.total) == (4, "89")
    assert "来信说的是另一所学校。" in own(as_, entry).text
    assert reproduce(app, entry).exit_code == 0, reproduce(app, entry).output
