"""A scheme as collections of real schemes write it down (``tree``, ``title_zh``, rules partly in words), made into a rubric.

Nothing is guessed: where the words of a rule do not say exactly how points come about, the scorers judge the item and the
words stay in its notes. Whatever was not taken over as it stands is a remark.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import chain, count
from typing import Any

from portal.ratings.rubric.amounts import exact, plain
from portal.ratings.rubric.checking import checked
from portal.ratings.rubric.described.cases import cases_of
from portal.ratings.rubric.described.rules import (
    JUDGED,
    RULES,
    UnreadableRule,
    Words,
    beside,
    effect_of,
    grades_of,
    star_adjust,
)
from portal.ratings.rubric.described.words import identifier, is_number, number, text
from portal.ratings.rubric.problems import Message, RubricError, phrase
from portal.ratings.rubric.reading import Document, Path
from portal.ratings.rubric.rulechecking import POINTLESS

COVERAGES = ("full", "partial", "header_only")
STATUSES = ("stated", "inferred", "unknown")
RELIABILITIES = ("G", "P", "D", "M", "T", "L", "own")
MARKS = ("tree", "name_zh", "title_zh")
NOT_APPLICABLE = ("rescale_domain", "rescale_parent", "shrink", "full_points", "no_points")
BEFORE_LIMITS = (">=", "≥", "at least", "不低于")
AFTER_LIMITS = ("and above", "or more", "+", "及以上", "以上", "points", "分")
# Names under which collections put the lower limit of a star or grade, and its name.
LIMITS = ("min_total", "min", "ge", "from", "at_least", "min_points", "points")
NAMES = ("grade", "name", "name_zh", "title_zh", "level", "label")


def is_described(data: object) -> bool:
    """Whether the values of a file are such a description and not yet a rubric of our own form."""
    return isinstance(data, dict) and "schema" not in data and any(mark in data for mark in MARKS)


@dataclass
class Description:
    """A document of our own form, what was not taken over as it stands, and whether the file was of our own form already."""

    document: Document
    remarks: list[Message]
    is_own: bool = False


def described(document: Document) -> Description:
    """The rubric behind a description, not yet checked as a whole; lines point into the file that was read."""
    assert isinstance(document.data, dict)
    return _Scheme(document, document.data).told()


@dataclass
class _Scheme:
    document: Document
    data: dict[str, Any]
    lines: dict[Path, int] = field(default_factory=dict)
    remarks: list[Message] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    gates: list[dict[str, Any]] = field(default_factory=list)
    vetoes: list[dict[str, Any]] = field(default_factory=list)
    result: dict[str, Any] | None = None
    ids: set[str] = field(default_factory=set)

    def told(self) -> Description:
        data = Words(self.data)
        key = "tree" if "tree" in self.data else "indicators"
        values: dict[str, Any] = {"schema": 1, "id": identifier(data.take("id"), "rubric")}
        values["title"] = _title(data) or values["id"]
        for name, old in (("about", "what_is_rated"), ("jurisdiction", "jurisdiction"), ("year", "year")):
            if told := text(data.take(old))[:200]:
                values[name] = told
        values["sources"] = [_source(one) for one in _list(data.take("source", "sources"))]
        values |= self._coverage(data)
        for name in ("unclear", "procedure"):
            values[name] = [text(one)[:2000] for one in _list(data.take(name))][:60]
        values["total"] = _total(data.take("total"))
        columns = [text(one) for one in _list(data.take("columns"))]
        if columns:
            values["scorers"] = {"columns": [_column(one) for one in columns]}
        values["indicators"] = self._items(data.take(key), (key,), ("indicators",))
        values |= self._extras(data)
        values |= self._settings(data)
        self._points_only(values)
        self._complete(values["indicators"], values["total"], values["coverage"], "")
        values["cases"] = self._cases(data, values)
        for name in data.left():
            self.notes.append(f"{name}: {text(self.data[name])}")
        if self.notes:
            values["notes"] = "\n".join(self.notes)[:4000]
        for name in values:
            self.lines.setdefault((name,), self.document.line((name,)) or 1)
        return Description(Document(values, self.lines), self.remarks)

    def _coverage(self, data: Words) -> dict[str, Any]:
        told = text(data.take("coverage")) or "full"
        named = next((one for one in COVERAGES if told.startswith(one)), "partial")
        if told != named:
            self.notes.append(f"coverage: {told}")
        missing = text(data.take("missing"))[:4000]
        return {"coverage": named} | ({"missing": missing} if missing else {})

    # The tree.

    def _items(self, nodes: object, at: Path, to: Path, above: str = "") -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        for place, node in enumerate(_list(nodes)):
            if isinstance(node, dict):
                item = self._item(node, (*at, place), (*to, len(made)), above)
                made += [item] if item else []
        return made

    def _own_id(self, wanted: str, above: str) -> str:
        """The id of an item; where tables count anew in each group, with the group's before it."""
        counted = (f"{wanted[:70]}-{number}" for number in count(2))
        found = next(one for one in chain([wanted, f"{above}-{wanted}"[:80]], counted) if one not in self.ids)
        self.ids.add(found)
        return found

    def _item(self, node: dict[str, Any], at: Path, to: Path, above: str) -> dict[str, Any] | None:
        words = Words(node)
        item: dict[str, Any] = {
            "id": self._own_id(identifier(words.take("id"), ".".join(map(str, at))), above)
        }
        item["title"] = _title(words) or item["id"]
        self.lines[to] = self.document.line(at) or 1
        item |= _settings_of(words)
        notes = [text(words.take("notes", "note"))]
        if item.get("points", 0) is None and node["points"] is not None:
            notes.append(f"points: {text(node['points'])}")
            self.remarks.append(
                phrase("%(id)s: its points could not be read; they stand in the notes only.", id=item["id"])
            )
        self._graded(item, words.take("grades", "thresholds"), notes)
        children = words.take("children")
        rule = words.take("rule")
        if children:
            item["children"] = self._items(children, (*at, "children"), (*to, "children"), item["id"])
            if isinstance(rule, dict):
                self._of_group(rule, item, notes)
            if not item["children"]:
                return None
            self._complete(item["children"], item, "partial", f"{item['id']}-")
        elif not self._ruled(item, rule, notes):
            return None
        else:
            self._try(item, rule, notes, extra=to[0] in ("bonus", "deductions"))
        notes += [f"{name}: {text(node[name])}" for name in words.left()]
        if kept := "\n".join(note for note in notes if note):
            item["notes"] = kept[:4000]
        return item

    def _graded(self, item: dict[str, Any], told: object, notes: list[str]) -> None:
        """Grades of one indicator by itself."""
        if not told:
            return
        try:
            item["grades"] = grades_of(told)
        except UnreadableRule:
            notes.append(f"grades: {text(told)}")
            self.remarks.append(
                phrase("%(id)s: its grades could not be read; they stand in the notes only.", id=item["id"])
            )

    def _of_group(self, rule: dict[str, Any], item: dict[str, Any], notes: list[str]) -> None:
        """A group has no rule of its own; a gate or veto that stands there is one of the scheme."""
        if not self._of_scheme(rule, item) and rule.get("kind") != "judged":
            notes.append(f"rule: {text(rule)}")
            self.remarks.append(
                phrase("%(id)s: a group has no rule of its own; its words stand in the notes.", id=item["id"])
            )

    def _of_scheme(self, rule: dict[str, Any], item: dict[str, Any]) -> bool:
        """Take over a rule that is about the whole scheme; False when it is about the item."""
        kind = rule.get("kind")
        if kind == "veto":
            self._veto(
                {"id": item["id"], "title": item["title"]} | rule, item if item.get("children") else {}
            )
        elif kind == "star_adjust":
            self._stars(rule)
        elif kind == "points_to_stars":
            ranges = rule.get("ranges") or rule.get("bands") or rule.get("stars") or rule.get("ranks")
            self._ranks(ranges)
        elif kind == "block_abc" and not isinstance(rule.get("A"), list):
            self.notes.append(f"{item['id']} {text(item['title'])}: {text(rule)}")
        else:
            return False
        return True

    def _ruled(self, item: dict[str, Any], rule: object, notes: list[str]) -> bool:
        """Give the item its rule; False when what stands there is about the whole scheme."""
        if not isinstance(rule, dict):
            item["rule"] = dict(JUDGED)
            self.remarks.append(phrase("%(id)s: no rule is stated; the scorers judge it.", id=item["id"]))
            return True
        if self._of_scheme(rule, item):
            return False
        words = Words(rule)
        kind = text(words.take("kind"))
        try:
            if isinstance(veto := words.take("veto"), dict):
                self._veto({"id": f"{item['id']}-veto"} | veto, item)
            beside(words, item)
            item["rule"] = {"kind": kind} | RULES[kind](words, item)
        except (KeyError, UnreadableRule, TypeError, ValueError, AttributeError, ArithmeticError):
            self._judge(item, rule, notes)
            return True
        notes += [f"{name}: {text(rule[name])}" for name in words.left()]
        return True

    def _stating_points(self, item: dict[str, Any]) -> None:
        """Points nobody states are not known, which is not the same as none."""
        if "points" not in item and item["rule"]["kind"] not in POINTLESS:
            item |= {"points": None, "points_status": "unknown"}

    def _judge(self, item: dict[str, Any], rule: object, notes: list[str]) -> None:
        item["rule"] = dict(JUDGED)
        item.pop("gates", None)
        item.pop("special", None)
        notes.append(f"rule: {text(rule)}")
        self.remarks.append(
            phrase(
                "%(id)s: its rule could not be read exactly; the scorers judge it, its words stand in the notes.",
                id=item["id"],
            )
        )

    def _try(self, item: dict[str, Any], rule: object, notes: list[str], extra: bool) -> None:
        """An item whose rule would be refused is judged instead."""
        alone: dict[str, Any] = {
            "schema": 1,
            "id": "one",
            "title": "one",
            "total": {"points": None, "status": "unknown"},
        }
        judged = {"id": "judged-beside", "title": "one", "points": 1, "rule": dict(JUDGED)}
        alone |= {"indicators": [judged], "bonus": {"items": [item]}} if extra else {"indicators": [item]}
        if not extra:
            self._stating_points(item)
        try:
            checked(Document(alone))
        except RubricError:
            self._judge(item, rule, notes)
            self._stating_points(item)

    def _complete(
        self, parts: list[dict[str, Any]], whole: dict[str, Any], coverage: str, prefix: str
    ) -> None:
        """Parts that do not make up the points of the whole: what was not seen is added, what is too much is capped."""
        stated = whole.get("points")
        points = [_points(part) for part in parts]
        if stated is None or not parts:
            return
        if any(one is None for one in points):
            for part in parts:
                part.setdefault("points", None)
            whole["combine"] = "sum_capped"
            return
        total = sum((one for one in points if one is not None), Fraction(0))
        if total < exact(stated) and coverage != "full":
            lacking = Decimal(plain(exact(stated) - total))
            made = {
                "id": self._own_id(f"{prefix}unseen", ""),
                "title": {"zh-Hans": "（未见）", "en": "(not seen)"},
                "points": lacking,
            }
            parts.append(made | {"points_status": "inferred", "rule": dict(JUDGED)})
            self.remarks.append(
                phrase(
                    "%(id)s: parts worth %(points)s points were not seen; the scorers judge them.",
                    id=prefix.rstrip("-") or phrase("The total"),
                    points=lacking,
                )
            )
        elif total != exact(stated):
            whole["combine"] = "sum_capped" if total > exact(stated) else "scaled"
            self.remarks.append(
                phrase(
                    "%(id)s: the parts are worth %(sum)s points, the whole %(points)s.",
                    id=prefix.rstrip("-") or phrase("The total"),
                    sum=total,
                    points=stated,
                )
            )

    # What stands beside the tree.

    def _extras(self, data: Words) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name in ("bonus", "deductions"):
            told = data.take(name)
            group = told if isinstance(told, dict) else {"items": told}
            items = self._items(group.get("items"), (name, "items"), (name, "items"))
            if items:
                values[name] = {"cap": group.get("cap"), "items": items}
        for one in _list(data.take("veto", "vetoes")):
            if isinstance(one, dict):
                self._veto(one, {})
        for one in _list(data.take("gates", "gate")):
            self._gate(one)
        if self.gates:
            values["gates"] = self.gates
        return values

    def _gate(self, told: object) -> None:
        words = Words(told if isinstance(told, dict) else {"title_zh": text(told)})
        title = _title(words) or text(words.take("what"))
        self.gates.append(
            {"id": identifier(words.take("id"), f"G{len(self.gates) + 1}"), "title": title or "—"}
        )

    def _veto(self, told: dict[str, Any], item: dict[str, Any]) -> None:
        words = Words(told)
        words.take("kind")
        veto: dict[str, Any] = {"id": identifier(words.take("id"), f"V{len(self.vetoes) + 1}")}
        event = text(words.take("event", "what"))
        veto["title"] = _title(words) or event or veto["id"]
        try:
            veto |= effect_of(words, item)
        except UnreadableRule:
            self.notes.append(f"{veto['id']} {text(told)}")
            self.remarks.append(
                phrase(
                    "%(id)s: what follows from it could not be read; it stands in the notes only.",
                    id=veto["id"],
                )
            )
            return
        if event and event != veto["title"]:
            veto["notes"] = event
        self.vetoes.append(veto)

    def _stars(self, rule: dict[str, Any]) -> None:
        try:
            self.result, vetoes = star_adjust(Words(rule))
        except UnreadableRule:
            self.notes.append(text(rule))
            self.remarks.append(
                phrase("How the stars come about could not be read; it stands in the notes only.")
            )
            return
        for veto in vetoes:
            self._veto(veto, {})

    def _ranks(self, told: object) -> None:
        if isinstance(told, dict):
            told = [_pair(name, limit) for name, limit in told.items()]
        ranks = [rank for one in _list(told) if (rank := _rank(one))]
        if ranks and len(ranks) == len(_list(told)):
            limits = ("min_total", "min_share")
            ranks.sort(key=lambda rank: -max(exact(rank.get(name, 0)) for name in limits))
            self.result = {"kind": "points_to_stars", "ranks": ranks}
        elif told:
            self.notes.append(f"thresholds: {text(told)}")
            if not self.result:
                self.remarks.append(
                    phrase("How the stars come about could not be read; it stands in the notes only.")
                )

    def _settings(self, data: Words) -> dict[str, Any]:
        self._ranks(data.take("thresholds", "stars", "grades"))
        values: dict[str, Any] = {}
        if vetoes := [veto for veto in self.vetoes if self._has_effect(veto)]:
            values["vetoes"] = vetoes
        if self.result:
            values["result"] = self.result
        rounding = data.take("rounding")
        if isinstance(rounding, dict):
            values["rounding"] = {name: rounding[name] for name in ("decimals", "mode") if name in rounding}
        told = text(data.take("not_applicable"))
        if told in NOT_APPLICABLE:
            values["not_applicable"] = told
        elif told:
            self.notes.append(f"not_applicable: {told}")
        if (must := data.take("evidence_required")) is not None:
            values["evidence_required"] = must is True
        years = data.take("validity_years")
        if isinstance(years, int):
            values["validity_years"] = years
        return values

    def _has_effect(self, veto: dict[str, Any]) -> bool:
        """Stars can only be lowered where some are given; otherwise the words stay in the notes."""
        result = self.result or {}
        stars = result.get("kind") == "star_adjust" or any("star" in rank for rank in result.get("ranks", ()))
        if stars or veto["effect"] not in ("cap_star", "lower_star"):
            return True
        self.notes.append(f"{veto['id']} {text(veto)}")
        self.remarks.append(
            phrase(
                "%(id)s: what follows from it could not be read; it stands in the notes only.", id=veto["id"]
            )
        )
        return False

    def _points_only(self, values: dict[str, Any]) -> None:
        """Stars from a sum of points whose parts are not told: the sum is what the scorers give."""
        ranks = values.get("result", {}).get("ranks")
        if values["indicators"] or not ranks:
            return
        most = values["total"]["points"] or max(exact(rank.get("min_total", 100)) for rank in ranks)
        most = Decimal(plain(most)) if isinstance(most, Fraction) else most
        title = {"zh-Hans": "总分", "en": "All points"}
        values["indicators"] = [{"id": "points", "title": title, "points": most, "rule": dict(JUDGED)}]

    def _cases(self, data: Words, values: dict[str, Any]) -> list[dict[str, Any]]:
        told = [one for one in _list(data.take("cases")) if isinstance(one, dict)]
        cases, unread = cases_of(told, values)
        for place in unread:
            self.remarks.append(
                phrase("Worked case %(number)s could not be read and was left out.", number=place + 1)
            )
        return cases


