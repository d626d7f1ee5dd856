"""Photos of a visit, on a page of their own: the form of a visit stays short, and nobody is asked for one there."""

from flask import request, url_for
from sqlalchemy.orm import joinedload

from portal.access import actor, find, requires
from portal.errors import RuleBroken
from portal.extensions import db
from portal.files.intake import NotTaken, chosen, take
from portal.files.storing import files_of
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.once import commit_and_go
from portal.templating import render
from portal.trail.reads import opened
from portal.visits import photos as kept
from portal.visits.forms import PhotosForm
from portal.visits.models import Visit
from portal.visits.policy import VISIT_AMEND
from portal.visits.views.blueprint import Answer, bp

WIDE = 280
# How wide a photo is shown for covering, in pixels: browsers tell the place of a tap in these.
SIZES = {"small": (0.05, _l("small")), "middle": (0.1, _l("middle")), "large": (0.2, _l("large"))}
# How far a cover reaches from where one taps, in widths of the photo.


@bp.get("/<public_id>/photos")
@requires(VISIT_AMEND)
def photos(public_id: str) -> str:
    """Whether the family allows photos, those that are there, and the field for more."""
    return _page(public_id, PhotosForm(formdata=None))


def _page(public_id: str, form: PhotosForm) -> str:
    visit = find(VISIT_AMEND, public_id, joinedload(Visit.pupil))
    there = kept.photos_of(visit, actor().on)
    if there:
        opened("F4", visit)
    return render(
        "visits/photos.html",
        visit=visit,
        allowed=kept.allowed(visit, actor().on),
        files=there,
        most=kept.MOST,
        form=form,
        wide=WIDE,
        sizes=SIZES,
    )


@bp.post("/<public_id>/photos")
@requires(VISIT_AMEND)
def add_photos(public_id: str) -> Answer:
    """Add photos; refused in words where the family has not agreed, before a file is looked at."""
    visit = find(VISIT_AMEND, public_id)
    kept.must_be_allowed(visit, actor().on)
    form = PhotosForm()
    uploads = chosen(form.files.data or [])
    try:
        if not uploads:
            raise NotTaken(_("Choose a picture."))
        taken = take(uploads, photo=True)
        visit = find(VISIT_AMEND, public_id)
        kept.add(visit, actor(), taken, actor().on)
    except NotTaken as refused:
        form.files.errors = [refused.message]
        return _page(public_id, form), refused.status
    except RuleBroken as refused:
        if refused.status != 422:
            raise
        db.session.rollback()
        form.files.errors = [refused.message]
        return _page(public_id, form), 422
    return commit_and_go(url_for("visits.photos", public_id=public_id), _("The photos are kept."))


@bp.post("/<public_id>/photo-removals")
@requires(VISIT_AMEND)
def remove_photo(public_id: str) -> Answer:
    """Delete a photo for good."""
    visit = find(VISIT_AMEND, public_id)
    wanted = request.form.get("file", "")
    file = next((one for one in files_of(visit, kept.SLOT) if one.public_id == wanted), None)
    if file is None:
        raise RuleBroken(_("This file is not there any more."))
    kept.take_out(file, visit, actor())
    return commit_and_go(url_for("visits.photos", public_id=public_id), _("The photo is deleted."))


@bp.post("/<public_id>/photo-covers")
@requires(VISIT_AMEND)
def cover_photo(public_id: str) -> Answer:
    """Hide a face where the person tapped the picture; browsers send that place without any script. Who cannot point
    says how far from the left and from the top, in hundredths."""
    visit = find(VISIT_AMEND, public_id)
    pointed = "at.x" in request.form
    left, top = (
        (_share("at.x", WIDE), _share("at.y", WIDE)) if pointed else (_share("left", 100), _share("top", 100))
    )
    size = SIZES.get(request.form.get("size", ""))
    if left is None or top is None or size is None:
        raise RuleBroken(_("Tap the picture where something is to be covered."), 422)
    kept.cover(visit, request.form.get("file", ""), actor(), (left, top, size[0], not pointed))
    return commit_and_go(url_for("visits.photos", public_id=public_id), _("Covered for good."))


def _share(name: str, whole: int) -> float | None:
    """A whole number of the form as a share of a whole, at most a picture's longest side; None for anything else."""
    typed = request.form.get(name, "")
    sound = typed.isascii() and typed.isdecimal() and len(typed) < 6
    return int(typed) / whole if sound and int(typed) <= 40 * whole else None
