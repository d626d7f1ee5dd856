"""The shape of rubrics and inputs: the JSON Schemas beside this file, their faults in words, their defaults."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from operator import ge, gt, le
from pathlib import Path as FilePath
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from portal.ratings.rubric.amounts import exact
from portal.ratings.rubric.problems import Message, Problem, listed, phrase
from portal.ratings.rubric.reading import Document, Path, written

HERE = FilePath(__file__).parent
MOST_PROBLEMS = 50
TYPES = {
    "object": phrase("a group of named settings"),
    "array": phrase("a list"),
    "string": phrase("text (put it in quotation marks)"),
    "number": phrase("a number"),
    "integer": phrase("a whole number"),
    "boolean": phrase("true or false"),
    "null": phrase("null"),
}


@cache
def rubric_schema() -> dict[str, Any]:
    """The JSON Schema of a rubric, as shipped."""
    return dict(json.loads((HERE / "schema.json").read_text("utf-8"), parse_float=Decimal))


@cache
def inputs_schema() -> dict[str, Any]:
    """The JSON Schema of the inputs of a rating, as shipped; the facts of each rule kind are in its ``$defs``."""
    return dict(json.loads((HERE / "inputs.json").read_text("utf-8"), parse_float=Decimal))


def _fraction(instance: object, schema: dict[str, Any]) -> Fraction | None:
    """The number an instance stands for, also where it is written as a fraction; None when it is none."""
    if isinstance(instance, str) and "/" not in schema.get("pattern", ""):
        return None
    try:
        return exact(instance)
    except ValueError:
        return None


def _limit(fits: Callable[[Fraction, Any], bool]) -> Callable[..., Iterator[ValidationError]]:
    def check(
        _validator: object, limit: Any, instance: object, schema: dict[str, Any]
    ) -> Iterator[ValidationError]:
        number = _fraction(instance, schema)
        if number is not None and not fits(number, exact(limit)):
            yield ValidationError("out of bounds")

    return check


# Limits hold for fractions such as 7/2 too, which JSON Schema itself takes for mere text.
VALIDATOR: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"minimum": _limit(ge), "maximum": _limit(le), "exclusiveMinimum": _limit(gt)}
)


@cache
def _validator(which: str, part: str) -> Any:
    schema = rubric_schema() if which == "rubric" else inputs_schema()
    if not part:
        return VALIDATOR(schema)
    return VALIDATOR({"$ref": f"#/$defs/{part}", "$defs": schema["$defs"]})


def rubric_faults(document: Document) -> list[Problem]:
    """What in the file breaks the schema, in the order of the file."""
    faults = []
    for error in _validator("rubric", "").iter_errors(document.data):
        path: Path = tuple(error.absolute_path)
        faults.append(Problem(document.line(path), document.written(path), _in_words(_fault(error))))
        if len(faults) >= MOST_PROBLEMS:
            break
    return sorted(set(faults), key=lambda fault: (fault.line or 0, fault.path, fault.message.msgid))


def inputs_faults(value: object, part: str = "", at: Path = ()) -> list[Problem]:
    """What in the inputs (or in one part of them, such as ``facts_binary``) breaks the schema."""
    faults = []
    for error in _validator("inputs", part).iter_errors(value):
        faults.append(Problem(None, written((*at, *error.absolute_path)), _in_words(_fault(error))))
        if len(faults) >= MOST_PROBLEMS:
            break
    return faults


@dataclass(frozen=True)
class Fault:
    """One fault the schema finds: the keyword that was broken, what it wants, the value, and the schema around it."""

    rule: str
    wanted: Any
    instance: Any
    schema: dict[str, Any]


def _fault(error: ValidationError) -> Fault:
    schema = dict(error.schema) if isinstance(error.schema, dict) else {}
    return Fault(str(error.validator), error.validator_value, error.instance, schema)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:59] + "…"


def _types(error: Fault) -> Message:
    wanted = error.wanted
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    # A fraction is the one text that stands for a number: naming it "text" would mislead.
    if "number" in names and "string" in names and "/" in error.schema.get("pattern", ""):
        return phrase(
            "This must be a number or a fraction such as 2/3, not “%(value)s”.", value=_short(error.instance)
        )
    known = [TYPES[name] for name in names if name != "null"]
    if len(known) == 1:
        return phrase("This must be %(type)s, not “%(value)s”.", type=known[0], value=_short(error.instance))
    return phrase(
        "This must be %(type)s or %(other)s, not “%(value)s”.",
        type=known[0],
        other=known[1],
        value=_short(error.instance),
    )


def _missing(error: Fault) -> Message:
    lacking = [key for key in error.wanted if key not in error.instance]
    return phrase("Missing here: %(keys)s.", keys=listed(lacking))


def _unknown(error: Fault) -> Message:
    known = error.schema.get("properties", {})
    strange = [key for key in error.instance if key not in known]
    return phrase("Not known here: %(keys)s. Possible: %(known)s.", keys=listed(strange), known=listed(known))


WORDS: dict[str, Callable[[Fault], Message]] = {
    "required": _missing,
    "additionalProperties": _unknown,
    "type": _types,
    "enum": lambda e: phrase(
        "“%(value)s” is not possible here. Possible: %(known)s.",
        value=_short(e.instance),
        known=", ".join(map(_short, e.wanted)),
    ),
    "const": lambda e: phrase("This must be %(value)s.", value=_short(e.wanted)),
    "minimum": lambda e: phrase("This must not be below %(limit)s.", limit=e.wanted),
    "maximum": lambda e: phrase("This must not be above %(limit)s.", limit=e.wanted),
    "exclusiveMinimum": lambda e: phrase("This must be above %(limit)s.", limit=e.wanted),
    "minLength": lambda e: phrase("This must not be empty."),
    "maxLength": lambda e: phrase("This is too long: at most %(limit)s characters.", limit=e.wanted),
    "minItems": lambda e: phrase("At least %(limit)s must be listed here.", limit=e.wanted),
    "maxItems": lambda e: phrase("At most %(limit)s can be listed here.", limit=e.wanted),
    "minProperties": lambda e: phrase("This must not be empty."),
    "maxProperties": lambda e: phrase("At most %(limit)s can be listed here.", limit=e.wanted),
    "uniqueItems": lambda e: phrase("Something stands here twice. Keep one."),
    "anyOf": lambda e: phrase("This must be a number, or an item to compare with: {of: id}."),
}


def _in_words(error: Fault) -> Message:
    if error.rule == "pattern":
        return _pattern(error)
    words = WORDS.get(error.rule)
    return (
        words(error) if words else phrase("“%(value)s” is not possible here.", value=_short(error.instance))
    )


def _pattern(error: Fault) -> Message:
    if "/" in error.wanted:
        return phrase("“%(value)s” is not a number or a fraction such as 2/3.", value=_short(error.instance))
    if "{4}" in error.wanted:
        return phrase("“%(value)s” is not a day written as 2026-10-15.", value=_short(error.instance))
    return phrase(
        "“%(value)s” cannot be an id: no spaces, brackets, dots, commas or colons.",
        value=_short(error.instance),
    )


def filled(value: Any, schema: dict[str, Any]) -> Any:
    """A copy of valid ``value`` with every setting that was left out at its default from the schema."""
    schema = _resolved(value, schema)
    if isinstance(value, list):
        return [filled(entry, schema["items"]) for entry in value] if "items" in schema else value
    if not isinstance(value, dict) or "properties" not in schema:
        return value
    known = schema["properties"]
    result = {key: filled(entry, known[key]) if key in known else entry for key, entry in value.items()}
    for key, setting in known.items():
        if key not in result and (standard := _default(setting)) is not None:
            result[key] = filled(standard[0], setting)
    return result


def coerced(value: Any, schema: dict[str, Any]) -> Any:
    """A copy of ``value`` as people type it, fitted to the schema: one entry where a list belongs is a list of one."""
    schema = _resolved(value, schema)
    if schema.get("type") == "array" and not isinstance(value, list):
        value = [value]
    if isinstance(value, list):
        return [coerced(entry, schema["items"]) for entry in value] if "items" in schema else value
    if isinstance(value, dict):
        known = schema.get("properties", {})
        return {key: coerced(inner, known[key]) if key in known else inner for key, inner in value.items()}
    return str(value) if schema.get("type") == "string" and _is_bare_number(value) else value


def _is_bare_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _resolved(value: Any, schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if (
            name in ("rule", "result")
            and isinstance(value, dict)
            and f"{name}_{value.get('kind')}" in _defs()
        ):
            name = f"{name}_{value['kind']}"
        schema = _defs()[name]
    return schema


def without_defaults(rule: dict[str, Any]) -> dict[str, Any]:
    """A filled rule without what it would hold anyway."""
    known = _defs()[f"rule_{rule['kind']}"]["properties"]
    return {name: value for name, value in rule.items() if _default(known[name]) != (value,)}


def _defs() -> dict[str, Any]:
    found: dict[str, Any] = rubric_schema()["$defs"]
    return found


def _default(setting: dict[str, Any]) -> tuple[Any] | None:
    """The default of a setting in a tuple of one, or None where there is none (None itself is a default too)."""
    if "default" in setting:
        return (setting["default"],)
    return (
        _default(rubric_schema()["$defs"][setting["$ref"].rpartition("/")[2]]) if "$ref" in setting else None
    )
