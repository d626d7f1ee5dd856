"""What the worker does for rosters; every ring may be lost or come twice."""

from portal.jobs.queue import every, task
from portal.roster import importing
from portal.roster.models import State


@task
def check(import_id: int) -> None:
    """Check an uploaded roster."""
    importing.check(import_id)


@task
def apply(import_id: int) -> None:
    """Apply a confirmed roster."""
    importing.apply(import_id)


@task
def undo(import_id: int) -> None:
    """Undo the last roster."""
    importing.undo(import_id)


@every(60)
def find_waiting() -> None:
    """Take up imports whose ring was lost or whose worker died."""
    steps = {State.WAITING: importing.check, State.APPLYING: importing.apply, State.UNDOING: importing.undo}
    for import_id, state in importing.left_waiting():
        steps[State(state)](import_id)


@every(6 * 3600)
def remove_old_files() -> None:
    """Remove uploaded files that are two weeks old."""
    importing.remove_old_files()
