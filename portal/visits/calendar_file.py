"""A meeting as a calendar file (RFC 5545): one event whose UID stays, whose SEQUENCE grows with each change.

It says when, with whom and where to look; never what about, and never the name of a child, because calendars are
copied to places nobody knows. Written by hand: one fixed event needs three rules of the standard (CRLF, escaping,
lines of at most 75 octets).
"""

from datetime import UTC, datetime, timedelta

from portal import clock
from portal.i18n import gettext as _
from portal.visits.models import FORM_NAMES, Form, Invitation, InvitationState

LASTS = timedelta(minutes=45)
LINE_OCTETS = 75
CANCELLED = (InvitationState.DECLINED, InvitationState.WITHDRAWN, InvitationState.LAPSED)
ZONE = (
    "BEGIN:VTIMEZONE",
    "TZID:Asia/Shanghai",
    "BEGIN:STANDARD",
    "DTSTART:19700101T000000",
    "TZOFFSETFROM:+0800",
    "TZOFFSETTO:+0800",
    "TZNAME:CST",
    "END:STANDARD",
    "END:VTIMEZONE",
)


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _folded(line: str) -> str:
    """A line in pieces of at most 75 octets, no character cut in two."""
    pieces: list[str] = []
    piece, size = "", 0
    for letter in line:
        octets = len(letter.encode())
        if size + octets > LINE_OCTETS:
            pieces.append(piece)
            piece, size = " ", 1
        piece, size = piece + letter, size + octets
    return "\r\n".join([*pieces, piece])


def _here(at: datetime) -> str:
    return clock.local(at).strftime("%Y%m%dT%H%M%S")


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
    at = invitation.chosen_at or min(invitation.proposed)
    stamp = (invitation.answered_at or invitation.created_at).astimezone(UTC)
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//gongyu//visits//ZH",
        f"METHOD:{method}",
        *ZONE,
        "BEGIN:VEVENT",
        f"UID:visit-{invitation.public_id}@gongyu",
        f"SEQUENCE:{sequence}",
        f"DTSTAMP:{stamp:%Y%m%dT%H%M%SZ}",
        f"DTSTART;TZID=Asia/Shanghai:{_here(at)}",
        f"DTEND;TZID=Asia/Shanghai:{_here(at + LASTS)}",
        f"SUMMARY:{_text(_('Meeting with %(whom)s', whom=with_whom))}",
        *(
            [f"LOCATION:{_text(str(FORM_NAMES[Form(invitation.chosen_form)]))}"]
            if invitation.chosen_form
            else []
        ),
        f"URL:{url}",
        f"STATUS:{status}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return ("\r\n".join(_folded(line) for line in lines) + "\r\n").encode()
