"""Forms of opinions: sending, answering, asking once more."""

from typing import Any

from wtforms import RadioField
from wtforms.validators import InputRequired, Length

from portal.forms import PortalForm, TextField
from portal.i18n import lazy_gettext as _l
from portal.opinions.models import CATEGORY_NAMES, TEXT_LENGTH

TOO_LONG = _l("Use at most 2,000 characters.")


class OpinionForm(PortalForm):
    """What a parent tells the school; the caller gives the children it may be about."""

    child = RadioField(_l("Which child's school"), [InputRequired(_l("Choose the child."))])
    category = RadioField(_l("What is it about"), [InputRequired(_l("Choose what it is about."))])
    text = TextField(
        _l("What would you like to tell"),
        [InputRequired(_l("Write what you would like to tell.")), Length(max=TEXT_LENGTH, message=TOO_LONG)],
    )
    naming = RadioField(_l("May the school see your name"), [InputRequired(_l("Choose one."))])

    def __init__(self, children: dict[str, str], **named: Any) -> None:
        super().__init__(**named)
        self.child.choices = list(children.items())
        self.category.choices = [(category.value, str(name)) for category, name in CATEGORY_NAMES.items()]
        self.naming.choices = [
            ("named", str(_l("Yes, with my name"))),
            ("confidential", str(_l("In confidence"))),
        ]


class AnswerForm(PortalForm):
    """The school's or the district's answer."""

    text = TextField(
        _l("Your answer"),
        [InputRequired(_l("Write the answer.")), Length(max=TEXT_LENGTH, message=TOO_LONG)],
    )


class ReopeningForm(PortalForm):
    """What the family still misses."""

    text = TextField(
        _l("What is still open"),
        [InputRequired(_l("Write what is still open.")), Length(max=TEXT_LENGTH, message=TOO_LONG)],
    )
