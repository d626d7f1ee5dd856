"""Who is in charge of children's data, as the public rules name them (儿童个人信息网络保护规定 art. 8: a named person)."""

from datetime import date

from sqlalchemy import select

from portal.extensions import db
from portal.i18n import lazy_gettext as _l
from portal.schools.models import District
from portal.settings import Line, Setting
from portal.settings.models import SettingValue

PERSON_IN_CHARGE = Setting(
    "privacy.person_in_charge",
    Line(120),
    "",
    label=_l("Person in charge of children's data"),
    help=_l("Name, office and telephone, as everybody may read them in the rules."),
)
MOST = 20


def known(day: date) -> list[tuple[str, str]]:
    """(district, person in charge) of the districts that have named one by a day, by name."""
    rows = db.session.execute(
        select(District.name, SettingValue.value)
        .join(SettingValue, SettingValue.district_id == District.id)
        .where(
            SettingValue.name == PERSON_IN_CHARGE.name,
            SettingValue.from_on <= day,
            SettingValue.withdrawn_at.is_(None),
        )
        .order_by(SettingValue.from_on, SettingValue.id)
    )
    newest = {name: str(value) for name, value in rows if value}
    return sorted(newest.items())[:MOST]
