"""Forms of care; whatever was typed comes back."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from wtforms import DateField, RadioField, SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError

from portal import clock
from portal.accounts.models import Person
from portal.care.models import AWAY_NAMES, LINE_LENGTH, MEANS_NAMES, OUTCOME_NAMES, TEXT_LENGTH
from portal.forms import LineField, PortalForm, TextField
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.visits.homes import Home
from portal.visits.models import PRIORITY_NAMES

AHEAD = timedelta(days=400)
BACK = timedelta(days=730)
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
