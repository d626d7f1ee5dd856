"""Exports of an office, and the yearly report with its lines written by hand."""

from typing import Any

from flask import request, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal import clock
from portal.access import Actor, Role, actor, find, requires
from portal.accounts.stepping import step_up_required
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.jobs.queue import ring
from portal.once import commit_and_go
from portal.paging import page_of
from portal.privacy import auditpack, exporting, jobs, lists, parcels
from portal.privacy.forms import AuditLineForm, ExportForm
from portal.privacy.models import AuditLine, ExportRequest, Section
from portal.privacy.policy import AUDIT_WRITE, EXPORT_ASK, EXPORT_LOG, EXPORT_OWN, EXPORT_SECOND
from portal.privacy.views.blueprint import Answer, bp, form_page
from portal.privacy.views.copies import attachment
from portal.schools.models import District, School
from portal.templating import render
from portal.trail.hashing import told_apart
from portal.trail.models import note

SHOWN = 20
KINDS_OF = {
    Role.DISTRICT_STAFF: ("audit_pack", "pupils"),
    Role.PRINCIPAL: ("pupils", "left_behind", "care_plans"),
    Role.SCHOOL_OFFICE: ("pupils",),
}
MIMETYPES = {"zip": "application/zip", "xlsx": lists.SHEET, "csv": "text/csv; charset=utf-8"}


@bp.get("/exports")
@requires(EXPORT_OWN)
def exports() -> str:
    """One's own exports, and those of colleagues that wait for a second person."""
    acting = actor()
    own = db.session.scalars(EXPORT_OWN.rows(acting).order_by(ExportRequest.id.desc()).limit(SHOWN)).all()
    waiting = db.session.scalars(
        EXPORT_SECOND.rows(acting)
        .options(joinedload(ExportRequest.asked_by))
        .order_by(ExportRequest.id)
        .limit(SHOWN)
    ).all()
    return render(
        "privacy/exports.html",
        own=own,
        waiting=[row for row in waiting if row.waits_for_second],
        kinds=exporting.EXPORTS,
        now=clock.now(),
        may_ask=EXPORT_ASK.admits(acting.role),
    )


@bp.get("/exports/log")
@requires(EXPORT_LOG)
def export_log() -> str:
    """Who took out what in the district, newest first: neither what for nor the file."""
    wanted = EXPORT_LOG.rows(actor()).options(
        joinedload(ExportRequest.asked_by), joinedload(ExportRequest.approved_by)
    )
    listing = page_of(wanted, [(ExportRequest.id, True)])
    ids = {row.school_id for row in listing.rows if row.school_id is not None}
    schools = db.session.execute(select(School.id, School.name).where(School.id.in_(ids)))
    return render(
        "privacy/export_log.html",
        listing=listing,
        kinds=exporting.EXPORTS,
        schools={school_id: name for school_id, name in schools},
        now=clock.now(),
    )


@bp.route("/exports/new", methods=["GET", "POST"])
@requires(EXPORT_ASK)
@step_up_required
def new_export() -> Answer:
    """Ask for an export: what, for which purpose. ``kind`` and ``year`` in the address are chosen already."""
    acting = actor()
    year = request.args.get("year", auditpack.year_to_report(acting.on), type=int)
    choices = {kind: str(exporting.EXPORTS[kind].label) for kind in KINDS_OF[acting.role]}
    kind = request.args.get("kind", "")
    form = ExportForm(choices, data={"kind": kind if kind in choices else next(iter(choices)), "year": year})
    if not form.sent_and_valid():
        return form_page("privacy/new_export.html", form=form, most=exporting.MOST_ALONE, kinds=choices)
    assert acting.district_id is not None
    made = ExportRequest(
        kind=form.kind.data,
        district_id=acting.district_id,
        school_id=None if acting.role == Role.DISTRICT_STAFF else acting.school_id,
        asked_by_id=acting.person_id,
        purpose=form.purpose.data,
        year=form.year.data if form.kind.data == "audit_pack" else 0,
    )
    return answer_asking(made)


