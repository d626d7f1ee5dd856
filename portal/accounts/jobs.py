"""Forgetting what has had its time: counts of guesses, half sessions."""

from portal.accounts import arriving, guessing, limits
from portal.extensions import db
from portal.jobs.queue import every


@every(3600)
def forget_old() -> None:
    """Delete what is over, in one transaction."""
    guessing.forget_old()
    arriving.forget_old()
    limits.forget_old()
    db.session.commit()
