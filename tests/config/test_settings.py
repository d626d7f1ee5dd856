"""Settings of a public site: host names, HTTPS, proxies."""

from functools import partial

import pytest

from portal import create_app
from portal.config import Settings


@pytest.fixture
def public_site(tmp_path):
    """A client of a portal behind one proxy with HTTPS and one host name."""
    settings = Settings(
        instance=tmp_path,
        database_url="",
        https=True,
        proxies=1,
        trusted_hosts="gongyu.yunxi.example, www.yunxi.example",
    )
    client = create_app(settings, TESTING=True).test_client()
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
    return partial(client.get, headers=forwarded)


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

    assert cookie.startswith("__Host-gongyu=")
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize("path", ["/account/sign-in", "/nothing-here", "/healthz"])
def test_the_policy_lets_in_nothing_from_elsewhere(public_site, path):
    policy = public_site(path, base_url="http://www.yunxi.example").headers["Content-Security-Policy"]

    for part in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"):
        assert part in policy.split("; ")
