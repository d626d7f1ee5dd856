"""Parts of the portal that a district or a school switches on and off. A module is a feature with pages of its own; its
name is that of its blueprint. What a module holds is kept while it is off."""

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, String, cast, exists, or_, select

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
    "care": _l("Care files"),
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


_off, _newer = SettingValue.__table__.alias("switched_off"), SettingValue.__table__.alias("followed_by")
_above, _own = District.__table__.alias("above"), District.__table__.alias("own")
_school = School.__table__.alias("switched_school")
_over = (
    select(_above.c.id)
    .join(_own, _own.c.path.startswith(_above.c.path))
    .join(_school, _school.c.district_id == _own.c.id)
)


def open_at(name: str, school_id: Any, actor: Actor) -> ColumnElement[bool]:
    """The condition that a module is on that day at the school of a row; rows without a school pass.

    For people with children in several schools: each school's rows follow that school's switch. It stands several
    times in the queries of a family's pages, so its parts are plain tables made once.
    """
    over_school = _over.where(_school.c.id == school_id).correlate_except(_own, _above, _school)
    followed = (
        exists()
        .where(
            _newer.c.name == _off.c.name,
            _newer.c.withdrawn_at.is_(None),
            _newer.c.from_on > _off.c.from_on,
            _newer.c.from_on <= actor.on,
            or_(_newer.c.school_id == _off.c.school_id, _newer.c.district_id == _off.c.district_id),
        )
        .correlate_except(_newer)
    )
    switched_off = exists().where(
        _off.c.name == MODULES[name].name,
        _off.c.withdrawn_at.is_(None),
        _off.c.from_on <= actor.on,
        cast(_off.c.value, String) == "false",
        or_(_off.c.school_id == school_id, _off.c.district_id.in_(over_school)),
        ~followed,
    )
    return ~switched_off.correlate_except(_off)
