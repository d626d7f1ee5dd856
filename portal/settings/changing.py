"""Setting a value from a day on, and taking back one whose day has not come."""

from datetime import date
from typing import Any

from sqlalchemy import select

from portal import clock
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.settings.declaring import DISTRICT, SCHOOL, Setting, forget
from portal.settings.models import SettingValue
from portal.trail.models import note


def change(
    setting: Setting[Any],
    value: Any,
    from_on: date,
    document: str,
    *,
    told: str = "",
    person_id: int | None,
    role: str = "",
    district_id: int | None = None,
    school_id: int | None = None,
) -> SettingValue:
    """A value from a day on for one district or school, in the current transaction.

    What was set for the same day is withdrawn by it. Raises RuleBroken for a day that is past (answers were given by the
    old value), for a level that may not set it, and for a value that is not of its kind.
    """
    level = SCHOOL if school_id else DISTRICT
    if level not in setting.levels:
        raise RuleBroken(_("This is not set here."), 403)
    if not setting.kind.fits(value):
        raise RuleBroken(_("This value is not possible."), 422)
    if setting.is_told and not told.strip():
        raise RuleBroken(_("Write a line for the people it concerns."), 422)
    if from_on < clock.today():
        raise RuleBroken(_("A setting changes from today or a later day."), 422)
    place = {"district_id": district_id, "school_id": school_id}
    for same_day in db.session.scalars(
        select(SettingValue).filter_by(name=setting.name, from_on=from_on, withdrawn_at=None, **place)
    ):
        same_day.withdrawn_by_id, same_day.withdrawn_at = person_id, clock.now()
    db.session.flush()
    row = SettingValue(
        name=setting.name,
        value=value,
        from_on=from_on,
        document=document,
        told=told,
        set_by_id=person_id,
        set_at=clock.now(),
        **place,
    )
    db.session.add(row)
    db.session.flush()
    forget()
    note("setting.changed", row, person_id=person_id, role=role, name=setting.name, from_on=str(from_on))
    return row


def withdraw(row: SettingValue, *, person_id: int | None, role: str = "") -> None:
    """Take back a value whose day has not come, in the current transaction; RuleBroken once it holds."""
    if row.withdrawn_at is not None:
        raise RuleBroken(_("This change was taken back already."))
    if row.from_on <= clock.today():
        raise RuleBroken(_("This value holds already. Set another one from a later day."))
    row.withdrawn_by_id, row.withdrawn_at = person_id, clock.now()
    db.session.flush()
    forget()
    note("setting.withdrawn", row, person_id=person_id, role=role, name=row.name, from_on=str(row.from_on))
