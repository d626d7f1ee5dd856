"""What districts set for care: how often absent parents are spoken to, and by when each step against dropping out is taken."""

from portal.care.models import STEP_NAMES, StepKind
from portal.i18n import lazy_gettext as _l
from portal.schools.models import School
from portal.settings import Number, Setting

CONTACT_DAYS = Setting(
    "care.contact_days",
    Number(3, 120, _l("days")),
    30,
    label=_l("Left-behind children: longest time without contact"),
    help=_l("After so many days without an entry in the contact log the class teacher is reminded."),
)
REVIEW_DAYS = Setting(
    "care.review_days",
    Number(14, 200, _l("days")),
    60,
    label=_l("Plans for single pupils: time between two reviews"),
    help=_l("Proposed as the day of the next review; whoever writes the plan may choose another."),
)
_ORDINARY = {
    StepKind.CALL: 1,
    StepKind.VISIT: 3,
    StepKind.VILLAGE: 7,
    StepKind.NOTICE: 15,
    StepKind.REPORT: 30,
}
STEP_DAYS = {
    kind: Setting(
        f"care.{kind.value}_days",
        Number(0, 120, _l("days")),
        days,
        label=_l("Dropout watch, step: %(step)s", step=STEP_NAMES[kind]),
        help=_l("So many days after the first day of absence this step is due."),
    )
    for kind, days in _ORDINARY.items()
}
"""When each step is due, in days after the first day of absence. The ordinary values are ours: the law (义务教育法 art. 11
and 13) names who acts and no days, and districts set their own in their documents."""


def place(school: School) -> dict[str, int]:
    """The place whose settings hold for a school."""
    return {"district_id": school.district_id, "school_id": school.id}
