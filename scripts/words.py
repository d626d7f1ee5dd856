"""What the scripts say: Chinese first, English behind it, one line for one thing."""

import sys


class StopError(Exception):
    """Ends a command with one line and exit code 1, never with a traceback."""


def prepare_streams() -> None:
    """Write UTF-8 whatever the locale says, so that a Chinese line never breaks a command."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)


def both(chinese: str, english: str) -> str:
    """One line in both languages."""
    return f"{chinese} | {english}"


def say(chinese: str, english: str) -> None:
    """Print one line in both languages."""
    print(both(chinese, english), flush=True)


def stop(chinese: str, english: str) -> StopError:
    """The error to raise when a command cannot go on, with one line in both languages."""
    return StopError(both(chinese, english))
