"""The clock of an opinion, in working days with the official holidays and make-up days.

The numbers are the proposal of the portal's makers: no national rule sets them for opinions of parents.
"""

from dataclasses import dataclass
from datetime import date

from portal.schools.calendar import add_working_days

ACKNOWLEDGE_IN = 2
ANSWER_IN = 5
LIFT_AFTER = 2
"""Working days after a missed answer until the district sees the opinion."""


@dataclass(frozen=True)
class Deadlines:
    """The last days on which it is still in time, and the first day on which the district sees it."""

    acknowledge_by: date
    answer_by: date
    lifts_on: date


def deadlines(sent_on: date) -> Deadlines:
    """The clock of what was sent (or reopened) on a day; that day itself does not count."""
    answer_by = add_working_days(sent_on, ANSWER_IN)
    return Deadlines(
        acknowledge_by=add_working_days(sent_on, ACKNOWLEDGE_IN),
        answer_by=answer_by,
        lifts_on=add_working_days(answer_by, LIFT_AFTER),
    )
