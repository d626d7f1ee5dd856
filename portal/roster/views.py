"""Pages on which district staff and school offices bring rosters in."""

import io
import tempfile
from pathlib import Path
from typing import Any

from flask import Blueprint, abort, request, send_file, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from portal import clock
from portal.access import Actor, actor, find, requires
from portal.extensions import db
from portal.i18n import gettext as _
from portal.jobs.queue import ring
from portal.once import commit_and_go
from portal.paging import page_of
from portal.roster import importing, jobs, keeping
from portal.roster.existing import Reach
from portal.roster.forms import DELTA, UploadForm
from portal.roster.models import Action, RosterChange, RosterImport, RosterProblem, State
from portal.roster.policy import ROSTER_IMPORT
from portal.roster.problems import Gravity
from portal.roster.template import write_template
from portal.roster.wording import state_of, table_names
from portal.schools.identity import KEPT_BY
from portal.schools.models import School
from portal.templating import render
from portal.trail.reads import opened

bp = Blueprint("roster", __name__, url_prefix="/roster")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HISTORY = 30


def reach_of(acting: Actor) -> Reach:
    """Where the person acting may bring a roster in: their district, or their school alone."""
    if acting.school_id is None:
        return Reach(acting.district_id or 0, None, clock.today())
    district_id = db.session.scalar(select(School.district_id).where(School.id == acting.school_id))
    return Reach(district_id or 0, acting.school_id, clock.today())


def _moved(found: RosterImport, job: Any, message: str = "") -> Response:
    # The id is read before the commit: reading it after would hold the database while the worker wants to write.
    import_id = found.id
    answer = commit_and_go(url_for("roster.show", public_id=found.public_id), message)
    if job is not None:
        ring(job, import_id=import_id)
    return answer


@bp.get("/")
@requires(ROSTER_IMPORT)
def index() -> str:
    """Earlier imports, the newest first, and the way to a new one."""
    query = ROSTER_IMPORT.rows(actor()).order_by(RosterImport.id.desc()).limit(HISTORY)
    imports = db.session.scalars(query).all()
    return render("roster/index.html", imports=imports, state_of=state_of)


@bp.get("/template")
@requires(ROSTER_IMPORT)
def template() -> Response:
    """The empty workbook to fill in."""
    reach, stream = reach_of(actor()), io.BytesIO()
    write_template(stream, identity=bool(KEPT_BY.on(reach.today, district_id=reach.district_id)))
    stream.seek(0)
    return send_file(stream, mimetype=XLSX, as_attachment=True, download_name="名册模板.xlsx")


@bp.get("/new")
@requires(ROSTER_IMPORT)
def new() -> str:
    """The form for a file."""
    return render("roster/new.html", form=UploadForm(formdata=None))


@bp.post("/")
@requires(ROSTER_IMPORT)
def upload() -> Response | tuple[str, int]:
    """Take a file in and have it checked."""
    form = UploadForm()
    if not form.validate():
        return render("roster/new.html", form=form), 422
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "roster"
        form.file.data.save(path)
        name = Path(form.file.data.filename.replace("\\", "/")).name
        made = importing.take_in(path, name, reach_of(actor()), actor().person_id, form.extent.data == DELTA)
    return _moved(made, jobs.check)


@bp.get("/<public_id>")
@requires(ROSTER_IMPORT)
def show(public_id: str) -> str:
    """How far an import is, what it would do or did, and what stands against it."""
    found = find(ROSTER_IMPORT, public_id)
    gravity = request.args.get("gravity", "")
    if gravity not in (Gravity.ERROR, Gravity.NOTICE):
        gravity = Gravity.ERROR.value if found.errors else Gravity.NOTICE.value
    query = select(RosterProblem).where(RosterProblem.import_id == found.id, RosterProblem.gravity == gravity)
    listing = page_of(query, [(RosterProblem.id, False)])
    if any(problem.params for problem in listing.rows):
        opened("F3", found)
    return render(
        "roster/show.html",
        roster=found,
        listing=listing,
        gravity=gravity,
        tables=table_names(),
        state=state_of(found.state),
        has_annotated=importing.annotated_of(found.public_id).exists(),
        is_last=found.state == State.APPLIED and importing.last_applied(found) == found.id,
    )


@bp.get("/<public_id>/changes")
@requires(ROSTER_IMPORT)
def changes(public_id: str) -> str:
    """The rows an import adds, changes or ends, of one kind."""
    found = find(ROSTER_IMPORT, public_id)
    tables = table_names()
    table = request.args.get("table", "")
    action = request.args.get("action", "")
    if table not in tables or action not in list(Action):
        abort(404)
    query = select(RosterChange).where(
        RosterChange.import_id == found.id,
        RosterChange.table_name == table,
        RosterChange.action == action,
    )
    return render(
        "roster/changes.html",
        roster=found,
        listing=page_of(query, [(RosterChange.id, False)]),
        table=table,
        action=action,
        tables=tables,
        total=found.counts.get(table, {}).get(action, 0),
    )


@bp.get("/<public_id>/annotated")
@requires(ROSTER_IMPORT)
def annotated(public_id: str) -> Response:
    """The file with a column that says what is wrong."""
    found = find(ROSTER_IMPORT, public_id)
    path = importing.annotated_of(found.public_id)
    if not path.exists():
        abort(404)
    opened("F3", found)
    is_package = found.format == "oneroster"
    name = "名册问题.zip" if is_package else "名册问题.xlsx"
    return send_file(
        io.BytesIO(keeping.read(path)),
        mimetype="application/zip" if is_package else XLSX,
        as_attachment=True,
        download_name=name,
    )


@bp.post("/<public_id>/application")
@requires(ROSTER_IMPORT)
def apply(public_id: str) -> Response:
    """Confirm a checked import."""
    found = find(ROSTER_IMPORT, public_id)
    importing.confirm(found)
    return _moved(found, jobs.apply)


@bp.post("/<public_id>/check")
@requires(ROSTER_IMPORT)
def check(public_id: str) -> Response:
    """Check the same file again."""
    found = find(ROSTER_IMPORT, public_id)
    importing.check_again(found)
    return _moved(found, jobs.check)


@bp.post("/<public_id>/withdrawal")
@requires(ROSTER_IMPORT)
def withdraw(public_id: str) -> Response:
    """Give up an import that was not applied."""
    found = find(ROSTER_IMPORT, public_id)
    importing.withdraw(found)
    return _moved(found, None, _("The import was withdrawn. Nothing was changed."))


@bp.post("/<public_id>/undoing")
@requires(ROSTER_IMPORT)
def undo(public_id: str) -> Response:
    """Undo the last import."""
    found = find(ROSTER_IMPORT, public_id)
    importing.ask_undo(found)
    return _moved(found, jobs.undo)
