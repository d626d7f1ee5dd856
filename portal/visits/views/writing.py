"""Writing a visit down, and mending it."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from flask import abort, request, url_for
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response

from portal import clock
from portal.access import actor, find, requires
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.operations import CLIENT_ID
from portal.schools.models import Pupil
from portal.staffing.delegating import colleagues
from portal.templating import render
from portal.trail.reads import opened
from portal.visits import loading, merging
from portal.visits.drafts import DRAFT, VisitDraft
from portal.visits.forms import VisitForm
from portal.visits.homes import Home, homes_of
from portal.visits.inviting import held
from portal.visits.models import (
    Visit,
    VisitCompanion,
    VisitMet,
    VisitPart,
)
from portal.visits.policy import (
    PUPIL_VISIT,
    VISIT_AMEND,
)
from portal.visits.recording import Account, already_written, amend, record
from portal.visits.retelling import as_typed, company_typed
from portal.visits.views.blueprint import WORDS, Answer, bp, class_today


@bp.get("/new")
@requires(PUPIL_VISIT)
def new() -> str:
    """The one-page form of a visit; day, time and way come from an accepted invitation when its time has come."""
    child = find(PUPIL_VISIT, request.args.get("pupil", ""))
    school_class, place = class_today(child)
    homes = homes_of(child, actor().on)
    here = clock.local(clock.now())
    given: dict[str, Any] = {"held_on": here.date(), "held_time": here.time()}
    for home in homes:
        booked = held(school_class.school_id, home.household_id)
        if booked is not None and booked.chosen_at is not None and booked.pupil_id == child.id:
            given["household"] = home.key
            given["how"] = booked.chosen_form
            if booked.chosen_at <= clock.now():
                at = clock.local(booked.chosen_at)
                given["held_on"], given["held_time"] = at.date(), at.time()
    draft = _draft_of(child)
    if draft is not None:
        typed = merging.as_form(draft)
        form = VisitForm(homes, place.started_on, colleagues(actor()), formdata=typed)
        bases = {part.field: part.revision for part in draft.parts}
        return _visit_page(form, child, draft.client_id, bases, draft.public_id)
    form = VisitForm(homes, place.started_on, colleagues(actor()), data=given)
    return _visit_page(form, child, str(uuid.uuid4()))


def _draft_of(child: Pupil) -> VisitDraft | None:
    """The unfinished draft that ``?draft=`` names, to go on with."""
    if not request.args.get("draft"):
        return None
    draft = find(
        DRAFT, request.args["draft"], selectinload(VisitDraft.parts), selectinload(VisitDraft.clashes)
    )
    if draft.pupil_id != child.id or draft.finished_at is not None:
        abort(404)
    opened("F4", draft)
    return draft


def _visit_page(
    form: VisitForm, child: Pupil, client_id: str, bases: Mapping[str, int] | None = None, draft_id: str = ""
) -> str:
    """``bases``: the revisions of the draft that the form goes on with, ``draft_id`` its public id."""
    if child.priority:
        opened("F4", child)
    return render(
        "visits/new.html",
        form=form,
        pupil=child,
        client_id=client_id,
        draft_id=draft_id,
        bases=json.dumps(bases or {}),
        step_fields=list(form.steps()),
        **WORDS,
    )


@bp.post("/")
@requires(PUPIL_VISIT)
def create() -> Answer:
    """Write a visit down. The same client id again is the same visit, however often it is sent."""
    child = find(PUPIL_VISIT, request.form.get("pupil", ""))
    client_id = request.form.get("client_id", "").lower()
    if not CLIENT_ID.fullmatch(client_id):
        client_id = str(uuid.uuid4())
    written = already_written(actor().person_id, client_id)
    if written is not None:
        return _written(written)
    school_class, place = class_today(child)
    form = VisitForm(homes_of(child, actor().on), place.started_on, colleagues(actor()))
    if not form.validate():
        return _visit_page(form, child, client_id), 422
    author = actor()
    try:
        visit = record(child, school_class, author, client_id, form.account(), clock.now())
    except IntegrityError:
        db.session.rollback()
        written = already_written(author.person_id, client_id)
        if written is None:
            raise
        return _written(written)
    merging.close(author.person_id, client_id, visit, clock.now())
    return _written(visit)


def _written(visit: Visit) -> Response:
    message = (
        _("The visit is saved. The family can confirm it now.")
        if visit.counts
        else _("The attempt is noted.")
    )
    return commit_and_go(url_for("visits.show", public_id=visit.public_id), message)


@bp.get("/<public_id>/edit")
@requires(VISIT_AMEND)
def edit(public_id: str) -> str:
    """The form to mend one's own visit."""
    visit, part, home, earliest_on = _to_amend(public_id)
    given = as_typed(visit, part, home.key) | company_typed(visit)
    form = VisitForm([home], earliest_on, _colleagues(visit), data=given)
    return _edit_page(form, visit)


def _colleagues(visit: Visit) -> dict[str, str]:
    """Who may be named as having gone along: the colleagues of today, and those who stand there already."""
    there = {one.person.public_id: one.person.name for one in visit.company if one.person}
    return {**colleagues(actor()), **there}


def _edit_page(form: VisitForm, visit: Visit) -> str:
    opened("F4", visit)
    return render("visits/edit.html", form=form, visit=visit, step_fields=list(form.steps()), **WORDS)


def _to_amend(public_id: str) -> tuple[Visit, VisitPart, Home, Any]:
    """The visit with its author's part, its home as it stands today, and the earliest possible day."""
    visit = find(
        VISIT_AMEND,
        public_id,
        joinedload(Visit.pupil),
        selectinload(Visit.met).joinedload(VisitMet.guardianship),
        selectinload(Visit.steps),
        selectinload(Visit.parts),
        selectinload(Visit.company).joinedload(VisitCompanion.person),
    )
    if not visit.may_be_amended(actor().person_id, loading.has_open_correction(visit), clock.now()):
        raise RuleBroken(_("This visit can no longer be changed. The family can ask for a correction."))
    part = next(one for one in visit.parts if one.author_id == visit.author_id)
    homes = homes_of(visit.pupil, actor().on)
    home = next((one for one in homes if one.household_id == visit.household_id), None)
    if home is None:
        raise RuleBroken(_("This family is no longer on the roster as it was. Ask the school office."))
    _school_class, place = class_today(visit.pupil)
    return visit, part, home, place.started_on


@bp.post("/<public_id>/amendment")
@requires(VISIT_AMEND)
def change(public_id: str) -> Answer:
    """Mend one's own visit; who and when stays visible."""
    visit, part, home, earliest_on = _to_amend(public_id)
    form = VisitForm([home], earliest_on, _colleagues(visit))
    if not form.validate():
        return _edit_page(form, visit), 422
    account: Account = form.account()
    amend(visit, part, actor(), account, clock.now())
    return commit_and_go(
        url_for("visits.show", public_id=public_id), _("The change is saved. The family can confirm it now.")
    )
