"""Forms of appointments and delegations."""

from typing import Any

from wtforms import BooleanField, DateField, RadioField, SelectField, SelectMultipleField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from portal import clock
from portal.forms import LineField, PortalForm, half_width
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l

AT_ONCE, LATER = "now", "later"
TOO_LONG = _l("Use at most 200 characters.")


class AppointmentForm(PortalForm):
    """Who, to what, where, from when until when."""

    office = RadioField(_l("Office"), [InputRequired(_l("Choose the office."))])
    name = LineField(_l("Name"), [InputRequired(_l("Enter the name.")), Length(max=160, message=TOO_LONG)])
    who = LineField(
        _l("Mobile number or account name"),
        [InputRequired(_l("Enter a mobile number or an account name.")), Length(max=60, message=TOO_LONG)],
        filters=[half_width],
    )
    place = LineField(_l("Which school or district"), [Length(max=160, message=TOO_LONG)])
    school_class = SelectField(_l("Class"), validate_choice=False)
    started_on = DateField(_l("First day"), [InputRequired(_l("Enter the first day."))])
    last_on = DateField(_l("Last day"), [Optional()])
    document = LineField(_l("Document it rests on"), [Length(max=200, message=TOO_LONG)])

    def __init__(self, offices: dict[str, str], classes: dict[str, str], **named: Any) -> None:
        super().__init__(**named)
        self.office.choices = offices
        self.school_class.choices = {"": _("Not for one class"), **classes}

    def validate_started_on(self, field: Any) -> None:
        if field.data and field.data < clock.today():
            raise ValidationError(_("Choose today or a later day."))

    def validate_last_on(self, field: Any) -> None:
        if field.data and self.started_on.data and field.data < self.started_on.data:
            raise ValidationError(_("The last day comes before the first."))


class EndForm(PortalForm):
    """At once, or after a day."""

    when = RadioField(_l("When does it end"), [InputRequired(_l("Choose when it ends."))])
    last_on = DateField(_l("Last day"), [Optional()])

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.when.choices = {AT_ONCE: _("At once, from this minute"), LATER: _("After the last day below")}

    def validate_when(self, field: Any) -> None:
        """After a day needs the day."""
        if field.data != LATER:
            return
        if self.last_on.data is None:
            raise ValidationError(_("Enter the last day."))
        if self.last_on.data < clock.today():
            raise ValidationError(_("Choose today or a later day."))


class NewcomersForm(PortalForm):
    """Who gets a first way in, and how."""

    people = SelectMultipleField(_l("Who gets a slip"))
    by = RadioField(_l("How it reaches them"), [InputRequired(_l("Choose one."))])

    def __init__(self, people: dict[str, str], **named: Any) -> None:
        super().__init__(**named)
        self.people.choices = people
        self.by.choices = {
            "paper": _("Printed, handed over in person"),
            "message": _("By message to their own number"),
        }

    def validate_people(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Choose at least one person."))


class FirstAccessForm(PortalForm):
    """Number and code of a slip for the first sign-in."""

    number = LineField(
        _l("Slip number"),
        [
            InputRequired(_l("Enter the slip number.")),
            Length(max=40, message=_l("The slip number has 6 letters and digits.")),
        ],
        filters=[half_width],
    )
    code = LineField(
        _l("First-access code"),
        [
            InputRequired(_l("Enter the first-access code.")),
            Length(max=40, message=_l("The code has 8 letters and digits.")),
        ],
        filters=[half_width],
    )


class DelegationForm(PortalForm):
    """Who stands in, from when until when, and whether for sealed notes too."""

    colleague = SelectField(_l("Who stands in for you"), [InputRequired(_l("Choose a colleague."))])
    started_on = DateField(_l("First day"), [InputRequired(_l("Enter the first day."))])
    last_on = DateField(_l("Last day"), [InputRequired(_l("Enter the last day."))])
    opens_sealed = BooleanField(_l("May open sealed notes as well"))

    def __init__(self, colleagues: dict[str, str], **named: Any) -> None:
        super().__init__(**named)
        self.colleague.choices = {"": _("Choose"), **colleagues}


class StepForm(PortalForm):
    """What happens to one class at the year's end."""

    way = RadioField(_l("What happens to the class"), [InputRequired(_l("Choose one."))])
    name = LineField(_l("Name next year"), [Length(max=60, message=_l("Use at most 60 characters."))])
    teacher = SelectField(_l("Class teacher next year"), validate_choice=True)
    staying = SelectMultipleField(_l("Who repeats the grade"))
    leaving = SelectMultipleField(_l("Who leaves the school"))

    def __init__(self, pupils: dict[str, str], teachers: dict[str, str], **named: Any) -> None:
        super().__init__(**named)
        self.way.choices = {"up": _("It moves up a grade"), "leave": _("It leaves the school")}
        self.teacher.choices = {"": _("Named later"), **teachers}
        self.staying.choices = pupils
        self.leaving.choices = pupils

    def validate_name(self, field: Any) -> None:
        if self.way.data == "up" and not field.data:
            raise ValidationError(_("Enter the name."))

    def validate_leaving(self, field: Any) -> None:
        if set(field.data or ()) & set(self.staying.data or ()):
            raise ValidationError(_("A pupil either repeats or leaves."))


class TransferForm(PortalForm):
    """Where a pupil goes, and from when on."""

    where = RadioField(_l("Where does the pupil go"), [InputRequired(_l("Choose one."))])
    school = LineField(_l("New school"), [Length(max=160, message=TOO_LONG)])
    from_on = DateField(_l("First day there"), [InputRequired(_l("Enter the first day."))])
    shares_story = BooleanField(_l("What was said at visits goes along"))

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.where.choices = {
            "school": _("To another school on this portal"),
            "elsewhere": _("To a school that is not on this portal"),
        }

    def validate_from_on(self, field: Any) -> None:
        if field.data and field.data < clock.today():
            raise ValidationError(_("Choose today or a later day."))

    def validate_where(self, field: Any) -> None:
        if not self.school.data:
            raise ValidationError(_("Enter the new school."))


class GraduatesForm(PortalForm):
    """Which pupils go to which school of the next stage."""

    pupils = SelectMultipleField(_l("Which pupils"))
    school = LineField(
        _l("Next school"), [InputRequired(_l("Enter the next school.")), Length(max=160, message=TOO_LONG)]
    )
    shares_story = BooleanField(_l("What was said at visits goes along"))

    def __init__(self, pupils: dict[str, str], **named: Any) -> None:
        super().__init__(**named)
        self.pupils.choices = pupils

    def validate_pupils(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Choose at least one pupil."))


class ArrivalsForm(PortalForm):
    """Which of the pupils proposed come into which class."""

    pupils = SelectMultipleField(_l("Which pupils"))
    school_class = SelectField(_l("Class"), [InputRequired(_l("Choose the class."))])

    def __init__(self, pupils: dict[str, str], classes: dict[str, str], **named: Any) -> None:
        super().__init__(**named)
        self.pupils.choices = pupils
        self.school_class.choices = {"": _("Choose"), **classes}

    def validate_pupils(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Choose at least one pupil."))


class AcceptForm(PortalForm):
    """The class that takes the pupil."""

    school_class = SelectField(_l("Class"), [InputRequired(_l("Choose the class."))])

    def __init__(self, classes: dict[str, str], **named: Any) -> None:
        super().__init__(**named)
        self.school_class.choices = {"": _("Choose"), **classes}
