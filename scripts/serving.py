"""`run`: prepare the instance, then keep the web server and the job worker going until Ctrl-C."""

import contextlib
import dataclasses
import errno
import http.client
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import downloads
import environment
from places import PYTHON, ROOT, instance, try_lock
from processes import disk_is_full, end, failure, has_no_room, run_to_the_end, start
from words import StopError, say, stop

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
STEADY_AFTER = 60.0
SECONDS_TO_ANSWER, SECONDS_TO_END = 60.0, 12.0
LARGEST_LOG = 5 * 1024 * 1024
# The same two as in flask_steps.py, which needs the environment and cannot be imported here.
END, FIRST_FAILED = "\x1e", 100
FLASK = (PYTHON, "-m", "flask", "--app", "wsgi")


def run(wheels: Path | None) -> int:
    """Do everything from an empty folder to a served portal; returns when it was told to stop."""
    host, port = address()
    folder = make_instance()
    with only_one(folder, host, port), bound(host, port) as listener:
        environment.prepare(environment.RUN_LOCK, wheels)
        # The database and the logs are for this user's eyes only.
        os.umask(0o077)
        settings = make_secrets(folder)
        accounts = prepare_data(settings)
        listen(listener, host, port)
        supervisor = Supervisor(
            [
                Child(
                    "网页服务",
                    "web server",
                    (PYTHON, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}"),
                    "server",
                ),
                Child("后台任务", "job worker", (*FLASK, "jobs", "work"), "jobs"),
            ],
            settings,
            folder / "log",
            listener,
        )
        return supervisor.serve(lambda: announce(host, port, accounts, folder))


def address() -> tuple[str, int]:
    """HOST and PORT, 127.0.0.1 and 8000 when not set."""
    host, port = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "8000"
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise stop(
            f"PORT={port} 不是端口号，请用 1 到 65535 的整数。", f"PORT={port} is not a port; use 1 to 65535."
        )
    return host, int(port)


def make_instance() -> Path:
    """The instance folder, closed to other users; StopError when it cannot be written."""
    folder = instance()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "log").mkdir(mode=0o700, exist_ok=True)
        probe = folder / ".probe"
        probe.write_bytes(b" ")
        probe.unlink()
    except OSError as error:
        if error.errno == errno.ENOSPC or has_no_room(folder if folder.exists() else ROOT):
            raise disk_is_full() from error
        raise stop(
            f"文件夹 {folder} 不能写入，请换一个位置或修改权限。", f"The folder {folder} cannot be written."
        ) from error
    return folder


@contextlib.contextmanager
def only_one(folder: Path, host: str, port: int) -> Iterator[None]:
    """Hold the instance for this process; StopError with the other's address when another one serves it."""
    lock = try_lock(folder / "run.lock")
    if lock is None:
        other = _read_other(folder / "run.lock")
        raise stop(f"共育已经在运行（{other}），不必再次启动。", f"It is already running ({other}).")
    with lock:
        lock.truncate(0)
        json.dump({"process": os.getpid(), "address": link(host, port)}, lock)
        lock.flush()
        yield


def _read_other(path: Path) -> str:
    try:
        other = json.loads(path.read_text(encoding="utf-8"))
        return f"{other['address']}, {other['process']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "?"


def link(host: str, port: int) -> str:
    """The address to open in a browser."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


@contextlib.contextmanager
def bound(host: str, port: int) -> Iterator[socket.socket]:
    """A socket bound to the address, kept over restarts of the web server; StopError when it cannot be had."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise stop(
            f"HOST={host} 不是本机的地址。", f"HOST={host} is not an address of this machine."
        ) from error
    with socket.socket(family, kind) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(place)
        except OSError as error:
            raise _cannot_bind(host, port, error) from error
        yield listener


def listen(listener: socket.socket, host: str, port: int) -> None:
    """Open the bound address to visitors: only now, so that nobody waits while the first start prepares."""
    try:
        listener.listen(1024)
    except OSError as error:
        raise _cannot_bind(host, port, error) from error


