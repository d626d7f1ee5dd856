"""The commands with which an operator begins: a district, first accounts, new passwords."""

import re

import pytest
from sqlalchemy import select

from portal.accounts.models import Appointment, Person
from portal.clock import today
from portal.extensions import db
from portal.schools.calendar import term_on
from portal.schools.models import District, Term
from tests.accounts.test_sign_in import sign_in


@pytest.fixture
def run(app):
    def run(*words):
        db.session.commit()
        return app.test_cli_runner().invoke(args=list(words))

    return run


def test_a_district_is_founded_with_its_year_and_terms(run):
    result = run("district", "create", "竹山县", "--parent", "云岭市", "--province", "江南省")
    county = db.session.scalars(select(District).where(District.name == "竹山县")).one()

    assert result.exit_code == 0, result.output
    assert county.path.count("/") == 3
    assert isinstance(term_on(county.id, today()), Term)


@pytest.mark.parametrize("words", [("云溪县",), ("新县", "--parent", "没有这个市")])
def test_a_district_that_cannot_be_is_refused_in_words(run, words):
    result = run("district", "create", *words)

    assert result.exit_code == 1
    assert "Traceback" not in result.output


def password_in(output):
    return re.search(r"[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}", output).group()


def test_a_first_account_can_sign_in(run, as_):
    result = run("account", "create", "竹青", "zhuqing", "--role", "school_office", "--school", "YX02")
    page = sign_in(as_(None), "zhuqing", password_in(result.output))

    assert page.path == "/"
    assert (
        db.session.scalar(
            select(Appointment.role)
            .join(Person, Person.id == Appointment.person_id)
            .where(Person.name == "竹青")
        )
        == "school_office"
    )


def test_a_new_password_ends_the_old_one_and_every_session(run, as_):
    device = as_("李晚晴")
    result = run("account", "password", "liwanqing")

    assert device.get("/").status_code == 302
    assert sign_in(as_(None), "liwanqing", password_in(result.output)).path == "/"


@pytest.mark.parametrize(
    "words",
    [
        ("create", "某人", "liwanqing", "--role", "district_staff", "--district", "云溪县"),
        ("create", "某人", "mouren", "--role", "district_staff"),
        ("create", "某人", "mouren", "--role", "principal", "--school", "没有"),
        ("create", "某人", "mouren", "--role", "class_teacher"),
        ("password", "nobody"),
    ],
)
def test_what_cannot_be_is_refused_in_words(run, words):
    result = run("account", *words)

    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert db.session.scalar(select(Person.id).where(Person.name == "某人")) is None
