"""Forms of restrictions: the document, the days, a reason."""

from typing import Any

from wtforms import BooleanField, DateField, MultipleFileField, RadioField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from portal import clock
from portal.custody.models import DOCUMENT_NAMES, REASON_LENGTH
from portal.files.intake import chosen
from portal.forms import LineField, PortalForm, half_width
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l

LENGTH = 100
TOO_LONG = _l("Use at most 100 characters.")


class RestrictionForm(PortalForm):
    """Whom a court restricts, by which document, from when until when."""

    guardianship = RadioField(_l("Whom the document restricts"), [InputRequired(_l("Choose the guardian."))])
    document = RadioField(_l("Kind of document"), [InputRequired(_l("Choose the kind of document."))])
    court = LineField(
        _l("Court"), [InputRequired(_l("Enter the court.")), Length(max=LENGTH, message=TOO_LONG)]
    )
    number = LineField(
        _l("Number of the document"),
        [InputRequired(_l("Enter the number.")), Length(max=LENGTH, message=TOO_LONG)],
        filters=[half_width],
    )
    issued_on = DateField(_l("Day of the document"), [InputRequired(_l("Enter the day of the document."))])
    from_on = DateField(_l("Holds from"), [InputRequired(_l("Enter the first day."))])
    until_on = DateField(_l("Holds until, that day included"), [Optional()])
    is_quiet = BooleanField(_l("Do not tell the other guardians"))
    papers = MultipleFileField(_l("Scan of the document"))

    def __init__(self, guardians: dict[str, str], **named: Any) -> None:
        super().__init__(**named)
        self.guardianship.choices = list(guardians.items())
        self.document.choices = [(kind.value, str(name)) for kind, name in DOCUMENT_NAMES.items()]

    def validate_issued_on(self, field: Any) -> None:
        if field.data and field.data > clock.today():
            raise ValidationError(_("The document cannot be of a day to come."))

    def validate_until_on(self, field: Any) -> None:
        if field.data and self.from_on.data and field.data < self.from_on.data:
            raise ValidationError(_("The last day cannot come before the first."))


class PapersForm(PortalForm):
    """Scans that are added to a restriction."""

    papers = MultipleFileField(_l("Scan of the document"))

    def validate_papers(self, field: Any) -> None:
        if not chosen(field.data or []):
            raise ValidationError(_("Choose a file first."))


class ReasonForm(PortalForm):
    """Why a restriction is refused or ended."""

    reason = LineField(
        _l("Reason"),
        [
            InputRequired(_l("Write the reason.")),
            Length(max=REASON_LENGTH, message=_l("Use at most 200 characters.")),
        ],
    )
