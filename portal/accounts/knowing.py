"""Finding a person by what they type, and the words that belong to them."""

from typing import Any

from sqlalchemy import or_, select

from portal.accounts import phones
from portal.accounts.addresses import email_index
from portal.accounts.models import Appointment, Person
from portal.extensions import Base, db


def by_account(name: str) -> Person | None:
    """The person with this account name or mobile number, however it is written."""
    phone = phones.normalised(name)
    wanted = select(Person).where(
        or_(Person.account_name == name.lower(), Person.phone_index == phones.phone_index(phone or name))
    )
    return db.session.scalar(wanted.limit(1))


def by_recipient(address: str) -> Person | None:
    """The person whose number (E.164) or confirmed e-mail address this is."""
    if "@" in address:
        return db.session.scalar(select(Person).where(Person.email_index == email_index(address)))
    return db.session.scalar(select(Person).where(Person.phone_index == phones.phone_index(address)))


def own_words(person: Person) -> tuple[str, ...]:
    """Names and numbers everybody knows about a person: own name and its reading, account, phone, own children and schools.

    They make no password (NIST SP 800-63B-4, context-specific words). Two queries.
    """
    phone = (person.phone or "").removeprefix("+86")
    words = [person.name, person.name_pinyin, person.account_name or "", phone]
    for name, reading, school in db.session.execute(_children(person.id)):
        words += [name, reading, school]
    for row in db.session.execute(_places(person.id)):
        words += [word for word in row if word]
    return tuple(dict.fromkeys(word for word in words if word))


def _children(person_id: int) -> Any:
    tables = Base.metadata.tables
    pupil, guardianship, enrolment = tables["pupil"], tables["guardianship"], tables["enrolment"]
    school = tables["school"]
    return (
        select(pupil.c.name, pupil.c.name_pinyin, school.c.name)
        .join(guardianship, guardianship.c.pupil_id == pupil.c.id)
        .join(enrolment, enrolment.c.pupil_id == pupil.c.id)
        .join(school, school.c.id == enrolment.c.school_id)
        .where(guardianship.c.person_id == person_id)
        .limit(20)
    )


def _places(person_id: int) -> Any:
    tables = Base.metadata.tables
    school_class, school, district = tables["school_class"], tables["school"], tables["district"]
    return (
        select(school.c.name, district.c.name)
        .select_from(Appointment)
        .outerjoin(school_class, school_class.c.id == Appointment.class_id)
        .outerjoin(school, or_(school.c.id == Appointment.school_id, school.c.id == school_class.c.school_id))
        .outerjoin(
            district, or_(district.c.id == Appointment.district_id, district.c.id == school.c.district_id)
        )
        .where(Appointment.person_id == person_id)
        .limit(20)
    )
