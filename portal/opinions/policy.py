"""Who reads and answers which opinions.

- The parent who sent it reads it, nobody else of the family.
- The school office reads what is not about bullying, safety, the principal, or pressure and gifts at visits. The name behind a confidential opinion
  and the child stay hidden from it; the principal (and the district, once it is theirs) see them. Class teachers see
  no opinions at all.
- The principal reads all of the school, but never what is about the principal, or about pressure and gifts at visits:
  families do not tell of these where the teacher's own head reads first.
- District staff read what is addressed to them and what the school let lie; of all else they see numbers only.
"""

from sqlalchemy import ColumnElement, and_, or_, select

from portal.access import Actor, Permission, Role
from portal.opinions.models import PAST_THE_SCHOOL, STRAIGHT_TO, Addressee, Opinion, OpinionAnswer
from portal.row_security import wall
from portal.schools.models import Pupil
from portal.schools.policy import pupils_acted_for, pupils_of_guardian, schools_of_district

NAMES_SHOWN_TO = frozenset({Role.PRINCIPAL, Role.DISTRICT_STAFF, Role.GUARDIAN})
"""Roles that see who sent a confidential opinion (the guardian sees only their own)."""


def sent_by_oneself(actor: Actor) -> ColumnElement[bool]:
    """Opinions the guardian sent about a child they care for today."""
    own = pupils_of_guardian(actor, "opinions")
    return and_(Opinion.author_id == actor.person_id, Opinion.pupil_id.in_(own))


def one_speaks_up_for(actor: Actor) -> ColumnElement[bool]:
    """Pupils the guardian may write about: cared for without a limit, at schools that take opinions here."""
    return Pupil.id.in_(pupils_acted_for(actor, "opinions"))


def sent_and_still_acted_for(actor: Actor) -> ColumnElement[bool]:
    """Opinions the guardian sent and may rate or reopen: not limited to seeing and confirming today."""
    acted_for = pupils_acted_for(actor, "opinions")
    return and_(Opinion.author_id == actor.person_id, Opinion.pupil_id.in_(acted_for))


def everyday_of_school(actor: Actor) -> ColumnElement[bool]:
    """Opinions of the actor's school that do not go straight to somebody else."""
    return and_(Opinion.school_id == actor.school_id, Opinion.category.not_in(list(STRAIGHT_TO)))


def of_school_but_past_it(actor: Actor) -> ColumnElement[bool]:
    """Opinions of the actor's school, without those that go past it to the district."""
    return and_(Opinion.school_id == actor.school_id, Opinion.category.not_in(PAST_THE_SCHOOL))


def addressed_or_lifted_to_district(actor: Actor) -> ColumnElement[bool]:
    """Opinions of the district's schools that go to the district, or that were not answered in time for long."""
    lifted = or_(
        and_(Opinion.answered_on.is_(None), Opinion.lifts_on <= actor.on),
        Opinion.answered_on >= Opinion.lifts_on,
    )
    return and_(
        Opinion.school_id.in_(schools_of_district(actor)),
        or_(Opinion.addressee == Addressee.DISTRICT, lifted),
    )


def everyday_for_office(actor: Actor) -> ColumnElement[bool]:
    """Opinions the school office answers."""
    return and_(everyday_of_school(actor), Opinion.addressee == Addressee.OFFICE)


def for_principal(actor: Actor) -> ColumnElement[bool]:
    """Opinions the principal answers: those of the office too."""
    return and_(of_school_but_past_it(actor), Opinion.addressee != Addressee.DISTRICT)


OPINION_SEND = Permission("opinion.send", Pupil, "F2", {Role.GUARDIAN: one_speaks_up_for})

OPINION_READ = Permission(
    "opinion.read",
    Opinion,
    "F4",
    {
        Role.GUARDIAN: sent_by_oneself,
        Role.SCHOOL_OFFICE: everyday_of_school,
        Role.PRINCIPAL: of_school_but_past_it,
        Role.DISTRICT_STAFF: addressed_or_lifted_to_district,
    },
)

OPINION_ANSWER = Permission(
    "opinion.answer",
    Opinion,
    "F4",
    {
        Role.SCHOOL_OFFICE: everyday_for_office,
        Role.PRINCIPAL: for_principal,
        Role.DISTRICT_STAFF: addressed_or_lifted_to_district,
    },
)

OPINION_OWN = Permission("opinion.own", Opinion, "F4", {Role.GUARDIAN: sent_and_still_acted_for})


def answers_within_reach(actor: Actor) -> ColumnElement[bool]:
    """Answers to opinions that the actor reads."""
    return OpinionAnswer.opinion_id.in_(select(Opinion.id).where(OPINION_READ.within(actor)))


wall(Opinion)
wall(OpinionAnswer, dict.fromkeys(OPINION_READ.grants, answers_within_reach))
