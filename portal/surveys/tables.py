"""The released figures as tables of words and numbers, the same for the page and the workbook."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.i18n import gettext as _
from portal.surveys.figures import OVER, UNDER
from portal.surveys.instrument import Question
from portal.surveys.models import Survey, SurveySchool

HIDDEN = "—"


@dataclass(frozen=True)
class Table:
    """One table: whom it is about, its lines (question, answers, figure, interval, drawn towards the like schools, others)."""

    title: str
    lines: list[tuple[str, str, str, str, str, str]]


@dataclass(frozen=True)
class SchoolTables:
    """All tables of a school, and whether anything could be shown at all."""

    whole: Table
    groups: list[Table]

    @property
    def any(self) -> bool:
        return any(line[1] != HIDDEN for line in self.whole.lines)


def of_school(row: SurveySchool) -> SchoolTables | None:
    """The tables of a school; None when nothing was released of it."""
    shown = row.shown
    if shown is None:
        return None
    questions = row.survey.questions
    return SchoolTables(
        _table(row.school.name, questions, shown),
        [_table(group["name"], questions, group) for group in shown["groups"]],
    )


def of_survey(survey: Survey, release: Mapping[str, Any]) -> Table:
    """The table of the district."""
    return _table(_("All schools"), survey.questions, release["district"])


def _table(title: str, questions: list[Question], shown: Mapping[str, Any]) -> Table:
    lines = [
        _line(question.text, shown["questions"].get(question.id), question.is_share) for question in questions
    ]
    if any(question.scored for question in questions):
        lines.append(_line(_("Mean of the opinions"), shown.get("index"), False))
    return Table(title, lines)


def _line(text: str, figure: Mapping[str, Any] | None, share: bool) -> tuple[str, str, str, str, str, str]:
    """A question with its figures; a line of dashes where too few answered."""
    if figure is None:
        return (text, HIDDEN, HIDDEN, HIDDEN, HIDDEN, HIDDEN)
    unit = "%" if share else ""
    interval = f"{figure['low']}–{figure['high']}{unit}" if "low" in figure else HIDDEN
    shrunk = figure.get("shrunk")
    return (
        text,
        str(figure["n"]),
        _bound(figure["mean"], unit),
        interval,
        f"{shrunk}{unit}" if shrunk is not None else HIDDEN,
        _bound(figure["others"], "%"),
    )


def _bound(value: float | str, unit: str) -> str:
    if value == UNDER:
        return _("below %(number)s", number=f"5{unit}")
    if value == OVER:
        return _("above %(number)s", number=f"95{unit}")
    return f"{value}{unit}"
