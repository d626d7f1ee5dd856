"""Taking a file in: how large it may be, what it is, whether the scanner passes it, its sealed bytes into the storage.

All of it is slow, so it happens while no transaction is open; the row comes afterwards and quickly (``keep`` of
`storing.py`). An object whose row never comes is swept away.
"""

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from flask import current_app
from werkzeug.datastructures import FileStorage

from portal.extensions import db
from portal.files import chunks, scanning, storage
from portal.files.decoding import LONGEST, LONGEST_PHOTO, Decoded, Decoder, RefusedFile
from portal.files.models import NAME_LENGTH, Kind, State
from portal.i18n import gettext as _

MEGABYTE = 1024 * 1024
NAME_SHOWN = 40
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif")
ACCEPTED = ",".join((*PICTURES, ".pdf", ".docx", ".xlsx", ".pptx", ".txt"))
"""For the ``accept`` of a file field; a hint to the person's device, never the check."""
FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|COM\d|LPT\d)(?:\.|$)", re.IGNORECASE)
SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}")


class NotTaken(Exception):
    """A file that was not taken in: a sentence for the person, and the status of the answer (422, 503 or 507)."""

    def __init__(self, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass(frozen=True)
class Taken:
    """A file that lies sealed in the storage and has no row yet."""

    name: str
    kind: str
    media_type: str
    size: int
    sha256: str
    stored_key: str
    data_key: str
    state: State


def chosen(uploads: Sequence[FileStorage | str | None]) -> list[FileStorage]:
    """The files among what a file field sent; an empty field sends one without a name."""
    return [upload for upload in uploads if isinstance(upload, FileStorage) and upload.filename]


def take(uploads: Sequence[FileStorage], *, photo: bool = False) -> list[Taken]:
    """Take files in, all or none: decoded, sealed, stored. Photos are kept smaller.

    Ends the transaction that is open, which must hold no change, and opens none. Raises NotTaken with the first reason.
    """
    _let_go()
    with Decoder() as decoder:
        decoded = [
            (upload, examine(decoder, upload, LONGEST_PHOTO if photo else LONGEST)) for upload in uploads
        ]
    return [_store(clean_name(upload.filename or "", found.suffix), found) for upload, found in decoded]


def _let_go() -> None:
    if db.session.new or db.session.dirty or db.session.deleted:
        raise RuntimeError("files are taken in before anything is changed")
    db.session.rollback()


def take_anew(content: bytes, name: str, suffix: str, cover: Sequence[float]) -> Taken:
    """Take a kept picture in again with a part of it hidden; as ``take``."""
    _let_go()
    with Decoder() as decoder:
        try:
            found = decoder.decode(content, suffix, cover=cover)
        except RefusedFile as refused:
            raise NotTaken(_("%(name)s: %(reason)s", name=shown(name), reason=_(str(refused)))) from None
    return _store(name, found)


def examine(decoder: Decoder, upload: FileStorage, longest: int = LONGEST) -> Decoded:
    """What a file is and what may be kept of it. Raises NotTaken; nothing is kept yet."""
    name = shown(upload.filename or "")
    most = max(limit_of(Kind.IMAGE), limit_of(Kind.PDF))
    data = upload.stream.read(most + 1)
    if len(data) > most:
        raise too_large(name, most)
    try:
        found = decoder.decode(data, suffix_of(upload.filename or ""), longest)
    except RefusedFile as refused:
        raise NotTaken(_("%(name)s: %(reason)s", name=name, reason=_(str(refused)))) from None
    if len(data) > limit_of(found.kind) or len(found.content) > most:
        raise too_large(name, limit_of(found.kind))
    return found


def limit_of(kind: str) -> int:
    """The most bytes a file of this kind may have."""
    limit: int = current_app.config["FILES_IMAGE_BYTES" if kind == Kind.IMAGE else "FILES_DOCUMENT_BYTES"]
    return limit


def too_large(name: str, most: int) -> NotTaken:
    """The refusal of a file with too many bytes."""
    return NotTaken(
        _(
            "%(name)s: The file is larger than %(most)s MB. Make it smaller or split it.",
            name=name,
            most=most // MEGABYTE,
        )
    )


def _store(name: str, found: Decoded) -> Taken:
    state = State.CLEAN
    if scanning.is_set():
        state = _scanned(name, found.content)
    key, stored_key = chunks.new_key(), new_stored_key()
    try:
        storage.put(stored_key, chunks.seal(found.content, key, stored_key))
    except storage.StorageFull as error:
        current_app.logger.error("files: %s", error)
        raise NotTaken(
            _(
                "There is no room for more files at the moment. What you typed is kept; leave the file out or try later."
            ),
            507,
        ) from None
    except storage.StorageDown as error:
        current_app.logger.error("files: %s", error)
        raise NotTaken(
            _(
                "Files cannot be kept at the moment. What you typed is kept; leave the file out or try again in a few minutes."
            ),
            503,
        ) from None
    digest = hashlib.sha256(found.content).hexdigest()
    return Taken(name, found.kind, found.media_type, len(found.content), digest, stored_key, key, state)


def _scanned(name: str, content: bytes) -> State:
    """Clean, or quarantined when the scanner does not say. Raises NotTaken for what it finds."""
    try:
        found = scanning.scan(content)
    except scanning.ScannerDown as error:
        current_app.logger.error("scanner: %s", error)
        return State.QUARANTINED
    if found:
        current_app.logger.warning("scanner: found %s in an upload", found)
        raise NotTaken(
            _("%(name)s: The virus check found something harmful. The file was not kept.", name=shown(name))
        )
    return State.CLEAN


def new_stored_key() -> str:
    """A random name for an object; its first two letters spread objects over folders."""
    name = secrets.token_hex(16)
    return f"{name[:2]}/{name[2:]}"


# Names


def _plain(name: str) -> str:
    """The last part of a typed name, without what cannot be shown, hides the end, or no system takes in a name."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown_only = "".join(
        letter for letter in last if unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    )
    return FORBIDDEN.sub("_", shown_only).strip(" .\t\u3000")


def suffix_of(name: str) -> str:
    """What a typed name ends in, lower case, with its dot; nothing if it is no ending."""
    stem, dot, ending = _plain(name).rpartition(".")
    suffix = f".{ending.lower()}"
    return suffix if dot and stem and SUFFIX.fullmatch(suffix) else ""


def clean_name(name: str, suffix: str) -> str:
    """The name to keep: as typed, fit for every system and header, with the ending of what the file really is."""
    plain = _plain(name)
    ending = suffix_of(name)
    stem = (plain[: -len(ending)] if ending else plain).rstrip(" .") or _("File")
    if RESERVED.match(stem):
        stem = f"_{stem}"
    return stem[: NAME_LENGTH - len(suffix)].rstrip(" .") + suffix


def shown(name: str) -> str:
    """A typed name in a sentence, cut in the middle when it is long."""
    plain = _plain(name) or _("File")
    return plain if len(plain) <= NAME_SHOWN else f"{plain[: NAME_SHOWN - 12]}…{plain[-11:]}"
