"""Who sets what for a district or a school."""

from sqlalchemy import ColumnElement

from portal.access import Actor, Permission, Role
from portal.settings.models import SettingValue


def set_by_district(actor: Actor) -> ColumnElement[bool]:
    """What the actor's district set."""
    return SettingValue.district_id == actor.district_id


def set_by_school(actor: Actor) -> ColumnElement[bool]:
    """What the actor's school set."""
    return SettingValue.school_id == actor.school_id


SETTING_SET = Permission(
    "setting.set",
    SettingValue,
    "F1",
    {
        Role.DISTRICT_STAFF: set_by_district,
        Role.PRINCIPAL: set_by_school,
        Role.SCHOOL_OFFICE: set_by_school,
    },
)
