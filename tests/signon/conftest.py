"""The provider's process, the district that uses it, and a browser that walks there and back."""

import subprocess
import sys
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import select

from portal import clock
from portal.accounts.models import Person
from portal.config import ROOT
from portal.extensions import db
from portal.schools.models import District
from portal.signon import asking
from portal.signon.models import SignOnProvider
from tests.signon.provider import CLIENT, SECRET

NUMBER = "T-1001"


class Op:
    """The provider as a test speaks with it."""

    def __init__(self, issuer):
        self.issuer = issuer
        self.tell()

    def tell(self, user=NUMBER, **more):
        claims = {"sub": user, **more.pop("claims", {})}
        told = {"redirect_uri": "http://localhost/sign-on/return", "user": user, "claims": claims, **more}
        assert requests.post(f"{self.issuer}/control", json=told, timeout=5).status_code == 200

    @property
    def asked(self):
        return requests.get(f"{self.issuer}/asked", timeout=5).json()


@pytest.fixture(scope="session")
def op_process():
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.signon.provider"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def op(app, op_process, monkeypatch):
    """The provider, behaving; the portal may speak with it and has forgotten what it said before."""
    monkeypatch.setitem(app.config, "SIGN_ON_HOSTS", frozenset({urlsplit(op_process).netloc}))
    asking._kept.clear()
    return Op(op_process)


@pytest.fixture
def teacher(app):
    """王雪 with her number on the roster of her district."""
    person = db.session.scalars(select(Person).where(Person.name == "王雪")).one()
    person.roster_district_id = db.session.scalar(select(District.id).where(District.name.contains("云溪县")))
    person.sourced_id = NUMBER
    db.session.commit()
    return person


@pytest.fixture
def provider(app, op, teacher):
    """The district's provider as it is set."""
    row = SignOnProvider(
        district_id=teacher.roster_district_id,
        name="云溪县教育局统一登录",
        issuer=op.issuer,
        client_id=CLIENT,
        roster_claim="sub",
        phone_claim="phone_number",
        account_claim="preferred_username",
        roles=["class_teacher", "subject_teacher", "principal", "guardian"],
        trusts_second=False,
        second_words=[],
        document="云教信〔2026〕3号",
        set_at=clock.now(),
    )
    row.client_secret = SECRET
    db.session.add(row)
    db.session.commit()
    return row


class Walk:
    """One sign-in, step by step: away to the provider, back with its answer, and in."""

    def __init__(self, client, op):
        self.client, self.op = client, op

    def away(self, to=""):
        page = self.client.page(f"/account/sign-in{'?to=' + to if to else ''}")
        answer = self.client.get(page.links["云溪县教育局统一登录"])
        assert answer.status_code == 302, answer.get_data(as_text=True)
        self.address = answer.headers["Location"]
        return self.address

    def at_provider(self):
        answer = requests.get(self.address, allow_redirects=False, timeout=5)
        assert answer.status_code == 302, answer.text
        parts = urlsplit(answer.headers["Location"])
        self.back_to = f"{parts.path}?{parts.query}"
        return self.back_to

    def back(self):
        return self.client.page(self.back_to)

    def whole(self, to=""):
        self.away(to)
        self.at_provider()
        page = self.back()
        return page.press("继续") if page.status == 200 and "继续" in page.buttons else page


@pytest.fixture
def walk(as_, op, provider):
    """``walk()`` begins in a new browser."""
    return lambda client=None: Walk(client or as_(None), op)
