"""Sealing fields: ``phone = Sealed("personal")`` on a model reads and writes text, the database holds ciphertext.

A sealed value is bound to its table, column and row (``public_id``): moved elsewhere it does not open. Nothing here ever
answers with empty text for what it cannot open; it raises ``SealBroken``.
"""

import hmac
import json
from abc import ABC, abstractmethod
from typing import Any, Generic, Self, TypeVar, overload

from cryptography.exceptions import InvalidTag
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from portal.extensions import Base, new_public_id
from portal.keys import ciphers
from portal.keys.keyring import HEADER, LEAST, VERSION, KeyMissing, Keyring, SealBroken, lasting_secret, ring
from portal.keys.models import SEALING, Branch

INDEX_BYTES = 15
Value = TypeVar("Value")

__all__ = ["KeyMissing", "SealBroken", "Sealed", "SealedData", "SealedText", "blind_index", "seal", "unseal"]


def seal(branch: str, text: str, *place: str, keys: Keyring | None = None) -> bytes:
    """``text`` encrypted under the newest key of a branch, for one place: table, column, public id of the row."""
    return seal_bytes(branch, text.encode(), *place, keys=keys)


def seal_bytes(branch: str, data: bytes, *place: str, keys: Keyring | None = None) -> bytes:
    """``seal`` for bytes, such as a small file; all of it in memory."""
    keys = keys or ring()
    return keys.newest(branch).lock(keys.algorithm, data, "\0".join(place).encode())


def unseal(branch: str, stored: bytes, *place: str, keys: Keyring | None = None) -> str:
    """The text of a sealed value. SealBroken when it was sealed for another branch or place, changed or cut."""
    return unseal_bytes(branch, stored, *place, keys=keys).decode()


def unseal_bytes(branch: str, stored: bytes, *place: str, keys: Keyring | None = None) -> bytes:
    """``unseal`` for bytes."""
    if len(stored) < LEAST:
        raise SealBroken(f"{' '.join(place)}: the value is cut")
    version, algorithm, key_id, nonce = HEADER.unpack_from(stored)
    if version != VERSION or algorithm not in ciphers.LOCKS:
        raise SealBroken(f"{' '.join(place)}: not a sealed value")
    try:
        key = (keys or ring()).key(key_id)
        if key.branch != branch:
            raise SealBroken(f"{' '.join(place)}: sealed with a key of the branch {key.branch}")
        return ciphers.LOCKS[algorithm][1](
            key.ready[algorithm], nonce, stored[HEADER.size :], stored[:6] + "\0".join(place).encode()
        )
    except (KeyMissing, InvalidTag) as error:
        raise SealBroken(f"{' '.join(place)}: {error or 'the value does not belong here'}") from None


def key_of(stored: bytes) -> int:
    """The id of the field key that a value names."""
    return int(HEADER.unpack_from(stored)[2]) if len(stored) >= LEAST else 0


def blind_index(name: str, value: str, secret: bytes | None = None) -> bytes:
    """15 bytes to find a sealed value by: equal values have equal bytes, and nobody without the key can make them.

    ``name`` is the column (``person.phone``). For values that are near unique only: never for a yes or no, a choice, or a
    part of a number, whose frequency would tell.
    """
    secret = secret or lasting_secret(Branch.INDEX)
    return hmac.digest(secret, f"{name}\0{value}".encode("utf-8", "surrogatepass"), "sha256")[:INDEX_BYTES]


class SealPlace:
    """Mixin of a table whose rows hold sealed values and have no public id: a name of the row to bind them to."""

    sealed_as: Mapped[str] = mapped_column(String(22), default=new_public_id)


class _Seal(ABC, Generic[Value]):
    """What all sealed attributes share. On the class it gives itself, and refuses to be compared in a query.

    ``row`` names the attribute that tells rows apart: ``public_id``, or ``sealed_as`` of a ``SealPlace``.
    """

    def __init__(self, branch: str, index: str = "", row: str = "public_id") -> None:
        if branch not in SEALING:
            raise ValueError(f"{branch} is not a branch that seals")
        self.branch = branch
        self.index = index
        self.row = row
        self.name = self.column = ""
        self.owner: Any = None

    def __set_name__(self, owner: type[Base], name: str) -> None:
        self.owner, self.name, self.column = owner, name, f"{name}_sealed"
        SEALED.append(self)

    def __set__(self, row: Any, value: Value) -> None:
        identity = getattr(row, self.row)
        if identity is None:
            identity = new_public_id()
            setattr(row, self.row, identity)
        for column, stored in self.columns(value, identity).items():
            setattr(row, column, stored)

    def columns(self, value: Value, identity: str) -> dict[str, bytes | None]:
        """What the columns of this attribute hold for a value, in the row with this public id: for bulk writes."""
        text = self._text(value)
        held = {self.column: None if text is None else seal(self.branch, text, *self.place(identity))}
        if self.index:
            held[self.index] = None if text is None else self.indexed(text)
        return held

    def place(self, identity: str) -> tuple[str, str, str]:
        """Where a value of this column stands, in the row with this public id."""
        return self.owner.__tablename__, self.name, identity

    def indexed(self, text: str) -> bytes:
        """The blind index of a value of this column."""
        return blind_index(f"{self.owner.__tablename__}.{self.name}", text)

    def read(self, stored: bytes | None, identity: str) -> Value:
        """The value of a row that was read without its model, for prepared and bulk reads."""
        text = None if stored is None else unseal(self.branch, stored, *self.place(identity))
        return self._value(text)

    @abstractmethod
    def _text(self, value: Value) -> str | None:
        """The text to seal for a value; None leaves the column empty."""

    @abstractmethod
    def _value(self, text: str | None) -> Value:
        """The value of an unsealed text; None for an empty column."""

    @overload
    def __get__(self, row: None, owner: type) -> Self: ...
    @overload
    def __get__(self, row: object, owner: type) -> Value: ...
    def __get__(self, row: Any, owner: type) -> Self | Value:
        if row is None:
            return self
        return self.read(getattr(row, self.column), getattr(row, self.row))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, _Seal):
            return self is other
        raise TypeError(f"{self.name} is sealed and cannot be compared in a query; use its index")

    __hash__ = object.__hash__


SEALED: list[_Seal[Any]] = []
"""Every sealed attribute of every model."""


class Sealed(_Seal["str | None"]):
    """Text or None over a column ``…_sealed``, which is empty for None. ``index`` names the column of its blind index."""

    def _text(self, value: str | None) -> str | None:
        return value

    def _value(self, text: str | None) -> str | None:
        return text


class SealedText(_Seal[str]):
    """Text over a column ``…_sealed``; no text and an empty column are the same."""

    def _text(self, value: str) -> str | None:
        return value or None

    def _value(self, text: str | None) -> str:
        return text or ""


class SealedData(_Seal[Any]):
    """Plain data (lists, dictionaries, numbers, text) over a column ``…_sealed``, which is empty for None.

    A change inside the data is not seen: set it anew.
    """

    def _text(self, value: Any) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def _value(self, text: str | None) -> Any:
        return None if text is None else json.loads(text)
