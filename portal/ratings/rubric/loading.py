"""Reading a rubric from text: in our own form, or a scheme as collections describe it."""

from portal.ratings.rubric.checking import checked
from portal.ratings.rubric.described.scheme import Description, described, is_described
from portal.ratings.rubric.model import Rubric
from portal.ratings.rubric.reading import read_yaml


def told(raw: bytes | str) -> Description:
    """The values of a YAML file in our own form, and what of it was not taken over as it stands. Raises RubricError."""
    document = read_yaml(raw)
    return described(document) if is_described(document.data) else Description(document, [], is_own=True)


def load(raw: bytes | str) -> Rubric:
    """The rubric of a YAML file. Raises RubricError with everything that is wrong, in words, in the order of the file."""
    return checked(told(raw).document)
