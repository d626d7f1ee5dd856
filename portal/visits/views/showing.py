"""One visit as each side may read it: confirming, remarks, corrections, the sealed note."""

from typing import Any

from flask import url_for
from sqlalchemy.orm import joinedload, selectinload

from portal import clock
from portal.access import Role, actor, find, requires
from portal.accounts.stepping import step_up_required
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.schools import summaries
from portal.templating import render
from portal.trail.models import note
from portal.trail.reads import opened
from portal.visits import counting, loading, photos
from portal.visits.forms import (
    AnswerForm,
    ConfirmationForm,
    CorrectionForm,
    ReasonForm,
    RemarkForm,
)
from portal.visits.models import (
    Correction,
    SealedNote,
    Visit,
    VisitPart,
    VisitRemark,
)
from portal.visits.policy import (
    CORRECTION_ANSWER,
    SEALED_READ,
    VISIT_ANSWER,
    VISIT_FAMILY,
    VISIT_READ,
)
from portal.visits.views.blueprint import WORDS, Answer, bp


@bp.get("/<public_id>")
@requires(VISIT_READ)
def show(public_id: str) -> str:
    """A visit as its reader may see it: facts, and the story for those it belongs to."""
    return _show_page(public_id)


def _show_page(public_id: str, **forms: Any) -> str:
    visit = find(VISIT_READ, public_id, *loading.FACTS)
    acting = actor()
    story, along = loading.with_story(acting, visit)
    people = story or acting.role == Role.SCHOOL_OFFICE
    if story or (people and visit.counts and visit.others_met):
        opened("F4", visit)
    family = acting.role == Role.GUARDIAN
    author = acting.person_id == visit.author_id and acting.role == Role.CLASS_TEACHER
    corrected = story and any(one.answered_at is None for one in visit.corrections)
    return render(
        "visits/show.html",
        visit=visit,
        story=story,
        family=family,
        people=people,
        parts=[_readable(part, family or visit.school_id != acting.school_id) for part in visit.parts]
        if story
        else [],
        corrected=corrected,
        author=author,
        amendable=acting.role == Role.CLASS_TEACHER
        and visit.may_be_amended(acting.person_id, corrected, clock.now()),
        sealed=loading.sealed_within_reach(acting, visit),
        photos=photos.within_reach(visit, acting) if story else [],
        may_seal=along or author,
        along=along,
        joined=along and story and visit.takes_parts(corrected, clock.now()),
        has_part=story and any(part.author_id == acting.person_id for part in visit.parts),
        today=acting.on,
        may_answer=story and family and VISIT_ANSWER.holds_for(acting, visit),
        confirmation_form=forms.get("confirmation_form") or ConfirmationForm(formdata=None),
        remark_form=forms.get("remark_form") or RemarkForm(formdata=None),
        answer_form=forms.get("answer_form") or AnswerForm(formdata=None),
        form=next(iter(forms.values()), None) or ConfirmationForm(formdata=None),
        **WORDS,
    )


def _readable(part: VisitPart, outside: bool) -> tuple[str, str, str, bool]:
    """(author's name, hopes, note, note for the school only) of a part; family and later schools get no school note."""
    note_text = "" if outside and part.school_only else part.note
    return part.author.name, part.hopes, note_text, part.school_only and bool(note_text)


@bp.post("/<public_id>/confirmation")
@requires(VISIT_FAMILY)
def confirm(public_id: str) -> Answer:
    """The family says with one tap that it was so, with a remark if one likes."""
    visit = find(VISIT_FAMILY, public_id, selectinload(Visit.corrections))
    form = ConfirmationForm()
    if not form.validate():
        return _show_page(public_id, confirmation_form=form), 422
    counting.hold(visit.pupil_id)
    db.session.refresh(visit, ["confirmed_at", "confirmed_by_id"])
    first = visit.confirmed_at is None
    visit.confirm(actor().person_id, clock.now())
    if first:
        summaries.add(visit.school_id, visit.held_on, counting.VISITS_CONFIRMED, 1)
        note("visit.confirmed", visit, person_id=actor().person_id, role=actor().role)
    if form.body.data and VISIT_ANSWER.holds_for(actor(), visit):
        _add_remark(visit, form.body.data)
    return commit_and_go(url_for("visits.show", public_id=public_id), _("Thank you. The visit is confirmed."))


