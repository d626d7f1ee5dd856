"""The form of a setting, made from the kind of its values."""

from typing import Any

from wtforms import DateField, RadioField, SelectMultipleField
from wtforms.validators import InputRequired, Length, ValidationError

from portal import clock
from portal.forms import LineField, PortalForm, TextField, half_width
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.schools.calendar import NoticeLines
from portal.settings import Choice, Choices, Hours, Line, Lines, Number, Setting, Switch
from portal.settings.models import DOCUMENT_LENGTH, TOLD_LENGTH

ON, OFF = "on", "off"


class SettingForm(PortalForm):
    """A value, the day from which it holds, and the document it rests on."""

    from_on = DateField(_l("Holds from"), [InputRequired(_l("Enter the day from which it holds."))])
    document = LineField(
        _l("Document it rests on"), [Length(max=DOCUMENT_LENGTH, message=_l("Use at most 200 characters."))]
    )
    told = TextField(
        _l("What the people it concerns read"),
        [Length(max=TOLD_LENGTH, message=_l("Use at most 500 characters."))],
    )

    def __init__(self, setting: Setting[Any], **named: Any) -> None:
        self.setting = setting
        super().__init__(**named)
        if self.from_on.data is None and not self.is_submitted():
            self.from_on.data = clock.today()

    def validate_from_on(self, field: Any) -> None:
        if field.data and field.data < clock.today():
            raise ValidationError(_("A setting changes from today or a later day."))

    def validate_told(self, field: Any) -> None:
        if self.setting.is_told and not field.data:
            raise ValidationError(_("Write a line for the people it concerns."))

    def validate_value(self, field: Any) -> None:
        """What was typed is a value of the setting's kind."""
        if field.errors or self.setting.kind.fits(self.typed()):
            return
        raise ValidationError(_wanted(self.setting.kind))

    def typed(self) -> Any:
        """The value as the setting keeps it; None when nothing of its kind was typed."""
        return _typed(self.setting.kind, self["value"].data)


def _wanted(kind: Any) -> str:
    if isinstance(kind, Number):
        return _("Enter a whole number from %(least)s to %(most)s.", least=kind.least, most=kind.most)
    if hasattr(kind, "wanted"):
        return str(kind.wanted())
    if isinstance(kind, Hours):
        return _("Write one span a line, such as 08:30-11:40; it ends after it begins.")
    if isinstance(kind, NoticeLines):
        return _(
            "Write one day or span a line, such as 2027-02-05~2027-02-11 休 春节; 休 is off, 班 is worked."
        )
    if isinstance(kind, Lines):
        return _(
            "Use at most %(most)s lines of %(longest)s characters.", most=kind.most, longest=kind.longest
        )
    if isinstance(kind, Line):
        return _("Use at most %(count)s characters.", count=kind.longest)
    return _("Choose one.")


def _typed(kind: Any, data: Any) -> Any:
    match kind:
        case Number():
            return int(data) if data and data.isascii() and data.isdigit() and len(data) < 10 else None
        case Switch():
            return {ON: True, OFF: False}.get(data)
        case Choices():
            return [word for word in kind.options if word in (data or [])]
        case Lines():
            return [line.strip() for line in (data or "").split("\n") if line.strip()]
        case _:
            return data or ""


def shown(kind: Any, value: Any) -> Any:
    """A value as its field shows it."""
    match kind:
        case Number():
            return str(value)
        case Switch():
            return ON if value else OFF
        case Lines():
            return "\n".join(value)
        case _:
            return value


def _labels(kind: Choice | Choices) -> dict[str, str]:
    return {word: str(label) for word, label in kind.options.items()}


def _field(setting: Setting[Any]) -> Any:
    label = _l("Value")
    match setting.kind:
        case Number():
            return LineField(label, [InputRequired(_l("Enter a number."))], filters=[half_width])
        case Switch():
            return RadioField(label, [InputRequired(_l("Choose one."))], choices={ON: _("On"), OFF: _("Off")})
        case Choice():
            return RadioField(label, [InputRequired(_l("Choose one."))], choices=_labels(setting.kind))
        case Choices():
            return SelectMultipleField(label, choices=_labels(setting.kind))
        case Lines():
            return TextField(label)
        case _:
            return LineField(label)


def form_of(setting: Setting[Any], **named: Any) -> SettingForm:
    """The form of one setting."""
    made: type[SettingForm] = type("FormOfSetting", (SettingForm,), {"value": _field(setting)})
    return made(setting, **named)
