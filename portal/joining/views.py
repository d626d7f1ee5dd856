"""Joining: what the class teacher prints and decides, and the few pages a family walks through."""

import io
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, redirect, request, send_file, url_for
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response as BaseResponse

from portal import clock
from portal.access import actor, find, public, requires
from portal.accounts import limits
from portal.accounts.models import Person
from portal.accounts.phones import masked, normalised
from portal.errors import RuleBroken
from portal.extensions import Base, db
from portal.i18n import gettext as _
from portal.jobs.queue import ring
from portal.joining import admitting, asking, codes, deciding, helping, printing
from portal.joining.forms import (
    CodeForm,
    ConfirmForm,
    HelperForm,
    LimitForm,
    NewcomerForm,
    PhoneForm,
    RefusalForm,
    RelationForm,
    SheetForm,
)
from portal.joining.jobs import forget_codes
from portal.joining.models import (
    STATE_NAMES,
    JoiningRequest,
    JoiningSheet,
    JoiningSlip,
    RequestState,
    SlipState,
    Way,
)
from portal.joining.policy import (
    CLASS_JOIN,
    HELPER_ASK,
    HELPER_END,
    NEWS_SEEN,
    REQUEST_DECIDE,
    SHEET_PRINT,
    SHEET_READ,
    SLIP_REVOKE,
    TIE_LIMIT,
)
from portal.once import commit_and_go
from portal.schools.models import Flag, Guardianship, Pupil, SchoolClass
from portal.schools.policy import PUPIL_READ
from portal.templating import render
from portal.trail.models import note
from portal.trail.reads import opened

bp = Blueprint("joining", __name__, url_prefix="/join")
Answer = str | BaseResponse | tuple[str, int]
SHEETS_SHOWN = 20


def _form_page(template: str, **context: object) -> Answer:
    page = render(template, **context)
    return (page, 422) if request.method == "POST" else page


# The class teacher


def _own_class() -> SchoolClass:
    return db.session.scalars(CLASS_JOIN.rows(actor()).options(joinedload(SchoolClass.school))).one()


def _pupils() -> Sequence[Pupil]:
    return db.session.scalars(PUPIL_READ.rows(actor()).order_by(Pupil.name_pinyin, Pupil.id).limit(200)).all()


@bp.get("/class")
@requires(CLASS_JOIN)
def my_class() -> str:
    """Who of the class has joined, who asks to, and which slips are out."""
    acting, now = actor(), clock.now()
    pupils = _pupils()
    waiting = db.session.scalars(
        REQUEST_DECIDE.rows(acting)
        .where(JoiningRequest.state == RequestState.WAITING)
        .options(joinedload(JoiningRequest.pupil))
        .order_by(JoiningRequest.asked_at, JoiningRequest.id)
        .limit(100)
    ).all()
    sheets = db.session.scalars(
        SHEET_READ.rows(acting)
        .options(selectinload(JoiningSheet.slips))
        .order_by(JoiningSheet.id.desc())
        .limit(SHEETS_SHOWN)
    ).all()
    return render(
        "joining/my_class.html",
        school_class=_own_class(),
        places=printing.places(pupils, now),
        waiting=waiting,
        sheets=[(sheet, _open_of(sheet)) for sheet in sheets],
    )


def _open_of(sheet: JoiningSheet) -> int:
    now = clock.now()
    return sum(slip.state(now) == SlipState.OPEN for slip in sheet.slips)


@bp.route("/class/sheets/new", methods=["GET", "POST"])
@requires(CLASS_JOIN)
def new_sheet() -> Answer:
    """Choose for whom slips are printed; those whose family has not joined are chosen already."""
    pupils = _pupils()
    places = printing.places(pupils, clock.now())
    wanted = request.args.get("pupil")
    chosen = [
        place.pupil.public_id
        for place in places
        if (place.pupil.public_id == wanted if wanted else place.bound == 0 and place.open_slips == 0)
    ]
    form = SheetForm(
        {place.pupil.public_id: place.pupil.name for place in places},
        data={"pupils": chosen, "uses": "1", "days": "3"},
    )
    if not form.sent_and_valid():
        return _form_page("joining/new_sheet.html", form=form, places=places, single=wanted)
    sheet = printing.print_sheet(
        _own_class(),
        [pupil for pupil in pupils if pupil.public_id in form.pupils.data],
        uses=int(form.uses.data),
        days=int(form.days.data),
        printed_by_id=actor().person_id,
    )
    _note("joining.printed", sheet, slips=len(sheet.slips), uses=form.uses.data, days=form.days.data)
    return commit_and_go(
        url_for(".sheet", public_id=sheet.public_id), _("The slips are ready. Print them within the hour.")
    )


