"""Recoveries as those who ask, begin, approve and hand over see them."""

import io

from flask import Blueprint, current_app, request, send_file, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal import clock
from portal.access import actor, find, public, requires
from portal.accounts import arriving, limits
from portal.accounts.models import Person
from portal.accounts.stepping import step_up_required
from portal.deliveries.models import masked
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.jobs.queue import ring
from portal.once import commit_and_go
from portal.paging import page_of
from portal.recovery import jobs, recovering
from portal.recovery.finding import Candidate, candidates
from portal.recovery.forms import AskForm, EntryForm, StartForm
from portal.recovery.models import CHECKED_NAMES, LASTS, Checked, Recovery
from portal.recovery.policy import RECOVERY_DECIDE, RECOVERY_NEW, RECOVERY_READ, RECOVERY_START
from portal.signon import tying
from portal.templating import render
from portal.trail.models import note
from portal.trail.reads import opened

bp = Blueprint("recovery", __name__, url_prefix="/recovery")
Answer = str | Response | tuple[str, int]


def _page(template: str, **context: object) -> Answer:
    page = render(template, **context)
    return (page, 422) if request.method == "POST" else page


def _keep_to_limits(kind: str) -> None:
    if limits.count(kind, request.remote_addr or "") > limits.PER_ADDRESS:
        db.session.commit()
        raise RuleBroken(
            _("Too many attempts. Wait 15 minutes, then try again, or ask the school office."), 429
        )


# For everybody


@bp.route("/ask", methods=["GET", "POST"])
@public
def ask() -> Answer:
    """Ask the school for help; the same answer for everybody."""
    form = AskForm()
    if not form.sent_and_valid():
        return _page("recovery/ask.html", form=form)
    _keep_to_limits("recovery ask")
    asking_id = recovering.ask(form.name.data).id
    answer = commit_and_go(url_for(".asked"))
    ring(jobs.find_who_asked, asking_id=asking_id)
    return answer


@bp.get("/asked")
@public
def asked() -> str:
    """What happens next, the same for everybody."""
    return render("recovery/asked.html")


@bp.route("/code", methods=["GET", "POST"])
@public
def enter() -> Answer:
    """Enter number and code; then a new password is chosen."""
    form = EntryForm()
    if not form.sent_and_valid():
        return _page("recovery/enter.html", form=form)
    _keep_to_limits("recovery code")
    row = recovering.taken(form.number.data, form.code.data)
    if row is None:
        note("recovery.code_failed", None, person_id=None, object_kind=Recovery.__tablename__)
        db.session.commit()
        form.form_errors.append(
            _(
                "Number and code do not open anything. Check both; after five tries, or a day, ask for new ones."
            )
        )
        return _page("recovery/enter.html", form=form)
    person = db.session.get_one(Person, row.person_id)
    recovering.open_account(row, person)
    tying.untie(person.id)
    note("recovery.used", row, person_id=person.id, subject_id=person.id)
    return arriving.after_first_factor(person, arriving.RECOVERY)


# For the school and the district


@bp.get("/")
@requires(RECOVERY_READ)
def index() -> str:
    """Recoveries within reach: those that wait first seen, the newest first."""
    wanted = RECOVERY_READ.rows(actor()).options(joinedload(Recovery.person), joinedload(Recovery.school))
    return render(
        "recovery/index.html",
        listing=page_of(wanted, [(Recovery.id, True)]),
        now=clock.now(),
        may_begin=RECOVERY_NEW.admits(actor().role),
    )


@bp.route("/new", methods=["GET", "POST"])
@requires(RECOVERY_NEW)
@step_up_required
def new() -> Answer:
    """Find the person, say how one made sure, begin."""
    wanted = request.args.get("q", "").strip()[:40]
    key = request.values.get("person", "")[:60]
    chosen = next(iter(candidates(actor(), key=key)), None) if key else None
    form = StartForm()
    if chosen is None:
        found = candidates(actor(), wanted)
        return _page("recovery/new.html", found=found, wanted=wanted, chosen=None)
    if not form.sent_and_valid():
        return _page("recovery/new.html", form=form, found=[], wanted=wanted, chosen=chosen)
    row = recovering.open_of(chosen.person_id) or _fresh(chosen)
    return _begun(row, form)


def _fresh(chosen: Candidate) -> Recovery:
    row = Recovery(
        person_id=chosen.person_id,
        school_id=chosen.school_id,
        pupil_id=chosen.pupil_id,
        whose=chosen.whose,
        checked="",
        lost_second=False,
        tries=0,
        expires_at=clock.now() + LASTS,
    )
    db.session.add(row)
    return row


def _begun(row: Recovery, form: StartForm) -> Response:
    acting = actor()
    row.start(
        acting.person_id,
        Checked(form.checked.data),
        form.reason.data,
        bool(form.lost_second.data),
        clock.now(),
    )
    db.session.flush()
    recovering.tell_of_beginning(row, db.session.get_one(Person, row.person_id))
    note(
        "recovery.begun",
        row,
        person_id=acting.person_id,
        role=acting.role,
        subject_id=row.person_id,
        school_id=row.school_id,
        checked=row.checked,
    )
    return commit_and_go(url_for(".show", public_id=row.public_id), _("Now another person has to approve."))


