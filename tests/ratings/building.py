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


def opened(client, sheet):
    """The page of a sheet, once its inspector has said that nothing ties them to the school."""
    where = f"/ratings/sheets/{sheet if isinstance(sheet, str) else sheet.public_id}"
    page = client.page(where)
    return page.press("继续", tie="none") if "查阅材料之前" in page.text else page


def panel_met(as_, entry, present=("张建平", "苏敏", "吴正清"), **others):
    """The page after a panel about a school was minuted; ``others``: further fields, typed."""
    page = as_("张建平").page(f"/ratings/entries/{entry.public_id}/panel")
    people = {"".join(one.itertext()): one.get("value") for one in page.all("option")}
    typed = {
        "held_on": clock.today().isoformat(), "present": [people[name] for name in present], "chair": people[present[0]],
        "in_favour": str(len(present)), "text": "逐项核对了分数，建议按计算结果评定。",
    }  # fmt: skip
    for name, value in others.items():
        typed[name] = (
            [people[one] for one in value]
            if name in ("present", "absent", "recused")
            else people.get(value, value)
        )
    return page.press("保存会议记录", **typed)
