"""From the rule of an indicator to the fields of a form, and from the form back to the facts the rubric engine takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from wtforms import DateField, RadioField, SelectMultipleField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from portal.forms import LineField, PortalForm, TextField, half_width
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.ratings.rubric import Item, RubricError, read_json
from portal.ratings.rubrics import words

Path = tuple[str, ...]
MOST = Decimal(1_000_000)


@dataclass(frozen=True)
class Question:
    """One field: its name, where its answer stands among the facts, its kind, its label and choices."""

    name: str
    path: Path
    kind: str
    label: str
    choices: tuple[tuple[str, str], ...] = ()


def _named(entries: Any) -> tuple[tuple[str, str], ...]:
    found = []
    for number, entry in enumerate(entries, 1):
        if isinstance(entry, Mapping):
            found.append((str(entry.get("id", number)), words(entry["what"])))
        else:
            found.append((str(number), str(entry)))
    return tuple(found)


def _yes_no(_item: Item) -> list[Question]:
    return [Question("met", ("met",), "yesno", _("Is it met?"))]


def _checklist(item: Item) -> list[Question]:
    parts = item.settings["rule"]["components"]
    asked = [Question("present", ("present",), "ticks", _("What is there?"), _named(parts))]
    if (
        any(part.get("points") is None for part in parts)
        and item.settings["rule"]["unstated_split"] != "equal"
    ):
        asked.append(Question("points", ("points",), "number", _("Points for what is there")))
    return asked


def _judged(item: Item) -> list[Question]:
    rule = item.settings["rule"]
    if rule["only_anchors"] and rule["anchors"]:
        choices = tuple(_anchor(entry) for entry in rule["anchors"])
        return [Question("points", ("points",), "pick_number", _("Points"), choices)]
    return [Question("points", ("points",), "number", _("Points"))]


def _anchor(entry: Any) -> tuple[str, str]:
    if isinstance(entry, Mapping):
        points, what = entry["points"], words(entry.get("what", ""))
    else:
        points, what = entry, ""
    shown = _("%(points)s points", points=points)
    return str(points), f"{shown}：{what}" if what else shown


def _levels(item: Item) -> list[Question]:
    return [
        Question("level", ("level",), "choice", _("Which level?"), _named(item.settings["rule"]["levels"]))
    ]


def _count(item: Item) -> list[Question]:
    rule = item.settings["rule"]
    if rule.get("all"):
        return [
            Question(
                f"metric_{number}",
                ("metrics", entry["metric"]),
                "number",
                words(entry.get("what", entry["metric"])),
            )
            for number, entry in enumerate(rule["all"], 1)
        ]
    if rule.get("of") == "ratio":
        return _ratio(item)
    if rule.get("period") == "term":
        return [
            Question("term_1", ("counts", "term1"), "number", _("How many in the first term?")),
            Question("term_2", ("counts", "term2"), "number", _("How many in the second term?")),
        ]
    return [Question("count", ("count",), "number", _("How many in the school year?"))]


def _ratio(item: Item) -> list[Question]:
    rule = item.settings["rule"]
    asked = [
        Question(
            "numerator", ("numerator",), "number", words(rule.get("numerator") or "") or _("How many did it?")
        ),
        Question(
            "denominator",
            ("denominator",),
            "number",
            words(rule.get("denominator") or "") or _("Out of how many?"),
        ),
    ]
    if rule.get("against"):
        asked.append(Question("base_numerator", ("base_numerator",), "number", _("Compared with: how many?")))
        asked.append(
            Question(
                "base_denominator", ("base_denominator",), "number", _("Compared with: out of how many?")
            )
        )
    return asked


def _missing(item: Item) -> list[Question]:
    things = _named(item.settings["rule"]["items"])
    if not things:
        return [Question("missing", ("missing",), "whole", _("How many are missing?"))]
    return [Question("there", ("missing",), "there", _("What is there?"), things)]


def _shortfall(_item: Item) -> list[Question]:
    return [Question("shortfall", ("shortfall",), "number", _("How many are lacking?"))]


def _lookup(item: Item) -> list[Question]:
    rule = item.settings["rule"]
    targets = sorted({name for row in rule["table"] for name in row["targets"]})
    asked = [
        Question("size", ("size",), "text", _("Size or kind of the school (%(name)s)", name=rule["size"]))
    ]
    return asked + [
        Question(f"measure_{number}", ("measures", name), "number", name)
        for number, name in enumerate(targets, 1)
    ]


def _quota(item: Item) -> list[Question]:
    asked = []
    for number, target in enumerate(item.settings["rule"]["targets"], 1):
        what = words(target.get("what", target["id"]))
        asked.append(
            Question(
                f"base_{number}",
                ("rows", target["id"], "base"),
                "number",
                _("%(what)s: size of the group", what=what),
            )
        )
        asked.append(
            Question(
                f"done_{number}", ("rows", target["id"], "done"), "number", _("%(what)s: done", what=what)
            )
        )
    return asked


def _awards(item: Item) -> list[Question]:
    tiers = _named(
        [{**tier, "what": tier.get("what", tier["id"])} for tier in item.settings["rule"]["tiers"]]
    )
    if item.settings["rule"]["combine"] == "max":
        return [Question("award", ("awards",), "award", _("Highest award"), (("", _("None")), *tiers))]
    return [
        Question(f"award_{number}", ("awards", key), "whole", _("%(what)s: how many", what=what))
        for number, (key, what) in enumerate(tiers, 1)
    ]


def _all_of(item: Item) -> list[Question]:
    return [Question("met", ("met",), "ticks", _("What holds?"), _named(item.settings["rule"]["conditions"]))]


def _abc(item: Item) -> list[Question]:
    rule = item.settings["rule"]
    asked = [Question("good", ("A",), "ticks", _("Which of these hold?"), _named(rule["A"]))]
    if rule["C"]:
        asked.append(Question("bad", ("C",), "ticks", _("Which of these happened?"), _named(rule["C"])))
    return asked


def _survey(_item: Item) -> list[Question]:
    return [
        Question("n", ("n",), "whole", _("Valid answers")),
        Question("invited", ("invited",), "whole", _("Families asked")),
        Question("mean", ("mean",), "number", _("Mean of the school")),
        Question("district_mean", ("district_mean",), "number", _("Mean of the district")),
    ]


def _sample(_item: Item) -> list[Question]:
    return [
        Question("population", ("population",), "whole", _("Records there are")),
        Question("checked", ("checked",), "whole", _("Records looked at")),
        Question("passed", ("passed",), "whole", _("Records in order")),
    ]


def _place(_item: Item) -> list[Question]:
    return [
        Question("place", ("place",), "whole", _("Place in the group")),
        Question("group", ("group",), "whole", _("Schools in the group")),
    ]


def _deadline(item: Item) -> list[Question]:
    asked = [Question("on", ("on",), "day", _("On which day? Leave empty if it never came."))]
    if not item.settings["rule"]["due_on"]:
        asked.append(Question("due_on", ("due_on",), "day", _("Due on")))
    return asked


ASKED: dict[str, Callable[[Item], list[Question]]] = {
    "binary": _yes_no, "gate": _yes_no, "checklist": _checklist, "judged": _judged, "level_scale": _levels,
    "count_threshold": _count, "prorata": _count, "points_per_unit": _count, "ratio_bands": _ratio,
    "deduct_per_missing": _missing, "deduct_per_unit": _shortfall, "lookup_by_size": _lookup,
    "quota_by_role": _quota, "award_tiers": _awards, "all_of": _all_of, "block_abc": _abc,
    "survey_mean": _survey, "sample_check": _sample, "relative_cut_points": _place, "deadline": _deadline,
}  # fmt: skip


def questions(item: Item) -> list[Question]:
    """What a person is asked about an item."""
    return ASKED[item.kind](item)


def number_of(text: str) -> Decimal | int:
    """A number as people type it (full-width digits too), with at most two decimals. Raises ValueError."""
    value = read_json((half_width(text) or "").replace("，", "").replace(",", ""))
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError(text)
    if value < 0 or value > MOST or (isinstance(value, Decimal) and value != round(value, 2)):
        raise ValueError(text)
    return value


def _is_number(whole: bool) -> Callable[[Any, Any], None]:
    def check(_form: Any, field: Any) -> None:
        try:
            value = number_of(field.data or "")
        except (ValueError, RubricError):
            raise ValidationError(
                _("Enter a number of 0 or more, in digits, with at most two decimals.")
            ) from None
        if whole and value != int(value):
            raise ValidationError(_("Enter a whole number."))

    return check


def _field(question: Question) -> Any:
    needed = InputRequired(_l("Answer this question."))
    match question.kind:
        case "yesno":
            return RadioField(question.label, [needed], choices=[("yes", _("Yes")), ("no", _("No"))])
        case "ticks" | "there":
            return SelectMultipleField(question.label, choices=list(question.choices))
        case "choice" | "pick_number":
            return RadioField(question.label, [needed], choices=list(question.choices))
        case "award":
            return RadioField(question.label, choices=list(question.choices))
        case "day":
            return DateField(question.label, [Optional()])
        case "text":
            return LineField(question.label, [needed, Length(max=80)], filters=[half_width])
        case _:
            return LineField(
                question.label, [needed, _is_number(question.kind == "whole")], filters=[half_width]
            )


def item_form(item: Item, with_evidence: bool = False, with_reason: bool = False) -> type[PortalForm]:
    """The form that asks for the facts of an item; school forms take evidence, inspectors' forms a reason."""
    fields: dict[str, Any] = {question.name: _field(question) for question in questions(item)}
    if with_evidence:
        fields["evidence"] = TextField(_l("Where the proof is"), [Length(max=2000)])
    if with_reason:
        fields["reason"] = TextField(_l("Reason"), [Length(max=2000)])
    return type("ItemForm", (PortalForm,), fields)


