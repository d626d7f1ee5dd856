"""`make scan`: wapiti and sqlmap against a portal with rehearsal data, signed in as each role, with a control.

First both tools must find the faults of `scan_faulty.py`; without that their silence means nothing. Then a portal of its
own is filled and served, and each role's pages are crawled and attacked through `scan_door.py`. The table at the end has
the requests, the answers and the findings of each role; exit 1 when a finding is not explained in `EXPLAINED`, when the
portal answered 5xx or logged an error, or when the control failed. SCAN_ROLES, SCAN_TOOLS (wapiti,sqlmap) and
SCAN_SECONDS narrow it down.
"""

import dataclasses
import html.parser
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from scan_door import LEFT_OUT, Door

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools" / "scan"
LOCK = ROOT / "scripts" / "scan-tools.txt"
WORK = ROOT / ".tools" / "scan-work"
PASSWORD = "xibian-liushu-qing"
SECONDS = int(os.environ.get("SCAN_SECONDS", "60"))
"""Seconds that one module of wapiti may take; its crawl may take twice as long."""
CHOSEN = {one for one in os.environ.get("SCAN_TOOLS", "").split(",") if one} or {"wapiti", "sqlmap"}
SQLMAP_SECONDS = {1: 90, 3: 300}
CONTROL_SECONDS = 300
"""Seconds for one request, by level; the control has time enough on a busy machine."""
SQLMAP_SEARCHES = ("--dbms", "SQLite", "--technique", "BEUQ")
"""The database the scanned portal has, and the ways of asking it: true or false, errors, unions, inline queries.

The two by time are left out: SQLite has no sleep, so they burn the machine's time instead, and whatever comes after them is
late. With these four both faults of the control are found in seconds. Python's driver runs one statement at a time, so none
is stacked.
"""
PAGES = 150
SHAPES = 2
"""How many addresses of one shape are crawled: /visits/… with two ids."""
ACCOUNTS: dict[str, str | None] = {
    "visitor": None,
    "guardian": "liwanqing",
    "grandparent": "zhouguilan",
    "class teacher": "wangxue",
    "subject teacher": "dengyu",
    "principal": "sunlide",
    "school office": "hejing",
    "committee chair": "linyue",
    "lecturer": "zhengyaqin",
    "inspector": "wuzhengqing",
    "district staff": "zhangjianping",
    "auditor": "qinshouzheng",
    "system admin": "admin",
}
DEEP = (
    "/?to=/",
    "/account/sign-in?to=/",
    "/courses/?q=a&after=x",
    "/stars/?q=a&after=x",
    "/notices/?after=x",
    "/visits/?q=a&state=due",
    "/schools/my-class?class=x",
    "/opinions/?after=x",
    "/audit/?person=a&from=2026-01-01&to=2026-12-31&area=a",
    "/contacts/?q=a&class=x",
)
"""A representative set of parameters that reach queries, for sqlmap's third level."""
EXPLAINED = {
    r"^wapiti Unencrypted Channels: GET / ": "the scan stands where the proxy does, which ends TLS and redirects",
}
"""Findings that are none, and why; docs/security.md has the words."""


@dataclasses.dataclass
class Result:
    """What came of one role."""

    role: str
    requests: int = 0
    pages: int = 0
    forms: int = 0
    failures: list[str] = dataclasses.field(default_factory=list)
    findings: list[str] = dataclasses.field(default_factory=list)
    cut_short: int = 0
    statuses: dict[int, int] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0

    @property
    def unexplained(self) -> list[str]:
        """The findings nobody has explained."""
        return [one for one in self.findings if not any(re.search(known, one) for known in EXPLAINED)]


