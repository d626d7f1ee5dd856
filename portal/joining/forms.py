"""Forms of joining: the code, who one is, the choice of slips, the class teacher's decision."""

import re
from typing import Any

from wtforms import BooleanField, DateField, PasswordField, RadioField, SelectMultipleField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from portal import clock
from portal.accounts import passwords, phones
from portal.accounts.forms import password_hint
from portal.accounts.models import NAME_LENGTH
from portal.forms import LineField, PortalForm, half_width
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.joining import codes
from portal.joining.models import MOST_USES, REASON_LENGTH
from portal.joining.printing import DAYS

RELATIONS = ("妈妈", "爸爸", "奶奶", "爷爷", "外婆", "外公")
OTHER = "other"
MOBILE = re.compile(r"\+861[3-9]\d{9}")
MOBILE_DIGITS = 11


class CodeForm(PortalForm):
    """What stands on the slip."""

    number = LineField(_l("Slip number"), [InputRequired(_l("Enter the slip number."))])
    code = LineField(_l("Code"), [InputRequired(_l("Enter the code on the slip."))])

    def validate_number(self, field: Any) -> None:
        if len(codes.plain(field.data)) != codes.NUMBER_LENGTH:
            raise ValidationError(_("The slip number has 6 letters and digits, for example 7K4-QM2."))

    def validate_code(self, field: Any) -> None:
        if len(codes.plain(field.data)) != codes.CODE_LENGTH:
            raise ValidationError(
                _("The code has 8 letters and digits. It stands on the slip in large type.")
            )


class RelationForm(PortalForm):
    """What one is to the child; chosen, or typed when it is something else."""

    relation = RadioField(_l("You are the child's"), [InputRequired(_l("Choose what you are to the child."))])
    other_relation = LineField(
        _l("If something else, what"), [Length(max=40, message=_l("Use at most 40 characters."))]
    )

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.relation.choices = [*((word, word) for word in RELATIONS), (OTHER, str(_l("Something else")))]

    def validate_other_relation(self, field: Any) -> None:
        if self.relation.data == OTHER and not field.data:
            raise ValidationError(_("Write what you are to the child, for example 姑姑."))

    @property
    def chosen_relation(self) -> str:
        """The relation as the school will read it."""
        return str(self.other_relation.data if self.relation.data == OTHER else self.relation.data)


class NewcomerForm(RelationForm):
    """Somebody without an account: who they are, and the password they will sign in with."""

    name = LineField(
        _l("Your name"),
        [
            InputRequired(_l("Enter your name.")),
            Length(max=NAME_LENGTH, message=_l("Use at most 160 characters.")),
        ],
    )
    phone = LineField(_l("Your mobile number"), [Optional()], filters=[half_width])
    password = PasswordField(_l("Choose a password"), [InputRequired(_l("Choose a password."))])

    def validate_phone(self, field: Any) -> None:
        refuse_odd_number(field.data)

    def validate_password(self, field: Any) -> None:
        number = (self.number or "").removeprefix("+86")
        objection = passwords.objection(field.data or "", self.name.data, number)
        if objection:
            raise ValidationError(objection)

    @property
    def hint(self) -> str:
        """What a password must be."""
        return password_hint(alone=True)

    @property
    def number(self) -> str | None:
        """The mobile number in E.164, None when none was given."""
        return phones.normalised(self.phone.data or "")


class PhoneForm(NewcomerForm):
    """Somebody without a slip whose number the school may know."""

    phone = LineField(
        _l("Your mobile number"),
        [InputRequired(_l("Enter the mobile number that the school has from you."))],
        filters=[half_width],
    )


def refuse_odd_number(typed: str | None) -> None:
    """Refuse what is no mobile number; of a number cut short or too long it says how many digits there are."""
    number = phones.normalised(typed or "")
    if not typed or (number and (MOBILE.fullmatch(number) or not number.startswith("+86"))):
        return
    digits = sum(letter.isdigit() for letter in typed)
    if digits and digits != MOBILE_DIGITS:
        raise ValidationError(_("A mobile number has 11 digits; you entered %(count)s.", count=digits))
    raise ValidationError(_("Enter a mobile number, digits only."))


class HelperForm(RelationForm):
    """For which child a helper is asked, who it is, and until when."""

    child = RadioField(_l("For which child"), [InputRequired(_l("Choose the child."))])
    name = LineField(
        _l("Their name"),
        [
            InputRequired(_l("Enter their name.")),
            Length(max=NAME_LENGTH, message=_l("Use at most 160 characters.")),
        ],
    )
    phone = LineField(_l("Their mobile number"), [Optional()], filters=[half_width])
    limited_until = DateField(_l("Until which day"), [Optional()])

    def __init__(self, children: dict[str, str], **named: Any) -> None:
        super().__init__(**named)
        self.child.choices = list(children.items())

    def validate_phone(self, field: Any) -> None:
        refuse_odd_number(field.data)

    def validate_limited_until(self, field: Any) -> None:
        if field.data and field.data <= clock.today():
            raise ValidationError(_("Choose a day to come, or leave it empty."))


class SheetForm(PortalForm):
    """For which pupils, for how many guardians each, for how long."""

    pupils = SelectMultipleField(_l("For which pupils"))
    uses = RadioField(_l("How many guardians may use one slip"), [InputRequired(_l("Choose one."))])
    days = RadioField(_l("How long the slips hold"), [InputRequired(_l("Choose one."))])

    def __init__(self, pupils: dict[str, str], **named: Any) -> None:
        super().__init__(**named)
        self.pupils.choices = list(pupils.items())
        self.uses.choices = [(str(count), str(count)) for count in range(1, MOST_USES + 1)]
        self.days.choices = [(str(days), _("%(count)s days", count=days)) for days in DAYS]

    def validate_pupils(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Choose at least one pupil."))


class LimitForm(PortalForm):
    """Until when a guardian sees and confirms only."""

    limited_until = DateField(_l("Until which day"), [Optional()])
    is_quiet = BooleanField(_l("Do not tell the other guardians"))

    def validate_limited_until(self, field: Any) -> None:
        if field.data and field.data <= clock.today():
            raise ValidationError(_("Choose a day to come, or leave it empty."))


class ConfirmForm(LimitForm):
    """Who it is, with whom they count, whether they see and confirm only, and whether the others are told."""

    who = RadioField(_l("Who is it"), [InputRequired(_l("Choose who it is."))])
    household = RadioField(_l("Whom do they count with"), [Optional()])
    is_limited = BooleanField(_l("Sees and confirms only"))

    def __init__(self, who: dict[str, str], households: dict[str, str], **named: Any) -> None:
        super().__init__(**named)
        self.who.choices = list(who.items())
        self.household.choices = list(households.items())


class RefusalForm(PortalForm):
    """Why somebody is not let in; they read it."""

    reason = LineField(
        _l("Reason"),
        [
            InputRequired(_l("Write the reason. The person who asked reads it.")),
            Length(max=REASON_LENGTH, message=_l("Use at most 200 characters.")),
        ],
    )
