"""Limits on guessing passwords and codes: a stranger gets slower and slower and is stopped; nobody is locked out by strangers.

Counted apart: an account tried from strange devices, the same account from each device that signed in before, one person's
second factor. So whoever guesses from elsewhere uses up the strangers' count only. NIST SP 800-63B-4, 3.2.2: at most 100
failures in a row; our growing pauses reach that after four days.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from portal import clock
from portal.accounts.models import Failures
from portal.extensions import db
from portal.keys.sealing import blind_index

FREE = 10
"""Wrong tries before the first pause."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
MOST = 100
"""Wrong tries in a row after which only another way leads in."""
KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True)
class Refused:
    """A try that was not even looked at. ``wait`` is None when waiting does not help any more."""

    wait: timedelta | None

    @property
    def minutes(self) -> int:
        """Whole minutes to wait, at least one."""
        return max(1, -(-int((self.wait or timedelta()).total_seconds()) // 60))


def pause_after(failures: int) -> timedelta:
    """How long to wait after so many failures in a row: nothing for ten, then 1, 2, 4 … 60 minutes."""
    if failures < FREE:
        return timedelta()
    doubled: int = 2 ** min(failures - FREE, 10)
    return min(FIRST_PAUSE * doubled, LONGEST_PAUSE)


def judge(failures: int, last_at: datetime, now: datetime) -> Refused | None:
    """Whether one more try is looked at after so many failures, the last of them at ``last_at``."""
    if failures >= MOST:
        return Refused(None)
    wait = last_at + pause_after(failures) - now
    return Refused(wait) if failures and wait > timedelta() else None


def key(kind: str, value: str) -> str:
    """Under which name tries are counted; what was typed is kept as its keyed index only."""
    return f"{kind}:{blind_index(f'failures.{kind}', value).hex()}"


def count(name: str) -> Refused | None:
    """Count one more try in the current transaction, before it is looked at; or refuse it.

    A try that turns out right is taken back by ``forget``. Tries at the same moment stand in a queue, so that they
    cannot slip through together.
    """
    now = clock.now()
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    db.session.execute(insert(Failures).values(key=name, count=0, last_at=now).on_conflict_do_nothing())
    row = db.session.scalars(select(Failures).where(Failures.key == name).with_for_update()).one()
    refused = judge(row.count, row.last_at, now)
    if refused is None:
        row.count += 1
        row.last_at = now
    db.session.flush()
    return refused


def forget(*names: str) -> None:
    """Start again from nothing, in the current transaction: after a right password, or after the school has helped."""
    db.session.execute(delete(Failures).where(Failures.key.in_(names)))


def forget_person(person_id: int, device_id: int = 0) -> None:
    """Let a person in again whom strangers have stopped, in the current transaction: after a sign-in, or a recovery
    through the school. ``device_id``: the known device whose own counts start anew as well."""
    forget(
        key("account", f"person {person_id}"),
        key("second", str(person_id)),
        key("device", f"{device_id} person {person_id}"),
        key("second", f"{person_id} {device_id}"),
    )


def forget_old() -> int:
    """Delete counts that nobody touched for thirty days; returns how many."""
    result = db.session.execute(delete(Failures).where(Failures.last_at < clock.now() - KEPT_FOR))
    return int(result.rowcount)  # type: ignore[attr-defined]
