"""What the district and a school of the town have set."""

from portal import clock
from portal.extensions import db
from portal.rehearsal.cast import Town
from portal.schools.modules import MODULES
from portal.settings.models import SettingValue


def build(town: Town) -> None:
    """Settings of the district and of a school since the beginning of the school year, in the current transaction."""
    for place, name, document, told in (
        (
            {"district_id": town.districts["云溪县"].id},
            "ratings",
            "云溪教〔演练〕12号",
            "本学年起，全县学校用这里做星级评定。",
        ),
        (
            {"school_id": town.schools["望溪小学"].id},
            "courses",
            "望溪小学家长学校章程（演练）",
            "家长学校的课从本学期起在这里报名。",
        ),
    ):
        db.session.add(
            SettingValue(
                name=MODULES[name].name,
                value=True,
                from_on=town.start,
                document=document,
                told=told,
                set_at=clock.now(),
                **place,
            )
        )
    db.session.flush()
