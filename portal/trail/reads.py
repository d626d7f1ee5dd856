"""Reads of sensitive records: each one is an entry of the trail before the answer goes out (未成年人网络保护条例: staff
access to minors' data is recorded; SECURITY rule: no read without its entry)."""

from typing import Literal

from flask import Flask, Response, current_app, g

from portal.access import Role, actor
from portal.database import writing
from portal.errors import error_page
from portal.extensions import Base, db
from portal.trail.models import Draft, append, draft

Category = Literal["F3", "F4", "F4S"]
READ = "record.read"
_READS = "trail_reads"


def opened(
    category: Category,
    row: Base,
    pupil_id: int | None = None,
    subject_id: int | None = None,
    purpose: str = "",
) -> None:
    """Say within a view that the acting person is about to be shown a sensitive record.

    ``category``: F3 contacts unmasked, F4 narratives and complaints, F4S sealed notes. ``purpose``: why, when it was
    asked for. One record is one entry, however often a view says so; a list of masked contacts is no read. Families
    reading about themselves are not logged. The entry is written after the view has made its answer and before the
    answer goes out; if it cannot be written, the answer is 503.
    """
    acting = actor()
    if acting.role == Role.GUARDIAN:
        return
    reads: dict[tuple[str, str, int], Draft] = g.setdefault(_READS, {})
    key = (category, row.__tablename__, row.id)  # type: ignore[attr-defined]
    if key not in reads:
        made = reads[key] = draft(
            READ,
            row,
            person_id=acting.person_id,
            pupil_id=pupil_id,
            subject_id=subject_id,
            purpose=purpose,
            category=category,
            facts={},
        )
        # The row told all it knows; asked again after the view, it would wait for the lock that writes the entry.
        made.row = None


def write_down(answer: Response) -> Response:
    """Log what the answer shows; a refusal or a redirect shows nothing."""
    reads: dict[tuple[str, str, int], Draft] = g.pop(_READS, {})
    if not reads or not (answer.status_code < 300 or answer.status_code == 422):
        return answer
    try:
        if not answer.is_streamed:
            db.session.rollback()
        with writing() as connection:
            append(connection, list(reads.values()))
    except Exception:
        current_app.logger.exception("a read could not be logged; the record was not shown")
        return current_app.make_response(error_page(503))
    return answer


def init_app(app: Flask) -> None:
    """Stand behind every view."""
    app.after_request(write_down)

    @app.teardown_request
    def forget(_error: BaseException | None) -> None:
        g.pop(_READS, None)
