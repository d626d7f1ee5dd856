"""Forms of committees: an election, a meeting, a reason."""

from datetime import timedelta
from typing import Any

from wtforms import DateField, IntegerField, RadioField, SelectField, SelectMultipleField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from portal import clock, i18n
from portal.committees.forming import Election
from portal.committees.models import REASON_LENGTH, TEXT_LENGTH, VOTES, WAY_NAMES, Committee, Way
from portal.forms import LineField, PortalForm, TextField
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l

LONGEST_TERM = timedelta(days=3 * 366)
FEWEST = 3
MOST_PEOPLE = 100_000


class ElectionForm(PortalForm):
    """A committee that came into office: when, how, who."""

    began_on = DateField(_l("Day of the election"), [InputRequired(_l("Enter the day of the election."))])
    until_on = DateField(
        _l("In office until, that day included"), [InputRequired(_l("Enter the last day in office."))]
    )
    way = RadioField(
        _l("How they came into office"), [InputRequired(_l("Say how the members came into office."))]
    )
    eligible = IntegerField(
        _l("Families that could vote"),
        [Optional(), NumberRange(1, MOST_PEOPLE, _l("Enter a whole number above zero."))],
    )
    voted = IntegerField(
        _l("Families that voted"),
        [Optional(), NumberRange(1, MOST_PEOPLE, _l("Enter a whole number above zero."))],
    )
    chair = SelectField(_l("Chair"), [InputRequired(_l("Choose the chair."))])
    deputy = SelectField(_l("Deputy chair"), [Optional()])
    members = SelectMultipleField(_l("Members"), [Optional()])

    def __init__(self, candidates: dict[str, str], **named: Any) -> None:
        super().__init__(**named)
        self.way.choices = [(way.value, str(name)) for way, name in WAY_NAMES.items()]
        people = list(candidates.items())
        self.chair.choices = [("", _("Choose")), *people]
        self.deputy.choices = [("", _("None")), *people]
        self.members.choices = people

    def validate_began_on(self, field: Any) -> None:
        if field.data and field.data > clock.today():
            raise ValidationError(_("The election cannot be on a day to come."))

    def validate_until_on(self, field: Any) -> None:
        if field.data and self.began_on.data:
            if field.data <= self.began_on.data:
                raise ValidationError(_("The term ends after the day of the election."))
            if field.data - self.began_on.data > LONGEST_TERM:
                raise ValidationError(_("A term of office is three years at most."))

    def validate_voted(self, field: Any) -> None:
        if field.data and self.eligible.data and field.data > self.eligible.data:
            raise ValidationError(_("More families voted than could vote."))

    def validate(self, extra_validators: Any = None) -> bool:
        """Also: a vote has its numbers, a committee its three people."""
        holds = super().validate(extra_validators)
        if self.chair.data and not self.members.errors and len(self.election().offices()) < FEWEST:
            self.members.errors, holds = (
                [_("A committee has three people or more, the chair among them.")],
                False,
            )
        if self.way.data in VOTES:
            for field in (self.eligible, self.voted):
                if field.data is None and not field.errors:
                    field.errors, holds = [_("A vote needs this number.")], False
        return holds

    def election(self) -> Election:
        """What was typed."""
        vote = self.way.data in VOTES
        return Election(
            self.began_on.data,
            self.until_on.data + timedelta(days=1) if self.until_on.data else self.until_on.data,
            Way(self.way.data) if self.way.data in set(Way) else Way.NAMED,
            self.eligible.data if vote else None,
            self.voted.data if vote else None,
            self.chair.data,
            self.deputy.data or "",
            self.members.data or [],
        )


class MeetingForm(PortalForm):
    """A meeting that was held."""

    held_on = DateField(_l("Day of the meeting"), [InputRequired(_l("Enter the day of the meeting."))])
    present = IntegerField(
        _l("People present"),
        [
            InputRequired(_l("Enter how many came.")),
            NumberRange(1, MOST_PEOPLE, _l("Enter a whole number above zero.")),
        ],
    )
    topics = TextField(
        _l("What it was about"),
        [
            InputRequired(_l("Write what the meeting was about.")),
            Length(max=TEXT_LENGTH, message=_l("Use at most 1,000 characters.")),
        ],
    )
    agreed = TextField(
        _l("What was agreed"), [Length(max=TEXT_LENGTH, message=_l("Use at most 1,000 characters."))]
    )

    def __init__(self, committee: Committee, **named: Any) -> None:
        super().__init__(**named)
        self.committee = committee

    def validate_held_on(self, field: Any) -> None:
        if field.data and field.data > clock.today():
            raise ValidationError(_("The meeting cannot be on a day to come."))
        last = self.committee.ended_on or self.committee.until_on
        if field.data and not self.committee.began_on <= field.data < last:
            raise ValidationError(_("That day is outside the committee's term of office."))


class ReasonForm(PortalForm):
    """Why a committee ends early."""

    reason = LineField(
        _l("Reason"),
        [
            InputRequired(_l("Write the reason.")),
            Length(max=REASON_LENGTH, message=_l("Use at most 200 characters.")),
        ],
    )


class TakeBackForm(ReasonForm):
    """Which meeting was entered by mistake, and why."""

    which = RadioField(_l("Meeting"), [InputRequired(_l("Choose the meeting."))])

    def __init__(self, committee: Committee, **named: Any) -> None:
        super().__init__(**named)
        self.which.choices = [
            (one.public_id, i18n.long_date(one.held_on))
            for one in committee.meetings
            if one.taken_back_at is None
        ]
