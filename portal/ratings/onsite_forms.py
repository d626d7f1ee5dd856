"""The form of a note of a score sheet."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from wtforms import DateField, RadioField, SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from portal.forms import LineField, PortalForm, TextField
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.ratings.onsite import LINE, NOTE_NAMES

LONGEST = 5_000
BACK = timedelta(days=400)
_too_long = _l("Keep it under %(max)d characters.")


class NoteForm(PortalForm):
    """What was heard or seen: kind, day, with whom or which documents, the indicators it is about, the text."""

    kind = RadioField(_l("Kind of note"), [InputRequired(_l("Choose the kind."))], validate_choice=False)
    held_on = DateField(_l("Day"), [InputRequired(_l("Choose a day."))])
    with_whom = LineField(
        _l("With whom, or which documents"),
        [DataRequired(_l("Write with whom, or which documents.")), Length(max=LINE, message=_too_long)],
    )
    items = SelectMultipleField(_l("About which indicators"), validate_choice=False)
    text = TextField(
        _l("What was heard or seen"),
        [DataRequired(_l("Write what was heard or seen.")), Length(max=LONGEST, message=_too_long)],
    )

    def __init__(self, items: Mapping[str, str], today: date, **named: Any) -> None:
        super().__init__(**named)
        self.today = today
        self.kind.choices = [SelectChoice(str(kind), str(name)) for kind, name in NOTE_NAMES.items()]
        self.items.choices = [SelectChoice(name, title) for name, title in items.items()]

    def said(self) -> dict[str, Any]:
        """The note as plain values."""
        return {name: getattr(self, name).data for name in ("kind", "held_on", "with_whom", "text")} | {
            "items": list(self.items.data or [])
        }

    def validate_kind(self, field: Any) -> None:
        if field.data and field.data not in set(NOTE_NAMES):
            raise ValidationError(_("Choose the kind."))

    def validate_held_on(self, field: Any) -> None:
        if field.data and not self.today - BACK <= field.data <= self.today:
            raise ValidationError(_("Choose a day of the past year, today at the latest."))

    def validate_items(self, field: Any) -> None:
        if set(field.data or []) - {choice.value for choice in field.choices}:
            raise ValidationError(_("Choose indicators of this sheet."))
