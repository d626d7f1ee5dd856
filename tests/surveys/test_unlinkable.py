"""Nobody finds who answered what: the bytes as they lie, and a game against somebody who has database, log and every backup.

Each check has its control: with a time beside the answer the same adversary wins, and the same look at the tables finds it.
"""

import random
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Column, Date, DateTime, ForeignKey, Integer, MetaData, Table, func, select, text
from sqlalchemy.exc import OperationalError

from portal import clock
from portal.database import checkpoint
from portal.extensions import Base, db, new_public_id
from portal.schools.models import School, SchoolYear
from portal.surveys import answering, closing, codes, inviting
from portal.surveys.answering import Given
from portal.surveys.models import (
    Survey,
    SurveyAnswer,
    SurveyBox,
    SurveyHousehold,
    SurveyPressure,
    SurveyRemark,
    SurveySchool,
    SurveyState,
)

NOBODYS = (SurveyBox, SurveyAnswer, SurveyRemark, SurveyPressure)
ALLOWED = {"survey_school", "school_class"}
MINE = "晚自习的灯太暗了，孩子眼睛疼。"


def opened(days=9, schools=(), blind=False):
    """A questionnaire to one school or several, open since a moment ago; the row of the first."""
    schools = schools or db.session.scalars(select(School).where(School.name == "望溪小学")).all()
    year = db.session.scalars(
        select(SchoolYear.id)
        .where(SchoolYear.district_id == schools[0].district_id)
        .order_by(SchoolYear.starts_on.desc())
        .limit(1)
    ).one()
    survey = inviting.prepare(
        schools[0].district_id, year, schools, "问卷", clock.today() + timedelta(days=days), None, blind=blind
    )
    survey.state, survey.opened_at = SurveyState.OPEN, clock.now()
    rows = list(survey.schools)
    for row in rows:
        inviting.issue(row)
    db.session.commit()
    return rows[0]


def homes_of(row):
    return list(
        db.session.scalars(
            select(SurveyHousehold)
            .where(SurveyHousehold.survey_school_id == row.id)
            .order_by(SurveyHousehold.id)
        )
    )


def finished(row):
    """Close and count the questionnaire of a school."""
    closing.close(db.session.get_one(Survey, row.survey_id), None)
    closing.count(row)
    db.session.commit()


# The tables.


def tells(table: Table) -> set[str]:
    """The columns of a table by which a row could be ordered, dated or tied to somebody."""
    found = set()
    for column in table.columns:
        if isinstance(column.type, Date | DateTime) or (
            column.primary_key and isinstance(column.type, Integer)
        ):
            found.add(column.name)
        found |= {column.name for key in column.foreign_keys if key.column.table.name not in ALLOWED}
    return found


@pytest.mark.parametrize("model", NOBODYS)
def test_nothing_in_a_row_orders_dates_or_names(app, model):
    assert tells(model.__table__) == set()
    assert set(model.__table__.columns.keys()) <= {
        "key", "survey_school_id", "class_id", "choices", "content_sealed", "text_sealed",
    }  # fmt: skip
    with pytest.raises(OperationalError, match="no such column"):
        db.session.execute(text(f"SELECT rowid FROM {model.__tablename__}"))


@pytest.mark.parametrize("named", ["survey_household", "opinion", "once_key"])
def test_the_look_at_a_table_finds_what_tells(named):
    assert tells(Base.metadata.tables[named])


def test_a_time_a_number_and_a_person_are_each_found():
    for column in (ForeignKey("person.id"), DateTime(), Integer()):
        metadata = MetaData()
        Table("person", metadata, Column("id", Integer, primary_key=True))
        table = Table("answers", metadata, Column("told", column, primary_key=isinstance(column, Integer)))
        assert tells(table) == {"told"}


# The bytes.


def stored(home: Path) -> bytes:
    """Everything that lies on the disk: the file and its log."""
    files = [home / "portal.db", home / "portal.db-wal"]
    return b"".join(file.read_bytes() for file in files if file.exists())


