"""Forms of contacts: what a guardian asks to have changed, and why the school declines."""

import re
from typing import Any

from wtforms import BooleanField
from wtforms.validators import InputRequired, Length, ValidationError

from portal.accounts.models import NAME_LENGTH
from portal.accounts.phones import normalised
from portal.contacts.changing import NO, YES
from portal.contacts.models import DETAIL_NAMES, REASON_LENGTH, Detail
from portal.forms import LineField, PortalForm, half_width
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l

MOBILE = re.compile(r"\+861\d{10}")
LONG_NAME = _l("Use at most 160 characters.")


class DetailsForm(PortalForm):
    """A guardian's details as they should be; ``stands`` is what stands there now."""

    name = LineField(
        DETAIL_NAMES[Detail.NAME],
        [InputRequired(_l("Enter your name.")), Length(max=NAME_LENGTH, message=LONG_NAME)],
    )
    phone = LineField(DETAIL_NAMES[Detail.PHONE], [Length(max=40)], filters=[half_width])
    relation = LineField(
        DETAIL_NAMES[Detail.RELATION],
        [
            InputRequired(_l("Enter what the child calls you, for example 妈妈 or 外公.")),
            Length(max=40, message=_l("Use at most 40 characters.")),
        ],
    )
    lives_with = BooleanField(DETAIL_NAMES[Detail.LIVES_WITH])
    picks_up = BooleanField(DETAIL_NAMES[Detail.PICKS_UP])
    child_name = LineField(
        DETAIL_NAMES[Detail.CHILD_NAME],
        [InputRequired(_l("Enter the child's name.")), Length(max=NAME_LENGTH, message=LONG_NAME)],
    )

    def validate_phone(self, field: Any) -> None:
        number = normalised(field.data) if field.data else ""
        if number is None or (number.startswith("+86") and not MOBILE.fullmatch(number)):
            digits = sum(letter.isdigit() for letter in field.data)
            raise ValidationError(
                _("A mobile number has 11 digits. You entered %(count)s.", count=digits)
                if digits
                else _("A mobile number has digits only.")
            )

    def wanted(self) -> dict[Detail, str]:
        """The details as they should be, numbers in E.164, ticks as "yes" or "no"."""
        return {
            Detail.NAME: self.name.data,
            Detail.PHONE: normalised(self.phone.data or "") or "",
            Detail.RELATION: self.relation.data,
            Detail.LIVES_WITH: YES if self.lives_with.data else NO,
            Detail.PICKS_UP: YES if self.picks_up.data else NO,
            Detail.CHILD_NAME: self.child_name.data,
        }


class DeclineForm(PortalForm):
    """Why the school does not change a detail; the guardian reads it."""

    reason = LineField(
        _l("Why not"),
        [
            InputRequired(_l("Say why, so that the family knows what to do.")),
            Length(max=REASON_LENGTH, message=_l("Use at most 200 characters.")),
        ],
    )
