"""Joint visits seen by those who went along: their own parts, and sealed notes that are added later."""

from flask import request, url_for
from sqlalchemy.orm import joinedload, selectinload

from portal import clock
from portal.access import Permission, actor, find, requires
from portal.errors import RuleBroken
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.templating import render
from portal.trail.reads import opened
from portal.visits import loading
from portal.visits.forms import PartForm, SealedForm
from portal.visits.models import Visit, VisitPart
from portal.visits.policy import SEALED_WRITE, VISIT_JOIN
from portal.visits.recording import seal_note, write_part
from portal.visits.views.blueprint import WORDS, Answer, bp


@bp.get("/joined")
@requires(VISIT_JOIN)
def joined() -> str:
    """Visits that a colleague wrote and on which one went along."""
    visits, more = loading.newest_first(VISIT_JOIN.rows(actor()), request.args.get("after"))
    return render("visits/joined.html", visits=visits, more=more, **WORDS)


def _joint(permission: Permission[Visit], public_id: str) -> Visit:
    return find(
        permission, public_id, joinedload(Visit.pupil), joinedload(Visit.author), selectinload(Visit.parts)
    )


def _to_write(public_id: str) -> tuple[Visit, VisitPart | None]:
    """The joined visit and one's own part of it, if there is one; RuleBroken once its time is over."""
    visit = _joint(VISIT_JOIN, public_id)
    if not visit.takes_parts(loading.has_open_correction(visit), clock.now()):
        raise RuleBroken(_("This visit can no longer be changed. The family can ask for a correction."))
    return visit, next((one for one in visit.parts if one.author_id == actor().person_id), None)


def _part_page(form: PartForm, visit: Visit) -> str:
    opened("F4", visit)
    return render("visits/part.html", form=form, visit=visit)


@bp.get("/<public_id>/part")
@requires(VISIT_JOIN)
def part(public_id: str) -> str:
    """The form for one's own part of a joint visit."""
    visit, own = _to_write(public_id)
    given = {"hopes": own.hopes, "note": own.note, "school_only": own.school_only} if own else {}
    return _part_page(PartForm(formdata=None, data=given), visit)


@bp.post("/<public_id>/part")
@requires(VISIT_JOIN)
def write_own_part(public_id: str) -> Answer:
    """Write or change one's own part; nobody changes another's."""
    visit, _own = _to_write(public_id)
    form = PartForm()
    if not form.validate():
        return _part_page(form, visit), 422
    write_part(visit, actor(), form.told(), clock.now())
    return commit_and_go(url_for("visits.show", public_id=public_id), _("Your part is saved."))


@bp.get("/<public_id>/sealed-note")
@requires(SEALED_WRITE)
def sealed_note(public_id: str) -> str:
    """Where somebody who was there adds a sealed note later."""
    return render(
        "visits/sealed_note.html", visit=_joint(SEALED_WRITE, public_id), form=SealedForm(formdata=None)
    )


@bp.post("/<public_id>/sealed-note")
@requires(SEALED_WRITE)
def add_sealed_note(public_id: str) -> Answer:
    """Add a sealed note; from then on it opens with a reason only, also for its author."""
    visit = _joint(SEALED_WRITE, public_id)
    form = SealedForm()
    if not form.validate():
        return render("visits/sealed_note.html", visit=visit, form=form), 422
    seal_note(visit, actor(), form.sealed.data or "", clock.now())
    return commit_and_go(url_for("visits.show", public_id=public_id), _("The sealed note is kept."))
