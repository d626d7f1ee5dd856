"""How long traces of signing in are kept."""

from datetime import date

from sqlalchemy import func, or_

from portal.accounts.codes import CodeRequest
from portal.accounts.models import Attempts, AuthSession, KnownDevice
from portal.i18n import lazy_gettext as _l
from portal.once import OnceKey
from portal.periods import GONE, NO_SCHOOL, NO_WORD, Due, after, gone, kind, on_own_clock, shown


@kind(_l("Sessions that ended"), GONE, days=30, fixed=True)
def sessions(until: date) -> Due:
    """Devices that are signed out or whose session ran out."""
    over = func.coalesce(AuthSession.revoked_at, AuthSession.expires_at)
    rows = shown(AuthSession.id, NO_SCHOOL, over, NO_WORD).where(
        or_(AuthSession.revoked_at < after(until), AuthSession.expires_at < after(until))
    )
    return Due(rows, lambda ids: gone(AuthSession, AuthSession.id, ids))


@kind(_l("Counters of attempts to sign in"), GONE, days=1, fixed=True)
def attempts(until: date) -> Due:
    """Limits whose window is over."""
    rows = shown(Attempts.key, NO_SCHOOL, Attempts.window_ends_at, NO_WORD).where(
        Attempts.window_ends_at < after(until)
    )
    return Due(rows, lambda keys: gone(Attempts, Attempts.key, keys))


@kind(_l("Requests for one-time codes"), GONE, days=1, fixed=True)
def code_requests(until: date) -> Due:
    """A day, with the numbers that strangers typed; the code itself is good for ten minutes."""
    rows = shown(CodeRequest.id, NO_SCHOOL, CodeRequest.asked_at, NO_WORD).where(
        CodeRequest.asked_at < after(until)
    )
    return Due(rows, lambda ids: gone(CodeRequest, CodeRequest.id, ids))


@kind(_l("Devices that are known"), _l("Gone; the next sign-in there is told"), days=365, fixed=True)
def known_devices(until: date) -> Due:
    """A year after the last sign-in, as long as the cookie lasts."""
    seen = KnownDevice.last_seen_at
    rows = shown(KnownDevice.id, NO_SCHOOL, seen, NO_WORD).where(seen < after(until))
    return Due(rows, lambda ids: gone(KnownDevice, KnownDevice.id, ids))


@kind(_l("Keys that keep a form from being sent twice"), GONE, days=30, fixed=True)
def once_keys(until: date) -> Due:
    """The answers given to forms."""
    rows = shown(OnceKey.id, NO_SCHOOL, OnceKey.answered_at, NO_WORD).where(
        OnceKey.answered_at < after(until)
    )
    return Due(rows, lambda ids: gone(OnceKey, OnceKey.id, ids))


on_own_clock(_l("One-time codes"), _l("at most 72 hours"))
