"""The rubric engine: rating schemes as data, checked in words, scored exactly. Knows neither web nor database.

``load`` a YAML file into a rubric, ``read_json`` and ``score`` the facts of a school, show the result with ``as_json``.
What can be written is described in docs/rubrics.md and in schema.json and inputs.json beside this file.
"""

from portal.ratings.rubric.cases import failed_cases
from portal.ratings.rubric.explaining import as_json
from portal.ratings.rubric.loading import load
from portal.ratings.rubric.model import Item, Rubric
from portal.ratings.rubric.problems import Message, Problem, RubricError, title_text
from portal.ratings.rubric.reading import read_json, read_yaml
from portal.ratings.rubric.results import ItemResult, Result
from portal.ratings.rubric.scoring import score
from portal.ratings.rubric.standing import star_rules
from portal.ratings.rubric.writing import as_yaml

__all__ = [
    "Item",
    "ItemResult",
    "Message",
    "Problem",
    "Result",
    "Rubric",
    "RubricError",
    "as_json",
    "as_yaml",
    "failed_cases",
    "load",
    "read_json",
    "read_yaml",
    "score",
    "star_rules",
    "title_text",
]
