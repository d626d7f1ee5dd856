"""Parts of the portal that a district or a school switches on and off. A module is a feature with pages of its own; its
name is that of its blueprint. What a module holds is kept while it is off."""

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, String, cast, exists, or_, select
from sqlalchemy.orm import aliased

from portal.access import Actor
from portal.i18n import lazy_gettext as _l
from portal.schools.models import District, School
from portal.settings import Setting, Switch
from portal.settings.declaring import DISTRICT, SCHOOL
from portal.settings.models import SettingValue

MODULE_NAMES = {
    "joining": _l("Joining by slip or phone number"),
    "courses": _l("Parent school"),
    "visits": _l("Home visits"),
    "notices": _l("Notices"),
    "opinions": _l("Opinions of parents"),
    "ratings": _l("Star ratings"),
}

MODULES = {
    name: Setting(
        f"modules.{name}",
        Switch(),
        True,
        label,
        _l("Off: its pages, tasks and links are gone for everybody here; what was written is kept."),
        levels=(DISTRICT, SCHOOL),
        is_told=True,
        all_agree=True,
    )
    for name, label in MODULE_NAMES.items()
}
"""By blueprint. A module is on where neither the district (nor one above it) nor the school has switched it off."""


def is_on(name: str, day: date, *, district_id: int | None = None, school_id: int | None = None) -> bool:
    """Whether a module is on at a place that day; what is no module is always on. One query per request and place."""
    setting = MODULES.get(name)
    if setting is None:
        return True
    return setting.on(day, district_id=district_id, school_id=school_id)


def open_at(name: str, school_id: Any, actor: Actor) -> ColumnElement[bool]:
    """The condition that a module is on that day at the school of a row; rows without a school pass.

    For people with children in several schools: each school's rows follow that school's switch.
    """
    off, newer, own = aliased(SettingValue), aliased(SettingValue), aliased(District)
    above, school = aliased(District), aliased(School)
    over_school = (
        select(above.id)
        .join(own, own.path.startswith(above.path))
        .join(school, school.district_id == own.id)
        .where(school.id == school_id)
        .correlate_except(own, above, school)
    )
    followed = (
        exists()
        .where(
            newer.name == off.name,
            newer.withdrawn_at.is_(None),
            newer.from_on > off.from_on,
            newer.from_on <= actor.on,
            or_(newer.school_id == off.school_id, newer.district_id == off.district_id),
        )
        .correlate_except(newer)
    )
    switched_off = exists().where(
        off.name == MODULES[name].name,
        off.withdrawn_at.is_(None),
        off.from_on <= actor.on,
        cast(off.value, String) == "false",
        or_(off.school_id == school_id, off.district_id.in_(over_school)),
        ~followed,
    )
    return ~switched_off.correlate_except(off)
