"""The panel: minutes with a quorum before any opinion, recused members minuted, frozen, and in the signed record."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from portal import clock
from portal.access import Role
from portal.accounts.models import Appointment
from portal.errors import RuleBroken
from portal.extensions import db
from portal.ratings import panels, records
from portal.ratings.canonical import canonical
from portal.ratings.minutes import Meeting
from portal.ratings.models import Consensus, Entry, EntryState, Round, RoundState
from portal.ratings.policy import _took_no_part
from portal.schools.models import School
from tests.ratings.building import decided, entry_of, panel_met, person


@pytest.fixture
def entry(app):
    """Last year's school, as if its scores had just been agreed, in a round with a panel."""
    found = entry_of(RoundState.PUBLISHED, state=EntryState.AGREED, becomes=RoundState.OPEN, has_panel=True)
    found.opined_at = None
    db.session.commit()
    return found


def test_no_opinion_without_minutes_with_a_quorum(as_, entry):
    where = f"/ratings/entries/{entry.public_id}"
    lead = as_("张建平")
    page = lead.page(where)
    assert "评审会还没有提出建议" in page.text and "发出初步意见" not in page.buttons
    token = lead.page(where + "/panel").fields(lead.page(where + "/panel").form_of("保存会议记录"))[
        "csrf_token"
    ]
    refused = lead.send(where + "/opinion", {"csrf_token": token, "remark": "属实"})
    assert refused.status == 409 and "评审会" in refused.text

    page = panel_met(as_, entry, present=("张建平", "苏敏"))
    assert page.status == 422 and "不足法定人数" in page.text, "at least three"
    page = panel_met(as_, entry, absent=("冯秀英", "韩素云"), recused=())
    assert page.status == 200, "three of five are more than half"
    page = panel_met(as_, entry, absent=("冯秀英", "韩素云"), recused=("吴正清",))
    assert page.status == 422 and "两个名单" in page.text
    page = panel_met(as_, entry, in_favour="1")
    assert page.status == 422 and "未过半数" in page.text
    page = panel_met(as_, entry, in_favour="4")
    assert page.status == 422 and "多于到会人数" in page.text
    page = panel_met(as_, entry, chair="韩素云")
    assert page.status == 422 and "主持人应当到会" in page.text
    page = panel_met(as_, entry, text="")
    assert page.status == 422
    page = panel_met(as_, entry, held_on="2099-01-01")
    assert page.status == 422 and "逐项核对了分数" in page.html, "what was typed is kept"

    page = lead.page(where)
    assert "第 1 次会议" in page.text and "赞成 3 人" in page.text
    assert "发出初步意见" in page.buttons


def test_three_of_six_are_no_quorum(as_, entry):
    minutes = panels.Minutes(
        clock.today(), dict.fromkeys(range(1, 4), "present") | dict.fromkeys(range(4, 7), "absent"), 1, 3, "x"
    )
    with pytest.raises(RuleBroken, match="6 人中到会 3 人"):
        panels.record(loaded(entry), minutes, None)
    db.session.rollback()


def loaded(entry):
    return db.session.scalars(
        select(Entry)
        .where(Entry.id == entry.id)
        .options(
            joinedload(Entry.round).joinedload(Round.rubric_version),
            selectinload(Entry.vetoes),
            joinedload(Entry.school),
        )
        .execution_options(populate_existing=True)
    ).one()


def test_who_has_a_tie_steps_aside_and_that_is_minuted(as_, entry):
    school = db.session.get(School, entry.school_id)
    wu = "吴正清"
    db.session.add(
        Appointment(
            person_id=person(wu).id, role=Role.SCHOOL_OFFICE, school_id=school.id, started_on=clock.today()
        )
    )
    db.session.commit()
    page = panel_met(as_, entry)
    assert page.status == 422 and "吴正清应当回避" in page.text
    page = panel_met(as_, entry, present=("张建平", "苏敏", "冯秀英"), recused=(wu,))
    assert page.status == 422 and "请写明回避原因" in page.text
    page = panel_met(
        as_, entry, present=("张建平", "苏敏", "冯秀英"), recused=(wu,), why_aside="在该校任职。"
    )
    assert page.status == 200 and "在该校任职。" in page.text
    meeting = panels.meetings_of(entry.id)[0]
    assert meeting.names("recused") == [wu] and len(meeting.members) == 4


def test_minutes_are_frozen_and_a_changed_score_needs_another_meeting(as_, entry):
    assert panel_met(as_, entry).status == 200
    meeting = db.session.scalars(select(Meeting)).one()
    with pytest.raises(RuleBroken, match="不能修改"):
        meeting.in_favour = 2
        db.session.flush()
    db.session.rollback()
    row = db.session.scalars(select(Consensus).where(Consensus.entry_id == entry.id)).one()
    row.facts = canonical({"points": 1})
    db.session.commit()
    page = as_("张建平").page(f"/ratings/entries/{entry.public_id}")
    assert "评审会之后分数有变动" in page.text and "发出初步意见" not in page.buttons
    assert panel_met(as_, entry).status == 200
    page = as_("张建平").page(f"/ratings/entries/{entry.public_id}")
    assert "发出初步意见" in page.buttons and "第 2 次会议" in page.text


def test_the_panel_stands_in_the_signed_record_and_hears_no_objection(as_, entry):
    panel_met(as_, entry, present=("张建平", "苏敏", "吴正清"), absent=("韩素云",))
    entry = db.session.get(Entry, entry.id)
    entry.state, entry.defence_due_on = EntryState.HEARD, clock.today()
    db.session.commit()
    decided(as_, entry)
    said = records.content_of(entry.id, records.DECIDED)["panel"]
    assert set(said["present"]) == {
        "张建平",
        "苏敏",
        "吴正清",
    }
    assert said["absent"] == ["韩素云"] and said["in_favour"] == 3
    free = select(Entry.id).where(Entry.id == entry.id)
    assert db.session.scalar(free.where(_took_no_part(person("冯秀英").id))) is None, "scored"
    assert db.session.scalar(free.where(_took_no_part(person("韩素云").id))) is not None, "absent"
    assert db.session.scalar(free.where(_took_no_part(person("苏敏").id))) is None
