"""The developer's commands, started by dev.py on a Python that is new enough."""

import argparse
import errno
import os
import signal
import sys
from pathlib import Path

import checks
import environment
import processes
import serving
import wheelhouse
from places import PYTHON, ROOT
from words import StopError, both, prepare_streams, say


def main(words: list[str]) -> int:
    """Run one command: its exit code, or 1 with one line when it cannot go on."""
    prepare_streams()
    arguments = _parser().parse_args(words)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        code: int = arguments.act(arguments)
        return code
    except KeyboardInterrupt:
        print(both("已停止。", "Stopped."), file=sys.stderr)
        return 130
    except StopError as reason:
        print(reason, file=sys.stderr)
    except OSError as error:
        print(_in_words(error), file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dev.py", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="serve the portal with the rehearsal district")
    run.set_defaults(act=lambda arguments: serving.run(arguments.wheels))
    test = commands.add_parser("test", help="everything CI runs")
    test.add_argument("--strict", action="store_true", help="a missing part is a failure, as with CI=true")
    test.set_defaults(act=lambda arguments: checks.test(arguments.wheels, arguments.strict))
    soak = commands.add_parser("soak", help="the slow and long checks")
    soak.set_defaults(act=lambda arguments: checks.soak(arguments.wheels))
    lint = commands.add_parser("lint", help="format, style, types, translations")
    lint.set_defaults(act=lambda arguments: checks.lint(arguments.wheels))
    bench = commands.add_parser("bench", help="what the pages cost, as a ratio to a bare Flask page")
    bench.set_defaults(act=lambda arguments: _run_in_environment(("-m", "bench"), arguments))
    simulate = commands.add_parser(
        "simulate", help="how often stars are right, and what each safeguard is worth"
    )
    simulate.add_argument("--write", action="store_true", help="put the tables into docs/simulation.md")
    simulate.set_defaults(act=_simulate)
    scan = commands.add_parser("scan", help="wapiti and sqlmap against a portal of its own, as each role")
    scan.set_defaults(act=lambda arguments: _run_in_environment(("scripts/scan.py",), arguments))
    for command in (run, test, soak, lint, bench, simulate, scan):
        command.add_argument(
            "--wheels", type=Path, default=os.environ.get("WHEELS"), help="install from this folder"
        )
    wheels = commands.add_parser("wheelhouse", help="a folder of wheels for machines without a network")
    wheels.add_argument("folder", nargs="?", type=Path, default=ROOT / "wheelhouse")
    wheels.add_argument("--test", action="store_true", help="with the packages the tests need")
    wheels.set_defaults(act=_wheelhouse)
    return parser


def _wheelhouse(arguments: argparse.Namespace) -> int:
    lock = environment.TEST_LOCK if arguments.test else environment.RUN_LOCK
    count = wheelhouse.fill(arguments.folder, lock)
    say(
        f"{arguments.folder} 里有 {count} 个文件。在没有网络的电脑上：WHEELS={arguments.folder} make run",
        f"{count} files. On a machine without a network: WHEELS={arguments.folder} make run",
    )
    return 0


def _simulate(arguments: argparse.Namespace) -> int:
    words = ("-m", "bench.stars", *(("--write",) if arguments.write else ()))
    return _run_in_environment(words, arguments)


def _run_in_environment(words: tuple[str, ...], arguments: argparse.Namespace) -> int:
    environment.prepare(environment.TEST_LOCK, arguments.wheels)
    process = processes.start([PYTHON, *words], {"PYTHONPATH": str(ROOT / "scripts")})
    try:
        return process.wait()
    finally:
        processes.end(process, 5)


def _interrupt(*_: object) -> None:
    """End as Ctrl-C does, so that what was started is ended too."""
    raise KeyboardInterrupt


def _in_words(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return str(processes.disk_is_full())
    name = error.filename or ""
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return both(f"没有写入的权限：{name}", f"This user may not write: {name}")
    return both(f"没有完成：{error}", f"Not done: {error}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
