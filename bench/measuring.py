"""Measure pages over one database and print the figures as JSON: `python -m bench.measuring FOLDER`.

CPU is user and system time. Pages and the bare page take turns, round by round, so that whatever else the machine
does falls on both; a page's figure is the median over the rounds of its ratio to the bare page in the same round.
"""

import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import bare
from bench.data import ROOT, settings_for
from bench.pages import PAGES
from bench.visiting import Call, block_of, cookies_for, in_process, path_of
from portal.rehearsal.town import PASSWORD
from tests.support.server import Portal
from wsgi import app

ROUNDS = 15
SECONDS_A_BLOCK = 0.15
WARM_UP = 30
REQUESTS_A_BLOCK, BARE_REQUESTS_A_BLOCK = 30, 100
BARE = "bare Flask page"


@dataclass
class Figure:
    """What one page costs: CPU milliseconds, ratio to the bare page (median, lowest, highest), bytes of the answer."""

    page: str
    through: str
    milliseconds: float
    ratio: float
    lowest: float
    highest: float
    size: int


def compare(
    calls: dict[str, Call], through: str, counts: dict[str, int], clocks: dict[str, Callable[[], float]]
) -> list[Figure]:
    """Measure all calls in turns and give each its figure; `calls` contains the bare page."""
    sizes = {name: len(call()) for name, call in calls.items()}
    rounds = [
        {name: block_of(call, counts[name], clocks[name]) for name, call in calls.items()}
        for _ in range(ROUNDS)
    ]
    figures = []
    for name in calls:
        ratios = [turn[name] / turn[BARE] for turn in rounds]
        cost = statistics.median(turn[name] for turn in rounds) * 1000
        figures.append(
            Figure(name, through, cost, statistics.median(ratios), min(ratios), max(ratios), sizes[name])
        )
    return figures


def measure_in_process(cookies: dict[str, str], paths: dict[str, str]) -> list[Figure]:
    """Every page by a direct call of the application, in this process."""
    calls = {BARE: in_process(bare.app.wsgi_app, "/", bare.cookie())}
    calls |= {page.name: in_process(app.wsgi_app, paths[page.name], cookies[page.account]) for page in PAGES}
    counts = {}
    for name, call in calls.items():
        one = block_of(call, WARM_UP, time.process_time)
        counts[name] = max(5, int(SECONDS_A_BLOCK / max(one, 1e-5)))
    return compare(calls, "WSGI", counts, dict.fromkeys(calls, time.process_time))


def cpu_of(process: int) -> float:
    """CPU seconds that the threads of a gunicorn's workers have used so far, to the nanosecond (Linux)."""
    nanoseconds = 0
    for child in Path(f"/proc/{process}/task/{process}/children").read_text().split():
        for thread in Path(f"/proc/{child}/task").iterdir():
            nanoseconds += int((thread / "schedstat").read_text().split()[0])
    return nanoseconds / 1e9


def over_http(port: int, path: str, cookie: str) -> Call:
    """A function that asks a server for a page over one kept connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask() -> http.client.HTTPResponse:
        connection.request("GET", path, headers={"Cookie": cookie, "Accept-Language": "zh-CN"})
        return connection.getresponse()

    def call() -> bytes:
        try:
            answer = ask()
        except (http.client.RemoteDisconnected, ConnectionError):
            # While other pages had their turn, the server let the idle connection go.
            connection.close()
            answer = ask()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} answers {answer.status}")
        return body

    return call


def measure_through_gunicorn(folder: Path, cookies: dict[str, str], paths: dict[str, str]) -> list[Figure]:
    """Every page through gunicorn with one worker, the bare page through another of the same settings."""
    with (
        Portal(folder, workers=1, settings=settings_for(folder)) as portal,
        Portal(folder / "bare", app="bench.bare:app", workers=1) as plain,
    ):
        calls = {BARE: over_http(plain.port, "/", bare.cookie())}
        calls |= {
            page.name: over_http(portal.port, paths[page.name], cookies[page.account]) for page in PAGES
        }
        for call in calls.values():
            for _ in range(WARM_UP):
                call()
        clocks = {name: _clock_of(plain if name == BARE else portal) for name in calls}
        counts = {**dict.fromkeys(calls, REQUESTS_A_BLOCK), BARE: BARE_REQUESTS_A_BLOCK}
        return compare(calls, "gunicorn", counts, clocks)


def _clock_of(portal: Portal) -> Callable[[], float]:
    assert portal.process
    process = portal.process.pid
    return lambda: cpu_of(process)


def main(folder: Path) -> None:
    """Measure everything over the database in a folder and print it as JSON."""
    cookies = cookies_for(app, PAGES, PASSWORD)
    paths = {page.name: path_of(app, page, cookies[page.account]) for page in PAGES}
    figures = measure_in_process(cookies, paths)
    if sys.platform == "linux":
        figures += measure_through_gunicorn(folder, cookies, paths)
    json.dump([asdict(figure) for figure in figures], sys.stdout)


def measure(folder: Path) -> list[Figure]:
    """The figures over the database in a folder, taken in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.measuring", folder],
        cwd=ROOT, env={**os.environ, **settings_for(folder)}, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        output, _ = process.communicate()
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        raise
    if process.returncode:
        raise RuntimeError("the pages could not be measured")
    return [Figure(**row) for row in json.loads(output)]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
