"""Forms of care; whatever was typed comes back."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from wtforms import DateField, RadioField, SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError

from portal import clock
from portal.accounts.code_forms import RecipientForm
from portal.accounts.models import Person
from portal.care.models import (
    AWAY_NAMES,
    ENDING_NAMES,
    LINE_LENGTH,
    MEANS_NAMES,
    OUTCOME_NAMES,
    PARTNER_NAMES,
    STEP_NAMES,
    TEXT_LENGTH,
)
from portal.forms import LineField, PortalForm, TextField, half_width
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.visits.homes import Home
from portal.visits.models import PRIORITY_NAMES

AHEAD = timedelta(days=400)
BACK = timedelta(days=730)
SPAN = timedelta(days=60)
FAMILY = "family"
NOBODY = "nobody"

too_long = Length(max=TEXT_LENGTH, message=_l("Keep it under %(max)d characters."))
line_too_long = Length(max=LINE_LENGTH, message=_l("Keep it under %(max)d characters."))


def choices(names: Mapping[Any, Any]) -> list[SelectChoice]:
    """Options of a field: stored word → label."""
    return [SelectChoice(str(value), str(name)) for value, name in names.items()]


def people(persons: Sequence[Person]) -> list[SelectChoice]:
    """Options of a field: people."""
    return [SelectChoice(str(person.id), person.name) for person in persons]


def not_ahead(_form: Any, field: Any) -> None:
    """A day that has come, within the last two years."""
    if not field.data:
        return
    if field.data > clock.today():
        raise ValidationError(_("This day has not come yet."))
    if field.data < clock.today() - BACK:
        raise ValidationError(_("This day is too long ago."))


def to_come(_form: Any, field: Any) -> None:
    """A day after today, within about a year."""
    if not field.data:
        return
    if field.data <= clock.today():
        raise ValidationError(_("Choose a day after today."))
    if field.data > clock.today() + AHEAD:
        raise ValidationError(_("Choose a day within a year."))


class PlanForm(PortalForm):
    """What a plan rests on, its aims, who is responsible, when it is looked at again."""

    groups = SelectMultipleField(
        _l("Why this child needs a plan"), choices=choices(PRIORITY_NAMES), validate_choice=False
    )
    aims = TextField(_l("Aims"), [DataRequired(_l("Write down what shall be better.")), too_long])
    responsible = RadioField(
        _l("Responsible"), [InputRequired(_l("Choose who is responsible."))], validate_choice=False
    )
    review_due_on = DateField(
        _l("Next review"), [InputRequired(_l("Choose the day of the next review.")), to_come]
    )

    def __init__(self, carers: Sequence[Person], **named: Any) -> None:
        super().__init__(**named)
        self.carers = carers
        self.groups.choices = choices(PRIORITY_NAMES)
        self.responsible.choices = people(carers)

    def validate_groups(self, field: Any) -> None:
        if not field.data or set(field.data) - set(PRIORITY_NAMES):
            raise ValidationError(_("Choose at least one reason."))

    def validate_responsible(self, field: Any) -> None:
        if field.data and field.data not in {str(person.id) for person in self.carers}:
            raise ValidationError(_("Choose who is responsible."))


class ChangedPlanForm(PlanForm):
    """The text of a plan anew; its next review stays."""

    review_due_on = None


class MeasureForm(PortalForm):
    """What is done, by whom, until when, and which home of the child reads it."""

    what = LineField(_l("What is done"), [DataRequired(_l("Write down what is done.")), line_too_long])
    owner = RadioField(_l("Who does it"), [InputRequired(_l("Choose who does it."))], validate_choice=False)
    due_on = DateField(_l("Until when"), [InputRequired(_l("Choose a day.")), to_come])
    household = RadioField(
        _l("Which home reads it"),
        [InputRequired(_l("Choose which home reads it, or that it stays at school."))],
        validate_choice=False,
    )

    def __init__(self, carers: Sequence[Person], homes: Sequence[Home], **named: Any) -> None:
        super().__init__(**named)
        self.homes = {home.key: home.household_id for home in homes}
        self.owner.choices = [*people(carers), SelectChoice(FAMILY, _("The family"))]
        self.household.choices = [
            SelectChoice(NOBODY, _("Nobody: it stays at school")),
            *(SelectChoice(home.key, home.label) for home in homes),
        ]

    @property
    def household_id(self) -> int | None:
        """The home that reads it."""
        return self.homes.get(self.household.data)

    @property
    def owner_id(self) -> int | None:
        """Who of the school does it; None for the family."""
        return None if self.owner.data == FAMILY else int(self.owner.data)

    def validate_owner(self, field: Any) -> None:
        if field.data and field.data not in {choice.value for choice in self.owner.choices}:
            raise ValidationError(_("Choose who does it."))

    def validate_household(self, field: Any) -> None:
        if field.data and field.data not in {choice.value for choice in self.household.choices}:
            raise ValidationError(_("Choose which home reads it, or that it stays at school."))
        if self.owner.data == FAMILY and field.data == NOBODY:
            raise ValidationError(_("Choose the home that does it."))


class LineForm(PortalForm):
    """A line beside what is ticked off."""

    line = LineField(_l("A line about it"), [Optional(), line_too_long])


class ReviewForm(PortalForm):
    """A look at the plan."""

    held_on = DateField(_l("Day of the review"), [InputRequired(_l("Choose a day.")), not_ahead])
    outcome = RadioField(
        _l("What came of it"),
        [InputRequired(_l("Choose what came of it."))],
        choices=choices(OUTCOME_NAMES),
        validate_choice=False,
    )
    text = TextField(_l("What was found"), [DataRequired(_l("Write down what was found.")), too_long])
    next_on = DateField(_l("Next review"), [InputRequired(_l("Choose the day of the next review.")), to_come])

    def __init__(self, opened_on: date, **named: Any) -> None:
        super().__init__(**named)
        self.opened_on = opened_on
        self.outcome.choices = choices(OUTCOME_NAMES)

    def validate_outcome(self, field: Any) -> None:
        if field.data and field.data not in set(OUTCOME_NAMES):
            raise ValidationError(_("Choose what came of it."))

    def validate_held_on(self, field: Any) -> None:
        if field.data and field.data < self.opened_on:
            raise ValidationError(_("The plan was not open on that day."))


class ReasonForm(PortalForm):
    """Why something ends."""

    reason = LineField(_l("Reason"), [DataRequired(_l("Write the reason.")), line_too_long])


class PersonsForm(PortalForm):
    """Who is entrusted with a pupil."""

    persons = SelectMultipleField(_l("Entrusted people"), validate_choice=False)

    def __init__(self, staff: Sequence[Person], **named: Any) -> None:
        super().__init__(**named)
        self.persons.choices = people(staff)

    @property
    def ids(self) -> set[int]:
        """The people chosen."""
        return {int(one) for one in self.persons.data or []}

    def validate_persons(self, field: Any) -> None:
        if set(field.data or []) - {choice.value for choice in field.choices}:
            raise ValidationError(_("Choose people of the school."))


class LeftBehindForm(PortalForm):
    """A line of the register."""

    away = RadioField(
        _l("Who is away"),
        [InputRequired(_l("Choose who is away."))],
        choices=choices(AWAY_NAMES),
        validate_choice=False,
    )
    carer = LineField(
        _l("Who cares for the child"),
        [DataRequired(_l("Write down who cares for the child.")), line_too_long],
    )
    whereabouts = LineField(_l("Where the parents are"), [Optional(), line_too_long])
    agreed = TextField(
        _l("Agreed contact with the parents"),
        [DataRequired(_l("Write down when and how the parents are reached.")), too_long],
    )

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.away.choices = choices(AWAY_NAMES)

    def validate_away(self, field: Any) -> None:
        if field.data and field.data not in set(AWAY_NAMES):
            raise ValidationError(_("Choose who is away."))


class ContactForm(PortalForm):
    """An entry of the contact log."""

    held_on = DateField(_l("Day of the contact"), [InputRequired(_l("Choose a day.")), not_ahead])
    means = RadioField(
        _l("How"),
        [InputRequired(_l("Choose how you spoke."))],
        choices=choices(MEANS_NAMES),
        validate_choice=False,
    )
    with_whom = LineField(_l("With whom"), [DataRequired(_l("Write down with whom.")), line_too_long])
    line = LineField(_l("A line about it"), [DataRequired(_l("Write a line about it.")), line_too_long])

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.means.choices = choices(MEANS_NAMES)

    def validate_means(self, field: Any) -> None:
        if field.data and field.data not in set(MEANS_NAMES):
            raise ValidationError(_("Choose how you spoke."))


def known(words: Sequence[str], message: Any) -> Any:
    """A check that a word is one of those offered."""

    def check(_form: Any, field: Any) -> None:
        if field.data and field.data not in set(words):
            raise ValidationError(str(message))

    return check


class AbsenceForm(PortalForm):
    """School days on which a child was not in class."""

    from_on = DateField(_l("First day absent"), [InputRequired(_l("Choose a day.")), not_ahead])
    until_on = DateField(_l("Last day absent"), [InputRequired(_l("Choose a day.")), not_ahead])
    reason = LineField(
        _l("Reason that was given"),
        [DataRequired(_l("Write the reason, or that none is known.")), line_too_long],
    )

    def validate_until_on(self, field: Any) -> None:
        if not field.data or not self.from_on.data:
            return
        if field.data < self.from_on.data:
            raise ValidationError(_("The last day cannot come before the first."))
        if field.data - self.from_on.data >= SPAN:
            raise ValidationError(_("Note at most sixty days at once."))


class StepForm(PortalForm):
    """A step against dropping out."""

    kind = RadioField(
        _l("Step"),
        [InputRequired(_l("Choose the step.")), known(list(STEP_NAMES), _l("Choose the step."))],
        choices=choices(STEP_NAMES),
        validate_choice=False,
    )
    taken_on = DateField(_l("Day of the step"), [InputRequired(_l("Choose a day.")), not_ahead])
    with_whom = LineField(_l("With whom"), [DataRequired(_l("Write down with whom.")), line_too_long])
    line = LineField(_l("A line about it"), [DataRequired(_l("Write a line about it.")), line_too_long])

    def __init__(self, absent_from: date, **named: Any) -> None:
        super().__init__(**named)
        self.absent_from = absent_from
        self.kind.choices = choices(STEP_NAMES)

    def validate_taken_on(self, field: Any) -> None:
        if field.data and field.data < self.absent_from:
            raise ValidationError(_("The child was still in class that day."))


class EndingForm(PortalForm):
    """How a watch ends."""

    ending = RadioField(
        _l("How it ended"),
        [InputRequired(_l("Choose how it ended.")), known(list(ENDING_NAMES), _l("Choose how it ended."))],
        choices=choices(ENDING_NAMES),
        validate_choice=False,
    )
    line = LineField(_l("A line about it"), [DataRequired(_l("Write a line about it.")), line_too_long])

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.ending.choices = choices(ENDING_NAMES)


class PartnerForm(PortalForm):
    """A partner of the school."""

    name = LineField(
        _l("Name of the partner"),
        [DataRequired(_l("Write the name.")), Length(max=80, message=too_long.message)],
    )
    kind = RadioField(
        _l("Kind of help"),
        [InputRequired(_l("Choose the kind.")), known(list(PARTNER_NAMES), _l("Choose the kind."))],
        choices=choices(PARTNER_NAMES),
        validate_choice=False,
    )

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.kind.choices = choices(PARTNER_NAMES)


class ReferralForm(PortalForm):
    """What goes to whom, until when; the reason where the family did not consent."""

    partner = RadioField(_l("Partner"), [InputRequired(_l("Choose the partner."))], validate_choice=False)
    recipient = LineField(
        _l("Who there reads it"), [DataRequired(_l("Name the one person who reads it.")), line_too_long]
    )
    parts = SelectMultipleField(_l("What goes along"), validate_choice=False)
    message = TextField(_l("What you write to the partner"), [too_long])
    expires_on = DateField(_l("Readable until"), [InputRequired(_l("Choose a day.")), to_come])
    reason = LineField(_l("Reason for the child's safety"), [line_too_long])

    def __init__(
        self, partners: Mapping[str, str], parts: Mapping[str, Any], allowed: bool, most: int, **named: Any
    ) -> None:
        super().__init__(**named)
        self.allowed, self.most = allowed, timedelta(days=most)
        self.partner.choices = choices(partners)
        self.parts.choices = choices(parts)

    def validate_partner(self, field: Any) -> None:
        if field.data and field.data not in {choice.value for choice in field.choices}:
            raise ValidationError(_("Choose the partner."))

    def validate_parts(self, field: Any) -> None:
        if not field.data or set(field.data) - {choice.value for choice in field.choices}:
            raise ValidationError(_("Tick at least one part."))

    def validate_message(self, field: Any) -> None:
        if "message" in (self.parts.data or []) and not field.data:
            raise ValidationError(_("You ticked that you write something. Write it here."))

    def validate_expires_on(self, field: Any) -> None:
        if field.data and field.data > clock.today() + self.most:
            raise ValidationError(_("A partner reads for ninety days at most."))

    def validate_reason(self, field: Any) -> None:
        if not self.allowed and not field.data:
            raise ValidationError(
                _("The guardian has not consented. Ask first, or write why the child's safety cannot wait.")
            )


class AddressForm(RecipientForm):
    """Where a copy of a referral goes."""

    recipient = LineField(
        _l("E-mail address or mobile number of the recipient"),
        [DataRequired(_l("Write the address or the number."))],
        filters=[half_width],
    )


class CodeForm(PortalForm):
    """The code that the school told the recipient."""

    code = LineField(
        _l("Six-digit code"), [DataRequired(_l("Enter the code.")), line_too_long], filters=[half_width]
    )


class NumberForm(CodeForm):
    """The number in the message, and the code."""

    number = LineField(
        _l("Number in the message"),
        [DataRequired(_l("Enter the number in the message.")), line_too_long],
        filters=[half_width],
    )
