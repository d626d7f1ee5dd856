"""Forms of recoveries."""

from wtforms import BooleanField, RadioField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length

from portal.forms import LineField, PortalForm, TextField, half_width
from portal.i18n import lazy_gettext as _l
from portal.recovery.models import CHECKED_NAMES, REASON_LENGTH


class AskForm(PortalForm):
    """Who cannot sign in."""

    name = LineField(
        _l("Account name, mobile number or e-mail address"),
        [InputRequired(_l("Enter your account name, mobile number or e-mail address.")), Length(max=254)],
        filters=[half_width],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )


class StartForm(PortalForm):
    """How one made sure of the person, and why the account has to be recovered."""

    checked = RadioField(
        _l("How did you make sure who it is?"),
        [InputRequired(_l("Choose how you made sure."))],
        choices=[SelectChoice(*way) for way in CHECKED_NAMES.items()],
    )
    reason = TextField(
        _l("Reason"),
        [
            InputRequired(_l("Write the reason in a few words.")),
            Length(max=REASON_LENGTH, message=_l("Use at most 300 characters.")),
        ],
    )
    lost_second = BooleanField(_l("App or passkey is lost as well"))


class EntryForm(PortalForm):
    """Number and code of a recovery."""

    number = LineField(
        _l("Number"),
        [InputRequired(_l("Enter the number on the sheet.")), Length(max=40)],
        filters=[half_width],
        render_kw={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"},
    )
    code = LineField(
        _l("Code on the sheet"),
        [InputRequired(_l("Enter the code on the sheet.")), Length(max=40)],
        filters=[half_width],
        render_kw={"autocomplete": "one-time-code", "autocapitalize": "characters", "spellcheck": "false"},
    )
