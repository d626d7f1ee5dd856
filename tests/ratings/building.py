"""Entries of the town's rounds as tests need them, and the second person of whatever needs two."""

from sqlalchemy import select

from portal import clock
from portal.access import Role
from portal.accounts.models import Appointment, Person
from portal.extensions import db
from portal.ratings.models import Entry, EntryState, Round
from portal.schools.models import District, School
from portal.trail.models import note

SECOND = "苏敏"


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def entry_of(round_state, school="望溪小学", state=None, becomes=None, **of_round):
    """A school's entry in the open or the published round of the town; entry and round moved to states; committed."""
    found = db.session.scalars(
        select(Entry)
        .join(Round, Round.id == Entry.round_id)
        .join(School, School.id == Entry.school_id)
        .where(Round.state == round_state, School.name == school)
    ).one()
    if state in (EntryState.OPINED, EntryState.HEARD):
        found.defence_due_on = clock.today()
    found.state = state or found.state
    round_ = db.session.get_one(Round, found.round_id)
    round_.state = becomes or round_.state
    for name, value in of_round.items():
        setattr(round_, name, value)
    if of_round:
        note("rating.window_extended", round_, person_id=None)
    db.session.commit()
    return found


def appoint(name, district="云溪县", role=Role.DISTRICT_STAFF):
    """Somebody more in a district office; made where nobody of the town is called so."""
    if db.session.scalar(select(Person.id).where(Person.name == name)) is None:
        db.session.add(Person(name=name, created_at=clock.now()))
        db.session.flush()
    place = db.session.scalars(select(District).where(District.name == district)).one()
    db.session.add(
        Appointment(person_id=person(name).id, role=role, district_id=place.id, started_on=clock.today())
    )
    db.session.commit()


def countersigned(as_, path, name=SECOND):
    """Somebody else of the office gives the second signature on a page."""
    page = as_(name, "district_staff").page(path).press("会签")
    assert page.status == 200, page.text
    return page


def decided(as_, entry, remark="", first="张建平", second=SECOND):
    """A school that was heard is decided by two people; the page as the second one sees it."""
    where = f"/ratings/entries/{entry.public_id}"
    page = as_(first).page(where).press("作出决定", remark=remark)
    assert "等待会签" in page.text, page.text
    return countersigned(as_, where, second)