def _note(action: str, row: Base, **facts: Any) -> None:
    note(action, row, person_id=actor().person_id, role=actor().role, **facts)


WHOLE_SHEET = (
    joinedload(JoiningSheet.school_class),
    selectinload(JoiningSheet.slips).joinedload(JoiningSlip.pupil),
    selectinload(JoiningSheet.slips).joinedload(JoiningSlip.school),
)


@bp.get("/sheets/<public_id>")
@requires(SHEET_READ)
def sheet(public_id: str) -> str:
    """The slips of one sheet and how they stand; printable for an hour by whoever made them."""
    found = find(SHEET_READ, public_id, *WHOLE_SHEET)
    now = clock.now()
    return render(
        "joining/sheet.html",
        sheet=found,
        slips=[(slip, slip.state(now), codes.shown(slip.number)) for slip in found.slips],
        states={state.value: str(name) for state, name in STATE_NAMES.items()},
        open_slips=_open_of(found),
        can_print=found.can_be_printed(now) and found.printed_by_id == actor().person_id,
        rewritten=[
            slip.pupil.name for slip in found.slips if printing.printable(slip.pupil.name) != slip.pupil.name
        ],
    )


@bp.get("/sheets/<public_id>/paper")
@requires(SHEET_PRINT)
def paper(public_id: str) -> Response:
    """The slips as PDF, with their codes; while these are kept."""
    found = find(SHEET_PRINT, public_id, *WHOLE_SHEET)
    if not printing.kept_codes(found):
        raise RuleBroken(_("The codes of this sheet are no longer kept. Print new slips instead."), 410)
    answer = send_file(
        io.BytesIO(printing.paper(found)), mimetype="application/pdf", download_name="joining-slips.pdf"
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.post("/sheets/<public_id>/revocation")
@requires(SHEET_READ)
def revoke_sheet(public_id: str) -> BaseResponse:
    """Make all slips of a sheet worthless."""
    found = find(SHEET_READ, public_id, selectinload(JoiningSheet.slips))
    revoked = printing.revoke(found.slips)
    found.codes = None
    _note("joining.sheet_revoked", found, slips=revoked)
    answer = commit_and_go(url_for(".sheet", public_id=public_id), _("The slips are revoked."))
    ring(forget_codes)
    return answer


@bp.post("/slips/<public_id>/revocation")
@requires(SLIP_REVOKE)
def revoke(public_id: str) -> BaseResponse:
    """Make one slip worthless, because it was lost or went to the wrong hands."""
    slip = find(SLIP_REVOKE, public_id, joinedload(JoiningSlip.sheet))
    printing.revoke([slip])
    _note("joining.slip_revoked", slip, pupil_id=slip.pupil_id)
    return commit_and_go(url_for(".sheet", public_id=slip.sheet.public_id), _("The slip is revoked."))


def _asked(public_id: str) -> JoiningRequest:
    if request.method == "POST":
        db.session.execute(
            select(JoiningRequest.id).where(JoiningRequest.public_id == public_id).with_for_update()
        )
    return find(
        REQUEST_DECIDE, public_id, joinedload(JoiningRequest.pupil), joinedload(JoiningRequest.person)
    )


def _confirm_form(asked: JoiningRequest, around: deciding.Circle) -> ConfirmForm:
    """The choices, with the likely ones chosen: the guardian whose number or name was typed, the first household."""
    own = any(tie.person_id == asked.person_id for tie in around.ties)
    known = [] if own else around.unbound
    who = {tie.public_id: f"{tie.relation} {tie.person.name}" for tie in known}
    if own:
        who[deciding.NEW] = _("The guardian of the roster")
    else:
        who[deciding.NEW] = _("Somebody who is not on the roster yet")
    likely = [tie for tie in known if tie.id == asked.tie_id] or [
        tie for tie in known if tie.person.name == asked.name
    ]
    homes = {
        str(household_id): " ".join(f"{tie.relation} {tie.person.name}" for tie in ties)
        for household_id, ties in around.households.items()
    }
    homes[deciding.OWN_HOUSEHOLD] = _("a household of their own")
    asker = next((tie for tie in around.ties if tie.person_id == asked.asked_by_id), None)
    return ConfirmForm(
        who,
        homes,
        data={
            "who": likely[0].public_id if likely else deciding.NEW,
            "household": str(asker.household_id) if asker else next(iter(homes)),
            "limited_until": asked.until_on,
        },
    )


def _request_page(asked: JoiningRequest, form: ConfirmForm, around: deciding.Circle) -> str:
    on_roster = next((tie for tie in around.ties if tie.id == asked.tie_id), None)
    if asked.reason:
        opened("F3", asked)
    return render(
        "joining/request_page.html",
        asked=asked,
        form=form,
        phone=masked(asked.phone) if asked.phone else "",
        on_roster=on_roster,
        restricted=around.restricted,
        asker=next((tie for tie in around.ties if tie.person_id == asked.asked_by_id), None),
        has_account=asked.person_id is not None,
        knows=len(form.who.choices) > 1,
    )


@bp.get("/requests/<public_id>")
@requires(REQUEST_DECIDE)
def request_page(public_id: str) -> str:
    """Who asks to be let in: name, relation, the number with its middle hidden; confirm or decline."""
    asked = _asked(public_id)
    around = deciding.circle(asked.pupil_id)
    return _request_page(asked, _confirm_form(asked, around), around)


@bp.post("/requests/<public_id>/confirmation")
@requires(REQUEST_DECIDE)
def confirm(public_id: str) -> BaseResponse | tuple[str, int]:
    """Vouch for somebody: from now on they see the child."""
    asked = _asked(public_id)
    around = deciding.circle(asked.pupil_id)
    form = _confirm_form(asked, around)
    if not form.validate():
        return _request_page(asked, form, around), 422
    tie = next((tie for tie in around.unbound if tie.public_id == form.who.data), None)
    home = form.household.data or ""
    is_limited = asked.way == Way.GUARDIAN or bool(form.is_limited.data)
    decision = deciding.Decision(
        tie_id=tie.id if tie else None,
        household_id=int(home) if home.isdigit() else None,
        tells=not form.is_quiet.data,
        limited_from=clock.today() if is_limited else None,
        limited_until=form.limited_until.data if is_limited else None,
    )
    made = deciding.confirm(asked, decision, actor().person_id)
    _note(
        "joining.confirmed",
        asked,
        pupil_id=asked.pupil_id,
        subject_id=made.person_id,
        limited=is_limited,
        told=decision.tells,
    )
    words = _("%(name)s can now see the child.", name=asked.name)
    if asked.way == Way.GUARDIAN and db.session.get_one(Person, made.person_id).password_hash is None:
        words = _("%(name)s is entered. They sign in with a code, or join with a slip.", name=asked.name)
    return commit_and_go(url_for(".my_class"), words)


@bp.route("/requests/<public_id>/refusal", methods=["GET", "POST"])
@requires(REQUEST_DECIDE)
def decline(public_id: str) -> Answer:
    """Do not let somebody in, with a reason they read."""
    asked = _asked(public_id)
    deciding.refuse_decided(asked)
    form = RefusalForm()
    if not form.sent_and_valid():
        return _form_page("joining/decline.html", form=form, asked=asked)
    deciding.decline(asked, form.reason.data, actor().person_id)
    _note("joining.declined", asked, pupil_id=asked.pupil_id, way=asked.way)
    return commit_and_go(url_for(".my_class"), _("Declined. The person reads your reason."))


@bp.route("/guardians/<public_id>/limit", methods=["GET", "POST"])
@requires(TIE_LIMIT)
def limit(public_id: str) -> Answer:
    """Let a guardian see and confirm only, or lift that again."""
    tie = find(TIE_LIMIT, public_id, *WHOLE_TIE)
    form = LimitForm()
    is_limited = any(flag.kind == Flag.LIMITED for flag in tie.flags_on(actor().on))
    if not form.sent_and_valid():
        return _form_page("joining/limit.html", form=form, tie=tie, is_limited=is_limited)
    deciding.limit(tie, form.limited_until.data, tells=not form.is_quiet.data)
    _note("joining.limited", tie, pupil_id=tie.pupil_id, subject_id=tie.person_id)
    return commit_and_go(
        url_for("schools.pupil", public_id=tie.pupil.public_id), _("This guardian sees and confirms only.")
    )


@bp.post("/guardians/<public_id>/limit/end")
@requires(TIE_LIMIT)
def lift(public_id: str) -> BaseResponse:
    """The guardian may answer, write and sign again."""
    tie = find(TIE_LIMIT, public_id, *WHOLE_TIE)
    deciding.lift(tie)
    _note("joining.limit_lifted", tie, pupil_id=tie.pupil_id, subject_id=tie.person_id)
    return commit_and_go(url_for("schools.pupil", public_id=tie.pupil.public_id), _("The limit is lifted."))


WHOLE_TIE = (
    joinedload(Guardianship.person),
    joinedload(Guardianship.pupil),
    selectinload(Guardianship.flags),
)


# Helpers whom a guardian asks for


@bp.get("/helpers")
@requires(HELPER_ASK)
def helpers() -> str:
    """Whom one has asked for, and how each stands."""
    asked = db.session.scalars(
        HELPER_END.rows(actor())
        .options(
            joinedload(JoiningRequest.pupil), joinedload(JoiningRequest.tie).selectinload(Guardianship.flags)
        )
        .order_by(JoiningRequest.id.desc())
        .limit(SHEETS_SHOWN)
    )
    return render("joining/helpers.html", asked=asked.all(), on=actor().on)


@bp.route("/helpers/new", methods=["GET", "POST"])
@requires(HELPER_ASK)
def ask_helper() -> Answer:
    """Ask that a grandparent or another helper may see and confirm for a child."""
    children = {
        child.public_id: child
        for child in db.session.scalars(HELPER_ASK.rows(actor()).order_by(Pupil.name_pinyin, Pupil.id))
    }
    only = next(iter(children)) if len(children) == 1 else None
    form = HelperForm({key: child.name for key, child in children.items()}, data={"child": only})
    if not form.sent_and_valid():
        return _form_page("joining/ask_helper.html", form=form)
    until = form.limited_until.data
    asked = helping.ask(
        children[form.child.data],
        actor().person_id,
        name=form.name.data,
        relation=form.chosen_relation,
        phone=normalised(form.phone.data or ""),
        until_on=until + timedelta(days=1) if until else None,
    )
    _note("joining.helper_asked", asked, pupil_id=asked.pupil_id)
    return commit_and_go(url_for(".helpers"), _("Asked. The class teacher decides."))


@bp.post("/helpers/<public_id>/end")
@requires(HELPER_END)
def end_helper(public_id: str) -> BaseResponse:
    """Take the request back, or end what came of it."""
    db.session.execute(
        select(JoiningRequest.id).where(JoiningRequest.public_id == public_id).with_for_update()
    )
    asked = find(HELPER_END, public_id)
    helping.end(asked)
    _note("joining.helper_ended", asked, pupil_id=asked.pupil_id, subject_id=asked.person_id)
    return commit_and_go(url_for(".helpers"), _("Taken back. From now on they see nothing of the child."))


# The family


@bp.get("/")
@public
def start() -> str | BaseResponse:
    """The first page of joining: the code on the slip. A scanned square fills in the slip number only."""
    scanned = codes.plain(request.args.get("slip", ""))
    number = codes.shown(scanned) if len(scanned) == codes.NUMBER_LENGTH else ""
    return render(
        "joining/start.html",
        form=CodeForm(formdata=None, number=number),
        asked=admitting.request_in_hand(),
    )


@bp.post("/")
@public
def enter_code() -> BaseResponse | tuple[str, int]:
    """Try the code; nothing is used up by it."""
    form = CodeForm()
    if not form.validate():
        return render("joining/start.html", form=form, asked=None), 422
    number, code = codes.plain(form.number.data), codes.plain(form.code.data)
    answer = admitting.check(number, code, request.remote_addr)
    if answer.too_often:
        form.form_errors.append(_("Too many attempts from here. Wait 15 minutes, then try again."))
        return render("joining/start.html", form=form, asked=None), 429
    state = answer.slip.state(clock.now()) if answer.slip else None
    if answer.slip is None or state != SlipState.OPEN:
        form.form_errors.append(_no_entry(state))
        return render("joining/start.html", form=form, asked=None), 422
    gone_on = commit_and_go(url_for(".you"))
    admitting.remember_slip(gone_on, answer.slip)
    return gone_on


def _no_entry(state: SlipState | None) -> str:
    """Why a slip does not admit. Only the right code learns more than that something does not fit."""
    match state:
        case SlipState.EXPIRED:
            return _("This slip has expired. Ask the class teacher for a new one.")
        case SlipState.USED:
            return _("This slip has been used up. If that was not your family, ring the school today.")
        case SlipState.REVOKED:
            return _("The school has revoked this slip. Ask the class teacher for a new one.")
        case _:
            return _(
                "Slip number and code do not fit together, or the slip holds no more. After five wrong codes a slip"
                " stops working. Check both, or ask the class teacher for a new slip."
            )


def _signed_in_person() -> Person | None:
    return db.session.get(Person, current_user.person_id) if current_user.is_authenticated else None


@bp.route("/you", methods=["GET", "POST"])
@public
def you() -> Answer:
    """Who are you: relation to the child; name, number and password too when there is no account yet."""
    slip = admitting.slip_in_hand()
    if slip is None:
        return redirect(url_for(".start"), 303)
    state = slip.state(clock.now())
    if state != SlipState.OPEN:
        raise RuleBroken(_no_entry(state))
    person = _signed_in_person()
    form = RelationForm() if person else NewcomerForm()
    if not form.sent_and_valid():
        return _form_page("joining/you.html", form=form, person=person, school=slip.school.name)
    newcomer = form if isinstance(form, NewcomerForm) else None
    asked = asking.with_slip(
        slip,
        person=person,
        name=newcomer.name.data if newcomer else "",
        relation=form.chosen_relation,
        phone=newcomer.number if newcomer else None,
        password=newcomer.password.data if newcomer else None,
    )
    gone_on = commit_and_go(url_for(".waiting"))
    admitting.remember_request(gone_on, asked.public_id)
    return gone_on


@bp.route("/phone", methods=["GET", "POST"])
@public
def phone() -> Answer:
    """Joining without a slip, by a number that the school knows. The answer is the same for every number."""
    form = PhoneForm()
    if not form.sent_and_valid():
        return _form_page("joining/phone.html", form=form)
    here = admitting.place(request.remote_addr)
    tried = max(
        limits.count("joining by phone", form.number or "") - limits.PER_ACCOUNT,
        limits.count("joining by phone from", here) - admitting.PER_ADDRESS,
    )
    db.session.commit()
    if tried > 0:
        form.form_errors.append(
            _("Too many attempts. Wait 15 minutes, then try again, or ask the school office.")
        )
        return render("joining/phone.html", form=form), 429
    asking.with_phone(
        name=form.name.data,
        relation=form.chosen_relation,
        phone=form.number or "",
        password=form.password.data,
    )
    return commit_and_go(url_for(".sent"))


@bp.get("/sent")
@public
def sent() -> str:
    """After a request by phone: what happens next, the same for everybody."""
    return render("joining/sent.html")


@bp.get("/waiting")
@public
def waiting() -> str | BaseResponse:
    """How this browser's request stands."""
    asked = admitting.request_in_hand()
    if asked is None:
        return redirect(url_for(".start"), 303)
    return render("joining/waiting.html", asked=asked, has_account=asked.account_name is None)


@bp.post("/news/<public_id>/seen")
@requires(NEWS_SEEN)
def news_seen(public_id: str) -> BaseResponse:
    """The guardian has seen that somebody was added or limited."""
    told = find(NEWS_SEEN, public_id)
    told.seen_at = told.seen_at or clock.now()
    note("joining.news_seen", told, person_id=actor().person_id, role=actor().role)
    return commit_and_go(url_for("home.index"))
