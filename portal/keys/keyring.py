"""Master keys from their file, field keys from the database, both open only in memory.

The file holds one master key per line: its name, the day it was made, 64 hexadecimal digits. The last line is the
newest and wraps what is wrapped from now on. It is made by the first migration and changed by ``flask keys`` only:
a portal that does not find its master key says so instead of making another.
"""

import fcntl
import os
import secrets
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from flask import Flask, current_app
from sqlalchemy import Connection, select

from portal.database import reading
from portal.extensions import db
from portal.keys import ciphers
from portal.keys.models import Branch, FieldKey

HEADER = struct.Struct(f">BBI{ciphers.NONCE_BYTES}s")
"""Of every sealed value: version, algorithm, field key, nonce. Then come the ciphertext and its tag."""
VERSION = 1
LEAST = HEADER.size + ciphers.TAG_BYTES
REFRESH_SECONDS = 10
"""A process knows a new field key at the latest after so long; until then it may still seal with the one before."""


class SealBroken(Exception):
    """A sealed value that does not open: wrong or missing key, another row's value, cut or changed bytes.

    Says where it stands and why, never what it holds.
    """


class KeyMissing(Exception):
    """A key that should be there is not."""


@dataclass(frozen=True)
class Master:
    """One master key."""

    name: str
    made_on: date
    secret: bytes

    def line(self) -> str:
        return f"{self.name} {self.made_on.isoformat()} {self.secret.hex()}"


