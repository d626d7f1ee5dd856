"""``flask rollups …``, ``flask district …``, ``flask account …``: numbers rolled up, first districts and accounts."""

import secrets
import sys
from typing import NoReturn

import click
from flask.cli import AppGroup
from sqlalchemy import or_, select

from portal import clock
from portal.access import Role
from portal.accounts import passwords, sessions, telling
from portal.accounts.models import Person
from portal.accounts.phones import normalised, phone_index
from portal.database import reading
from portal.extensions import db
from portal.i18n import gettext as _
from portal.schools import enrolling, summaries
from portal.schools.founding import found_district
from portal.schools.models import District, School
from portal.trail.models import note

rollups = AppGroup("rollups", help="The rolled-up numbers per school and term.")


@rollups.command("rebuild")
@click.option("--compare", is_flag=True, help="Change nothing; say where kept and counted numbers differ.")
def rebuild(compare: bool) -> None:
    """Count all rolled-up numbers again from the records. With --compare, exit 1 when any differs."""
    if not compare:
        written = summaries.rebuild() + sum(tally.rebuild() for tally in summaries.TALLIES.values())
        db.session.commit()
        click.echo(_("%(count)s rolled-up numbers counted again from the records.", count=written))
        return
    with reading():
        found = {
            _(
                "school %(school)s, term %(term)s, %(name)s", school=school_id, term=term_id, name=name
            ): numbers
            for (school_id, term_id, name), numbers in summaries.differences().items()
        }
        for tally in summaries.TALLIES.values():
            found.update(tally.differences())
        db.session.rollback()
    for what, (kept, counted) in found.items():
        click.echo(_("%(what)s: kept %(kept)s, counted %(counted)s", what=what, kept=kept, counted=counted))
    if found:
        click.echo(_("%(count)s numbers differ. Run flask rollups rebuild to mend them.", count=len(found)))
        sys.exit(1)
    kinds = len(summaries.MEASURES) + len(summaries.TALLIES)
    click.echo(_("The rolled-up numbers agree with the records (%(count)s kinds).", count=kinds))


district = AppGroup("district", help="Districts of this portal.")
account = AppGroup(
    "account", help="First accounts and new passwords, for the person who looks after the portal."
)
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
SCOPED_BY_SCHOOL = {Role.PRINCIPAL, Role.SCHOOL_OFFICE}
SCOPED_BY_DISTRICT = {Role.DISTRICT_STAFF, Role.INSPECTOR, Role.AUDITOR, Role.LECTURER}


def _stop(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(1)


@district.command("create")
@click.argument("name")
@click.option("--parent", default="", help="Name of the district above it.")
@click.option("--province", default="", help="For the deadlines of that province.")
@click.option("--phone", default="", help="The office's telephone.")
def create_district(name: str, parent: str, province: str, phone: str) -> None:
    """Make a district with the present school year and its two terms; exit 1 when there is one of that name."""
    above = db.session.scalar(select(District).where(District.name == parent)) if parent else None
    if parent and above is None:
        _stop(_("There is no district called %(name)s.", name=parent))
    if db.session.scalar(select(District.id).where(District.name == name)):
        _stop(_("There is a district called %(name)s already.", name=name))
    found_district(name.strip(), above, province, phone)
    db.session.commit()
    click.echo(_("%(name)s is founded. Set the dates of its terms on the page of terms.", name=name))


@account.command("create")
@click.argument("name")
@click.argument("account_name")
@click.option("--role", required=True, type=click.Choice([r.value for r in Role if r != Role.GUARDIAN]))
@click.option(
    "--district", "district_name", default="", help="For district staff, inspectors, auditors, lecturers."
)
@click.option("--school", "school_code", default="", help="School code, for a principal or a school office.")
def create_account(name: str, account_name: str, role: str, district_name: str, school_code: str) -> None:
    """Make a person with an account and an appointment from today; prints the password once."""
    chosen = Role(role)
    scope = _scope(chosen, district_name, school_code)
    wanted = account_name.strip().lower()
    if not wanted or db.session.scalar(select(Person.id).where(Person.account_name == wanted)):
        _stop(_("The account name %(name)s is taken.", name=account_name))
    password = _new_password()
    person = enrolling.add_person(name, account_name=wanted)
    _give(person, password)
    enrolling.appoint(person, chosen, clock.today(), **scope)
    db.session.flush()
    note("account.created", person, person_id=None, role="operator")
    db.session.commit()
    click.echo(_("Account %(account)s, password %(password)s", account=wanted, password=password))


@account.command("password")
@click.argument("who")
def new_password(who: str) -> None:
    """Give the person with this account name or phone a new password; signs all devices out, prints it once."""
    phone = normalised(who)
    person = db.session.scalar(
        select(Person).where(
            or_(Person.account_name == who.lower(), Person.phone_index == phone_index(phone or who))
        )
    )
    if person is None:
        _stop(_("Nobody has the account name or phone number %(who)s.", who=who))
    password = _new_password()
    _give(person, password)
    sessions.revoke_others(person.id, keep_session_id=0)
    telling.way_changed(person, "account.password_reset", role="operator")
    db.session.commit()
    click.echo(_("New password of %(name)s: %(password)s", name=person.name, password=password))


def _give(person: Person, password: str) -> None:
    now = clock.now()
    person.keep_password(passwords.hashed(password), now, now + passwords.PRINTED_LASTS)


def _new_password() -> str:
    return "-".join("".join(secrets.choice(LETTERS) for _letter in range(4)) for _group in range(3))


def _scope(role: Role, district_name: str, school_code: str) -> dict[str, int]:
    if role == Role.SYSTEM_ADMIN:
        return {}
    if role in SCOPED_BY_DISTRICT:
        found = db.session.scalar(select(District.id).where(District.name == district_name))
        return {"district_id": found} if found else _stop(_("Name the district with --district."))
    if role in SCOPED_BY_SCHOOL:
        school = db.session.scalars(select(School.id).where(School.code == school_code)).all()
        return (
            {"school_id": school[0]}
            if len(school) == 1
            else _stop(_("Name the school's code with --school."))
        )
    _stop(_("Class teachers and other teachers come with the roster."))