def _cannot_bind(host: str, port: int, error: OSError) -> StopError:
    if error.errno == errno.EADDRINUSE:
        return stop(
            f"端口 {port} 已被别的程序占用，请换一个，例如：PORT={port + 1} make run",
            f"Port {port} is taken by another program; choose another, such as: PORT={port + 1} make run",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return stop(
            f"当前用户不能使用端口 {port}，请用 1024 以上的端口。",
            f"Port {port} is not open to this user; use one above 1024.",
        )
    return stop(f"HOST={host} 不是本机的地址。", f"HOST={host} is not an address of this machine.")


def make_secrets(folder: Path) -> dict[str, str]:
    """The settings the portal's processes get; the secret key is made once and readable by this user only."""
    key = Path(os.environ.get("SECRET_KEY_FILE") or folder / "secret_key")
    if not key.is_file() or not key.stat().st_size:
        downloads.write_whole(key, secrets.token_hex(32).encode(), 0o600)
    elif key.stat().st_mode & 0o077:
        key.chmod(0o600)
    return {"INSTANCE_DIR": str(folder), "SECRET_KEY_FILE": str(key), "PYTHONUNBUFFERED": "1"}


def prepare_data(settings: dict[str, str]) -> str:
    """Bring the database up to date, fill it when it is empty; returns the rehearsal accounts as text."""
    steps = (
        ("db upgrade", "数据库没有升级成功", "The database could not be upgraded"),
        ("rehearsal load", "演练数据没有装入", "The rehearsal district could not be loaded"),
        ("rehearsal accounts", "读不出演练账号", "The rehearsal accounts cannot be read"),
    )
    code, output = run_to_the_end(
        [PYTHON, "-m", "scripts.flask_steps", *(step[0] for step in steps)], settings
    )
    if code:
        position = code - FIRST_FAILED
        words = (
            steps[position][1:]
            if position in range(len(steps))
            else ("门户没有启动", "The portal does not start")
        )
        raise failure(output, *words)
    return output.split(END)[-2].strip()


def announce(host: str, port: int, accounts: str, folder: Path) -> None:
    """Say where the portal is and who can sign in."""
    say(f"共育已启动：{link(host, port)}", f"Open {link(host, port)}")
    if accounts:
        print(accounts, flush=True)
    if host not in ("127.0.0.1", "::1", "localhost"):
        say(
            "注意：别的电脑也能打开这里。演练数据和账号只供练习，不要录入真实信息。",
            "Note: other machines can reach this. The rehearsal district is for practice only; enter nothing real.",
        )
    say(f"日志在 {folder / 'log'}。按 Ctrl-C 停止。", f"Logs are in {folder / 'log'}. Press Ctrl-C to stop.")


@dataclasses.dataclass
class Child:
    """A program kept going: its names, its command, its log, and when it may start again."""

    chinese: str
    english: str
    command: tuple[str | Path, ...]
    log: str
    process: subprocess.Popen[str] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    pause: float = FIRST_PAUSE


class Supervisor:
    """Starts the children, starts again the one that dies (after a growing pause), ends all of them on a signal."""

    def __init__(
        self, children: list[Child], settings: dict[str, str], log: Path, listener: socket.socket
    ) -> None:
        self.children = children
        self.settings = settings
        self.log = log
        self.listener = listener
        self.stopping = False
        self.answered = False

    def serve(self, announce_it: Callable[[], None]) -> int:
        """Run until told to stop, and return 0; StopError when the web server does not come up at all."""
        began = time.monotonic()
        with waking_on_signals(self._stop) as woken:
            try:
                while not self.stopping:
                    self._start_what_is_due()
                    if not self.answered and answers(self.listener):
                        self.answered = True
                        announce_it()
                    self._collect_the_dead()
                    if not self.answered and time.monotonic() - began > SECONDS_TO_ANSWER:
                        raise self._does_not_answer(self.children[0])
                    self._sleep(woken)
            finally:
                self._end_all()
        say("已停止。", "Stopped.")
        return 0

    def _stop(self, *_: object) -> None:
        self.stopping = True

    def _start_what_is_due(self) -> None:
        for child in self.children:
            if child.process is None and time.monotonic() >= child.start_at:
                with open_log(self.log / f"{child.log}.log") as output:
                    child.process = start(
                        child.command,
                        self.settings,
                        output.fileno(),
                        [self.listener.fileno()],
                        signal.SIGTERM,
                    )
                child.started_at = time.monotonic()

    def _collect_the_dead(self) -> None:
        for child in self.children:
            if child.process is None or child.process.poll() is None or self.stopping:
                continue
            code = child.process.returncode
            end(child.process)
            child.process = None
            if not self.answered:
                raise self._does_not_answer(child)
            steady = time.monotonic() - child.started_at > STEADY_AFTER
            child.pause = FIRST_PAUSE if steady else min(child.pause * 2, LONGEST_PAUSE)
            child.start_at = time.monotonic() + child.pause
            log = self.log / f"{child.log}.log"
            say(
                f"{child.chinese}意外停止（{code}），{child.pause:.0f} 秒后重新启动，详情见 {log}。",
                f"The {child.english} ended ({code}); starting again in {child.pause:.0f} s, see {log}.",
            )

    def _does_not_answer(self, child: Child) -> StopError:
        log = self.log / f"{child.log}.log"
        text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
        return failure(
            text, f"{child.chinese}没有启动，详情见 {log}", f"The {child.english} did not start, see {log}"
        )

    def _sleep(self, woken: int) -> None:
        """Wait for a signal (a child's end among them) or for the next thing that is due."""
        due = [child.start_at - time.monotonic() for child in self.children if child.process is None]
        longest = min([5.0 if self.answered else 0.2, *(max(seconds, 0.05) for seconds in due)])
        ready, _, _ = select.select([woken], [], [], longest)
        if ready:
            os.read(woken, 4096)

    def _end_all(self) -> None:
        running = [child.process for child in self.children if child.process]
        for process in running:
            if process.poll() is None:
                process.terminate()
        for process in running:
            end(process, SECONDS_TO_END)


@contextlib.contextmanager
def waking_on_signals(when_told_to_stop: Callable[..., None]) -> Iterator[int]:
    """A descriptor that becomes readable at every signal; the usual signals to end call the function given."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    kept = {
        number: signal.signal(number, when_told_to_stop)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    kept[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writer)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in kept.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)


def answers(listener: socket.socket) -> bool:
    """Whether the portal answers a request at the address this socket is bound to."""
    place, port = listener.getsockname()[:2]
    connection = http.client.HTTPConnection(
        {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(place, place), port, timeout=1
    )
    try:
        connection.request("GET", "/healthz", headers={"Connection": "close"})
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def open_log(path: Path) -> IO[bytes]:
    """A log to add to; one that has grown large is put aside first, replacing the one put aside before."""
    if path.is_file() and path.stat().st_size > LARGEST_LOG:
        path.replace(path.with_suffix(".old.log"))
    return path.open("ab")
