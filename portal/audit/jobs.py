"""Sweeps: anchor what is new, check the whole trail each night, remove what has been kept long enough."""

from flask import current_app
from sqlalchemy.exc import IntegrityError

from portal import clock, i18n
from portal.audit import copies
from portal.audit.wording import fault_in_words
from portal.database import reading
from portal.extensions import db
from portal.i18n import gettext as _
from portal.jobs.queue import every
from portal.privacy.ledger import kept_for
from portal.trail import anchors
from portal.trail.pruning import prune
from portal.trail.verifying import Report, last_anchored, verify

NIGHT = 2
"""The hour in China in which the whole trail is checked and old entries go."""


def checked(*, whole: bool) -> Report:
    """Check the trail, or what is new since the last anchor, in a transaction that cannot write."""
    with reading(), db.engine.connect() as connection:
        outside = copies.folder() if whole else None
        kept = copies.read(outside) if outside is not None and outside.is_dir() else ()
        return verify(connection, kept, after=0 if whole else last_anchored(connection))


def anchor_now() -> int | None:
    """Anchor the end of the trail and copy the anchor out; its entry, or None when there is nothing new or a fault.

    What does not fit together is not anchored: an anchor would vouch for it.
    """
    report = checked(whole=False)
    if report.fault:
        _alarm(report)
        return None
    made = anchors.make()
    sequence = made.sequence if made else None
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        sequence = None
    copies.send_out()
    return sequence


@every(60)
def anchor_what_is_new() -> None:
    """Anchor a thousand entries, or a quarter of an hour; copy out what could not leave before."""
    due = anchors.is_due()
    db.session.rollback()
    if due:
        anchor_now()
    else:
        copies.send_out()


@every(3600)
def look_after() -> None:
    """Once a night: check everything, then remove what has been kept long enough."""
    if clock.local(clock.now()).hour != NIGHT:
        return
    report = checked(whole=True)
    if report.fault:
        _alarm(report)
        return
    kept = kept_for(clock.today())
    db.session.rollback()
    while prune(kept):
        pass


def _alarm(report: Report) -> None:
    """Tell those who can act: the log of the process, and the mailboxes that get the anchors."""
    assert report.fault is not None
    with i18n.speaking(i18n.DEFAULT.tag):
        words = fault_in_words(report.fault)
        current_app.logger.critical("the trail is not whole: %s", words)
        if copies.addresses():
            subject = _("The log of the portal is not whole")
            copies.mail(subject, f"{words}\n", f"alarm-{report.fault.sequence}-{clock.today():%Y%m%d}")
