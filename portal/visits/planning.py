"""The plan of a class for a term: whose visit still counts, those who need care first, neighbours together."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Appointment, Person
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.row_security import all_rows
from portal.schools.calendar import term_on
from portal.schools.models import Guardianship, Pupil, SchoolClass, Term
from portal.schools.policy import in_force
from portal.visits import covering
from portal.visits.coverage import Progress, Rules, progress
from portal.visits.models import HomePlace, Invitation, InvitationState, PlanEntry
from portal.visits.policy import PLAN_SET, PUPIL_VISIT

ONE_SIDED = 3
"""From so many planned visits on the plan is looked at as a whole."""
_MARK = re.compile(r"小区|社区|花园|家园|公寓|新村|村|屯|寨|庄|苑|巷|街|路|里|组|队")
_NUMBER = re.compile(r"\d|[一二三四五六七八九十]{1,6}(?:号|栋|幢|单元|室|组|队|弄)")


def neighbourhood(text: str) -> str:
    """The part of an address that neighbours share: 柳湾村3组12号 → 柳湾村, 幸福路 8号 → 幸福路. Empty stays empty."""
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    number = _NUMBER.search(plain)
    leading = plain[: number.start()] if number and number.start() else plain
    ends = [mark.end() for mark in _MARK.finditer(leading)]
    return leading[: ends[-1] if ends else None][:40]


@dataclass
class Wish:
    """A pupil whose visit would count, with the names of the rules that ask for it."""

    pupil: Pupil
    household_id: int
    rules: list[str] = field(default_factory=list)
    place: str = ""
    taken: bool = False
    """Whether the same household is planned or invited by somebody else, here or at another school."""

    @property
    def needs_care(self) -> bool:
        """Whether the pupil is a priority pupil."""
        return bool(self.pupil.priority)


@dataclass
class Plan:
    """What a class teacher sees: the term, what is planned, what is left by neighbourhood, and how far the quotas are."""

    term: Term
    entries: list[PlanEntry]
    groups: list[tuple[str, list[Wish]]]
    quotas: list[Progress]
    others_wait: bool
    """Whether pupils who need no special care were neither visited this school year nor planned, whatever the rules ask."""

    @property
    def shared_rules(self) -> list[str]:
        """The rules that ask for every visit that is left: said once above them all."""
        asked = [wish.rules for _place, wishes in self.groups for wish in wishes]
        return [rule for rule in asked[0] if all(rule in rules for rules in asked)] if asked else []

    @property
    def is_one_sided(self) -> bool:
        """Only pupils who need care are planned although others wait: asked as a question, never a ban."""
        planned = self.entries
        return len(planned) >= ONE_SIDED and self.others_wait and all(one.pupil.priority for one in planned)


def entries_of(actor: Actor, term: Term) -> list[PlanEntry]:
    """What is planned for the class in a term, by day."""
    return list(
        db.session.scalars(
            PLAN_SET.rows(actor)
            .where(PlanEntry.term_id == term.id)
            .options(joinedload(PlanEntry.pupil), joinedload(PlanEntry.companion))
            .order_by(PlanEntry.planned_on, PlanEntry.id)
        )
    )


def plan_of(actor: Actor) -> Plan | None:
    """The plan of the actor's class for the present term; None before the first. Constant queries."""
    assert actor.class_id is not None and actor.district_id is not None
    term = term_on(actor.district_id, actor.on)
    if term is None:
        return None
    entries = entries_of(actor, term)
    planned = {one.pupil_id for one in entries}
    found = covering.places(actor.on, SchoolClass.id == actor.class_id)
    wishes = _wishes(actor, planned, found)
    return Plan(term, entries, grouped(wishes), quotas_of(actor), _others_wait(found, planned))


def _others_wait(found: Mapping[int, covering.Place], planned: set[int]) -> bool:
    for place in found.values():
        done = planned | {visit.pupil_id for visit in place.visits}
        if any(not child.priority and child.id not in done for child in place.pupils):
            return True
    return False


def quotas_of(actor: Actor) -> list[Progress]:
    """How far the actor is with the quotas of the office."""
    if actor.school_id is None or actor.district_id is None:
        return []
    rules: Rules = covering.rules_on(actor.on, school_id=actor.school_id)
    own = [quota for quota in rules.quotas if quota.role == actor.role]
    if not own:
        return []
    visits = covering.visits_with(actor.person_id, actor.on)
    year = covering.year_of(actor.district_id, actor.on)
    return [progress(quota, actor.person_id, visits, year, actor.on) for quota in own]


