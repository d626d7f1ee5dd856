"""The life of one import: taken in, checked, applied, undone. Each step may be asked for twice and happens once."""

import hashlib
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal import clock
from portal.database import reading, writing
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import no_op
from portal.roster import keeping
from portal.roster.annotating import annotate
from portal.roster.applying import apply_changes, take_back
from portal.roster.existing import Existing, Reach
from portal.roster.journal import ChangedSinceError, DependsError
from portal.roster.models import RosterChange, RosterImport, RosterProblem, State
from portal.roster.planning import Planner
from portal.roster.problems import Problem, UnreadableError
from portal.roster.reading import Format, open_roster
from portal.roster.staging import Stage
from portal.schools import summaries
from portal.schools.identity import KEPT_BY
from portal.schools.models import School
from portal.settings.reading import VALUES
from portal.trail.models import append, draft

KEPT_FOR = timedelta(days=14)
STUCK_AFTER = timedelta(minutes=15)
CHUNK = 1 << 20

STALE = no_op(
    "The portal's data changed after this check. Check the file again, look at the result and confirm once more."
)
CLASHED = no_op(
    "Something in the file is already taken in the portal, such as a phone or a code. Check the file again."
)
BROKE = no_op("Something went wrong on our side and nothing was changed. Check the file again.")
NEEDED = no_op(
    "The import cannot be undone: records entered later rest on it. Mend single entries by a new import instead."
)


def folder_of(public_id: str) -> Path:
    """Where the files of an import lie; they hold personal data and are removed after two weeks."""
    folder: Path = current_app.config["INSTANCE"] / "rosters" / public_id
    return folder


def file_of(public_id: str) -> Path:
    """The file as it was uploaded."""
    return folder_of(public_id) / "roster"


def annotated_of(public_id: str) -> Path:
    """The file with its problems written beside the rows."""
    return folder_of(public_id) / "annotated"