@bp.post("/<public_id>/remark")
@requires(VISIT_ANSWER)
def remark(public_id: str) -> Answer:
    """A guardian's own words about a visit."""
    visit = find(VISIT_ANSWER, public_id)
    form = RemarkForm()
    if not form.validate():
        return _show_page(public_id, remark_form=form), 422
    _add_remark(visit, form.body.data)
    return commit_and_go(url_for("visits.show", public_id=public_id), _("Your remark is saved."))


def _add_remark(visit: Visit, body: str | None) -> None:
    if body:
        db.session.add(
            VisitRemark(visit_id=visit.id, person_id=actor().person_id, body=body, written_at=clock.now())
        )


@bp.get("/<public_id>/correction")
@requires(VISIT_ANSWER)
def correction(public_id: str) -> str:
    """Where a family says what is not right."""
    visit = find(VISIT_ANSWER, public_id, joinedload(Visit.pupil), joinedload(Visit.author))
    return render("visits/correction.html", visit=visit, form=CorrectionForm(formdata=None))


@bp.post("/<public_id>/correction")
@requires(VISIT_ANSWER)
def ask_correction(public_id: str) -> Answer:
    """Ask the teacher to put something right; one request at a time."""
    visit = find(VISIT_ANSWER, public_id, joinedload(Visit.pupil), joinedload(Visit.author))
    form = CorrectionForm()
    if not form.validate():
        return render("visits/correction.html", visit=visit, form=form), 422
    counting.hold(visit.pupil_id)
    if loading.has_open_correction(visit):
        raise RuleBroken(_("A correction is asked for already. The teacher answers it first."))
    db.session.add(
        Correction(visit_id=visit.id, person_id=actor().person_id, body=form.body.data, asked_at=clock.now())
    )
    note("correction.asked", visit, person_id=actor().person_id, role=actor().role)
    return commit_and_go(url_for("visits.show", public_id=public_id), _("The teacher will answer you here."))


@bp.post("/corrections/<public_id>/answer")
@requires(CORRECTION_ANSWER)
def answer_correction(public_id: str) -> Answer:
    """The author answers; the family may confirm after."""
    asked = find(CORRECTION_ANSWER, public_id, joinedload(Correction.visit))
    visit_id = asked.visit.public_id
    form = AnswerForm()
    if not form.validate():
        return _show_page(visit_id, answer_form=form), 422
    asked.reply(form.answer.data, actor().person_id, clock.now())
    note("correction.answered", asked.visit, person_id=actor().person_id, role=actor().role)
    return commit_and_go(url_for("visits.show", public_id=visit_id), _("The family sees your answer."))


@bp.get("/sealed/<public_id>")
@requires(SEALED_READ)
def sealed(public_id: str) -> str:
    """Asks why a sealed note is to be opened; shows nothing of it."""
    found = find(SEALED_READ, public_id, joinedload(SealedNote.visit).joinedload(Visit.pupil))
    return render("visits/sealed.html", sealed=found, form=ReasonForm(formdata=None), opened=False)


@bp.post("/sealed/<public_id>")
@requires(SEALED_READ)
@step_up_required
def unseal(public_id: str) -> Answer:
    """Show a sealed note once; reader, reason and time go into the trail before the text goes out."""
    options = (joinedload(SealedNote.visit).joinedload(Visit.pupil), joinedload(SealedNote.author))
    found = find(SEALED_READ, public_id, *options)
    form = ReasonForm()
    if not form.validate():
        return render("visits/sealed.html", sealed=found, form=form, opened=False), 422
    opened("F4S", found, pupil_id=found.visit.pupil_id, purpose=form.reason.data)
    return render("visits/sealed.html", sealed=found, form=form, opened=True)
