"""A pupil changes school: the old school proposes, the new one accepts, the family knows and may object.

From the day on the old school sees the child in past records only. The file goes along: facts and agreed steps, and what
was said at visits unless the family objected. Sealed notes stay where they are.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import or_, select

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Appointment, Person
from portal.deliveries.kinds import Kind
from portal.deliveries.sending import send
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.schools import enrolling, summaries
from portal.schools.models import Enrolment, Pupil, School, SchoolClass
from portal.staffing.models import PupilTransfer, TransferState
from portal.trail.models import note

NEWS = Kind(
    "transfer.news",
    subject=_l("A change of school waits for you"),
    text=_l("There is news about a change of school on the first page of the portal. Sign in to read it."),
    path="/transfers",
)


def _tell(people: Iterable[Person], transfer: PupilTransfer, occasion: str, but: int) -> None:
    """A message that says only that there is something; one for each occasion and day, however many pupils it is about."""
    for person in people:
        if person.id != but:
            send(person, NEWS.name, {}, key=f"{occasion} {transfer.from_school_id} {clock.today()}")


def _offices(school_id: int) -> Sequence[Person]:
    """Who decides on transfers at a school today: its office and its heads."""
    today = clock.today()
    return db.session.scalars(
        select(Person)
        .where(
            Person.id.in_(
                select(Appointment.person_id).where(
                    Appointment.school_id == school_id,
                    Appointment.role.in_((Role.SCHOOL_OFFICE, Role.PRINCIPAL)),
                    Appointment.started_on <= today,
                    or_(Appointment.ended_on.is_(None), Appointment.ended_on > today),
                )
            )
        )
        .order_by(Person.id)
    ).all()


def school_named(text: str, other_than: int | None) -> School:
    """The school of the portal with this code or full name; RuleBroken (422) when there is none or more than one."""
    wanted = select(School).where(or_(School.code == text.strip(), School.name == text.strip()))
    found = db.session.scalars(wanted.where(School.id != other_than).limit(2)).all()
    if len(found) != 1:
        raise RuleBroken(_("There is no such school here. Enter its code or its full name."), 422)
    return found[0]


def _place(pupil_id: int, on: date) -> Enrolment | None:
    return db.session.scalar(
        select(Enrolment)
        .where(Enrolment.pupil_id == pupil_id, or_(Enrolment.ended_on.is_(None), Enrolment.ended_on > on))
        .order_by(Enrolment.started_on.desc())
        .limit(1)
    )


def propose(
    pupil: Pupil,
    to_school: School | None,
    from_on: date,
    actor: Actor,
    *,
    destination: str = "",
    shares_story: bool = True,
) -> PupilTransfer:
    """Propose a transfer, or note that the child leaves the schools of the portal, in the current transaction."""
    waiting = select(PupilTransfer.id).where(
        PupilTransfer.pupil_id == pupil.id,
        PupilTransfer.state.in_((TransferState.PROPOSED, TransferState.ACCEPTED)),
    )
    if db.session.scalar(waiting):
        raise RuleBroken(_("A transfer of this pupil is under way already."))
    if from_on < clock.today():
        raise RuleBroken(_("Choose today or a later day."), 422)
    made = PupilTransfer(
        pupil_id=pupil.id,
        from_school_id=pupil.school_id,
        to_school_id=to_school.id if to_school else None,
        from_on=from_on,
        destination=destination,
        shares_story=shares_story and to_school is not None,
        proposed_by_id=actor.person_id,
        proposed_at=clock.now(),
    )
    db.session.add(made)
    db.session.flush()
    if to_school is None:
        place = _place(pupil.id, from_on)
        if place is not None:
            place.ended_on = max(from_on, place.started_on)
        pupil.left_on = from_on
        made.state = TransferState.DONE
        summaries.rebuild_roster([made.from_school_id])
    else:
        _tell(_offices(to_school.id), made, "proposed", actor.person_id)
    note(
        "transfer.proposed" if to_school else "transfer.left",
        made,
        person_id=actor.person_id,
        role=actor.role,
        pupil_id=pupil.id,
        from_on=str(from_on),
    )
    return made


def accept(transfer: PupilTransfer, school_class: SchoolClass, actor: Actor) -> None:
    """The new school takes the pupil into a class, in the current transaction.

    RuleBroken when it is decided, when the same person proposed it, or when the class is none of the school.
    """
    _must_wait(transfer)
    if transfer.proposed_by_id == actor.person_id:
        raise RuleBroken(_("A second person of the new school accepts."))
    if school_class.school_id != transfer.to_school_id:
        raise RuleBroken(_("Choose the class."), 422)
    from_on = max(transfer.from_on, clock.today())
    pupil = db.session.get_one(Pupil, transfer.pupil_id)
    place = _place(pupil.id, from_on)
    if place is not None:
        place.ended_on = max(from_on, place.started_on)
        db.session.flush()
        from_on = place.ended_on
    enrolling.enrol(pupil, school_class, from_on)
    transfer.from_on, transfer.to_class_id = from_on, school_class.id
    transfer.state = TransferState.ACCEPTED
    transfer.decided_by_id, transfer.decided_at = actor.person_id, clock.now()
    db.session.flush()
    complete(transfer)
    summaries.rebuild_roster([transfer.from_school_id, school_class.school_id])
    _tell_proposer(transfer, actor)
    note(
        "transfer.accepted",
        transfer,
        person_id=actor.person_id,
        role=actor.role,
        pupil_id=pupil.id,
        from_on=str(from_on),
    )


def _tell_proposer(transfer: PupilTransfer, actor: Actor) -> None:
    proposer = db.session.get(Person, transfer.proposed_by_id)
    if proposer is not None:
        _tell([proposer], transfer, f"decided {transfer.to_school_id}", actor.person_id)


def complete(transfer: PupilTransfer) -> bool:
    """On its day the pupil belongs to the new school, in the current transaction; whether it was time."""
    if transfer.state != TransferState.ACCEPTED or transfer.from_on > clock.today():
        return False
    pupil = db.session.get_one(Pupil, transfer.pupil_id)
    assert transfer.to_school_id is not None
    pupil.school_id, pupil.sourced_id = transfer.to_school_id, None
    pupil.arrived_on, pupil.left_on = transfer.from_on, None
    transfer.state = TransferState.DONE
    db.session.flush()
    return True


def complete_due() -> int:
    """Complete all accepted transfers whose day has come, each in its own transaction; returns how many."""
    due = db.session.scalars(
        select(PupilTransfer.id).where(
            PupilTransfer.state == TransferState.ACCEPTED, PupilTransfer.from_on <= clock.today()
        )
    ).all()
    db.session.rollback()
    done = 0
    for key in due:
        transfer = db.session.scalar(select(PupilTransfer).where(PupilTransfer.id == key).with_for_update())
        done += bool(transfer and complete(transfer))
        db.session.commit()
    return done


def accept_many(transfers: Sequence[PupilTransfer], school_class: SchoolClass, actor: Actor) -> int:
    """Take several pupils into one class, in the current transaction: all or none; how many."""
    for transfer in transfers:
        accept(transfer, school_class, actor)
    return len(transfers)


def close(transfer: PupilTransfer, state: TransferState, actor: Actor) -> None:
    """The new school refuses, or the old one takes it back, in the current transaction."""
    _must_wait(transfer)
    transfer.state = state
    if state == TransferState.REFUSED and transfer.proposed_by_id != actor.person_id:
        transfer.decided_by_id, transfer.decided_at = actor.person_id, clock.now()
    if state == TransferState.REFUSED:
        _tell_proposer(transfer, actor)
    note(
        f"transfer.{state}",
        transfer,
        person_id=actor.person_id,
        role=actor.role,
        pupil_id=transfer.pupil_id,
    )


def object_to(transfer: PupilTransfer, actor: Actor) -> None:
    """The family does not want what was said at visits to go along; possible at any time, in the current transaction."""
    if transfer.to_school_id is None or not transfer.shares_story:
        raise RuleBroken(_("Nothing that was said goes along."))
    transfer.shares_story, transfer.objected_by_id = False, actor.person_id
    note(
        "transfer.objected",
        transfer,
        person_id=actor.person_id,
        role=actor.role,
        pupil_id=transfer.pupil_id,
    )


def _must_wait(transfer: PupilTransfer) -> None:
    if transfer.state != TransferState.PROPOSED:
        raise RuleBroken(_("This transfer is decided already."))
