"""One file per pupil (一生一档): all that its reader may see of a pupil, across years and schools, newest first.

Each record is found through the permission of its own page, so the file never shows more than these. A sealed note stands
there only as a way to it, with its reason and proof. On the screen a year is read 25 entries at a time: each kind of record
is asked for what comes after the place reached, so a long contact log costs no more than a short one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from flask import url_for
from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from portal import clock, i18n
from portal.access import Actor
from portal.care.models import (
    AWAY_NAMES,
    ENDING_NAMES,
    MEANS_NAMES,
    OUTCOME_NAMES,
    PART_NAMES,
    STEP_NAMES,
    Absence,
    Away,
    CareContact,
    CarePlan,
    CareReview,
    Ending,
    LeftBehind,
    Means,
    Outcome,
    Referral,
    ReferralCopy,
    StepKind,
    Watch,
    WatchStep,
)
from portal.care.policy import CARE_CONTACT, CARE_PLAN, CARE_REFER, CARE_WATCH
from portal.deliveries.models import CHANNEL_NAMES
from portal.extensions import UtcDateTime, db
from portal.i18n import gettext as _
from portal.i18n import ngettext
from portal.paging import PAGE, more_after, place_named
from portal.schools.calendar import year_start
from portal.schools.models import Enrolment, Pupil, School, SchoolClass
from portal.trail.reads import opened
from portal.visits import loading
from portal.visits.models import FORM_NAMES, OWNER_NAMES, PRIORITY_NAMES, Form, Owner, SealedNote, Visit
from portal.visits.policy import SEALED_READ, VISIT_READ, narrative_scope

VISIT, PLAN, PLAN_CLOSED, REVIEW, ENTERED, LEFT, CONTACT, WATCH, WATCH_ENDED, STEP, REFERRAL = range(11)
"""Kinds of entries, in their order on one day."""
Found = Iterator[tuple[int, int, "Entry"]]
"""(kind, id, entry)."""


@dataclass(frozen=True)
class Entry:
    """One event of a pupil's file. ``lines`` are (term, text); ``sealed_url`` leads to a sealed note; ``part`` is the part
    of a referral that its title belongs to."""

    on: date
    kind: str
    title: str
    who: str = ""
    lines: tuple[tuple[str, str], ...] = ()
    url: str = ""
    sealed_url: str = ""
    part: str = ""

    key: tuple[int, int] = (0, 0)
    """Its place among the entries of its day: the kind, then the newest first."""


@dataclass
class Year:
    """One school year of the file, by its 1 September, with the classes the pupil was in."""

    starts_on: date
    places: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    more_url: str | None = None

    @property
    def label(self) -> str:
        """2026–2027."""
        return f"{self.starts_on.year}–{self.starts_on.year + 1}"


@dataclass(frozen=True)
class Span:
    """Which entries are wanted: from one day to before another, beyond a place (day, kind, number), so many of a kind."""

    since: date = date.min
    until: date = date.max
    place: tuple[date, int, int] | None = None
    most: int | None = None

    def holds(self, on: date, key: tuple[int, int]) -> bool:
        """Whether an entry of a day lies within."""
        beyond = self.place is None or (on, -key[0], key[1]) < (self.place[0], -self.place[1], self.place[2])
        return self.since <= on < self.until and beyond

    def of(self, query: Select[Any], kind: int, day: Any, number: Any) -> Select[Any]:
        """The rows of a kind within, newest first; ``day`` is a column of days or of instants, ``number`` the id."""

        def before(on: date) -> Any:
            return day < (clock.instant_of(on) if isinstance(day.type, UtcDateTime) else on)

        if self.since > date.min:
            query = query.where(~before(self.since))
        if self.until < date.max:
            query = query.where(before(self.until))
        if self.place is not None:
            on, reached, last = self.place
            beyond = before(on + timedelta(days=kind >= reached))
            query = query.where(or_(before(on), and_(beyond, number < last)) if kind == reached else beyond)
        return query.order_by(day.desc(), number.desc()).limit(self.most)


def years_of(acting: Actor, pupil: Pupil) -> list[Year]:
    """The school years of a pupil, newest first, with its places: from the first one that anything is known of to now."""
    on_register = CARE_CONTACT.rows(acting).where(LeftBehind.pupil_id == pupil.id)
    contacts = on_register.join(CareContact, CareContact.left_behind_id == LeftBehind.id)
    firsts = (
        (VISIT_READ.rows(acting).where(Visit.pupil_id == pupil.id), Visit.held_at),
        (CARE_REFER.rows(acting).where(Referral.pupil_id == pupil.id), Referral.made_at),
        (CARE_PLAN.rows(acting).where(CarePlan.pupil_id == pupil.id), CarePlan.opened_on),
        (on_register, LeftBehind.started_on),
        (contacts, CareContact.held_on),
        (CARE_WATCH.rows(acting).where(Watch.pupil_id == pupil.id), Watch.absent_from),
    )
    earliest = [rows.with_only_columns(func.min(day)).scalar_subquery() for rows, day in firsts]
    found = [value for value in db.session.execute(select(*earliest)).one() if value is not None]
    places = list(_places(acting, pupil))
    days = [clock.local(one).date() if isinstance(one, datetime) else one for one in found]
    starts = [year_start(day) for day in days] + [starts_on for starts_on, _place in places]
    now = year_start(acting.on)
    years = [
        Year(date(number, 9, 1))
        for number in range(max([now, *starts]).year, min([now, *starts]).year - 1, -1)
    ]
    for year in years:
        year.places = [place for starts_on, place in places if starts_on == year.starts_on]
    return years


def read_on(acting: Actor, pupil: Pupil, year: Year) -> None:
    """Fill in the entries of a year that come after the place named in the address, 25 at most, and the address of the
    next ones. What is shown is in the trail as read. A fixed number of queries."""
    place = place_named((date, int, int))
    until = year.starts_on.replace(year=year.starts_on.year + 1)
    inside = place is not None and year.starts_on <= place[0] < until
    span = Span(year.starts_on, until, (place[0], place[1], place[2]) if place and inside else None, PAGE + 1)
    found = _entries(acting, pupil, span)
    year.entries = found[:PAGE]
    if len(found) > PAGE:
        last = found[PAGE - 1]
        year.more_url = more_after([last.on, *last.key])


def file_of(acting: Actor, pupil: Pupil) -> list[Year]:
    """The whole file by school year, newest first, as it is printed. A fixed number of queries."""
    years = years_of(acting, pupil)
    entries = _entries(acting, pupil, Span())
    for year in years:
        year.entries = [entry for entry in entries if year_start(entry.on) == year.starts_on]
    return years


def this_year(acting: Actor, pupil: Pupil) -> list[Entry]:
    """The entries since the first of September, newest first."""
    return _entries(acting, pupil, Span(since=year_start(acting.on)))


def _entries(acting: Actor, pupil: Pupil, span: Span) -> list[Entry]:
    kinds = (_visits, _plans, _register, _watches, _referrals)
    found = [
        replace(entry, key=(kind, number))
        for read in kinds
        for kind, number, entry in read(acting, pupil, span)
        if span.holds(entry.on, (kind, number))
    ]
    found.sort(key=lambda entry: (entry.on, -entry.key[0], entry.key[1]), reverse=True)
    return found[: span.most]


def _places(acting: Actor, pupil: Pupil) -> Iterator[tuple[date, str]]:
    """(school year, school and class) of each place the pupil held."""
    rows = db.session.execute(
        select(Enrolment.started_on, Enrolment.ended_on, School.name, SchoolClass.name)
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .join(School, School.id == Enrolment.school_id)
        .where(Enrolment.pupil_id == pupil.id)
        .order_by(Enrolment.started_on, Enrolment.id)
    )
    for started_on, ended_on, school, room in rows:
        last = year_start(max(started_on, ended_on or acting.on))
        starts_on = year_start(started_on)
        while starts_on <= last:
            yield starts_on, f"{school} {room}"
            starts_on = starts_on.replace(year=starts_on.year + 1)


def _told(*pairs: tuple[Any, str]) -> tuple[tuple[str, str], ...]:
    """Terms with what is said under them, one line each; what is empty is left out."""
    lines: dict[str, list[str]] = {}
    for term, text in pairs:
        if text:
            lines.setdefault(str(term), []).append(text)
    return tuple((term, "\n".join(texts)) for term, texts in lines.items())


def _visits(acting: Actor, pupil: Pupil, span: Span) -> Found:
    of_pupil = VISIT_READ.rows(acting).where(Visit.pupil_id == pupil.id)
    wanted = span.of(of_pupil, VISIT, Visit.held_at, Visit.id)
    visits = db.session.scalars(wanted.options(*loading.FACTS, *loading.STORY)).all()
    ids = [visit.id for visit in visits]
    readable = set(db.session.scalars(select(Visit.id).where(Visit.id.in_(ids), narrative_scope(acting))))
    sealed = {
        note.visit_id: note.public_id
        for note in db.session.scalars(SEALED_READ.rows(acting).where(SealedNote.visit_id.in_(ids)))
    }
    for visit in visits:
        if visit.id in readable:
            opened("F4", visit)
        told = Entry(
            visit.held_on,
            _("Home visit") if visit.counts else _("Attempt without an answer"),
            str(FORM_NAMES[Form(visit.form)]) if visit.form else _("Nobody was met"),
            visit.author.name,
            _told(*_said(visit, acting)) if visit.id in readable else (),
            url_for("visits.show", public_id=visit.public_id),
            url_for("visits.sealed", public_id=sealed[visit.id]) if visit.id in sealed else "",
            "visits" if visit.counts else "",
        )
        yield VISIT, visit.id, told


def _said(visit: Visit, acting: Actor) -> Iterator[tuple[Any, str]]:
    outside = visit.school_id != acting.school_id
    for part in visit.parts:
        yield _("Good sides and hopes"), part.hopes
        yield _("Note"), "" if outside and part.school_only else part.note
    for step in visit.steps:
        until = _("done") if step.done_on else _("by %(day)s", day=i18n.day(step.due_on))
        yield _("Agreed step"), f"{step.what} · {OWNER_NAMES[Owner(step.owner)]} · {until}"
    for remark in visit.remarks:
        yield _("Remark of the family"), remark.body


def groups_in_words(plan_groups: Iterable[str]) -> str:
    """留守儿童、单亲家庭: the groups a plan rests on."""
    return i18n.listing([str(PRIORITY_NAMES.get(group, group)) for group in plan_groups])


def _plans(acting: Actor, pupil: Pupil, span: Span) -> Found:
    plans = {
        plan.id: plan
        for plan in db.session.scalars(
            CARE_PLAN.rows(acting)
            .where(CarePlan.pupil_id == pupil.id)
            .options(joinedload(CarePlan.author), selectinload(CarePlan.measures))
        )
    }
    for plan in plans.values():
        if span.holds(plan.opened_on, (PLAN, plan.id)):
            yield PLAN, plan.id, _plan_opened(plan)
        if plan.closed_on is not None and span.holds(plan.closed_on, (PLAN_CLOSED, plan.id)):
            opened("F4", plan)
            yield (
                PLAN_CLOSED,
                plan.id,
                Entry(plan.closed_on, _("Plan closed"), plan.closing, url=_plan_url(plan)),
            )
    reviews = select(CareReview).where(CareReview.plan_id.in_(plans)).options(joinedload(CareReview.author))
    for review in db.session.scalars(span.of(reviews, REVIEW, CareReview.held_on, CareReview.id)):
        plan = plans[review.plan_id]
        opened("F4", plan)
        found = str(OUTCOME_NAMES[Outcome(review.outcome)])
        said = _told((_("Note"), review.text))
        who = review.author.name
        yield (
            REVIEW,
            review.id,
            Entry(review.held_on, _("Review of the plan"), found, who, said, _plan_url(plan)),
        )


def _plan_url(plan: CarePlan) -> str:
    return url_for("care.plan", public_id=plan.public_id)


def _plan_opened(plan: CarePlan) -> Entry:
    opened("F4", plan)
    measures = [(_("Measure"), f"{one.what} · {i18n.day(one.due_on)}") for one in plan.measures]
    return Entry(
        plan.opened_on,
        _("Plan opened"),
        groups_in_words(plan.groups or ()),
        plan.author.name,
        _told((_("Aims"), plan.aims), *measures),
        _plan_url(plan),
    )


def _register(acting: Actor, pupil: Pupil, span: Span) -> Found:
    lines = {
        entered.id: entered
        for entered in db.session.scalars(CARE_CONTACT.rows(acting).where(LeftBehind.pupil_id == pupil.id))
    }
    for entered in lines.values():
        url = url_for("care.left_behind", public_id=entered.public_id)
        if span.holds(entered.started_on, (ENTERED, entered.id)):
            opened("F4", entered)
            told = _told(
                (_("Looked after by"), entered.carer),
                (_("Where the parents are"), entered.whereabouts),
                (_("Agreed contact"), entered.agreed),
            )
            away = str(AWAY_NAMES[Away(entered.away)])
            yield (
                ENTERED,
                entered.id,
                Entry(entered.started_on, _("On the left-behind register"), away, lines=told, url=url),
            )
        if entered.ended_on is not None:
            yield LEFT, entered.id, Entry(entered.ended_on, _("Off the left-behind register"), "", url=url)
    contacts = (
        select(CareContact)
        .where(CareContact.left_behind_id.in_(lines))
        .options(joinedload(CareContact.author))
    )
    for contact in db.session.scalars(span.of(contacts, CONTACT, CareContact.held_on, CareContact.id)):
        entered = lines[contact.left_behind_id]
        opened("F4", entered)
        url = url_for("care.left_behind", public_id=entered.public_id)
        how = str(MEANS_NAMES[Means(contact.means)])
        said = _told((_("With whom"), contact.with_whom), (_("Note"), contact.line))
        who = contact.author.name
        yield (
            CONTACT,
            contact.id,
            Entry(contact.held_on, _("Contact"), how, who, said, url, part="contacts"),
        )


def _watches(acting: Actor, pupil: Pupil, span: Span) -> Found:
    absent = select(func.count()).where(Absence.watch_id == Watch.id).correlate(Watch).scalar_subquery()
    of_pupil = CARE_WATCH.rows(acting).where(Watch.pupil_id == pupil.id).add_columns(absent)
    rows = db.session.execute(of_pupil).all()
    watches = {watch.id: watch for watch, _count in rows}
    for watch, count in rows:
        url = url_for("care.watch", public_id=watch.public_id)
        days = ngettext("%(num)s school day absent", "%(num)s school days absent", count)
        begun = Entry(watch.absent_from, _("Dropout watch"), days, url=url)
        yield WATCH, watch.id, begun
        if watch.ended_on is not None and span.holds(watch.ended_on, (WATCH_ENDED, watch.id)):
            opened("F4", watch)
            over = str(ENDING_NAMES[Ending(watch.ending)]) if watch.ending else ""
            said = _told((_("Note"), watch.closing))
            yield (
                WATCH_ENDED,
                watch.id,
                Entry(watch.ended_on, _("Dropout watch ended"), over, lines=said, url=url),
            )
    steps = select(WatchStep).where(WatchStep.watch_id.in_(watches)).options(joinedload(WatchStep.author))
    for step in db.session.scalars(span.of(steps, STEP, WatchStep.taken_on, WatchStep.id)):
        watch = watches[step.watch_id]
        opened("F4", watch)
        url = url_for("care.watch", public_id=watch.public_id)
        said = _told((_("With whom"), step.with_whom), (_("Note"), step.line))
        name = str(STEP_NAMES[StepKind(step.kind)])
        yield STEP, step.id, Entry(step.taken_on, _("Dropout watch"), name, step.author.name, said, url)


def _referrals(acting: Actor, pupil: Pupil, span: Span) -> Found:
    of_pupil = CARE_REFER.rows(acting).where(Referral.pupil_id == pupil.id)
    found = db.session.scalars(
        span.of(of_pupil, REFERRAL, Referral.made_at, Referral.id).options(
            joinedload(Referral.partner),
            joinedload(Referral.author),
            selectinload(Referral.openings),
            selectinload(Referral.copies).joinedload(ReferralCopy.sender),
        )
    )
    for referral in found:
        opened("F4", referral)
        url = url_for("care.referral", public_id=referral.public_id)
        made_on = clock.local(referral.made_at).date()
        told = _told(
            (_("What goes along"), i18n.listing([str(PART_NAMES[part]) for part in referral.parts or ()])),
            *(
                (_("Sent"), f"{i18n.moment(one.sent_at)} · {one.sender.name} · {CHANNEL_NAMES[one.way]}")
                for one in reversed(referral.copies)
            ),
            *((_("Opened"), i18n.moment(one.opened_at)) for one in reversed(referral.openings)),
            (_("Recalled"), i18n.moment(referral.recalled_at) if referral.recalled_at else ""),
        )
        yield (
            REFERRAL,
            referral.id,
            Entry(made_on, _("Referral"), referral.partner.name, referral.author.name, told, url),
        )
