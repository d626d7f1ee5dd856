"""Signs that a sheet of a scorer is worth a question to them: pure rules over locked blind sheets, no database.

They go to the district, which named the team, and never to the school; it asks the scorer and notes what was said. No point
changes by a sign. The patterns are those of SECURITY T-03 for scorers: one who gives more or less than the others, two blind
sheets that are one, a sheet locked before anybody could have read the papers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from statistics import fmean, median

from portal.ratings.fair_signs import LEAST_LETTERS, Sign

TILT = 20
"""Percent of the points by which a scorer differs from the others before it is asked about."""
SCHOOLS = 3
"""Schools of the round a scorer has scored with others, at least; one school may be a matter of opinion."""
INDICATORS = 24
"""Indicators scored by both, over all these schools, at least."""
EACH = timedelta(seconds=30)
"""Time for one indicator below which nobody has looked at its papers."""
MARKS = 5
"""Scored indicators on a sheet, at least; fewer may be done at once."""


class ScorerRule(StrEnum):
    """What a sign about a scorer is about."""

    LENIENT = "lenient_scorer"
    HARSH = "harsh_scorer"
    SAME_SHEETS = "same_sheets"
    QUICK_SHEET = "quick_sheet"


@dataclass(frozen=True)
class Locked:
    """A blind sheet as it was locked.

    ``marks``: facts and reason by indicator; ``took``: from the opening of the papers to the lock, None where the opening was
    not noted; ``apart``: for each school of the round that this person scored, own minus other share of the points by
    indicator, from -1 to 1.
    """

    sheet: str
    marks: Mapping[str, tuple[str, str]]
    took: timedelta | None = None
    apart: Sequence[Sequence[float]] = ()


def scorer_signs(sheets: Sequence[Locked]) -> list[Sign]:
    """All signs of the two blind sheets of a school; figures are numbers and addresses of sheets."""
    found = [*_tilted(sheets), _same(sheets), _quick(sheets)]
    return [one for one in found if one is not None]


def _tilted(sheets: Sequence[Locked]) -> list[Sign]:
    """Scorers who give far more or less than the others in half of their schools and beyond, whoever the others are."""
    found = []
    for one in sheets:
        apart = [school for school in one.apart if school]
        if len(apart) < SCHOOLS or sum(map(len, apart)) < INDICATORS:
            continue
        tilt = round(median(map(fmean, apart)) * 100)
        if abs(tilt) > TILT:
            rule = ScorerRule.LENIENT if tilt > 0 else ScorerRule.HARSH
            figures = {"found": abs(tilt), "of": len(apart), "limit": TILT, "sheets": [one.sheet]}
            found.append(Sign(rule, figures))
    return found


def _same(sheets: Sequence[Locked]) -> Sign | None:
    """Two sheets with the same values and the same words in every indicator, and more words than chance gives."""
    if len(sheets) != 2 or sheets[0].marks != sheets[1].marks or len(sheets[0].marks) < MARKS:
        return None
    letters = sum(letter.isalpha() for _facts, reason in sheets[0].marks.values() for letter in reason)
    if letters < LEAST_LETTERS:
        return None
    figures = {"found": len(sheets[0].marks), "sheets": [one.sheet for one in sheets]}
    return Sign(ScorerRule.SAME_SHEETS, figures)


def _quick(sheets: Sequence[Locked]) -> Sign | None:
    """Sheets locked within half a minute for each indicator after the papers were opened."""
    quick = [
        one
        for one in sheets
        if one.took is not None and len(one.marks) >= MARKS and one.took < EACH * len(one.marks)
    ]
    if not quick:
        return None
    took = max(one.took for one in quick if one.took is not None)
    figures = {"found": int(took / timedelta(minutes=1)), "of": max(len(one.marks) for one in quick)}
    return Sign(ScorerRule.QUICK_SHEET, {**figures, "sheets": [one.sheet for one in quick]})
