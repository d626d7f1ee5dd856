"""Writing a message into the outbox, in the transaction of the change that causes it."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

from flask import after_this_request, current_app, has_request_context
from sqlalchemy import Select, select, update
from werkzeug.wrappers import Response

from portal import clock
from portal.deliveries.channels import configured
from portal.deliveries.jobs import deliver_waiting
from portal.deliveries.kinds import KINDS
from portal.deliveries.models import DRY, MAIL, PHONE, Delivery, State
from portal.extensions import db, new_public_id
from portal.i18n import DEFAULT, LANGUAGES
from portal.i18n import lazy_gettext as _l
from portal.jobs.queue import ring
from portal.keys.sealing import blind_index
from portal.settings import Choice, Setting

CAPS = ((timedelta(minutes=1), 1), (timedelta(hours=1), 5), (timedelta(days=1), 10))
"""Most one-time codes to one recipient within a time, as gateways themselves enforce (SECURITY.md R6)."""
AS_OPERATED = "operated"
CHANNELS = Setting(
    "deliveries.channels",
    Choice(
        {
            AS_OPERATED: _l("As the portal is set up"),
            "sms_email": _l("Text message first, then e-mail"),
            "email_sms": _l("E-mail first, then text message"),
            "sms": _l("Text messages only"),
            "email": _l("E-mail only"),
        }
    ),
    AS_OPERATED,
    label=_l("How messages reach people"),
    help=_l(
        "For one-time codes and short messages about an account. Nothing about children is ever sent this way."
    ),
)
CAPPED, UNREACHABLE, WITHDRAWN = "capped", "unreachable", "withdrawn"


class Reachable(Protocol):
    """Whoever may get a message: a person with a number or an address, and a language."""

    id: int
    phone: str | None
    email: str | None
    language: str | None


def send(
    person: Reachable | None,
    kind: str,
    values: Mapping[str, object],
    channel: str | None = None,
    *,
    key: str = "",
    recipient: str = "",
    district_id: int | None = None,
) -> Delivery:
    """Add a message to the current transaction; the job process sends it after the commit.

    ``channel`` is "sms", "email" or None for what the operator has set up. ``key`` names the occasion: a second message
    of the same kind, person and key is not written, the first is returned. ``recipient`` is for an address that is not
    (yet) the person's, or of somebody the portal has no row of (``person`` None: an organisation that a school works
    with); ``district_id`` the district whose order of channels holds. A message that would break the caps of providers, or that no channel reaches, is kept as failed.
    Raises ``Unfit`` for values that no message may carry, ``KeyError`` for an unknown kind.
    """
    declared = KINDS[kind]
    words = declared.checked(values)
    key = key or secrets.token_urlsafe(12)
    person_id = person.id if person else None
    language = person.language if person else None
    first = db.session.scalar(
        select(Delivery).where(Delivery.kind == kind, Delivery.person_id == person_id, Delivery.key == key)
    )
    if first is not None:
        return first
    chosen, address = _way(person, channel, recipient, district_id)
    now = clock.now()
    row = Delivery(
        public_id=new_public_id(),
        person_id=person_id,
        kind=kind,
        key=key,
        channel=chosen,
        language=language if language in LANGUAGES else DEFAULT.tag,
        state=State.WAITING,
        problem="",
        attempts=0,
        created_at=now,
        not_before=now,
        not_after=now + declared.lasts,
    )
    db.session.add(row)
    if not address:
        row.state, row.problem = State.FAILED, UNREACHABLE
    elif declared.capped and over_the_caps(address):
        row.state, row.problem = State.FAILED, CAPPED
    if address:
        row.recipient, row.recipient_index = address, recipient_index(address)
        row.values = words
    db.session.flush()
    ring_after_commit()
    return row


def recipient_index(address: str) -> bytes:
    """The keyed index of a number or an address, for counting what it got."""
    return blind_index("delivery.recipient", address)


def over_the_caps(address: str) -> bool:
    """Whether one more code to this recipient would be more than providers allow."""
    now = clock.now()
    capped = [name for name, kind in KINDS.items() if kind.capped]
    sent = db.session.scalars(
        select(Delivery.created_at)
        .where(
            Delivery.recipient_index == recipient_index(address),
            Delivery.created_at > now - CAPS[-1][0],
            Delivery.kind.in_(capped),
            Delivery.problem != CAPPED,
        )
        .order_by(Delivery.created_at.desc())
        .limit(CAPS[-1][1])
    ).all()
    return any(sum(at > now - span for at in sent) >= most for span, most in CAPS)


def _way(
    person: Reachable | None, channel: str | None, recipient: str, district_id: int | None
) -> tuple[str, str]:
    """The channel and the address: the one asked for, else the first configured one that reaches the person."""
    if recipient:
        asked = channel or way_to(recipient)
        return (asked if asked in configured() else DRY), recipient
    addresses = {PHONE: person.phone or "", MAIL: person.email or ""} if person else {PHONE: "", MAIL: ""}
    real = configured()
    for name in [channel] if channel else _order(district_id):
        if addresses[name] and (name in real or not real):
            return (name if name in real else DRY), addresses[name]
    return (channel if channel in real else DRY) or DRY, ""


def way_to(recipient: str) -> str:
    """The channel for an address by its form: an e-mail address, else a telephone number."""
    return MAIL if "@" in recipient else PHONE


def withdraw(delivery_ids: Select[Any]) -> None:
    """Let what still waits go out no more, in the current transaction; its text is forgotten."""
    db.session.execute(
        update(Delivery)
        .where(Delivery.id.in_(delivery_ids), Delivery.state == State.WAITING)
        .values(state=State.FAILED, problem=WITHDRAWN, values_sealed=None)
        .execution_options(synchronize_session=False)
    )


def _order(district_id: int | None) -> Sequence[str]:
    """Which way out is tried first: what the district has set, else what the operator has."""
    wanted = CHANNELS.on(clock.today(), district_id=district_id) if district_id else AS_OPERATED
    return tuple(wanted.split("_")) if wanted != AS_OPERATED else current_app.config["CHANNEL_ORDER"]


def ring_after_commit() -> None:
    """Ring the job process when this request is over; outside of a request the caller rings, or the sweep finds it."""
    if not has_request_context():
        return

    @after_this_request
    def bell(answer: Response) -> Response:
        if answer.status_code < 500:
            ring(deliver_waiting)
        return answer