def test_no_byte_on_the_disk_ties_an_answer_to_a_household(app, as_, home, caplog):
    row = opened()
    db.session.rollback()
    plain = b'"q12":"2"'
    before = stored(home).count(plain)
    tokens = [home_of.token for home_of in homes_of(row)[:12]]
    for token in tokens:
        as_(None).page(f"/q/{token}").press("提交答卷", q12="2", remark=MINE, told="群里说都选满意")
    db.session.rollback()
    disk = stored(home)
    secrets = [codes.shown(token).encode() for token in tokens] + [token.encode() for token in tokens]
    for secret in (*secrets, MINE.encode(), "群里说都选满意".encode()):
        assert secret not in disk
    assert disk.count(plain) == before
    assert not any(token in record.getMessage() for token in tokens for record in caplog.records)
    boxes = db.session.scalars(select(SurveyBox).where(SurveyBox.survey_school_id == row.id)).all()
    assert len({len(box.content_sealed) for box in boxes}) == 1
    sealed = [home_of.token_sealed for home_of in homes_of(row)] + [box.content_sealed for box in boxes]
    keys = [box.key.encode() for box in boxes]
    assert all(value in disk for value in sealed[:12]), "the search finds what is there"
    finished(row)
    db.session.remove()
    db.engine.dispose()
    checkpoint(str(home / "portal.db"))
    after = stored(home)
    assert after.count(plain) >= before + len(tokens) and MINE.encode() not in after
    assert not [value for value in (*sealed, *keys) if value in after]


def test_two_answers_seal_to_the_same_length_whatever_they_say(app):
    row = opened()
    short, long = (
        Given({}),
        Given({f"q{n}": "unanswered" for n in range(1, 21)}, "汉" * 300, True, "字" * 100),
    )
    assert len({len(answering.packed(row.id, given).encode()) for given in (short, long)}) == 1
    assert answering.unpacked(answering.packed(7, long)) == (7, long)


# The game.


class Adversary:
    """Has the whole database after each minute, in the order in which it lies, the bytes of its file and of its log, what the
    portal logs, and the minute in which each household fetched its questionnaire."""

    def __init__(self, row, home, log):
        self.row_id, self.home, self.log = row.id, home, log
        self.fetched: list[int] = []
        self.seen: dict[str, int] = {}
        self.sizes: dict[str, bytes] = {}
        self.told: list[int] = []

    def looks(self):
        """One backup: who has fetched since the last one, which boxes are new or changed."""
        for (household_id,) in db.session.execute(
            text("SELECT household_id FROM survey_household WHERE survey_school_id = :row AND fetched"),
            {"row": self.row_id},
        ):
            if household_id not in self.fetched:
                self.fetched.append(household_id)
        for key, content in db.session.execute(
            text("SELECT key, content_sealed FROM survey_box WHERE survey_school_id = :row"),
            {"row": self.row_id},
        ):
            if self.sizes.get(key) != content:
                self.seen.setdefault(key, len(self.fetched) - 1)
                self.sizes[key] = content
        self.told.append(len(self.log.records))

    def guesses(self):
        """Strategy → household → the choice it guesses, from the last backup."""
        answers = db.session.execute(
            text("SELECT key, choices FROM survey_answer WHERE survey_school_id = :row"), {"row": self.row_id}
        ).all()
        rows = [choices for _key, choices in answers]
        disk = stored(self.home)
        on_disk = [
            choices for _at, choices in sorted((disk.find(key.encode()), said) for key, said in answers)
        ]
        by_key = sorted(self.seen, key=str)
        found: dict[str, dict[int, str]] = {
            name: {}
            for name in ("in order", "backwards", "on the disk", "backwards there", "by box", "by seal")
        }
        for place, household_id in enumerate(self.fetched[: len(rows)]):
            found["in order"][household_id] = rows[place]
            found["backwards"][household_id] = rows[-1 - place]
            found["on the disk"][household_id] = on_disk[place]
            found["backwards there"][household_id] = on_disk[-1 - place]
            box = next((key for key, at in self.seen.items() if at == place), None)
            if box is not None:
                found["by box"][household_id] = rows[by_key.index(box)]
                found["by seal"][household_id] = rows[self.sizes[box][-1] % len(rows)]
        return found


