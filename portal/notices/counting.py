"""The numbers kept beside a notice: changed with the receipts, and counted again from them to prove that both agree."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Select, func, select, update

from portal import clock
from portal.extensions import db
from portal.i18n import gettext as _
from portal.notices.audience import Size
from portal.notices.models import Notice, NoticeHousehold, NoticeReceipt, NoticeSummary
from portal.schools.summaries import TALLIES, Tally

NUMBERS = ("opened_guardians", "opened_households", "confirmed_guardians", "confirmed_households")


def add(notice: Notice, **numbers: int) -> None:
    """Change the numbers kept beside a notice, in the current transaction."""
    changed = {name: getattr(NoticeSummary, name) + number for name, number in numbers.items() if number}
    if changed:
        db.session.execute(update(NoticeSummary).where(NoticeSummary.notice_id == notice.id).values(changed))


def start_anew(notice: Notice) -> None:
    """Begin a new round from nothing, in the current transaction; the receipts of former rounds stay."""
    db.session.execute(
        update(NoticeSummary).where(NoticeSummary.notice_id == notice.id).values(dict.fromkeys(NUMBERS, 0))
    )


def keep_size(notice_id: int, counted: Size) -> None:
    """Keep the audience's size as counted now, in the current transaction."""
    db.session.execute(
        update(NoticeSummary)
        .where(NoticeSummary.notice_id == notice_id)
        .values(**asdict(counted), counted_at=clock.now())
    )


def _of(table: type[NoticeReceipt] | type[NoticeHousehold]) -> Select[*tuple[Any, ...]]:
    return (
        select(Notice.id, func.count(table.opened_at), func.count(table.confirmed_at))
        .join(table, (table.notice_id == Notice.id) & (table.round == Notice.round))
        .group_by(Notice.id)
    )


def counted_anew() -> dict[int, dict[str, int]]:
    """notice id → numbers of its present round, from the receipts alone; notices without receipts are absent."""
    counted: dict[int, dict[str, int]] = {}
    for table, whom in ((NoticeReceipt, "guardians"), (NoticeHousehold, "households")):
        for notice_id, opened, confirmed in db.session.execute(_of(table)):
            numbers = counted.setdefault(notice_id, dict.fromkeys(NUMBERS, 0))
            numbers[f"opened_{whom}"] = opened
            numbers[f"confirmed_{whom}"] = confirmed
    return counted


def differences() -> dict[str, tuple[int, int]]:
    """(notice and number) → (kept, counted anew) where they differ."""
    counted = counted_anew()
    none = dict.fromkeys(NUMBERS, 0)
    return {
        _("notice %(notice)s, %(name)s", notice=row.notice_id, name=name): (
            getattr(row, name),
            counted.get(row.notice_id, none)[name],
        )
        for row in db.session.scalars(select(NoticeSummary).order_by(NoticeSummary.notice_id))
        for name in NUMBERS
        if getattr(row, name) != counted.get(row.notice_id, none)[name]
    }


def rebuild() -> int:
    """Write the numbers from the receipts, in the current transaction; returns the notices written."""
    counted = counted_anew()
    none = dict.fromkeys(NUMBERS, 0)
    rows = db.session.scalars(select(NoticeSummary)).all()
    for row in rows:
        for name, value in counted.get(row.notice_id, none).items():
            setattr(row, name, value)
    db.session.flush()
    return len(rows)


TALLIES["notices"] = Tally(differences, rebuild)
