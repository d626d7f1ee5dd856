"""One line of a roster file while it is being read: its cells by field name, and what was wrong with them."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import TypeVar

from portal.i18n import no_op
from portal.roster import cleaning
from portal.roster.cleaning import Clean, UncleanError, Value
from portal.roster.problems import Gravity, Problem
from portal.roster.rows import Origin

T = TypeVar("T")


class Line:
    """Cells of one line. Reading a field twice tells its problem once; `is_good` says whether the line may count."""

    def __init__(
        self, origin: Origin, cells: Mapping[str, Value], headings: Mapping[str, str], is_1904: bool = False
    ) -> None:
        self.origin = origin
        self.cells = cells
        self.headings = headings
        self.is_1904 = is_1904
        self.problems: dict[tuple[str, str], Problem] = {}

    @property
    def is_good(self) -> bool:
        """Whether nothing read so far blocks this line."""
        return not any(problem.blocks for problem in self.problems.values())

    def refuse(self, field: str, reason: str, /, **params: object) -> None:
        """Tell an error in a field ("" for the whole line)."""
        self._tell(field, reason, params, Gravity.ERROR)

    def notice(self, field: str, reason: str, /, **params: object) -> None:
        """Tell something that was mended."""
        self._tell(field, reason, params, Gravity.NOTICE)

    def _tell(self, field: str, reason: str, params: Mapping[str, object], gravity: Gravity) -> None:
        words = {name: str(value) for name, value in params.items()}
        heading = self.headings.get(field, field)
        origin = self.origin
        problem = Problem(origin.file, origin.line, heading, reason, words, gravity)
        self.problems.setdefault((field, reason), problem)

    def _read(self, field: str, clean: Callable[[Value], T], instead: T) -> T:
        try:
            return clean(self.cells.get(field))
        except UncleanError as unclean:
            self.refuse(field, unclean.reason, **unclean.params)
            return instead

    def _text(self, field: str, clean: Callable[[Value], Clean], required: bool) -> str:
        if self.cells.get(field, "") == "" and not required:
            return ""
        before = len(self.problems)
        cell = self._read(field, clean, Clean(""))
        if cell.notice:
            self.notice(field, cell.notice)
        if required and not cell.text and len(self.problems) == before:
            self.refuse(field, no_op("This must be filled in."))
        return cell.text

    def text(self, field: str, required: bool = False) -> str:
        """Free text, "" if empty."""
        return self._text(field, cleaning.clean_text, required)

    def name(self, field: str, required: bool = False) -> str:
        """A name as typed, at most 160 characters, "" if empty."""
        return self._text(field, cleaning.clean_name, required)

    def code(self, field: str, required: bool = False) -> str:
        """A code or number given by an office, half-width, "" if empty."""
        return self._text(field, cleaning.clean_code, required)

    def phone(self, field: str) -> str | None:
        """A phone as E.164 or None."""
        return self._read(field, cleaning.clean_phone, None)

    def identity(self, field: str) -> str | None:
        """An identity number in its one form or None."""
        return self._read(field, cleaning.clean_identity, None)

    def day(self, field: str) -> date | None:
        """A day or None."""
        return self._read(field, lambda value: cleaning.clean_day(value, self.is_1904), None)

    def flag(self, field: str) -> bool | None:
        """Yes, no, or None if not answered."""
        return self._read(field, cleaning.clean_flag, None)

    def period(self, start_field: str, end_field: str) -> tuple[date | None, date | None]:
        """Two days of which the first may not follow the second."""
        starts_on, ends_on = self.day(start_field), self.day(end_field)
        if starts_on and ends_on and ends_on < starts_on:
            self.refuse(end_field, no_op("The last day is before the first day."))
        return starts_on, ends_on
