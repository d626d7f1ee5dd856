"""Forms of data rights: answers on paper, the name of a reader, deletion and its decision."""

from datetime import date
from typing import Any

from wtforms import DateField, IntegerField, RadioField, SelectField, SelectMultipleField
from wtforms.validators import InputRequired, Length, ValidationError

from portal import clock
from portal.forms import LineField, PortalForm, TextField
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.privacy.models import GROUND_NAMES, LINE_LENGTH, PART_NAMES, SECTION_NAMES
from portal.privacy.purposes import FIRST, PURPOSES


class PaperForm(PortalForm):
    """A slip that a guardian signed; the caller gives the guardians who may sign for the child."""

    guardian = RadioField(_l("Who signed"), [InputRequired(_l("Choose who signed."))])
    purpose = RadioField(_l("For what"), [InputRequired(_l("Choose what it is for."))])
    answer = RadioField(_l("What the slip says"), [InputRequired(_l("Choose what the slip says."))])
    signed_on = DateField(_l("Day on the slip"), [InputRequired(_l("Enter the day on the slip."))])

    def __init__(self, guardians: dict[str, str], **named: Any) -> None:
        super().__init__(**named)
        self.guardian.choices = list(guardians.items())
        self.purpose.choices = [(purpose.value, str(declared.name)) for purpose, declared in PURPOSES.items()]
        self.answer.choices = [("yes", str(_l("I agree"))), ("no", str(_l("I do not agree")))]

    def validate_signed_on(self, field: Any) -> None:
        """A slip is signed after the purpose was first asked, and not in days to come."""
        day: date | None = field.data
        if day is not None and (day > clock.today() or day < FIRST):
            raise ValidationError(_("The day must lie between the start of the register and today."))


TOO_LONG = _l("Use at most 500 characters.")
FIRST_YEAR = 2020


class ReaderNameForm(PortalForm):
    """Whether the name of a reader is told, and words beside it; without the name the words say why."""

    tell = RadioField(_l("Tell the name"), [InputRequired(_l("Choose one."))])
    words = TextField(_l("What else the family should know"), [Length(max=LINE_LENGTH, message=TOO_LONG)])

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.tell.choices = [("yes", str(_l("Yes, tell the name"))), ("no", str(_l("No, and say why")))]

    def validate_words(self, field: Any) -> None:
        """A refusal has a reason (PIPL art. 50: a refusal states its reasons)."""
        if self.tell.data == "no" and not field.data:
            raise ValidationError(_("Say why the name is not told."))


class ErasureForm(PortalForm):
    """What is to be deleted; the caller gives the children that have left."""

    what = RadioField(_l("What shall be deleted"), [InputRequired(_l("Choose what shall be deleted."))])
    words = TextField(_l("What the school should know about it"), [Length(max=LINE_LENGTH, message=TOO_LONG)])

    def __init__(self, gone: dict[str, str], **named: Any) -> None:
        super().__init__(**named)
        parts = [(f"part:{part.value}", str(name)) for part, name in PART_NAMES.items()]
        children = [(f"child:{key}", _("Everything about %(name)s", name=name)) for key, name in gone.items()]
        self.what.choices = [*parts, *children, ("account", _("My whole account"))]


class DecisionForm(PortalForm):
    """What the school decides about a request for deletion."""

    decision = RadioField(_l("Decision"), [InputRequired(_l("Choose what you decide."))])
    parts = SelectMultipleField(_l("What is deleted, if only some of it"))
    ground = SelectField(_l("Ground of the law, if not all is deleted"))
    reply = TextField(
        _l("What the person reads"),
        [
            InputRequired(_l("Write what the person reads.")),
            Length(max=LINE_LENGTH, message=TOO_LONG),
        ],
    )

    def __init__(self, *, whole: bool, **named: Any) -> None:
        super().__init__(**named)
        self.decision.choices = [
            ("grant", str(_l("Delete it"))),
            *([("some", str(_l("Delete some of it")))] if whole else []),
            ("refuse", str(_l("Do not delete it"))),
        ]
        self.parts.choices = [(part.value, str(name)) for part, name in PART_NAMES.items()]
        self.ground.choices = [
            ("", str(_l("Choose the ground"))),
            *((ground.value, str(name)) for ground, name in GROUND_NAMES.items()),
        ]

    def validate_ground(self, field: Any) -> None:
        """Whatever is not deleted stays on a ground of the law."""
        if self.decision.data in ("some", "refuse") and not field.data:
            raise ValidationError(_("Choose the ground of the law."))

    def validate_parts(self, field: Any) -> None:
        """Some of it is at least one kind."""
        if self.decision.data == "some" and not field.data:
            raise ValidationError(_("Choose what is deleted."))


class HoldForm(PortalForm):
    """Why a child's data are kept."""

    reason = LineField(
        _l("What the investigation is, with its file number"),
        [
            InputRequired(_l("Write what the investigation is.")),
            Length(max=200, message=_l("Use at most 200 characters.")),
        ],
    )


class ExportForm(PortalForm):
    """What is to be taken out, and what for; the caller gives the kinds of the role."""

    kind = RadioField(_l("What shall be exported"), [InputRequired(_l("Choose what shall be exported."))])
    year = IntegerField(_l("Year of the report"))
    purpose = LineField(
        _l("What for"),
        [
            InputRequired(_l("Write what it is for.")),
            Length(max=200, message=_l("Use at most 200 characters.")),
        ],
    )

    def __init__(self, kinds: dict[str, str], **named: Any) -> None:
        super().__init__(**named)
        self.kind.choices = list(kinds.items())

    def validate_year(self, field: Any) -> None:
        """The report is of one year, and not of one to come."""
        wanted = self.kind.data == "audit_pack"
        if wanted and not (field.data and FIRST_YEAR <= field.data <= clock.today().year):
            raise ValidationError(_("Enter the year of the report, this year at the latest."))


class AuditLineForm(PortalForm):
    """A line that the district writes into its yearly report."""

    section = RadioField(_l("Where it belongs"), [InputRequired(_l("Choose where it belongs."))])
    text = TextField(
        _l("What happened, who, when"),
        [InputRequired(_l("Write the line.")), Length(max=LINE_LENGTH, message=TOO_LONG)],
    )

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.section.choices = [(section.value, str(name)) for section, name in SECTION_NAMES.items()]
