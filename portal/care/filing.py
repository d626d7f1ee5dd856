"""One file per pupil (一生一档): all that its reader may see of a pupil, across years and schools, newest first.

Each record is found through the permission of its own page, so the file never shows more than these. A sealed note stands
there only as a way to it, with its reason and proof.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from portal import clock, i18n
from portal.access import Actor
from portal.care.models import (
    AWAY_NAMES,
    ENDING_NAMES,
    MEANS_NAMES,
    OUTCOME_NAMES,
    STEP_NAMES,
    Away,
    CareContact,
    CarePlan,
    CareReview,
    Ending,
    LeftBehind,
    Means,
    Outcome,
    Referral,
    StepKind,
    Watch,
    WatchStep,
)
from portal.care.policy import CARE_CONTACT, CARE_PLAN, CARE_REFER, CARE_WATCH
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import ngettext
from portal.schools.calendar import year_start
from portal.schools.models import Enrolment, Pupil, School, SchoolClass
from portal.trail.reads import opened
from portal.visits import loading
from portal.visits.models import FORM_NAMES, OWNER_NAMES, PRIORITY_NAMES, Form, Owner, SealedNote, Visit
from portal.visits.policy import SEALED_READ, VISIT_READ, narrative_scope


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


@dataclass
class Year:
    """One school year of the file, by its 1 September, with the classes the pupil was in."""

    starts_on: date
    places: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    @property
    def label(self) -> str:
        """2026–2027."""
        return f"{self.starts_on.year}–{self.starts_on.year + 1}"


def file_of(acting: Actor, pupil: Pupil) -> list[Year]:
    """The file by school year, newest first. What it shows is in the trail as read. A fixed number of queries."""
    entries = sorted(
        [
            *_visits(acting, pupil),
            *_plans(acting, pupil),
            *_register(acting, pupil),
            *_watches(acting, pupil),
            *_referrals(acting, pupil),
        ],
        key=lambda entry: entry.on,
        reverse=True,
    )
    years = {
        starts_on: Year(starts_on, entries=list(found))
        for starts_on, found in groupby(entries, key=lambda entry: year_start(entry.on))
    }
    for starts_on, place in _places(acting, pupil):
        years.setdefault(starts_on, Year(starts_on)).places.append(place)
    return [years[starts_on] for starts_on in sorted(years, reverse=True)]


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


def _visits(acting: Actor, pupil: Pupil) -> Iterator[Entry]:
    of_pupil = VISIT_READ.rows(acting).where(Visit.pupil_id == pupil.id)
    visits = db.session.scalars(of_pupil.options(*loading.FACTS, *loading.STORY)).all()
    ids = [visit.id for visit in visits]
    readable = set(db.session.scalars(select(Visit.id).where(Visit.id.in_(ids), narrative_scope(acting))))
    sealed = {
        note.visit_id: note.public_id
        for note in db.session.scalars(SEALED_READ.rows(acting).where(SealedNote.visit_id.in_(ids)))
    }
    for visit in visits:
        if visit.id in readable:
            opened("F4", visit)
        yield Entry(
            visit.held_on,
            _("Home visit") if visit.counts else _("Attempt without an answer"),
            str(FORM_NAMES[Form(visit.form)]) if visit.form else _("Nobody was met"),
            visit.author.name,
            _told(*_said(visit, acting)) if visit.id in readable else (),
            url_for("visits.show", public_id=visit.public_id),
            url_for("visits.sealed", public_id=sealed[visit.id]) if visit.id in sealed else "",
            "visits" if visit.counts else "",
        )


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


def _plans(acting: Actor, pupil: Pupil) -> Iterator[Entry]:
    plans = db.session.scalars(
        CARE_PLAN.rows(acting)
        .where(CarePlan.pupil_id == pupil.id)
        .options(
            joinedload(CarePlan.author),
            selectinload(CarePlan.reviews).joinedload(CareReview.author),
            selectinload(CarePlan.measures),
        )
    )
    for plan in plans:
        opened("F4", plan)
        url = url_for("care.plan", public_id=plan.public_id)
        measures = [(_("Measure"), f"{one.what} · {i18n.day(one.due_on)}") for one in plan.measures]
        yield Entry(
            plan.opened_on,
            _("Plan opened"),
            groups_in_words(plan.groups or ()),
            plan.author.name,
            _told((_("Aims"), plan.aims), *measures),
            url,
            part="groups",
        )
        for review in plan.reviews:
            found = str(OUTCOME_NAMES[Outcome(review.outcome)])
            said = _told((_("Note"), review.text))
            yield Entry(review.held_on, _("Review of the plan"), found, review.author.name, said, url)
        if plan.closed_on is not None:
            yield Entry(plan.closed_on, _("Plan closed"), plan.closing, url=url)


def _register(acting: Actor, pupil: Pupil) -> Iterator[Entry]:
    found = db.session.scalars(
        CARE_CONTACT.rows(acting)
        .where(LeftBehind.pupil_id == pupil.id)
        .options(selectinload(LeftBehind.contacts).joinedload(CareContact.author))
    )
    for entered in found:
        opened("F4", entered)
        url = url_for("care.left_behind", public_id=entered.public_id)
        told = _told(
            (_("Looked after by"), entered.carer),
            (_("Where the parents are"), entered.whereabouts),
            (_("Agreed contact"), entered.agreed),
        )
        away = str(AWAY_NAMES[Away(entered.away)])
        yield Entry(entered.started_on, _("On the left-behind register"), away, lines=told, url=url)
        for contact in entered.contacts:
            how = str(MEANS_NAMES[Means(contact.means)])
            said = _told((_("With whom"), contact.with_whom), (_("Note"), contact.line))
            yield Entry(contact.held_on, _("Contact"), how, contact.author.name, said, url, part="contacts")
        if entered.ended_on is not None:
            yield Entry(entered.ended_on, _("Off the left-behind register"), "", url=url)


def _watches(acting: Actor, pupil: Pupil) -> Iterator[Entry]:
    found = db.session.scalars(
        CARE_WATCH.rows(acting)
        .where(Watch.pupil_id == pupil.id)
        .options(selectinload(Watch.steps).joinedload(WatchStep.author), selectinload(Watch.absences))
    )
    for watch in found:
        opened("F4", watch)
        url = url_for("care.watch", public_id=watch.public_id)
        days = ngettext("%(num)s school day absent", "%(num)s school days absent", len(watch.absences))
        yield Entry(watch.absent_from, _("Dropout watch"), days, url=url)
        for step in watch.steps:
            said = _told((_("With whom"), step.with_whom), (_("Note"), step.line))
            name = str(STEP_NAMES[StepKind(step.kind)])
            yield Entry(step.taken_on, _("Dropout watch"), name, step.author.name, said, url)
        if watch.ended_on is not None:
            over = str(ENDING_NAMES[Ending(watch.ending)]) if watch.ending else ""
            yield Entry(
                watch.ended_on,
                _("Dropout watch ended"),
                over,
                lines=_told((_("Note"), watch.closing)),
                url=url,
            )


def _referrals(acting: Actor, pupil: Pupil) -> Iterator[Entry]:
    found = db.session.scalars(
        CARE_REFER.rows(acting)
        .where(Referral.pupil_id == pupil.id)
        .options(joinedload(Referral.partner), joinedload(Referral.author))
    )
    for referral in found:
        opened("F4", referral)
        url = url_for("care.referral", public_id=referral.public_id)
        made_on = clock.local(referral.made_at).date()
        yield Entry(made_on, _("Referral"), referral.partner.name, referral.author.name, url=url)
