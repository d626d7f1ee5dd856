"""The numbers of one question in one group: how many answered, mean, interval, and the mean drawn towards the like schools.

Means lie between 0 and 100. An interval is one of 95 % (Wilson for shares, normal otherwise, narrower where most of a small
school answered). Shrunk: (n × mean + k × mean of the like schools) / (n + k), k = 20 (DOMAIN 7.4). A share above 95 or below 5
per cent is shown as that bound only, and so is a mean below the level of the school: "all of them" would tell on each of them.
Towards a mean of the like schools beyond those bounds nothing is drawn, or it could be worked out.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

from portal.surveys.instrument import Question

K = 20
Z = 1.96
LOW, HIGH = 5, 95
UNDER, OVER = "<5", ">95"


@dataclass
class Cell:
    """Answers to one question in one group: how many have a value, their sum and sum of squares, how many said something else."""

    n: int = 0
    total: int = 0
    squares: int = 0
    others: int = 0

    def add(self, value: int | None) -> None:
        """One more answer; None: one without a value, such as not sure."""
        if value is None:
            self.others += 1
            return
        self.n += 1
        self.total += value
        self.squares += value * value

    def plus(self, other: "Cell") -> "Cell":
        return Cell(
            self.n + other.n,
            self.total + other.total,
            self.squares + other.squares,
            self.others + other.others,
        )

    @property
    def mean(self) -> float:
        return self.total / self.n

    def stored(self) -> list[int]:
        return [self.n, self.total, self.squares, self.others]


Cells = dict[str, Cell]


def cells_of(questions: Iterable[Question], answers: Iterable[Mapping[str, str]]) -> Cells:
    """The cells of a group, by question, from its answers (question → choice)."""
    found = {question.id: Cell() for question in questions}
    values = {question.id: question.values for question in questions}
    for choices in answers:
        for name, choice in choices.items():
            if name in found:
                found[name].add(values[name].get(choice))
    return found


def added(groups: Iterable[Cells]) -> Cells:
    """The cells of several groups together."""
    whole: Cells = {}
    for cells in groups:
        for name, cell in cells.items():
            whole[name] = whole[name].plus(cell) if name in whole else cell
    return whole


def index_cell(questions: Iterable[Question], cells: Mapping[str, Cell]) -> Cell | None:
    """All scored questions as one: everybody can work it out from the published ones. None when one of them is missing."""
    scored = [question.id for question in questions if question.scored]
    if not scored or any(name not in cells or not cells[name].n for name in scored):
        return None
    return added({"index": cells[name]} for name in scored)["index"]


@dataclass(frozen=True)
class Frame:
    """What the figures of a group are seen in: the means of the like schools, how many were asked, whether exact means are shown."""

    priors: Mapping[str, float] = field(default_factory=dict)
    invited: int | None = None
    exact: bool = True


def figure(cell: Cell, name: str, *, share: bool, frame: Frame, people: int | None = None) -> dict[str, Any]:
    """What is published of a cell. ``people``: how many answered, where a cell holds several answers of each."""
    n = people or cell.n
    mean = cell.mean
    found: dict[str, Any] = {"n": n, "others": _bounded(100 * cell.others / (cell.n + cell.others))}
    if (share or not frame.exact) and not LOW <= mean <= HIGH:
        return found | {"mean": UNDER if mean < LOW else OVER}
    low, high = _wilson(mean / 100, n) if share else _normal(cell, n, frame.invited)
    prior = frame.priors.get(name)
    if share and prior is not None and not LOW <= prior <= HIGH:
        prior = None
    shrunk = None if prior is None else round((n * mean + K * prior) / (n + K), 1)
    return found | {"mean": round(mean, 1), "low": low, "high": high, "shrunk": shrunk}


def published(questions: list[Question], cells: Mapping[str, Cell], frame: Frame) -> dict[str, Any]:
    """The figures of a group for the questions that may be shown in it, with the index where it can be shown."""
    shares = {question.id: question.is_share for question in questions}
    found: dict[str, Any] = {
        "questions": {
            name: figure(cell, name, share=shares[name], frame=frame) for name, cell in cells.items()
        }
    }
    together = index_cell(questions, cells)
    if together is not None:
        people = max(cells[question.id].n for question in questions if question.scored)
        found["index"] = figure(together, "index", share=False, frame=frame, people=people)
    return found


def means(questions: list[Question], cells: Mapping[str, Cell]) -> dict[str, float]:
    """The plain means of a group, with that of the index: what smaller groups are drawn towards."""
    found = {name: cell.mean for name, cell in cells.items() if cell.n}
    together = index_cell(questions, cells)
    return found | ({"index": together.mean} if together else {})


def _bounded(percent: float) -> float | str:
    if percent == 0:
        return UNDER
    return UNDER if percent < LOW else OVER if percent > HIGH else round(percent, 1)


def _wilson(share: float, n: int) -> tuple[float, float]:
    centre = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    return round(100 * max(centre - half, 0), 1), round(100 * min(centre + half, 1), 1)


def _normal(cell: Cell, n: int, invited: int | None) -> tuple[float, float]:
    variance = max(cell.squares / cell.n - cell.mean**2, 0) * cell.n / max(cell.n - 1, 1)
    rest = sqrt((invited - n) / (invited - 1)) if invited and invited > 1 and invited >= n else 1.0
    half = Z * sqrt(variance / n) * rest
    return round(max(cell.mean - half, 0), 1), round(min(cell.mean + half, 100), 1)


def share_of_commonest(rows: Iterable[tuple[str, ...]]) -> float:
    """The share of the commonest row among all; 0 without rows."""
    counted = Counter(rows)
    return max(counted.values()) / counted.total() if counted else 0.0
