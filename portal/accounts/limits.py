"""Limits on guessing: counted per account and per address, so that neither a stranger nor a whole school is locked out."""

from datetime import timedelta

from sqlalchemy import case, delete, update
from sqlalchemy.dialects import postgresql, sqlite

from portal import clock
from portal.accounts.models import Attempts
from portal.extensions import db
from portal.keys.sealing import blind_index

PER_ACCOUNT = 10
PER_ADDRESS = 200
WINDOW = timedelta(minutes=15)


def _key(kind: str, value: str) -> str:
    return f"{kind}:{blind_index(f'attempts.{kind}', value).hex()}"


def count(kind: str, value: str) -> int:
    """Count one more attempt in the current transaction and return how many the window has seen."""
    now = clock.now()
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    over = Attempts.window_ends_at <= now
    statement = (
        insert(Attempts)
        .values(key=_key(kind, value), count=1, window_ends_at=now + WINDOW)
        .on_conflict_do_update(
            index_elements=[Attempts.key],
            set_={
                "count": case((over, 1), else_=Attempts.count + 1),
                "window_ends_at": case((over, now + WINDOW), else_=Attempts.window_ends_at),
            },
        )
        .returning(Attempts.count)
    )
    return int(db.session.execute(statement).scalar_one())


def uncount(kind: str, value: str) -> None:
    """Take back one counted attempt that turned out to be right, in the current transaction."""
    db.session.execute(
        update(Attempts)
        .where(Attempts.key == _key(kind, value), Attempts.count > 0)
        .values(count=Attempts.count - 1)
    )


def forget(kind: str, value: str) -> None:
    """Forget the attempts of one account after it signed in, in the current transaction."""
    db.session.execute(delete(Attempts).where(Attempts.key == _key(kind, value)))


def forget_old() -> int:
    """Delete windows that are over; returns how many."""
    result = db.session.execute(delete(Attempts).where(Attempts.window_ends_at < clock.now()))
    db.session.commit()
    return int(result.rowcount)  # type: ignore[attr-defined]
