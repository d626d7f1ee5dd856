"""Sending what waits in the outbox, once each, and forgetting what is thirty days old.

A delivery is claimed in a transaction of its own before a provider hears of it. Whoever dies after that leaves a lease
that runs out: then the provider is asked, or the same key is sent again where the provider knows keys, or the delivery
is marked ``unknown`` and a person decides (``flask deliveries``). It is never sent again on a guess.
"""

from datetime import timedelta

from flask import current_app
from sqlalchemy import or_, select, update
from sqlalchemy.orm import make_transient

from portal import clock, i18n
from portal.deliveries.channels import Answer, Fate, Message, channel_named
from portal.deliveries.kinds import KINDS
from portal.deliveries.models import DRY, Delivery, State
from portal.extensions import db
from portal.jobs.queue import every, task

LEASE = timedelta(minutes=2)
RETRY_AFTER = tuple(timedelta(seconds=seconds) for seconds in (15, 60, 300, 1_800, 7_200, 21_600))
KEPT_FOR = timedelta(days=30)
AT_ONCE = 50
EXPIRED, STOPPED = "expired", "stopped"


@task
def deliver_waiting() -> None:
    """Send everything that is due, the oldest first; at most fifty per ring, the sweep takes the rest."""
    now = clock.now()
    due = db.session.scalars(
        select(Delivery.id)
        .where(Delivery.state == State.WAITING, Delivery.not_before <= now)
        .order_by(Delivery.not_before, Delivery.id)
        .limit(AT_ONCE)
    ).all()
    db.session.rollback()
    for delivery_id in due:
        deliver(delivery_id=delivery_id)


@every(10)
def sweep() -> None:
    """Find again what a lost ring or a dead process left behind."""
    settle_broken_leases()
    deliver_waiting()


@task
def deliver(delivery_id: int) -> None:
    """Claim one delivery, hand it to its channel, note what became of it. A second run finds nothing to claim."""
    row = _claim(delivery_id)
    if row is None:
        return
    channel = channel_named(row.channel)
    answer = channel.deliver(_message(row, channel.carries_links))
    _note(row, _settled(row, answer))


def _claim(delivery_id: int) -> Delivery | None:
    """The delivery, taken for this process in a committed transaction; None when it is not to be sent (any more)."""
    now = clock.now()
    db.session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state == State.WAITING, Delivery.not_after <= now)
        .values(state=State.FAILED, problem=EXPIRED, values_sealed=None)
    )
    row = db.session.scalar(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state == State.WAITING, Delivery.not_before <= now)
        .values(state=State.SENDING, lease_until=now + LEASE, attempts=Delivery.attempts + 1)
        .returning(Delivery)
        .execution_options(populate_existing=True)
    )
    if row is not None:
        db.session.flush()
        _apart(row)
    db.session.commit()
    return row


def _apart(row: Delivery) -> None:
    """Let a row go from the session: no transaction may stay open while a provider is spoken to."""
    make_transient(row)


def _message(row: Delivery, carries_links: bool) -> Message:
    values = row.values or {}
    with i18n.speaking(row.language):
        kind = KINDS[row.kind]
        address = current_app.config.get(kind.host) or current_app.config["ADDRESS"]
        subject, text = kind.worded(values, address=address if carries_links else "")
    return Message(row.public_id, row.recipient or "", subject, text)


def _settled(row: Delivery, answer: Answer) -> Answer:
    """What is in doubt is asked for, or made certain by a provider that takes one key once; else it stays in doubt."""
    if answer.fate != Fate.DOUBTFUL:
        return answer
    channel = channel_named(row.channel)
    taken = channel.taken(row.public_id)
    if taken:
        return Answer(Fate.TAKEN, problem="asked")
    if taken is False or channel.repeatable:
        return Answer(Fate.LATER, problem=answer.problem)
    return answer


def _note(held: Delivery, answer: Answer) -> None:
    """Write the fate of a delivery that this process holds; whoever lost the lease meanwhile writes nothing."""
    now = clock.now()
    row = db.session.scalar(
        select(Delivery)
        .where(Delivery.id == held.id, Delivery.state == State.SENDING, Delivery.attempts == held.attempts)
        .with_for_update()
    )
    if row is None:
        db.session.rollback()
        return
    row.lease_until = None
    row.problem = answer.problem[:40]
    if answer.fate == Fate.TAKEN:
        row.state, row.sent_at, row.provider_id = State.SENT, now, answer.provider_id
        _forget_secrets(row)
    elif answer.fate == Fate.DOUBTFUL:
        row.state = State.UNKNOWN
    elif answer.fate == Fate.REFUSED or row.attempts > len(RETRY_AFTER):
        row.state, row.values = State.FAILED, None
    else:
        row.state = State.WAITING
        row.not_before = now + RETRY_AFTER[row.attempts - 1]
    db.session.commit()


def _forget_secrets(row: Delivery) -> None:
    """A code that is out is nobody's to read any more; in the dry channel the operator still has to."""
    kind = KINDS.get(row.kind)
    if kind and kind.secret and row.channel != DRY:
        values = row.values or {}
        row.values = {name: "•" if name in kind.secret else value for name, value in values.items()}


def settle_broken_leases() -> None:
    """What processes that died left in ``sending``: asked for, sent again under the same key, or marked unknown."""
    wanted = select(Delivery).where(Delivery.state == State.SENDING, Delivery.lease_until <= clock.now())
    broken = db.session.scalars(wanted.limit(AT_ONCE)).all()
    for row in broken:
        _apart(row)
    db.session.rollback()
    for row in broken:
        _note(row, _settled(row, Answer(Fate.DOUBTFUL, problem=STOPPED)))


@every(3_600)
def forget_old() -> None:
    """After thirty days recipient, text and person are gone; the row stays as history. Secrets go when they expire."""
    now = clock.now()
    old = or_(
        Delivery.recipient_sealed.is_not(None),
        Delivery.recipient_index.is_not(None),
        Delivery.values_sealed.is_not(None),
        Delivery.person_id.is_not(None),
    )
    db.session.execute(
        update(Delivery)
        .where(Delivery.created_at < now - KEPT_FOR, old)
        .values(recipient_sealed=None, recipient_index=None, values_sealed=None, person_id=None)
    )
    secret = [name for name, kind in KINDS.items() if kind.secret]
    db.session.execute(
        update(Delivery)
        .where(Delivery.kind.in_(secret), Delivery.not_after < now, Delivery.values_sealed.is_not(None))
        .values(values_sealed=None)
    )
    db.session.commit()
