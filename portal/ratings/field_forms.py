"""Forms of a rubric's settings with a field for each: the words beside the fields, in the reader's language and script."""

from collections.abc import Mapping, Sequence
from typing import Any

from wtforms import HiddenField, SelectChoice, SelectField
from wtforms.validators import Length

from portal import i18n
from portal.forms import LineField, PortalForm
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.ratings.reading import sentence
from portal.ratings.rubric.fields import ABSENT, LANGUAGES, Part
from portal.ratings.rubric.notation import lines_of, scalar_of, spelled
from portal.ratings.rubric.problems import Message
from portal.ratings.rubric.takingin import rule_in
from portal.ratings.rubric.words import EXAMPLES, NO, SETTINGS, VALUES, YES, traditional

LABELS = {
    "compare": _l("Comparison"),
    "limit": _l("Value compared with"),
    "compare2": _l("Second comparison"),
    "limit2": _l("Second value"),
    "subject": _l("What is looked at"),
    "join": _l("Several conditions together"),
    "name*": _l("Of which indicator, fact or grade"),
    "stage*": _l("Stage"),
    "measure*": _l("What is measured"),
    "item*": _l("Indicator"),
    "number*": _l("How much"),
    "text*": _l("Or the condition as text"),
    "kind": _l("Kind"),
    "A": _l("For A"),
    "B": _l("For B"),
    "C": _l("For C"),
}
HINTS = {
    "bands": _l("From the best down; the first that fits counts. The last one is usually “everything else”."),
    "steps": _l("From the best down."),
    "levels": _l("From the best down."),
    "tiers": _l("From the lowest award to the highest."),
    "ranks": _l("From the most stars down."),
    "cuts": _l(
        "From the front: 0.2 is the first fifth of the schools. Only where the rubric allows comparison."
    ),
    "components": _l("The points of the parts add up to those of the indicator."),
    "anchors": _l("Points that stand for something, with words if needed."),
    "by_stage": _l(
        "Kindergarten, primary, junior, senior, vocational, special: 幼儿园、小学、初中、高中、中职、特殊教育."
    ),
    "min": _l("Full points from this number on, otherwise none."),
    "share": _l("Between 0 and 1, or with %: two thirds is 2/3."),
    "min_share_each_domain": _l("Between 0 and 1: every top indicator must reach this share of its points."),
    "share_of_points": _l("Instead of points: 0.8 is four fifths."),
    "minimum_n": _l("With fewer, the indicator is not judged by its number."),
    "zero_at": _l("Up to here there are no points; from here they rise."),
    "full_at": _l("From here on there are full points."),
    "shrink_k": _l("So many answers at the district's mean are added; 0 adds none."),
    "unit_size": _l("How much makes one unit: 0.01 for one per cent."),
    "per": _l("Points for each one."),
    "size": _l("One number, a range such as 12～24, or a word."),
    "targets": _l("What is measured, and how much of it."),
    "deduct": _l("Points lost."),
    "when": _l("Only where this holds; leave empty for always."),
    "requires": _l("What must hold beside the points."),
    "items": _l("Several with “；” between them."),
    "among": _l("Several with “；” between them."),
    "unclear": _l("Several with “；” between them."),
    "procedure": _l("Several with “；” between them."),
    "scale": _l("The lowest and the highest mean, with “；” between them."),
    "max": _l("The highest number of stars or points that is left."),
    "effect": _l("What happens to the result. Some effects need a number below."),
    "cap": _l("At most so many points in all; 无 for no limit."),
    "points": _l("A number; 无 where the office never stated it."),
    "text*": _l("For conditions inside conditions."),
    "validity_years": _l("Whole years."),
    "due_on": _l("Such as 2027-06-30."),
    "late": _l("At most so many days late, and the points that are left."),
    "from_item": _l("Whose star it is; without it, the inspectors give it."),
    "start": _l("The rating that the stars begin with."),
    "add": _l("1 adds a star, -1 takes one."),
    "when*": _l("Several of 各项；各领域；总分."),
}
# Where one setting means something else: (setting around it, setting).
HINTS_WITHIN = {
    ("vetoes", "items"): _l("The indicators it touches, with “；” between them."),
    ("vetoes", "points"): _l("Points lost."),
    ("total", "points"): _l("What all indicators add up to; 无 where nobody stated it."),
    ("rounding", "when"): HINTS["when*"],
    ("lookup_by_size", "size"): _l("The fact of the school that chooses the row: classes, families, stage."),
}


