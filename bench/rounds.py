"""A closed round of many schools, as its people would have left it, and what it costs to prove it.

``python -m bench.rounds 100 1000`` builds a round of each size and scores it again with ``flask rating reproduce``: time,
peak memory, and whether one altered score is named.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from bench.data import ROOT, run, settings_for
from bench.visiting import block_of, cookie_of, in_process
from portal import clock, names
from portal.accounts.models import Person
from portal.extensions import db
from portal.ratings import improving
from portal.ratings.metrics import Period
from portal.ratings.models import Entry, EntryState, Mark, Round, RoundState, Sheet
from portal.ratings.terms import STANDARD, TERMS
from portal.rehearsal.cast import Town
from portal.rehearsal.ratings import FAIR_YEAR, GOOD_YEAR, INSPECTORS, closed, rated
from portal.rehearsal.town import PASSWORD
from portal.schools.models import School, SchoolStage, Stage
from portal.trail.models import note

NAME = "云岭星级评定"
FIRST, SECOND, PRINCIPAL = "张建平", "苏敏", "孙立德"
COPIED = (
    "district_id", "rubric_version_id", "school_year_id", "self_assessment_due_on", "scoring_due_on", "created_by_id",
    "created_at",
)  # fmt: skip
AT_ONCE = 50


def _town() -> Town:
    wanted = select(Person).where(Person.name.in_((FIRST, SECOND, PRINCIPAL, *INSPECTORS)))
    return Town(people={person.name: person for person in db.session.scalars(wanted)})


def loaded(round_id: int) -> Round:
    """A round with its rubric, year and district."""
    loaded = joinedload(Round.rubric_version), joinedload(Round.school_year), joinedload(Round.district)
    return db.session.scalars(select(Round).where(Round.id == round_id).options(*loaded)).one()


def _facts(chance: random.Random) -> dict[str, dict[str, Any]]:
    """A year of a school: each indicator as in the good year of the rehearsal, or as in the fair one."""
    return {name: chance.choice((facts, FAIR_YEAR[name])) for name, facts in GOOD_YEAR.items()}


def _school(round_: Round, number: int) -> School:
    full, initials = names.reading(name := f"云岭第{number}小学")
    school = School(
        district_id=round_.district_id, code=f"YR{number:05}", name=name, name_pinyin=full, name_initials=initials
    )  # fmt: skip
    db.session.add(school)
    db.session.flush()
    db.session.add(SchoolStage(school_id=school.id, stage=Stage.PRIMARY))
    return school


def build(schools: int, seed: int = 5) -> str:
    """Add so many schools to the district of last year's round, and a published round in which each went through all steps.

    Commits fifty schools at a time; answers the id of the round in addresses.
    """
    chance = random.Random(seed)
    last = db.session.scalars(
        select(Round).where(Round.state == RoundState.PUBLISHED).order_by(Round.id)
    ).first()
    assert last is not None
    until, published = last.self_assessment_due_on, last.published_on or clock.today()
    made = Round(name=NAME, state=RoundState.OPEN, **{name: getattr(last, name) for name in COPIED})
    db.session.add(made)
    db.session.commit()
    round_id = made.id
    period = Period(date(until.year - 1, 9, 1), date(until.year, 8, 31), until, ())
    there = db.session.scalar(select(func.count(School.id)).where(School.code.startswith("YR"))) or 0
    for start in range(0, schools, AT_ONCE):
        db.session.expunge_all()
        town, round_ = _town(), loaded(round_id)
        for number in range(start, min(start + AT_ONCE, schools)):
            entry = Entry(
                round=round_, school=_school(round_, there + number), state=EntryState.SELF_ASSESSING, claimed_star=4,
                claim_text="这一年做得扎实。", submitted_at=clock.instant_of(until, 16),
                submitted_by_id=town.people[PRINCIPAL].id,
                sheets=[Sheet(person=town.people[name], marks=[]) for name in INSPECTORS], vetoes=[],
            )  # fmt: skip
            db.session.add(entry)
            db.session.flush()
            rated(town, entry, PRINCIPAL, _facts(chance), period)
            closed(entry, date(until.year, 6, 26))
        db.session.commit()
    db.session.expunge_all()
    round_ = loaded(round_id)
    round_.state, round_.published_on = RoundState.PUBLISHED, published
    round_.publicity_ends_on = TERMS[STANDARD].publicity.after(published)
    round_.valid_until_on = published.replace(year=published.year + 3)
    note("rating.publish", round_, person_id=_town().people[SECOND].id)
    improving.set_down(round_, published)
    db.session.commit()
    return round_.public_id


def _reproduce(folder: Path, round_id: str) -> tuple[int, str, float, float]:
    """Exit code, words, CPU seconds and peak MiB of ``flask rating reproduce`` in a process of its own."""
    words = [sys.executable, "-m", "flask", "--app", "wsgi", "rating", "reproduce", round_id]
    process = subprocess.Popen(
        words, cwd=ROOT, env={**os.environ, **settings_for(folder)}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    said = process.stdout.read()
    _pid, status, used = os.wait4(process.pid, 0)
    return os.waitstatus_to_exitcode(status), said, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def _altered(round_id: str) -> str:
    """Give one school of a round another score, as somebody would who holds the database; its name."""
    mark, name = db.session.execute(
        select(Mark, School.name)
        .join(Sheet, Sheet.id == Mark.sheet_id)
        .join(Entry, Entry.id == Sheet.entry_id)
        .join(School, School.id == Entry.school_id)
        .join(Round, Round.id == Entry.round_id)
        .where(Round.public_id == round_id, Mark.item_id == "F3")
        .order_by(Mark.id.desc())
        .limit(1)
    ).one()
    mark.facts = '{"points":0}'
    db.session.commit()
    return str(name)


def pages(round_id: str) -> dict[str, str]:
    """Pages of a round by their name, with the account that opens each: the last school's public page, 望溪小学's own result
    page, the district's page of the round and of one school in it, and the public list."""
    entry = db.session.scalars(
        select(Entry)
        .join(Round, Round.id == Entry.round_id)
        .where(Round.public_id == round_id)
        .options(joinedload(Entry.school))
        .order_by(Entry.id.desc())
        .limit(1)
    ).one()
    own = db.session.scalars(
        select(Entry.public_id)
        .join(School, School.id == Entry.school_id)
        .join(Round, Round.id == Entry.round_id)
        .where(School.name == "望溪小学", Round.state == RoundState.PUBLISHED)
    ).first()
    return {
        "public page of a school": f" /stars/{entry.school.public_id}",
        "public list of schools": " /stars/",
        "school's own result": f"sunlide /ratings/assessments/{own}",
        "district: the round": f"zhangjianping /ratings/rounds/{round_id}",
        "district: a school in it": f"zhangjianping /ratings/entries/{entry.public_id}",
    }


