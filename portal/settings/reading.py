"""The one query behind every reading of a setting."""

from datetime import date
from typing import Any, Protocol

from sqlalchemy import Integer, Select, String, and_, bindparam, case, func, literal, or_, select

from portal.extensions import Base
from portal.prepared import Prepared
from portal.settings.models import SettingValue


class Held(Protocol):
    """One value held at a place: ``level`` says who set it, ``depth`` grows from the topmost district to the school."""

    public_id: str
    name: str
    value: Any
    from_on: date
    document: str
    told: str
    level: str
    depth: int


def _values() -> Select[Any]:
    tables = Base.metadata.tables
    district, school = tables["district"], tables["school"]
    own = district.alias("own")
    school_id: Any = bindparam("school", type_=Integer())
    district_id: Any = bindparam("district", type_=Integer())
    of_school = select(school.c.district_id).where(school.c.id == school_id).scalar_subquery()
    path = select(own.c.path).where(own.c.id == func.coalesce(of_school, district_id)).scalar_subquery()
    by_school = SettingValue.school_id.is_not(None)
    return (
        select(
            SettingValue.public_id,
            SettingValue.name,
            SettingValue.value,
            SettingValue.from_on,
            SettingValue.document,
            SettingValue.told,
            case((by_school, literal("school")), else_=literal("district")).label("level"),
            func.coalesce(func.length(district.c.path), literal(1_000)).label("depth"),
        )
        .outerjoin(district, district.c.id == SettingValue.district_id)
        .where(
            SettingValue.withdrawn_at.is_(None),
            or_(
                SettingValue.school_id == school_id,
                and_(district.c.id.is_not(None), path.cast(String).startswith(district.c.path)),
            ),
        )
    )


VALUES = Prepared(_values)
