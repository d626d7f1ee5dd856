"""The consent register: who allows what, for which child, from when.

One record per purpose, version, guardian, child and time. What holds for a child is made from the newest answer of every
guardian who may sign: a no of one of them holds whatever the others say, and an older version's yes does not count.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, exists, or_, select

from portal import clock, consent
from portal.consent import Purpose
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.privacy.ages import bands
from portal.privacy.models import Answer, Channel, Consent, ConsentReminder
from portal.privacy.purposes import PURPOSES
from portal.schools.models import Enrolment, Flag, Guardianship, GuardianshipFlag, Pupil, SchoolClass


@dataclass(frozen=True)
class Standing:
    """How one purpose stands for one child: ``own`` is the newest answer of the person who looks."""

    allowed: bool = False
    refused: bool = False
    own: Consent | None = None
    other_agrees: bool = False
    other_refuses: bool = False
    asks_again: bool = False

    @property
    def is_open(self) -> bool:
        """Whether nobody has said yes or no to the version of today."""
        return not self.allowed and not self.refused


def _held(table: type[Any], day: date) -> Any:
    return and_(table.started_on <= day, or_(table.ended_on.is_(None), table.ended_on > day))


SHUT = (Flag.RESTRICTED, Flag.LIMITED, Flag.UNCONFIRMED)
"""Whoever is kept away by a court, only sees and confirms, or is not confirmed yet, signs nothing."""


def _flagged(day: date, *kinds: Flag) -> Any:
    return exists().where(
        GuardianshipFlag.guardianship_id == Guardianship.id,
        GuardianshipFlag.kind.in_(kinds),
        _held(GuardianshipFlag, day),
    )


def signers(day: date) -> Select[*tuple[Any, ...]]:
    """(pupil, person) of every guardian who may sign on a day."""
    return select(Guardianship.pupil_id, Guardianship.person_id).where(
        _held(Guardianship, day), _flagged(day, Flag.MAY_SIGN), ~_flagged(day, *SHUT)
    )


def newest(pupil_ids: Collection[int], on: date) -> dict[tuple[int, str], dict[int, Consent]]:
    """(pupil, purpose) → guardian who may sign on the day → their newest answer. Two queries, however many children."""
    may_sign = {
        (pupil_id, person_id)
        for pupil_id, person_id in db.session.execute(signers(on).where(Guardianship.pupil_id.in_(pupil_ids)))
    }
    rows = db.session.scalars(
        select(Consent)
        .where(
            Consent.pupil_id.in_(pupil_ids), Consent.answered_at < clock.instant_of(on + timedelta(days=1))
        )
        .order_by(Consent.answered_at, Consent.id)
    )
    found: dict[tuple[int, str], dict[int, Consent]] = {}
    for row in rows:
        if row.pupil_id is not None and (row.pupil_id, row.person_id) in may_sign:
            found.setdefault((row.pupil_id, row.purpose), {})[row.person_id or 0] = row
    return found


def standings(
    pupil_ids: Collection[int], on: date, person_id: int | None = None
) -> dict[tuple[int, Purpose], Standing]:
    """How every purpose stands for each of the children on a day, as one guardian sees it."""
    answers = newest(pupil_ids, on)
    return {
        (pupil_id, purpose): _standing(
            answers.get((pupil_id, purpose), {}), declared.on(on).number, person_id
        )
        for pupil_id in pupil_ids
        for purpose, declared in PURPOSES.items()
    }


def _standing(answers: dict[int, Consent], version: int, person_id: int | None) -> Standing:
    agree = {who for who, answer in answers.items() if answer.is_yes and answer.version == version}
    refuse = {who for who, answer in answers.items() if not answer.is_yes}
    own = answers.get(person_id) if person_id is not None else None
    return Standing(
        allowed=bool(agree) and not refuse,
        refused=bool(refuse),
        own=own,
        other_agrees=bool(agree - {person_id}),
        other_refuses=bool(refuse - {person_id}),
        asks_again=own is not None and own.is_yes and own.version != version,
    )


def allows(purpose: Purpose, pupil_id: int, on: date) -> bool:
    """Whether this use is allowed for the child on a day."""
    return standings([pupil_id], on)[pupil_id, purpose].allowed


consent.answered_by(allows)


def answer(
    pupil: Pupil,
    person_id: int,
    purpose: Purpose,
    version: int,
    agrees: bool,
    *,
    at: datetime,
    recorded_by_id: int | None = None,
    signed_on: date | None = None,
) -> Consent:
    """Record what a guardian who may sign says, in the current transaction; ``signed_on`` is the day on the paper slip.

    RuleBroken when the text has a newer version, or when a slip is older than what the guardian said since.
    """
    today = clock.local(at).date()
    declared = PURPOSES[purpose].on(today if signed_on is None else signed_on)
    if version != declared.number:
        raise RuleBroken(_("This text has changed since you opened the page. Read it again, then answer."))
    before = newest([pupil.id], today).get((pupil.id, purpose), {}).get(person_id)
    if signed_on is not None and before is not None and clock.local(before.answered_at).date() > signed_on:
        raise RuleBroken(_("The guardian has answered since this slip was signed. The newer answer holds."))
    word = Answer.GIVEN if agrees else Answer.REFUSED
    if not agrees and before is not None and before.is_yes:
        word = Answer.WITHDRAWN
    made = Consent(
        purpose=purpose,
        version=version,
        school_id=pupil.school_id,
        pupil_id=pupil.id,
        person_id=person_id,
        age_band=bands([pupil.id])[pupil.id],
        answer=word,
        channel=Channel.SCREEN if signed_on is None else Channel.PAPER,
        signed_on=signed_on,
        answered_at=at,
        recorded_by_id=recorded_by_id,
    )
    db.session.add(made)
    db.session.flush()
    if not agrees:
        consent.refused(purpose, pupil.id)
    return made


def remind(school_class: SchoolClass, purpose: Purpose, by_id: int, on: date) -> None:
    """Ask those of a class who have not answered, once for each version. RuleBroken the second time."""
    version = PURPOSES[purpose].on(on).number
    if reminded(school_class.id, on).get(purpose):
        raise RuleBroken(_("The families of this class have been asked once. They are not asked again."))
    db.session.add(
        ConsentReminder(
            class_id=school_class.id, purpose=purpose, version=version, reminded_on=on, by_id=by_id
        )
    )


def reminded(class_id: int, on: date) -> dict[str, date]:
    """Purpose → the day on which the class was asked for the version of today."""
    rows = db.session.scalars(select(ConsentReminder).where(ConsentReminder.class_id == class_id))
    return {
        row.purpose: row.reminded_on
        for row in rows
        if row.purpose in PURPOSES and PURPOSES[Purpose(row.purpose)].on(on).number == row.version
    }


def pupils_in(class_id: int, on: date) -> Select[Any]:
    """The pupils of a class on a day, by name."""
    return (
        select(Pupil)
        .join(Enrolment, Enrolment.pupil_id == Pupil.id)
        .where(Enrolment.class_id == class_id, _held(Enrolment, on))
        .order_by(Pupil.name_pinyin, Pupil.id)
    )
