"""What is wrong or noteworthy in a roster file, kept so that it can be said in the reader's language later."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from portal.i18n import no_op


class Gravity(StrEnum):
    """What a problem means: the file cannot be read; a row blocks the import; or it was mended and is only told."""

    FATAL = "fatal"
    ERROR = "error"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to tell. `reason` is a msgid with %(name)s places, filled from `params` after translation.

    `file` is the sheet or CSV file ("" for the whole upload), `line` counts from 1 (0: no single line),
    `field` the heading as it stands in the file ("" for the whole row).
    """

    file: str
    line: int
    field: str
    reason: str
    params: Mapping[str, str] = dataclasses.field(default_factory=dict)
    gravity: Gravity = Gravity.ERROR

    @property
    def blocks(self) -> bool:
        """Whether nothing may be imported while this stands."""
        return self.gravity is not Gravity.NOTICE

    def words(self, translate: Callable[[str], str] = no_op) -> str:
        """The reason as a sentence, in the language `translate` speaks."""
        return translate(self.reason) % self.params


class UnreadableError(Exception):
    """Reading cannot go on; carries the problem that says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.words())
        self.problem = problem


def unreadable(reason: str, file: str = "", line: int = 0, /, **params: object) -> UnreadableError:
    """An `UnreadableError` for the whole file or the whole upload."""
    words = {name: str(value) for name, value in params.items()}
    return UnreadableError(Problem(file, line, "", reason, words, Gravity.FATAL))
