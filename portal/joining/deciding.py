"""The class teacher's word: a request becomes a guardian of the child, or it is declined with a reason."""

from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload, selectinload

from portal import clock
from portal.accounts.models import Person
from portal.accounts.phones import phone_index
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.joining.asking import new_account_name
from portal.joining.helping import helper
from portal.joining.models import JoiningRequest, News, RequestState, Way
from portal.joining.telling import tell
from portal.schools import enrolling, summaries
from portal.schools.calendar import term_on
from portal.schools.models import Flag, Guardianship, GuardianshipFlag, Household, Pupil, School
from portal.trail.models import note

NEW = "new"
OWN_HOUSEHOLD = "own"


@dataclass
class Circle:
    """The adults around a child, as the decision needs them."""

    ties: list[Guardianship] = field(default_factory=list)
    today: date = field(default_factory=clock.today)

    def _holds(self, tie: Guardianship, kind: Flag) -> bool:
        return any(flag.kind == kind for flag in tie.flags_on(self.today))

    @property
    def unbound(self) -> list[Guardianship]:
        """Guardians of the roster who cannot sign in yet."""
        return [
            tie
            for tie in self.ties
            if tie.person.password_hash is None
            and tie.person.account_name is None
            and not self._holds(tie, Flag.RESTRICTED)
        ]

    @property
    def restricted(self) -> list[Guardianship]:
        """Guardians whom a court order restricts today."""
        return [tie for tie in self.ties if self._holds(tie, Flag.RESTRICTED)]

    @property
    def full(self) -> list[Guardianship]:
        """Guardians who may answer, write and sign today."""
        shut = (Flag.RESTRICTED, Flag.LIMITED, Flag.UNCONFIRMED)
        return [tie for tie in self.ties if not any(self._holds(tie, kind) for kind in shut)]

    @property
    def households(self) -> dict[int, list[Guardianship]]:
        """Household id → its guardians, without those a court order restricts."""
        found: dict[int, list[Guardianship]] = {}
        for tie in self.ties:
            if tie not in self.restricted:
                found.setdefault(tie.household_id, []).append(tie)
        return found


def circle(pupil_id: int) -> Circle:
    """The guardianships of a child that hold today, with people and flags; two queries."""
    today = clock.today()
    return Circle(
        list(
            db.session.scalars(
                select(Guardianship)
                .where(
                    Guardianship.pupil_id == pupil_id,
                    Guardianship.started_on <= today,
                    or_(Guardianship.ended_on.is_(None), Guardianship.ended_on > today),
                )
                .options(joinedload(Guardianship.person), selectinload(Guardianship.flags))
                .order_by(Guardianship.id)
            )
        ),
        today,
    )


def refuse_decided(asked: JoiningRequest) -> None:
    """A request is decided once."""
    if not asked.is_waiting:
        raise RuleBroken(_("This request is decided already."))


@dataclass(frozen=True)
class Decision:
    """What the class teacher chose.

    ``tie_id``: the guardian of the roster this is, None for somebody new; ``household_id``: with whom somebody new
    counts, None for a household of their own; ``tells``: whether the other guardians are told.
    """

    tie_id: int | None = None
    household_id: int | None = None
    tells: bool = True
    limited_from: date | None = None
    limited_until: date | None = None


def confirm(asked: JoiningRequest, decision: Decision, by_id: int) -> Guardianship:
    """Let somebody in, in the current transaction: the tie, the account, and word to the other guardians.

    Raises RuleBroken when it was decided meanwhile, or when a court order restricts this person for this child.
    """
    refuse_decided(asked)
    around = circle(asked.pupil_id)
    own = next((tie for tie in around.ties if tie.person_id == asked.person_id), None)
    tie = _released(own, around) if own is not None else _tied(asked, decision, around, by_id)
    if asked.way == Way.GUARDIAN and decision.limited_from is None:
        raise RuleBroken(_("A helper sees and confirms only."))
    if decision.limited_from is not None:
        enrolling.limit(tie, decision.limited_from, decision.limited_until)
    asked.state, asked.decided_at, asked.decided_by_id = RequestState.CONFIRMED, clock.now(), by_id
    asked.password_hash, asked.person_id, asked.tie_id = None, tie.person_id, tie.id
    if decision.tells:
        kind = News.LIMITED if decision.limited_from is not None else News.ADDED
        tell([other for other in around.ties if other not in around.restricted], tie, kind)
    return tie


def _released(own: Guardianship, around: Circle) -> Guardianship:
    """A guardian with an account whom this child's teacher had not confirmed yet; now the child opens to them."""
    held = [flag for flag in own.flags_on(around.today) if flag.kind == Flag.UNCONFIRMED]
    if own in around.restricted or not held:
        raise RuleBroken(_("This person is a guardian of the child already, or restricted by a court order."))
    for flag in held:
        flag.ended_on = around.today
    return own


def _tied(asked: JoiningRequest, decision: Decision, around: Circle, by_id: int) -> Guardianship:
    """The guardian of the roster who was chosen, with the account that asked; or a new one."""
    chosen = next((tie for tie in around.unbound if tie.id == decision.tie_id), None)
    if decision.tie_id is not None and chosen is None:
        raise RuleBroken(_("This guardian of the roster has an account by now. Open the request again."))
    person = _person_for(asked, chosen)
    if chosen is None and asked.way == Way.GUARDIAN and person.id in {tie.person_id for tie in around.ties}:
        raise RuleBroken(_("This person is a guardian of the child already, or restricted by a court order."))
    if chosen is None:
        return _new_tie(asked, person, decision, around)
    if asked.person_id is not None:
        chosen.person = person
        db.session.flush()
    elif asked.way != Way.GUARDIAN:
        _hold_back_siblings(asked, chosen)
    _close_rivals(asked, chosen, by_id)
    return chosen


