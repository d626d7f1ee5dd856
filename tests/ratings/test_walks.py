"""Random walks over the table of moves, step by step against ``moves.csv``; and the same form sent twice at the same time."""

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import func, select, update
from werkzeug.exceptions import Forbidden

from portal import clock
from portal.errors import RuleBroken
from portal.extensions import db
from portal.ratings import states
from portal.ratings.models import Entry, EntryState, RoundState
from portal.trail.models import TrailEntry
from tests.ratings.building import appoint, entry_of
from tests.ratings.test_moves import ACTORS, ALLOWED, FIRST, acting, entry_in, signature

SEED = 20261127
OF_ENTRIES = [move for move in states.MOVES if move.kind is Entry]
BACK = {("return", "self_assessing"), ("reopen", "locked"), ("rerun", "scoring")}
ORDER = [str(state) for state in EntryState]


def made_ready(entry, verb):
    """Everything but the state and the person is as the move needs it."""
    entry.returned_at, entry.return_reason = None, "补齐总结"
    entry.defence_text, entry.reopened_at = "第三项有佐证", None
    entry.defence_due_on = clock.today() if verb != "close" else clock.today().replace(year=2000)
    entry.round.publicity_ends_on = clock.today()
    entry.round.programme = "base" if verb == "decide_at_once" else "stars"
    entry.round.state = RoundState.PUBLISHED
    entry.round.self_assessment_due_on = entry.round.scoring_due_on = clock.today()
    db.session.flush()


def walk(steps):
    """So many tries at random; answers how many moved, and whatever differed from the table written by hand."""
    appoint(FIRST)
    dice = random.Random(SEED)
    actors = {name: acting(name) for name in ACTORS}
    entry = entry_in(RoundState.PUBLISHED)
    model, moved, wrong = "chosen", 0, []
    db.session.execute(update(Entry).where(Entry.id == entry.id).values(state=model))
    db.session.refresh(entry, ["state"])
    before = db.session.scalar(select(func.count()).select_from(TrailEntry))
    for step in range(steps):
        # Every other try is one that the table allows, so that a walk gets on and does not stand still.
        open_ones = [key for key in ALLOWED if key[1] == "entry" and key[2] == model]
        if step % 2 and open_ones:
            verb, _kind, _state, name = dice.choice(open_ones)
        else:
            verb, name = dice.choice(OF_ENTRIES).verb, dice.choice(ACTORS)
        wanted = ALLOWED.get((verb, "entry", model, name))
        made_ready(entry, verb)
        given = signature(entry, verb, actors[name]) if states.of(verb).second else None
        try:
            with db.session.begin_nested():
                if given is not None:
                    db.session.add(given)
                    db.session.flush()
                states.move(entry, verb, actors[name], given)
            found = entry.state
        except (RuleBroken, Forbidden):
            db.session.refresh(entry, ["state"])
            found = None
        if found != wanted or entry.state != (wanted or model):
            wrong.append((step, model, verb, name, found, wanted))
        if wanted is not None and ORDER.index(wanted) < ORDER.index(model) and (verb, wanted) not in BACK:
            wrong.append((step, model, verb, name, "back"))
        moved += wanted is not None
        model = wanted or model
        if model == "decided" and dice.random() < 0.3:
            # The next school: there is no way out of a decision.
            db.session.execute(update(Entry).where(Entry.id == entry.id).values(state="chosen"))
            db.session.refresh(entry, ["state"])
            model = "chosen"
    db.session.flush()
    entries = db.session.scalar(select(func.count()).select_from(TrailEntry)) - before
    db.session.rollback()
    return moved, entries, wrong


def test_a_random_walk_never_leaves_the_table(app):
    moved, noted, wrong = walk(200)
    assert not wrong
    assert moved > 60 and noted in (moved, 0)


def test_a_walk_notices_a_wrong_line(app, monkeypatch):
    """The control: with a line that gives a move to somebody else the walk differs from the table."""
    monkeypatch.setitem(ALLOWED, ("begin", "entry", "chosen", "principal"), "self_assessing")
    _moved, _noted, wrong = walk(60)
    assert any(line[2:4] == ("begin", "principal") for line in wrong)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_ten_thousand_steps(app):
    moved, _noted, wrong = walk(10_000)
    assert not wrong and moved > 3000


# The same form twice at the same time


def twice(app, as_, rounds):
    """So often two clients of one person accept the same self-assessment at the same moment; answers their statuses."""
    entry = entry_of(RoundState.OPEN, state=EntryState.SUBMITTED)
    where, key = f"/ratings/entries/{entry.public_id}", entry.id
    clients = [as_("张建平"), as_("苏敏", "district_staff")]
    tokens = [
        client.page(where).fields(client.page(where).form_of("受理自评"))["csrf_token"] for client in clients
    ]
    statuses = []
    with ThreadPoolExecutor(2) as pool:
        for _number in range(rounds):
            db.session.execute(update(Entry).where(Entry.id == key).values(state=EntryState.SUBMITTED))
            db.session.commit()
            gate = Barrier(2)

            def send(client, token, gate=gate):
                with app.app_context():
                    gate.wait()
                    return client.post(f"{where}/acceptance", data={"csrf_token": token}).status_code

            statuses.append(sorted(pool.map(send, clients, tokens)))
    db.session.expire_all()
    return statuses, db.session.scalar(
        select(func.count()).select_from(TrailEntry).where(TrailEntry.action == "rating.accept")
    )


def check_twice(app, as_, rounds):
    statuses, effects = twice(app, as_, rounds)
    assert statuses == [[303, 409]] * rounds, [one for one in statuses if one != [303, 409]][:5]
    assert effects == rounds


def test_two_people_who_press_at_once_have_one_effect(as_, app):
    check_twice(app, as_, 5)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_thousand_double_submits(as_, app):
    check_twice(app, as_, 1000)
