"""What joining forgets by itself: printed codes after an hour, dead slips, requests that were decided."""

from datetime import timedelta

from sqlalchemy import delete, or_, update

from portal import clock
from portal.extensions import db
from portal.jobs.queue import every, task
from portal.joining.models import WRONG_TRIES, JoiningRequest, JoiningSheet, JoiningSlip, RequestState

WAITS_FOR = timedelta(days=60)
"""After this a request that nobody decided is dropped, with the password it holds."""


@task
@every(300)
def forget_codes() -> None:
    """Delete codes that are no longer needed: of sheets after their hour, of slips that admit nobody any more."""
    now = clock.now()
    db.session.execute(
        update(JoiningSheet)
        .where(JoiningSheet.codes_sealed.is_not(None), JoiningSheet.kept_until <= now)
        .values(codes_sealed=None)
    )
    dead = or_(
        JoiningSlip.expires_at <= now,
        JoiningSlip.revoked_at.is_not(None),
        JoiningSlip.used >= JoiningSlip.uses,
        JoiningSlip.wrong_tries >= WRONG_TRIES,
    )
    db.session.execute(
        update(JoiningSlip)
        .where(JoiningSlip.code_hash.is_not(None), dead, JoiningSlip.expires_at <= now - timedelta(days=3))
        .values(code_hash=None)
    )
    db.session.commit()


@every(86_400)
def forget_old() -> None:
    """Delete requests that lie undecided for two months; sheets and decided ones go as the district has set it."""
    now = clock.now()
    db.session.execute(
        delete(JoiningRequest).where(
            JoiningRequest.state == RequestState.WAITING, JoiningRequest.asked_at < now - WAITS_FOR
        )
    )
    db.session.commit()
