"""The form that takes a roster in."""

from typing import Any

from flask_wtf.file import FileField
from wtforms import RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from portal.forms import PortalForm
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l

FULL, DELTA = "full", "delta"


class UploadForm(PortalForm):
    """A roster file, and whether it is complete or brings only changes."""

    file = FileField(_l("Roster file"))
    extent = RadioField(
        _l("What the file holds"),
        choices=[SelectChoice(FULL, _l("The complete roster")), SelectChoice(DELTA, _l("Only changes"))],
        default=FULL,
    )

    def validate_file(self, field: Any) -> None:
        """A file must be chosen; what is in it is checked in the background."""
        if not field.data or not field.data.filename:
            raise ValidationError(_("Choose the roster file."))
