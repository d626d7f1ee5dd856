"""Inspectors drawn by a published seed: the rule alone, its properties, and the way through the pages and the command."""

import hashlib
import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from portal import clock
from portal.access import Role
from portal.extensions import db
from portal.ratings import drawing, running
from portal.ratings.drawing import Draw
from portal.ratings.models import Entry, EntryState, Round, RoundState, Seat, Sheet
from tests.ratings.building import appoint, entry_of

SECRET = "秋分那天校门口的桂花开了两树"
PEOPLE = [f"p{number:02}" for number in range(9)]


def by_hand(given, seed):
    """The rule once more, written for this test from its description."""

    def key(*parts):
        return hashlib.sha256("|".join(parts).encode()).hexdigest()

    text = json.dumps(given, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    base = f"{seed}|{hashlib.sha256(text.encode()).hexdigest()}"
    had, taken, out = {}, [], []
    for school in sorted(given["schools"], key=lambda one: key(base, one["entry"])):
        here = {p for p, places in given["works"].items() if school["entry"] in places}
        theirs = {entry for person, entry in taken if person in here}
        free = [p for p in school["eligible"] if not theirs & set(given["works"].get(p, []))]
        order = sorted(free, key=lambda p: (had.get(p, 0), key(base, school["entry"], p)))
        team = order[: given["size"]]
        for person in team:
            had[person] = had.get(person, 0) + 1
            taken.append((person, school["entry"]))
        out.append({"entry": school["entry"], "scorers": team[:2], "members": team[2:], "lead": team[-1]})
    return out


@st.composite
def lists(draw):
    entries = [f"e{number}" for number in range(draw(st.integers(1, 6)))]
    works = draw(st.dictionaries(st.sampled_from(PEOPLE[:4]), st.just(None), max_size=3))
    works = {person: [draw(st.sampled_from(entries))] for person in works}
    schools = [
        {"entry": one, "eligible": [p for p in PEOPLE if one not in works.get(p, [])]} for one in entries
    ]
    return {
        "kind": "gongyu.draw",
        "rule": 1,
        "round": "r",
        "size": 3,
        "log": "0" * 64,
        "schools": schools,
        "works": works,
    }


@given(lists(), st.text(min_size=1, max_size=30))
@settings(max_examples=40, deadline=None)
def test_the_draw_follows_from_list_and_seed_alone(listed, seed):
    found = drawing.drawn(listed, seed)
    assert found == by_hand(listed, seed) == drawing.drawn(json.loads(json.dumps(listed)), seed)
    teams = {one["entry"]: {*one["scorers"], *one["members"]} for one in found}
    assert all(len(team) == 3 for team in teams.values())
    for entry, team in teams.items():
        for person in team:
            assert entry not in listed["works"].get(person, []), "nobody rates the own school"
    for person, places in listed["works"].items():
        rated = [entry for entry, team in teams.items() if person in team]
        for other, others in listed["works"].items():
            mutual = set(others) & set(rated) and any(other in teams[place] for place in places)
            assert not mutual, "no two schools rate each other"
    load = [
        sum(person in team for team in teams.values()) for person in PEOPLE if person not in listed["works"]
    ]
    assert max(load) - min(load) <= 2, "about as many schools for everybody"


def test_another_seed_gives_other_teams():
    listed = {
        "kind": "gongyu.draw", "rule": 1, "round": "r", "size": 3, "log": "0" * 64, "works": {},
        "schools": [{"entry": f"e{number}", "eligible": PEOPLE} for number in range(6)],
    }  # fmt: skip
    assert drawing.drawn(listed, "081117") != drawing.drawn(listed, "081118")
    with pytest.raises(drawing.TooFewError):
        drawing.drawn({**listed, "size": 10}, "1")


def prepared():
    """This year's round before its opening, without teams."""
    entry = entry_of(RoundState.OPEN, becomes=RoundState.DRAFT)
    for one in db.session.scalars(select(Entry).where(Entry.round_id == entry.round_id)):
        one.state = EntryState.CHOSEN
        db.session.execute(delete(Sheet).where(Sheet.entry_id == one.id))
    round_ = db.session.get(Round, entry.round_id)
    round_.self_assessment_due_on = round_.scoring_due_on = clock.today() + timedelta(days=9)
    db.session.commit()
    return round_.public_id


def test_a_secret_is_published_by_its_hash_and_opened_at_the_draw(as_, app, tmp_path):
    for name in ("程远", "陆青禾"):
        appoint(name, role=Role.INSPECTOR)
    where = f"/ratings/rounds/{prepared()}"
    lead = as_("张建平")
    page = lead.page(where)
    assert "还缺评审组" in page.text and where + "/draw" in page.links.values()
    page = lead.page(where + "/draw")
    refused = page.press("公告抽签", kind="secret", source="短")
    assert refused.status == 422 and "至少 16 个字符" in refused.text
    assert page.press("公告抽签", kind="", source="").status == 422
    page = page.press("公告抽签", kind="secret", source=SECRET + "甲乙丙丁")
    said = hashlib.sha256((SECRET + "甲乙丙丁").encode()).hexdigest()
    assert said in page.text and SECRET not in page.html
    public = as_(None).page("/stars/draws")
    assert said in public.text and "尚未抽签" in public.text
    assert SECRET not in public.html
    refused = page.press("抽签", seed="另一段不对的话")
    assert refused.status == 422 and "不是公告时的密语" in refused.text
    assert (
        db.session.scalar(select(Sheet.id).join(Entry).join(Round).where(Round.state == RoundState.DRAFT))
        is None
    )
    page = page.press("抽签", seed=SECRET + "甲乙丙丁")
    assert "抽签完成" in page.text or page.status == 200
    assert "望溪小学" in page.text and "东塔小学" in page.text

    found = db.session.scalars(select(Draw)).one()
    round_ = running.loaded(found.round_id)
    assert drawing.differences(round_) == []
    rows = db.session.scalars(select(Sheet).join(Entry).where(Entry.round_id == found.round_id)).all()
    assert (
        len(rows) == 6
        and sum(one.seat == Seat.SCORER for one in rows) == 4
        and sum(one.is_lead for one in rows) == 2
    )

    link = next(one for one in as_(None).page("/stars/draws").links.values() if "/file" in one)
    told = as_(None).get(link).json
    assert told["teams"] == by_hand(told["given"], told["seed"])
    assert not any(name in json.dumps(told, ensure_ascii=False) for name in ("吴正清", "韩素云", "程远"))
    assert as_(None).get("/stars/draws/file?draw=none").status_code == 404
    file = tmp_path / "draw.json"
    run = app.test_cli_runner().invoke
    file.write_text(json.dumps(told), "utf-8")
    good = run(args=["rating", "check-draw", str(file)])
    assert good.exit_code == 0 and "都一致" in good.output, good.output
    told["teams"][0]["scorers"].reverse()
    file.write_text(json.dumps(told), "utf-8")
    assert run(args=["rating", "check-draw", str(file)]).exit_code == 1
    file.write_text("[]", "utf-8")
    assert run(args=["rating", "check-draw", str(file)]).exit_code == 1
    assert run(args=["rating", "reproduce", round_.public_id]).exit_code == 0

    opened = lead.page(where).press("开启本轮")
    assert opened.status == 200 and "还缺" not in opened.text
    assert "公告抽签" not in lead.page(where + "/draw").buttons, (
        "nothing is drawn again once the round is open"
    )


def test_a_public_number_is_named_first_and_typed_later(as_, app):
    where = f"/ratings/rounds/{prepared()}/draw"
    lead = as_("张建平")
    source = "2026 年 12 月 12 日双色球开奖号码"
    page = lead.page(where).press("公告抽签", kind="number", source=source)
    assert source in page.text
    page = page.press("抽签", seed="")
    assert page.status == 422
    assert page.press("抽签", seed="030711182329").status == 200
    assert "030711182329" in as_(None).page("/stars/draws").text
    page = lead.page(where)
    assert "重新公告抽签" in page.buttons, "a later draw stands beside the first one"
    db.session.expire_all()
    found = db.session.scalars(select(Draw)).one()
    found.result = '{"teams":[]}'
    db.session.flush()
    assert "第 1 次抽签" in drawing.differences(running.loaded(found.round_id))[0]
    db.session.rollback()


def test_a_draw_needs_enough_people(as_, app):
    round_id = prepared()
    round_ = db.session.scalars(select(Round).where(Round.public_id == round_id)).one()
    round_.team_size = 4
    db.session.commit()
    page = (
        as_("张建平")
        .page(f"/ratings/rounds/{round_id}/draw")
        .press("公告抽签", kind="number", source="开奖号码")
    )
    assert page.status == 409 and "可以评审的只有 3 人" in page.text


def test_inspectors_are_drawn_or_named_with_a_reason_that_everybody_reads(as_, app):
    round_id = prepared()
    lead, round_ = as_("张建平"), db.session.scalars(select(Round).where(Round.public_id == round_id)).one()
    assert round_.by_draw, "by itself, where the setting says nothing"
    entry = db.session.scalars(select(Entry).where(Entry.round_id == round_.id).order_by(Entry.id)).first()
    page = lead.page(f"/ratings/entries/{entry.public_id}/inspectors")
    people = [one.get("value") for one in page.all("select", name="first")[0].iter() if one.get("value")]
    team = {"first": people[0], "second": people[1], "third": people[2], "lead": "third"}
    refused = page.press("确定评审", **team, reason=" ")
    assert refused.status == 422 and "评审由抽签产生" in refused.text
    assert page.press("确定评审", **team, reason="其余两位与学校有关系。").status == 200
    assert "其余两位与学校有关系。" not in as_(None).page("/stars/draws").text, "not open yet"
    round_.state = RoundState.OPEN
    db.session.commit()
    assert "其余两位与学校有关系。" in as_(None).page("/stars/draws").text
    assert "其余两位与学校有关系。" in lead.page(f"/ratings/entries/{entry.public_id}").text
    round_.state = RoundState.DRAFT
    db.session.commit()
    where = f"/ratings/rounds/{round_id}/draw"
    lead.page(where).press("公告抽签", kind="number", source="开奖号码").press("抽签", seed="0307")
    db.session.refresh(entry)
    assert (entry.chosen_reason, entry.chosen_by_id) == ("", None), "drawn after all"
