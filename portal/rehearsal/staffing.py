"""What the district and a school of the town have set; who stands in for whom, and who waits for a second person."""

from datetime import timedelta

from stdnum.cn import ric

from portal import clock
from portal.access import Role
from portal.accounts.models import Appointment
from portal.extensions import db
from portal.rehearsal.cast import Town
from portal.schools import enrolling, identity
from portal.schools.modules import MODULES
from portal.settings.models import SettingValue
from portal.staffing.models import AppointmentRequest, PupilTransfer


def build(town: Town) -> None:
    """All of it, in the current transaction."""
    _settings(town)
    _identity_numbers(town)
    _delegation(town)
    _request(town)
    _transfer(town)


def _identity_numbers(town: Town) -> None:
    """云溪县 keeps identity numbers for principals and offices. The invented ones have the order code 000, which is never
    given out; the last character is worked out from the rest."""
    db.session.add(
        SettingValue(
            name=identity.KEPT_BY.name,
            value=[Role.SCHOOL_OFFICE.value, Role.PRINCIPAL.value],
            from_on=town.start,
            document="云溪教〔演练〕15号",
            set_at=clock.now(),
            district_id=town.districts["云溪县"].id,
        )
    )
    for number, name in enumerate(("林嘉树", "陈一诺"), start=10):
        unchecked = f"430600201703{number}0000"
        town.pupils[name].identity = unchecked[:-1] + ric.calc_check_digit(unchecked)
    db.session.flush()


def _delegation(town: Town) -> None:
    """刘明远 lets 邓宇 stand in for two weeks, from tomorrow on."""
    origin = db.session.query(Appointment).filter_by(person_id=town.people["刘明远"].id).one()
    enrolling.appoint(
        town.people["邓宇"],
        Role.CLASS_TEACHER,
        town.today + timedelta(days=1),
        ended_on=town.today + timedelta(days=15),
        class_id=origin.class_id,
        delegated_from_id=origin.id,
        opens_sealed=False,
        appointed_by_id=origin.person_id,
    )
    db.session.flush()


def _transfer(town: Town) -> None:
    """东塔小学 proposes 沈知夏 to 望溪小学 for the first day of next month; her mother 王雪 sees it."""
    db.session.add(
        PupilTransfer(
            pupil_id=town.pupils["沈知夏"].id,
            from_school_id=town.schools["东塔小学"].id,
            to_school_id=town.schools["望溪小学"].id,
            from_on=(town.today.replace(day=28) + timedelta(days=4)).replace(day=1),
            proposed_by_id=town.people["罗敏"].id,
            proposed_at=clock.now(),
        )
    )
    db.session.flush()


def _request(town: Town) -> None:
    """张建平 asks that 罗敏 come to the district's office; a second person has not answered yet."""
    db.session.add(
        AppointmentRequest(
            person_id=town.people["罗敏"].id,
            role=Role.DISTRICT_STAFF,
            district_id=town.districts["云溪县"].id,
            started_on=town.today,
            document="云溪教人〔演练〕8号",
            asked_by_id=town.people["张建平"].id,
            asked_at=clock.now(),
        )
    )
    db.session.flush()


def _settings(town: Town) -> None:
    """Settings of the district and of a school since the beginning of the school year."""
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
