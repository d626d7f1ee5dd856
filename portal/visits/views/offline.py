"""Visits without a network: taking families along, the shell, what devices send back, texts to choose between."""

from collections.abc import Callable
from typing import Any

from flask import abort, jsonify, request, url_for
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response
from wtforms import BooleanField

from portal import assets, clock, once, operations
from portal.access import actor, find, requires, signed_in
from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import listing
from portal.once import commit_and_go
from portal.schools.models import Pupil
from portal.staffing.delegating import colleagues
from portal.templating import render
from portal.trail.models import note
from portal.trail.reads import opened
from portal.visits import merging, packing
from portal.visits.drafts import DRAFT, GUARDED, VisitDraft
from portal.visits.forms import VisitForm
from portal.visits.homes import homes_of
from portal.visits.policy import PUPIL_VISIT
from portal.visits.views.blueprint import WORDS, Answer, bp, class_today

Told = tuple[Response, int]
TRIES = 3
"""Two copies of one operation may meet; the second finds what the first has done."""


@bp.post("/pupils/<public_id>/drafts")
@requires(PUPIL_VISIT)
def take_in(public_id: str) -> Told:
    """What a device has written about a visit to this pupil.

    201 stored, 200 sent before, 409 with ``kept`` when both texts are kept and a choice is due, 409 without when the
    visit is written down already, 410 when it was deleted, 422 with the fields that do not hold, or with the portal's
    ``format`` when the app is of another age. The device may let go of an operation on 200, 201 and 409 with ``kept``.
    """
    find(PUPIL_VISIT, public_id)
    return once_told(lambda sent: merging.take_in(_telling(find(PUPIL_VISIT, public_id)), sent))


def once_told(act: Callable[[operations.Operation], merging.Outcome], is_late: bool = False) -> Told:
    """Read what a device sends, do it once however often it comes, and tell the device what became of it.

    ``act`` works in the current transaction; it is asked again when a copy of the same operation came in between.
    """
    if not request.is_json:
        abort(415)
    if len(request.get_data()) > operations.MOST_BYTES:
        abort(413)
    names = set(VisitForm([], clock.today(), formdata=MultiDict())._fields)
    try:
        key, sent = operations.read(request.get_data(), names)
    except operations.OtherFormat as refused:
        return told("format", 422, format=operations.FORMAT, message=refused.message)
    for _attempt in range(TRIES):
        before = once.answered(key)
        if before is not None:
            return _again(sent, before)
        try:
            return _tell(act(sent), key, sent, is_late)
        except IntegrityError:
            db.session.rollback()
    return abort(503)


def _telling(child: Pupil) -> merging.Telling:
    school_class, place = class_today(child)
    return merging.Telling(child, school_class, place.started_on, actor(), clock.now())


def _tell(outcome: merging.Outcome, key: str, sent: operations.Operation, is_late: bool) -> Told:
    if outcome.form is not None:
        fields = dict(reversed(list(outcome.form.problems())))
        db.session.rollback()
        return told("wrong", 422, fields=fields)
    if outcome.is_gone or outcome.is_closed:
        at = url_for("visits.show", public_id=outcome.visit.public_id) if outcome.visit else ""
        db.session.rollback()
        return told("gone", 410) if outcome.is_gone else told("closed", 409, kept=False, address=at)
    clashes = outcome.clashes
    state = "clash" if clashes else "written" if outcome.visit and sent.finish else "draft"
    address = url_for("visits.draft", public_id=outcome.draft.public_id)
    if is_late:
        clashes, state, address = [], "late", ""
    elif state == "written" and outcome.visit:
        address = url_for("visits.show", public_id=outcome.visit.public_id)
    once.keep_answer(key, address, state)
    revisions = _revisions(outcome.draft, sent)
    db.session.commit()
    status = {"clash": 409, "late": 403}.get(state, 201)
    return told(state, status, kept=True, address=address, revisions=revisions, clashes=clashes)


def _revisions(draft: VisitDraft, sent: operations.Operation) -> dict[str, int]:
    """The revisions on which this device stands now: of the fields that hold its own text."""
    return {part.field: part.revision for part in draft.parts if part.device == sent.device and part.revision}


def _again(sent: operations.Operation, before: once.OnceKey) -> Told:
    draft = db.session.scalar(
        DRAFT.rows(actor())
        .where(VisitDraft.client_id == sent.client_id)
        .options(selectinload(VisitDraft.parts), selectinload(VisitDraft.clashes))
    )
    revisions = _revisions(draft, sent) if draft else {}
    return told(before.message, 200, kept=True, address=before.location, revisions=revisions)


def told(state: str, status: int, **more: Any) -> Told:
    """What became of what a device sent: a word, the portal's time, and more as the word needs it."""
    return jsonify(state=state, now=clock.now().isoformat(), **more), status


@bp.get("/offline/standing")
@signed_in
def standing() -> Response:
    """Who a device would send as, the token to send with, and the time it is here; also after the office has ended."""
    person = db.session.scalar(select(Person.public_id).where(Person.id == current_user.person_id))
    return jsonify(person=person, token=generate_csrf(), now=clock.now().isoformat())


