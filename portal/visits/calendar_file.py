"""A meeting as a calendar file (RFC 5545): one event whose UID stays, whose SEQUENCE grows with each change.

It says when, with whom and where to look; never what about, and never the name of a child, because calendars are
copied to places nobody knows. Nothing but plain properties: calendars of some phones refuse a file for one they do not know.
"""

from datetime import UTC, timedelta

from icalendar import Calendar, Event

from portal import clock
from portal.i18n import gettext as _
from portal.visits.models import FORM_NAMES, Form, Invitation, InvitationState

LASTS = timedelta(minutes=45)
CANCELLED = (InvitationState.DECLINED, InvitationState.WITHDRAWN, InvitationState.LAPSED)


def _state(invitation: Invitation) -> tuple[str, str, int]:
    """(method, status, sequence) of an invitation."""
    if invitation.state in CANCELLED:
        return "CANCEL", "CANCELLED", 2
    if invitation.chosen_at is not None:
        return "PUBLISH", "CONFIRMED", 1
    return "PUBLISH", "TENTATIVE", 0


def calendar_file(invitation: Invitation, with_whom: str, url: str) -> bytes:
    """The file for one side: ``with_whom`` is whom that side meets, ``url`` the page of the invitation.

    Open: the first proposed time, tentative. Accepted: confirmed. Declined, withdrawn or lapsed: cancelled.
    """
    method, status, sequence = _state(invitation)
    at = clock.local(invitation.chosen_at or min(invitation.proposed))
    event = Event()
    event.add("uid", f"visit-{invitation.public_id}@gongyu")
    event.add("sequence", sequence)
    event.add("dtstamp", (invitation.answered_at or invitation.created_at).astimezone(UTC))
    event.add("dtstart", at)
    event.add("dtend", at + LASTS)
    event.add("summary", _("Meeting with %(whom)s", whom=with_whom))
    if invitation.chosen_form:
        event.add("location", str(FORM_NAMES[Form(invitation.chosen_form)]))
    event.add("url", url)
    event.add("status", status)
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//gongyu//visits//ZH")
    calendar.add("method", method)
    calendar.add_component(event)
    calendar.add_missing_timezones(first_date=at.date())
    file: bytes = calendar.to_ical()
    return file
