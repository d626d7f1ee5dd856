"""Asking the process of `decoder.py` what a file is, and refusing in words when it refuses, dies or takes too long."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from portal.i18n import no_op

SCRIPT = Path(__file__).with_name("decoder.py")
MEMORY = 512 * 1024 * 1024
SECONDS = 10
PIXELS = 40_000_000
LONGEST = 2_560
LONGEST_PHOTO = 1_600

DAMAGED = no_op("The file is damaged and cannot be opened. Save it again and choose it anew.")
OTHER_KIND = no_op(
    "Files of this kind are not taken. Choose a picture (JPEG, PNG, WebP, HEIC), a PDF, a Word, Excel or PowerPoint file, or a plain text."
)
COSTLY = no_op("The file asks for more memory or time than such a file needs. It was not opened.")
LINKS = no_op(
    "The document loads something from elsewhere when it is opened. Take the link out, or save it as PDF."
)
EMBEDDED = no_op("The document holds other files. Take them out, or save it as PDF.")
MACROS = no_op("The document holds macros or other programs. Save it without them, or as PDF.")
LOCKED = no_op("The file has a password. Save it without one and choose it again.")
REFUSALS = {
    "empty": no_op("The file is empty."),
    "damaged": DAMAGED,
    "kind": OTHER_KIND,
    "old_office": no_op(
        "This is an old Office file or one with a password. Save it as .docx, .xlsx or .pptx."
    ),
    "pixels": no_op("The picture has more than 40 million pixels. Make it smaller and choose it again."),
    "moving": no_op("The picture holds several pictures or moves. Choose a single one."),
    "locked": LOCKED,
    "active": no_op(
        "The PDF holds a script, a form that sends, or another file. Print it to a new PDF and choose that one."
    ),
    "two_kinds": no_op("The file is of two kinds at once. Save it again from the program you made it with."),
    "macros": MACROS,
    "links": LINKS,
    "embedded": EMBEDDED,
    "markup": no_op("The text holds commands for a browser. Save it as plain text or PDF."),
    "costly": COSTLY,
    "zip_damaged": DAMAGED,
    "zip_entries": COSTLY,
    "zip_outside": DAMAGED,
    "zip_link": DAMAGED,
    "zip_password": LOCKED,
    "zip_nested": EMBEDDED,
    "zip_unpacked": COSTLY,
    "zip_ratio": COSTLY,
}


class RefusedFile(Exception):
    """A file that is not taken; the message is a sentence of the catalogue in English, ``word`` names the reason."""

    def __init__(self, word: str) -> None:
        super().__init__(REFUSALS[word])
        self.word = word


@dataclass(frozen=True)
class Decoded:
    """What a file is, and the bytes that may be kept of it."""

    kind: str
    media_type: str
    suffix: str
    content: bytes
    memory_kib: int = 0


class Decoder:
    """The process, for as many files as come within a ``with``; it dies with the block, and each file has a child of its own.

    Files go through pipes only: nothing is put on a disk.
    """

    def __init__(self, memory: int = MEMORY, seconds: int = SECONDS, pixels: int = PIXELS) -> None:
        self.limits = {"memory": memory, "seconds": seconds, "pixels": pixels}
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Decoder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def decode(
        self, data: bytes, suffix: str, longest: int = LONGEST, cover: Sequence[float] | None = None
    ) -> Decoded:
        """What ``data`` is, by decoding. ``suffix`` is the typed name's, lower case; pictures keep ``longest`` on a side.

        ``cover`` hides a disc of a picture: its middle from the left and from the top and its radius, in widths of the
        picture; a fourth number that is not 0 says that the second one is in heights. Raises RefusedFile, also when the process itself is gone.
        """
        job = {"suffix": suffix, "longest": longest, **self.limits}
        answer, content = self._ask(job if cover is None else {**job, "cover": list(cover)}, data)
        if "refused" in answer:
            raise RefusedFile(answer["refused"])
        return Decoded(answer["kind"], answer["type"], answer["suffix"], content, answer["memory"])

    def _ask(self, job: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-I", str(SCRIPT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={},
            )
        given, answers = self.process.stdin, self.process.stdout
        assert given is not None and answers is not None
        try:
            given.write(json.dumps({**job, "bytes": len(data)}).encode() + b"\n" + data)
            given.flush()
            answer = json.loads(answers.readline())
            content = answers.read(answer["bytes"])
        except (OSError, ValueError):
            self.__exit__(None, None, None)
            raise RefusedFile("costly") from None
        return answer, content
