"""Photos that a device kept without a network: each comes once under an id made there, when its visit is written down."""

from flask import abort, request, url_for
from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import FileStorage

from portal import once, operations
from portal.access import actor, find, requires
from portal.errors import RuleBroken
from portal.extensions import db
from portal.files.intake import NotTaken, Taken, chosen, take
from portal.i18n import gettext as _
from portal.visits import photos
from portal.visits.drafts import DRAFT, VisitDraft
from portal.visits.models import Visit, VisitCompanion, VisitPart
from portal.visits.policy import PUPIL_VISIT, VISIT_AMEND
from portal.visits.views.blueprint import bp
from portal.visits.views.offline import TRIES, Told, told


@bp.post("/pupils/<public_id>/photos")
@requires(PUPIL_VISIT)
def take_in_photo(public_id: str) -> Told:
    """One photo of a visit to this pupil: ``files`` the picture, ``visit`` and ``photo`` ids made by the device.

    201 kept, 200 sent before; 403 with ``not_allowed`` when the family does not agree (any more) and 410 when the visit was
    deleted: then the device lets go of the photo as well. 409 as long as the visit is not written down, 422 for what is no
    picture, one too many, or a visit of a colleague at which the author was not: the device keeps it.
    """
    find(PUPIL_VISIT, public_id)
    key, client_id = _id("photo"), _id("visit")
    uploads = chosen(request.files.getlist("files"))
    if len(uploads) != 1:
        raise RuleBroken(_("Choose a picture."), 422)
    try:
        return _take_in(public_id, client_id, key, uploads)
    except NotTaken as refused:
        return told("refused", refused.status, message=refused.message)
    except RuleBroken as refused:
        db.session.rollback()
        state = {403: "not_allowed", 409: "later", 410: "gone"}.get(refused.status, "refused")
        return told(state, refused.status, message=refused.message)


def _id(name: str) -> str:
    found = request.form.get(name, "")
    if not operations.CLIENT_ID.fullmatch(found):
        raise RuleBroken(_("The portal could not read this. Add the photo on the page of the visit."), 422)
    return found.lower()


def _take_in(public_id: str, client_id: str, key: str, uploads: list[FileStorage]) -> Told:
    if once.answered(key):
        return told("kept", 200)
    photos.must_be_allowed(_visit(public_id, client_id), actor().on)
    taken = take(uploads, photo=True)
    for _attempt in range(TRIES):
        try:
            return _keep(public_id, client_id, key, taken)
        except IntegrityError:
            # A copy of the same message came in between; the next look finds what it has done.
            db.session.rollback()
    return abort(503)


def _keep(public_id: str, client_id: str, key: str, taken: list[Taken]) -> Told:
    if once.answered(key):
        return told("kept", 200)
    visit = _visit(public_id, client_id)
    photos.add(visit, actor(), taken, actor().on)
    once.keep_answer(key, url_for("visits.photos", public_id=visit.public_id), "photo")
    db.session.commit()
    return told("kept", 201)


def _was_there(person_id: int) -> ColumnElement[bool]:
    """Visits that a colleague wrote down first, at which the person was as well."""
    part = exists().where(VisitPart.visit_id == Visit.id, VisitPart.author_id == person_id)
    return part | exists().where(VisitCompanion.visit_id == Visit.id, VisitCompanion.person_id == person_id)


def _visit(public_id: str, client_id: str) -> Visit:
    """The visit to the pupil that the device means; RuleBroken while there is none that the author may add to."""
    child = find(PUPIL_VISIT, public_id)
    of_device = (Visit.pupil_id == child.id, Visit.client_id == client_id)
    own = or_(VISIT_AMEND.within(actor()), _was_there(actor().person_id))
    visit = db.session.scalar(select(Visit).where(*of_device, own).order_by(Visit.id).limit(1))
    if visit is not None:
        return visit
    if db.session.scalar(select(Visit.id).where(*of_device)):
        raise RuleBroken(_("A colleague wrote this visit down and may add photos of it."), 422)
    told_of = (VisitDraft.pupil_id == child.id, VisitDraft.client_id == client_id)
    draft = db.session.scalar(DRAFT.rows(actor()).where(*told_of))
    if draft is not None and draft.finished_at is not None and draft.visit_id is None:
        raise RuleBroken(_("This visit was deleted meanwhile."), 410)
    raise RuleBroken(_("The visit is not written down yet."), 409)
