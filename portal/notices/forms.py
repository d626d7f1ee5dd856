"""Forms of authors: the notice itself, publishing, correcting, withdrawing."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from flask_wtf.file import MultipleFileField
from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
)
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError

from portal import clock
from portal.files.intake import chosen
from portal.files.models import File
from portal.forms import LineField, PortalForm, TextField, half_width
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.notices.audience import Audience
from portal.notices.models import (
    ACT_LENGTH,
    BODY_LENGTH,
    LEVEL_NAMES,
    LINE_LENGTH,
    REASON_LENGTH,
    TITLE_LENGTH,
    Counts,
    Level,
    Notice,
)

COUNTS_NAMES = {
    Counts.HOUSEHOLD: _l("One guardian of a family is enough"),
    Counts.GUARDIAN: _l("Each guardian answers"),
}
WORDS = ("title", "body", "who", "act", "ask")


def _at_most(count: int) -> Length:
    return Length(max=count, message=_l("Use at most %(max)d characters."))


class DayField(DateField):  # type: ignore[misc]
    """A calendar day; also typed by hand, with full-width digits or in Chinese."""

    def __init__(self, label: Any = None, validators: Any = (), **named: Any) -> None:
        formats = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日"]
        super().__init__(label, validators, format=formats, **named)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Parse the first value; an unreadable day stays as typed with a message."""
        try:
            super().process_formdata([half_width(value) or "" for value in valuelist])
        except ValueError as error:
            raise ValueError(_("Give the day as year, month and day, for example 2026-11-27.")) from error


class NoticeWords(PortalForm):
    """The plain-language block: what, who, what to do, by when, whom to ask."""

    title = LineField(
        _l("What is it about, in one line"),
        [DataRequired(_l("Say in one line what it is about.")), _at_most(TITLE_LENGTH)],
    )
    body = TextField(
        _l("What families should know"),
        [DataRequired(_l("Write what families should know.")), _at_most(BODY_LENGTH)],
    )
    who = LineField(_l("Who it concerns"), [Optional(), _at_most(LINE_LENGTH)])
    act = TextField(_l("What to do"), [Optional(), _at_most(ACT_LENGTH)])
    ask = LineField(_l("Whom to ask"), [Optional(), _at_most(LINE_LENGTH)])
    due_on = DayField(_l("Answer by"), [Optional()])
    expires_on = DayField(_l("Not valid after"), [Optional()])
    revision = HiddenField()

    def __init__(self, kept_days: tuple[date | None, ...] = (), **named: Any) -> None:
        super().__init__(**named)
        self._kept_days = kept_days

    def validate_due_on(self, field: Any) -> None:
        """A day from today on, at most a year away; a day that stood there before may stay."""
        self._refuse_odd_day(field)

    def validate_expires_on(self, field: Any) -> None:
        """As above, and not before the day to answer by."""
        self._refuse_odd_day(field)
        if field.data and self.due_on.data and field.data < self.due_on.data:
            raise ValidationError(_("The last day cannot lie before the day to answer by."))

    def _refuse_odd_day(self, field: Any) -> None:
        today = clock.today()
        if field.data is None or field.data in self._kept_days:
            return
        if field.data < today:
            raise ValidationError(_("This day has passed. Choose today or a later day."))
        if field.data > today + timedelta(days=366):
            raise ValidationError(_("Choose a day within one year."))

    def words(self) -> dict[str, Any]:
        """What was typed, by the names of the notice."""
        typed: dict[str, Any] = {name: self[name].data or "" for name in WORDS}
        return {**typed, "due_on": self.due_on.data, "expires_on": self.expires_on.data}

    def is_stale(self, notice: Notice) -> bool:
        """Whether somebody changed the notice since this form was opened; says so on the form."""
        if self.revision.data == str(notice.revision):
            return False
        self.form_errors.append(
            _("Somebody changed this notice meanwhile. Compare with the present text before you save.")
        )
        return True


class NoticeForm(NoticeWords):
    """A draft: its words, its audience, what it asks for."""

    audience = SelectField(_l("Families of"), [InputRequired(_l("Choose whose families get it."))])
    level = RadioField(
        _l("What do you ask for"),
        [InputRequired(_l("Choose what you ask for."))],
        choices=[SelectChoice(str(level), name) for level, name in LEVEL_NAMES.items()],
        default=str(Level.READ),
    )
    counts = RadioField(
        _l("Whose answer counts"),
        [InputRequired(_l("Choose whose answer counts."))],
        choices=[SelectChoice(str(counts), name) for counts, name in COUNTS_NAMES.items()],
        default=str(Counts.HOUSEHOLD),
    )

    def __init__(self, audiences: list[Audience], **named: Any) -> None:
        super().__init__(**named)
        self._audiences = {audience.key: audience for audience in audiences}
        offered = [SelectChoice(audience.key, audience.name) for audience in audiences]
        self.audience.choices = offered if len(offered) == 1 else [SelectChoice("", _("Choose")), *offered]

    def chosen(self) -> Audience:
        """The audience that was chosen."""
        return self._audiences[self.audience.data]

    def words(self) -> dict[str, Any]:
        return {**super().words(), "level": self.level.data, "counts": self.counts.data}


class FilesForm(PortalForm):
    """Files for a draft."""

    files = MultipleFileField(_l("Files to add"))

    def validate_files(self, field: Any) -> None:
        """At least one must be chosen; what it is, is found out by opening it."""
        if not chosen(field.data or []):
            raise ValidationError(_("Choose a file first."))


class PublishForm(PortalForm):
    """Publishing; the tick is needed only when the text seems to ask for money."""

    money_known = BooleanField(_l("I publish it all the same. The district will see this notice."))


class CorrectionForm(NoticeWords):
    """The corrected text, what changed, and whether everyone is asked again."""

    change = LineField(
        _l("What has changed"),
        [DataRequired(_l("Say in a few words what has changed.")), _at_most(REASON_LENGTH)],
    )
    drop = SelectMultipleField(_l("Files to take out"))
    files = MultipleFileField(_l("Files to add"))
    ask_again = BooleanField(_l("Ask everyone again"))
    money_known = BooleanField(_l("I publish it all the same. The district will see this notice."))

    def __init__(self, present: Sequence[File] = (), **named: Any) -> None:
        super().__init__(**named)
        self.drop.choices = [SelectChoice(file.public_id, file.name) for file in present]

    def ask_for_files_again(self) -> None:
        """Tell that a browser does not send chosen files a second time."""
        if chosen(self.files.data or []) and not self.files.errors:
            self.files.errors = [_("Choose the files again, please: a browser forgets them.")]


class WithdrawalForm(PortalForm):
    """Why a notice is withdrawn; families read it."""

    reason = LineField(
        _l("Why is it withdrawn"),
        [DataRequired(_l("Say why, families will read it.")), _at_most(REASON_LENGTH)],
    )