def _settings_of(words: Words) -> dict[str, Any]:
    """What an indicator says beside its title, its rule and its parts."""
    item: dict[str, Any] = {}
    if "points" in words.values:
        item["points"] = number(words.take("points"))
    status = text(words.take("points_status"))
    if status in STATUSES:
        item["points_status"] = status
    elif item.get("points", 0) is None:
        item["points_status"] = "unknown"
    evidence = [text(one)[:120] for one in _list(words.take("evidence"))][:60]
    if evidence:
        item["evidence"] = evidence
    for name in ("floor", "weight", "source", "standard", "evidence_required"):
        if (value := words.take(name)) is not None:
            item[name] = value
    return item


def _list(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _title(words: Words) -> dict[str, str] | str:
    own = text(words.take("title_zh", "name_zh"))[:600]
    english = text(words.take("title_en", "name_en"))[:600]
    plain_title = words.take("title", "name")
    if own and english:
        return {"zh-Hans": own, "en": english}
    if isinstance(plain_title, Mapping) and not own:
        return dict(plain_title)
    return own or text(plain_title)[:600] or english


def _source(told: object) -> dict[str, Any]:
    words = Words(told if isinstance(told, dict) else {"url": text(told)})
    source: dict[str, Any] = {"url": text(words.take("url"))[:1000] or "—"}
    reliability = text(words.take("reliability"))
    if reliability in RELIABILITIES:
        source["reliability"] = reliability
    if coverage := text(words.take("coverage"))[:4000]:
        source["coverage"] = coverage
    return source


def _total(told: object) -> dict[str, Any]:
    group = told if isinstance(told, dict) else {"points": told}
    points = group.get("points")
    status = group.get("status")
    if not is_number(points):
        return {"points": None, "status": "unknown"}
    return {"points": points} | ({"status": status} if status in STATUSES else {})


def _column(name: str) -> dict[str, Any]:
    # What a school says of itself is shown beside the score and never counts.
    return {"id": identifier(name, "column"), "title": name} | (
        {"counts": False} if name in ("self", "自评") else {}
    )


def _points(part: Mapping[str, Any]) -> Fraction | None:
    if is_number(part.get("points")):
        return exact(part["points"])
    if "points" in part or not part.get("children"):
        return None
    inner = [_points(child) for child in part["children"]]
    return (
        None
        if any(one is None for one in inner)
        else sum((one for one in inner if one is not None), Fraction(0))
    )


def _pair(name: str, limit: object) -> dict[str, Any]:
    """A star or grade written as ``name: limit``."""
    lowest = limit[0] if isinstance(limit, list) and limit else limit
    return (
        {"star": int(name), "ge": lowest}
        if name.isdecimal() and len(name) == 1
        else {"grade": name, "ge": lowest}
    )


def _lowest(told: object) -> Any:
    """The number of a lower limit, also as “≥ 90”, “90 and above” or “90分以上”."""
    if not isinstance(told, str):
        return number(told)
    said = told.strip()
    for word in BEFORE_LIMITS:
        said = said.removeprefix(word).strip()
    for word in AFTER_LIMITS:
        said = said.removesuffix(word).strip()
    return number(said)


def _rank(told: object) -> dict[str, Any] | None:
    """One star or grade with its limit; None when the words do not say it exactly."""
    if not isinstance(told, dict):
        return None
    if len(told) == 1:
        told = _pair(*next(iter(told.items())))
    words = Words(told)
    rank: dict[str, Any] = {}
    star = text(words.take("star", "stars"))
    if star.isdecimal() and len(star) == 1:
        rank["star"] = int(star)
    if name := text(words.take(*NAMES)):
        rank["grade"] = name
    for limit in ("min_share", "share", "ratio"):
        if (share := _lowest(words.take(limit))) is not None:
            rank["min_share"] = share
    limit_told = _lowest(words.take(*LIMITS))
    if limit_told is not None and "min_share" not in rank:
        rank["min_total"] = limit_told
    if (each := number(words.take("min_share_each_domain"))) is not None:
        rank["min_share_each_domain"] = each
    words.take("max", "to", "lt", "le")
    has_limit = "min_share" in rank or "min_total" in rank
    return rank if has_limit and ("star" in rank or "grade" in rank) and not words.left() else None
