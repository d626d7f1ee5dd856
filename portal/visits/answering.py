"""Answering an invitation without signing in: a code for each guardian who may answer, good once and for this alone.

The code (12 characters of Crockford's base 32, 60 random bits) goes out by message and is kept as its keyed index only.
It shows who would like to meet, from which school and when; never the child, the purpose or anything else, and what the
guardian may answer is asked anew each time it is used.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Person
from portal.deliveries.kinds import Kind, fit
from portal.deliveries.sending import send
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.i18n import moment
from portal.joining import codes
from portal.keys.sealing import blind_index
from portal.schools.models import Flag, Guardianship, School, SchoolClass
from portal.schools.policy import flagged, in_force
from portal.trail.models import note
from portal.visits.models import AnswerCode, Invitation, InvitationState
from portal.visits.policy import INVITATION_ANSWER

LENGTH = 12
INVITED = Kind(
    "visits.invited",
    subject=_l("A teacher would like to meet you"),
    text=_l(
        "%(teacher)s of %(school)s would like to meet you. Answer without signing in: open the portal, choose “Answer an invitation” and enter %(code)s. Good once. You may say no without a reason."
    ),
    takes=("teacher", "school", "code"),
    secret=("code",),
    path="/visits/answer?code=%(code)s",
)
REMINDER = Kind(
    "visits.reminder",
    subject=_l("Tomorrow you meet"),
    text=_l(
        "Tomorrow at %(time)s you meet %(teacher)s of %(school)s, as agreed. If it no longer suits you, say so on the portal."
    ),
    takes=("time", "teacher", "school"),
    path="/",
)


def _said(word: str, otherwise: str) -> str:
    return word if fit(word) else otherwise


def _words(invitation: Invitation) -> dict[str, str]:
    row = db.session.execute(
        select(Person.name, School.name)
        .join(School, School.id == invitation.school_id)
        .where(Person.id == invitation.author_id)
    ).one()
    return {"teacher": _said(row[0], _("A teacher")), "school": _said(row[1], _("The school"))}


def tell(invitation: Invitation) -> int:
    """Send each guardian who may answer a code of their own, in the current transaction; returns how many were sent."""
    day = Actor(0, Role.GUARDIAN, clock.today())
    people = db.session.scalars(
        select(Person)
        .join(Guardianship, Guardianship.person_id == Person.id)
        .where(
            Guardianship.pupil_id == invitation.pupil_id,
            Guardianship.household_id == invitation.household_id,
            in_force(Guardianship, day),
            ~flagged(day, Flag.RESTRICTED, Flag.UNCONFIRMED, Flag.LIMITED),
        )
        .order_by(Person.id)
    ).all()
    words = _words(invitation)
    for person in people:
        code = "".join(codes.new_code() for _half in range(2))[:LENGTH]
        db.session.add(
            AnswerCode(
                invitation_id=invitation.id,
                person_id=person.id,
                code_index=_index(code),
                expires_at=invitation.last_time_at,
            )
        )
        send(person, INVITED.name, {**words, "code": codes.shown(code)}, key=invitation.public_id)
    return len(people)


def _index(code: str) -> bytes:
    return blind_index("visit.answer", code)


def offer(typed: str | None, now: datetime) -> tuple[AnswerCode, Invitation]:
    """The invitation that a code answers. Call within ``all_rows``. RuleBroken for a code that does not hold (any more):
    unknown, used, over, or of somebody who may not answer today."""
    code = db.session.scalar(
        select(AnswerCode).where(
            AnswerCode.code_index == _index(codes.plain(typed)),
            AnswerCode.used_at.is_(None),
            AnswerCode.expires_at > now,
        )
    )
    invitation = None if code is None else _invitation_of(code)
    if code is None or invitation is None:
        raise RuleBroken(
            _("This code does not hold, or it was used. Sign in to see the invitation."), status=422
        )
    return code, invitation


def _invitation_of(code: AnswerCode) -> Invitation | None:
    holder = Actor(code.person_id, Role.GUARDIAN, clock.today())
    return db.session.scalar(
        INVITATION_ANSWER.rows(holder)
        .where(Invitation.id == code.invitation_id, Invitation.state == InvitationState.OPEN)
        .options(
            joinedload(Invitation.author), joinedload(Invitation.school_class).joinedload(SchoolClass.school)
        )
    )


def answer(code: AnswerCode, invitation: Invitation, at: datetime | None, form: str, now: datetime) -> str:
    """Accept a time and a form, or decline (``at`` None), in the current transaction; returns what to say. The code is
    used up by it. RuleBroken as ``Invitation.accept``."""
    if at is None:
        invitation.decline(code.person_id, now)
        said, action = _("That is all right. The teacher knows."), "invitation.declined"
    else:
        invitation.accept(at, form, code.person_id, now)
        said, action = (
            _("Settled: %(when)s. The teacher sees your answer.", when=moment(at)),
            "invitation.accepted",
        )
    code.used_at = now
    note(action, invitation, person_id=code.person_id, role=Role.GUARDIAN, by_code=True)
    return said


def remind(invitation: Invitation) -> None:
    """Remind whoever accepted and the teacher of tomorrow's meeting, once, in the current transaction."""
    assert invitation.chosen_at is not None
    values = {"time": clock.local(invitation.chosen_at).strftime("%H:%M"), **_words(invitation)}
    for person_id in {invitation.answered_by_id, invitation.author_id} - {None}:
        person = db.session.get(Person, person_id)
        if person is not None:
            key = f"{invitation.public_id} {clock.local(invitation.chosen_at):%m%d}"
            send(person, REMINDER.name, values, key=key)
