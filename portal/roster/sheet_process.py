"""Asking the workbook process for cells, and saying in words when it had to be stopped."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from portal.i18n import no_op
from portal.roster import limits
from portal.roster.problems import UnreadableError, unreadable

SCRIPT = Path(__file__).with_name("cells.py")
TOO_MUCH = no_op(
    "The workbook asks for more memory or time than a roster needs. It was not read. Copy the rows into a new template."
)
REFUSALS = {
    "macros": no_op("The workbook holds macros. Save it as .xlsx and upload it again."),
    "password": no_op("The package has a password. Save it without one and upload it again."),
    "entities": no_op("The workbook was not made by a spreadsheet program. It was not opened."),
    "columns": no_op(
        "There are cells far to the right, beyond column %(columns)s. Delete them or copy the rows into a new template."
    ),
    "rows": no_op("There are cells far down, beyond row %(rows)s. Delete them or import school by school."),
    "damaged": no_op("The file is damaged and cannot be opened. Save it again and upload it anew."),
    "memory": TOO_MUCH,
}


def cells_of(path: Path, sheet_keys: list[str]) -> Iterator[Any]:
    """The messages of `cells.py` up to its end. Raises `UnreadableError` if it refuses or dies."""
    command = [
        sys.executable,
        "-I",
        str(SCRIPT),
        str(path),
        str(limits.CHILD_MEMORY_BYTES),
        str(limits.CHILD_CPU_SECONDS),
        str(limits.ROWS),
        str(limits.COLUMNS),
        *sheet_keys,
    ]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={},
    )
    timer = threading.Timer(limits.CHILD_WALL_SECONDS, process.kill)
    timer.start()
    assert process.stdout is not None
    try:
        yield from messages(process.stdout)
    finally:
        timer.cancel()
        process.kill()
        process.stdout.close()
        process.wait()


def messages(lines: Iterator[str] | Any) -> Iterator[Any]:
    """Parsed lines; the last must be the end."""
    for line in lines:
        try:
            message = json.loads(line)
        except ValueError:
            break
        if isinstance(message, dict) and "end" in message:
            return
        if isinstance(message, dict) and "refused" in message:
            raise refusal(message["refused"], message["sheet"])
        yield message
    raise unreadable(TOO_MUCH)


def refusal(word: str, sheet: str) -> UnreadableError:
    """The sentence for a refusal of the workbook process."""
    return unreadable(REFUSALS[word], sheet, 0, rows=limits.ROWS, columns=limits.COLUMNS)
