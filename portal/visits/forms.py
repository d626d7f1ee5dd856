"""Forms of visits. Only who, when and how are musts; whatever was typed comes back."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import request
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    IntegerField,
    MultipleFileField,
    RadioField,
    SelectField,
    SelectMultipleField,
    TimeField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError

from portal import clock
from portal.forms import LineField, PortalForm, TextField
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.visits.harm import ACT_NAMES
from portal.visits.home_lessons import MOST_LESSONS, MOST_MINUTES
from portal.visits.homes import Home
from portal.visits.models import FORM_NAMES, LINE_LENGTH, OWNER_NAMES, PARTNER_LENGTH, Form, Owner
from portal.visits.recording import Account, Step, Told

NO_ANSWER = "no_answer"
CHILD = "child"
STEPS = 4
NOTE_LENGTH = 10_000
AHEAD = timedelta(days=90)
"""How far ahead a family can be invited."""
STEP_AHEAD = timedelta(days=400)

_too_long = Length(max=NOTE_LENGTH, message=_l("Keep it under %(max)d characters."))
_line_too_long = Length(max=LINE_LENGTH, message=_l("Keep it under %(max)d characters."))


class HomeForm(PortalForm):
    """A form about one of the pupil's homes; the choice is shown only when there are several."""

    household = RadioField(_l("Which home"), validate_choice=False)

    def __init__(self, homes: list[Home], **named: Any) -> None:
        super().__init__(**named)
        self.homes = homes
        self.household.choices = [SelectChoice(home.key, home.label) for home in homes]
        if request.method != "POST" and len(homes) == 1:
            self.household.data = homes[0].key

    @property
    def home(self) -> Home | None:
        """The home chosen, or the only one."""
        if len(self.homes) == 1:
            return self.homes[0]
        return next((home for home in self.homes if home.key == self.household.data), None)

    def validate_household(self, _field: Any) -> None:
        if not self.homes:
            raise ValidationError(
                _("No guardian of this child is on the roster. The school office can add one.")
            )
        if self.home is None:
            raise ValidationError(_("Choose which home."))


class InvitationForm(HomeForm):
    """Ways and times to meet, and what for."""

    purpose = LineField(
        _l("What would you like to talk about"),
        [DataRequired(_l("Say in a line what you would like to talk about.")), _line_too_long],
    )
    forms = SelectMultipleField(
        _l("Ways you offer"),
        choices=[SelectChoice(form.value, name) for form, name in FORM_NAMES.items()],
        validate_choice=False,
    )
    time_1 = DateTimeLocalField(_l("First time"), [InputRequired(_l("Propose at least one time."))])
    time_2 = DateTimeLocalField(_l("Second time"), [Optional()])
    time_3 = DateTimeLocalField(_l("Third time"), [Optional()])

    def validate_forms(self, field: Any) -> None:
        if not field.data or set(field.data) - set(FORM_NAMES):
            raise ValidationError(_("Offer at least one way to meet."))

    def validate_time_1(self, field: Any) -> None:
        _must_be_soon(field)

    def validate_time_2(self, field: Any) -> None:
        _must_be_soon(field)
        if field.data and field.data == self.time_1.data:
            raise ValidationError(_("This time stands above already."))

    def validate_time_3(self, field: Any) -> None:
        _must_be_soon(field)
        if field.data and field.data in (self.time_1.data, self.time_2.data):
            raise ValidationError(_("This time stands above already."))

    @property
    def times(self) -> list[datetime]:
        """The proposed times as instants."""
        given = (self.time_1.data, self.time_2.data, self.time_3.data)
        return [one.replace(tzinfo=clock.SHANGHAI) for one in given if one]


def _must_be_soon(field: Any) -> None:
    if not field.data:
        return
    here = clock.local(clock.now()).replace(tzinfo=None)
    if field.data <= here:
        raise ValidationError(_("This time has passed. Propose a later one."))
    if field.data.date() > here.date() + AHEAD:
        raise ValidationError(_("Propose a time within the next three months."))


