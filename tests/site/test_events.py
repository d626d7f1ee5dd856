"""The log of the application: refusals and reports are in it, nobody's data is, and no text breaks out of its line."""

import json
import logging

import pytest
from sqlalchemy import select, text

from portal import policy_reports
from portal.accounts.models import Person
from portal.extensions import db
from portal.logs import Lines
from portal.policy_reports import LARGEST, MOST, PATH
from portal.schools.models import Pupil
from tests.support.client import PortalClient

CSP = "application/csp-report"


@pytest.fixture
def lines(app):
    """What the portal logs from here on, as the lines of the server's log."""
    kept: list[str] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(self.format(record))

    handler = Keeping()
    handler.setFormatter(Lines())
    logger = logging.getLogger("portal")
    logger.addHandler(handler)
    policy_reports.meter.ends = 0.0
    yield kept
    logger.removeHandler(handler)


def told(lines: list[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines]


def events(lines: list[str], *names: str) -> list[tuple[object, ...]]:
    return [tuple(line[name] for name in names) for line in told(lines) if line["logger"] == "portal.events"]


def number_of(name: str) -> int:
    found = db.session.scalar(select(Person.id).where(Person.name == name))
    assert found is not None
    return found


def test_who_knocks_where_they_may_not_is_in_the_log(as_, lines):
    foreign = db.session.scalar(select(Pupil.public_id).where(Pupil.name == "李思齐").limit(1))
    parent, number = as_("何志强"), number_of("何志强")
    parent.get("/ratings/")
    parent.get(f"/schools/pupils/{foreign or 'AAAAAAAAAAAAAAAAAAAAAA'}")
    parent.post("/account/elder", data={"elder": "1"})
    parent.post("/account/elder", headers={"Sec-Fetch-Site": "cross-site"})
    as_(None).get("/notices/", headers={"Accept": "application/json"})

    assert events(lines, "message", "status", "endpoint", "method", "person") == [
        ("refused", 403, "ratings.index", "GET", number),
        ("refused", 404, "schools.pupil", "GET", number),
        ("refused", 400, "accounts.switch_elder", "POST", number),
        ("refused", 400, "accounts.switch_elder", "POST", number),
        ("refused", 401, "notices.index", "GET", None),
    ]


def test_a_row_out_of_reach_is_in_the_log_and_an_address_that_is_none_is_not(as_, lines):
    teacher, number = as_("王雪"), number_of("王雪")
    teacher.get("/schools/pupils/AAAAAAAAAAAAAAAAAAAAAA")
    teacher.get("/no-such-page/安全保护令")

    assert events(lines, "status", "endpoint", "person") == [(404, "schools.pupil", number)]


def test_too_many_tries_are_in_the_log(as_, lines):
    visitor = as_(None)
    page = visitor.page("/account/sign-in")
    for _try in range(12):
        page.press("登录", name="wangxue", password="不对的密码一二三")

    assert (429, "accounts.enter") in events(lines, "status", "endpoint")


def test_what_goes_well_is_not_in_the_log(as_, lines):
    as_("王雪").get("/")

    assert lines == []


def test_a_line_says_when_in_universal_time_and_stays_one_line(app, lines):
    app.logger.warning("a name\nrefused\r\n%s", "\u2028[2026] fake \x1b[31m")

    assert len(lines) == 1 and "\n" not in lines[0] and "\r" not in lines[0] and "\x1b" not in lines[0]
    (line,) = told(lines)
    assert str(line["at"]).endswith("+00:00")
    assert line["level"] == "warning" and line["logger"] == "portal"
    assert line["message"] == "a name\nrefused\r\n\u2028[2026] fake \x1b[31m"


def test_an_unforeseen_error_is_in_the_log_and_its_page_tells_nothing(app, as_, lines, monkeypatch):
    monkeypatch.setattr("portal.home.board.of", lambda _acting: 1 // 0)
    answer = as_("王雪").get("/")

    assert answer.status_code == 500
    page = answer.get_data(as_text=True)
    assert not any(word in page for word in ("ZeroDivision", "Traceback", "portal/", "board.py", "Werkzeug"))
    (line,) = [line for line in told(lines) if line["level"] == "error"]
    assert "unforeseen error at home.index" in str(line["message"])
    assert "ZeroDivisionError" in str(line["traceback"])


def test_an_error_of_the_database_names_no_values(app, lines):
    secret = "13800001234 王小明的情况"
    try:
        db.session.execute(text("INSERT INTO no_such_table VALUES (:value)"), {"value": secret})
    except Exception:
        app.logger.exception("it failed")
        db.session.rollback()

    assert "no_such_table" in lines[0]
    assert "13800001234" not in lines[0] and "王小明" not in lines[0]


# Reports of the content policy.

REPORT = {
    "csp-report": {
        "document-uri": "http://localhost/schools/pupils/abc?name=王小明",
        "referrer": "http://localhost/?q=13800001234",
        "violated-directive": "script-src-elem",
        "effective-directive": "script-src-elem",
        "blocked-uri": "https://elsewhere.example/path?with=王小明",
        "script-sample": "alert('13800001234')",
    }
}
MODERN = [
    {
        "type": "csp-violation",
        "url": "http://localhost/",
        "body": {"documentURL": "http://localhost/", "effectiveDirective": "img-src", "blockedURL": "inline"},
    }
]


def send(client: PortalClient, body: object, kind: str = CSP, **more: object) -> int:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(PATH, data=data, content_type=kind, **more).status_code


def test_every_page_says_where_reports_go(as_):
    for path in ("/account/sign-in", "/nothing"):
        assert f"report-uri {PATH}" in as_(None).get(path).headers["Content-Security-Policy"]


def test_a_report_is_logged_without_anybodys_data(as_, lines):
    assert send(as_("王雪"), REPORT) == 204
    assert send(as_(None), MODERN, "application/reports+json") == 204

    assert events(lines, "message", "rule", "page", "kept_out") == [
        ("content policy", "script-src-elem", "schools.pupil", "https://elsewhere.example"),
        ("content policy", "img-src", "home.index", "inline"),
    ]
    assert not any(word in "".join(lines) for word in ("王小明", "13800001234", "path", "alert"))


@pytest.mark.parametrize(
    "body, kind, status",
    [
        (b"", CSP, 400),
        (b"{", CSP, 400),
        (b"[" * 10_000, CSP, 400),
        (b"\xff\xfe", CSP, 400),
        (b"a=1", "application/x-www-form-urlencoded", 400),
        (b"{}", "text/plain", 400),
        (b"[1, null, {}]", CSP, 204),
        (b'{"csp-report": 1}', CSP, 204),
        (
            b'{"csp-report": {"document-uri": 5, "blocked-uri": "http://[", "effective-directive": []}}',
            CSP,
            204,
        ),
        (b"x" * (LARGEST + 1), CSP, 413),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_odd_reports_do_no_harm(as_, lines, body, kind, status):
    assert send(as_(None), body, kind) == status


def test_reports_from_elsewhere_and_too_many_are_refused(as_, lines):
    visitor = as_(None)
    assert send(visitor, REPORT, headers={"Sec-Fetch-Site": "cross-site"}) == 400
    statuses = [send(visitor, REPORT) for _report in range(MOST + 5)]

    assert statuses == [204] * MOST + [429] * 5
    assert events(lines, "message").count(("content policy",)) == MOST


def test_a_change_elsewhere_still_needs_its_token(as_):
    """The control of the exemption: only the place for reports takes a POST without a token."""
    assert as_("王雪").post("/account/elder", data={"elder": "1"}).status_code == 400
