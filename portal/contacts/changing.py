"""Details of a guardian: what stands there, what is asked for, and what an approval changes."""

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import select, update

from portal import names
from portal.accounts.models import Person
from portal.accounts.phones import phone_index
from portal.contacts.models import ChangeRequest, Decision, Detail, WrongNumber
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.schools.models import Flag, Guardianship, GuardianshipFlag

FLAGS = {Detail.LIVES_WITH: Flag.LIVES_WITH, Detail.PICKS_UP: Flag.PICKS_UP}
YES, NO = "yes", "no"


def present(tie: Guardianship, on: date) -> dict[Detail, str]:
    """What stands there on a day, as text; ``tie`` comes with person, pupil and flags. Flags read "yes" or "no"."""
    flags = {flag.kind for flag in tie.flags_on(on)}
    return {
        Detail.NAME: tie.person.name,
        Detail.PHONE: tie.person.phone or "",
        Detail.RELATION: tie.relation,
        Detail.LIVES_WITH: YES if Flag.LIVES_WITH in flags else NO,
        Detail.PICKS_UP: YES if Flag.PICKS_UP in flags else NO,
        Detail.CHILD_NAME: tie.pupil.name,
    }


def ask(tie: Guardianship, wanted: Mapping[Detail, str], on: date, at: datetime) -> list[ChangeRequest]:
    """One request for each detail that differs from what stands there, in the current transaction.

    A detail that is asked for already takes the new wish in place of the old one.
    """
    stands = present(tie, on)
    waiting = {request.detail: request for request in open_requests(tie)}
    asked = []
    for detail, value in wanted.items():
        request = waiting.get(detail)
        if value == stands[detail]:
            if request is not None:
                request.decide(Decision.WITHDRAWN, tie.person_id, at)
            continue
        if request is None:
            request = ChangeRequest(
                guardianship_id=tie.id,
                person_id=tie.person_id,
                pupil_id=tie.pupil_id,
                school_id=tie.pupil.school_id,
                detail=detail,
                state=Decision.OPEN,
                asked_at=at,
            )
            db.session.add(request)
        request.old, request.new = stands[detail], value
        asked.append(request)
    return asked


def open_requests(tie: Guardianship) -> list[ChangeRequest]:
    """What this guardian has asked for about this child and the school has not decided."""
    wanted = select(ChangeRequest).where(
        ChangeRequest.guardianship_id == tie.id, ChangeRequest.state == Decision.OPEN
    )
    return list(db.session.scalars(wanted.order_by(ChangeRequest.id)))


def apply(request: ChangeRequest, on: date, at: datetime) -> None:
    """Let the approved detail hold from ``on``; ``request`` comes with its guardianship, flags, person and pupil.

    RuleBroken when a number belongs to somebody else's account by now.
    """
    tie, value = request.guardianship, request.new or ""
    match Detail(request.detail):
        case Detail.NAME:
            tie.person.name = value
            tie.person.name_pinyin, tie.person.name_initials = names.reading(value)
        case Detail.CHILD_NAME:
            tie.pupil.name = value
            tie.pupil.name_pinyin, tie.pupil.name_initials = names.reading(value)
        case Detail.RELATION:
            tie.relation = value
        case Detail.PHONE:
            _change_phone(tie.person, value, at)
        case Detail.LIVES_WITH | Detail.PICKS_UP as detail:
            _change_flag(tie, FLAGS[detail], value == YES, on)


def _change_phone(person: Person, number: str, at: datetime) -> None:
    other = select(Person.id).where(Person.phone_index == phone_index(number), Person.id != person.id)
    if db.session.scalar(other) is not None:
        raise RuleBroken(
            _("This number belongs to another account. Speak with the family before you approve it.")
        )
    person.phone = number
    end_wrong_number(person.id, at)


def _change_flag(tie: Guardianship, kind: Flag, holds: bool, on: date) -> None:
    standing = [flag for flag in tie.flags_on(on) if flag.kind == kind]
    for flag in standing if not holds else []:
        flag.ended_on = on
    if holds and not standing:
        tie.flags.append(GuardianshipFlag(kind=kind, started_on=on))


def note_wrong_number(person_id: int, by: int, at: datetime) -> bool:
    """Note that a number reaches nobody; False when that is noted already."""
    noted = select(WrongNumber.id).where(WrongNumber.person_id == person_id, WrongNumber.ended_at.is_(None))
    if db.session.scalar(noted) is not None:
        return False
    db.session.add(WrongNumber(person_id=person_id, noted_by_id=by, noted_at=at))
    return True


def end_wrong_number(person_id: int, at: datetime) -> None:
    """The number works, or there is another one."""
    db.session.execute(
        update(WrongNumber)
        .where(WrongNumber.person_id == person_id, WrongNumber.ended_at.is_(None))
        .values(ended_at=at)
    )
