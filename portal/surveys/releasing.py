"""The one release of a questionnaire, frozen: what is shown of the district, of like schools, of each school and its classes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal import clock
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.schools.models import SchoolYear
from portal.surveys import figures, flagging, groups
from portal.surveys.figures import Cell, Cells, Frame
from portal.surveys.instrument import Question
from portal.surveys.models import Survey, SurveySchool, SurveyState
from portal.trail.models import note


def release(survey: Survey, by_id: int) -> None:
    """Freeze what is shown, in the current transaction. ``survey`` has its schools.

    RuleBroken when it is not closed, a school is not counted yet, or a school waits for a second person to void it.
    """
    survey.refuse_unless(SurveyState.CLOSED)
    if any(row.answered is None for row in survey.schools):
        raise RuleBroken(_("The answers are still being counted. Try again in a minute."))
    if any(row.void_asked_at and not row.is_void for row in survey.schools):
        raise RuleBroken(_("A school waits for a second person to decide whether its answers count."))
    rows = [row for row in survey.schools if not row.is_void]
    questions = survey.questions
    visible = _visible(questions, {row.id: (row.peers, _cells(row)["questions"]) for row in rows})
    origin = _origin(survey)
    survey.release = json.dumps(_above(questions, rows, visible), ensure_ascii=False)
    for row in rows:
        row.tables = json.dumps(_tables(questions, row, visible, origin), ensure_ascii=False)
    survey.state, survey.released_at, survey.released_by_id = SurveyState.RELEASED, clock.now(), by_id
    db.session.flush()
    for row in rows:
        flagging.ask(row, questions)
    note("survey.released", survey, person_id=by_id, schools=len(rows))


@dataclass(frozen=True)
class Visible:
    """For one question: whether the district may be shown, which groups of like schools, which schools (by row id)."""

    district: bool
    peers: frozenset[str]
    rows: frozenset[int]


Places = Mapping[int, tuple[str, Cells]]


def _visible(questions: Sequence[Question], places: Places) -> dict[str, Visible]:
    return {
        question.id: visible_schools(
            {row_id: (peers, cells[question.id].n) for row_id, (peers, cells) in places.items()}
        )
        for question in questions
    }


def visible_schools(sizes: Mapping[int, tuple[str, int]], *, complement: bool = True) -> Visible:
    """What may be shown above the schools for one question; ``sizes``: school → its group of like schools, and its answers."""
    by_peers: dict[str, int] = {}
    for peers, size in sizes.values():
        by_peers[peers] = by_peers.get(peers, 0) + size
    if sum(by_peers.values()) < groups.LEAST:
        return Visible(False, frozenset(), frozenset())
    peers_shown = groups.shown(by_peers, complement=complement)
    rows: set[int] = set()
    for name in peers_shown:
        within = {row_id: size for row_id, (peers, size) in sizes.items() if peers == name}
        rows |= groups.shown(within, complement=complement)
    return Visible(True, frozenset(peers_shown), frozenset(rows))


def _cells(row: SurveySchool) -> dict[str, Any]:
    """The counted numbers of a school with their cells."""
    counted = json.loads(row.counted or "{}")
    counted["questions"] = {name: Cell(*cell) for name, cell in counted["questions"].items()}
    for group in counted["groups"]:
        group["questions"] = {name: Cell(*cell) for name, cell in group["questions"].items()}
    return counted  # type: ignore[no-any-return]


def _of(rows: Sequence[SurveySchool], wanted: Mapping[str, bool]) -> Cells:
    """The cells of several schools together, for the questions that are wanted."""
    whole = figures.added(_cells(row)["questions"] for row in rows)
    return {name: cell for name, cell in whole.items() if wanted[name]}


def _above(
    questions: list[Question], rows: Sequence[SurveySchool], visible: Mapping[str, Visible]
) -> dict[str, Any]:
    """What holds for the district and for each group of like schools, with the plain means smaller groups are drawn towards."""
    district = _of(rows, {name: one.district for name, one in visible.items()})
    found: dict[str, Any] = {
        "k": figures.K,
        "least": groups.LEAST,
        "schools": len(rows),
        "invited": sum(row.invited or 0 for row in rows),
        "answered": sum(row.answered or 0 for row in rows),
        "district": figures.published(questions, district, Frame()),
        "means": {"": figures.means(questions, district)},
        "peers": {},
    }
    for peers in sorted({row.peers for row in rows}):
        alike = [row for row in rows if row.peers == peers]
        cells = _of(alike, {name: peers in one.peers for name, one in visible.items()})
        found["peers"][peers] = {"schools": len(alike), **figures.published(questions, cells, Frame())}
        found["means"][peers] = figures.means(questions, cells)
    return found


def _origin(survey: Survey) -> dict[str, Any]:
    """The means a repeated questionnaire is drawn towards: those of the one it repeats, where that has been released."""
    if survey.repeats_id is None:
        return {}
    first = db.session.get_one(Survey, survey.repeats_id)
    return json.loads(first.release)["means"] if first.release else {}


def _tables(
    questions: list[Question], row: SurveySchool, visible: Mapping[str, Visible], origin: Mapping[str, Any]
) -> dict[str, Any]:
    """The tables of one school: the whole, then its grades and classes, question by question where it may be."""
    means = origin or json.loads(db.session.get_one(Survey, row.survey_id).release or "{}")["means"]
    priors = {**means.get("", {}), **means.get(row.peers, {})}
    mine = {name for name, one in visible.items() if row.id in one.rows}
    counted = _cells(row)
    cells = {name: cell for name, cell in counted["questions"].items() if name in mine}
    found = figures.published(questions, cells, Frame(priors, row.invited))
    found["prior"] = round(priors["index"], 1) if "index" in priors else None
    found["groups"] = [
        {
            "level": group["level"],
            "name": group["name"],
            "key": group["key"],
            **figures.published(
                questions,
                {name: cell for name, cell in group["questions"].items() if name in mine},
                Frame(priors, exact=False),
            ),
        }
        for group in counted["groups"]
        if mine & group["questions"].keys()
    ]
    return found


@dataclass(frozen=True)
class Standing:
    """What a released questionnaire says about a school for its rating: answers, households asked, mean of the scored questions
    (0 to 100), mean of the like schools; the questionnaire it comes from. ``mean`` is None when too few answered."""

    survey_id: int
    name: str
    released_on: date
    closed_on: date
    answered: int
    invited: int
    mean: float | None
    prior: float | None


def standing_of(school_id: int, year_starts_on: date) -> Standing | None:
    """The newest released questionnaire of a school year (by its first day) that counts for a school; None when there is none."""
    row = db.session.scalar(
        select(SurveySchool)
        .join(Survey, Survey.id == SurveySchool.survey_id)
        .join(SchoolYear, SchoolYear.id == Survey.school_year_id)
        .where(
            SurveySchool.school_id == school_id,
            SurveySchool.voided_at.is_(None),
            SurveySchool.tables.is_not(None),
            SchoolYear.starts_on == year_starts_on,
        )
        .options(joinedload(SurveySchool.survey))
        .order_by(Survey.released_at.desc(), Survey.id.desc())
        .limit(1)
    )
    if row is None:
        return None
    tables, survey = row.shown or {}, row.survey
    index = tables.get("index")
    mean = index["mean"] if index else None
    assert survey.released_at is not None
    return Standing(
        survey.id,
        survey.name,
        clock.local(survey.released_at).date(),
        survey.closes_on,
        index["n"] if index else row.answered or 0,
        row.invited or 0,
        mean,
        tables.get("prior"),
    )


def read(survey: Survey) -> dict[str, Any] | None:
    """What was released of the district as a whole; None before."""
    return json.loads(survey.release) if survey.release else None
