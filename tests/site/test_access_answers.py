"""The status contract: what is answered to strangers, to forged and tampered requests, to wrong verbs and odd addresses."""

import secrets

import pytest
from sqlalchemy import select, update

from portal import clock
from portal.accounts import guessing
from portal.accounts.models import AuthSession
from portal.extensions import db
from portal.rehearsal.town import PASSWORD
from tests.site.actors import PLAYERS
from tests.site.matrix import access_of, cells, rules

TEACHER = next(player for player in PLAYERS if player.actor == "class_teacher")
GUARDIAN = next(player for player in PLAYERS if player.actor == "guardian")
OFFICE = next(player for player in PLAYERS if player.actor == "school_office")
STAFF = next(player for player in PLAYERS if player.actor == "district_staff")
VISITOR = next(player for player in PLAYERS if player.actor == "anonymous")

# AC-9: verbs that are not declared.

VERBS = ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_that_is_not_declared_does_nothing(app, crowd, knocker, verb):
    for player in (VISITOR, OFFICE):
        knock, wrong = knocker(player), []
        for cell in _one_cell_each(app, crowd, player):
            response, changed = knock.send(verb, cell.path, dict(cell.form))
            if response.status_code != 405 or changed or "Allow" not in response.headers:
                wrong.append(f"{verb} {cell.path}: {response.status_code}")
        assert wrong == []


def _one_cell_each(app, crowd, player):
    seen = set()
    for cell in cells(app, crowd, player):
        if cell.endpoint not in seen:
            seen.add(cell.endpoint)
            yield cell


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_the_method_cannot_be_overridden(app, crowd, knocker, header):
    knock, changes = knocker(OFFICE), []
    for rule, method in rules(app):
        if method != "POST" or rule.arguments:
            continue
        response, changed = knock.send("GET", f"{rule.rule}?_method=POST", {}, headers={header: "POST"})
        if changed or response.status_code >= 500:
            changes.append(rule.rule)
    assert changes == []


def test_a_declared_verb_would_be_seen(app, crowd, knocker):
    response, _changed = knocker(OFFICE).send("POST", "/account/elder", {"elder": "1"})

    assert response.status_code != 405


# 4.3: no session, no token, wrong state, too much, too often.


def test_without_a_session_pages_lead_to_sign_in_and_programs_get_401(app, crowd, knocker):
    knock = knocker(VISITOR)
    for cell in _one_cell_each(app, crowd, VISITOR):
        if access_of(app, cell.endpoint) == "public":
            continue
        page, _changed = knock.send(cell.method, cell.path, dict(cell.form))
        program, _changed = knock.send(cell.method, cell.path, {}, headers={"Accept": "application/json"})
        assert page.status_code == 302, cell
        assert page.headers["Location"].startswith("/account/sign-in"), cell
        assert program.status_code == 401, cell


@pytest.mark.parametrize("token", [None, "", "x", "IjEyMyI.aaaa.bbbb"])
def test_a_change_without_its_token_is_refused(app, crowd, knocker, token):
    for player in (OFFICE, GUARDIAN):
        knock = knocker(player)
        sent = {} if token is None else {"csrf_token": token}
        for rule, method in rules(app):
            if method == "POST" and not rule.arguments:
                response, changed = knock.send("POST", rule.rule, {}, data={**sent, "elder": "1"})
                # Where no session is read, nobody's can be misused: the code of the questionnaire is what counts.
                nameless = getattr(app.view_functions[rule.endpoint], "nameless", False)
                assert response.status_code in ((404, 422) if nameless else (400,)), rule.rule
                assert not changed, rule.rule


def test_the_token_of_somebody_else_is_refused(app, crowd, knocker):
    foreign = knocker(GUARDIAN).token
    response, changed = knocker(OFFICE).send("POST", "/account/elder", {"elder": "1", "csrf_token": foreign})

    assert (response.status_code, changed) == (400, False)


def test_too_many_attempts_are_429(as_):
    visitor = as_(None)
    page = visitor.page("/account/sign-in")
    statuses = [
        page.press("登录", name="wangxue", password="不对的密码一二三").status
        for _attempt in range(guessing.FREE + 1)
    ]

    assert statuses == [422] * guessing.FREE + [429]


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_too_large_is_413(app, crowd, knocker, kind):
    knock = knocker(OFFICE)
    form = {"csrf_token": knock.token, "phone": "1" * 600_000}
    response, changed = knock.send("POST", "/schools/mine/phone", {}, data=form, content_type=kind)

    assert (response.status_code, changed) == (413, False)


def test_wrong_state_is_409_and_wrong_contents_422(app, crowd, knocker):
    hat, _changed = knocker(OFFICE).send("POST", "/account/hat", {"hat": "nobody"})
    phone, _changed = knocker(OFFICE).send("POST", "/schools/mine/phone", {"phone": "电话"})

    assert (hat.status_code, phone.status_code) == (409, 422)


# 8.7: names of other records.


