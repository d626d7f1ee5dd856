"""Year-end sheets as they were made: asked for on a page, scored by the worker, frozen, and taken out as often as needed.

Scoring again takes some ten milliseconds a school, too long for a page of a large district. So a sheet is a row: it is asked for in one
transaction, its lines are computed by a job while nothing is locked, and written once. The page itself only counts.
"""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, event, exists, func, inspect, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column

from portal import clock
from portal.access import Actor
from portal.database import reading
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId, db
from portal.i18n import gettext as _
from portal.jobs.queue import every, task
from portal.ratings import naming, windows, yearend
from portal.ratings.canonical import canonical, digest, restored
from portal.ratings.concerns import Concern, ConcernState
from portal.ratings.models import Entry, EntryState, Objection, Round, RoundState
from portal.ratings.windows import Step
from portal.row_security import all_rows
from portal.trail.models import note


class YearEndSheet(PublicId, Base):
    """One sheet: asked for on a day, and its lines as canonical JSON once they were scored; then it never changes."""

    __tablename__ = "rating_year_end"
    __table_args__ = (
        CheckConstraint("(content IS NULL) = (sha256 IS NULL)", name="made_has_hash"),
        CheckConstraint("sha256 IS NULL OR length(sha256) = 64", name="hash_complete"),
        Index("ix_rating_year_end_round", "round_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("rating_round.id"))
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    made_at: Mapped[datetime | None]
    content: Mapped[str | None] = mapped_column(Text)
    sha256: Mapped[str | None] = mapped_column(String(64))


@event.listens_for(YearEndSheet, "before_update")
@event.listens_for(YearEndSheet, "before_delete")
def _keep_made(_mapper: object, _connection: object, sheet: YearEndSheet) -> None:
    before = inspect(sheet).attrs.content.history.deleted
    if (before[0] if before else sheet.content) is not None:
        raise RuleBroken(_("A sheet that was made cannot be changed. Make a new one."))


def newest(round_: Round) -> YearEndSheet | None:
    """The sheet of a round asked for last, made or not."""
    wanted = select(YearEndSheet).where(YearEndSheet.round_id == round_.id)
    return db.session.scalar(wanted.order_by(YearEndSheet.id.desc()).limit(1))


def newest_made(round_: Round) -> YearEndSheet | None:
    """The newest sheet of a round that can be taken out."""
    made = select(YearEndSheet).where(YearEndSheet.round_id == round_.id, YearEndSheet.content.is_not(None))
    return db.session.scalar(made.order_by(YearEndSheet.id.desc()).limit(1))


def counts(round_: Round, on: date) -> tuple[int, int]:
    """How many schools' results stand for good, and how many others there are: counted by the database, but for those that
    objected, which are looked at one by one."""
    with all_rows():
        everybody = db.session.scalar(select(func.count(Entry.id)).where(Entry.round_id == round_.id)) or 0
        over = windows.is_over(Step.PUBLICITY, round_, round_.publicity_ends_on, on)
        if round_.state != RoundState.PUBLISHED or not over:
            return 0, everybody
        objected = exists().where(Objection.entry_id == Entry.id)
        free = [
            Entry.round_id == round_.id,
            Entry.state == EntryState.DECIDED,
            ~exists().where(Concern.entry_id == Entry.id, Concern.state == ConcernState.OPEN),
        ]
        quiet = db.session.scalar(select(func.count(Entry.id)).where(*free, ~objected)) or 0
    ready = quiet + len(naming.final(round_, on, [*free, objected]))
    return ready, everybody - ready


def ask(round_: Round, actor: Actor) -> YearEndSheet:
    """Ask for a sheet, in the current transaction; RuleBroken while one is being made or no result stands for good."""
    last = newest(round_)
    if last is not None and last.content is None:
        raise RuleBroken(_("A sheet is being made already. Open the page again in a moment."))
    if not counts(round_, actor.on)[0]:
        raise RuleBroken(_("No result is final yet: terms for objections and appeals run."))
    made = YearEndSheet(round_id=round_.id, asked_by_id=actor.person_id, asked_at=clock.now())
    db.session.add(made)
    db.session.flush()
    note("rating.year_end_asked", round_, person_id=actor.person_id)
    return made


@task
@every(300)
def make_sheets() -> None:
    """Make the sheets that were asked for: scored while nothing is locked, each written in a transaction of its own."""
    with reading(), all_rows():
        waiting = db.session.execute(
            select(YearEndSheet.id, YearEndSheet.round_id, YearEndSheet.asked_at)
            .where(YearEndSheet.content.is_(None))
            .order_by(YearEndSheet.id)
        ).all()
        db.session.rollback()
    for sheet_id, round_id, asked_at in waiting:
        with reading(), all_rows():
            round_ = db.session.get_one(Round, round_id, options=[joinedload(Round.rubric_version)])
            found = yearend.rows(round_, clock.local(asked_at).date(), yearend.chain_head())
            db.session.rollback()
        content = canonical({"rows": found})
        with all_rows():
            sheet = db.session.get_one(YearEndSheet, sheet_id, populate_existing=True)
            if sheet.content is None:
                sheet.content, sheet.sha256, sheet.made_at = content, digest(content), clock.now()
            db.session.commit()


def file(sheet: YearEndSheet, round_: Round, ending: str) -> bytes:
    """A made sheet as XLSX or CSV; nothing is scored for it. ``round_`` comes with its rubric version."""
    assert sheet.content is not None
    rows: list[dict[str, str]] = restored(sheet.content)["rows"]
    return yearend.written(rows, round_, ending)
