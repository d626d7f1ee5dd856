"""The commands with which an operator begins: a district, first accounts, new passwords."""

import re
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from portal import clock
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


OWN = "竹子青青一节一节长到屋檐上去了"


def test_a_first_account_can_sign_in(run, as_):
    result = run("account", "create", "竹青", "zhuqing", "--role", "school_office", "--school", "YX02")
    page = sign_in(as_(None), "zhuqing", password_in(result.output)).press("保存并登录", new=OWN)

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
    assert sign_in(as_(None), "liwanqing", password_in(result.output)).path == "/account/second-step/password"


def test_what_a_command_printed_is_no_lasting_password_and_runs_out(run, as_):
    """ASVS 6.4.1 and 6.4.6: it opens one thing for three days, the choice of one's own; the control: that one stays."""
    printed = password_in(run("account", "password", "liwanqing").output)
    client = as_(None)
    page = sign_in(client, "liwanqing", printed)
    assert client.get("/").status_code == 302, "nobody is in before"
    same = page.press("保存并登录", new=printed)
    assert same.status == 422
    with time_machine.travel(clock.now() + timedelta(hours=71), tick=False):
        assert sign_in(as_(None), "liwanqing", printed).path == "/account/second-step/password"
    with time_machine.travel(clock.now() + timedelta(hours=72, minutes=1), tick=False):
        late = sign_in(as_(None), "liwanqing", printed)
        assert late.status == 422 and "已经过期" in late.text
    with time_machine.travel(clock.now() + timedelta(days=4), tick=False):
        printed = password_in(run("account", "password", "liwanqing").output)
        assert sign_in(as_(None), "liwanqing", printed).press("保存并登录", new=OWN).path == "/"
        assert sign_in(as_(None), "liwanqing", printed).status == 422
    with time_machine.travel(clock.now() + timedelta(days=30), tick=False):
        assert sign_in(as_(None), "liwanqing", OWN).path == "/"


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