def play(chance, home, log, answers=12):
    """One questionnaire with so many answers, half of them content: strategy → (right, tried)."""
    db.session.remove()
    db.engine.dispose()
    checkpoint(str(home / "portal.db"))
    row = opened()
    adversary = Adversary(row, home, log)
    homes = chance.sample(homes_of(row), answers)
    truth = {home.household_id: "5" if number % 2 else "1" for number, home in enumerate(homes)}
    chance.shuffle(homes)
    for family in homes:
        family.fetched = True
        answering.put(
            answering.admission_of(family.token, family), Given({"q12": truth[family.household_id]})
        )
        db.session.commit()
        adversary.looks()
    finished(row)
    assert len(set(adversary.told)) == 1, "nothing was logged between one answer and the next"
    result = {}
    for strategy, guessed in adversary.guesses().items():
        right = sum(f'"q12":"{truth[key]}"' in choices for key, choices in guessed.items())
        result[strategy] = (right, len(guessed))
    return result


def advantages(surveys, seed, home, log):
    """Strategy → how much better than a coin it is over so many questionnaires."""
    chance, right, tried = random.Random(seed), Counter(), Counter()
    for _number in range(surveys):
        for strategy, (hits, guesses) in play(chance, home, log).items():
            right[strategy] += hits
            tried[strategy] += guesses
    assert all(tried.values()) and len(tried) == 6
    return {strategy: abs(right[strategy] / tried[strategy] - 0.5) for strategy in tried}


def with_times(monkeypatch):
    """As if the time of an answer were kept: boxes, and the answers made of them, are named by when they came."""
    number = iter(range(10**9))
    named: dict[str, str] = {}

    def by_time(token):
        return named.setdefault(token, f"{next(number):010}")

    monkeypatch.setattr(codes, "box_key", by_time)
    monkeypatch.setattr(closing, "new_public_id", lambda: f"{next(number):010}")
    monkeypatch.setattr(closing._COMES, "shuffle", lambda _found: None)


def test_the_adversary_guesses_as_well_as_a_coin(app, home, caplog):
    assert max(advantages(8, 11, home, caplog).values()) <= 0.2


def test_with_the_time_kept_the_adversary_wins(app, home, caplog, monkeypatch):
    with_times(monkeypatch)
    found = advantages(2, 11, home, caplog)
    assert found["in order"] == found["by box"] == 0.5


def test_bytes_tell_the_order_of_answers_that_are_written_as_they_come(app, home):
    """The control of looking at the bytes: random keys, no time, but each answer in a transaction of its own."""
    row, keys = opened(), [new_public_id() for _number in range(12)]
    for key in keys:
        db.session.add(SurveyAnswer(key=key, survey_school_id=row.id, choices="{}"))
        db.session.commit()
    places = [stored(home).find(key.encode()) for key in keys]
    assert places == sorted(places) and places[0] > 0


def test_in_the_order_in_which_they_came_the_adversary_wins(app, home, caplog, monkeypatch):
    """Random boxes and no time, but answers kept in the order of the boxes: as if nobody shuffled and sorted."""
    number = iter(range(10**9))
    monkeypatch.setattr(closing, "new_public_id", lambda: f"{next(number):010}")
    monkeypatch.setattr(closing._COMES, "shuffle", lambda _found: None)
    assert advantages(2, 11, home, caplog)["by box"] == 0.5


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_thousand_games(app, home, caplog, monkeypatch, record_property):
    for strategy, found in advantages(1_000, 2026, home, caplog).items():
        record_property(strategy, round(found, 4))
        assert found <= 0.02, strategy
    with_times(monkeypatch)
    assert max(advantages(20, 2026, home, caplog).values()) == 0.5


def test_a_report_of_pressure_comes_in_the_night_not_when_it_was_sent(app):
    row = opened()
    for home in homes_of(row)[:5]:
        answering.put(answering.admission_of(home.token, home), Given({"q1": "yes"}, pressed=True))
    db.session.commit()
    assert (
        db.session.scalar(
            select(func.count()).select_from(SurveyPressure).where(SurveyPressure.survey_school_id == row.id)
        )
        == 0
    )
    assert answering.gather_pressure(row) == 5
    assert answering.gather_pressure(row) == 0
    assert db.session.get(SurveySchool, row.id) is row
