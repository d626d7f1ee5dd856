"""Forms of one-time codes and of one's own e-mail address."""

from typing import Any

from wtforms.validators import InputRequired, ValidationError

from portal.accounts import addresses, phones
from portal.accounts.codes import DIGITS, plain
from portal.forms import LineField, PortalForm, half_width
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l


class RecipientForm(PortalForm):
    """Where a one-time code goes: a mobile number or an e-mail address."""

    recipient = LineField(
        _l("Mobile number or e-mail address"),
        [InputRequired(_l("Enter your mobile number or e-mail address."))],
        filters=[half_width],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    address = ""

    def validate_recipient(self, field: Any) -> None:
        typed = field.data or ""
        self.address = (addresses.normalised(typed) if "@" in typed else phones.normalised(typed)) or ""
        if not self.address:
            raise ValidationError(
                _("This is neither a mobile number nor an e-mail address. A mobile number has 11 digits.")
            )


class EmailForm(PortalForm):
    """A new e-mail address."""

    recipient = LineField(
        _l("E-mail address"),
        [InputRequired(_l("Enter your e-mail address."))],
        filters=[half_width],
        render_kw={"autocomplete": "email", "autocapitalize": "none", "spellcheck": "false"},
    )
    address = ""

    def validate_recipient(self, field: Any) -> None:
        self.address = addresses.normalised(field.data or "") or ""
        if not self.address:
            raise ValidationError(_("This is not an e-mail address. It looks like name@example.com."))


class EightDigitsForm(PortalForm):
    """A one-time code of eight digits, however it is typed."""

    code = LineField(
        _l("One-time code"),
        [InputRequired(_l("Enter the code."))],
        filters=[half_width],
        render_kw={"autocomplete": "one-time-code", "inputmode": "numeric"},
    )

    def validate_code(self, field: Any) -> None:
        digits = plain(field.data or "")
        if len(digits) != DIGITS or not (digits.isascii() and digits.isdecimal()):
            raise ValidationError(_("The code has %(count)s digits.", count=DIGITS))
