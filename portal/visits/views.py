"""Home visits: the teacher's due list and record, the family's page, the school's list."""

import re
import uuid
from typing import Any

from flask import Blueprint, request, url_for
from sqlalchemy import and_, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response

from portal import clock
from portal.access import Role, actor, find, requires
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.schools import summaries
from portal.schools.calendar import year_start
from portal.schools.models import Enrolment, Pupil, SchoolClass
from portal.schools.policy import CLASS_READ, in_force, own_children
from portal.templating import render
from portal.trail.models import note
from portal.visits import counting, due, loading
from portal.visits.forms import (
    CHILD,
    NO_ANSWER,
    AnswerForm,
    ConfirmationForm,
    CorrectionForm,
    InvitationForm,
    ReasonForm,
    RemarkForm,
    TickForm,
    VisitForm,
)
from portal.visits.homes import Home, homes_of
from portal.visits.inviting import held, invite
from portal.visits.models import (
    FORM_NAMES,
    OWNER_NAMES,
    PRIORITY_NAMES,
    Correction,
    FollowUp,
    Form,
    Invitation,
    InvitationState,
    Outcome,
    SealedNote,
    Visit,
    VisitMet,
    VisitPart,
    VisitRemark,
)
from portal.visits.policy import (
    CORRECTION_ANSWER,
    INVITATION_ANSWER,
    INVITATION_READ,
    INVITATION_WITHDRAW,
    PUPIL_VISIT,
    SEALED_READ,
    STEP_TICK,
    STEPS_READ,
    VISIT_AMEND,
    VISIT_FAMILY,
    VISIT_READ,
    VISIT_SCHOOL,
    narrative_scope,
)
from portal.visits.recording import Account, already_written, amend, record

bp = Blueprint("visits", __name__, url_prefix="/visits")

Answer = str | tuple[str, int] | Response
CLIENT_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
WORDS = {"forms": FORM_NAMES, "owners": OWNER_NAMES, "priorities": PRIORITY_NAMES}


def _class_today(pupil: Pupil) -> tuple[SchoolClass, Enrolment]:
    """The teacher's class and the pupil's place in it; the permission has shown that both hold today."""
    row = db.session.execute(
        select(SchoolClass, Enrolment)
        .join(Enrolment, Enrolment.class_id == SchoolClass.id)
        .where(
            SchoolClass.id == actor().class_id, Enrolment.pupil_id == pupil.id, in_force(Enrolment, actor())
        )
        .limit(1)
    ).one()
    return row[0], row[1]


# The class teacher's list


@bp.get("/")
@requires(PUPIL_VISIT)
def index() -> str:
    """Whose visit is due, by urgency; ``?group=`` shows one part, ``?q=`` finds a name."""
    everyone = due.entries(actor())
    groups = due.grouped(everyone)
    group = request.args.get("group", "")
    query = request.args.get("q", "").strip()[:60]
    shown = groups.get(group, everyone)
    return render(
        "visits/index.html",
        entries=[entry for entry in shown if due.matches(entry.pupil, query)],
        counts={name: len(found) for name, found in groups.items()},
        total=len(everyone),
        group=group if group in groups else "",
        query=query,
        open_steps=_open_steps(),
        **WORDS,
    )


def _open_steps() -> int:
    mine = select(func.count()).where(STEPS_READ.within(actor()), FollowUp.done_on.is_(None))
    return db.session.scalar(mine) or 0


@bp.get("/pupils/<public_id>")
@requires(PUPIL_VISIT)
def pupil(public_id: str) -> str:
    """One pupil: where the family stands, and every visit across the years."""
    child = find(PUPIL_VISIT, public_id)
    visits, more = loading.newest_first(
        VISIT_READ.rows(actor()).where(Visit.pupil_id == child.id), request.args.get("after")
    )
    invitation = db.session.scalar(
        INVITATION_READ.rows(actor())
        .where(Invitation.pupil_id == child.id)
        .order_by(Invitation.id.desc())
        .limit(1)
    )
    steps = db.session.scalars(
        STEPS_READ.rows(actor())
        .where(FollowUp.pupil_id == child.id, FollowUp.done_on.is_(None))
        .order_by(FollowUp.due_on, FollowUp.id)
        .limit(loading.PAGE_LENGTH)
    ).all()
    return render(
        "visits/pupil.html",
        pupil=child,
        homes=homes_of(child, actor().on),
        invitation=invitation,
        visits=visits,
        more=more,
        steps=steps,
        today=actor().on,
        **WORDS,
    )