def _person_for(asked: JoiningRequest, tie: Guardianship | None) -> Person:
    """Who the new guardian is: the signed-in person, the roster's person with the account, or somebody new."""
    if asked.person_id is not None:
        return db.session.get_one(Person, asked.person_id)
    if asked.way == Way.GUARDIAN:
        return tie.person if tie is not None else helper(asked)
    free = asked.phone is not None and not db.session.scalar(
        select(Person.id).where(Person.phone_index == phone_index(asked.phone)).limit(1)
    )
    if tie is None:
        person = enrolling.add_person(asked.name, phone=asked.phone if free else None)
    else:
        person = tie.person
        if person.phone is None and free:
            person.phone = asked.phone
    person.account_name = person.account_name or asked.account_name or new_account_name()
    person.keep_password(asked.password_hash, clock.now())
    db.session.flush()
    return person


def _new_tie(asked: JoiningRequest, person: Person, decision: Decision, around: Circle) -> Guardianship:
    today = around.today
    pupil = db.session.get_one(Pupil, asked.pupil_id)
    again = db.session.scalar(
        select(Guardianship)
        .where(
            Guardianship.pupil_id == pupil.id,
            Guardianship.person_id == person.id,
            Guardianship.started_on == today,
        )
        .options(selectinload(Guardianship.flags))
    )
    if again is not None:
        again.ended_on, again.relation = None, asked.relation
        return again
    if decision.household_id in around.households:
        home = db.session.get_one(Household, decision.household_id)
    else:
        home = enrolling.form_household(today, pupil.school_id)
        _count_household(pupil.school_id, today)
    tie = enrolling.add_guardian(pupil, person, asked.relation, home, today)
    db.session.flush()
    return tie


def _count_household(school_id: int, today: date) -> None:
    """One more household in the school's number of this term; between terms nothing is counted."""
    district_id = db.session.get_one(School, school_id).district_id
    term = term_on(district_id, today)
    if term is not None and term.ends_on >= today:
        summaries.add(school_id, today, summaries.HOUSEHOLDS, 1)


def _hold_back_siblings(asked: JoiningRequest, tie: Guardianship) -> None:
    """One class teacher vouches for one child only: the other children of this guardian wait for their own teachers.

    Their ties are shut until then, and a request stands with each of those teachers by itself.
    """
    today = clock.today()
    others = db.session.scalars(
        select(Guardianship).where(
            Guardianship.person_id == tie.person_id,
            Guardianship.id != tie.id,
            Guardianship.started_on <= today,
            or_(Guardianship.ended_on.is_(None), Guardianship.ended_on > today),
        )
    ).all()
    for other in others:
        db.session.add(GuardianshipFlag(guardianship_id=other.id, kind=Flag.UNCONFIRMED, started_on=today))
        waiting = db.session.scalar(
            select(JoiningRequest).where(
                JoiningRequest.tie_id == other.id,
                JoiningRequest.account_name == asked.account_name,
                JoiningRequest.state == RequestState.WAITING,
            )
        )
        if waiting is None:
            waiting = JoiningRequest(
                pupil_id=other.pupil_id,
                way=Way.PHONE,
                tie_id=other.id,
                name=asked.name,
                relation=other.relation,
                asked_at=clock.now(),
            )
            db.session.add(waiting)
        waiting.person_id, waiting.password_hash = tie.person_id, None


def _close_rivals(asked: JoiningRequest, tie: Guardianship, by_id: int) -> None:
    """Others who said they were this guardian of the roster are declined: only one of them can be."""
    rivals = db.session.scalars(
        select(JoiningRequest).where(
            JoiningRequest.tie_id == tie.id,
            JoiningRequest.id != asked.id,
            JoiningRequest.state == RequestState.WAITING,
        )
    ).all()
    for rival in rivals:
        decline(rival, _("Somebody else was confirmed as this guardian."), by_id)
        note("joining.declined", rival, person_id=by_id, way=rival.way, rival=True)


def decline(asked: JoiningRequest, reason: str, by_id: int) -> None:
    """Do not let somebody in, in the current transaction; the reason is what they read."""
    refuse_decided(asked)
    asked.state, asked.decided_at, asked.decided_by_id = RequestState.DECLINED, clock.now(), by_id
    asked.reason, asked.password_hash = reason, None


def limit(tie: Guardianship, until_on: date | None, *, tells: bool) -> None:
    """From today on a guardian sees and confirms only, until a day (the first after it) or without end."""
    around = circle(tie.pupil_id)
    if any(flag.kind == Flag.LIMITED for flag in tie.flags_on(around.today)):
        raise RuleBroken(_("This guardian sees and confirms only already."))
    enrolling.limit(tie, around.today, until_on)
    if tells:
        tell([other for other in around.ties if other not in around.restricted], tie, News.LIMITED)


def lift(tie: Guardianship) -> None:
    """From today on the guardian may answer, write and sign again."""
    today = clock.today()
    for flag in tie.flags_on(today):
        if flag.kind == Flag.LIMITED:
            flag.ended_on = today
