"""Reporting harm to a child: guidance, the stamp, the sealed record, who receives it."""

from typing import Any

from flask import request, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal import clock
from portal.access import Role, actor, find, requires
from portal.accounts.models import Person
from portal.accounts.stepping import step_up_required
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.paging import page_of
from portal.schools.models import Pupil, School
from portal.staffing.delegating import colleagues
from portal.templating import render
from portal.trail.reads import opened
from portal.visits.forms import HarmEntryForm, HarmForm, NamedForm, ReasonForm
from portal.visits.harm import (
    ACT_NAMES,
    HarmEntry,
    HarmReport,
    add_entry,
    name_people,
    named,
    numbers,
    report,
)
from portal.visits.policy import HARM_READ, HARM_REPORT, SAFEGUARDING_NAME
from portal.visits.views.blueprint import Answer, bp


def _own_school() -> School:
    return db.session.get_one(School, actor().school_id)


@bp.get("/harm/new")
@requires(HARM_REPORT)
def new_harm() -> str:
    """Whom to ring at once, and the button that stamps the report."""
    child = find(HARM_REPORT, request.args.get("pupil", ""))
    return _new_page(child, HarmForm(formdata=None))


def _new_page(child: Pupil, form: HarmForm) -> str:
    return render("visits/new_harm.html", pupil=child, form=form, numbers=numbers(_own_school()))


@bp.post("/harm")
@requires(HARM_REPORT)
def report_harm() -> Answer:
    """Stamp a report. Nobody approves it; the text may follow."""
    child = find(HARM_REPORT, request.form.get("pupil", ""))
    form = HarmForm()
    if not form.validate():
        return _new_page(child, form), 422
    made = report(child, actor(), form.body.data or "", clock.now())
    return commit_and_go(
        url_for("visits.harm_report", public_id=made.public_id),
        _("The report is stamped and sealed. Ring the police if you have not yet."),
    )


@bp.get("/harm")
@requires(HARM_READ)
def harm() -> str:
    """The reports one made or receives: whom, when, by whom; nothing of what they say."""
    wanted = HARM_READ.rows(actor()).options(joinedload(HarmReport.pupil), joinedload(HarmReport.author))
    return render("visits/harm.html", listing=page_of(wanted, [(HarmReport.id, True)]))


def _found(public_id: str) -> HarmReport:
    return find(HARM_READ, public_id, joinedload(HarmReport.pupil), joinedload(HarmReport.author))


def _report_page(made: HarmReport, entries: list[HarmEntry] | None = None, **forms: Any) -> str:
    return render(
        "visits/harm_report.html",
        report=made,
        entries=entries,
        acts=ACT_NAMES,
        numbers=numbers(_own_school()),
        entry_form=forms.get("entry_form") or HarmEntryForm(formdata=None),
        reason_form=forms.get("reason_form") or ReasonForm(formdata=None),
    )


@bp.get("/harm/<public_id>")
@requires(HARM_READ)
def harm_report(public_id: str) -> str:
    """One report without its text: the stamp, whom to ring, the form for a further entry."""
    return _report_page(_found(public_id))


@bp.post("/harm/<public_id>/opening")
@requires(HARM_READ)
@step_up_required
def open_harm(public_id: str) -> Answer:
    """Show the entries once; reader, reason and time go into the trail first. Who reported reads the own entries."""
    made = _found(public_id)
    form = ReasonForm()
    if not form.validate():
        return _report_page(made, reason_form=form), 422
    opened("F4S", made, pupil_id=made.pupil_id, purpose=form.reason.data)
    wanted = select(HarmEntry).where(HarmEntry.report_id == made.id).options(joinedload(HarmEntry.author))
    if actor().person_id == made.author_id and actor().role != Role.PRINCIPAL:
        wanted = wanted.where(HarmEntry.author_id == actor().person_id)
    return _report_page(made, list(db.session.scalars(wanted.order_by(HarmEntry.id))))


@bp.post("/harm/<public_id>/entries")
@requires(HARM_READ)
def add_harm_entry(public_id: str) -> Answer:
    """Add what was done or came after; nothing that stands is changed."""
    made = _found(public_id)
    form = HarmEntryForm()
    if not form.validate():
        return _report_page(made, entry_form=form), 422
    add_entry(made, actor(), form.act.data, form.body.data or "", clock.now())
    return commit_and_go(url_for("visits.harm_report", public_id=public_id), _("The entry is sealed."))


@bp.get("/safeguarding")
@requires(SAFEGUARDING_NAME)
def safeguarding() -> str:
    """Who receives reports of harm besides the principal."""
    there = db.session.scalars(select(Person.public_id).where(Person.id.in_(named(actor().school_id))))
    form = NamedForm(colleagues(actor()), formdata=None, data={"people": list(there)})
    return render("visits/safeguarding.html", form=form)


@bp.post("/safeguarding")
@requires(SAFEGUARDING_NAME)
def name_safeguarding() -> Answer:
    """Name them anew."""
    form = NamedForm(colleagues(actor()))
    if not form.validate():
        return render("visits/safeguarding.html", form=form), 422
    name_people(_own_school(), form.people.data or [], actor(), clock.now())
    return commit_and_go(url_for("visits.safeguarding"), _("They are named."))
