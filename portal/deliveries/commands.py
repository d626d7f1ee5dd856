"""``flask deliveries …``: what the outbox holds and what is in doubt, for the person who looks after the portal."""

import sys

import click
from flask.cli import AppGroup
from sqlalchemy import select

from portal import clock, i18n
from portal.deliveries.jobs import deliver_waiting
from portal.deliveries.kinds import KINDS
from portal.deliveries.models import CHANNEL_NAMES, DRY, STATE_NAMES, Delivery, State, masked
from portal.extensions import db
from portal.i18n import gettext as _
from portal.trail.models import note

deliveries = AppGroup("deliveries", help="Messages that leave the portal.")


def _text(row: Delivery) -> str:
    """What a message says, as long as it is kept."""
    if not row.values or row.kind not in KINDS:
        return ""
    with i18n.speaking(row.language):
        return KINDS[row.kind].worded(row.values)[1]


@deliveries.command("list")
@click.option(
    "--state", type=click.Choice([state.value for state in State]), help="Only those in this state."
)
@click.option("--count", default=50, show_default=True, help="How many, the newest first.")
def list_deliveries(state: str | None, count: int) -> None:
    """Print the newest messages; those of the dry channel with their text, since nobody else gets them. Kept in the trail."""
    wanted = select(Delivery).order_by(Delivery.id.desc()).limit(count)
    if state:
        wanted = wanted.where(Delivery.state == state)
    shown = 0
    for row in db.session.scalars(wanted).all():
        dry = row.channel == DRY
        text = _text(row) if dry else ""
        shown += bool(text)
        to = (row.recipient or "-") if dry else masked(row.recipient or "")
        line = (row.public_id, f"{clock.local(row.created_at):%Y-%m-%d %H:%M}", row.kind, to)
        words = (str(CHANNEL_NAMES[row.channel]), str(STATE_NAMES[State(row.state)]), row.problem)
        click.echo("  ".join(part for part in (*line, *words) if part))
        if text:
            click.echo(f"    {text}")
    if shown:
        note("delivery.texts_listed", None, person_id=None, role="operator", count=shown)
    db.session.commit()


@deliveries.command("settle")
@click.argument("number")
@click.argument("what", type=click.Choice(["sent", "again", "failed"]))
def settle(number: str, what: str) -> None:
    """Decide about a message of which nobody knows whether it arrived, after asking the provider."""
    row = db.session.scalar(
        select(Delivery).where(Delivery.public_id == number, Delivery.state == State.UNKNOWN)
    )
    if row is None:
        click.echo(_("There is no message in doubt with this number."), err=True)
        sys.exit(1)
    if what == "again":
        row.state, row.not_before, row.attempts = State.WAITING, clock.now(), 0
    else:
        row.state = State.SENT if what == "sent" else State.FAILED
    note("delivery.settled", row, person_id=None, role="operator", what=what)
    db.session.commit()
    if what == "again":
        deliver_waiting()
    click.echo(_("Noted."))
