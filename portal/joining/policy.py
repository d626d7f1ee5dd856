"""Who prints slips and lets families in: the class teacher, for the children of the class today, and nobody else."""

from sqlalchemy import ColumnElement, and_, select

from portal.access import Actor, Permission, Role
from portal.joining.models import GuardianNews, JoiningRequest, JoiningSheet, JoiningSlip
from portal.schools.models import Flag, Guardianship, Pupil, SchoolClass
from portal.schools.policy import (
    flagged,
    in_force,
    own_class,
    pupils_acted_for,
    pupils_of_class,
    pupils_of_guardian,
)


def sheets_of_class(actor: Actor) -> ColumnElement[bool]:
    """Sheets printed for the teacher's class."""
    return JoiningSheet.class_id == actor.class_id


def slips_of_class(actor: Actor) -> ColumnElement[bool]:
    """Slips of children who are in the teacher's class today."""
    return JoiningSlip.pupil_id.in_(pupils_of_class(actor))


def requests_of_class(actor: Actor) -> ColumnElement[bool]:
    """Requests about children who are in the teacher's class today."""
    return JoiningRequest.pupil_id.in_(pupils_of_class(actor))


def own_sheets(actor: Actor) -> ColumnElement[bool]:
    """Sheets of the class that the teacher printed."""
    return JoiningSheet.id.in_(
        select(JoiningSheet.id).where(sheets_of_class(actor), JoiningSheet.printed_by_id == actor.person_id)
    )


def ties_of_class(actor: Actor) -> ColumnElement[bool]:
    """Guardians of today's children of the class whom no court order restricts."""
    return and_(
        Guardianship.pupil_id.in_(pupils_of_class(actor)),
        in_force(Guardianship, actor),
        ~flagged(actor, Flag.RESTRICTED),
    )


def told_to_oneself(actor: Actor) -> ColumnElement[bool]:
    """What the guardian was told about children they care for today."""
    return GuardianNews.id.in_(
        select(GuardianNews.id).where(
            GuardianNews.person_id == actor.person_id, GuardianNews.pupil_id.in_(pupils_of_guardian(actor))
        )
    )


def told_as_teacher(actor: Actor) -> ColumnElement[bool]:
    """What the class teacher was told about children who are in the class today."""
    return and_(GuardianNews.person_id == actor.person_id, GuardianNews.pupil_id.in_(pupils_of_class(actor)))


def acted_for(actor: Actor) -> ColumnElement[bool]:
    """Children for whom the guardian answers and signs."""
    return Pupil.id.in_(pupils_acted_for(actor))


def own_helpers(actor: Actor) -> ColumnElement[bool]:
    """Helpers that the guardian asked for, of children for whom they answer and sign today."""
    return and_(
        JoiningRequest.asked_by_id == actor.person_id, JoiningRequest.pupil_id.in_(pupils_acted_for(actor))
    )


CLASS_JOIN = Permission("joining.class", SchoolClass, "F2", {Role.CLASS_TEACHER: own_class})

SHEET_READ = Permission("joining.sheet", JoiningSheet, "F2", {Role.CLASS_TEACHER: sheets_of_class})

SHEET_PRINT = Permission("joining.print", JoiningSheet, "F6", {Role.CLASS_TEACHER: own_sheets})

SLIP_REVOKE = Permission("joining.revoke", JoiningSlip, "F2", {Role.CLASS_TEACHER: slips_of_class})

REQUEST_DECIDE = Permission("joining.decide", JoiningRequest, "F3", {Role.CLASS_TEACHER: requests_of_class})

TIE_LIMIT = Permission("joining.limit", Guardianship, "F2", {Role.CLASS_TEACHER: ties_of_class})

NEWS_SEEN = Permission(
    "joining.news",
    GuardianNews,
    "F2",
    {Role.GUARDIAN: told_to_oneself, Role.CLASS_TEACHER: told_as_teacher},
)

HELPER_ASK = Permission("joining.helper", Pupil, "F2", {Role.GUARDIAN: acted_for})

HELPER_END = Permission("joining.helper_end", JoiningRequest, "F2", {Role.GUARDIAN: own_helpers})
