"""The reach board, the pages where guardians put details right, and where the school decides."""

from typing import Any

from flask import Blueprint, request, url_for
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response

from portal import clock
from portal.access import actor, find, requires
from portal.accounts.phones import masked
from portal.contacts import changing, reach
from portal.contacts.changing import YES
from portal.contacts.forms import DeclineForm, DetailsForm
from portal.contacts.models import DETAIL_NAMES, ChangeRequest, Decision, Detail
from portal.contacts.policy import (
    CHANGE_ASK,
    CHANGE_DECIDE,
    CHANGE_OWN,
    NUMBER_NOTE,
    REACH_READ,
    REACH_SCHOOL,
)
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.paging import page_of
from portal.schools.models import Grade, Guardianship, SchoolClass, SchoolYear
from portal.templating import render
from portal.trail.models import note
from portal.trail.reads import opened

bp = Blueprint("contacts", __name__, url_prefix="/contacts")
Answer = str | Response | tuple[str, int]
MASKED_UNTIL_ASKED = frozenset({Detail.PHONE})


@bp.get("/reach")
@requires(REACH_READ)
def board() -> str:
    """The reach board of a class; ``class`` in the address chooses another class one may see."""
    chosen = request.args.get("class", "")
    classes = REACH_READ.rows(actor()).order_by(SchoolClass.id).limit(1)
    school_class = find(REACH_READ, chosen) if chosen else db.session.scalar(classes)
    lines = reach.of_class(school_class.id, actor(), clock.now()) if school_class else []
    counts = {kind: sum(line.reach == kind for line in lines) for kind in reach.Reach}
    return render(
        "contacts/board.html",
        school_class=school_class,
        lines=lines,
        counts=counts,
        names=reach.REACH_NAMES,
        ways=reach.NEXT_WAYS,
    )


@bp.get("/reach/school")
@requires(REACH_SCHOOL)
def school() -> str:
    """How well each class of the school is reached this year, in numbers that open the class's board."""
    acting = actor()
    assert acting.school_id is not None
    classes = db.session.scalars(
        REACH_SCHOOL.rows(acting)
        .join(Grade, Grade.id == SchoolClass.grade_id)
        .join(SchoolYear, SchoolYear.id == Grade.school_year_id)
        .where(SchoolYear.starts_on <= acting.on, SchoolYear.ends_on >= acting.on)
        .order_by(Grade.stage, Grade.level, SchoolClass.number)
    ).all()
    counts = reach.of_school(acting.school_id, acting, clock.now())
    return render("contacts/school.html", classes=classes, counts=counts)


@bp.post("/guardians/<public_id>/wrong-number")
@requires(NUMBER_NOTE)
def wrong_number(public_id: str) -> Answer:
    """Note that a guardian's number reaches nobody, or that it works after all (``works`` in the form)."""
    tie = find(NUMBER_NOTE, public_id)
    works = request.form.get("works") == "1"
    if works:
        changing.end_wrong_number(tie.person_id, clock.now())
    else:
        changing.note_wrong_number(tie.person_id, actor().person_id, clock.now())
    note(
        "contact.number_works" if works else "contact.number_wrong",
        tie,
        person_id=actor().person_id,
        role=actor().role,
        pupil_id=tie.pupil_id,
        subject_id=tie.person_id,
    )
    message = _("Noted: the number works.") if works else _("Noted: the number reaches nobody.")
    return commit_and_go(_board_of(tie), message)


def _board_of(tie: Guardianship) -> str:
    school_class = db.session.scalar(
        REACH_READ.rows(actor()).where(SchoolClass.id.in_(reach.class_ids_of(tie.pupil_id, actor()))).limit(1)
    )
    named: dict[str, Any] = {"class": school_class.public_id} if school_class else {}
    return url_for(".board", **named)


@bp.get("/mine")
@requires(CHANGE_ASK)
def mine() -> str:
    """My details for each child, and what became of what I asked."""
    acting = actor()
    ties = db.session.scalars(
        CHANGE_ASK.rows(acting)
        .options(joinedload(Guardianship.pupil), joinedload(Guardianship.person))
        .order_by(Guardianship.id)
    ).all()
    asked = db.session.scalars(
        CHANGE_OWN.rows(acting)
        .options(joinedload(ChangeRequest.pupil))
        .order_by(ChangeRequest.id.desc())
        .limit(20)
    ).all()
    return render("contacts/mine.html", ties=ties, asked=asked, details=DETAIL_NAMES, shown=shown)


def shown(detail: str, value: str | None) -> str:
    """A detail's value as people read it; a number stays masked."""
    if detail in changing.FLAGS:
        return _("Yes") if value == YES else _("No")
    if detail in MASKED_UNTIL_ASKED and value:
        return masked(value)
    return value or _("Not provided")


def _own_tie(public_id: str) -> Guardianship:
    return find(
        CHANGE_ASK,
        public_id,
        joinedload(Guardianship.pupil),
        joinedload(Guardianship.person),
        selectinload(Guardianship.flags),
    )


