"""Asking to be let in: with a slip in hand, or with a number that the school may know."""

from collections.abc import Sequence

from sqlalchemy import or_, select

from portal import clock
from portal.accounts import passwords
from portal.accounts.models import Person
from portal.accounts.phones import phone_index
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.joining import admitting, codes
from portal.joining.models import JoiningRequest, JoiningSlip, RequestState, Way
from portal.schools.models import Guardianship
from portal.trail.models import note

WAITING_AT_ONCE = 5
"""Open requests for one guardian of the roster; more are not kept, so that a number cannot flood a teacher."""


def _ties_in_force(*conditions: object) -> Sequence[Guardianship]:
    today = clock.today()
    return db.session.scalars(
        select(Guardianship)
        .where(
            Guardianship.started_on <= today,
            or_(Guardianship.ended_on.is_(None), Guardianship.ended_on > today),
            *conditions,  # type: ignore[arg-type]
        )
        .order_by(Guardianship.id)
    ).all()


def _without_account() -> object:
    unbound = select(Person.id).where(Person.password_hash.is_(None), Person.account_name.is_(None))
    return Guardianship.person_id.in_(unbound)


def _known_by_phone(phone: str | None, *conditions: object) -> Sequence[Guardianship]:
    """The ties of the roster's guardian who has this number and no account yet."""
    if not phone:
        return []
    person = select(Person.id).where(Person.phone_index == phone_index(phone))
    return _ties_in_force(Guardianship.person_id.in_(person), _without_account(), *conditions)


def new_account_name() -> str:
    """A name to sign in with that says nothing about anybody: gy7k4qm2."""
    return f"gy{codes.new_number().lower()}"


def with_slip(
    slip: JoiningSlip,
    *,
    person: Person | None,
    name: str,
    relation: str,
    phone: str | None,
    password: str | None,
) -> JoiningRequest:
    """A request for the slip's child, in the current transaction; the slip is used up by it.

    ``person`` is who is signed in, else an account is made of name, phone (E.164) and password when the teacher
    confirms. Raises RuleBroken when the slip was used up meanwhile or the person cares for the child already.
    """
    if person is not None:
        refuse_twice(person.id, slip.pupil_id)
    hashed = passwords.hashed(password) if password else None
    if not admitting.use(slip):
        raise RuleBroken(
            _("This slip has just been used up or has expired. Ask the class teacher for a new one.")
        )
    known = _known_by_phone(phone, Guardianship.pupil_id == slip.pupil_id) if person is None else ()
    asked = JoiningRequest(
        pupil_id=slip.pupil_id,
        way=Way.SLIP,
        slip_id=slip.id,
        person_id=person.id if person else None,
        tie_id=known[0].id if known else None,
        name=person.name if person else name,
        relation=relation,
        phone=None if person else phone,
        account_name=None if person else new_account_name(),
        password_hash=hashed,
        asked_at=clock.now(),
    )
    db.session.add(asked)
    db.session.flush()
    note("joining.asked", asked, person_id=person.id if person else None, way=asked.way)
    return asked


def refuse_twice(person_id: int, pupil_id: int) -> None:
    """Nobody joins a child they care for already, or asks twice at once."""
    if _ties_in_force(Guardianship.person_id == person_id, Guardianship.pupil_id == pupil_id):
        raise RuleBroken(
            _("The school knows you as a guardian of this child already. The slip stays unused.")
        )
    waiting = select(JoiningRequest.id).where(
        JoiningRequest.person_id == person_id,
        JoiningRequest.pupil_id == pupil_id,
        JoiningRequest.state == RequestState.WAITING,
    )
    if db.session.scalar(waiting.limit(1)):
        raise RuleBroken(_("Your request waits for the class teacher already. The slip stays unused."))


def with_phone(*, name: str, relation: str, phone: str, password: str) -> list[JoiningRequest]:
    """Requests for every child of the roster's guardian with this number, in the current transaction; perhaps none.

    The password is hashed whether or not the number is known, so that nobody learns by time which numbers are.
    """
    hashed = passwords.hashed(password)
    account_name = new_account_name()
    made = []
    for tie in _known_by_phone(phone):
        waiting = select(JoiningRequest.id).where(
            JoiningRequest.tie_id == tie.id, JoiningRequest.state == RequestState.WAITING
        )
        if len(db.session.scalars(waiting.limit(WAITING_AT_ONCE)).all()) == WAITING_AT_ONCE:
            continue
        made.append(
            JoiningRequest(
                pupil_id=tie.pupil_id,
                way=Way.PHONE,
                tie_id=tie.id,
                name=name,
                relation=relation,
                phone=phone,
                account_name=account_name,
                password_hash=hashed,
                asked_at=clock.now(),
            )
        )
    db.session.add_all(made)
    db.session.flush()
    for asked in made:
        note("joining.asked", asked, person_id=None, way=asked.way)
    return made