@bp.get("/<public_id>")
@requires(RECOVERY_READ)
def show(public_id: str) -> str:
    """One recovery: where it stands and what may be done now."""
    acting = actor()
    row = find(
        RECOVERY_READ,
        public_id,
        joinedload(Recovery.person),
        joinedload(Recovery.school),
        joinedload(Recovery.pupil),
        joinedload(Recovery.started_by),
        joinedload(Recovery.approved_by),
    )
    if row.reason:
        opened("F3", row, subject_id=row.person_id)
    now = clock.now()
    is_open = row.is_open(now)
    may_start = RECOVERY_START.admits(acting.role) and RECOVERY_START.holds_for(acting, row)
    may_decide = RECOVERY_DECIDE.admits(acting.role) and RECOVERY_DECIDE.holds_for(acting, row)
    reach = row.person.phone or row.person.email or ""
    return render(
        "recovery/show.html",
        row=row,
        state=row.state(now),
        checked=CHECKED_NAMES[Checked(row.checked)] if row.checked else "",
        may_begin=is_open and may_start and row.started_at is None and acting.person_id != row.person_id,
        may_decide=is_open
        and may_decide
        and row.started_at is not None
        and row.approved_at is None
        and acting.person_id not in (row.started_by_id, row.person_id),
        may_hand=is_open and row.approved_at is not None and acting.person_id == row.started_by_id,
        may_refuse=is_open and (may_decide or may_start),
        has_paper=row.code is not None and row.code_kept_until is not None and now < row.code_kept_until,
        reach=masked(reach) if reach else "",
    )


def _locked(public_id: str) -> None:
    db.session.execute(select(Recovery.id).where(Recovery.public_id == public_id).with_for_update())


@bp.route("/<public_id>/start", methods=["GET", "POST"])
@requires(RECOVERY_START)
@step_up_required
def start(public_id: str) -> Answer:
    """Begin what somebody asked for on the public page."""
    if request.method == "POST":
        _locked(public_id)
    row = find(RECOVERY_START, public_id, joinedload(Recovery.person))
    if row.started_at is not None or not row.is_open(clock.now()):
        raise RuleBroken(_("This recovery has been begun already."))
    form = StartForm()
    if not form.sent_and_valid():
        return _page("recovery/start.html", form=form, row=row)
    return _begun(row, form)


@bp.post("/<public_id>/approval")
@requires(RECOVERY_DECIDE)
@step_up_required
def approve(public_id: str) -> Response:
    """The second person says yes."""
    _locked(public_id)
    row = find(RECOVERY_DECIDE, public_id)
    row.approve(actor().person_id, clock.now())
    _note("recovery.approved", row)
    return commit_and_go(
        url_for(".show", public_id=row.public_id), _("Approved. Whoever began it now hands the code over.")
    )


@bp.post("/<public_id>/refusal")
@requires(RECOVERY_READ)
def refuse(public_id: str) -> Response:
    """Say no, or stop what one has begun."""
    _locked(public_id)
    row = find(RECOVERY_READ, public_id)
    row.refuse(clock.now())
    _note("recovery.refused", row)
    return commit_and_go(
        url_for(".show", public_id=row.public_id), _("Stopped. Nothing comes of it any more.")
    )


@bp.post("/<public_id>/code")
@requires(RECOVERY_START)
@step_up_required
def make_code(public_id: str) -> Response:
    """Make number and code; print them, or send them to the person's own number or address."""
    _locked(public_id)
    row = find(RECOVERY_START, public_id)
    recovering.make_code(row, actor().person_id)
    by_message = request.form.get("by") == "message"
    if by_message:
        recovering.message(row, db.session.get_one(Person, row.person_id))
        row.code = None
    _note("recovery.code_made", row, by="message" if by_message else "paper")
    words = _("The code is on its way.") if by_message else _("The sheet can be printed for an hour.")
    return commit_and_go(url_for(".show", public_id=row.public_id), words)


@bp.get("/<public_id>/paper")
@requires(RECOVERY_START)
@step_up_required
def paper(public_id: str) -> Response:
    """The sheet as PDF, for whoever began it, within an hour."""
    row = find(RECOVERY_START, public_id, joinedload(Recovery.person))
    if actor().person_id != row.started_by_id:
        raise RuleBroken(_("Whoever began the recovery hands the code over."))
    address = current_app.config["ADDRESS"].rstrip("/") + url_for(".enter")
    if not current_app.config["ADDRESS"]:
        address = url_for(".enter", _external=True)
    return send_file(
        io.BytesIO(recovering.paper(row, address)), mimetype="application/pdf", download_name="recovery.pdf"
    )


def _note(action: str, row: Recovery, by: str = "") -> None:
    acting = actor()
    note(
        action,
        row,
        person_id=acting.person_id,
        role=acting.role,
        subject_id=row.person_id,
        school_id=row.school_id,
        by=by,
    )
