"""Visits handed in late: a device of somebody who no longer has the child sends them, the principal decides, the author is told."""

from flask import abort, request, url_for
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal import clock
from portal.access import actor, find, requires, signed_in
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.operations import Operation
from portal.paging import page_of
from portal.row_security import all_rows
from portal.schools.models import Pupil
from portal.templating import render
from portal.trail.reads import opened
from portal.visits import late, merging
from portal.visits.drafts import GUARDED, LateVisit, VisitDraft
from portal.visits.forms import LateRefusalForm
from portal.visits.policy import LATE_DECIDE, LATE_TOLD
from portal.visits.views.blueprint import Answer, bp
from portal.visits.views.offline import Told, in_words, once_told


@bp.post("/late")
@signed_in
def hand_in_late() -> Told:
    """What a device hands in about a child (``?pupil=``) that its author no longer has; answers as ``take_in`` does.

    403 with ``kept`` when it is kept sealed for the principal, because the day of the visit lay within the author's office; 403
    without when the author has the child today, under another hat; 404 otherwise. The device lets go of what is ``kept``.
    """
    with all_rows():
        return once_told(_take_in, is_late=True)


def _take_in(sent: Operation) -> merging.Outcome:
    person_id, on = current_user.person_id, late.day_told(sent)
    wanted = select(Pupil).where(Pupil.public_id == request.args.get("pupil", ""))
    child = db.session.scalar(wanted) if sent.finish and on and on <= clock.today() else None
    if child is None or on is None:
        return abort(404)
    if late.office_on(person_id, child.id, clock.today(), still=True):
        return abort(403)
    office = late.office_on(person_id, child.id, on)
    return late.take_in(person_id, child, office, on, sent) if office else abort(404)


_IN_LISTS = (
    joinedload(LateVisit.draft).options(joinedload(VisitDraft.pupil), joinedload(VisitDraft.author)),
    joinedload(LateVisit.school_class),
)


@bp.get("/late")
@requires(LATE_DECIDE)
def late_visits() -> str:
    """What waits for the principal, the oldest first; below a page of it stands the way to the next."""
    wanted = LATE_DECIDE.rows(actor()).where(LateVisit.decided_at.is_(None)).options(*_IN_LISTS)
    return render("visits/late_visits.html", listing=page_of(wanted, [(LateVisit.id, False)]))


@bp.get("/late/<public_id>")
@requires(LATE_DECIDE)
def late_visit(public_id: str) -> str:
    """One of them whole, but for its sealed note, of which it only says that there is one."""
    return _page(public_id, LateRefusalForm(formdata=None))


def _page(public_id: str, form: LateRefusalForm) -> str:
    found = find(LATE_DECIDE, public_id, *_WHOLE)
    opened("F4", found, pupil_id=found.draft.pupil_id)
    with all_rows():
        told, lines = late.form_of(found), []
        for field in told:
            content = found.draft.values.get(field.name)
            if content and field.name not in _NOT_TOLD:
                lines.append((field.label.text, in_words(field, content)))
    return render(
        "visits/late_visit.html",
        late=found,
        lines=lines,
        has_sealed=bool(found.draft.values.get(GUARDED)),
        form=form,
    )


_NOT_TOLD = (GUARDED, "household", "held_on")
_WHOLE = (*late.WHOLE, joinedload(LateVisit.draft).joinedload(VisitDraft.author))


@bp.post("/late/<public_id>/acceptance")
@requires(LATE_DECIDE)
def accept_late(public_id: str) -> Answer:
    """It becomes a visit of its author; the family confirms it as any other."""
    found = find(LATE_DECIDE, public_id, *_WHOLE)
    late.accept(found, actor(), clock.now())
    assert found.draft.visit_id is not None
    return commit_and_go(
        url_for("visits.late_visits"), _("The visit is written down under its author's name.")
    )


@bp.post("/late/<public_id>/refusal")
@requires(LATE_DECIDE)
def refuse_late(public_id: str) -> Answer:
    """It becomes no visit; the author reads the reason."""
    form = LateRefusalForm()
    if not form.validate():
        return _page(public_id, form), 422
    found = find(LATE_DECIDE, public_id, *_WHOLE)
    late.refuse(found, form.reason.data or "", actor(), clock.now())
    return commit_and_go(url_for("visits.late_visits"), _("Not accepted. The author reads your reason."))


@bp.get("/late/<public_id>/answer")
@requires(LATE_TOLD)
def late_answer(public_id: str) -> str:
    """What the principal decided about a visit that one handed in late."""
    found = find(LATE_TOLD, public_id, *_WHOLE)
    opened("F4", found, pupil_id=found.draft.pupil_id)
    return render("visits/late_answer.html", late=found)


@bp.post("/late/<public_id>/answer")
@requires(LATE_TOLD)
def note_late_answer(public_id: str) -> Answer:
    """The author has read it: the card goes."""
    found = find(LATE_TOLD, public_id)
    found.seen_at = found.seen_at or clock.now()
    return commit_and_go(url_for("home.index"))
