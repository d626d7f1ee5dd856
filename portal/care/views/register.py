"""The left-behind register and its contact log."""

from datetime import timedelta

from flask import request, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal import clock
from portal.access import actor, find, requires
from portal.care import registering
from portal.care.forms import ContactForm, LeftBehindForm
from portal.care.models import CareContact, LeftBehind
from portal.care.policy import CARE_CONTACT, CARE_OPEN, CARE_REGISTER
from portal.care.settings import CONTACT_DAYS
from portal.care.views.blueprint import WORDS, Answer, bp, form_page, found, log
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.paging import page_of
from portal.templating import render
from portal.trail.reads import opened
from portal.visits.homes import homes_of


@bp.get("/register")
@requires(CARE_REGISTER)
def register() -> str:
    """The left-behind children, longest without contact first. The office reads no narratives."""
    acting = actor()
    days = CONTACT_DAYS.on(acting.on, school_id=acting.school_id)
    rows = CARE_REGISTER.rows(acting).where(LeftBehind.ended_on.is_(None))
    listing = page_of(
        rows.options(joinedload(LeftBehind.pupil)), [(LeftBehind.contacted_on, False), (LeftBehind.id, False)]
    )
    return render(
        "care/register.html",
        listing=listing,
        days=days,
        late_before=acting.on - timedelta(days=days),
        opens=CARE_CONTACT.admits(acting.role),
        **WORDS,
    )


@bp.route("/pupils/<public_id>/register", methods=["GET", "POST"])
@requires(CARE_OPEN)
def new_left_behind(public_id: str) -> Answer:
    """Put a child on the register."""
    pupil = find(CARE_OPEN, public_id)
    acting = actor()
    homes = homes_of(pupil, acting.on)
    form = LeftBehindForm(data={"carer": homes[0].label if homes else ""})
    if not form.sent_and_valid():
        return form_page("care/new_left_behind.html", form=form, pupil=pupil)
    made = registering.enter(
        pupil,
        acting.person_id,
        form.away.data,
        form.carer.data,
        form.whereabouts.data or "",
        form.agreed.data,
        acting.on,
    )
    log("care.left_behind_entered", made)
    return commit_and_go(
        url_for(".left_behind", public_id=made.public_id), _("Entered. Note each contact here.")
    )


def _entered(public_id: str) -> LeftBehind:
    entered: LeftBehind = found(CARE_CONTACT, public_id, joinedload(LeftBehind.pupil))
    return entered


def _page(entered: LeftBehind, form: ContactForm) -> Answer:
    opened("F4", entered)
    acting = actor()
    days = CONTACT_DAYS.on(acting.on, school_id=entered.school_id)
    late = entered.ended_on is None and entered.contacted_on <= acting.on - timedelta(days=days)
    log_of = select(CareContact).where(CareContact.left_behind_id == entered.id)
    listing = page_of(
        log_of.options(joinedload(CareContact.author)), [(CareContact.held_on, True), (CareContact.id, True)]
    )
    more = listing.more_url if request.method == "GET" else None
    return form_page(
        "care/left_behind.html", entered=entered, form=form, days=days, late=late, listing=listing, more=more
    )


@bp.get("/register/<public_id>")
@requires(CARE_CONTACT)
def left_behind(public_id: str) -> Answer:
    """One child of the register: who cares, what was agreed, each contact."""
    return _page(_entered(public_id), ContactForm(formdata=None, data={"held_on": actor().on}))


@bp.post("/register/<public_id>/contacts")
@requires(CARE_CONTACT)
def add_contact(public_id: str) -> Answer:
    """Note a contact."""
    entered = _entered(public_id)
    form = ContactForm()
    if not form.validate():
        return _page(entered, form)
    registering.contact(
        entered,
        actor().person_id,
        form.held_on.data,
        form.means.data,
        form.with_whom.data,
        form.line.data,
        clock.now(),
    )
    log("care.contact_noted", entered, means=form.means.data, held_on=str(form.held_on.data))
    return commit_and_go(url_for(".left_behind", public_id=public_id), _("The contact is noted."))


@bp.route("/register/<public_id>/edit", methods=["GET", "POST"])
@requires(CARE_CONTACT)
def edit_left_behind(public_id: str) -> Answer:
    """Change who cares, where the parents are, what was agreed."""
    entered = _entered(public_id)
    given = {name: getattr(entered, name) for name in ("away", "carer", "whereabouts", "agreed")}
    form = LeftBehindForm(data=given)
    if not form.sent_and_valid():
        opened("F4", entered)
        return form_page("care/edit_left_behind.html", form=form, entered=entered)
    entered.must_be_open()
    for name in given:
        setattr(entered, name, getattr(form, name).data or "")
    log("care.left_behind_changed", entered)
    return commit_and_go(url_for(".left_behind", public_id=public_id), _("Saved."))


@bp.post("/register/<public_id>/end")
@requires(CARE_CONTACT)
def end_left_behind(public_id: str) -> Answer:
    """Take the child off the register; what was noted stays in the file."""
    entered = _entered(public_id)
    registering.leave(entered, actor().on)
    log("care.left_behind_ended", entered)
    return commit_and_go(
        url_for(".left_behind", public_id=public_id), _("Taken off the register. The log stays in the file.")
    )
