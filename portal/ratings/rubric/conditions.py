"""Conditions written as data: nothing is evaluated as code. An answer is True, False, or None where facts are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from operator import eq, ge, gt, le, lt
from typing import Any, Protocol

from portal.ratings.rubric.amounts import exact
from portal.ratings.rubric.problems import Message, Title, phrase, title_text

Condition = Mapping[str, Any]
COMPARE: dict[str, Callable[[Any, Any], bool]] = {"gt": gt, "ge": ge, "lt": lt, "le": le, "eq": eq}
HEADS = ("all", "any", "not", "fact", "met", "grade", "school", "of", "grade_count", "grade_share")
# What each head can be combined with, so that a half-written condition is noticed.
COMPANIONS = {
    "school": {"is", "in", *COMPARE},
    "grade": {"is", "in"},
    "of": {"measure", *COMPARE},
    "grade_count": {"among", *COMPARE},
    "grade_share": {"among", *COMPARE},
}
NEEDS_MORE = {"school", "grade", "of", "grade_count", "grade_share"}
WORDS = {
    "gt": phrase("above"),
    "ge": phrase("at least"),
    "lt": phrase("below"),
    "le": phrase("at most"),
    "eq": phrase("equal to"),
}


class Answers(Protocol):
    """Where a condition finds its facts. None means: not known."""

    def fact(self, name: str) -> bool | None: ...
    def school(self, name: str) -> object: ...
    def met(self, name: str) -> bool | None: ...
    def grade(self, name: str) -> Title | None: ...
    def measure(self, name: str, measure: str) -> Fraction | None: ...
    def grades(self, among: Sequence[str] | None) -> list[Title] | None: ...
    def named(self, name: str) -> Title: ...


def head(condition: Condition) -> str:
    """Which of the ten forms a condition has; empty when it has none or several."""
    found = [name for name in HEADS if name in condition]
    return found[0] if len(found) == 1 else ""


def parts(condition: Condition) -> Iterator[Condition]:
    """The condition and every condition inside it."""
    yield condition
    for inner in (*condition.get("all", ()), *condition.get("any", ())):
        yield from parts(inner)
    if "not" in condition:
        yield from parts(condition["not"])


def asked(condition: Condition) -> Iterator[str]:
    """The facts a condition asks the inputs for, such as ``facts.special_focus`` or ``school.stage``."""
    for part in parts(condition):
        if "fact" in part:
            yield f"facts.{part['fact']}"
        if "school" in part:
            yield f"school.{part['school']}"


def conditions_in(
    value: Any, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], Condition]]:
    """Every condition in a rubric's settings with its path (not the conditions inside conditions)."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in ("when", "applies_when") and isinstance(inner, Mapping):
                yield (*path, key), inner
            elif key == "requires":
                yield from (((*path, key, number), entry) for number, entry in enumerate(inner))
            elif key != "cases":
                yield from conditions_in(inner, (*path, key))
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from conditions_in(entry, (*path, number))


def holds(condition: Condition, answers: Answers) -> bool | None:
    """Whether the condition holds; None when a fact it needs is missing and the others do not settle it."""
    return FORMS[head(condition)](condition, answers)


def same_word(one: object, other: object) -> bool:
    """Whether two titles or words mean the same: equal, or equal in one of their languages."""
    ones = set(one.values()) if isinstance(one, Mapping) else {str(one)}
    others = set(other.values()) if isinstance(other, Mapping) else {str(other)}
    return bool(ones & others)


def _all(condition: Condition, answers: Answers) -> bool | None:
    found = [holds(inner, answers) for inner in condition["all"]]
    return False if False in found else None if None in found else True


def _any(condition: Condition, answers: Answers) -> bool | None:
    found = [holds(inner, answers) for inner in condition["any"]]
    return True if True in found else None if None in found else False


def _not(condition: Condition, answers: Answers) -> bool | None:
    found = holds(condition["not"], answers)
    return None if found is None else not found