def facts_from(item: Item, form: PortalForm) -> dict[str, Any]:
    """The facts of a valid form, as the engine takes them."""
    facts: dict[str, Any] = {}
    for question in questions(item):
        _put(facts, question.path, _value(question, form[question.name].data))
    if item.kind == "quota_by_role":
        rows = facts.pop("rows")
        facts["rows"] = [{"target": target, **row} for target, row in rows.items()]
    return facts


def _value(question: Question, data: Any) -> Any:
    match question.kind:
        case "yesno":
            return data == "yes"
        case "ticks":
            return {key: key in (data or ()) for key, _label in question.choices}
        case "there":
            return [key for key, _label in question.choices if key not in (data or ())]
        case "choice" | "text":
            return data
        case "award":
            return {data: 1} if data else {}
        case "day":
            return data.isoformat() if data else None
        case _:
            return number_of(data)


def _put(facts: dict[str, Any], path: Path, value: Any) -> None:
    *groups, last = path
    for name in groups:
        facts = facts.setdefault(name, {})
    facts[last] = value


def filled_in(item: Item, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields show for facts that were given before."""
    rows = facts.get("rows")
    if isinstance(rows, list):
        facts = {**facts, "rows": {row["target"]: row for row in rows}}
    return {question.name: _shown(question, _get(facts, question.path)) for question in questions(item)}


def _get(facts: Mapping[str, Any], path: Path) -> Any:
    found: Any = facts
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _shown(question: Question, value: Any) -> Any:
    if value is None:
        return None
    match question.kind:
        case "yesno":
            return "yes" if value else "no"
        case "ticks":
            return [key for key, held in value.items() if held]
        case "there":
            return [key for key, _label in question.choices if key not in value]
        case "award":
            return next(iter(value), "")
        case "day":
            return None
        case _:
            return str(value)


def in_words(item: Item, facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(question, answer) pairs of facts, for people to read."""
    shown = []
    for question in questions(item):
        labels = dict(question.choices)
        data = _shown(question, _get(dict_rows(facts), question.path))
        if question.kind == "yesno":
            answer = {"yes": _("Yes"), "no": _("No")}.get(data or "", "")
        elif isinstance(data, list):
            answer = "、".join(str(labels.get(key, key)) for key in data) or _("None of these")
        else:
            answer = labels.get(str(data or ""), str(data or ""))
        shown.append((question.label.rstrip("?？"), answer))
    return shown


def dict_rows(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Facts whose rows (quota by role) are keyed by their target."""
    rows = facts.get("rows")
    return {**facts, "rows": {row["target"]: row for row in rows}} if isinstance(rows, list) else facts