# Invitations


@bp.get("/invitations/new")
@requires(PUPIL_VISIT)
def new_invitation() -> str:
    """The form to invite a pupil's family; every way to meet is offered unless the teacher takes one away."""
    child = find(PUPIL_VISIT, request.args.get("pupil", ""))
    homes = homes_of(child, actor().on)
    form = InvitationForm(homes, data={"forms": list(FORM_NAMES)})
    if len(homes) == 1:
        form.household.data = homes[0].key
    return render("visits/new_invitation.html", form=form, pupil=child)


@bp.post("/invitations")
@requires(PUPIL_VISIT)
def send_invitation() -> Answer:
    """Invite the family."""
    child = find(PUPIL_VISIT, request.form.get("pupil", ""))
    form = InvitationForm(homes_of(child, actor().on))
    home = form.home
    if not form.validate() or home is None:
        return render("visits/new_invitation.html", form=form, pupil=child), 422
    school_class, _place = _class_today(child)
    invitation = invite(
        child,
        school_class,
        home.household_id,
        actor(),
        form.times,
        [one for one in FORM_NAMES if one in form.forms.data],
        form.purpose.data,
        clock.now(),
    )
    note("invitation.sent", invitation, person_id=actor().person_id, role=actor().role)
    return commit_and_go(
        url_for("visits.invitation", public_id=invitation.public_id),
        _("The invitation is on the family's page."),
    )


@bp.get("/invitations/<public_id>")
@requires(INVITATION_READ)
def invitation(public_id: str) -> str:
    """An invitation: the family answers it here, the teacher sees the answer."""
    found = find(
        INVITATION_READ,
        public_id,
        joinedload(Invitation.pupil),
        joinedload(Invitation.author),
        joinedload(Invitation.school_class),
        joinedload(Invitation.answered_by),
    )
    return render(
        "visits/invitation.html",
        invitation=found,
        family=actor().role == Role.GUARDIAN,
        now=clock.now(),
        **WORDS,
    )


@bp.post("/invitations/<public_id>/acceptance")
@requires(INVITATION_ANSWER)
def accept(public_id: str) -> Response:
    """Take a time and a form; without a choice, the first that was proposed (the one-tap answer)."""
    found = find(INVITATION_ANSWER, public_id)
    now = clock.now()
    coming = [at for at in found.proposed if at > now] or found.proposed
    wanted = request.form.get("time") or coming[0].isoformat()
    at = next((one for one in found.proposed if one.isoformat() == wanted), None)
    if at is None:
        raise RuleBroken(_("Choose one of the proposed times."), status=422)
    found.accept(at, request.form.get("form") or found.forms[0], actor().person_id, now)
    note("invitation.accepted", found, person_id=actor().person_id, role=actor().role)
    return commit_and_go(
        url_for("visits.invitation", public_id=public_id), _("Settled. The teacher sees your answer.")
    )


@bp.post("/invitations/<public_id>/refusal")
@requires(INVITATION_ANSWER)
def decline(public_id: str) -> Response:
    """Rather not now; no reason is asked."""
    found = find(INVITATION_ANSWER, public_id)
    found.decline(actor().person_id, clock.now())
    note("invitation.declined", found, person_id=actor().person_id, role=actor().role)
    return commit_and_go(
        url_for("visits.invitation", public_id=public_id), _("That is all right. The teacher knows.")
    )


@bp.post("/invitations/<public_id>/withdrawal")
@requires(INVITATION_WITHDRAW)
def withdraw(public_id: str) -> Response:
    """The teacher takes the invitation back."""
    found = find(INVITATION_WITHDRAW, public_id, joinedload(Invitation.pupil))
    found.withdraw()
    note("invitation.withdrawn", found, person_id=actor().person_id, role=actor().role)
    return commit_and_go(
        url_for("visits.pupil", public_id=found.pupil.public_id), _("The invitation is taken back.")
    )


# Writing a visit down


