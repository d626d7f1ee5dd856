"""Results and evidence as people read them: sections, bars, reasons in words. Nothing here decides anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from typing import Any

from portal import i18n
from portal.i18n import gettext as _
from portal.ratings import questions
from portal.ratings.canonical import restored
from portal.ratings.evidence import Evidence, still_kept
from portal.ratings.metrics import METRICS
from portal.ratings.models import (
    OBJECTION_STATE_NAMES,
    TIER_NAMES,
    Answer,
    Entry,
    Objection,
    ObjectionState,
    Snapshot,
)
from portal.ratings.rubric import Item, ItemResult, Result, Rubric
from portal.ratings.rubric.amounts import plain, rounded
from portal.ratings.rubric.notation import lines_of
from portal.ratings.rubric.problems import Message
from portal.ratings.rubric.shape import without_defaults
from portal.ratings.rubrics import AskedOf, asked_of, bonus_ids, domains_of, items_of, words
from portal.ratings.surveying import NO_SURVEY, TOO_FEW

DECIMALS = 2
STRONG = Fraction(9, 10)
JUDGED_KINDS = {"judged", "level_scale", "sample_check"}


def points(value: Fraction | None) -> str:
    """Points with at most two decimals; a dash while there are none."""
    return "–" if value is None else plain(rounded(value, DECIMALS, "half_up"))


def sentence(message: Message) -> str:
    """A message of the engine in the language of this request."""
    return _short(message).text(_, i18n.current().tag)


def _short(message: Message) -> Message:
    """The message with its numbers cut to what people read; the exact ones stay in the stored result."""
    return Message(message.msgid, tuple((name, _readable(value)) for name, value in message.params))


def _readable(value: object) -> object:
    if isinstance(value, Fraction):
        return points(value)
    return _short(value) if isinstance(value, Message) else value


def rule_lines(item: Item) -> list[str]:
    """How an item is scored, one setting a line, as offices write it: words only, no ids."""
    lines = lines_of(_worded(without_defaults(item.settings["rule"]))).splitlines()
    return [lines[0].partition("：")[2], *lines[1:]]


def _worded(value: Any) -> Any:
    if isinstance(value, Mapping):
        if "zh-Hans" in value:
            return words(value)
        named = "what" in value or "title" in value
        return {name: _worded(inner) for name, inner in value.items() if not (named and name == "id")}
    return [_worded(entry) for entry in value] if isinstance(value, list) else value


def reasons(result: ItemResult) -> list[str]:
    """Why an item has its points."""
    if asked_of(result.item) is AskedOf.SURVEY and result.state == "not_applicable":
        said = [value for message in result.reasons for _name, value in message.params]
        known = next((words for words in (NO_SURVEY, TOO_FEW) if words in said), None)
        if known:
            return [_(known)]
    return [sentence(message) for message in result.reasons]


@dataclass(frozen=True)
class ProofFile:
    """A file of a snapshot: what it shows, its fingerprint, and its address while it is kept."""

    name: str
    shows: str
    sha256: str
    file: str | None


@dataclass(frozen=True)
class Frozen:
    """What a snapshot says about an item: answers or figures, and the school's proof."""

    lines: list[tuple[str, str]]
    evidence: str = ""
    records: int = 0
    files: tuple[ProofFile, ...] = ()


