"""Sending an opinion: who must read it, its number, its clock."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from portal import clock
from portal.extensions import db
from portal.opinions import counting
from portal.opinions.models import STRAIGHT_TO, Addressee, Category, Opinion, OpinionSeries
from portal.schools.models import Pupil, School

MARKS = {Addressee.OFFICE: "", Addressee.PRINCIPAL: "-Z"}


def send(
    pupil: Pupil, author_id: int, category: Category, text: str, *, confidential: bool, at: datetime
) -> Opinion:
    """A new opinion about the child's school, with its number and clock, in the current transaction."""
    school = db.session.get_one(School, pupil.school_id)
    addressee = STRAIGHT_TO.get(category, Addressee.OFFICE)
    on = clock.local(at).date()
    opinion = Opinion(
        district_id=school.district_id,
        school_id=school.id,
        pupil_id=pupil.id,
        author_id=author_id,
        number=_next_number(school, addressee, on.year),
        category=category,
        addressee=addressee,
        text=text,
        is_confidential=confidential,
        sent_at=at,
        round=1,
        answers=[],
    )
    opinion.set_clock(on)
    db.session.add(opinion)
    db.session.flush()
    counting.received(opinion, on)
    return opinion


def _next_number(school: School, addressee: Addressee, year: int) -> str:
    """The next number, e.g. YX01-2026-0007.

    Each reader has a series of its own, so that no gap tells a reader of opinions that go past them.
    """
    mark = f"{school.code}{MARKS[addressee]}" if addressee in MARKS else "QX"
    series = f"{mark}-{year}"
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = insert(OpinionSeries).values(district_id=school.district_id, name=series, last=1)
    db.session.execute(
        row.on_conflict_do_update(
            index_elements=["district_id", "name"], set_={"last": OpinionSeries.__table__.c.last + 1}
        )
    )
    last = db.session.scalar(
        select(OpinionSeries.last).where(
            OpinionSeries.district_id == school.district_id, OpinionSeries.name == series
        )
    )
    return f"{series}-{last:04d}"