class VisitForm(HomeForm):
    """A visit on one page."""

    how = RadioField(
        _l("How you met"),
        [InputRequired(_l("Choose how you met."))],
        choices=[
            *(SelectChoice(form.value, name) for form, name in FORM_NAMES.items()),
            SelectChoice(NO_ANSWER, _l("No answer")),
        ],
    )
    held_on = DateField(_l("Day"), [InputRequired(_l("Give the day."))])
    held_time = TimeField(_l("Time"), [InputRequired(_l("Give the time."))])
    until = TimeField(_l("Until"), [Optional()])
    met = SelectMultipleField(_l("Whom you met"), validate_choice=False)
    others_met = LineField(_l("Others who were there"), [_line_too_long])
    hopes = TextField(_l("The child's good sides and the family's hopes"), [_too_long])
    note = TextField(_l("What else you talked about"), [_too_long])
    school_only = BooleanField(_l("For the school only"))
    sealed = TextField(_l("Sealed note"), [_too_long])
    gift_refused = BooleanField(_l("A gift was offered and refused"))
    company_1 = SelectField(_l("Who went along"), validate_choice=False)
    company_2 = SelectField(_l("And who else"), validate_choice=False)
    partner = LineField(
        _l("A partner who went along"),
        [Length(max=PARTNER_LENGTH, message=_l("Keep it under %(max)d characters."))],
    )

    def __init__(
        self, homes: list[Home], earliest_on: date, colleagues: Mapping[str, str] | None = None, **named: Any
    ) -> None:
        """``colleagues``: public id → name of those who may have gone along; without them nobody is asked about it."""
        super().__init__(homes, **named)
        self.earliest_on = earliest_on
        self.colleagues = colleagues
        for field in (self.company_1, self.company_2):
            field.choices = [("", _("Nobody")), *(colleagues or {}).items()]
        ties = [tie for home in homes for tie in home.guardians]
        self.met.choices = [
            SelectChoice(CHILD, _("The child")),
            *(SelectChoice(tie.public_id, tie.relation) for tie in ties),
        ]

    def validate_held_on(self, field: Any) -> None:
        if not field.data:
            return
        if field.data > clock.today():
            raise ValidationError(_("This day is still to come. Write the visit down after it happened."))
        if field.data < self.earliest_on:
            raise ValidationError(_("The child was not in your class on this day yet. Check the date."))

    def validate_held_time(self, field: Any) -> None:
        if field.data and self.held_on.data == clock.today():
            here = clock.local(clock.now()) + timedelta(minutes=15)
            if here.date() == clock.today() and field.data > here.time():
                raise ValidationError(_("This time is still to come. Check the clock."))

    def validate_until(self, field: Any) -> None:
        if field.data and self.held_time.data and field.data <= self.held_time.data:
            raise ValidationError(_("The end comes after the beginning."))

    def validate_met(self, field: Any) -> None:
        if self.how.data in (NO_ANSWER, None):
            return
        known = {choice.value for choice in field.choices}
        if set(field.data or ()) - known:
            raise ValidationError(_("Choose people from the list."))
        if not field.data and not self.others_met.data:
            raise ValidationError(_("Choose whom you met."))
        home = self.home
        at_home = {CHILD} | {tie.public_id for tie in home.guardians} if home else known
        if set(field.data or ()) - at_home:
            raise ValidationError(
                _("Someone of the other home was chosen. Write a visit of its own for them.")
            )

    def validate_company_1(self, field: Any) -> None:
        self._must_be_colleague(field)

    def validate_company_2(self, field: Any) -> None:
        self._must_be_colleague(field)

    def _must_be_colleague(self, field: Any) -> None:
        if field.data and self.colleagues is not None and field.data not in self.colleagues:
            raise ValidationError(_("Choose a colleague of your school."))

    def steps(self) -> Iterable[tuple[Any, Any, Any]]:
        """The fields of each agreed step: what, owner, day."""
        for number in range(1, STEPS + 1):
            yield self[f"step_{number}_what"], self[f"step_{number}_owner"], self[f"step_{number}_due_on"]

    def validate(self, extra_validators: Any = None) -> bool:
        """Also each agreed step: text and day go together."""
        holds = bool(super().validate(extra_validators))
        for what, _owner, due_on in self.steps():
            holds = _step_holds(what, due_on, self.earliest_on) and holds
        return holds

    def account(self) -> Account:
        """What was told, once it is valid."""
        home = self.home
        assert home is not None
        start: time = self.held_time.data
        chosen = set(self.met.data or ())
        met = self.how.data != NO_ANSWER
        minutes = None
        if self.until.data and met:
            end = self.until.data
            minutes = (end.hour - start.hour) * 60 + end.minute - start.minute or None
        return Account(
            household_id=home.household_id,
            form=Form(self.how.data) if met else None,
            held_on=self.held_on.data,
            held_at=clock.instant_of(self.held_on.data, start.hour, start.minute),
            minutes=minutes,
            child_met=met and CHILD in chosen,
            guardians=[tie for tie in home.guardians if met and tie.public_id in chosen],
            others_met=(self.others_met.data or "") if met else "",
            hopes=self.hopes.data or "",
            note=self.note.data or "",
            school_only=bool(self.school_only.data),
            sealed=self.sealed.data or "",
            gift_refused=bool(self.gift_refused.data),
            steps=[
                Step(what.data, owner.data, due_on.data) for what, owner, due_on in self.steps() if what.data
            ],
            company=None
            if self.colleagues is None
            else [one for one in (self.company_1.data, self.company_2.data) if one],
            partner=self.partner.data or "",
        )


