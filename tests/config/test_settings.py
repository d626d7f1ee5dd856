"""Settings of a public site: host names, HTTPS, proxies, cookies."""

from contextlib import contextmanager
from functools import partial

import pytest
from flask import request, request_started

from portal import assets, cookies, create_app
from portal.config import Settings
from portal.extensions import db
from portal.rehearsal import town
from portal.rehearsal.town import PASSWORD
from tests.support.client import PortalClient
from tests.support.database import migrate

HOST = "https://www.yunxi.example"


@pytest.fixture(scope="module")
def public_portal(tmp_path_factory):
    """A portal behind one proxy with HTTPS and two host names, with the people of the town."""
    settings = Settings(
        instance=tmp_path_factory.mktemp("public"),
        database_url="",
        https=True,
        proxies=1,
        trusted_hosts="gongyu.yunxi.example, www.yunxi.example",
    )
    portal = create_app(settings, TESTING=True, SERVER_NAME=None)
    portal.test_client_class = PortalClient
    migrate(portal)
    with portal.app_context():
        town.build()
        db.session.commit()
        db.session.remove()
    return portal


@pytest.fixture
def public_site(public_portal):
    """A client of it, as seen through the proxy."""
    client = public_portal.test_client()
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
    with public_portal.app_context():
        yield partial(client.get, headers=forwarded)
        db.session.remove()


@pytest.fixture
def browser(public_portal):
    """A browser that speaks HTTPS with it and keeps its cookies."""
    client = public_portal.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    client.environ_base["HTTP_X_FORWARDED_PROTO"] = "https"
    client.environ_base["HTTP_HOST"] = "www.yunxi.example"
    with public_portal.app_context():
        yield client
        db.session.remove()


def test_only_trusted_hosts_are_answered(public_site):
    assert public_site("/healthz", base_url="http://www.yunxi.example").status_code == 200
    refused = public_site("/account/sign-in", base_url="http://elsewhere.example")

    assert refused.status_code == 400
    assert refused.mimetype == "text/plain"
    assert refused.get_data(as_text=True) == "这个网址不由本平台提供。"


def test_without_the_setting_any_host_is_answered(tmp_path):
    client = create_app(Settings(instance=tmp_path, database_url=""), TESTING=True).test_client()

    assert client.get("/healthz", base_url="http://elsewhere.example").status_code == 200


def test_cookies_travel_over_https_only(public_site):
    answer = public_site("/account/sign-in", base_url="http://www.yunxi.example")
    cookie = answer.headers["Set-Cookie"]

    assert answer.status_code == 200
    assert cookie.startswith("__Host-gongyu=")
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def faults_of(header):
    """What is wrong with a cookie of a site with HTTPS."""
    name, _, rest = header.partition("=")
    parts = {
        part.strip().partition("=")[0].lower(): part.strip().partition("=")[2] for part in rest.split(";")[1:]
    }
    found = [f"{name}: no {wanted}" for wanted in ("secure", "httponly") if wanted not in parts]
    if parts.get("samesite") not in ("Lax", "Strict"):
        found.append(f"{name}: sent along from other sites")
    if "domain" in parts:
        found.append(f"{name}: for other hosts")
    if not (name.startswith("__Host-") and parts.get("path") == "/") and not name.startswith("__Secure-"):
        found.append(f"{name}: no prefix")
    return found