def take_in(path: Path, file_name: str, reach: Reach, by_id: int | None, is_delta: bool) -> RosterImport:
    """Keep a copy of the file and an import that waits for its check, in the current transaction."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    now = clock.now()
    found = RosterImport(
        district_id=reach.district_id,
        school_id=reach.school_id,
        by_id=by_id,
        file_name=file_name[-200:],
        file_hash=digest.hexdigest(),
        is_delta=is_delta,
        state=State.WAITING,
        counts={},
        created_at=now,
        moved_at=now,
    )
    db.session.add(found)
    db.session.flush()
    folder = folder_of(found.public_id)
    folder.mkdir(parents=True, mode=0o700)
    keeping.keep(path, file_of(found.public_id))
    return found


def claim(import_id: int, states: tuple[State, ...], to: State) -> bool:
    """Move an import from one of some states to another; false if somebody else did."""
    with writing() as connection:
        moved = connection.execute(
            update(RosterImport)
            .where(RosterImport.id == import_id, RosterImport.state.in_(states))
            .values(state=to, moved_at=clock.now(), reason="")
        )
        return moved.rowcount == 1


def settle(import_id: int, state: State, **values: Any) -> None:
    """Write where an import stands now."""
    with writing() as connection:
        connection.execute(
            update(RosterImport)
            .where(RosterImport.id == import_id)
            .values(state=state, moved_at=clock.now(), **values)
        )


def check(import_id: int) -> None:
    """Read the file and stage what it would do; nothing of the district changes."""
    if not claim(import_id, (State.WAITING,), State.CHECKING):
        return
    with writing() as connection:
        connection.execute(delete(RosterChange).where(RosterChange.import_id == import_id))
        connection.execute(delete(RosterProblem).where(RosterProblem.import_id == import_id))
    try:
        read_and_stage(import_id)
    except Exception:
        logging.getLogger(__name__).exception("check of roster import %s failed", import_id)
        settle(import_id, State.FAILED, reason=BROKE)
        return
    settle(import_id, State.CHECKED, checked_at=clock.now())


def read_and_stage(import_id: int) -> None:
    """The work of a check, on one snapshot of the portal."""
    with reading(), db.engine.connect() as connection:
        public_id = connection.execute(
            select(RosterImport.public_id).where(RosterImport.id == import_id)
        ).scalar_one()
    with keeping.opened(file_of(public_id)) as path:
        _read_and_stage(import_id, path)


def _keeps_identity(connection: Connection, reach: Reach) -> bool:
    """Whether the district keeps identity numbers on the day of the import; read on the snapshot of the check."""
    with Session(connection) as session:
        held = VALUES.all(session, district=reach.district_id, school=None)
        return bool(KEPT_BY.among(held, reach.today))


def _read_and_stage(import_id: int, path: Path) -> None:
    stage = Stage(import_id)
    with reading(), db.engine.connect() as connection:
        found = connection.execute(select(RosterImport).where(RosterImport.id == import_id)).one()
        reach = Reach(found.district_id, found.school_id, clock.today(), found.by_id)
        home_school = connection.scalar(select(School.code).where(School.id == found.school_id))
        try:
            roster = open_roster(path, home_school, identity=_keeps_identity(connection, reach))
        except UnreadableError as stopped:
            stage.tell(stopped.problem)
            stage.flush()
            return
        try:
            is_delta = found.is_delta or roster.is_delta
            planner = Planner(
                Existing(connection, reach), stage, reach, roster.format is Format.WORKBOOK, is_delta
            )
            planner.plan(roster.rows(planner.known))
        finally:
            roster.close()
    problems = problems_of(import_id)
    settle(import_id, State.CHECKING, is_delta=is_delta, format=roster.format.value)
    if any(problem.line for problem in problems):
        written = path.with_name(f"{path.name}.annotated")
        try:
            annotate(path, written, problems)
            keeping.keep(written, annotated_of(found.public_id))
        finally:
            written.unlink(missing_ok=True)


def problems_of(import_id: int) -> list[Problem]:
    """The problems kept of an import, errors first."""
    with reading(), db.engine.connect() as connection:
        rows = connection.execute(
            select(RosterProblem)
            .where(RosterProblem.import_id == import_id)
            .order_by(RosterProblem.gravity, RosterProblem.id)
        ).all()
    return [
        Problem(
            row.file,
            row.line,
            row.field,
            row.reason,
            RosterProblem.params.read(row.params_sealed, row.sealed_as),
        )
        for row in rows
    ]


def last_applied(found: RosterImport) -> int | None:
    """The import applied last in the same district, if it is not undone."""
    return db.session.scalar(
        select(RosterImport.id)
        .where(RosterImport.district_id == found.district_id, RosterImport.state == State.APPLIED)
        .order_by(RosterImport.applied_at.desc(), RosterImport.id.desc())
        .limit(1)
    )


def confirm(found: RosterImport) -> None:
    """Ask for a checked import to be applied; refused in words if it cannot be."""
    if found.state != State.CHECKED:
        raise RuleBroken(_("This import is not waiting for a confirmation."))
    if found.errors:
        raise RuleBroken(_("Mend the errors first; nothing is brought in while one is left."))
    if not found.total():
        raise RuleBroken(_("The portal already holds everything in this file; there is nothing to change."))
    found.state = State.APPLYING
    found.moved_at = clock.now()


def ask_undo(found: RosterImport) -> None:
    """Ask for an applied import to be undone; only the last one of a district can be."""
    if found.state != State.APPLIED or last_applied(found) != found.id:
        raise RuleBroken(_("Only the last import can be undone."))
    found.state = State.UNDOING
    found.moved_at = clock.now()


def withdraw(found: RosterImport) -> None:
    """Give up an import that was not applied."""
    if found.state not in (State.WAITING, State.CHECKED, State.FAILED):
        raise RuleBroken(_("This import can no longer be withdrawn."))
    found.state = State.WITHDRAWN
    found.moved_at = clock.now()


def check_again(found: RosterImport) -> None:
    """Ask for a new check of the same file."""
    if found.state not in (State.CHECKED, State.FAILED) or not file_of(found.public_id).exists():
        raise RuleBroken(_("This import cannot be checked again. Upload the file anew."))
    found.state = State.WAITING
    found.moved_at = clock.now()


def apply(import_id: int) -> None:
    """Carry out a confirmed import in one transaction; if anything stands against it, nothing is changed."""
    try:
        with one_transaction() as connection:
            found = in_state(connection, import_id, State.APPLYING)
            if found is None:
                return
            if newer_than_check(connection, found):
                raise ChangedSinceError
            now = clock.now()
            apply_changes(connection, import_id, now, clock.today())
            summaries.rebuild(summaries.FROM_ROSTER)
            forget_older(connection, found)
            finish(connection, found, State.APPLIED, "roster.applied", applied_at=now)
    except ChangedSinceError:
        settle(import_id, State.FAILED, reason=STALE)
    except IntegrityError:
        settle(import_id, State.FAILED, reason=CLASHED)
    except Exception:
        logging.getLogger(__name__).exception("roster import %s failed", import_id)
        settle(import_id, State.FAILED, reason=BROKE)


def undo(import_id: int) -> None:
    """Take back the last import in one transaction; if something rests on it, nothing is changed."""
    try:
        with one_transaction() as connection:
            found = in_state(connection, import_id, State.UNDOING)
            if found is None:
                return
            take_back(connection, import_id)
            summaries.rebuild(summaries.FROM_ROSTER)
            finish(connection, found, State.UNDONE, "roster.undone", undone_at=clock.now())
    except (ChangedSinceError, DependsError, IntegrityError):
        settle(import_id, State.APPLIED, reason=NEEDED)
    except Exception:
        logging.getLogger(__name__).exception("undo of roster import %s failed", import_id)
        settle(import_id, State.APPLIED, reason=BROKE)


@contextmanager
def one_transaction() -> Iterator[Connection]:
    """The session's own transaction from the start, kept at the end or taken back whole."""
    db.session.rollback()
    try:
        yield db.session.connection()
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    finally:
        db.session.expire_all()


