"""A written visit as its author would type it into the form again."""

from collections.abc import Mapping
from typing import Any

from portal import clock
from portal.visits.forms import CHILD, NO_ANSWER
from portal.visits.models import Visit, VisitPart

COMPANY = ("company_1", "company_2", "partner")
"""The fields for those who went along."""


def company_typed(visit: Visit, told: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Those who went along, field → value. ``visit`` comes with them and their people.

    ``told``: the fields as somebody has them; the same people stay in the order in which they stand there.
    """
    people = [one.person.public_id for one in visit.company if one.person]
    standing = [(told or {}).get(name) or "" for name in COMPANY[:2]]
    if sorted(filter(None, standing)) != sorted(people):
        standing = [*people, "", ""][:2]
    partner = next((one.partner for one in visit.company if one.partner), "")
    return dict(zip(COMPANY, [*standing, partner], strict=True))


def as_typed(visit: Visit, part: VisitPart | None, household: str) -> dict[str, Any]:
    """Field → value for ``VisitForm``. ``visit`` comes with the people met and its steps; ``part`` is the author's own,
    None for who has written nothing yet; ``household`` is the public id of the home. Steps ticked off stay out."""
    start = clock.local(visit.held_at)
    until = None
    if visit.minutes:
        end = start.hour * 60 + start.minute + visit.minutes
        until = start.replace(hour=end // 60 % 24, minute=end % 60).time()
    given: dict[str, Any] = {
        "household": household,
        "how": visit.form or NO_ANSWER,
        "held_on": visit.held_on,
        "held_time": start.time(),
        "until": until,
        "met": [*([CHILD] if visit.child_met else []), *(one.guardianship.public_id for one in visit.met)],
        "others_met": visit.others_met,
        "hopes": part.hopes if part else "",
        "note": part.note if part else "",
        "school_only": bool(part and part.school_only),
        "gift_refused": visit.gift_refused,
    }
    for number, step in enumerate((one for one in visit.steps if one.done_on is None), start=1):
        given |= {
            f"step_{number}_what": step.what,
            f"step_{number}_owner": step.owner,
            f"step_{number}_due_on": step.due_on,
        }
    return given
