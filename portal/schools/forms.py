"""Forms of the world: terms, telephone, households."""

from typing import Any

from wtforms import DateField, RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Regexp, ValidationError

from portal import clock
from portal.forms import LineField, PortalForm, half_width
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.schools import identity


class TermForm(PortalForm):
    """First and last day of a term."""

    starts_on = DateField(_l("First day"), [InputRequired(_l("Enter the first day of the term."))])
    ends_on = DateField(_l("Last day"), [InputRequired(_l("Enter the last day of the term."))])

    def validate_ends_on(self, field: Any) -> None:
        if self.starts_on.data and field.data and field.data <= self.starts_on.data:
            raise ValidationError(_("The last day must come after the first day."))


class SchoolPhoneForm(PortalForm):
    """The telephone that families ring."""

    phone = LineField(
        _l("The school's telephone"),
        [
            InputRequired(_l("Enter the number that families can ring.")),
            Length(max=40, message=_l("Use at most 40 characters.")),
            Regexp(
                r"^[0-9+() \-转]+$",
                message=_l("A telephone number has digits only, for example 0730-8123456."),
            ),
        ],
        filters=[half_width],
    )


SHOWN_FOR = {
    "visit": _l("Arrange a visit"),
    "unwell": _l("The child is unwell or hurt"),
    "absent": _l("The child has not come"),
    "unread": _l("No answer to a notice"),
    "roster": _l("Check the roster"),
    "other": _l("Something else"),
}
"""Why a number is asked for; the words go into the trail."""


class NumberForm(PortalForm):
    """Why somebody asks for a family's telephone number."""

    cause = RadioField(
        _l("What you need it for"),
        [InputRequired(_l("Choose what you need the number for."))],
        choices=[SelectChoice(value, label) for value, label in SHOWN_FOR.items()],
    )
    line = LineField(_l("In your own words"), [Length(max=80, message=_l("Use at most 80 characters."))])

    def validate_line(self, field: Any) -> None:
        if self.cause.data == "other" and not field.data:
            raise ValidationError(_("Say in a few words what you need the number for."))

    @property
    def purpose(self) -> str:
        """What the trail keeps."""
        said = str(SHOWN_FOR.get(self.cause.data, ""))
        return " · ".join(part for part in (said, self.line.data) if part)


class IdentityForm(PortalForm):
    """The identity number of a pupil; nothing in it takes the number away."""

    number = LineField(_l("Identity number"), filters=[half_width])

    def validate_number(self, field: Any) -> None:
        if not field.data:
            return
        try:
            field.data = identity.checked(field.data, clock.today())
        except identity.BadIdentityError as bad:
            raise ValidationError(_(bad.reason, **bad.params)) from None


class HouseholdSplitForm(PortalForm):
    """Which guardian counts as a household of their own from a day on."""

    guardianship = RadioField(_l("Who lives apart"), [InputRequired(_l("Choose who lives apart."))])
    from_on = DateField(_l("From which day"), [InputRequired(_l("Enter the day."))])
    reason = LineField(_l("On what basis"), [Length(max=200, message=_l("Use at most 200 characters."))])
