"""What a guardian does with a notice: open it, confirm it. Receipts, households and numbers change together."""

from typing import Any

from sqlalchemy import CursorResult, select, update
from sqlalchemy.dialects import postgresql, sqlite

from portal import clock
from portal.extensions import Base, db
from portal.notices import counting
from portal.notices.audience import households_of
from portal.notices.models import Notice, NoticeHousehold, NoticeReceipt, NoticeSummary


def insert_once(table: type[Base], **values: Any) -> bool:
    """Insert a row unless one with the same key stands there; whether it is new."""
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    key = table.__mapper__.primary_key[0]
    statement = insert(table).values(**values).on_conflict_do_nothing().returning(key)
    return db.session.execute(statement).first() is not None


def _count(statement: Any) -> int:
    result = db.session.execute(statement)
    assert isinstance(result, CursorResult)
    return result.rowcount


def _hold(notice: Notice) -> None:
    """Hold the notice's numbers until the transaction ends, so that no correction starts a new round meanwhile."""
    db.session.execute(
        select(NoticeSummary.notice_id).where(NoticeSummary.notice_id == notice.id).with_for_update()
    )
    db.session.refresh(notice, ["state", "round", "level", "expires_on"])


def open_notice(notice: Notice, person_id: int) -> None:
    """Record that a guardian has seen the notice, in the current transaction; the first time counts."""
    _hold(notice)
    notice.must_take_openings()
    _open(notice, person_id)


def _open(notice: Notice, person_id: int) -> list[int]:
    now = clock.now()
    households = households_of(notice, person_id)
    key = {"notice_id": notice.id, "round": notice.round}
    guardians = insert_once(NoticeReceipt, **key, person_id=person_id, opened_at=now)
    opened = sum(
        insert_once(NoticeHousehold, **key, household_id=household, opened_at=now) for household in households
    )
    counting.add(notice, opened_guardians=int(guardians), opened_households=opened)
    return households


def confirm_notice(notice: Notice, person_id: int) -> None:
    """Record a guardian's confirmation, in the current transaction; it implies having opened.

    Raises RuleBroken when the notice asks for none, was withdrawn or has expired.
    """
    _hold(notice)
    notice.must_take_confirmations(clock.today())
    households = _open(notice, person_id)
    now = clock.now()
    guardians = _count(
        update(NoticeReceipt)
        .where(
            NoticeReceipt.notice_id == notice.id,
            NoticeReceipt.round == notice.round,
            NoticeReceipt.person_id == person_id,
            NoticeReceipt.confirmed_at.is_(None),
        )
        .values(confirmed_at=now)
    )
    confirmed = _count(
        update(NoticeHousehold)
        .where(
            NoticeHousehold.notice_id == notice.id,
            NoticeHousehold.round == notice.round,
            NoticeHousehold.household_id.in_(households),
            NoticeHousehold.confirmed_at.is_(None),
        )
        .values(confirmed_at=now, confirmed_by_id=person_id)
    )
    counting.add(notice, confirmed_guardians=guardians, confirmed_households=confirmed)
