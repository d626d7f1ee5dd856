"""A file's bytes sealed in chunks, so that a part of a large file opens without the rest.

Each file has a key of its own; a chunk's nonce is its number and whether it is the last, its associated data the name of
the object. So chunks cannot be exchanged, repeated, reordered or cut off unseen (the STREAM construction of Hoang,
Reyhanitabar, Rogaway and Vizár, 2015).
"""

import secrets
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"GYF1"
CHUNK = 64 * 1024
TAG = 16


class ChunkBroken(Exception):
    """Sealed bytes that do not open: changed, cut, of another file, or under another key."""


def new_key() -> str:
    """A fresh key for one file, 64 hexadecimal digits."""
    return secrets.token_hex(32)


def chunks_in(size: int) -> int:
    """How many chunks ``size`` bytes make; nothing makes one, empty."""
    return max(1, -(-size // CHUNK))


def sealed_size(size: int) -> int:
    """Bytes of the object that holds a file of ``size`` bytes."""
    return len(MAGIC) + size + TAG * chunks_in(size)


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def seal(data: bytes, key: str, name: str) -> bytes:
    """The object for ``data``, to be kept under ``name``."""
    cipher, last = AESGCM(bytes.fromhex(key)), chunks_in(len(data)) - 1
    whole = memoryview(data)
    parts = [
        cipher.encrypt(
            _nonce(number, number == last), bytes(whole[number * CHUNK : (number + 1) * CHUNK]), name.encode()
        )
        for number in range(last + 1)
    ]
    return MAGIC + b"".join(parts)


def unseal(read: Callable[[int, int], bytes], size: int, key: str, name: str, start: int, stop: int) -> bytes:
    """The bytes ``start`` to ``stop`` (exclusive) of a file of ``size`` bytes.

    ``read(begin, end)`` gives bytes of the object. Raises ChunkBroken; never gives bytes that were not sealed so.
    """
    cipher, last = AESGCM(bytes.fromhex(key)), chunks_in(size) - 1
    first, final = start // CHUNK, max(start, stop - 1) // CHUNK
    begin, end = (
        len(MAGIC) + first * (CHUNK + TAG),
        min(len(MAGIC) + (final + 1) * (CHUNK + TAG), sealed_size(size)),
    )
    stored = read(begin, end)
    if len(stored) != end - begin:
        raise ChunkBroken(f"{name} is cut")
    parts = []
    for number in range(first, final + 1):
        place = (number - first) * (CHUNK + TAG)
        try:
            parts.append(
                cipher.decrypt(
                    _nonce(number, number == last), stored[place : place + CHUNK + TAG], name.encode()
                )
            )
        except InvalidTag:
            raise ChunkBroken(f"{name} was changed in part {number}") from None
    return b"".join(parts)[start - first * CHUNK : stop - first * CHUNK]