def spelling() -> Any:
    """How the known words are written for this reader."""
    return traditional if i18n.current().tag == "zh-Hant" else str


def word_of(setting: str) -> str:
    """The name of a setting for this reader."""
    if setting in LABELS:
        return str(LABELS[setting])
    if i18n.current().tag == "en":
        return setting.replace("_", " ").capitalize()
    return str(spelling()(SETTINGS.get(setting, setting)))


def value_word(setting: str, value: str) -> str:
    """The name of one of a setting's values for this reader."""
    if setting in ("compare", "compare2", "subject", "join"):
        return word_of(value)
    if i18n.current().tag == "en" and value not in ("true", "false"):
        return value.replace("_", " ")
    known = {"true": YES, "false": NO} | VALUES.get(setting, {})
    return str(spelling()(known.get(value, value)))


def hint_of(setting: str, around: str = "") -> str:
    """What helps to fill a field in, or nothing."""
    return str(HINTS_WITHIN.get((around, setting), HINTS.get(setting, "")))


def _usual(part: Part) -> str:
    if part.default in (ABSENT, None, "") or isinstance(part.default, list | dict):
        return ""
    with spelled(spelling()):
        said = isinstance(part.default, bool)
        text = (
            scalar_of(part.setting, part.default) if not said else value_word("", str(part.default).lower())
        )
    known = isinstance(part.default, str) and part.kind == "choice"
    return _("Usual: %(what)s", what=value_word(part.setting, part.default) if known else text)


def _field(part: Part) -> Any:
    label = word_of(part.setting) if part.setting else ""
    if part.kind == "hidden":
        return HiddenField("")
    if part.kind == "choice":
        choices = [SelectChoice("", _usual(part) or "–")]
        choices += [SelectChoice(value, value_word(part.setting, value)) for value in part.choices]
        # Rows that nobody filled in may come without it; what is sent is checked with the whole rubric.
        return SelectField(label, choices=choices, validate_choice=False)
    usual = _usual(part)
    return LineField(label, [Length(max=2000)], description=usual)


def with_fields(base: type[PortalForm], parts: Mapping[str, Part], data: Mapping[str, str] | None) -> Any:
    """A form of ``base`` with the fields of the parts; ``data``: their texts, or None for what this request sends."""
    fields = [part for whole in parts.values() for part in whole.fields()]
    kind = type(base.__name__, (base,), {part.name: _field(part) for part in fields})
    return kind() if data is None else kind(formdata=None, data=data)


def as_shown(form: PortalForm) -> PortalForm:
    """The form as a page shows it: it says of which kinds it shows the fields."""
    for field in form:
        if field.short_name.endswith("-shown"):
            field.data = form[field.short_name.removesuffix("shown") + "kind"].data
    return form


def texts_of(form: PortalForm) -> dict[str, str]:
    """What was typed, by the names of the fields."""
    return {field.short_name: str(field.data or "") for field in form}


def tell(form: PortalForm, wrong: Mapping[str, Message]) -> None:
    """Put messages at the fields they are about."""
    for name, message in wrong.items():
        (form[name] if name in form else form["number"]).errors = [sentence(in_words(message))]


def in_words(message: Message) -> Message:
    """A message of the check that names settings as the file does, with the words beside the fields instead."""
    known = {"names", "keys", "known"}
    return Message(
        message.msgid,
        tuple((name, _named(value) if name in known else value) for name, value in message.params),
    )


def _named(value: object) -> object:
    names = value.split(", ") if isinstance(value, str) else []
    words = [word_of(name) if name in SETTINGS else _value_named(name) for name in names]
    return i18n.listing(words) if words else value


def _value_named(name: str) -> str:
    return next((value_word(setting, name) for setting, table in VALUES.items() if name in table), name)


def aside_name(parts: Sequence[Part]) -> str:
    """What the settings that few need are called."""
    return _("In other languages") if all(part.setting in LANGUAGES for part in parts) else _("More settings")


def is_used(parts: Sequence[Part], form: PortalForm) -> bool:
    """Whether one of them holds something or is wrong; words in other languages need not be seen."""
    fields = [(field, form[field.name]) for part in parts for field in part.fields()]
    shown = [held for field, held in fields if field.kind != "hidden" and field.setting not in LANGUAGES]
    return any(held.data for held in shown) or any(held.errors for _field, held in fields)


def examples() -> list[list[str]]:
    """An example of every kind of rule as text, line by line."""
    with spelled(spelling()):
        return [lines_of(rule_in(text)).splitlines() for text in EXAMPLES.values()]