for _number in range(1, STEPS + 1):
    setattr(VisitForm, f"step_{_number}_what", LineField(_l("What"), [_line_too_long]))
    setattr(
        VisitForm,
        f"step_{_number}_owner",
        SelectField(
            _l("Who does it"),
            choices=[SelectChoice(owner.value, name) for owner, name in OWNER_NAMES.items()],
            default=Owner.SCHOOL.value,
        ),
    )
    setattr(VisitForm, f"step_{_number}_due_on", DateField(_l("By when"), [Optional()]))


def _step_holds(what: Any, due_on: Any, earliest_on: date) -> bool:
    """Adds the message of a step that is half filled in or has an impossible day."""
    message = ""
    if what.data and not due_on.data and not due_on.errors:
        message = _("Give a day by which this step is done.")
    elif due_on.data and not earliest_on <= due_on.data <= clock.today() + STEP_AHEAD:
        message = _("Give a day within this school year or the next.")
    if message:
        due_on.errors = [*due_on.errors, message]
    if due_on.data and not what.data:
        what.errors = [*what.errors, _("Say what was agreed, or clear the day.")]
        return False
    return not message


class PartForm(PortalForm):
    """The own part of somebody who went along."""

    hopes = TextField(_l("The child's good sides and the family's hopes"), [_too_long])
    note = TextField(_l("What else you talked about"), [_too_long])
    school_only = BooleanField(_l("For the school only"))

    def validate_hopes(self, field: Any) -> None:
        if not field.data and not self.note.data:
            raise ValidationError(_("Write a line first."))

    def told(self) -> Told:
        """What was typed."""
        return Told(self.hopes.data or "", self.note.data or "", bool(self.school_only.data))


class SealedForm(PortalForm):
    """A sealed note that is added later."""

    sealed = TextField(_l("Sealed note"), [DataRequired(_l("Write a line first.")), _too_long])


class HarmForm(PortalForm):
    """A report of harm; the text may come later, the time stamp may not."""

    body = TextField(_l("What you saw or heard"), [_too_long])


class HarmEntryForm(PortalForm):
    """One more entry of a report of harm."""

    act = RadioField(
        _l("What it tells"),
        [InputRequired(_l("Choose what it tells."))],
        choices=[SelectChoice(act.value, name) for act, name in ACT_NAMES.items()],
    )
    body = TextField(_l("In your words"), [DataRequired(_l("Write a line first.")), _too_long])