@bp.get("/mine/<public_id>")
@requires(CHANGE_ASK)
def edit(public_id: str) -> str:
    """The form with my details for one child; what is asked for already is filled in."""
    tie = _own_tie(public_id)
    values = changing.present(tie, actor().on)
    waiting = changing.open_requests(tie)
    values.update({Detail(one.detail): one.new or "" for one in waiting})
    form = DetailsForm(formdata=None, data={key: _typed(key, value) for key, value in values.items()})
    return render("contacts/edit.html", tie=tie, form=form, waiting=waiting)


def _typed(detail: Detail, value: str) -> str | bool:
    if detail in changing.FLAGS:
        return value == YES
    return value.removeprefix("+86") if detail == Detail.PHONE else value


@bp.post("/mine/<public_id>")
@requires(CHANGE_ASK)
def ask(public_id: str) -> Answer:
    """Ask the school for the changes; nothing changes before it says yes."""
    tie = _own_tie(public_id)
    form = DetailsForm()
    if not form.validate():
        return render("contacts/edit.html", tie=tie, form=form, waiting=[]), 422
    asked = changing.ask(tie, form.wanted(), actor().on, clock.now())
    db.session.flush()
    for one in asked:
        note(
            "change.asked",
            one,
            person_id=actor().person_id,
            role=actor().role,
            pupil_id=one.pupil_id,
            subject_id=one.person_id,
            detail=one.detail,
        )
    if not asked:
        return commit_and_go(url_for(".mine"), _("Nothing differs from what the school has."), kind="info")
    return commit_and_go(url_for(".mine"), _("Sent. The school looks at it and decides."))


@bp.post("/requests/<public_id>/withdrawal")
@requires(CHANGE_OWN)
def withdraw(public_id: str) -> Answer:
    """Take back what I asked for."""
    found = find(CHANGE_OWN, public_id)
    found.decide(Decision.WITHDRAWN, actor().person_id, clock.now())
    _note("change.withdrawn", found)
    return commit_and_go(url_for(".mine"), _("Taken back. Nothing changes."))


@bp.get("/requests")
@requires(CHANGE_DECIDE)
def requests() -> str:
    """What guardians ask to have changed and nobody has decided yet, the oldest first."""
    wanted = (
        CHANGE_DECIDE.rows(actor())
        .where(ChangeRequest.state == Decision.OPEN)
        .options(joinedload(ChangeRequest.pupil), joinedload(ChangeRequest.person))
    )
    listing = page_of(wanted, [(ChangeRequest.id, False)])
    return render("contacts/requests.html", listing=listing, details=DETAIL_NAMES)


_WHOLE = (
    joinedload(ChangeRequest.pupil),
    joinedload(ChangeRequest.person),
    joinedload(ChangeRequest.guardianship).joinedload(Guardianship.person),
    joinedload(ChangeRequest.guardianship).joinedload(Guardianship.pupil),
    joinedload(ChangeRequest.guardianship).selectinload(Guardianship.flags),
)


@bp.get("/requests/<public_id>")
@requires(CHANGE_DECIDE)
def show(public_id: str) -> str:
    """One detail: what stands there, what it should be."""
    return _show(find(CHANGE_DECIDE, public_id, *_WHOLE), DeclineForm(formdata=None))


def _show(found: ChangeRequest, form: DeclineForm) -> str:
    opened("F3", found, subject_id=found.person_id, purpose="change")
    stands = changing.present(found.guardianship, actor().on)[Detail(found.detail)]
    return render(
        "contacts/show.html",
        request_=found,
        name=DETAIL_NAMES[Detail(found.detail)],
        stands=_whole(found.detail, stands),
        wanted=_whole(found.detail, found.new),
        form=form,
    )


def _whole(detail: str, value: str | None) -> str:
    if detail == Detail.PHONE and value:
        return value.removeprefix("+86")
    return shown(detail, value)


@bp.post("/requests/<public_id>/approval")
@requires(CHANGE_DECIDE)
def approve(public_id: str) -> Answer:
    """Let the change hold from today."""
    found = find(CHANGE_DECIDE, public_id, *_WHOLE)
    found.decide(Decision.APPROVED, actor().person_id, clock.now())
    changing.apply(found, actor().on, clock.now())
    _note("change.approved", found)
    return commit_and_go(url_for(".requests"), _("Changed. The guardian sees it."))


@bp.post("/requests/<public_id>/refusal")
@requires(CHANGE_DECIDE)
def decline(public_id: str) -> Answer:
    """Leave everything as it is, with a reason that the guardian reads."""
    found = find(CHANGE_DECIDE, public_id, *_WHOLE)
    form = DeclineForm()
    if not form.validate():
        return _show(found, form), 422
    found.decide(Decision.DECLINED, actor().person_id, clock.now(), form.reason.data)
    _note("change.declined", found)
    return commit_and_go(url_for(".requests"), _("Declined. The guardian reads your reason."))


def _note(action: str, found: ChangeRequest) -> None:
    note(
        action,
        found,
        person_id=actor().person_id,
        role=actor().role,
        pupil_id=found.pupil_id,
        subject_id=found.person_id,
        detail=found.detail,
    )