def answer_asking(made: ExportRequest) -> Response:
    """Ask for an export under the actor's hat: enter it, log it, have it made unless a second person must agree first."""
    exporting.ask(made, clock.now())
    days: dict[str, Any] = {}
    if made.first_on is not None:
        days = {"first": str(made.first_on), "last": str(made.last_on)}
    note(
        "export.asked",
        made,
        person_id=actor().person_id,
        role=actor().role,
        purpose_hash=told_apart(made.purpose),
        kind=made.kind,
        people=made.people,
        **days,
    )
    export_id, needs_second = made.id, made.needs_second
    said = _("The file is being made. It stands here soon.")
    if needs_second:
        said = _("A second person of your office has to agree first.")
    answer = commit_and_go(url_for("privacy.exports"), said)
    if not needs_second:
        ring(jobs.make_export, export_id=export_id)
    return answer


@bp.post("/exports/<public_id>/decision")
@requires(EXPORT_SECOND)
@step_up_required
def decide_export(public_id: str) -> Response:
    """The second person agrees, or not."""
    row = find(EXPORT_SECOND, public_id)
    chosen = request.form.get("agrees")
    if chosen not in ("yes", "no"):
        raise RuleBroken(_("Choose whether you agree."), status=422)
    row.decide(actor().person_id, clock.now(), agrees=chosen == "yes")
    action = "export.approved" if chosen == "yes" else "export.refused"
    note(action, row, person_id=actor().person_id, role=actor().role, kind=row.kind, people=row.people)
    export_id = row.id
    answer = commit_and_go(url_for(".exports"), _("Noted."))
    if chosen == "yes":
        ring(jobs.make_export, export_id=export_id)
    return answer


@bp.post("/exports/<public_id>/file")
@requires(EXPORT_OWN)
@step_up_required
def fetch_export(public_id: str) -> Response:
    """The file, once, to the one who asked for it."""
    row = find(EXPORT_OWN, public_id)
    db.session.refresh(row, with_for_update=True)
    data = parcels.take(row, clock.now())
    note("export.fetched", row, person_id=actor().person_id, role=actor().role, kind=row.kind)
    name = row.file_name
    db.session.commit()
    return attachment(data, name, MIMETYPES[name.rpartition(".")[2]])


def _district(acting: Actor) -> District:
    return db.session.scalars(select(District).where(District.id == acting.district_id)).one()


def _year() -> int:
    typed = request.args.get("year", "")
    today = actor().on
    if typed.isascii() and typed.isdigit() and len(typed) == 4 and 2020 <= int(typed) <= today.year:
        return int(typed)
    return auditpack.year_to_report(today)


@bp.get("/audit")
@requires(AUDIT_WRITE)
def audit() -> str:
    """The numbers of the yearly report as they stand, and what the district writes by hand."""
    return _audit_page()


def _audit_page(form: Any = None) -> str:
    acting, year = actor(), _year()
    of = auditpack.year_of(_district(acting), year, acting.on)
    lines = db.session.scalars(
        AUDIT_WRITE.rows(acting).where(AuditLine.year == year).order_by(AuditLine.id)
    ).all()
    tables = [
        auditpack.children(of),
        auditpack.consents(of),
        auditpack.readings(of),
        auditpack.requests(of),
        auditpack.exports(of),
    ]
    return render(
        "privacy/audit.html",
        form=form or AuditLineForm(formdata=None),
        year=year,
        this_year=acting.on.year,
        due_on=auditpack.due_on(year),
        tables=tables,
        lines=lines,
        sections=auditpack.sections(),
    )


@bp.post("/audit/lines")
@requires(AUDIT_WRITE)
def add_line() -> Answer:
    """Write down an incident, a processor, a training."""
    form = AuditLineForm()
    if not form.validate():
        return _audit_page(form), 422
    year = _year()
    made = AuditLine(
        district_id=actor().district_id,
        year=year,
        section=Section(form.section.data),
        text=form.text.data,
        by_id=actor().person_id,
        written_at=clock.now(),
    )
    db.session.add(made)
    db.session.flush()
    note("audit.line_added", made, person_id=actor().person_id, role=actor().role, section=made.section)
    return commit_and_go(url_for(".audit", year=year), _("Written down. It stands in the report."))


@bp.post("/audit/lines/<public_id>/removal")
@requires(AUDIT_WRITE)
def remove_line(public_id: str) -> Response:
    """Take a line out again."""
    line = find(AUDIT_WRITE, public_id)
    year = line.year
    note("audit.line_removed", line, person_id=actor().person_id, role=actor().role, section=line.section)
    db.session.delete(line)
    return commit_and_go(url_for(".audit", year=year), _("Taken out."))
