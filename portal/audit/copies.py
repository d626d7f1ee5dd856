"""Copies of anchors to where the operator cannot take them back: a folder, mailboxes, the public page."""

import email
import email.policy
import mailbox
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from flask import current_app
from sqlalchemy import select

from portal import clock, i18n
from portal.deliveries.channels import Fate, Message, channel_named, configured
from portal.deliveries.models import MAIL
from portal.extensions import db
from portal.i18n import gettext as _
from portal.trail.anchors import Anchor, of_row, read_lines
from portal.trail.models import TrailAnchor

AT_ONCE = 200


def folder() -> Path | None:
    """Where the operator has mounted storage that can be written once."""
    given: Path | None = current_app.config["ANCHOR_DIR"]
    return given


def addresses() -> tuple[str, ...]:
    """The mailboxes that get every anchor."""
    given: str = current_app.config["ANCHOR_MAILS"]
    return tuple(address.strip() for address in given.split(",") if address.strip())


def send_out() -> int:
    """Copy the anchors that have not left yet; commits. Returns how many left by at least one way."""
    left = set()
    for column, way in ((TrailAnchor.filed_at, _file), (TrailAnchor.mailed_at, _mail)):
        waiting = db.session.scalars(
            select(TrailAnchor).where(column.is_(None)).order_by(TrailAnchor.sequence.desc()).limit(AT_ONCE)
        ).all()
        rows = [(row.sequence, of_row(row)) for row in reversed(waiting)]
        db.session.rollback()
        if not rows or not way([anchor for _sequence, anchor in rows]):
            continue
        for row in db.session.scalars(
            select(TrailAnchor).where(TrailAnchor.sequence.in_([sequence for sequence, _anchor in rows]))
        ):
            setattr(row, column.key, clock.now())
            left.add(row.sequence)
        db.session.commit()
    return len(left)


def _file(anchors: Sequence[Anchor]) -> bool:
    """Append the lines to this month's file, on disk when this returns."""
    where = folder()
    if where is None:
        return False
    path = where / f"anchors-{clock.local(clock.now()):%Y-%m}.txt"
    text = "".join(f"{anchor.line()}\n" for anchor in anchors)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.write(handle, text.encode())
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        current_app.logger.error("anchors could not be written to %s: %s", path, error)
        return False
    return True


def _mail(anchors: Sequence[Anchor]) -> bool:
    """Send the lines to every mailbox; enough when one server has taken them: each anchor vouches for all before it."""
    if not addresses():
        return False
    with i18n.speaking(i18n.DEFAULT.tag):
        subject = _("Anchors of the log, up to entry %(number)s", number=anchors[-1].sequence)
        lines = "\n".join(anchor.line() for anchor in anchors)
        text = _("Keep this message. Each line proves what the log of the portal was at that time.")
    return mail(subject, f"{text}\n\n{lines}\n", f"anchor-{anchors[-1].sequence}")


def mail(subject: str, text: str, key: str) -> bool:
    """Send a text to the mailboxes of the anchors; whether any server has taken it."""
    if MAIL not in configured():
        current_app.logger.error("PORTAL_ANCHOR_MAILS needs PORTAL_SMTP_URL: nothing was mailed")
        return False
    taken = False
    for number, address in enumerate(addresses(), start=1):
        answer = channel_named(MAIL).deliver(Message(f"{key}-{number}", address, subject, text))
        if answer.fate == Fate.TAKEN:
            taken = True
        else:
            current_app.logger.error("mailbox %s of the anchors: %s %s", number, answer.fate, answer.problem)
    return taken


def read(path: Path) -> Iterator[Anchor]:
    """The anchors kept in a file: lines, a saved message (.eml), a mailbox (.mbox), or a folder of such files."""
    if path.is_dir():
        for inner in sorted(path.iterdir()):
            if inner.is_file():
                yield from read(inner)
    elif path.suffix == ".eml":
        with path.open("rb") as file:
            yield from read_lines(_text(email.message_from_binary_file(file, policy=email.policy.default)))
    elif path.suffix == ".mbox":
        for message in mailbox.mbox(path, create=False):
            yield from read_lines(
                _text(email.message_from_bytes(message.as_bytes(), policy=email.policy.default))
            )
    else:
        with path.open(encoding="utf-8", errors="replace") as lines:
            yield from read_lines(lines)


def _text(message: email.message.EmailMessage) -> Iterable[str]:
    body = message.get_body(("plain",))
    return str(body.get_content()).splitlines() if body is not None else ()
