"""Second factors: who has one, who must have one."""

from collections.abc import Sequence
from typing import Any

from flask import current_app
from sqlalchemy import func, select

from portal import clock
from portal.access import ROLE_NAMES, Role
from portal.accounts import passkeys, totp
from portal.accounts.models import Appointment, Authenticator, Passkey, Person
from portal.extensions import Base, db
from portal.i18n import lazy_gettext as _l
from portal.settings import Choices, Setting

OPTIONS = {role.value: ROLE_NAMES[role] for role in Role if role not in (Role.GUARDIAN, Role.SYSTEM_ADMIN)}
SECOND_FACTOR_ROLES: Setting[Sequence[str]] = Setting(
    "accounts.second_factor_roles",
    Choices(OPTIONS),
    (Role.PRINCIPAL.value, Role.INSPECTOR.value, Role.DISTRICT_STAFF.value, Role.AUDITOR.value),
    label=_l("Who needs a second step to sign in"),
    help=_l(
        "Whoever holds one of these roles signs in with an app's code or a passkey besides the password."
    ),
)


def has_app(person_id: int) -> bool:
    """Whether the person's app was confirmed with a code."""
    row = totp.of(person_id)
    return row is not None and row.confirmed_at is not None


def is_set_up(person_id: int) -> bool:
    """Whether the person has a second factor of any kind. One query."""
    app = select(Authenticator.id).where(
        Authenticator.person_id == person_id, Authenticator.confirmed_at.is_not(None)
    )
    key = select(Passkey.id).where(Passkey.person_id == person_id)
    return bool(db.session.scalar(select(app.exists() | key.exists())))


def is_required(person: Person, appointments: Sequence[Appointment]) -> bool:
    """Whether one of the appointments in force asks for a second factor: by the district's setting, for system
    administrators by the operator's."""
    return any(_asked_of(appointment) for appointment in appointments)


def _asked_of(appointment: Appointment) -> bool:
    if appointment.role == Role.SYSTEM_ADMIN:
        return bool(current_app.config["ADMIN_SECOND_FACTOR"]) and not is_rehearsal()
    school_id, district_id = appointment.school_id, appointment.district_id
    if appointment.class_id is not None:
        school_class = Base.metadata.tables["school_class"]
        wanted = select(school_class.c.school_id).where(school_class.c.id == appointment.class_id)
        school_id = db.session.scalar(wanted)
    asked = SECOND_FACTOR_ROLES.on(clock.today(), district_id=district_id, school_id=school_id)
    return appointment.role in asked


def is_rehearsal() -> bool:
    """Whether there are only districts made up for rehearsal here."""
    district: Any = Base.metadata.tables["district"]
    kinds = db.session.execute(
        select(district.c.is_rehearsal, func.count(district.c.id)).group_by(district.c.is_rehearsal)
    )
    return {bool(kind) for kind, _count in kinds} == {True}


def summary(person_id: int) -> tuple[bool, int]:
    """(whether there is an app, how many passkeys)."""
    return has_app(person_id), passkeys.count(person_id)