class Masters:
    """The file of master keys."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self) -> list[Master]:
        """Every master key, oldest first; empty when there is no file. KeyMissing when a line is not one."""
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        found = []
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            try:
                name, day, digits = line.split()
                found.append(Master(name, date.fromisoformat(day), bytes.fromhex(digits)))
            except ValueError:
                raise KeyMissing(f"{self.path}: line {number} is not a master key") from None
            if len(found[-1].secret) != 32:
                raise KeyMissing(f"{self.path}: the master key of line {number} is not whole")
        return found

    def add(self, day: date, only_first: bool = False) -> Master:
        """A new master key at the end of the file, on disk when this returns; with ``only_first`` only if there is none."""
        with self._changing():
            known = self.all()
            if only_first and known:
                return known[-1]
            made = Master(f"m{secrets.token_hex(4)}", day, secrets.token_bytes(32))
            self._write([*known, made])
        return made

    def drop(self, names: Iterable[str]) -> None:
        """Forget master keys for good."""
        gone = set(names)
        with self._changing():
            self._write([one for one in self.all() if one.name not in gone])

    @contextmanager
    def _changing(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, keys: Sequence[Master]) -> None:
        handle, name = tempfile.mkstemp(dir=self.path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write("# Master keys of 共育. Keep a copy apart from the backups of the database.\n")
                file.writelines(f"{key.line()}\n" for key in keys)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        finally:
            Path(name).unlink(missing_ok=True)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@dataclass(frozen=True)
class OpenKey:
    """A field key in memory, ready for either cipher."""

    id: int
    branch: str
    secret: bytes
    ready: dict[int, Any]

    def lock(self, algorithm: int, text: bytes, place: bytes) -> bytes:
        """A sealed value: header, ciphertext, tag. The header is authenticated along with the place."""
        header = HEADER.pack(VERSION, algorithm, self.id, os.urandom(ciphers.NONCE_BYTES))
        locked = ciphers.LOCKS[algorithm][0](self.ready[algorithm], header[6:], text, header[:6] + place)
        return header + locked


def wrap(master: Master, algorithm: int, key_id: int, branch: str, secret: bytes) -> bytes:
    """A field key under a master key, bound to its id and branch."""
    ready = ciphers.ready(algorithm, master.secret)
    nonce = os.urandom(ciphers.NONCE_BYTES)
    place = f"field key\0{key_id}\0{branch}".encode()
    return bytes([VERSION, algorithm]) + nonce + ciphers.LOCKS[algorithm][0](ready, nonce, secret, place)


def unwrap(master: Master, key_id: int, branch: str, wrapped: bytes) -> bytes:
    """Undo ``wrap``; SealBroken when the master key is another one or the row was changed."""
    if len(wrapped) < 14 or wrapped[0] != VERSION or wrapped[1] not in ciphers.LOCKS:
        raise SealBroken(f"field key {key_id} is damaged")
    place = f"field key\0{key_id}\0{branch}".encode()
    ready = ciphers.ready(wrapped[1], master.secret)
    try:
        return ciphers.LOCKS[wrapped[1]][1](ready, wrapped[2:14], wrapped[14:], place)
    except InvalidTag:
        raise SealBroken(f"master key {master.name} does not open field key {key_id}") from None


def new_field_key(master: Master, algorithm: int, branch: str) -> dict[str, Any]:
    """The columns of a fresh field key of a branch; the caller adds ``created_at``."""
    key_id = 1 + secrets.randbelow(2**31 - 1)
    wrapped = wrap(master, algorithm, key_id, branch, secrets.token_bytes(32))
    return {"id": key_id, "branch": branch, "master": master.name, "wrapped": wrapped}


Rows = Sequence[tuple[int, str, str, bytes]]


class Keyring:
    """The open keys of one portal. ``load`` brings (id, branch, master, wrapped) of all field keys, oldest first."""

    def __init__(self, masters: Masters, algorithm: int, load: Callable[[], Rows]) -> None:
        self.masters = masters
        self.algorithm = algorithm
        self._load = load
        self._keys: dict[int, OpenKey] = {}
        self._newest: dict[str, OpenKey] = {}
        self._loaded_at = float("-inf")
        self._turn = threading.Lock()

    def reload(self) -> None:
        """Read file and database again. Keys whose master key is missing stay closed."""
        with self._turn:
            masters = {master.name: master for master in self.masters.all()}
            keys: dict[int, OpenKey] = {}
            newest: dict[str, OpenKey] = {}
            for key_id, branch, master, wrapped in self._load():
                if master not in masters:
                    continue
                secret = unwrap(masters[master], key_id, branch, wrapped)
                ready = {algorithm: ciphers.ready(algorithm, secret) for algorithm in ciphers.LOCKS}
                keys[key_id] = newest[branch] = OpenKey(key_id, branch, secret, ready)
            self._keys, self._newest, self._loaded_at = keys, newest, time.monotonic()

    def key(self, key_id: int) -> OpenKey:
        """The field key with this id; KeyMissing when there is none that opens."""
        found = self._keys.get(key_id)
        if found is None:
            self.reload()
            found = self._keys.get(key_id)
        if found is None:
            raise KeyMissing(
                f"field key {key_id} is not there, or its master key is not in {self.masters.path}"
            )
        return found

    def newest(self, branch: str) -> OpenKey:
        """The key that seals in a branch now; read again every few seconds. KeyMissing when the branch has none."""
        if time.monotonic() - self._loaded_at > REFRESH_SECONDS:
            self.reload()
        found = self._newest.get(branch)
        if found is None:
            raise KeyMissing(
                f"no field key of the branch {branch} opens: is {self.masters.path} there? Ask: flask doctor"
            )
        return found

    def has(self, branch: str) -> bool:
        """Whether a key of the branch is open, without looking again."""
        return branch in self._newest

    def lasting(self, branch: str) -> OpenKey:
        """The key of a branch whose key stays while the portal runs (index, trail): never read again for it."""
        return self._newest.get(branch) or self.newest(branch)


def rows_of(connection: Connection) -> Rows:
    """All field keys, oldest first, retired ones included (they still open)."""
    table = FieldKey.__table__
    wanted = select(table.c.id, table.c.branch, table.c.master, table.c.wrapped)
    return [tuple(row) for row in connection.execute(wanted.order_by(table.c.created_at, table.c.id))]


def _rows() -> Rows:
    with reading(), db.engine.connect() as connection:
        return rows_of(connection)


def over(connection: Connection) -> Keyring:
    """A keyring that reads through this connection and sees what it has not committed: for migrations."""
    masters = Masters(current_app.config["MASTER_KEYS_FILE"])
    return Keyring(masters, ciphers.CIPHERS[current_app.config["CIPHER"]], partial(rows_of, connection))


def ring() -> Keyring:
    """The keyring of this portal."""
    found: Keyring = current_app.extensions["portal.keys"]
    return found


def lasting_secret(branch: Branch) -> bytes:
    """32 secret bytes of a branch that makes keyed hashes (index, trail)."""
    return ring().lasting(branch).secret


def init_app(app: Flask) -> None:
    """Give the app its keyring; keys are opened at first use."""
    masters = Masters(app.config["MASTER_KEYS_FILE"])
    app.extensions["portal.keys"] = Keyring(masters, ciphers.CIPHERS[app.config["CIPHER"]], _rows)
