"""Two rosters that wait in the rehearsal district: one to be confirmed, one with errors to be mended."""

import tempfile
from pathlib import Path

from sqlalchemy import select

from portal import clock
from portal.accounts.models import Person
from portal.extensions import db
from portal.roster import importing
from portal.roster.existing import Reach
from portal.roster.template import write_workbook
from portal.schools.calendar import year_start
from portal.schools.models import School

Lines = dict[str, list[tuple[str, ...]]]

NEW_PUPIL: Lines = {
    "pupils": [("YX01", "三(2)班", "田小满", "20260901", "")],
    "guardians": [("YX01", "三(2)班", "田小满", "", "田丰收", "爸爸", "19900009001", "是", "是", "是")],
}
WITH_ERRORS: Lines = {
    "pupils": [("YX01", "三(2)班", "苗苗", "", ""), ("YX01", "三(9)班", "谷雨", "", "")],
    "guardians": [("YX01", "三(2)班", "苗苗", "", "苗春", "妈妈", "1990000900", "", "", "")],
}


def bring() -> None:
    """Take both files in and check them; call after the town was committed. Nothing of the town changes."""
    year = year_start(clock.today()).year
    classes: list[tuple[str, ...]] = [("YX01", f"{year}-{year + 1}", "三年级", "三(2)班")]
    for name, account, lines in (
        ("转学登记.xlsx", "hejing", NEW_PUPIL),
        ("补充名册.xlsx", "zhangjianping", WITH_ERRORS),
    ):
        person_id = db.session.scalar(select(Person.id).where(Person.account_name == account))
        school = db.session.scalar(select(School).where(School.code == "YX01"))
        assert school is not None
        own = school.id if account == "hejing" else None
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            with path.open("wb") as stream:
                write_workbook(stream, {"classes": classes} | lines)
            reach = Reach(school.district_id, own, clock.today())
            made_id = importing.take_in(path, name, reach, person_id, is_delta=True).id
            db.session.commit()
        importing.check(made_id)