def install() -> None:
    """The tools in an environment of their own, pinned with hashes; made anew when the lock changes."""
    mark, wanted = TOOLS / "lock.txt", LOCK.read_text(encoding="utf-8")
    if mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
        return
    shutil.rmtree(TOOLS, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", TOOLS], check=True)
    pip: list[str | Path] = [
        TOOLS / "bin/python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    subprocess.run([*pip, "--require-hashes", "-r", LOCK], check=True)
    mark.write_text(wanted, encoding="utf-8")


def free_port() -> int:
    """A port nobody listens at now."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port: int = place.getsockname()[1]
        return port


@contextmanager
def served(command: Sequence[object], port: int, settings: Mapping[str, str], log: Path) -> Iterator[None]:
    """A program serving at a port, ended afterwards."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command], cwd=ROOT, env={**os.environ, **settings}, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        for _try in range(600):
            if answers(port):
                break
            if process.poll() is not None:
                raise RuntimeError(log.read_text(encoding="utf-8", errors="replace")[-2000:])
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(20)


def answers(port: int) -> bool:
    """Whether somebody answers there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        connection.getresponse().read()
    except OSError:
        return False
    finally:
        connection.close()
    return True


# Pages and forms, for sqlmap.


class Reader(html.parser.HTMLParser):
    """Links and forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[tuple[str, str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what matters."""
        values = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag == "form":
            self.forms.append((values.get("method", "get").lower(), values.get("action", ""), {}))
        elif tag in ("input", "select", "textarea") and self.forms and values.get("name"):
            self.forms[-1][2].setdefault(values["name"], values.get("value", "1"))


def shape(path: str) -> str:
    """An address without ids and without the values of its query."""
    parts = urllib.parse.urlsplit(path)
    plain = re.sub(r"/[A-Za-z0-9_-]{22}(?=/|$)|/\d+(?=/|$)", "/*", parts.path)
    return plain + "?" + "&".join(sorted(urllib.parse.parse_qs(parts.query, keep_blank_values=True)))


@dataclasses.dataclass(frozen=True)
class Target:
    """A request for sqlmap."""

    method: str
    path: str
    body: str = ""

    @property
    def shape(self) -> str:
        """The same for requests that differ in ids and values only."""
        return f"{self.method} {shape(self.path)} {shape('?' + self.body)}"

    def raw(self, door: Door) -> str:
        """As a file for sqlmap's -r."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {door.address.removeprefix('http://')}"]
        if self.body:
            lines.append("Content-Type: application/x-www-form-urlencoded")
        return "\r\n".join([*lines, "", self.body])


def crawl(door: Door) -> tuple[int, list[Target]]:
    """Walk from the first page; returns how many pages there were and every form and query once."""
    waiting, seen, shapes, found = (
        deque(["/", "/courses/", "/stars/"]),
        set[str](),
        dict[str, int](),
        dict[str, Target](),
    )
    pages = 0
    while waiting and pages < PAGES:
        path = waiting.popleft()
        shapes[shape(path)] = shapes.get(shape(path), 0) + 1
        if path in seen or shapes[shape(path)] > SHAPES:
            continue
        seen.add(path)
        status, headers, content = door.pass_on("GET", path, [], b"")
        pages += 1
        if status in (301, 302, 303, 308):
            waiting.append(
                urllib.parse.urlsplit(dict(headers).get("Location", "/"))
                ._replace(scheme="", netloc="")
                .geturl()
            )
        reader = Reader()
        reader.feed(
            content.decode("utf-8", "replace") if "html" in dict(headers).get("Content-Type", "") else ""
        )
        waiting.extend(local(path, link) for link in reader.links if local(path, link))
        for target in targets_on(path, reader):
            found.setdefault(target.shape, target)
    return pages, list(found.values())


def local(page: str, link: str) -> str:
    """A link of a page as a path of the portal; empty when it leads elsewhere."""
    joined = urllib.parse.urlsplit(urllib.parse.urljoin("http://portal" + page, link))
    if joined.scheme != "http" or joined.netloc != "portal":
        return ""
    return joined._replace(scheme="", netloc="", fragment="").geturl()


def targets_on(path: str, reader: Reader) -> Iterator[Target]:
    """The requests a page offers."""
    for link in reader.links:
        if "?" in local(path, link):
            yield Target("GET", local(path, link))
    for method, action, fields in reader.forms:
        where = local(path, action or path)
        if method == "post" and not any(re.match(pattern, where.partition("?")[0]) for pattern in LEFT_OUT):
            yield Target("POST", where, urllib.parse.urlencode(fields))
        elif method == "get" and fields:
            yield Target("GET", where.partition("?")[0] + "?" + urllib.parse.urlencode(fields))


# The two tools.


def run_wapiti(door: Door, name: str, modules: str = "all", seconds: int = SECONDS) -> list[str]:
    """All modules over everything wapiti finds by itself; returns its findings, one line each."""
    report = WORK / f"{name}.wapiti.json"
    report.unlink(missing_ok=True)
    command = [
        TOOLS / "bin/wapiti", "-u", door.address + "/", "-m", modules, "-f", "json", "-o", report, "--flush-session", "--store-session", WORK / name,
        "--store-config", WORK / "config", "--max-scan-time", 2 * seconds, "--max-attack-time", seconds, "--max-links-per-page", 60, "--max-files-per-dir", 20,
        "-d", 6, "-S", "normal", "--tasks", 2, "-t", 30, "--no-bugreport", "--color", "-v", 0, "--endpoint", door.address,
        "-x", door.address + "/account/sign-out", "-x", door.address + "/static/*",
    ]  # fmt: skip
    for _try in range(2):  # its own database is locked now and then
        with (WORK / f"{name}.wapiti.log").open("wb") as log:
            _until(command, 60 * seconds, log)
        if report.is_file():
            break
    return list(wapiti_findings(report))


def wapiti_findings(report: Path) -> Iterator[str]:
    """Vulnerabilities and anomalies of a report."""
    if not report.is_file():
        yield "wapiti wrote no report"
        return
    read = json.loads(report.read_text(encoding="utf-8"))
    for part in ("vulnerabilities", "anomalies"):
        for kind, ones in read[part].items():
            for one in ones:
                yield f"wapiti {kind}: {one['method']} {one['path']} {one.get('parameter') or ''} {one['info']}"


def run_sqlmap(door: Door, name: str, target: Target, level: int, seconds: int = 0) -> tuple[list[str], bool]:
    """One request; returns the findings and whether time ran out."""
    file, log = WORK / f"{name}.request", WORK / f"{name}.sqlmap.log"
    file.write_text(target.raw(door), encoding="utf-8", newline="")
    command = [
        TOOLS / "bin/sqlmap", "-r", file, "--batch", "--level", level, "--risk", 1, "--flush-session", "--output-dir", WORK / f"{name}.sqlmap",
        *SQLMAP_SEARCHES, "--skip", "csrf_token,once", "--ignore-code", "401", "--disable-coloring", "--timeout", 30, "--retries", 1, "--time-sec", 3, "--threads", 2,
    ]  # fmt: skip
    with log.open("ab") as output:
        began = output.tell()
        finished = _until(command, seconds or SQLMAP_SECONDS[level], output)
    text = log.read_bytes()[began:].decode("utf-8", "replace")
    found = re.findall(r"^Parameter: (.+)$", text, re.M)
    return [f"sqlmap {target.method} {target.path}: {one}" for one in sorted(set(found))], not finished


def _until(command: Sequence[object], seconds: float, log: object) -> bool:
    """Run a tool for at most so long; whether it came to its end."""
    words = [str(part) for part in command]
    settings = {**os.environ, "HOME": str(WORK), "PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=settings)  # type: ignore[call-overload]
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    return True


# The runs.


def control() -> list[str]:
    """What the tools did not find in the faulty application; empty when they are in order."""
    port = free_port()
    with (
        served([sys.executable, "scripts/scan_faulty.py", port], port, {}, WORK / "faulty.log"),
        Door(port) as door,
    ):
        missing = _not_by_wapiti(door) if "wapiti" in CHOSEN else []
        missing += _not_by_sqlmap(door) if "sqlmap" in CHOSEN else []
    return missing + (["no 5xx was counted"] if not door.failures else [])


def _not_by_wapiti(door: Door) -> list[str]:
    found = "\n".join(run_wapiti(door, "control", "sql,xss,redirect,crlf", 60))
    faults = ("SQL Injection", "Cross Site Scripting", "Redirect", "Internal Server Error")
    return [word for word in faults if word not in found]


def _not_by_sqlmap(door: Door) -> list[str]:
    """The fault in an address and the one in a form, each at both levels, and no fault where there is none."""
    missing = []
    for target in (Target("GET", "/pupil?id=1"), Target("POST", "/pupil", "csrf_token=none&once=none&id=1")):
        for level in SQLMAP_SECONDS:
            found, late = run_sqlmap(door, "control", target, level, CONTROL_SECONDS)
            if late or not any("id (" in one for one in found):
                missing.append(
                    f"sqlmap: {target.method} at level {level}{' within its time' if late else ''}"
                )
    harmless, _ = run_sqlmap(door, "control", Target("GET", "/search?q=a"), 1, CONTROL_SECONDS)
    return missing + [f"a false alarm: {one}" for one in harmless]


def deep(door: Door) -> Iterator[Target]:
    """Of the chosen parameters those that this role may use."""
    for path in DEEP:
        if door.pass_on("GET", path, [], b"")[0] == 200:
            yield Target("GET", path)


def scan(port: int, role: str, number: int, done: set[str]) -> Result:
    """One role: crawl, wapiti, sqlmap on every form and query not yet tried, then deeper on the chosen parameters."""
    began, name = time.monotonic(), role.replace(" ", "-")
    with Door(port, ACCOUNTS[role], PASSWORD, f"198.51.100.{number}") as door:
        result = Result(role)
        result.pages, targets = crawl(door)
        result.findings += run_wapiti(door, name) if "wapiti" in CHOSEN else []
        wanted = [*((one, 1) for one in targets), *((one, 3) for one in deep(door))]
        for target, level in wanted if "sqlmap" in CHOSEN else []:
            key = f"{level} {target.shape}"
            if key in done:
                continue
            done.add(key)
            door.place = f"198.51.{100 + len(done) % 100}.{number}"
            found, late = run_sqlmap(door, name, target, level)
            result.findings += found
            result.cut_short += late
            result.forms += 1
    result.requests, result.statuses, result.failures = door.requests, dict(door.statuses), door.failures
    result.seconds = time.monotonic() - began
    return result


def prepare(folder: Path, settings: Mapping[str, str]) -> None:
    """A new portal with the rehearsal district."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for words in (("db", "upgrade"), ("rehearsal", "load")):
        subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *words], cwd=ROOT, env={**os.environ, **settings}, stdout=subprocess.DEVNULL, check=True
        )  # fmt: skip


def errors_in(log: Path) -> list[str]:
    """Errors the portal logged, and tracebacks of anything else."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line[:2000] for line in lines if '"level": "error"' in line or line.startswith("Traceback")]


def table(results: Sequence[Result]) -> str:
    """The results as Markdown."""
    lines = [
        "| Role | Pages | Requests | Forms and queries | Cut short | 5xx | Findings | Not explained | Minutes |",
        "| --- " * 9 + "|",
    ]
    for one in results:
        values = (one.role, one.pages, one.requests, one.forms, one.cut_short, len(one.failures), len(one.findings), len(one.unexplained), f"{one.seconds / 60:.1f}")  # fmt: skip
        lines.append("| " + " | ".join(str(value) for value in values) + " |")
    return "\n".join(lines)


def main() -> int:
    """The whole scan; 0 when the control was found and nothing else was."""
    install()
    WORK.mkdir(parents=True, exist_ok=True)
    missing = control()
    print("control:", "all faults found" if not missing else f"NOT FOUND: {missing}", flush=True)
    port, folder = free_port(), WORK / "instance"
    settings = {"INSTANCE_DIR": str(folder), "SECRET_KEY_FILE": str(folder / "secret_key"), "PORTAL_HTTPS": "true", "PORTAL_PROXIES": "1", "PORT": str(port), "WEB_CONCURRENCY": "2", "PORTAL_PASSWORD_MEMORY_KIB": "64"}  # fmt: skip
    prepare(folder, settings)
    log, results, done = WORK / "server.log", list[Result](), set[str]()
    log.unlink(missing_ok=True)
    chosen = [role for role in os.environ.get("SCAN_ROLES", "").split(",") if role] or list(ACCOUNTS)
    with served([sys.executable, "-m", "gunicorn"], port, settings, log):
        for number, role in enumerate(chosen, 1):
            results.append(scan(port, role, number, done))
            print(table(results[-1:]).splitlines()[-1], flush=True)
    errors = errors_in(log)
    (WORK / "report.md").write_text(table(results) + "\n", encoding="utf-8")
    (WORK / "report.json").write_text(
        json.dumps([dataclasses.asdict(one) for one in results], ensure_ascii=False, indent=1),
        encoding="utf-8",
    )
    print(table(results))
    for result in results:
        for line in (*result.unexplained, *result.failures):
            print(f"{result.role}: {line}")
    print(f"errors in the log: {len(errors)}; all of it is in {WORK}")
    return int(bool(missing or errors or any(one.unexplained or one.failures for one in results)))


if __name__ == "__main__":
    sys.exit(main())