def figure_lines(numerator: int, denominator: int | None, counts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The numbers of a metric as (label, value) pairs."""
    if counts:
        names = {"term1": _("First term"), "term2": _("Second term")}
        return [(names.get(term, term), str(number)) for term, number in counts.items()]
    if denominator is None:
        return [(_("Counted"), str(numerator))]
    return [(_("Counted"), _("%(part)s of %(whole)s", part=numerator, whole=denominator))]


def frozen_items(rubric: Rubric, snapshot: Snapshot | None) -> dict[str, Frozen]:
    """What the newest snapshot says, by item."""
    if snapshot is None:
        return {}
    content, items = restored(snapshot.content), items_of(rubric)
    found = {
        name: Frozen(questions.in_words(items[name], given["facts"]), given["evidence"])
        for name, given in content["answers"].items()
        if name in items
    }
    for name, measured in content["metrics"].items():
        lines = figure_lines(measured["numerator"], measured["denominator"], measured["counts"])
        if "mean" in measured["facts"]:
            lines.append((_("Mean of the opinions"), str(measured["facts"]["mean"])))
        found[name] = Frozen(
            lines,
            "",
            len(measured["records"]),
        )
    for name, files in _frozen_files(content).items():
        found[name] = replace(found.get(name, Frozen([])), files=files)
    return found


def _frozen_files(content: Mapping[str, Any]) -> dict[str, tuple[ProofFile, ...]]:
    listed = content.get("files", {})
    kept = still_kept([one["file"] for files in listed.values() for one in files])
    return {
        name: tuple(
            ProofFile(one["name"], one["shows"], one["sha256"], one["file"] if one["file"] in kept else None)
            for one in files
        )
        for name, files in listed.items()
    }


@dataclass(frozen=True)
class Line:
    """One indicator of a section."""

    id: str
    title: str
    full: str
    points: str
    source: str
    reasons: list[str]
    frozen: Frozen | None


@dataclass(frozen=True)
class Section:
    """A domain with its indicators."""

    title: str
    full: str
    points: str
    lines: list[Line]


def source_words(item: Item) -> str:
    """Where the points of an item come from, in a word."""
    if asked_of(item) is AskedOf.RECORDS:
        return _("From records")
    if asked_of(item) is AskedOf.SURVEY:
        return _("Questionnaire")
    if item.kind in JUDGED_KINDS:
        return _("Judged by inspectors")
    return _("Reported by the school, checked by inspectors")


def sections(rubric: Rubric, result: Result | None, snapshot: Snapshot | None) -> list[Section]:
    """The rubric with points and evidence, domain by domain."""
    frozen = frozen_items(rubric, snapshot)
    results = {found.item.id: found for found in result.walk()} if result else {}
    tops = {item.id: item for item in rubric.items}
    found = []
    for top_id, title, items in domains_of(rubric):
        lines = [
            Line(
                item.id,
                words(item.title),
                points(item.points),
                points(results[item.id].points) if item.id in results else "",
                source_words(item),
                reasons(results[item.id]) if item.id in results else [],
                frozen.get(item.id),
            )
            for item in items
        ]
        top = tops.get(top_id)
        found.append(
            Section(
                title,
                points(top.points) if top else "",
                points(results[top_id].points) if top_id in results else "",
                lines,
            )
        )
    return found


@dataclass(frozen=True)
class Bar:
    """A domain's points as a bar."""

    title: str
    points: str
    full: str
    value: float
    maximum: float


@dataclass(frozen=True)
class Reading:
    """A result in plain words."""

    star: int
    grade: str
    total: str
    full: str
    eligible: bool
    bars: list[Bar]
    strong: list[str]
    why: list[str]
    next_needs: list[str]
    vetoes: list[str]
    bonus: str


def reading_of(rubric: Rubric, result: Result) -> Reading:
    """What the star page says about a result."""
    bars = [
        Bar(
            words(top.item.title),
            points(top.points),
            points(top.reach),
            float(top.points or 0),
            float(top.reach or 1),
        )
        for top in result.items
        if top.reach
    ]
    return Reading(
        star=result.standing.star or 0,
        grade=words(result.standing.grade) if result.standing.grade else "",
        total=points(result.total),
        full=points(rubric.points),
        eligible=result.eligible is not False,
        bars=bars,
        strong=[words(top.item.title) for top in result.items if (top.share or 0) >= STRONG],
        why=[sentence(message) for message in result.standing.reasons],
        next_needs=[sentence(message) for message in result.standing.next],
        vetoes=[words(veto.title) for veto in result.vetoes if veto.struck],
        bonus=points(result.bonus.counted) if result.bonus.counted else "",
    )


@dataclass(frozen=True)
class Source:
    """How many points come from one kind of source, and from which indicators."""

    name: str
    points: str
    titles: list[str]


def public_summary(result: Result) -> list[Source]:
    """The points by where they come from: records, inspectors' judgement, the school's own report."""
    found: dict[str, tuple[Fraction, list[str]]] = {}
    for top in result.items:
        leaves = [leaf for leaf in top.walk() if not leaf.children and leaf.points is not None]
        own = sum((leaf.points for leaf in leaves if leaf.points is not None), Fraction(0))
        # An item that does not apply leaves its points to its neighbours; so does their share of the sum.
        scale = top.points / own if own and top.points is not None else Fraction(1)
        for leaf in leaves:
            name = source_words(leaf.item)
            so_far, titles = found.get(name, (Fraction(0), []))
            found[name] = (so_far + (leaf.points or 0) * scale, [*titles, words(leaf.item.title)])
    return [Source(name, points(total), titles) for name, (total, titles) in found.items()]


@dataclass(frozen=True)
class Finding:
    """One indicator an objection is about: its name, and what was found instead of what was decided."""

    id: str
    title: str
    before: list[tuple[str, str]]
    after: list[tuple[str, str]]
    reason: str
    is_veto: bool = False


@dataclass(frozen=True)
class CaseView:
    """An objection or an appeal as people read it."""

    case: Objection
    name: str
    state: str
    findings: list[Finding]
    was: tuple[int, str] | None
    files: Sequence[Evidence] = ()
    names: Sequence[Any] = ()


def case_view(
    rubric: Rubric, entry: Entry, case: Objection, files: Mapping[int, Sequence[Evidence]] | None = None
) -> CaseView:
    """An objection with its indicators; where it changed the result, with the star and the points that were before."""
    items, changes = items_of(rubric), restored(case.changes)
    before = restored(case.before_inputs or entry.inputs or "{}").get("items", {})
    findings = []
    vetoes = {veto["id"]: words(veto["title"]) for veto in rubric.settings["vetoes"]}
    for name in case.named:
        found = changes.get(name)
        if name not in items:
            number = name.partition(":")[2]
            after = [(_("Veto item"), _("Does not hold"))] if found else []
            findings.append(
                Finding(
                    number, vetoes.get(number, ""), [(_("Veto item"), _("Holds"))], after,
                    found["reason"] if found else "", is_veto=True,
                )
            )  # fmt: skip
            continue
        findings.append(
            Finding(
                name,
                words(items[name].title),
                questions.in_words(items[name], before[name]),
                questions.in_words(items[name], found["facts"]) if found else [],
                found["reason"] if found else "",
            )
        )
    changed = case.state == ObjectionState.CHANGED
    return CaseView(
        case,
        str(TIER_NAMES[case.tier]),
        str(OBJECTION_STATE_NAMES[ObjectionState(case.state)]),
        findings,
        (case.before_star or 0, points(Fraction(case.before_total or 0))) if changed else None,
        (files or {}).get(case.tier, ()),
        entry.round.results,
    )


def summary_of(snapshot: Snapshot | None) -> dict[str, Any]:
    """Period, claim and hash of a snapshot, for the page."""
    if snapshot is None:
        return {}
    content = restored(snapshot.content)
    return {
        "from_on": date.fromisoformat(content["period"]["from"]),
        "to_on": date.fromisoformat(content["period"]["to"]),
        "claimed_star": content["claimed_star"],
        "claim_text": content["claim_text"],
        "sha256": snapshot.sha256,
        "number": snapshot.number,
        "taken_at": snapshot.taken_at,
    }


@dataclass(frozen=True)
class Task:
    """One line of the principal's task list."""

    id: str
    title: str
    full: str
    points: str
    kind: AskedOf
    state: str
    reasons: list[str] = field(default_factory=list)
    explanation: str = ""


@dataclass(frozen=True)
class TaskGroup:
    """A domain of the task list."""

    title: str
    full: str
    points: str
    tasks: list[Task]


def task_list(rubric: Rubric, result: Result, answers: Mapping[str, Answer]) -> list[TaskGroup]:
    """The self-assessment by domain: computed, answered, open, optional."""
    results = {found.item.id: found for found in result.walk()}
    tops = {item.id: item for item in rubric.items}
    optional = bonus_ids(rubric)
    found = []
    for top_id, title, items in domains_of(rubric):
        if top_id == "deductions":
            continue
        top = tops.get(top_id)
        tasks = [_task(item, results[item.id], answers, optional) for item in items]
        found.append(
            TaskGroup(
                title,
                points(top.points) if top else "",
                points(results[top_id].points) if top_id in results else "",
                tasks,
            )
        )
    return found


def _task(item: Item, result: ItemResult, answers: Mapping[str, Answer], optional: set[str]) -> Task:
    kind = asked_of(item)
    if kind is AskedOf.SCHOOL:
        state = "done" if item.id in answers else "optional" if item.id in optional else "open"
    else:
        state = kind.value
    known = kind is AskedOf.RECORDS or state == "done" or kind is AskedOf.SURVEY
    name = str(item.settings.get("source", "")).partition(":")[2].strip()
    return Task(
        item.id,
        words(item.title),
        points(item.points),
        points(result.points) if known else "",
        kind,
        state,
        reasons(result) if known else [],
        str(METRICS[name].explanation) if kind is AskedOf.RECORDS else "",
    )
