"""How many days each step of a rating has, by province, in working or calendar days; and whom a tie keeps away how long.

The day itself never counts; a step is in time until the end of its last day. A district chooses its table as a setting, so
each step keeps the value of the day on which it began: later changes never move a day that has been announced.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from portal.i18n import lazy_gettext as _l
from portal.i18n import ngettext
from portal.schools.calendar import add_working_days
from portal.settings import Choice, Number, Setting, Switch


@dataclass(frozen=True)
class Days:
    """A number of working days, or of calendar days where the rule says so."""

    count: int
    working: bool = True

    def after(self, day: date) -> date:
        """The last day of the term that begins on ``day``."""
        return add_working_days(day, self.count) if self.working else day + timedelta(days=self.count)

    def words(self) -> str:
        """As people read it."""
        if self.working:
            return ngettext("%(num)s working day", "%(num)s working days", self.count)
        return ngettext("%(num)s calendar day", "%(num)s calendar days", self.count)


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
}
"""Days to answer the first opinion after the rules of education inspection of Zhejiang, Shanghai and Chongqing; to appeal
and to answer an appeal after those of Zhejiang (asked for in ten days, answered in thirty), elsewhere ten working days and
thirty days; the other days are ours, public notice never under five working days."""
PROVINCE = Setting(
    "ratings.terms",
    Choice({name: terms.name for name, terms in TERMS.items()}),
    STANDARD,
    label=_l("Star rating: days of each step"),
    help=_l("A step that has begun keeps its day. Working days know the official holidays and make-up days."),
)
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


VALIDITY = Setting(
    "ratings.validity_years",
    Number(1, 10, _l("years")),
    3,
    label=_l("Star rating: a title is valid for"),
    help=_l("Where the rubric itself says nothing. Counted from the publication of the round."),
)


def terms_on(day: date, district_id: int) -> Terms:
    """The days that hold in a district for a step that begins on a day."""
    return TERMS[PROVINCE.on(day, district_id=district_id)]
