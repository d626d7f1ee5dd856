"""Pages of committees: those of one's places, one committee, an election, a meeting."""

from datetime import timedelta

from flask import Blueprint, abort, request, url_for
from sqlalchemy.orm import selectinload
from werkzeug.wrappers import Response

from portal.access import actor, find, requires
from portal.committees import forming, meeting
from portal.committees.forms import ElectionForm, MeetingForm, ReasonForm, TakeBackForm
from portal.committees.models import (
    OFFICE_NAMES,
    WAY_NAMES,
    Committee,
    CommitteeMember,
    Way,
)
from portal.committees.policy import COMMITTEE_KEEP, COMMITTEE_MEET, COMMITTEE_READ, KEEPERS
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.paging import page_of
from portal.templating import render

bp = Blueprint("committees", __name__, url_prefix="/committees")
Answer = str | Response | tuple[str, int]
WHOLE = (
    selectinload(Committee.members).joinedload(CommitteeMember.person),
    selectinload(Committee.meetings),
)


@bp.get("/")
@requires(COMMITTEE_READ)
def index() -> str:
    """The committees of one's places, newest first; who keeps them also sees the places that have none."""
    acting = actor()
    listing = page_of(COMMITTEE_READ.rows(acting), [(Committee.began_on, True), (Committee.id, True)])
    missing = []
    if acting.role in KEEPERS and not request.args.get("after"):
        found = forming.places(acting)
        newest = forming.newest(acting, found)
        missing = [
            place for place in found if place.key not in newest or not newest[place.key].in_office(acting.on)
        ]
    return render(
        "committees/index.html",
        rows_of=[(row, row.in_office(acting.on)) for row in listing.rows],
        missing=missing,
        more_url=listing.more_url,
    )


@bp.route("/new", methods=["GET", "POST"])
@requires(COMMITTEE_KEEP)
def new() -> Answer:
    """Enter a committee that was elected at a place: the school, a grade or a class of this year."""
    acting = actor()
    found = forming.places(acting)
    wanted = request.args.get("place", "")
    place = next((one for one in found if one.key == wanted or not wanted), None)
    if place is None:
        abort(404)
    people = forming.candidates(place, acting)
    form = ElectionForm(people)
    if form.sent_and_valid():
        made = forming.enter(place, form.election(), acting)
        return commit_and_go(
            url_for(".show", public_id=made.public_id), _("Entered. The families it is for can see it.")
        )
    page = render("committees/new.html", form=form, place=place, people=people)
    return (page, 422) if request.method == "POST" else page


@bp.get("/<public_id>")
@requires(COMMITTEE_READ)
def show(public_id: str) -> str:
    """One committee: its term, its members, its meetings."""
    acting, found = actor(), find(COMMITTEE_READ, public_id, *WHOLE)
    return render(
        "committees/show.html",
        found=found,
        in_office=found.in_office(acting.on),
        way=WAY_NAMES[Way(found.way)],
        last_day=(found.ended_on or found.until_on) - timedelta(days=1),
        offices=OFFICE_NAMES,
        may_keep=COMMITTEE_KEEP.admits(acting.role),
        may_meet=COMMITTEE_MEET.admits(acting.role),
    )


@bp.route("/<public_id>/meetings/new", methods=["GET", "POST"])
@requires(COMMITTEE_MEET)
def meet(public_id: str) -> Answer:
    """Write down a meeting that was held."""
    found = find(COMMITTEE_MEET, public_id)
    form = MeetingForm(found)
    if form.sent_and_valid():
        meeting.hold(
            found, form.held_on.data, form.present.data, form.topics.data, form.agreed.data or "", actor()
        )
        return commit_and_go(url_for(".show", public_id=public_id), _("The meeting is written down."))
    page = render("committees/meet.html", form=form, found=found)
    return (page, 422) if request.method == "POST" else page


@bp.route("/<public_id>/meetings/back", methods=["GET", "POST"])
@requires(COMMITTEE_MEET)
def take_back(public_id: str) -> Answer:
    """Take a meeting back that was entered by mistake."""
    found = find(COMMITTEE_MEET, public_id, *WHOLE)
    form = TakeBackForm(found)
    if form.sent_and_valid():
        meeting.take_back(found, form.which.data, form.reason.data, actor())
        return commit_and_go(url_for(".show", public_id=public_id), _("Taken back. It counts no more."))
    page = render("committees/take_back.html", form=form, found=found)
    return (page, 422) if request.method == "POST" else page


@bp.route("/<public_id>/end", methods=["GET", "POST"])
@requires(COMMITTEE_KEEP)
def end(public_id: str) -> Answer:
    """End a committee before its term is over."""
    found = find(COMMITTEE_KEEP, public_id)
    form = ReasonForm()
    if form.sent_and_valid():
        forming.end(found, form.reason.data, actor())
        return commit_and_go(
            url_for(".show", public_id=public_id), _("The committee is no longer in office.")
        )
    page = render("committees/end.html", form=form, found=found)
    return (page, 422) if request.method == "POST" else page
