"""A rubric file as somebody brings it: our own text, a scheme as collections describe it, or a workbook of an office."""

from dataclasses import dataclass
from typing import Any

from portal.ratings.rubric import Message, Rubric, as_yaml
from portal.ratings.rubric.checking import checked
from portal.ratings.rubric.loading import told
from portal.ratings.workbooks import is_workbook, taken_from


@dataclass(frozen=True)
class RubricFile:
    """The checked rubric, its values and text in our own form, and what of the file was not taken over as it stands."""

    rubric: Rubric
    values: dict[str, Any]
    text: str
    remarks: list[Message]


def read_file(raw: bytes | str, judge_without_rule: bool = False) -> RubricFile:
    """The rubric of a file. ``judge_without_rule``: indicators of a workbook without a rule are left to the scorers.

    Raises RubricError with everything that is wrong, each with its line or cell.
    """
    if isinstance(raw, bytes) and is_workbook(raw):
        taken = taken_from(raw, judge_without_rule)
        return RubricFile(taken.rubric(), taken.values, as_yaml(taken.values), taken.remarks)
    found = told(raw)
    rubric = checked(found.document)
    assert isinstance(found.document.data, dict)
    values = found.document.data
    if found.is_own:
        return RubricFile(rubric, values, raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw, [])
    return RubricFile(rubric, values, as_yaml(values), found.remarks)
