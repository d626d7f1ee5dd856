"""Forms of the parent school: a course, its lessons and sessions, its withdrawal."""

from datetime import timedelta
from typing import Any

from wtforms import BooleanField, DateField, IntegerField, RadioField, SelectField, TimeField
from wtforms.validators import InputRequired, Length, NumberRange, ValidationError

from portal import clock
from portal.courses.models import (
    FORM_NAMES,
    PLACE_LENGTH,
    REASON_LENGTH,
    TEXT_LENGTH,
    TITLE_LENGTH,
    TOPIC_NAMES,
)
from portal.forms import LineField, PortalForm, TextField, half_width
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l

LONGEST_AHEAD = timedelta(days=550)


def _plain(kind: type[Any]) -> type[Any]:
    """The field, forgiving of full-width digits and signs."""

    class Plain(kind):  # type: ignore[misc]
        def process_formdata(self, valuelist: list[str]) -> None:
            super().process_formdata([half_width(value) or "" for value in valuelist])

    return Plain


DayField = _plain(DateField)
ClockField = _plain(TimeField)
NumberField = _plain(IntegerField)


class CourseForm(PortalForm):
    """What a course is, for whom, by whom. The caller gives the lecturers and audiences that may be chosen."""

    title = LineField(
        _l("Course title"),
        [
            InputRequired(_l("Enter the title of the course.")),
            Length(max=TITLE_LENGTH, message=_l("Use at most 80 characters.")),
        ],
    )
    topic = SelectField(_l("Topic"), [InputRequired(_l("Choose a topic."))])
    form = RadioField(_l("How it is held"), [InputRequired(_l("Choose how it is held."))])
    description = TextField(
        _l("What parents take home from it"),
        [
            InputRequired(_l("Say in a few sentences what the course is about.")),
            Length(max=TEXT_LENGTH, message=_l("Use at most 4,000 characters.")),
        ],
    )
    lecturer = SelectField(_l("Lecturer of the district's team"))
    lecturer_name = LineField(
        _l("Name of another speaker"), [Length(max=60, message=_l("Use at most 60 characters."))]
    )
    audience = SelectField(_l("For whom"), [InputRequired(_l("Choose for whom the course is."))])
    is_public = BooleanField(_l("Open to the public"))

    def __init__(self, lecturers: dict[str, str], audiences: dict[str, str], **named: Any) -> None:
        super().__init__(**named)
        self.topic.choices = [
            ("", _("Please choose")),
            *((topic.value, str(name)) for topic, name in TOPIC_NAMES.items()),
        ]
        self.form.choices = [(form.value, str(name)) for form, name in FORM_NAMES.items()]
        self.lecturer.choices = [("", _("Nobody of the team")), *lecturers.items()]
        self.audience.choices = list(audiences.items())


class LessonForm(PortalForm):
    """The text of one lesson."""

    title = LineField(
        _l("Lesson title"),
        [
            InputRequired(_l("Enter the title of the lesson.")),
            Length(max=TITLE_LENGTH, message=_l("Use at most 80 characters.")),
        ],
    )
    text = TextField(
        _l("Text of the lesson"),
        [
            InputRequired(_l("Write the text of the lesson.")),
            Length(max=TEXT_LENGTH, message=_l("Use at most 4,000 characters.")),
        ],
    )


class SessionForm(PortalForm):
    """When and where a session takes place, and for how many households."""

    day = DayField(_l("Day of the session"), [InputRequired(_l("Enter the day, for example 2026-11-28."))])
    begins = ClockField(_l("Begins at"), [InputRequired(_l("Enter the time, for example 19:00."))])
    place = LineField(
        _l("Place, or where to join online"),
        [
            InputRequired(_l("Say where parents should go.")),
            Length(max=PLACE_LENGTH, message=_l("Use at most 200 characters.")),
        ],
    )
    capacity = NumberField(
        _l("Seats, counted in households"),
        [
            InputRequired(_l("Enter the number of seats.")),
            NumberRange(1, 5000, _l("Between 1 and 5,000 households.")),
        ],
    )
    lesson_hours = NumberField(
        _l("Lesson hours"),
        [
            InputRequired(_l("Enter the number of lesson hours.")),
            NumberRange(1, 8, _l("Between 1 and 8 lesson hours.")),
        ],
    )

    def __init__(self, seats_taken: int = 0, **named: Any) -> None:
        super().__init__(**named)
        self.seats_taken = seats_taken

    def validate_day(self, field: Any) -> None:
        today = clock.today()
        if field.data is not None and field.data < today:
            raise ValidationError(_("This day has passed. Choose today or a later day."))
        if field.data is not None and field.data > today + LONGEST_AHEAD:
            raise ValidationError(_("This day is too far ahead. Check the year."))

    def validate_capacity(self, field: Any) -> None:
        if field.data is not None and field.data < self.seats_taken:
            raise ValidationError(_("More households than that have a seat already."))


class WithdrawalForm(PortalForm):
    """Why a published course is taken back."""

    reason = TextField(
        _l("Why the course is withdrawn"),
        [
            InputRequired(_l("Say why the course is withdrawn.")),
            Length(max=REASON_LENGTH, message=_l("Use at most 200 characters.")),
        ],
    )
