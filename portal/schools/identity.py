"""Identity numbers of pupils. A district that needs them says who may see and enter them; everywhere else the portal keeps
none, and nothing in it needs one. They are sealed, found by a keyed index, and masked until somebody gives a reason."""

import re
from collections.abc import Sequence
from datetime import date

from sqlalchemy import or_, select
from stdnum.cn import ric
from stdnum.exceptions import InvalidChecksum, InvalidFormat, InvalidLength, ValidationError

from portal import clock
from portal.access import ROLE_NAMES, Actor, Role
from portal.extensions import db
from portal.i18n import lazy_gettext as _l
from portal.i18n import no_op
from portal.keys.sealing import blind_index
from portal.schools.models import Pupil, School
from portal.settings import Choices, Setting

READERS = (Role.CLASS_TEACHER, Role.SCHOOL_OFFICE, Role.PRINCIPAL)
KEPT_BY: Setting[Sequence[str]] = Setting(
    "schools.identity_numbers",
    Choices({role.value: ROLE_NAMES[role] for role in READERS}),
    (),
    label=_l("Identity numbers of pupils: who may enter and see them"),
    help=_l(
        "Nobody ticked: the portal keeps none, a column of a roster is left unread, and what it kept goes the next night."
    ),
)
LENGTH = 18
TOO_SHORT = no_op("An identity number has 18 characters; this one has %(count)s.")
NO_DIGITS = no_op("An identity number has 17 digits and ends in a digit or X.")
MISTYPED = no_op("This identity number does not add up: one of its characters is mistyped.")
NO_PLACE = no_op("This identity number names a birthday or a county that there is not.")
UNBORN = no_op("This identity number names a birthday that is still to come.")


class BadIdentityError(ValueError):
    """A text that is no identity number: a msgid and what fills its places."""

    def __init__(self, reason: str, **params: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.params = params


def checked(text: str, today: date) -> str:
    """A Chinese resident identity number (GB 11643) in its one form: 18 characters, X in capitals.

    Raises `BadIdentityError` with a sentence that never repeats what was typed.
    """
    number = re.sub(r"[\s-]", "", text).upper()
    try:
        ric.validate(number)
    except InvalidLength:
        raise BadIdentityError(TOO_SHORT, count=len(number)) from None
    except InvalidFormat:
        raise BadIdentityError(NO_DIGITS) from None
    except InvalidChecksum:
        raise BadIdentityError(MISTYPED) from None
    except (ValidationError, LookupError):
        # The library's table has places without a county and stumbles over them.
        raise BadIdentityError(NO_PLACE) from None
    if not number.isascii():
        raise BadIdentityError(NO_DIGITS)
    if ric.get_birth_date(number) > today:
        raise BadIdentityError(UNBORN)
    return number


def masked(number: str) -> str:
    """Enough to recognise a number one knows, without birthday and county: 43************0015."""
    return f"{number[:2]}{'*' * 12}{number[-4:]}" if len(number) == LENGTH else "*" * LENGTH


def readers(school: School, on: date) -> Sequence[str]:
    """The roles that may see and enter numbers at a school that day; none where the district keeps none."""
    return KEPT_BY.on(on, district_id=school.district_id)


def reads(acting: Actor, school: School) -> bool:
    """Whether this hat may see and enter the numbers of a school's pupils; which pupils, the permission says."""
    return acting.role in readers(school, acting.on)


def is_taken(number: str, school: School, pupil_id: int) -> bool:
    """Whether another pupil who has not left a school of the same district has this number."""
    found = db.session.scalar(
        select(Pupil.id)
        .join(School, School.id == Pupil.school_id)
        .where(
            School.district_id == school.district_id,
            Pupil.identity_index == identity_index(number),
            Pupil.id != pupil_id,
            or_(Pupil.left_on.is_(None), Pupil.left_on > clock.today()),
        )
        .limit(1)
    )
    return found is not None


def identity_index(number: str) -> bytes:
    """What to find a pupil by: ``Pupil.identity_index == identity_index(number)``."""
    return blind_index("pupil.identity", number)
