"""The door between scanners and the portal: what it lets through, keeps fresh, leaves out and counts; and that both tools
find the faults put in for them."""

import http.client
import threading
import urllib.parse
from collections.abc import Iterator

import pytest
import scan
from scan_door import Door, SignInFailed
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

KEY = "0" * 32
FORM = "application/x-www-form-urlencoded"


class House:
    """A stand-in for the portal: a session, a token that belongs to it, forms that want both."""

    def __init__(self) -> None:
        self.sessions = 0
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.refuses = False

    def __call__(self, environ, start):
        request = Request(environ)
        return self.answer(request)(environ, start)

    def answer(self, request: Request) -> Response:
        session = request.cookies.get("__Host-gongyu", "")
        self.asked.append((request.method, request.path, dict(request.form)))
        field = f'<input name="csrf_token" value="token-{session or self.sessions}">'
        if request.path == "/account/sign-in" and request.method == "GET":
            return Response(field, mimetype="text/html")
        if request.path == "/account/sign-in":
            self.sessions += 1
            answer = Response("", 303 if request.form["password"] == "right" and not self.refuses else 422)
            answer.set_cookie("__Host-gongyu", str(self.sessions), secure=True)
            answer.headers["Location"] = "/"
            return answer
        if session != str(self.sessions):
            return Response("", 302, {"Location": "/account/sign-in?to=/"})
        if request.path == "/fails":
            return Response("", 500)
        if request.method == "POST" and request.form.get("csrf_token") != f"token-{session}":
            return Response("", 400)
        shown = (
            request.headers.get("Cookie", ""),
            request.remote_addr,
            request.headers.get("X-Forwarded-For"),
        )
        return Response(f"{field}{shown}{dict(request.form)}", mimetype="text/html")


@pytest.fixture
def house() -> Iterator[tuple[House, int]]:
    made = House()
    server = make_server("127.0.0.1", 0, made, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made, server.server_port
    server.shutdown()
    thread.join()


def ask(door: Door, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", urllib.parse.urlsplit(door.address).port, timeout=10)
    connection.request(method, path, body or None, {**headers, **({"Content-Type": FORM} if body else {})})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_a_scanner_without_a_cookie_is_signed_in(house):
    _, port = house
    with Door(port, "wangxue", "right", "198.51.100.7") as door:
        status, text = ask(door, "GET", "/", Cookie="other=1; __Host-gongyu=stolen")

    assert status == 200
    assert "__Host-gongyu=1; other=1" in text
    assert "198.51.100.7" in text
    assert door.requests == sum(door.statuses.values()) > 1


def test_a_token_given_out_is_renewed_and_one_made_up_is_not(house):
    made, port = house
    with Door(port, "wangxue", "right") as door:
        ask(door, "GET", "/")
        sent = urllib.parse.urlencode({"csrf_token": "token-1", "once": KEY, "name": "x"})
        first, text = ask(door, "POST", "/form", sent)
        made.sessions = 7
        later, _ = ask(door, "POST", "/form", sent)
        forged, _ = ask(door, "POST", "/form", "csrf_token=made-up&name=x")

    assert (first, later, forged) == (200, 200, 400)
    assert KEY not in text and "'name': 'x'" in text


def test_keys_of_forms_are_never_the_same(house):
    made, port = house
    with Door(port, "wangxue", "right") as door:
        for _round in range(3):
            ask(door, "POST", "/form", urllib.parse.urlencode({"csrf_token": "token-1", "once": KEY}))
    keys = [form["once"] for method, path, form in made.asked if path == "/form"]

    assert len(set(keys)) == len(keys) == 3


def test_what_would_end_the_session_is_left_out(house):
    made, port = house
    with Door(port, "wangxue", "right") as door:
        status, _ = ask(door, "POST", "/account/sign-out", "a=1")
        read, _ = ask(door, "GET", "/account/password")

    assert (status, read, door.kept_out) == (403, 200, 1)
    assert not any(path == "/account/sign-out" for _, path, _ in made.asked)


def test_failures_are_kept_with_what_caused_them(house):
    _, port = house
    with Door(port, "wangxue", "right") as door:
        ask(door, "GET", "/fails?a=%27")

    assert [line[:20] for line in door.failures] == ["500 GET /fails?a=%27"]
    assert door.statuses[500] == 1


def test_an_account_that_is_not_let_in_stops_the_scan(house):
    made, port = house
    made.refuses = True
    with Door(port, "wangxue", "right") as door, pytest.raises(SignInFailed):
        door.pass_on("GET", "/", [], b"")


def test_forms_and_queries_are_found_once(house):
    page = (
        "<a href='/list?q=1'>a</a><a href='/list?q=2'>b</a><a href='https://elsewhere.example/?q=1'>c</a>"
        "<form method='post' action='/visits/AAAAAAAAAAAAAAAAAAAAAA/x'><input name='csrf_token' value='t'><input name='a'></form>"
        "<form method='post' action='/account/sign-out'><input name='b'></form>"
        "<form action='/search'><input name='q' value='x'></form>"
    )
    reader = scan.Reader()
    reader.feed(page)
    shapes = {target.shape for target in scan.targets_on("/", reader)}

    assert shapes == {"GET /list?q ?", "POST /visits/*/x? ?a&csrf_token", "GET /search?q ?"}


def test_a_finding_counts_until_it_is_explained():
    known = "wapiti Unencrypted Channels: GET /  No HTTPS redirection"
    result = scan.Result("guardian", findings=[known, "sqlmap GET /courses/?q=a: q (GET)"])

    assert result.unexplained == ["sqlmap GET /courses/?q=a: q (GET)"]


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_both_tools_find_the_faults_put_in(tmp_path, monkeypatch):
    monkeypatch.setattr(scan, "WORK", tmp_path)
    monkeypatch.setattr(scan, "SECONDS", 30)
    scan.install()

    assert scan.control() == []