def test_a_name_of_another_kind_of_record_is_not_found(app, crowd, knocker):
    names = {
        cell.path.rpartition("/")[2]
        for cell in cells(
            app, crowd, OFFICE, ["schools.pupil", "courses.plan", "roster.show", "schools.show"]
        )
        if cell.relation == "own"
    }
    knock = knocker(OFFICE)
    answers = {
        endpoint: [knock.send("GET", f"{start}{name}", {})[0].status_code for name in names]
        for endpoint, start in (
            ("pupil", "/schools/pupils/"),
            ("school", "/schools/"),
            ("roster", "/roster/"),
        )
    }

    assert all(found.count(200) <= 1 for found in answers.values()), answers
    assert all(set(found) <= {200, 404} for found in answers.values()), answers


# Where one is sent on to.

SCHEMES = ("//", "///", "http://", "https://", "HTTPS:", "javascript:", "data:text/html,", "ftp://", "\\\\", "/\\", "\\/", "/%5c")  # fmt: skip
TAILS = ("elsewhere.example", "elsewhere.example/%2e%2e", "user@elsewhere.example", "elsewhere.example:80/a", "localhost.elsewhere.example")  # fmt: skip
ENDS = ("\r\nSet-Cookie: a=b", "%0d%0aSet-Cookie:%20a=b", "\n", "\t", "\x00", " ", "\u2028", "\x0b", "%00", "\r", "%0a/x", "/%0d")  # fmt: skip
PAYLOADS = [scheme + tail for scheme in SCHEMES for tail in TAILS] + [
    start + end + "x" for start in ("/account/", "/", "", "//a", "https:/") for end in ENDS
]


def leads_away(location: str) -> bool:
    """Whether a browser would leave the portal, or a header would be cut in two."""
    plain = location.replace("\\", "/").strip()
    return not plain.startswith("/") or plain.startswith("//") or any(ord(sign) < 32 for sign in location)


@pytest.mark.timeout(300)
def test_nobody_is_sent_elsewhere(app, crowd, knocker):
    assert len(PAYLOADS) == len(set(PAYLOADS)) == 120
    visitor, parent, wrong = knocker(VISITOR), knocker(GUARDIAN), []
    for payload in PAYLOADS:
        for name in ("to", "next"):
            answers = [
                parent.send("GET", "/account/sign-in", {}, query_string={name: payload})[0],
                parent.send("POST", "/account/language", {name: payload, "language": "zh-Hans"})[0],
                visitor.send("POST", "/account/theme", {name: payload, "theme": "dark"})[0],
            ]
            for answer in answers:
                location = answer.headers.get("Location", "/")
                if (
                    answer.status_code >= 500
                    or leads_away(location)
                    or "a=b" in str(answer.headers.getlist("Set-Cookie"))
                ):
                    wrong.append(f"{payload!r}: {answer.status_code} {location!r}")
    assert wrong == []


@pytest.mark.parametrize(
    "location", ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example", "/a\nb"]
)
def test_an_address_elsewhere_would_be_seen(location):
    assert leads_away(location)


def test_signing_in_leads_on_within_the_portal_only(as_):
    for payload in PAYLOADS[:12]:
        visitor = as_(None)
        page = visitor.page("/account/sign-in")
        sent = page.fields(page.form_of("登录"))
        values = {**sent, "name": ["liwanqing"], "password": [PASSWORD], "to": [payload]}
        answer = visitor.post("/account/sign-in", data=values)
        assert answer.status_code == 303
        assert not leads_away(answer.headers["Location"]), payload


# Sessions.


def test_signing_in_gives_a_new_session_whatever_was_there(as_):
    visitor = as_(None)
    with visitor.session_transaction() as session:
        session["_user_id"] = "chosen by somebody else"
    page = visitor.page("/account/sign-in")
    page.press("登录", name="liwanqing", password=PASSWORD)
    with visitor.session_transaction() as session:
        assert session["_user_id"] != "chosen by somebody else"
    assert visitor.page("/account/").status == 200


def test_a_revoked_or_expired_session_is_over(as_):
    for values in ({"revoked_at": clock.now()}, {"expires_at": clock.now()}):
        parent = as_("李晚晴")
        assert parent.get("/").status_code == 200
        db.session.execute(update(AuthSession).values(**values))
        db.session.commit()
        assert parent.get("/").status_code == 302


def test_a_cookie_that_was_tampered_with_is_nobody(app, as_):
    parent = as_("李晚晴")
    name = app.config["SESSION_COOKIE_NAME"]
    whole = parent.get_cookie(name).value
    for changed in (
        whole[:-10] + "x" * 10,
        "x" + whole[1:],
        whole.partition(".")[0],
        "",
        secrets.token_urlsafe(40),
    ):
        parent.set_cookie(name, changed)
        assert parent.get("/").status_code == 302, changed
    parent.set_cookie(name, whole)
    assert parent.get("/").status_code == 200


def test_the_session_names_nobody(app, as_):
    parent = as_("李晚晴")
    with parent.session_transaction() as session:
        token = session["_user_id"]
    assert len(token) >= 40
    assert db.session.scalar(select(AuthSession.id).where(AuthSession.token_hash == token)) is None