def test_every_cookie_is_secure_named_so_and_out_of_reach_of_scripts(public_portal, browser):
    page = browser.page("/account/sign-in", base_url=HOST)
    token = page.fields(page.form_of("登录"))["csrf_token"]
    answers = [page.response]
    for path, values in (
        ("/account/language", {"language": "zh-Hant"}),
        ("/account/elder", {"elder": "1"}),
        ("/account/theme", {"theme": "dark"}),
        ("/account/sign-in", {"name": "liwanqing", "password": PASSWORD}),
    ):
        data = {**values, "csrf_token": token}
        answers.append(browser.post(path, data=data, base_url=HOST, headers={"Referer": HOST + "/"}))
    with public_portal.test_request_context("/", base_url=HOST):
        for path in ("/", "/join"):
            answer = public_portal.response_class()
            cookies.keep(answer, "any", "1", path=path)
            answers.append(answer)
    headers = [header for answer in answers for header in answer.headers.getlist("Set-Cookie")]
    names = {header.partition("=")[0] for header in headers}

    assert names == {
        "__Host-gongyu",
        "__Host-gongyu-device",
        "__Host-language",
        "__Host-elder",
        "__Host-theme",
        "__Host-any",
        "__Secure-any",
    }
    assert [fault for header in headers for fault in faults_of(header)] == []
    assert len(faults_of("theme=dark; Domain=.yunxi.example; Path=/")) == 5


def test_what_a_cookie_keeps_is_read_again(browser):
    page = browser.page("/account/sign-in", base_url=HOST)
    token = page.fields(page.form_of("登录"))["csrf_token"]
    browser.post("/account/language", data={"language": "en", "csrf_token": token}, base_url=HOST)

    assert 'lang="en"' in browser.get("/account/sign-in", base_url=HOST).get_data(as_text=True)
    browser.set_cookie("language", "zh-Hant", domain="www.yunxi.example")
    assert 'lang="en"' in browser.get("/account/sign-in", base_url=HOST).get_data(as_text=True)


@pytest.mark.parametrize(
    "path, status", [("/account/sign-in", 200), ("/nothing-here", 404), ("/healthz", 200), ("/", 302)]
)
def test_the_policy_lets_in_nothing_from_elsewhere(public_site, path, status):
    answer = public_site(path, base_url="http://www.yunxi.example")
    policy = answer.headers["Content-Security-Policy"]

    assert answer.status_code == status
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    for part in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"):
        assert part in policy.split("; ")


def test_static_files_say_the_same_about_their_way(public_portal, public_site):
    published = public_portal.config["INSTANCE"] / "static"
    name = next(published.glob("portal.*.css")).name
    answer = public_site(f"/{assets.PREFIX}{name}", base_url="http://www.yunxi.example")

    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_without_https_nothing_is_promised_about_it(tmp_path):
    client = create_app(Settings(instance=tmp_path, database_url=""), TESTING=True).test_client()

    assert "Strict-Transport-Security" not in client.get("/healthz").headers


@contextmanager
def seen_by(portal):
    """What the portal takes each request's place, way and host to be."""
    seen = []

    def keep(_app, **_named):
        seen.append((request.remote_addr, request.scheme, request.host))

    with request_started.connected_to(keep, portal):
        yield seen


@pytest.mark.parametrize("forged", ["203.0.113.9", "203.0.113.9, 198.51.100.1", "::1", "x" * 5_000])
def test_only_the_proxys_word_about_an_address_counts(public_portal, forged):
    """A visitor may write any X-Forwarded-For; the one proxy adds the address it saw, and only that is believed."""
    with public_portal.app_context(), seen_by(public_portal) as seen:
        public_portal.test_client().get(
            "/healthz",
            base_url="http://www.yunxi.example",
            headers={
                "X-Forwarded-For": f"{forged}, 192.0.2.7",
                "X-Forwarded-Proto": "http, https",
                "X-Forwarded-Host": "elsewhere.example",
                "X-Forwarded-Prefix": "/elsewhere",
                "Forwarded": "for=203.0.113.9;host=elsewhere.example",
                "X-Real-IP": "203.0.113.9",
            },
        )
    assert seen == [("192.0.2.7", "https", "www.yunxi.example")]


def test_without_a_proxy_nobody_is_believed(tmp_path):
    portal = create_app(Settings(instance=tmp_path, database_url=""), TESTING=True)
    with portal.app_context(), seen_by(portal) as seen:
        portal.test_client().get(
            "/healthz", headers={"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
        )

    assert seen == [("127.0.0.1", "http", "localhost")]
