"""Restrictions as the school sees them. The restricted person sees none of this, only whom to ask."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from portal.access import Permission, Role, actor, find, requires
from portal.accounts.stepping import step_up_required
from portal.custody import papers, restricting
from portal.custody.forms import PapersForm, ReasonForm, RestrictionForm
from portal.custody.models import DOCUMENT_NAMES, STANDING_NAMES, Document, Restriction, Standing
from portal.custody.policy import CUSTODY_DECIDE, CUSTODY_PROPOSE, CUSTODY_READ
from portal.errors import RuleBroken
from portal.extensions import db
from portal.files.intake import NotTaken, chosen
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.paging import page_of
from portal.schools.models import Pupil
from portal.templating import render
from portal.trail.models import note
from portal.trail.reads import opened

bp = Blueprint("custody", __name__, url_prefix="/custody")
Answer = str | Response | tuple[str, int]


def _form_page(template: str, **context: object) -> Answer:
    page = render(template, **context)
    return (page, 422) if request.method == "POST" else page


def _note(action: str, row: Restriction, subject_id: int | None, **facts: Any) -> None:
    acting = actor()
    note(action, row, person_id=acting.person_id, role=acting.role, subject_id=subject_id, **facts)


def _found(permission: Permission[Restriction], public_id: str) -> Restriction:
    """The restriction; when it is about to change, nobody else changes it until this request is done."""
    if request.method == "POST":
        db.session.execute(select(Restriction.id).where(Restriction.public_id == public_id).with_for_update())
    return find(permission, public_id, *restricting.WHOLE)


@bp.get("/")
@requires(CUSTODY_READ)
def index() -> str:
    """The school's restrictions, newest first; the documents stand on their own pages."""
    listing = page_of(CUSTODY_READ.rows(actor()).options(*restricting.WHOLE), [(Restriction.id, True)])
    return render(
        "custody/index.html",
        rows_of=[(row, row.standing(actor().on)) for row in listing.rows],
        names=STANDING_NAMES,
        more_url=listing.more_url,
    )


@bp.route("/pupils/<public_id>/new", methods=["GET", "POST"])
@requires(CUSTODY_PROPOSE)
@step_up_required
def new(public_id: str) -> Answer:
    """Name the document by which a court restricts a guardian of this child."""
    pupil = find(CUSTODY_PROPOSE, public_id)
    form = RestrictionForm(
        {tie.public_id: f"{tie.relation} {tie.person.name}" for tie in restricting.ties_of(pupil)}
    )
    if not form.sent_and_valid():
        return _new_page(pupil, form)
    try:
        taken = papers.take_papers(chosen(form.papers.data or []))
    except NotTaken as refused:
        form.papers.errors = [refused.message]
        return _new_page(find(CUSTODY_PROPOSE, public_id), form, refused.status)
    pupil = find(CUSTODY_PROPOSE, public_id)
    tie = next((tie for tie in restricting.ties_of(pupil) if tie.public_id == form.guardianship.data), None)
    if tie is None:
        raise RuleBroken(_("A restriction of this guardian was entered a moment ago."))
    until = form.until_on.data
    made = restricting.propose(
        tie,
        pupil,
        actor().person_id,
        document=form.document.data,
        number=form.number.data,
        court=form.court.data,
        issued_on=form.issued_on.data,
        from_on=form.from_on.data,
        until_on=until + timedelta(days=1) if until else None,
        is_quiet=bool(form.is_quiet.data),
    )
    papers.add(made, taken, actor())
    _note("custody.proposed", made, tie.person_id, document=made.document)
    return commit_and_go(
        url_for(".show", public_id=made.public_id), _("Entered. It holds once the principal has approved it.")
    )


def _new_page(pupil: Pupil, form: RestrictionForm, status: int = 422) -> Answer:
    if chosen(form.papers.data or []) and not form.papers.errors:
        form.papers.errors = [_("Choose the files again, please: a browser forgets them.")]
    page = render("custody/new.html", form=form, pupil=pupil, accepted=papers.ACCEPTED, most=papers.MOST)
    return (page, status) if request.method == "POST" else page