def in_state(connection: Connection, import_id: int, state: State) -> Any:
    """The import, held for this transaction, if it is in this state."""
    query = select(RosterImport).where(RosterImport.id == import_id, RosterImport.state == state)
    return connection.execute(query.with_for_update()).one_or_none()


def newer_than_check(connection: Connection, found: Any) -> bool:
    """Whether another import of the district was applied or undone after this one was checked."""
    other = select(RosterImport.id).where(
        RosterImport.district_id == found.district_id,
        RosterImport.id != found.id,
        (RosterImport.applied_at > found.checked_at) | (RosterImport.undone_at > found.checked_at),
    )
    return connection.execute(other.limit(1)).first() is not None


def forget_older(connection: Connection, found: Any) -> None:
    """Drop the row-by-row changes of earlier imports of the district: only the last can be undone."""
    older = select(RosterImport.id).where(
        RosterImport.district_id == found.district_id,
        RosterImport.id != found.id,
        RosterImport.state.in_((State.APPLIED, State.UNDONE, State.WITHDRAWN)),
    )
    connection.execute(delete(RosterChange).where(RosterChange.import_id.in_(older)))


def finish(connection: Connection, found: Any, state: State, action: str, **values: Any) -> None:
    """Write the state and the trail within the transaction of the change itself."""
    connection.execute(
        update(RosterImport)
        .where(RosterImport.id == found.id)
        .values(state=state, moved_at=clock.now(), reason="", **values)
    )
    facts = {"counts": found.counts, "hash": found.file_hash}
    entry = draft(action, None, person_id=found.by_id, object_kind="roster_import", facts=facts)
    entry.values |= {"object_id": found.id, "school_id": found.school_id, "district_id": found.district_id}
    append(connection, [entry])


def left_waiting() -> list[tuple[int, str]]:
    """Imports that wait for the worker or were dropped by one that died, with their states."""
    now = clock.now()
    with writing() as connection:
        connection.execute(
            update(RosterImport)
            .where(RosterImport.state == State.CHECKING, RosterImport.moved_at < now - STUCK_AFTER)
            .values(state=State.WAITING, moved_at=now)
        )
    with reading(), db.engine.connect() as connection:
        rows = connection.execute(
            select(RosterImport.id, RosterImport.state).where(
                RosterImport.state.in_((State.WAITING, State.APPLYING, State.UNDOING)),
                RosterImport.moved_at < now - timedelta(seconds=60),
            )
        ).all()
    return [(row.id, row.state) for row in rows]


def remove_old_files() -> None:
    """Remove uploaded files two weeks after the import last moved."""
    with reading(), db.engine.connect() as connection:
        old = connection.scalars(
            select(RosterImport.public_id).where(RosterImport.moved_at < clock.now() - KEPT_FOR)
        ).all()
    for public_id in old:
        shutil.rmtree(folder_of(public_id), ignore_errors=True)