@bp.get("/take-along")
@requires(PUPIL_VISIT)
def take_along() -> str:
    """Agreed meetings with tick boxes, those of today ticked; the other pupils of the class below."""
    meetings = packing.agreed(actor())
    return render(
        "visits/take_along.html",
        meetings=[
            (one, clock.local(one.chosen_at).date() == actor().on) for one in meetings if one.chosen_at
        ],
        others=packing.others(actor(), meetings),
        most=packing.MOST_FAMILIES,
        **WORDS,
    )


@bp.get("/take-along/package")
@requires(PUPIL_VISIT)
def package() -> Response:
    """The families chosen (``?pupil=`` for each), and the names of those who may go along, as one JSON package."""
    wanted = list(dict.fromkeys(request.args.getlist("pupil")))
    if not 0 < len(wanted) <= packing.MOST_FAMILIES:
        find(PUPIL_VISIT, "")
    families = []
    for public_id in wanted:
        child = find(PUPIL_VISIT, public_id)
        last = packing.last_visit(actor(), child)
        if last is not None:
            opened("F4", last)
        families.append(packing.family(actor(), child, last))
    return jsonify(
        families=families,
        colleagues=colleagues(actor()),
        format=operations.FORMAT,
        now=clock.now().isoformat(),
    )


@bp.get("/offline")
@requires(PUPIL_VISIT)
def offline() -> str:
    """The shell that works without a network. It holds nobody's data: the device keeps it for whoever opens it."""
    form = VisitForm([], clock.today(), formdata=None)
    return render("visits/offline.html", form=form, step_fields=list(form.steps()), **WORDS)


@bp.get("/worker.js")
@requires(PUPIL_VISIT)
def worker() -> Response:
    """The service worker of the shell, for the whole portal. Another shell, another version: then browsers renew it."""
    return assets.worker(offline(), url_for("visits.offline"), "visits", "/")


@bp.get("/drafts/<public_id>")
@requires(DRAFT)
def draft(public_id: str) -> str:
    """One draft: texts that met, side by side, for its author to choose between."""
    return _draft_page(find(DRAFT, public_id, *_WHOLE))


_WHOLE = (
    joinedload(VisitDraft.pupil),
    joinedload(VisitDraft.visit),
    selectinload(VisitDraft.parts),
    selectinload(VisitDraft.clashes),
)


def _draft_page(found: VisitDraft) -> str:
    opened("F4", found)
    form = VisitForm(homes_of(found.pupil, actor().on), clock.today(), colleagues(actor()), formdata=None)
    values = found.values
    clashes = [one for one in found.open_clashes if one.field != GUARDED]
    pairs = [
        (
            one,
            form[one.field].label.text,
            in_words(form[one.field], values.get(one.field)),
            in_words(form[one.field], one.content),
        )
        for one in clashes
    ]
    return render("visits/draft.html", draft=found, pairs=pairs, **WORDS)


def in_words(field: Any, content: Any) -> str:
    """What a field says, in words: choices by their names, days and ticks as they are read."""
    texts = content if isinstance(content, list) else [content or ""]
    names = {choice.value: str(choice.label) for choice in getattr(field, "choices", None) or ()}
    if isinstance(field, BooleanField):
        names = {"y": _("Yes"), "": _("No")}
    return listing([names.get(text, text) for text in texts])


@bp.post("/drafts/<public_id>/choice")
@requires(DRAFT)
def choose(public_id: str) -> Answer:
    """Keep what stands, the other text, or both."""
    found = find(DRAFT, public_id, *_WHOLE)
    clash = next((one for one in found.clashes if one.public_id == request.form.get("clash")), None)
    keep = request.form.get("keep", "")
    if clash is None or keep not in (merging.THIS, merging.OTHER, merging.BOTH):
        raise RuleBroken(_("Choose one of the two texts."), status=422)
    outcome = merging.choose(found, clash, keep, _telling(found.pupil))
    if outcome.form is not None:
        raise RuleBroken(_("This text does not fit the visit: %(why)s", why=_first(outcome.form)), status=422)
    waiting = bool(outcome.clashes)
    to = url_for("visits.draft", public_id=public_id)
    if not waiting and outcome.visit is not None:
        to = url_for("visits.show", public_id=outcome.visit.public_id)
    return commit_and_go(to, _("Your choice is kept."))


@bp.post("/drafts/<public_id>/removal")
@requires(DRAFT)
def discard_draft(public_id: str) -> Answer:
    """Throw an unfinished draft away. A device that still holds a text of its own may hand that in all the same."""
    found = find(DRAFT, public_id, *_WHOLE)
    if found.finished_at is not None:
        raise RuleBroken(_("This visit is written down already. Change the visit instead."))
    to = url_for("visits.pupil", public_id=found.pupil.public_id)
    note(
        "visit.draft_discarded",
        found,
        person_id=actor().person_id,
        role=actor().role,
        pupil_id=found.pupil_id,
    )
    db.session.delete(found)
    return commit_and_go(to, _("The draft is thrown away."))


def _first(form: VisitForm) -> str:
    return next(message for _id, message in form.problems())
