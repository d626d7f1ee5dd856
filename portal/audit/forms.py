"""Choosing entries of the log, and asking for them as a file."""

from typing import Any

from wtforms import DateField, RadioField, SelectField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from portal import clock
from portal.audit.wording import AREAS
from portal.forms import LineField, PortalForm
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.trail.models import PURPOSE_LENGTH

DAY_WANTED = _l("Enter a day.")
MOST_DAYS = 366


class ChoiceForm(PortalForm):
    """Which entries to look at; nothing has to be chosen."""

    day = DateField(_l("Day"), [Optional()])
    person = LineField(_l("Name of the person"), [Length(max=100)])
    area = SelectField(_l("About"), validate_choice=False)

    def __init__(self, formdata: Any) -> None:
        super().__init__(formdata=formdata)
        first_of = {str(name): key for key, name in reversed(AREAS.items())}
        self.area.choices = [("", _("Everything")), *((key, name) for name, key in sorted(first_of.items()))]


class ExportForm(PortalForm):
    """Which days, as what kind of file, and why."""

    first = DateField(_l("Starting day"), [InputRequired(DAY_WANTED)])
    last = DateField(_l("Last day, included"), [InputRequired(DAY_WANTED)])
    kind = RadioField(
        _l("Kind of file"),
        [InputRequired(_l("Choose the kind of file."))],
        choices=[("xlsx", "XLSX"), ("csv", "CSV")],
        default="xlsx",
    )
    reason = LineField(
        _l("What it is for"),
        [
            InputRequired(_l("Say what the file is for.")),
            Length(max=PURPOSE_LENGTH, message=_l("Use at most 200 characters.")),
        ],
    )

    def validate_last(self, field: Any) -> None:
        """Days in order, not in the future, at most a year."""
        first = self.first.data
        if first is None or field.data is None:
            return
        if field.data < first:
            raise ValidationError(_("The last day comes before the first."))
        if (field.data - first).days >= MOST_DAYS:
            raise ValidationError(_("Choose at most one year."))
        if first > clock.today():
            raise ValidationError(_("These days are still to come."))
