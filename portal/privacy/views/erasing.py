"""Requests for deletion as people make them and as schools decide them; holds that stand against it."""

from datetime import datetime

from flask import url_for
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal import clock
from portal.access import Actor, Role, actor, find, requires
from portal.accounts.stepping import step_up_required
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.paging import page_of
from portal.privacy import erasing
from portal.privacy.forms import DecisionForm, ErasureForm, HoldForm
from portal.privacy.models import (
    GROUND_NAMES,
    PART_NAMES,
    ErasureKind,
    ErasureRequest,
    ErasureState,
    Ground,
    LegalHold,
    Part,
)
from portal.privacy.policy import ERASURE_DECIDE, ERASURE_LIST, ERASURE_OWN, HOLD_SET
from portal.privacy.views.blueprint import Answer, bp, form_page
from portal.schools.calendar import add_working_days
from portal.schools.models import Pupil, School
from portal.schools.policy import own_children
from portal.templating import render
from portal.trail.models import note
from portal.trail.reads import opened

SHOWN = 20


@bp.get("/erasure")
@requires(ERASURE_OWN)
def erasures() -> str:
    """One's requests, newest first, with the school's decisions."""
    found = db.session.scalars(
        ERASURE_OWN.rows(actor())
        .options(joinedload(ErasureRequest.pupil))
        .order_by(ErasureRequest.id.desc())
        .limit(SHOWN)
    ).all()
    wanted = {asked.school_id for asked in found}
    schools = {
        key: name
        for key, name in db.session.execute(select(School.id, School.name).where(School.id.in_(wanted)))
    }
    return render(
        "privacy/erasures.html",
        found=found,
        parts=PART_NAMES,
        grounds=GROUND_NAMES,
        schools=schools,
        today=actor().on,
    )


def _gone(acting: Actor) -> dict[str, str]:
    """Public id → name of the guardian's children that have left."""
    rows = db.session.execute(
        select(Pupil.public_id, Pupil.name)
        .where(own_children(acting), Pupil.left_on <= acting.on)
        .order_by(Pupil.id)
    )
    return {public_id: name for public_id, name in rows}


def _schools_of(acting: Actor, part: str) -> list[int]:
    """Every school that decides about one's request: those that keep what it is about (PIPL art. 47)."""
    found = erasing.schools_of(acting.person_id, acting.on)
    if acting.role != Role.GUARDIAN and acting.school_id is not None:
        found = list(dict.fromkeys([acting.school_id, *found]))
    if not found:
        raise RuleBroken(_("No school keeps data about you. Ask the office that gave you your account."))
    if part in (Part.OPINIONS, Part.VISIT_TEXTS):
        return erasing.schools_keeping(acting.person_id, Part(part)) or found[:1]
    return found


@bp.route("/erasure/new", methods=["GET", "POST"])
@requires(ERASURE_OWN)
@step_up_required
def new_erasure() -> Answer:
    """Ask the school to delete something."""
    acting = actor()
    form = ErasureForm(_gone(acting))
    if not form.sent_and_valid():
        return form_page("privacy/new_erasure.html", form=form)
    kind, _colon, name = form.what.data.partition(":")
    child = None
    if kind == ErasureKind.CHILD:
        child = db.session.scalar(select(Pupil).where(own_children(acting), Pupil.public_id == name))
    part = name if kind == ErasureKind.PART else ""
    schools = erasing.schools_of_child(child) if child is not None else _schools_of(acting, part)
    same = select(ErasureRequest.id).where(
        ErasureRequest.person_id == acting.person_id,
        ErasureRequest.kind == kind,
        ErasureRequest.part == part,
        or_(ErasureRequest.pupil_id.is_(None), ErasureRequest.pupil_id == (child.id if child else None)),
        ErasureRequest.state.in_((ErasureState.OPEN, ErasureState.PROPOSED)),
    )
    if db.session.scalar(same) is not None:
        raise RuleBroken(_("You have asked for this already. The school is dealing with it."))
    now, due_on = clock.now(), add_working_days(acting.on, erasing.DECIDE_WITHIN)
    for school_id in schools:
        made = ErasureRequest(
            person_id=acting.person_id,
            pupil_id=child.id if child else None,
            school_id=school_id,
            kind=kind,
            part=part,
            asked_at=now,
            due_on=due_on,
            state=ErasureState.OPEN,
            parts=[],
            ground="",
            reply="",
            effect={},
        )
        made.words = form.words.data or ""
        db.session.add(made)
        db.session.flush()
        note("erasure.asked", made, person_id=acting.person_id, role=acting.role, kind=kind)
    told = _told(len(schools), due_on.isoformat(), shared=made.is_shared)
    return commit_and_go(url_for(".erasures"), told)


