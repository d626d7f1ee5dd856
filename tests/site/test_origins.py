"""Changes come from pages of the portal: what the browser says about the sender, besides the token of the form."""

import pytest

from portal.origins import is_own
from tests.support.client import PortalClient

FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "something new"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    {"Origin": "https://elsewhere.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://localhost.elsewhere.example"},
    {"Origin": "http://[localhost"},
    {"Origin": "https://elsewhere.example@localhost:x@elsewhere.example"},
]
OWN = [
    {},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    {"Origin": "http://localhost"},
    {"Origin": "https://localhost:8443"},
]


def elder(client: PortalClient, headers: dict[str, str]) -> int:
    """The status of one change with everything that it needs, and these headers."""
    page = client.page("/account/")
    token = page.fields(page.all("form")[0])["csrf_token"]
    return client.post(
        "/account/elder", data={"csrf_token": token, "elder": "1"}, headers=headers
    ).status_code


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_what_another_site_sends_is_refused_even_with_the_token(as_, headers):
    parent = as_("李晚晴")

    assert elder(parent, headers) == 400
    assert "data-elder" not in parent.page("/account/").html


@pytest.mark.parametrize("headers", OWN, ids=str)
def test_what_the_portals_own_pages_send_is_done(as_, headers):
    assert elder(as_("李晚晴"), headers) == 303


def test_pages_may_be_opened_from_anywhere(as_):
    """A link in a message or a chat leads in; reading changes nothing."""
    assert as_("李晚晴").get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_the_refusal_says_what_to_do(as_):
    answer = as_("李晚晴").post("/account/elder", headers={"Sec-Fetch-Site": "cross-site"})

    assert "请重新打开页面" in answer.get_data(as_text=True)


def test_no_change_of_the_portal_is_left_out(app, as_):
    """Every address that takes a change refuses a foreign sender, whoever sends it."""
    clients = [as_(None), as_("李晚晴"), as_("何静")]
    taken = [rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or set())]
    wrong = []
    for rule in taken:
        path = app.url_map.bind("localhost").build(
            rule.endpoint,
            {name: rule._converters[name].regex and "1" for name in rule.arguments},
            method="POST",
        )
        for client in clients:
            if client.post(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code != 400:
                wrong.append(rule.rule)

    assert len(taken) > 100
    assert wrong == []


def test_no_answer_may_be_used_by_other_sites(as_):
    """No script, picture or frame of another site gets at an answer, whatever its cookies do."""
    for path in ("/", "/account/", "/healthz", "/nothing", "/audit/anchors"):
        headers = as_("李晚晴").get(path).headers
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin", path
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", path


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_check_that_lets_everything_pass_would_be_seen(app, headers):
    with app.test_request_context("/", method="POST", headers=headers):
        assert not is_own()
