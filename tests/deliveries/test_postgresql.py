"""Messages and one-time codes over a real PostgreSQL: claimed once, used once."""

import threading
from datetime import timedelta

import pytest
import time_machine

from portal import clock, create_app
from portal.accounts import codes
from portal.accounts.models import Person
from portal.config import Settings
from portal.deliveries import jobs
from portal.deliveries.gateway import Gateway
from portal.deliveries.kinds import KINDS, Kind
from portal.deliveries.models import Delivery, State
from portal.deliveries.sending import send
from portal.extensions import db
from portal.schools import enrolling
from tests.accounts.test_codes import ask, enter
from tests.deliveries.gateways import sms_server
from tests.support.client import PortalClient

pytestmark = pytest.mark.postgres


@pytest.fixture
def portal(postgres_url, tmp_path):
    """A portal with one mother on PostgreSQL."""
    settings = Settings(
        instance=tmp_path, database_url=postgres_url, password_memory_kib=64, development=True
    )
    app = create_app(settings, TESTING=True)
    app.test_client_class = PortalClient
    with app.app_context():
        enrolling.add_person("李晚晴", account_name="liwanqing", phone="+8613800001111")
        db.session.commit()
        yield app
        db.session.remove()
        db.engine.dispose()


def mother():
    return db.session.query(Person).filter_by(name="李晚晴").one()


def test_two_processes_send_each_message_once(portal):
    kind = Kind("tests.twice", subject="x", text="%(number)s", takes=("number",))
    try:
        with sms_server(knows_keys=False) as server:
            portal.extensions["portal.channels"]["sms"] = Gateway(server.url)
            for number in range(12):
                send(mother(), kind.name, {"number": number})
            db.session.commit()

            def work():
                with portal.app_context():
                    jobs.deliver_waiting()
                    db.session.remove()

            threads = [threading.Thread(target=work) for _thread in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        rows = db.session.query(Delivery).filter_by(kind=kind.name).all()
        assert {row.state for row in rows} == {State.SENT}
        assert sorted(server.times().values()) == [1] * 12
    finally:
        del KINDS[kind.name]


def test_a_code_signs_in_and_a_crash_leaves_no_guess(portal):
    client = portal.test_client()
    page = ask(client, mother().phone)
    code = db.session.query(Delivery).one().values["code"]
    assert enter(page, code).path == "/"
    assert db.session.query(codes.CodeRequest).one().used_at is not None

    portal.extensions["portal.channels"]["sms"] = Gateway("http://127.0.0.1:9/")
    with time_machine.travel(clock.now() + timedelta(minutes=2), tick=False):
        row = send(mother(), codes.EMAIL_CODE.name, {"code": "1", "minutes": 10}, recipient="+8613900001111")
        db.session.commit()
        assert jobs._claim(row.id) is not None
    with time_machine.travel(clock.now() + timedelta(minutes=6), tick=False):
        jobs.sweep()
        jobs.forget_old()
    assert db.session.get_one(Delivery, row.id).state == State.UNKNOWN