@bp.get("/new")
@requires(PUPIL_VISIT)
def new() -> str:
    """The one-page form of a visit; day, time and way come from an accepted invitation when its time has come."""
    child = find(PUPIL_VISIT, request.args.get("pupil", ""))
    school_class, place = _class_today(child)
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
    form = VisitForm(homes, place.started_on, data=given)
    return _visit_page(form, child, str(uuid.uuid4()))


def _visit_page(form: VisitForm, child: Pupil, client_id: str) -> str:
    return render(
        "visits/new.html",
        form=form,
        pupil=child,
        client_id=client_id,
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
    school_class, place = _class_today(child)
    form = VisitForm(homes_of(child, actor().on), place.started_on)
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
    start = clock.local(visit.held_at)
    until = None
    if visit.minutes:
        end = start.hour * 60 + start.minute + visit.minutes
        until = start.replace(hour=end // 60 % 24, minute=end % 60).time()
    given: dict[str, Any] = {
        "household": home.key,
        "how": visit.form or NO_ANSWER,
        "held_on": visit.held_on,
        "held_time": start.time(),
        "until": until,
        "met": [*([CHILD] if visit.child_met else []), *(one.guardianship.public_id for one in visit.met)],
        "others_met": visit.others_met,
        "hopes": part.hopes,
        "note": part.note,
        "school_only": part.school_only,
        "gift_refused": visit.gift_refused,
    }
    for number, step in enumerate((one for one in visit.steps if one.done_on is None), start=1):
        given |= {
            f"step_{number}_what": step.what,
            f"step_{number}_owner": step.owner,
            f"step_{number}_due_on": step.due_on,
        }
    form = VisitForm([home], earliest_on, data=given)
    return _edit_page(form, visit)


def _edit_page(form: VisitForm, visit: Visit) -> str:
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
    )
    if not visit.may_be_amended(actor().person_id, loading.has_open_correction(visit), clock.now()):
        raise RuleBroken(_("This visit can no longer be changed. The family can ask for a correction."))
    part = next(one for one in visit.parts if one.author_id == visit.author_id)
    homes = homes_of(visit.pupil, actor().on)
    home = next((one for one in homes if one.household_id == visit.household_id), None)
    if home is None:
        raise RuleBroken(_("This family is no longer on the roster as it was. Ask the school office."))
    _school_class, place = _class_today(visit.pupil)
    return visit, part, home, place.started_on


@bp.post("/<public_id>/amendment")
@requires(VISIT_AMEND)
def change(public_id: str) -> Answer:
    """Mend one's own visit; who and when stays visible."""
    visit, part, home, earliest_on = _to_amend(public_id)
    form = VisitForm([home], earliest_on)
    if not form.validate():
        return _edit_page(form, visit), 422
    account: Account = form.account()
    amend(visit, part, actor(), account, clock.now())
    return commit_and_go(
        url_for("visits.show", public_id=public_id), _("The change is saved. The family can confirm it now.")
    )


# One visit


@bp.get("/<public_id>")
@requires(VISIT_READ)
def show(public_id: str) -> str:
    """A visit as its reader may see it: facts, and the story for those it belongs to."""
    return _show_page(public_id)


def _show_page(public_id: str, **forms: Any) -> str:
    visit = find(VISIT_READ, public_id, *loading.FACTS)
    acting = actor()
    story = loading.may_read_story(acting, visit)
    if story:
        visit = find(VISIT_READ, public_id, *loading.FACTS, *loading.STORY)
    family = acting.role == Role.GUARDIAN
    corrected = story and any(one.answered_at is None for one in visit.corrections)
    return render(
        "visits/show.html",
        visit=visit,
        story=story,
        family=family,
        people=story or acting.role == Role.SCHOOL_OFFICE,
        parts=[_readable(part, family) for part in visit.parts] if story else [],
        corrected=corrected,
        author=acting.person_id == visit.author_id and acting.role == Role.CLASS_TEACHER,
        amendable=acting.role == Role.CLASS_TEACHER
        and visit.may_be_amended(acting.person_id, corrected, clock.now()),
        sealed=loading.sealed_within_reach(acting, visit),
        today=acting.on,
        confirmation_form=forms.get("confirmation_form") or ConfirmationForm(formdata=None),
        remark_form=forms.get("remark_form") or RemarkForm(formdata=None),
        answer_form=forms.get("answer_form") or AnswerForm(formdata=None),
        form=next(iter(forms.values()), None) or ConfirmationForm(formdata=None),
        **WORDS,
    )


def _readable(part: VisitPart, family: bool) -> tuple[str, str, str, bool]:
    """(author's name, hopes, note, note for the school only) of a part; the family never gets a school note."""
    note_text = "" if family and part.school_only else part.note
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
    _add_remark(visit, form.body.data)
    return commit_and_go(url_for("visits.show", public_id=public_id), _("Thank you. The visit is confirmed."))


@bp.post("/<public_id>/remark")
@requires(VISIT_FAMILY)
def remark(public_id: str) -> Answer:
    """A guardian's own words about a visit."""
    visit = find(VISIT_FAMILY, public_id)
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
@requires(VISIT_FAMILY)
def correction(public_id: str) -> str:
    """Where a family says what is not right."""
    visit = find(VISIT_FAMILY, public_id, joinedload(Visit.pupil), joinedload(Visit.author))
    return render("visits/correction.html", visit=visit, form=CorrectionForm(formdata=None))


@bp.post("/<public_id>/correction")
@requires(VISIT_FAMILY)
def ask_correction(public_id: str) -> Answer:
    """Ask the teacher to put something right; one request at a time."""
    visit = find(VISIT_FAMILY, public_id, joinedload(Visit.pupil), joinedload(Visit.author))
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
def unseal(public_id: str) -> Answer:
    """Show a sealed note once; reader, reason and time go into the trail before the text goes out."""
    options = (joinedload(SealedNote.visit).joinedload(Visit.pupil), joinedload(SealedNote.author))
    found = find(SEALED_READ, public_id, *options)
    form = ReasonForm()
    if not form.validate():
        return render("visits/sealed.html", sealed=found, form=form, opened=False), 422
    note(
        "sealed_note.opened",
        found,
        person_id=actor().person_id,
        role=actor().role,
        reason=form.reason.data,
    )
    db.session.commit()
    found = find(SEALED_READ, public_id, *options)
    return render("visits/sealed.html", sealed=found, form=form, opened=True)


# Agreed steps


@bp.get("/follow-ups")
@requires(STEPS_READ)
def follow_ups() -> str:
    """Agreed steps of the class by day; ``?done=1`` shows those ticked off."""
    done = request.args.get("done") == "1"
    query = STEPS_READ.rows(actor()).where(
        FollowUp.done_on.is_not(None) if done else FollowUp.done_on.is_(None)
    )
    edge = db.session.execute(
        select(FollowUp.due_on, FollowUp.id).where(FollowUp.public_id == request.args.get("after", ""))
    ).first()
    if edge is not None:
        later = and_(FollowUp.due_on == edge.due_on, FollowUp.id > edge.id)
        query = query.where(or_(FollowUp.due_on > edge.due_on, later))
    found = list(
        db.session.scalars(
            query.options(joinedload(FollowUp.pupil))
            .order_by(FollowUp.due_on, FollowUp.id)
            .limit(loading.PAGE_LENGTH + 1)
        )
    )
    steps = found[: loading.PAGE_LENGTH]
    more = steps[-1].public_id if len(found) > loading.PAGE_LENGTH else None
    return render("visits/follow_ups.html", steps=steps, more=more, done=done, today=actor().on, **WORDS)


@bp.get("/follow-ups/<public_id>")
@requires(STEP_TICK)
def follow_up(public_id: str) -> str:
    """One agreed step, to tick off with a line."""
    return _step_page(public_id, TickForm(formdata=None))


def _step_page(public_id: str, form: TickForm) -> str:
    step = find(
        STEP_TICK,
        public_id,
        joinedload(FollowUp.pupil),
        joinedload(FollowUp.visit),
        joinedload(FollowUp.done_by),
    )
    family = actor().role == Role.GUARDIAN
    return render("visits/follow_up.html", step=step, form=form, family=family, today=actor().on, **WORDS)


@bp.post("/follow-ups/<public_id>/completion")
@requires(STEP_TICK)
def finish(public_id: str) -> Answer:
    """Tick a step off; on or before its day it counts as in time."""
    step = find(STEP_TICK, public_id, joinedload(FollowUp.visit))
    form = TickForm()
    if not form.validate():
        return _step_page(public_id, form), 422
    counting.hold(step.pupil_id)
    db.session.refresh(step, ["done_on", "done_by_id"])
    step.finish(actor().person_id, form.line.data or "", actor().on)
    if actor().on <= step.due_on:
        summaries.add(step.school_id, step.due_on, counting.STEPS_IN_TIME, 1)
    note("follow_up.done", step, person_id=actor().person_id, role=actor().role)
    to = (
        url_for("visits.show", public_id=step.visit.public_id)
        if actor().role == Role.GUARDIAN
        else url_for("visits.follow_ups")
    )
    return commit_and_go(to, _("Ticked off."))


# The family's page


@bp.get("/family")
@requires(VISIT_FAMILY)
def family() -> str:
    """A guardian's children: what waits for an answer, own steps, and all visits across the years."""
    acting = actor()
    children = db.session.scalars(
        select(Pupil).where(own_children(acting)).order_by(Pupil.name_pinyin, Pupil.id)
    ).all()
    visits, more = loading.newest_first(VISIT_READ.rows(acting), request.args.get("after"))
    own = set(
        db.session.scalars(
            select(Visit.id).where(
                Visit.id.in_([visit.id for visit in visits]),
                VISIT_FAMILY.within(acting),
                narrative_scope(acting),
            )
        )
    )
    steps = db.session.scalars(
        STEP_TICK.rows(acting)
        .where(FollowUp.done_on.is_(None))
        .options(joinedload(FollowUp.pupil))
        .order_by(FollowUp.due_on, FollowUp.id)
        .limit(loading.PAGE_LENGTH)
    ).all()
    waiting = (InvitationState.OPEN, InvitationState.ACCEPTED)
    invitations = db.session.scalars(
        INVITATION_READ.rows(acting)
        .where(Invitation.state.in_(waiting))
        .options(joinedload(Invitation.pupil), joinedload(Invitation.author))
        .order_by(Invitation.id.desc())
        .limit(loading.PAGE_LENGTH)
    ).all()
    return render(
        "visits/family.html",
        children=children,
        visits=visits,
        own=own,
        more=more,
        steps=steps,
        invitations=invitations,
        today=acting.on,
        **WORDS,
    )


# The school's list


@bp.get("/school")
@requires(VISIT_SCHOOL)
def school() -> str:
    """The school's visits of this school year with three filters, and the coverage of each class."""
    acting = actor()
    year_on = year_start(acting.on)
    classes = db.session.scalars(
        CLASS_READ.rows(acting)
        .where(SchoolClass.id.in_(select(Enrolment.class_id).where(in_force(Enrolment, acting))))
        .order_by(SchoolClass.name, SchoolClass.id)
    ).all()
    query = VISIT_SCHOOL.rows(acting).where(Visit.year_on == year_on, Visit.outcome == Outcome.MET)
    chosen = {name: request.args.get(name, "") for name in ("class", "form", "state")}
    of_class = next((one for one in classes if one.public_id == chosen["class"]), None)
    if of_class is not None:
        query = query.where(Visit.class_id == of_class.id)
    if chosen["form"] in FORM_NAMES:
        query = query.where(Visit.form == Form(chosen["form"]))
    if chosen["state"] == "unconfirmed":
        query = query.where(loading.unconfirmed())
    visits, more = loading.newest_first(query, request.args.get("after"))
    return render(
        "visits/school.html",
        visits=visits,
        more=more,
        classes=classes,
        chosen=chosen,
        coverage=_coverage(year_on),
        **WORDS,
    )


def _coverage(year_on: Any) -> dict[int, tuple[int, int]]:
    """Class id → (pupils visited this school year, pupils), for the school's classes of today: two queries."""
    acting = actor()
    of_school = Enrolment.school_id == acting.school_id, in_force(Enrolment, acting)
    number = func.count(Enrolment.pupil_id.distinct())
    pupils = select(Enrolment.class_id, number).where(*of_school).group_by(Enrolment.class_id)
    met = Visit.year_on == year_on, Visit.outcome == Outcome.MET
    seen = pupils.join(Visit, Visit.pupil_id == Enrolment.pupil_id).where(*met)
    visited = {class_id: found for class_id, found in db.session.execute(seen)}
    return {class_id: (visited.get(class_id, 0), found) for class_id, found in db.session.execute(pupils)}
