"""Forms of signing in and of one's own account."""

from typing import Any

from flask_login import current_user
from wtforms import PasswordField
from wtforms.validators import InputRequired, Length, ValidationError

from portal.accounts import passwords
from portal.accounts.models import Person
from portal.forms import LineField, PortalForm, half_width
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l


class SignInForm(PortalForm):
    """Account name or phone, and password."""

    name = LineField(
        _l("Account name or mobile number"),
        [InputRequired(_l("Enter your account name or mobile number.")), Length(max=100)],
        filters=[half_width],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    password = PasswordField(
        _l("Password"),
        [InputRequired(_l("Enter your password."))],
        render_kw={"autocomplete": "current-password"},
    )


class ProofForm(PortalForm):
    """A proof of who is holding the device."""

    password = PasswordField(
        _l("Password"),
        [InputRequired(_l("Enter your password."))],
        render_kw={"autocomplete": "current-password"},
    )

    def __init__(self, person: Person, **named: Any) -> None:
        super().__init__(**named)
        self.person = person

    def validate_password(self, field: Any) -> None:
        if not passwords.matches(self.person.password_hash, field.data or ""):
            raise ValidationError(_("This is not your password."))


class PasswordForm(PortalForm):
    """A new password, with the present one as proof."""

    present = PasswordField(
        _l("Present password"),
        [InputRequired(_l("Enter your present password."))],
        render_kw={"autocomplete": "current-password"},
    )
    new = PasswordField(
        _l("New password"),
        [InputRequired(_l("Enter a new password."))],
        description=_l("At least 8 characters. A short sentence is easy to remember."),
        render_kw={"autocomplete": "new-password"},
    )

    def __init__(self, person: Person, **named: Any) -> None:
        super().__init__(**named)
        self.person = person

    def validate_present(self, field: Any) -> None:
        if not passwords.matches(self.person.password_hash, field.data or ""):
            raise ValidationError(_("This is not your present password."))

    def validate_new(self, field: Any) -> None:
        person = self.person
        phone = (person.phone or "").removeprefix("+86")
        objection = passwords.objection(field.data or "", person.account_name, phone, current_user.name)
        if objection:
            raise ValidationError(objection)
