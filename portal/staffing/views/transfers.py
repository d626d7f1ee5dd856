"""Pupils who change school: proposed by the old school, accepted by the new one, known to the family."""

from flask import request, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal.access import actor, find, requires
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.i18n import ngettext
from portal.once import commit_and_go
from portal.paging import page_of
from portal.schools.models import SchoolClass
from portal.staffing import transferring
from portal.staffing.forms import AcceptForm, ArrivalsForm, TransferForm
from portal.staffing.models import PupilTransfer, TransferState
from portal.staffing.policy import (
    TRANSFER_DECIDE,
    TRANSFER_OBJECT,
    TRANSFER_PROPOSE,
    TRANSFER_READ,
    TRANSFER_WITHDRAW,
)
from portal.staffing.views.appointments import classes_of_school
from portal.staffing.views.blueprint import Answer, bp, form_page
from portal.templating import render

STATES = {
    TransferState.PROPOSED: (_l("waits for the new school"), "wait"),
    TransferState.ACCEPTED: (_l("accepted"), "good"),
    TransferState.DONE: (_l("done"), "plain"),
    TransferState.REFUSED: (_l("not accepted"), "warn"),
    TransferState.WITHDRAWN: (_l("taken back"), "plain"),
}
WHOLE = (
    joinedload(PupilTransfer.pupil),
    joinedload(PupilTransfer.from_school),
    joinedload(PupilTransfer.to_school),
    joinedload(PupilTransfer.to_class),
)


@bp.get("/transfers")
@requires(TRANSFER_READ)
def transfers() -> str:
    """Pupils who come and go, newest first."""
    listing = page_of(TRANSFER_READ.rows(actor()).options(*WHOLE), [(PupilTransfer.id, True)])
    return render("staffing/transfers.html", listing=listing, states=STATES)


@bp.route("/transfers/arrivals", methods=["GET", "POST"])
@requires(TRANSFER_DECIDE)
def arrivals() -> Answer:
    """Pupils whom other schools propose, accepted into a class list by list."""
    acting = actor()
    waiting = TRANSFER_DECIDE.rows(acting).where(
        PupilTransfer.state == TransferState.PROPOSED, PupilTransfer.proposed_by_id != acting.person_id
    )
    if request.method == "POST":
        waiting = waiting.with_for_update(of=PupilTransfer)
    listing = page_of(waiting.options(*WHOLE), [(PupilTransfer.id, False)])
    found = {one.public_id: one for one in listing.rows}
    names = {key: f"{one.pupil.name} · {one.from_school.name}" for key, one in found.items()}
    form = ArrivalsForm(names, classes_of_school(acting), data={"pupils": list(names)})
    if not form.sent_and_valid():
        return form_page("staffing/arrivals.html", form=form, listing=listing)
    school_class = db.session.scalars(
        select(SchoolClass).where(SchoolClass.public_id == form.school_class.data)
    ).one()
    accepted = transferring.accept_many([found[key] for key in form.pupils.data], school_class, acting)
    return commit_and_go(
        url_for(".arrivals"),
        ngettext("%(num)s pupil accepted.", "%(num)s pupils accepted.", accepted),
    )


@bp.route("/pupils/<public_id>/transfer", methods=["GET", "POST"])
@requires(TRANSFER_PROPOSE)
def propose_transfer(public_id: str) -> Answer:
    """Propose a pupil to another school, or note that the child leaves the schools of the portal."""
    pupil = find(TRANSFER_PROPOSE, public_id)
    form = TransferForm(data={"where": "school", "from_on": actor().on, "shares_story": True})
    if form.sent_and_valid():
        try:
            here = form.where.data == "school"
            school = transferring.school_named(form.school.data, pupil.school_id) if here else None
            made = transferring.propose(
                pupil,
                school,
                form.from_on.data,
                actor(),
                destination="" if here else form.school.data,
                shares_story=form.shares_story.data,
            )
        except RuleBroken as broken:
            db.session.rollback()
            form.form_errors.append(broken.message)
            pupil = find(TRANSFER_PROPOSE, public_id)
        else:
            return commit_and_go(
                url_for(".transfer", public_id=made.public_id), _("Recorded. The family sees it.")
            )
    return form_page("staffing/propose_transfer.html", form=form, pupil=pupil)


@bp.get("/transfers/<public_id>")
@requires(TRANSFER_READ)
def transfer(public_id: str) -> str:
    """One transfer: who, from where to where, what goes along, and what may be done now."""
    return _page(public_id)


def _page(public_id: str, form: AcceptForm | None = None) -> str:
    acting = actor()
    found = find(TRANSFER_READ, public_id, *WHOLE)
    decides = TRANSFER_DECIDE.admits(acting.role) and found.to_school_id == acting.school_id
    if form is None and decides and found.is_open:
        form = AcceptForm(classes_of_school(acting), formdata=None)
    return render(
        "staffing/transfer.html",
        transfer=found,
        form=form or AcceptForm({}, formdata=None),
        decides=decides and found.is_open,
        withdraws=TRANSFER_WITHDRAW.admits(acting.role)
        and found.from_school_id == acting.school_id
        and found.is_open,
        objects=found.shares_story
        and found.to_school_id is not None
        and TRANSFER_OBJECT.admits(acting.role)
        and TRANSFER_OBJECT.holds_for(acting, found),
        states=STATES,
    )


@bp.post("/transfers/<public_id>/acceptance")
@requires(TRANSFER_DECIDE)
def accept_transfer(public_id: str) -> Answer:
    """The new school takes the pupil into a class."""
    found = _locked(public_id)
    form = AcceptForm(classes_of_school(actor()))
    if not form.validate():
        return _page(public_id, form), 422
    school_class = db.session.scalars(
        select(SchoolClass).where(SchoolClass.public_id == form.school_class.data)
    ).one()
    transferring.accept(found, school_class, actor())
    return commit_and_go(
        url_for(".transfer", public_id=public_id), _("Accepted. The old school and the family see it.")
    )


@bp.post("/transfers/<public_id>/refusal")
@requires(TRANSFER_DECIDE)
def refuse_transfer(public_id: str) -> Response:
    """The new school does not take the pupil."""
    transferring.close(_locked(public_id), TransferState.REFUSED, actor())
    return commit_and_go(
        url_for(".transfer", public_id=public_id), _("The old school sees that you do not accept.")
    )


def _locked(public_id: str) -> PupilTransfer:
    db.session.execute(select(PupilTransfer.id).where(PupilTransfer.public_id == public_id).with_for_update())
    return find(TRANSFER_DECIDE, public_id)


@bp.post("/transfers/<public_id>/withdrawal")
@requires(TRANSFER_WITHDRAW)
def withdraw_transfer(public_id: str) -> Response:
    """The old school takes its proposal back."""
    transferring.close(find(TRANSFER_WITHDRAW, public_id), TransferState.WITHDRAWN, actor())
    return commit_and_go(url_for(".transfer", public_id=public_id), _("The proposal is taken back."))


@bp.post("/transfers/<public_id>/objection")
@requires(TRANSFER_OBJECT)
def object_to_transfer(public_id: str) -> Response:
    """The family does not want what was said at visits to go along."""
    transferring.object_to(find(TRANSFER_OBJECT, public_id), actor())
    return commit_and_go(
        url_for(".transfer", public_id=public_id),
        _("Recorded. What was said at visits stays with the old school."),
    )
