"""Where sealed bytes lie: a folder of the instance by default, a bucket of S3-compatible storage by setting."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import obstore
from flask import Flask, current_app
from obstore.exceptions import BaseError, GenericError
from obstore.store import LocalStore, S3Store

ANSWER_WITHIN = timedelta(seconds=8)
CONNECT_WITHIN = timedelta(seconds=3)
PART = 5 * 1024 * 1024
Store = LocalStore | S3Store


class StorageDown(Exception):
    """The storage does not answer, or not as it should; the file is neither kept nor lost."""


class StorageFull(StorageDown):
    """There is no room for another file."""


class ObjectMissing(Exception):
    """The storage answers and does not have the object."""


@dataclass(frozen=True)
class Object:
    """One object of the storage: its name, its size in bytes, when it was written."""

    name: str
    size: int
    written_at: datetime


@dataclass(frozen=True)
class Place:
    """Where files go. ``url`` is empty for the folder, else ``s3://bucket`` or ``s3://bucket/prefix``."""

    folder: Path
    url: str = ""
    endpoint: str = ""
    region: str = ""
    key_id: str = ""
    key_file: Path | None = None
    virtual_host: bool = False

    def open(self) -> Store:
        """The storage; nothing is asked of it yet, but the folder is made."""
        if not self.url:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return LocalStore(self.folder)
        secret = self.key_file.read_text(encoding="utf-8").strip() if self.key_file else ""
        config: dict[str, Any] = {
            "access_key_id": self.key_id,
            "secret_access_key": secret,
            "region": self.region or "us-east-1",
            "virtual_hosted_style_request": self.virtual_host,
        }
        if self.endpoint:
            config["endpoint"] = self.endpoint
        return S3Store.from_url(
            self.url,
            config=config,  # type: ignore[arg-type]
            client_options={
                "timeout": ANSWER_WITHIN,
                "connect_timeout": CONNECT_WITHIN,
                "allow_http": self.endpoint.startswith("http://"),
            },
            retry_config={"max_retries": 2, "retry_timeout": ANSWER_WITHIN},
        )


def init_app(app: Flask, place: Place) -> None:
    """Remember the place; the storage is opened at its first use in each process."""
    app.extensions["portal.files"] = place


def _store() -> Store:
    # Its threads do not live on in a fork: a process that came of one opens its own.
    opened: dict[int, Store] = current_app.extensions.setdefault("portal.files.opened", {})
    if os.getpid() not in opened:
        place: Place = current_app.extensions["portal.files"]
        try:
            opened[os.getpid()] = place.open()
        except (OSError, BaseError) as error:
            raise StorageDown(str(error)) from None
    return opened[os.getpid()]


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectMissing(str(error)) from None
    except (BaseError, OSError) as error:
        text = str(error)
        if (
            "os error 28" in text
            or "os error 122" in text
            or "InsufficientStorage" in text
            or "507 Insufficient" in text
        ):
            raise StorageFull("no room is left") from None
        raise StorageDown(text.partition("\n")[0]) from None


def put(name: str, data: bytes) -> None:
    """Keep an object; when this returns, it lies safely. Raises StorageDown or StorageFull, and then it is not there."""
    with _failures():
        store = _store()
        obstore.put(store, name, data, use_multipart=len(data) > PART)
        if isinstance(store, LocalStore):
            _settle(current_app.extensions["portal.files"].folder, name)


def _settle(folder: Path, name: str) -> None:
    """Have the disk keep a new file and the folders that name it, also through a power cut."""
    path = folder / name
    for part in (path, path.parent, folder):
        handle = os.open(part, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def read(name: str, begin: int, end: int) -> bytes:
    """Bytes ``begin`` to ``end`` (exclusive) of an object. Raises ObjectMissing or StorageDown."""
    with _failures():
        try:
            return bytes(obstore.get_range(_store(), name, start=begin, end=end))
        except GenericError as error:
            # Some servers of the protocol answer a part as if it were the whole; obstore rightly refuses that.
            if "non-partial" not in str(error):
                raise
    return read_all(name)[begin:end]


def read_all(name: str) -> bytes:
    """All bytes of an object. Raises ObjectMissing or StorageDown."""
    with _failures():
        return bytes(obstore.get(_store(), name).bytes())


def remove(name: str) -> None:
    """Let an object go; one that is not there is gone already. Raises StorageDown."""
    with contextlib.suppress(ObjectMissing), _failures():
        obstore.delete(_store(), name)


def objects() -> Iterator[list[Object]]:
    """All objects, some hundreds at a time. Raises StorageDown."""
    with _failures():
        for batch in obstore.list(_store(), chunk_size=500):
            yield [Object(found["path"], found["size"], found["last_modified"]) for found in batch]
