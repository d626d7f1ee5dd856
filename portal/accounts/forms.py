"""Forms of signing in and of one's own account."""

from typing import Any

from wtforms import PasswordField
from wtforms.validators import InputRequired, Length, ValidationError

from portal.accounts import passwords
from portal.accounts.knowing import own_words
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
    """A proof of who is holding the device: the password, or a code of the second factor."""

    password = PasswordField(_l("Password"), render_kw={"autocomplete": "current-password"})
    code = LineField(_l("Verification code"), [Length(max=40)], filters=[half_width])

    def __init__(self, person: Person, **named: Any) -> None:
        super().__init__(**named)
        self.person = person


class SecondCodeForm(PortalForm):
    """Six digits of the app, or a code on paper."""

    code = LineField(_l("Verification code"), [Length(max=40)], filters=[half_width])


class AppCodeForm(PortalForm):
    """The first six digits of a new app."""

    code = LineField(
        _l("The six digits that the app shows"),
        [InputRequired(_l("Enter the six digits.")), Length(max=40)],
        filters=[half_width],
    )


class PasskeyForm(PortalForm):
    """A name for a new passkey."""

    name = LineField(_l("Name of this device"), [Length(max=60)])


class RecoveryForm(PortalForm):
    """Signing in without the password: account, app and paper together."""

    name = LineField(
        _l("Account name or mobile number"),
        [InputRequired(_l("Enter your account name or mobile number.")), Length(max=100)],
        filters=[half_width],
    )
    digits = LineField(
        _l("The six digits that the app shows"),
        [InputRequired(_l("Enter the six digits.")), Length(max=40)],
        filters=[half_width],
    )
    code = LineField(
        _l("Recovery code"),
        [InputRequired(_l("Enter one of your recovery codes.")), Length(max=40)],
        filters=[half_width],
    )


def password_hint(*, alone: bool) -> str:
    """How long a new password has to be, and how to find one."""
    shortest = passwords.ALONE if alone else passwords.WITH_SECOND_FACTOR
    return _(
        "At least %(count)s characters of any kind. A few words in a row are easy to remember.",
        count=shortest,
    )


class NewPasswordForm(PortalForm):
    """A new password. ``alone``: there is no second factor; ``staff``: the person holds an appointment."""

    new = PasswordField(
        _l("New password"),
        [InputRequired(_l("Enter a new password."))],
        render_kw={"autocomplete": "new-password"},
    )

    def __init__(self, person: Person, *, alone: bool = True, staff: bool = False, **named: Any) -> None:
        super().__init__(**named)
        self.person, self.alone, self.staff = person, alone, staff

    @property
    def hint(self) -> str:
        """How long it has to be, and how to find one."""
        return password_hint(alone=self.alone)

    def validate_new(self, field: Any) -> None:
        objection = passwords.objection(
            field.data or "", *own_words(self.person), alone=self.alone, staff=self.staff
        )
        if objection:
            raise ValidationError(objection)


class PasswordForm(NewPasswordForm):
    """A new password, with the present one as proof."""

    present = PasswordField(
        _l("Present password"),
        [InputRequired(_l("Enter your present password."))],
        render_kw={"autocomplete": "current-password"},
    )

    def validate_present(self, field: Any) -> None:
        if not passwords.matches(self.person.password_hash, field.data or ""):
            raise ValidationError(_("This is not your present password."))