class NamedForm(PortalForm):
    """Who receives reports of harm besides the principal."""

    people = SelectMultipleField(_l("Who receives reports of harm besides you"))

    def __init__(self, colleagues: Mapping[str, str], **named: Any) -> None:
        super().__init__(**named)
        self.people.choices = [SelectChoice(key, name) for key, name in colleagues.items()]


class RemarkForm(PortalForm):
    """A guardian's own words about a visit."""

    body = TextField(_l("Your remark"), [DataRequired(_l("Write your remark first.")), _too_long])


class ConfirmationForm(PortalForm):
    """Confirming, with a remark if one likes."""

    body = TextField(_l("Add a remark"), [_too_long])


class CorrectionForm(PortalForm):
    """What is not right about a visit."""

    body = TextField(_l("What is not right"), [DataRequired(_l("Say what is not right.")), _too_long])


class AnswerForm(PortalForm):
    """The teacher's answer to a correction."""

    answer = TextField(_l("Your answer"), [DataRequired(_l("Write an answer first.")), _too_long])


class ReasonForm(PortalForm):
    """Why a sealed note is opened."""

    reason = LineField(
        _l("Why you open it"), [DataRequired(_l("Give the reason for opening it.")), _line_too_long]
    )


class LateRefusalForm(PortalForm):
    """Why a visit that was handed in late becomes none."""

    reason = LineField(
        _l("Why you do not accept it"),
        [DataRequired(_l("Give the reason; the author reads it.")), _line_too_long],
    )


class HomePlanForm(PortalForm):
    """What a child is to learn at home in this school year."""

    plan = TextField(
        _l("What the child is to learn, and how"), [DataRequired(_l("Write a line first.")), _too_long]
    )


class HomeTeachingForm(HomeForm):
    """Opening a log of teaching at home: at which home, with which plan."""

    plan = TextField(
        _l("What the child is to learn, and how"), [DataRequired(_l("Write a line first.")), _too_long]
    )


class HomeLessonForm(PortalForm):
    """One visit on which a child was taught."""

    held_on = DateField(_l("Day"), [InputRequired(_l("Give the day."))])
    lessons = RadioField(
        _l("How many lessons"),
        [InputRequired(_l("Choose how many lessons."))],
        choices=[SelectChoice(str(number), str(number)) for number in range(1, MOST_LESSONS + 1)],
        default="1",
    )
    minutes = IntegerField(
        _l("Minutes in all"),
        [
            InputRequired(_l("Enter a number.")),
            NumberRange(10, MOST_MINUTES, _l("Enter a number from %(min)s to %(max)s.")),
        ],
        default=40,
    )
    content = TextField(
        _l("What was done, and how the child took it"),
        [DataRequired(_l("Write a line first.")), _too_long],
    )
    with_whom = SelectField(_l("Who went along"), validate_choice=False)

    def __init__(self, earliest_on: date, colleagues: Mapping[str, str], **named: Any) -> None:
        super().__init__(**named)
        self.earliest_on = earliest_on
        self.with_whom.choices = [("", _("Nobody")), *colleagues.items()]

    def validate_held_on(self, field: Any) -> None:
        if field.data and field.data > clock.today():
            raise ValidationError(_("This day is still to come. Write the visit down after it happened."))
        if field.data and field.data < self.earliest_on:
            raise ValidationError(_("Give a day of this school year."))

    def validate_with_whom(self, field: Any) -> None:
        if field.data and field.data not in {choice[0] for choice in field.choices}:
            raise ValidationError(_("Choose a colleague of your school."))


class PhotosForm(PortalForm):
    """Photos of a visit, where the family allows them."""

    files = MultipleFileField(_l("Photos"))


class TickForm(PortalForm):
    """A line about how a step went."""

    line = LineField(_l("How it went"), [_line_too_long])
