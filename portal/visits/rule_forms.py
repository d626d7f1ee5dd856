"""Forms of the coverage rules: what is typed becomes a rule or a quota, and every flaw stands at its field."""

import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from wtforms import BooleanField, DateField, RadioField, SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, ValidationError

from portal import clock
from portal.access import ROLE_NAMES
from portal.forms import LineField, PortalForm, TextField, half_width
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.settings.models import DOCUMENT_LENGTH
from portal.visits.coverage import (
    EVERY_NAMES,
    QUOTA_ROLES,
    UNIT_NAMES,
    WHO_NAMES,
    Flaw,
    Quota,
    Rule,
    read_quota,
    read_rule,
)
from portal.visits.models import FORM_NAMES, PRIORITY_NAMES

RULE, QUOTA = "rule", "quota"
Requirement = TypeVar("Requirement", Rule, Quota)


def _choices(options: Any) -> list[SelectChoice]:
    return [SelectChoice(str(value), name) for value, name in options.items()]


def new_key() -> str:
    """A key for a new rule."""
    return f"r{secrets.token_hex(5)}"


class DatedForm(PortalForm):
    """The day from which a change of the rules holds, and the document it rests on."""

    from_on = DateField(_l("Holds from"), [InputRequired(_l("Enter the day from which it holds."))])
    document = LineField(
        _l("Document it rests on"), [Length(max=DOCUMENT_LENGTH, message=_l("Use at most 200 characters."))]
    )

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        if self.from_on.data is None and not self.is_submitted():
            self.from_on.data = clock.today()

    def validate_from_on(self, field: Any) -> None:
        if field.data and field.data < clock.today():
            raise ValidationError(_("A setting changes from today or a later day."))


class _RequirementForm(DatedForm):
    name = LineField(_l("Short name"), [InputRequired(_l("Give it a short name."))])
    every = RadioField(_l("How often"), [InputRequired(_l("Choose one."))], choices=_choices(EVERY_NAMES))
    windows = TextField(_l("Between which days"), filters=[half_width])
    forms = SelectMultipleField(_l("Ways that count"), choices=_choices(FORM_NAMES), validate_choice=False)

    def _plain(self, key: str) -> dict[str, Any]:
        typed = (self.windows.data or "").split("\n")
        return {
            "key": key,
            "name": self.name.data or "",
            "every": self.every.data or "",
            "windows": [line.strip() for line in typed if line.strip()]
            if self.every.data == "window"
            else [],
            "forms": list(self.forms.data or []),
        }

    def _checked(self, read: Callable[[], Requirement]) -> Requirement | None:
        """What ``read`` makes of the fields; None when something does not hold, with the reason at its field."""
        valid = self.validate()
        try:
            found = read()
        except Flaw as flaw:
            field: Any = self[flaw.place] if flaw.place in self._fields else self.name
            if not field.errors:
                field.errors = [*field.errors, flaw.args[0]]
            return None
        return found if valid else None


def _whole(typed: str | None, place: str) -> int | None:
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) < 6):
        raise Flaw(place, _("Enter a whole number."))
    return int(typed)


class RuleForm(_RequirementForm):
    """One rule of coverage."""

    who = RadioField(_l("Whom"), [InputRequired(_l("Choose one."))], choices=_choices(WHO_NAMES))
    groups = SelectMultipleField(_l("Which groups"), choices=_choices(PRIORITY_NAMES), validate_choice=False)
    least = LineField(_l("Classes from this many pupils"), filters=[half_width])
    most = LineField(_l("Classes up to this many pupils"), filters=[half_width])
    share = LineField(
        _l("Share of these pupils"), [InputRequired(_l("Enter a share."))], filters=[half_width]
    )
    first_share = LineField(_l("Share by the end of the first term"), filters=[half_width])
    teachers = LineField(_l("How many teachers go together"), filters=[half_width])
    calls = BooleanField(_l("Whoever is not met is called"))

    def made(self, key: str) -> Rule | None:
        """The rule as typed, under this key; None when something does not hold."""
        return self._checked(
            lambda: read_rule(
                self._plain(key)
                | {
                    "who": self.who.data or "",
                    "groups": list(self.groups.data or []) if self.who.data == "priority" else [],
                    "least": _whole(self.least.data, "least"),
                    "most": _whole(self.most.data, "most"),
                    "share": self.share.data or "",
                    "first_share": (self.first_share.data or None) if self.every.data == "year" else None,
                    "teachers": _whole(self.teachers.data, "teachers"),
                    "calls": bool(self.calls.data),
                }
            )
        )


class QuotaForm(_RequirementForm):
    """What is expected of each holder of an office."""

    role = RadioField(
        _l("Of whom"),
        [InputRequired(_l("Choose one."))],
        choices=_choices({role.value: ROLE_NAMES[role] for role in QUOTA_ROLES}),
    )
    number = LineField(_l("How many"), [InputRequired(_l("Enter a number."))], filters=[half_width])
    unit = RadioField(_l("What is counted"), [InputRequired(_l("Choose one."))], choices=_choices(UNIT_NAMES))

    def made(self, key: str) -> Quota | None:
        """The quota as typed, under this key; None when something does not hold."""
        return self._checked(
            lambda: read_quota(
                self._plain(key)
                | {
                    "role": self.role.data or "",
                    "number": _whole(self.number.data, "number"),
                    "unit": self.unit.data or "",
                }
            )
        )


def shown(one: Rule | Quota | None, kind: str) -> dict[str, Any]:
    """What the fields of a form show: a rule as it stands, or the usual beginning of a new one."""
    if one is None:
        return {
            "every": "term",
            "who": "all",
            "share": "1",
            "teachers": "1",
            "unit": "pupils",
            "forms": [*map(str, FORM_NAMES)],
        }
    data: dict[str, Any] = {
        "name": one.name,
        "every": one.every,
        "windows": "\n".join(one.windows),
        "forms": [str(form) for form in one.forms],
    }
    if isinstance(one, Quota):
        return data | {"role": str(one.role), "number": str(one.number), "unit": one.unit}
    return data | {
        "who": one.who,
        "groups": list(one.groups),
        "least": str(one.least or ""),
        "most": str(one.most or ""),
        "share": str(one.share),
        "first_share": str(one.first_share or ""),
        "teachers": str(one.teachers),
        "calls": one.calls,
    }
