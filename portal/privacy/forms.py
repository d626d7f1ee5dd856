"""Forms of data rights: answers on paper, the name of a reader."""

from datetime import date
from typing import Any

from wtforms import DateField, RadioField
from wtforms.validators import InputRequired, Length, ValidationError

from portal import clock
from portal.forms import PortalForm, TextField
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.privacy.models import LINE_LENGTH
from portal.privacy.purposes import FIRST, PURPOSES


class PaperForm(PortalForm):
    """A slip that a guardian signed; the caller gives the guardians who may sign for the child."""

    guardian = RadioField(_l("Who signed"), [InputRequired(_l("Choose who signed."))])
    purpose = RadioField(_l("For what"), [InputRequired(_l("Choose what it is for."))])
    answer = RadioField(_l("What the slip says"), [InputRequired(_l("Choose what the slip says."))])
    signed_on = DateField(_l("Day on the slip"), [InputRequired(_l("Enter the day on the slip."))])

    def __init__(self, guardians: dict[str, str], **named: Any) -> None:
        super().__init__(**named)
        self.guardian.choices = list(guardians.items())
        self.purpose.choices = [(purpose.value, str(declared.name)) for purpose, declared in PURPOSES.items()]
        self.answer.choices = [("yes", str(_l("I agree"))), ("no", str(_l("I do not agree")))]

    def validate_signed_on(self, field: Any) -> None:
        """A slip is signed after the purpose was first asked, and not in days to come."""
        day: date | None = field.data
        if day is not None and (day > clock.today() or day < FIRST):
            raise ValidationError(_("The day must lie between the start of the register and today."))


TOO_LONG = _l("Use at most 500 characters.")


class ReaderNameForm(PortalForm):
    """Whether the name of a reader is told, and words beside it; without the name the words say why."""

    tell = RadioField(_l("Tell the name"), [InputRequired(_l("Choose one."))])
    words = TextField(_l("What else the family should know"), [Length(max=LINE_LENGTH, message=TOO_LONG)])

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.tell.choices = [("yes", str(_l("Yes, tell the name"))), ("no", str(_l("No, and say why")))]

    def validate_words(self, field: Any) -> None:
        """A refusal has a reason (PIPL art. 50: a refusal states its reasons)."""
        if self.tell.data == "no" and not field.data:
            raise ValidationError(_("Say why the name is not told."))