def _timed(app: Flask, round_id: str) -> str:
    """CPU milliseconds of each page, in process, the median of seven rounds of ten; as JSON."""
    found: dict[str, float] = {}
    with app.app_context():
        asked = pages(round_id)
    for name, told in asked.items():
        account, path = told.split(" ")
        call = in_process(app.wsgi_app, path, cookie_of(app, account, PASSWORD) if account else "")
        block_of(call, 3, time.process_time)
        found[name] = round(median(block_of(call, 10, time.process_time) for _turn in range(7)) * 1000, 1)
    return json.dumps(found, ensure_ascii=False)


def measure(schools: int) -> str:
    """Build and prove a round of so many schools in a folder that is thrown away; a line of the table."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        run(folder, "flask", "--app", "wsgi", "db", "upgrade")
        run(folder, "flask", "--app", "wsgi", "rehearsal", "load")
        started = time.perf_counter()
        round_id = _within(folder, "build", str(schools))
        built = time.perf_counter() - started
        code, said, seconds, peak = _reproduce(folder, round_id)
        assert code == 0, said
        told = _within(folder, "pages", round_id)
        name = _within(folder, "alter", round_id)
        code, said, _seconds, _peak = _reproduce(folder, round_id)
        assert code == 1 and name in said, said
        return (
            f"{schools:>6}  built in {built:.0f} s  reproduced in {seconds:.1f} s CPU  peak {peak:.0f} MiB"
            f"  altered score named: {said.splitlines()[0]}\n        CPU ms of pages: {told}"
        )


def _within(folder: Path, *words: str) -> str:
    """Run this file on the database in a folder; what it printed last."""
    command = [sys.executable, "-m", "bench.rounds", *words]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **settings_for(folder)},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.splitlines()[-1]


def main(words: list[str]) -> None:
    """``build N``, ``pages ROUND`` and ``alter ROUND`` act on the database of the environment; numbers are sizes to be measured."""
    if words[0] not in ("build", "pages", "alter"):
        for size in words:
            print(measure(int(size)), flush=True)
        return
    from wsgi import app  # noqa: PLC0415 - opens the database of the environment

    if words[0] == "pages":
        print(_timed(app, words[1]))
        return
    with app.app_context():
        print(build(int(words[1])) if words[0] == "build" else _altered(words[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
