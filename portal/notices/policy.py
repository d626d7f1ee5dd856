"""Who reads, writes and oversees notices.

Families read what is addressed to them today. An author's notices belong to the office, not to the person: the next
committee chair carries on. Teachers, offices and districts see how notices to their own families went; a committee
chair sees numbers only, because a parent may not learn which other families have not answered.
"""

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import aliased

from portal.access import Actor, Permission, Role
from portal.notices.models import Notice, Scope
from portal.schools.models import District, Enrolment, Guardianship, School, SchoolClass
from portal.schools.modules import open_at
from portal.schools.policy import (
    classes_of_guardian,
    districts_below,
    in_force,
    schools_of_guardian,
    unrestricted_guardianship,
)

OFFICES = (Role.SCHOOL_OFFICE, Role.PRINCIPAL)


def grades_of_guardian(actor: Actor) -> Select[int]:
    """Ids of the grades of the guardian's children today."""
    return (
        select(SchoolClass.grade_id)
        .join(Enrolment, Enrolment.class_id == SchoolClass.id)
        .join(Guardianship, Guardianship.pupil_id == Enrolment.pupil_id)
        .where(
            unrestricted_guardianship(actor),
            in_force(Enrolment, actor),
            open_at("notices", Enrolment.school_id, actor),
        )
    )


def districts_of_guardian(actor: Actor) -> Select[int]:
    """Ids of the districts of the children's schools, and of those above them."""
    own = aliased(District)
    return (
        select(District.id)
        .join(own, own.path.startswith(District.path))
        .join(School, School.district_id == own.id)
        .where(School.id.in_(schools_of_guardian(actor, "notices")))
    )


def addressed_to_family(actor: Actor) -> ColumnElement[bool]:
    """Published notices whose audience holds one of the guardian's children today."""
    return and_(
        Notice.published_at.is_not(None),
        or_(
            and_(
                Notice.scope_kind == Scope.CLASS, Notice.scope_id.in_(classes_of_guardian(actor, "notices"))
            ),
            and_(Notice.scope_kind == Scope.GRADE, Notice.scope_id.in_(grades_of_guardian(actor))),
            and_(
                Notice.scope_kind == Scope.SCHOOL, Notice.scope_id.in_(schools_of_guardian(actor, "notices"))
            ),
            and_(Notice.scope_kind == Scope.DISTRICT, Notice.scope_id.in_(districts_of_guardian(actor))),
        ),
    )


def _for_class(actor: Actor) -> ColumnElement[bool]:
    return and_(Notice.scope_kind == Scope.CLASS, Notice.scope_id == actor.class_id)


def own_committee(actor: Actor) -> ColumnElement[bool]:
    """Notices of the committee of the chair's class or school."""
    if actor.class_id is not None:
        own = _for_class(actor)
    else:
        own = and_(Notice.school_id == actor.school_id, Notice.scope_kind != Scope.CLASS)
    return and_(Notice.author_role == Role.COMMITTEE_CHAIR, own)


def own_as_teacher(actor: Actor) -> ColumnElement[bool]:
    """Notices that class teachers wrote to the teacher's class."""
    return and_(Notice.author_role == Role.CLASS_TEACHER, _for_class(actor))


def own_as_school(actor: Actor) -> ColumnElement[bool]:
    """Notices that the office or the principal of the school wrote."""
    return and_(Notice.author_role.in_(OFFICES), Notice.school_id == actor.school_id)


def own_as_district(actor: Actor) -> ColumnElement[bool]:
    """Notices that staff of this district wrote."""
    return and_(Notice.author_role == Role.DISTRICT_STAFF, Notice.district_id.in_(districts_below(actor)))


def to_own_class(actor: Actor) -> ColumnElement[bool]:
    """The teacher's own notices, and what others have published to the class."""
    published = and_(Notice.published_at.is_not(None), _for_class(actor))
    return or_(own_as_teacher(actor), published)


def to_own_school(actor: Actor) -> ColumnElement[bool]:
    """The school's own notices, and what committees and teachers have published in the school."""
    published = and_(Notice.published_at.is_not(None), Notice.school_id == actor.school_id)
    return or_(own_as_school(actor), published)


def to_own_district(actor: Actor) -> ColumnElement[bool]:
    """The district's own notices, and what others were warned about as asking for money."""
    return or_(own_as_district(actor), warned_in_district(actor))


def warned_in_district(actor: Actor) -> ColumnElement[bool]:
    """Published notices of the district that look like a request for money."""
    return and_(
        Notice.published_at.is_not(None),
        Notice.money_words != "",
        Notice.district_id.in_(districts_below(actor)),
    )


NOTICE_READ = Permission("notice.read", Notice, "F1", {Role.GUARDIAN: addressed_to_family})

NOTICE_WRITE = Permission(
    "notice.write",
    Notice,
    "F1",
    {
        Role.COMMITTEE_CHAIR: own_committee,
        Role.CLASS_TEACHER: own_as_teacher,
        Role.PRINCIPAL: own_as_school,
        Role.SCHOOL_OFFICE: own_as_school,
        Role.DISTRICT_STAFF: own_as_district,
    },
)

NOTICE_REPORT = Permission(
    "notice.report",
    Notice,
    "F2",
    {
        Role.COMMITTEE_CHAIR: own_committee,
        Role.CLASS_TEACHER: to_own_class,
        Role.PRINCIPAL: to_own_school,
        Role.SCHOOL_OFFICE: to_own_school,
        Role.DISTRICT_STAFF: to_own_district,
    },
)

NOTICE_WITHDRAW = Permission(
    "notice.withdraw",
    Notice,
    "F1",
    {
        Role.COMMITTEE_CHAIR: own_committee,
        Role.CLASS_TEACHER: own_as_teacher,
        Role.PRINCIPAL: to_own_school,
        Role.SCHOOL_OFFICE: to_own_school,
        Role.DISTRICT_STAFF: to_own_district,
    },
)

NOTICE_WARNED = Permission("notice.warned", Notice, "F1", {Role.DISTRICT_STAFF: warned_in_district})

SEES_NAMES = frozenset({Role.CLASS_TEACHER, Role.PRINCIPAL, Role.SCHOOL_OFFICE})
"""Roles that see the children whose families are missing; chairs and districts see numbers only."""
