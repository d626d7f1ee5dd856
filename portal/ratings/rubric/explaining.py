"""A result as plain values for JSON: numbers as text, sentences in the reader's language, always in the same order."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from portal.ratings.rubric.amounts import plain
from portal.ratings.rubric.outcomes import Figure
from portal.ratings.rubric.problems import Message, Title, Translate, as_written, title_text
from portal.ratings.rubric.results import Extra, ItemResult, Result


class _Writer:
    def __init__(self, translate: Translate, language: str) -> None:
        self.translate, self.language = translate, language

    def words(self, messages: tuple[Message, ...]) -> list[str]:
        return [message.text(self.translate, self.language) for message in messages]

    def title(self, title: Title | None) -> str | None:
        return None if title is None else title_text(title, self.language)

    def item(self, result: ItemResult) -> dict[str, Any]:
        values: dict[str, Any] = {
            "id": result.item.id,
            "title": self.title(result.item.title),
            "kind": result.item.kind or "group",
            "state": result.state,
            "points": number(result.points),
            "full": number(result.item.points),
            "reach": number(result.reach),
            "share": number(result.share),
            "reasons": self.words(result.reasons),
            "band": self.title(result.band),
            "met": result.met,
            "grade": self.title(result.grade),
            "star": result.star,
            "figures": figures(result.figures),
            "scorers": {name: number(points) for name, points in sorted(result.scorers.items())},
            "missing": list(result.missing),
        }
        if result.children:
            values["children"] = [self.item(child) for child in result.children]
        return values

    def extra(self, extra: Extra) -> dict[str, Any]:
        return {
            "found": number(extra.found),
            "counted": number(extra.counted),
            "cap": number(extra.cap),
            "items": [self.item(item) for item in extra.items],
        }


def number(value: Fraction | None) -> str | None:
    """A number as text, None as None."""
    return None if value is None else plain(value)


def figures(found: Mapping[str, Figure]) -> dict[str, str]:
    """Figures as text, by name."""
    return {
        name: plain(value) if isinstance(value, Fraction) else value for name, value in sorted(found.items())
    }


def as_json(result: Result, translate: Translate = as_written, language: str = "zh-Hans") -> dict[str, Any]:
    """The result as values that ``json.dumps`` can write.

    ``translate`` turns a msgid into the reader's language; ``language`` chooses among titles given in several.
    """
    writer = _Writer(translate, language)
    standing = result.standing
    return {
        "rubric": result.rubric.id,
        "title": writer.title(result.rubric.title),
        "complete": result.complete,
        "missing": list(result.missing),
        "eligible": result.eligible,
        "star": standing.star,
        "grade": writer.title(standing.grade),
        "standing_reasons": writer.words(standing.reasons),
        "next_needs": writer.words(standing.next),
        "ratings": dict(standing.ratings),
        "total": number(result.total),
        "total_before_rounding": number(result.exact_total),
        "base": number(result.base),
        "full": number(result.rubric.points),
        "reach": number(result.reach),
        "total_reasons": writer.words(result.total_reasons),
        "bonus": writer.extra(result.bonus),
        "deductions": writer.extra(result.deductions),
        "gates": [
            {"id": gate.id, "title": writer.title(gate.title), "holds": gate.holds} for gate in result.gates
        ],
        "vetoes": [
            {
                "id": veto.id,
                "title": writer.title(veto.title),
                "effect": veto.effect,
                "struck": veto.struck,
                "reasons": writer.words(veto.reasons),
            }
            for veto in result.vetoes
        ],
        "items": [writer.item(item) for item in result.items],
    }
