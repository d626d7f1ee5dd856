"""Dropout watch for the school and, once a case was reported, for the district; the district's counts."""

from typing import Any

from flask import url_for
from sqlalchemy import and_, func, select
from sqlalchemy.orm import joinedload, selectinload

from portal.access import Role, actor, find, requires
from portal.care import watching
from portal.care.forms import AbsenceForm, EndingForm, StepForm
from portal.care.models import CarePlan, LeftBehind, Watch, WatchStep
from portal.care.policy import CARE_COUNTS, CARE_OPEN, CARE_PURSUE, CARE_WATCH
from portal.care.views.blueprint import WORDS, Answer, bp, form_page, found, log
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.paging import page_of
from portal.row_security import all_rows
from portal.schools.models import Pupil, School
from portal.templating import render
from portal.trail.reads import opened

WHOLE = (
    joinedload(Watch.pupil),
    joinedload(Watch.school),
    selectinload(Watch.absences),
    selectinload(Watch.steps).joinedload(WatchStep.author),
)


@bp.get("/watches")
@requires(CARE_WATCH)
def watches() -> str:
    """Children who may drop out: those of one's class or school, for the district those reported to it."""
    acting = actor()
    rows = CARE_WATCH.rows(acting).where(Watch.ended_on.is_(None)).options(*WHOLE)
    listing = page_of(rows, [(Watch.absent_from, False), (Watch.id, False)])
    return render(
        "care/watches.html",
        listing=listing,
        following={one.id: watching.next_rung(one, acting.on) for one in listing.rows},
        district=acting.role == Role.DISTRICT_STAFF,
        today=acting.on,
        **WORDS,
    )


@bp.route("/pupils/<public_id>/watch", methods=["GET", "POST"])
@requires(CARE_OPEN)
def new_watch(public_id: str) -> Answer:
    """Begin to watch over a child who stays away, with the first days of absence."""
    pupil = find(CARE_OPEN, public_id, joinedload(Pupil.school))
    acting = actor()
    form = AbsenceForm(data={"from_on": acting.on, "until_on": acting.on})
    if not form.sent_and_valid():
        return form_page("care/new_watch.html", form=form, pupil=pupil)
    days = form.from_on.data, form.until_on.data
    made = watching.begin(pupil, pupil.school, acting.person_id, *days, form.reason.data)
    log("care.watch_begun", made, absent_from=str(made.absent_from))
    return commit_and_go(url_for(".watch", public_id=made.public_id), _("Noted. The next step stands here."))


@bp.get("/watches/<public_id>")
@requires(CARE_WATCH)
def watch(public_id: str) -> str:
    """One child: the days, the ladder of steps, what was done."""
    row = find(CARE_WATCH, public_id, *WHOLE)
    acting = actor()
    opened("F4", row)
    return render(
        "care/watch.html",
        watch=row,
        rungs=watching.ladder(row, acting.on),
        following=watching.next_rung(row, acting.on),
        may_write=CARE_PURSUE.admits(acting.role) and row.ended_on is None,
        district=acting.role == Role.DISTRICT_STAFF,
        today=acting.on,
        **WORDS,
    )


@bp.route("/watches/<public_id>/absences", methods=["GET", "POST"])
@requires(CARE_PURSUE)
def new_absence(public_id: str) -> Answer:
    """Note more school days of absence."""
    row = found(CARE_PURSUE, public_id, joinedload(Watch.pupil))
    form = AbsenceForm(data={"from_on": actor().on, "until_on": actor().on})
    if not form.sent_and_valid():
        return form_page("care/new_absence.html", form=form, watch=row)
    days = form.from_on.data, form.until_on.data
    fresh = watching.note_absence(row, actor().person_id, *days, form.reason.data)
    log("care.absence_noted", row, days=fresh)
    return commit_and_go(url_for(".watch", public_id=public_id), _("The days are noted."))


@bp.route("/watches/<public_id>/steps", methods=["GET", "POST"])
@requires(CARE_PURSUE)
def new_step(public_id: str) -> Answer:
    """Write down a step; the report lifts the case to the district."""
    row = found(CARE_PURSUE, public_id, joinedload(Watch.pupil), selectinload(Watch.steps))
    rung = watching.next_rung(row, actor().on)
    given = {"taken_on": actor().on, "kind": rung.kind if rung else None}
    form = StepForm(row.absent_from, data=given)
    if not form.sent_and_valid():
        return form_page("care/new_step.html", form=form, watch=row)
    values = form.kind.data, form.taken_on.data, form.with_whom.data, form.line.data
    watching.take_step(row, actor().person_id, *values)
    log("care.step_taken", row, kind=form.kind.data, taken_on=str(form.taken_on.data))
    return commit_and_go(url_for(".watch", public_id=public_id), _("The step is written down."))


@bp.route("/watches/<public_id>/end", methods=["GET", "POST"])
@requires(CARE_PURSUE)
def end_watch(public_id: str) -> Answer:
    """The watch is over."""
    row = found(CARE_PURSUE, public_id, joinedload(Watch.pupil))
    form = EndingForm()
    if not form.sent_and_valid():
        return form_page("care/end_watch.html", form=form, watch=row)
    watching.end(row, form.ending.data, form.line.data, actor().on)
    log("care.watch_ended", row, ending=form.ending.data)
    return commit_and_go(
        url_for(".watch", public_id=public_id), _("The watch is over. It stays in the file.")
    )


COUNTED: tuple[tuple[Any, Any], ...] = (
    (CarePlan, CarePlan.closed_on.is_(None)),
    (LeftBehind, LeftBehind.ended_on.is_(None)),
    (Watch, Watch.ended_on.is_(None)),
    (Watch, and_(Watch.ended_on.is_(None), Watch.escalated_on.is_not(None))),
)


def _by_school(model: Any, schools: Any, held: Any) -> dict[int, int]:
    """School id → number of rows that hold."""
    grouped = select(model.school_id, func.count()).where(model.school_id.in_(schools), held)
    return {school_id: number for school_id, number in db.session.execute(grouped.group_by(model.school_id))}


@bp.get("/district")
@requires(CARE_COUNTS)
def district() -> str:
    """The numbers of each school in pages, and of all: plans, left-behind children, dropout watches, cases reported."""
    acting = actor()
    listing = page_of(CARE_COUNTS.rows(acting), [(School.name_pinyin, False), (School.id, False)])
    within = select(School.id).where(CARE_COUNTS.within(acting))
    with all_rows():
        numbers = [_by_school(model, within, held) for model, held in COUNTED]
    return render(
        "care/district.html",
        lines=[[school.name, *(number.get(school.id, 0) for number in numbers)] for school in listing.rows],
        more=listing.more_url,
        totals=[sum(number.values()) for number in numbers],
    )
