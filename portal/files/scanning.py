"""The virus scanner, if the operator set one: clamd over TCP or a socket of this machine.

The protocol is clamd's INSTREAM (clamd(8)): chunks with their length before them, a chunk of length nothing, one answer
that ends in NUL. Whatever is not a whole, known answer counts as no answer: then the file waits, and nobody sees it.
"""

import socket
import struct
import time

from flask import current_app

SECONDS = 20
CHUNK = 256 * 1024
LONGEST_ANSWER = 4096
LENGTH = struct.Struct(">I")


class ScannerDown(Exception):
    """The scanner is set and does not say whether a file is clean."""


def is_set() -> bool:
    """Whether files must pass a scanner."""
    return bool(current_app.config["CLAMD_ADDRESS"])


def scan(data: bytes) -> str:
    """The name of what was found in the data, or nothing when it is clean. Raises ScannerDown for anything in between."""
    until = time.monotonic() + SECONDS
    try:
        with _connected(current_app.config["CLAMD_ADDRESS"]) as connection:
            answer = _ask(connection, data, until)
    except (OSError, ValueError) as error:
        raise ScannerDown(str(error)) from None
    return verdict(answer)


def _connected(address: str) -> socket.socket:
    """A connection to ``unix:/run/clamav/clamd.ctl``, ``/run/clamav/clamd.ctl``, ``tcp://host:3310`` or ``host:3310``."""
    if address.startswith(("unix:", "/")):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(SECONDS)
        try:
            connection.connect(address.removeprefix("unix:").removeprefix("//"))
        except OSError:
            connection.close()
            raise
        return connection
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS)


def _ask(connection: socket.socket, data: bytes, until: float) -> bytes:
    connection.sendall(b"zINSTREAM\0")
    whole = memoryview(data)
    for place in range(0, len(data), CHUNK):
        _wait_at_most(connection, until)
        piece = whole[place : place + CHUNK]
        connection.sendall(LENGTH.pack(len(piece)))
        connection.sendall(piece)
    connection.sendall(LENGTH.pack(0))
    answer = b""
    while not answer.endswith(b"\0") and len(answer) <= LONGEST_ANSWER:
        _wait_at_most(connection, until)
        part = connection.recv(LONGEST_ANSWER)
        if not part:
            break
        answer += part
    return answer


def _wait_at_most(connection: socket.socket, until: float) -> None:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the scanner takes too long")
    connection.settimeout(left)


def verdict(answer: bytes) -> str:
    """What an answer of clamd says: nothing for clean, a name for a find. Raises ScannerDown for every other answer."""
    text = answer.decode("utf-8", "replace")
    if text == "stream: OK\0":
        return ""
    if text.startswith("stream: ") and text.endswith(" FOUND\0"):
        return text.removeprefix("stream: ").removesuffix(" FOUND\0")[:100] or "unnamed"
    raise ScannerDown(f"not an answer: {text[:100]!r}")
