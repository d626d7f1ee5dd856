"""A guardian asks that a grandparent or another helper may see and confirm for a child; the class teacher decides.

Only who answers and signs for the child asks. The helper counts with the asker's household, sees and confirms only, and is
told off again by the asker with one tap.
"""

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from portal import clock
from portal.accounts.models import Person
from portal.accounts.phones import phone_index
from portal.deliveries.kinds import Kind
from portal.deliveries.sending import send
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.joining.models import JoiningRequest, RequestState, Way
from portal.names import reading
from portal.schools import enrolling
from portal.schools.models import Flag, Guardianship, Pupil

ENDED = Kind(
    "helper.ended",
    subject=_l("You are no longer a helper in the portal"),
    text=_l(
        "Whoever had asked for your help in the portal has ended it. If this surprises you, ask them or ring the school."
    ),
    path="/",
)
WAITING_AT_ONCE = 3
"""Open requests of one guardian for one child."""


def ask(
    pupil: Pupil, asker_id: int, *, name: str, relation: str, phone: str | None, until_on: date | None
) -> JoiningRequest:
    """A request that waits for the class teacher, in the current transaction. ``until_on``: the first day after, or None."""
    waiting = select(JoiningRequest.id).where(
        JoiningRequest.asked_by_id == asker_id,
        JoiningRequest.pupil_id == pupil.id,
        JoiningRequest.state == RequestState.WAITING,
    )
    if len(db.session.scalars(waiting).all()) >= WAITING_AT_ONCE:
        raise RuleBroken(_("Several requests for this child wait for the class teacher already."))
    asked = JoiningRequest(
        pupil_id=pupil.id,
        way=Way.GUARDIAN,
        asked_by_id=asker_id,
        name=name,
        relation=relation,
        phone=phone,
        until_on=until_on,
        asked_at=clock.now(),
    )
    db.session.add(asked)
    db.session.flush()
    return asked


def helper(asked: JoiningRequest) -> Person:
    """Whom the request means: the person of this number if the name is theirs as well, else somebody new."""
    known = None
    if asked.phone:
        known = db.session.scalar(select(Person).where(Person.phone_index == phone_index(asked.phone)))
        if known is not None and reading(known.name)[0] == reading(asked.name)[0]:
            return known
    made = enrolling.add_person(asked.name, phone=asked.phone if known is None else None)
    db.session.flush()
    return made


def end(asked: JoiningRequest) -> None:
    """Take the request back, or end what came of it and tell the helper, in the current transaction.

    RuleBroken when it was declined, or when the class teacher has let the helper answer and sign since.
    """
    now, today = clock.now(), clock.today()
    if asked.state == RequestState.WAITING:
        asked.state, asked.decided_at, asked.phone = RequestState.WITHDRAWN, now, None
        return
    tie = db.session.scalar(
        select(Guardianship)
        .where(Guardianship.id == asked.tie_id)
        .options(selectinload(Guardianship.flags), joinedload(Guardianship.pupil))
    )
    if tie is None or asked.state != RequestState.CONFIRMED or (tie.ended_on and tie.ended_on <= today):
        raise RuleBroken(_("This is over already."))
    if not any(flag.kind == Flag.LIMITED for flag in tie.flags_on(today)):
        raise RuleBroken(_("The class teacher has let this guardian answer and sign. Ask the class teacher."))
    tie.ended_on = max(today, tie.started_on)
    asked.state = RequestState.WITHDRAWN
    send(db.session.get_one(Person, tie.person_id), ENDED.name, {}, key=asked.public_id)
