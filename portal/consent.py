"""What a family may allow or refuse, one purpose at a time: the question that every feature may ask.

The register (``portal/privacy/consents.py``) comes late in the order of features; it tells this file how to answer.
"""

from collections.abc import Callable
from datetime import date
from enum import StrEnum


class Purpose(StrEnum):
    """A use of a child's data that needs a guardian's own consent; refusing it never costs a notice or a visit."""

    SCHOOL_PHOTO = "school_photo"
    VISIT_PHOTO = "visit_photo"
    READING_AUDIO = "reading_audio"
    PARTNER_REFERRAL = "partner_referral"
    CASE_PUBLICATION = "case_publication"


Answer = Callable[[Purpose, int, date], bool]
Refused = Callable[[int], None]
_answers: list[Answer] = []
_refused: dict[Purpose, Refused] = {}


def answered_by(answer: Answer) -> None:
    """Let the register answer from now on."""
    _answers[:] = [answer]


def allows(purpose: Purpose, pupil_id: int, on: date) -> bool:
    """Whether the pupil's guardians allow this use on a day (in China). False until somebody has agreed.

    A withdrawal counts from the moment it is given (Personal Information Protection Law, art. 15).
    """
    return bool(_answers) and _answers[0](purpose, pupil_id, on)


def when_refused(purpose: Purpose, function: Refused) -> None:
    """Let a feature know, in the transaction of the answer, that a guardian said no for a child (its id is given)."""
    _refused[purpose] = function


def refused(purpose: Purpose, pupil_id: int) -> None:
    """A guardian has just said no or has taken the consent back: what was made under it goes at once."""
    if purpose in _refused:
        _refused[purpose](pupil_id)
