"""The form of a district's provider."""

from typing import Any

from wtforms import BooleanField, PasswordField, SelectMultipleField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, Regexp, ValidationError

from portal.access import ROLE_NAMES, Role
from portal.forms import LineField, PortalForm, half_width
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.signon import asking

CLAIM = r"[A-Za-z0-9_.:/-]*"
ROLES = {role.value: ROLE_NAMES[role] for role in Role if role != Role.SYSTEM_ADMIN}


def _claim(label: Any) -> Any:
    return LineField(
        label,
        [
            Length(max=60, message=_l("Use at most 60 characters.")),
            Regexp(rf"^{CLAIM}$", message=_l("A claim's name has letters, digits and _ . : / - only.")),
        ],
        filters=[half_width],
        render_kw={"autocapitalize": "none", "spellcheck": "false"},
    )


class ProviderForm(PortalForm):
    """Everything about a provider; an empty secret keeps the present one."""

    name = LineField(
        _l("Name on the sign-in page"),
        [
            InputRequired(_l("Enter the name people know it by.")),
            Length(max=60, message=_l("Use at most 60 characters.")),
        ],
    )
    issuer = LineField(
        _l("Issuer"),
        [
            InputRequired(_l("Enter the issuer.")),
            Length(max=300, message=_l("Use at most 300 characters.")),
        ],
        filters=[half_width],
        render_kw={"autocapitalize": "none", "spellcheck": "false"},
    )
    client_id = LineField(
        _l("Client ID"),
        [
            InputRequired(_l("Enter the client ID.")),
            Length(max=200, message=_l("Use at most 200 characters.")),
        ],
        render_kw={"autocapitalize": "none", "spellcheck": "false"},
    )
    client_secret = PasswordField(
        _l("Client secret"),
        [Length(max=500, message=_l("Use at most 500 characters."))],
        render_kw={"autocomplete": "off"},
    )
    roster_claim = _claim(_l("Claim with the roster number"))
    phone_claim = _claim(_l("Claim with the mobile number"))
    account_claim = _claim(_l("Claim with the account name"))
    roles = SelectMultipleField(
        _l("Who signs in this way"), choices=[SelectChoice(*role) for role in ROLES.items()]
    )
    trusts_second = BooleanField(_l("Its two-step sign-in counts as our second step"))
    second_words = LineField(
        _l("Words for two steps (acr or amr)"),
        [Length(max=200, message=_l("Use at most 200 characters."))],
        filters=[half_width],
        render_kw={"autocapitalize": "none", "spellcheck": "false"},
    )
    document = LineField(
        _l("Document it rests on"), [Length(max=200, message=_l("Use at most 200 characters."))]
    )

    def validate_issuer(self, field: Any) -> None:
        typed = field.data or ""
        if any(sign in typed for sign in "?#") or not asking.is_allowed(f"{typed.rstrip('/')}/"):
            raise ValidationError(
                _(
                    "The portal may not speak with this address. It begins with https://, and whoever looks after the portal lists its host in PORTAL_SIGN_ON_HOSTS."
                )
            )

    def validate_account_claim(self, field: Any) -> None:
        if not any((self.roster_claim.data, self.phone_claim.data, field.data)):
            raise ValidationError(_("Enter at least one claim by which people are recognised."))

    def validate_roles(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Choose at least one role."))

    def validate_second_words(self, field: Any) -> None:
        if self.trusts_second.data and not self.words():
            raise ValidationError(_("Enter the words by which the provider says so, for example mfa."))

    def words(self) -> list[str]:
        """The words of ``second_words``, one by one."""
        parts = (self.second_words.data or "").replace("，", ",").replace("、", ",").split(",")
        return [part.strip() for part in parts if part.strip()]