def _told(schools: int, day: str, *, shared: bool) -> str:
    """What the person reads once the request is sent."""
    if schools == 1:
        return _("The school has your request and decides by %(day)s.", day=day)
    if shared:
        return _("%(count)s schools decide by %(day)s. It goes when all have agreed.", count=schools, day=day)
    return _("%(count)s schools decide by %(day)s, each about what it keeps.", count=schools, day=day)


@bp.post("/erasure/<public_id>/withdrawal")
@requires(ERASURE_OWN)
def withdraw_erasure(public_id: str) -> Response:
    """Take a request back while nothing is deleted."""
    for one in erasing.together(find(ERASURE_OWN, public_id)):
        if one.is_open or one.public_id == public_id:
            one.withdraw(clock.now())
            note("erasure.withdrawn", one, person_id=actor().person_id, role=actor().role)
    return commit_and_go(url_for(".erasures"), _("Your request is withdrawn. Nothing is deleted."))


@bp.get("/requests")
@requires(ERASURE_LIST)
def requests() -> str:
    """Requests that wait for the school, first what is due first; for the district those that are overdue."""
    listing = page_of(
        ERASURE_LIST.rows(actor())
        .where(ErasureRequest.waits_for_school())
        .options(joinedload(ErasureRequest.person), joinedload(ErasureRequest.pupil)),
        [(ErasureRequest.due_on, False), (ErasureRequest.id, False)],
    )
    ids = {row.school_id for row in listing.rows}
    schools = {
        key: name
        for key, name in db.session.execute(select(School.id, School.name).where(School.id.in_(ids)))
    }
    return render(
        "privacy/requests.html",
        listing=listing,
        schools=schools,
        parts=PART_NAMES,
        today=actor().on,
        decides=ERASURE_DECIDE.admits(actor().role),
    )


@bp.route("/requests/<public_id>", methods=["GET", "POST"])
@requires(ERASURE_DECIDE)
def request_page(public_id: str) -> Answer:
    """One request: what stands against it, and the school's decision."""
    asked = find(
        ERASURE_DECIDE, public_id, joinedload(ErasureRequest.person), joinedload(ErasureRequest.pupil)
    )
    acting = actor()
    standing = erasing.blocked(asked, acting.on) if asked.is_open else []
    form = DecisionForm(whole=asked.is_whole, data={"ground": standing[0].ground if standing else ""})
    if not form.sent_and_valid():
        opened("F4", asked, subject_id=asked.person_id, purpose="erasure")
        return form_page(
            "privacy/request_page.html",
            form=form,
            asked=asked,
            blocks=standing,
            children=_children(asked),
            parts=PART_NAMES,
            grounds=GROUND_NAMES,
            seconds=asked.state == ErasureState.PROPOSED
            and not asked.waits_for_others
            and acting.person_id not in (asked.decided_by_id, asked.person_id),
            today=acting.on,
        )
    now, reply = clock.now(), form.reply.data
    erasing.together(asked)
    if form.decision.data == "refuse":
        asked.refuse(acting.person_id, now, Ground(form.ground.data), reply)
        note("erasure.refused", asked, person_id=acting.person_id, role=acting.role, ground=asked.ground)
        if asked.is_shared:
            erasing.settle(asked, now, acting.on)
        return commit_and_go(url_for(".requests"), _("The person reads your decision with its ground."))
    erasing.refuse_blocked(asked, acting.on)
    some = [Part(part).value for part in form.parts.data] if form.decision.data == "some" else []
    asked.grant(acting.person_id, now, reply, some, form.ground.data if some else "")
    note("erasure.granted", asked, person_id=acting.person_id, role=acting.role, parts=some)
    if asked.is_whole:
        return commit_and_go(url_for(".requests"), _("A second person of the school has to confirm it now."))
    if asked.waits_for_others and asked.is_shared:
        return _settled(asked, now)
    effect = erasing.carry_out(asked, now, acting.on)
    if asked.is_shared:
        erasing.settle(asked, now, acting.on)
    note("erasure.done", asked, person_id=acting.person_id, role=acting.role, tables=len(effect))
    return _deleted()