def _wishes(actor: Actor, planned: set[int], found: Mapping[int, covering.Place]) -> list[Wish]:
    asked: dict[int, list[str]] = defaultdict(list)
    for outcomes in covering.outcomes(found, actor.on).values():
        for outcome in outcomes:
            for pupil_id in outcome.open | outcome.to_call:
                asked[pupil_id].append(outcome.rule.name)
    pupils = db.session.scalars(
        PUPIL_VISIT.rows(actor)
        .where(Pupil.id.in_(asked.keys() - planned))
        .order_by(Pupil.name_pinyin, Pupil.id)
    ).all()
    homes = _homes([pupil.id for pupil in pupils], actor.on)
    taken = _taken({home for home in homes.values()}, actor)
    places = _places(list(homes))
    return [
        Wish(
            pupil,
            homes[pupil.id],
            asked[pupil.id],
            places.get((pupil.id, homes[pupil.id]), ""),
            homes[pupil.id] in taken,
        )
        for pupil in pupils
        if pupil.id in homes
    ]


def _homes(pupil_ids: Collection[int], on: date) -> dict[int, int]:
    """Pupil id → the household first on the roster; a second home is invited from the pupil's page."""
    then = Actor(0, Role.GUARDIAN, on)
    rows = db.session.execute(
        select(Guardianship.pupil_id, Guardianship.household_id)
        .where(Guardianship.pupil_id.in_(pupil_ids), in_force(Guardianship, then))
        .order_by(Guardianship.id.desc())
    )
    return {pupil_id: household_id for pupil_id, household_id in rows}


def _taken(household_ids: Collection[int], actor: Actor) -> set[int]:
    """Households that somebody else has planned from today on, or that hold an invitation anywhere."""
    with all_rows():
        planned = select(PlanEntry.household_id).where(
            PlanEntry.household_id.in_(household_ids), PlanEntry.planned_on >= actor.on
        )
        invited = select(Invitation.household_id).where(
            Invitation.household_id.in_(household_ids),
            Invitation.state.in_((InvitationState.OPEN, InvitationState.ACCEPTED)),
        )
        return {*db.session.scalars(planned), *db.session.scalars(invited)}


def _places(pupil_ids: Collection[int]) -> dict[tuple[int, int], str]:
    rows = db.session.scalars(select(HomePlace).where(HomePlace.pupil_id.in_(pupil_ids)))
    return {(row.pupil_id, row.household_id): neighbourhood(row.place or "") for row in rows}


def grouped(wishes: list[Wish]) -> list[tuple[str, list[Wish]]]:
    """Wishes by neighbourhood: places with most pupils who need care first, inside a place those first; unknown last."""
    by_place: dict[str, list[Wish]] = defaultdict(list)
    for wish in wishes:
        by_place[wish.place].append(wish)
    for found in by_place.values():
        found.sort(key=lambda wish: not wish.needs_care)
    return sorted(
        by_place.items(),
        key=lambda pair: (not pair[0], -sum(wish.needs_care for wish in pair[1]), pair[0]),
    )


def companions(actor: Actor) -> dict[str, Person]:
    """Public id → the other teachers of the school who may come along."""
    of_class = select(SchoolClass.id).where(SchoolClass.school_id == actor.school_id)
    rows = db.session.scalars(
        select(Person)
        .join(Appointment, Appointment.person_id == Person.id)
        .where(
            Appointment.role.in_((Role.CLASS_TEACHER, Role.SUBJECT_TEACHER)),
            Appointment.class_id.in_(of_class),
            in_force(Appointment, actor),
            Person.id != actor.person_id,
        )
        .order_by(Person.name, Person.id)
    )
    return {str(person.id): person for person in rows}


def put(actor: Actor, pupils: list[Pupil], on: date, companion_id: int | None) -> int:
    """Plan visits to pupils of the class on a day, in the current transaction; returns how many were new.

    RuleBroken outside the term or for a day that has passed.
    """
    assert actor.class_id is not None and actor.school_id is not None and actor.district_id is not None
    term = term_on(actor.district_id, on)
    if term is None or not actor.on <= on <= term.ends_on:
        raise RuleBroken(_("Choose a day of this term, today or later."), status=422)
    homes = _homes([pupil.id for pupil in pupils], actor.on)
    known = set(
        db.session.scalars(
            select(PlanEntry.pupil_id).where(
                PlanEntry.term_id == term.id, PlanEntry.pupil_id.in_(list(homes))
            )
        )
    )
    fresh = [pupil for pupil in pupils if pupil.id in homes and pupil.id not in known]
    for pupil in fresh:
        db.session.add(
            PlanEntry(
                term_id=term.id,
                pupil_id=pupil.id,
                household_id=homes[pupil.id],
                class_id=actor.class_id,
                school_id=actor.school_id,
                teacher_id=actor.person_id,
                companion_id=companion_id,
                planned_on=on,
                planned_at=clock.now(),
            )
        )
    db.session.flush()
    return len(fresh)