@bp.get("/<public_id>")
@requires(CUSTODY_READ)
def show(public_id: str) -> str:
    """One restriction: the document, its days, who named and who approved it, what can be done now."""
    return _page(_found(CUSTODY_READ, public_id))


def _page(found: Restriction, form: PapersForm | None = None) -> str:
    acting = actor()
    opened("F4", found, pupil_id=found.pupil_id, purpose="custody")
    standing = found.standing(acting.on)
    first = found.end_asked_by_id if standing == "ending" else found.proposed_by_id
    scans = papers.papers(found)
    return render(
        "custody/show.html",
        found=found,
        standing=standing,
        name=STANDING_NAMES[standing],
        document=DOCUMENT_NAMES[Document(found.document)],
        last_day=found.until_on - timedelta(days=1) if found.until_on else None,
        may_decide=acting.role == Role.PRINCIPAL and first != acting.person_id,
        papers=scans,
        form=form or PapersForm(formdata=None),
        may_add=standing == Standing.WAITING and len(scans) < papers.MOST,
        accepted=papers.ACCEPTED,
        most=papers.MOST,
    )


@bp.post("/<public_id>/papers")
@requires(CUSTODY_READ)
@step_up_required
def add_papers(public_id: str) -> Answer:
    """Add scans of the document while it waits for the second person."""
    found = find(CUSTODY_READ, public_id, *restricting.WHOLE)
    form = PapersForm()
    if not form.validate():
        return _page(found, form), 422
    try:
        taken = papers.take_papers(chosen(form.papers.data), len(papers.papers(found)))
    except NotTaken as refused:
        form.papers.errors = [refused.message]
        return _page(find(CUSTODY_READ, public_id, *restricting.WHOLE), form), refused.status
    found = _found(CUSTODY_READ, public_id)
    papers.add(found, taken, actor())
    return commit_and_go(url_for(".show", public_id=public_id), _("The scan is kept with the restriction."))


@bp.post("/<public_id>/approval")
@requires(CUSTODY_DECIDE)
@step_up_required
def approve(public_id: str) -> Response:
    """The second person approves: it holds from its first day."""
    found = _found(CUSTODY_DECIDE, public_id)
    if not papers.papers(found):
        raise RuleBroken(_("There is no scan of the document yet. Nobody is restricted without the paper."))
    restricting.approve(found, actor().person_id)
    _note("custody.approved", found, found.guardianship.person_id, quiet=found.is_quiet)
    return commit_and_go(url_for(".show", public_id=public_id), _("Approved. The restriction holds."))


@bp.route("/<public_id>/refusal", methods=["GET", "POST"])
@requires(CUSTODY_DECIDE)
def refuse(public_id: str) -> Answer:
    """The second person does not approve."""
    found = _found(CUSTODY_DECIDE, public_id)
    form = ReasonForm()
    if not form.sent_and_valid():
        return _form_page("custody/reason.html", form=form, found=found, ending=False)
    restricting.refuse(found, actor().person_id, form.reason.data)
    _note("custody.refused", found, found.guardianship.person_id)
    return commit_and_go(url_for(".show", public_id=public_id), _("Not approved. Nothing was held back."))


@bp.route("/<public_id>/end", methods=["GET", "POST"])
@requires(CUSTODY_READ)
@step_up_required
def ask_end(public_id: str) -> Answer:
    """Say that the document no longer holds; a second person has to agree."""
    found = _found(CUSTODY_READ, public_id)
    form = ReasonForm()
    if not form.sent_and_valid():
        return _form_page("custody/reason.html", form=form, found=found, ending=True)
    restricting.ask_end(found, actor().person_id, form.reason.data, actor().on)
    _note("custody.end_asked", found, found.guardianship.person_id)
    return commit_and_go(
        url_for(".show", public_id=public_id), _("Entered. It goes on holding until a second person agrees.")
    )


@bp.post("/<public_id>/end-approval")
@requires(CUSTODY_DECIDE)
@step_up_required
def end(public_id: str) -> Response:
    """The second person agrees that it is over."""
    found = _found(CUSTODY_DECIDE, public_id)
    restricting.end(found, actor().person_id, actor().on)
    _note("custody.ended", found, found.guardianship.person_id)
    return commit_and_go(
        url_for(".show", public_id=public_id), _("Ended. The guardian sees the child again.")
    )