def _settled(asked: ErasureRequest, at: datetime) -> Response:
    """This school has agreed: it goes now, or when the others have agreed."""
    acting = actor()
    effect = erasing.settle(asked, at, acting.on)
    if not effect:
        return commit_and_go(
            url_for(".requests"),
            _("Confirmed. Other schools decide as well; the person reads what becomes of it."),
        )
    note("erasure.done", asked, person_id=acting.person_id, role=acting.role, tables=len(effect))
    return _deleted()


def _deleted() -> Response:
    gone = commit_and_go(url_for(".requests"), _("Deleted. The person reads your decision."))
    erasing.remove_objects()
    return gone


def _children(asked: ErasureRequest) -> list[Pupil]:
    """The children of a request whose data the acting person may keep; those of another school are not named."""
    if not HOLD_SET.admits(actor().role):
        return []
    ids = erasing.pupils_of(asked)
    return list(db.session.scalars(HOLD_SET.rows(actor()).where(Pupil.id.in_(ids)).order_by(Pupil.id)))


@bp.post("/requests/<public_id>/confirmation")
@requires(ERASURE_DECIDE)
@step_up_required
def confirm_erasure(public_id: str) -> Response:
    """The second person confirms, and a whole record is deleted."""
    asked = find(ERASURE_DECIDE, public_id)
    acting = actor()
    whole = len(erasing.together(asked))
    asked.second(acting.person_id)
    note("erasure.confirmed", asked, person_id=acting.person_id, role=acting.role, schools=whole)
    return _settled(asked, clock.now())


@bp.route("/pupils/<public_id>/hold", methods=["GET", "POST"])
@requires(HOLD_SET)
def hold(public_id: str) -> Answer:
    """Keep a child's data for an investigation, or end that."""
    child = find(HOLD_SET, public_id)
    acting = actor()
    standing = db.session.scalars(
        select(LegalHold)
        .where(
            LegalHold.pupil_id == child.id,
            or_(LegalHold.ended_on.is_(None), LegalHold.ended_on > acting.on),
        )
        .order_by(LegalHold.id)
    ).all()
    form = HoldForm()
    if not form.sent_and_valid():
        if standing:
            opened("F4", standing[0], pupil_id=child.id, purpose="hold")
        return form_page("privacy/hold.html", form=form, pupil=child, standing=standing)
    made = LegalHold(pupil_id=child.id, reason=form.reason.data, started_on=acting.on, by_id=acting.person_id)
    db.session.add(made)
    db.session.flush()
    note("hold.set", made, person_id=acting.person_id, role=acting.role, pupil_id=child.id)
    return commit_and_go(
        url_for(".hold", public_id=child.public_id),
        _("Nothing about this child is deleted until you end it."),
    )


@bp.post("/pupils/<public_id>/hold/end")
@requires(HOLD_SET)
def end_hold(public_id: str) -> Response:
    """End every hold on a child's data."""
    child = find(HOLD_SET, public_id)
    acting = actor()
    standing = db.session.scalars(
        select(LegalHold).where(LegalHold.pupil_id == child.id, LegalHold.ended_on.is_(None))
    ).all()
    for one in standing:
        one.ended_on = acting.on
        note("hold.ended", one, person_id=acting.person_id, role=acting.role, pupil_id=child.id)
    return commit_and_go(
        url_for(".hold", public_id=child.public_id), _("Ended. The ordinary periods count again.")
    )
