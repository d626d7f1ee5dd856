"""How many days each step of a rating has, by province, in working or calendar days; and whom a tie keeps away how long.

The day itself never counts; a step is in time until the end of its last day. A district chooses its table as a setting, so
each step keeps the value of the day on which it began: later changes never move a day that has been announced.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from portal.i18n import lazy_gettext as _l
from portal.i18n import ngettext
from portal.schools.calendar import add_working_days
from portal.settings import Choice, Lines, Number, Setting, Switch


@dataclass(frozen=True)
class Days:
    """A number of working days, of calendar days or of months, as the rule says."""

    count: int
    working: bool = True
    months: bool = False

    def after(self, day: date, district_id: int | None = None) -> date:
        """The last day of the term that begins on ``day``; working days by the calendar that the district knows."""
        if self.months:
            return _months_after(day, self.count)
        if not self.working:
            return day + timedelta(days=self.count)
        return add_working_days(day, self.count, district_id)

    @property
    def code(self) -> str:
        """As it is stored: 10w working days, 10c calendar days, 1m months."""
        return f"{self.count}{'m' if self.months else 'w' if self.working else 'c'}"

    @classmethod
    def read(cls, code: str) -> "Days":
        """The days that a code stands for."""
        return cls(int(code[:-1]), code[-1] == "w", code[-1] == "m")

    def words(self) -> str:
        """As people read it."""
        if self.months:
            return ngettext("%(num)s month", "%(num)s months", self.count)
        if self.working:
            return ngettext("%(num)s working day", "%(num)s working days", self.count)
        return ngettext("%(num)s calendar day", "%(num)s calendar days", self.count)


def _months_after(day: date, months: int) -> date:
    """The same day so many months later, or the last day of that month."""
    year, month = divmod(day.month - 1 + months, 12)
    first = date(day.year + year, month + 1, 1)
    after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return min(first + timedelta(days=day.day - 1), after - timedelta(days=1))


@dataclass(frozen=True)
class Terms:
    """The days of each step: correcting a returned self-assessment, answering the first opinion, public notice; then the
    district's answer to an objection, the school's appeal after an answer, the answer to an appeal."""

    name: Any
    correction: Days
    defence: Days
    publicity: Days
    reply: Days = Days(10)
    appeal: Days = Days(10)
    review: Days = Days(30, False)


STANDARD = "standard"
TERMS = {
    STANDARD: Terms(_l("Ordinary: ten working days to answer"), Days(5), Days(10), Days(5)),
    "zhejiang": Terms(
        _l("Zhejiang: ten calendar days to answer"), Days(5), Days(10, False), Days(5), appeal=Days(10, False)
    ),
    "shanghai": Terms(_l("Shanghai: ten working days to answer"), Days(5), Days(10), Days(5)),
    "chongqing": Terms(_l("Chongqing: five calendar days to answer"), Days(5), Days(5, False), Days(5)),
    "shandong": Terms(
        _l("Shandong: fifteen calendar days to appeal, answered in a month"),
        Days(5), Days(10), Days(5), appeal=Days(15, False), review=Days(1, False, True),
    ),
    "shaanxi": Terms(_l("Shaanxi: five days of public notice"), Days(5), Days(10), Days(5)),
}  # fmt: skip
"""Days to answer the first opinion after the rules of education inspection of Zhejiang, Shanghai and Chongqing; to appeal
and to answer an appeal after those of Zhejiang (asked for in ten days, answered in thirty) and Shandong (asked for in fifteen
days, answered in a month), elsewhere ten working days and thirty days; the other days are ours, public notice never under five
working days (Shaanxi: five days)."""
PROVINCE = Setting(
    "ratings.terms",
    Choice({name: terms.name for name, terms in TERMS.items()}),
    STANDARD,
    label=_l("Star rating: days of each step"),
    help=_l("A step that has begun keeps its day. Working days know the official holidays and make-up days."),
)
TABLE = ""
"""A step's own setting says: as in the table of the province."""
MAY_BE = tuple(
    Days.read(code)
    for code in ("5w", "7w", "10w", "15w", "20w", "30w", "5c", "10c", "15c", "30c", "1m", "2m")
)
STEPS = {
    "correction": _l("Star rating: days to correct a returned self-assessment"),
    "defence": _l("Star rating: days to answer the first opinion"),
    "publicity": _l("Star rating: days of public notice"),
    "reply": _l("Star rating: days to answer an objection"),
    "appeal": _l("Star rating: days to appeal"),
    "review": _l("Star rating: days to answer an appeal"),
}


def _choices(step: str) -> Choice:
    may_be = [days for days in MAY_BE if step != "publicity" or days.working]
    return Choice(
        {TABLE: _l("As in the table of the province"), **{days.code: _InWords(days) for days in may_be}}
    )


@dataclass(frozen=True)
class _InWords:
    """The words of days in the language of whoever reads them."""

    days: Days

    def __str__(self) -> str:
        return self.days.words()


OWN_DAYS = {
    step: Setting(
        f"ratings.days_{step}",
        _choices(step),
        TABLE,
        label=label,
        help=_l(
            "Where the rules of your place differ from the table; name the document. A step that has begun keeps its day."
        ),
    )
    for step, label in STEPS.items()
}
YEARS_APART = Setting(
    "ratings.years_apart",
    Number(1, 10, _l("years")),
    3,
    label=_l("Star rating: former staff step aside for"),
    help=_l("Whoever worked at a school within so many years does not inspect it."),
)


ROTATION = Setting(
    "ratings.rotation",
    Switch(),
    False,
    label=_l("Star rating: inspectors change from round to round"),
    help=_l("Whoever inspected a school in the last published round does not inspect it in the next one."),
)


DRAWN = Setting(
    "ratings.drawn",
    Switch(),
    True,
    label=_l("Star rating: inspectors are drawn"),
    help=_l(
        "From the public draw. Whoever names them by hand signs a reason that everybody reads. A round keeps the rule it was prepared under."
    ),
)
"""On by itself: reviewers are to be assigned by a published seed, not picked by the office that decides."""


SPREAD = Setting(
    "ratings.spread",
    Number(1, 100, "%"),
    50,
    label=_l("Star rating: a third scorer from a difference of more than"),
    help=_l(
        "Of the points of an indicator. Where two blind scores lie further apart, somebody of the team scores it as well."
    ),
)


GROUPS: Setting[list[str]] = Setting(
    "ratings.groups",
    Lines(400, 60),
    [],
    label=_l("Star rating: school groups and alliances"),
    help=_l(
        "One group a line, the names of its schools with 、 between them. Staff of one do not inspect another of the same group."
    ),
)


VALIDITY = Setting(
    "ratings.validity_years",
    Number(1, 10, _l("years")),
    3,
    label=_l("Star rating: a title is valid for"),
    help=_l("Where the rubric itself says nothing. Counted from the publication of the round."),
)


def terms_on(day: date, district_id: int) -> Terms:
    """The days that hold in a district for a step that begins on a day: the table of the province, and its own days."""
    own = {step: setting.on(day, district_id=district_id) for step, setting in OWN_DAYS.items()}
    changed = {step: Days.read(code) for step, code in own.items() if code}
    return replace(TERMS[PROVINCE.on(day, district_id=district_id)], **changed)