def _school(condition: Condition, answers: Answers) -> bool | None:
    value = answers.school(condition["school"])
    if value is None:
        return None
    if "is" in condition or "in" in condition:
        wanted = condition.get("in", [condition.get("is")])
        found = value if isinstance(value, list) else [value]
        return any(
            one == other and isinstance(one, bool) == isinstance(other, bool)
            for one in found
            for other in wanted
        )
    try:
        return _compared(exact(value), condition, answers)
    except ValueError:
        return None


def _grade(condition: Condition, answers: Answers) -> bool | None:
    value = answers.grade(condition["grade"])
    if value is None:
        return None
    return any(same_word(value, wanted) for wanted in condition.get("in", [condition.get("is")]))


def _of(condition: Condition, answers: Answers) -> bool | None:
    value = answers.measure(condition["of"], condition.get("measure", "points"))
    return None if value is None else _compared(value, condition, answers)


def _grade_count(condition: Condition, answers: Answers) -> bool | None:
    found = answers.grades(condition.get("among"))
    if found is None:
        return None
    return _compared(Fraction(_matching(found, condition["grade_count"])), condition, answers)


def _grade_share(condition: Condition, answers: Answers) -> bool | None:
    found = answers.grades(condition.get("among"))
    if not found:
        return None
    return _compared(Fraction(_matching(found, condition["grade_share"]), len(found)), condition, answers)


def _matching(found: list[Title], wanted: object) -> int:
    return sum(same_word(grade, wanted) for grade in found)


def _compared(value: Fraction, condition: Condition, answers: Answers) -> bool | None:
    results: list[bool | None] = []
    for name, compare in COMPARE.items():
        if name in condition:
            limit = _limit(condition[name], answers)
            results.append(None if limit is None else compare(value, limit))
    return False if False in results else None if None in results else True


def _limit(limit: object, answers: Answers) -> Fraction | None:
    if isinstance(limit, Mapping):
        return answers.measure(limit["of"], limit.get("measure", "points"))
    return exact(limit)


FORMS: dict[str, Callable[[Condition, Answers], bool | None]] = {
    "all": _all,
    "any": _any,
    "not": _not,
    "fact": lambda condition, answers: answers.fact(condition["fact"]),
    "met": lambda condition, answers: answers.met(condition["met"]),
    "grade": _grade,
    "school": _school,
    "of": _of,
    "grade_count": _grade_count,
    "grade_share": _grade_share,
}


def in_words(condition: Condition, answers: Answers) -> Message:
    """The condition as a sentence part, with the titles of the items it names."""
    form = head(condition)
    if form in ("all", "any"):
        joined = in_words(condition[form][0], answers)
        for inner in condition[form][1:]:
            second = in_words(inner, answers)
            if form == "all":
                joined = phrase("%(first)s and %(second)s", first=joined, second=second)
            else:
                joined = phrase("%(first)s or %(second)s", first=joined, second=second)
        return joined
    if form == "not":
        return phrase("not: %(condition)s", condition=in_words(condition["not"], answers))
    if form in ("fact", "met"):
        return phrase("“%(name)s” holds", name=answers.named(condition[form]))
    if form in ("grade_count", "grade_share"):
        what = (
            phrase("the number of items with “%(grade)s”", grade=condition[form])
            if form == "grade_count"
            else phrase("the share of items with “%(grade)s”", grade=condition[form])
        )
        return _with_limits(what, condition, answers)
    return _with_limits(phrase("“%(name)s”", name=answers.named(condition[form])), condition, answers)


def _with_limits(what: Message, condition: Condition, answers: Answers) -> Message:
    words = what
    for wanted in (condition["is"],) if "is" in condition else tuple(condition.get("in", ()))[:1]:
        words = phrase("%(what)s is %(value)s", what=words, value=wanted)
    for name in COMPARE:
        if name in condition:
            words = phrase(
                "%(what)s %(comparison)s %(value)s",
                what=words,
                comparison=WORDS[name],
                value=_limit_words(condition[name], answers),
            )
    return words


def _limit_words(limit: object, answers: Answers) -> object:
    if isinstance(limit, Mapping):
        return phrase("“%(name)s”", name=title_text(answers.named(limit["of"])))
    return exact(limit)
