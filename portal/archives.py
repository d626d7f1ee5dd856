"""Opening a zip that a stranger made: refuse what could harm before anything is unpacked.

Needs the standard library only, so that the process which opens uploads can load it without the rest of the portal.
"""

import stat
import zipfile
from dataclasses import dataclass
from typing import IO

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIP_MAGIC = b"PK\x03\x04"
NESTED = (".zip", ".rar", ".7z", ".gz", ".xz", ".bz2", ".tar")


@dataclass(frozen=True)
class Limits:
    """How much a zip may hold: entries, bytes unpacked, and how far one entry of some size may have shrunk."""

    entries: int
    unpacked_bytes: int
    ratio: int = 100
    ratio_from_bytes: int = 1024 * 1024


class ArchiveRefused(Exception):
    """The zip is not opened; ``word`` says why (damaged, entries, outside, link, password, nested, unpacked, ratio)."""

    def __init__(self, word: str, count: int = 0) -> None:
        super().__init__(word)
        self.word = word
        self.count = count


def opened(source: str | IO[bytes], limits: Limits) -> zipfile.ZipFile:
    """The zip, checked: entries, names, links, encryption, sizes, ratio, nesting. Raises ArchiveRefused."""
    try:
        archive = zipfile.ZipFile(source)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError):
        raise ArchiveRefused("damaged") from None
    entries = archive.infolist()
    try:
        if len(entries) > limits.entries:
            raise ArchiveRefused("entries", len(entries))
        for entry in entries:
            check_entry(entry)
        check_sizes(entries, limits)
    except ArchiveRefused:
        archive.close()
        raise
    return archive


def check_entry(entry: zipfile.ZipInfo) -> None:
    """Refuse an entry that points outside, is a link, is locked, or is a package in the package."""
    # zipfile cuts the name at a NUL and turns backslashes into slashes; the name as written tells what was meant.
    written = entry.orig_filename
    parts = written.replace("\\", "/").split("/")
    if written.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\x00" in written:
        raise ArchiveRefused("outside")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise ArchiveRefused("link")
    if entry.flag_bits & 0x1:
        raise ArchiveRefused("password")
    if entry.filename.lower().endswith(NESTED):
        raise ArchiveRefused("nested")


def check_sizes(entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    """Refuse what would unpack to far more than such a package can be."""
    if sum(entry.file_size for entry in entries) > limits.unpacked_bytes:
        raise ArchiveRefused("unpacked")
    for entry in entries:
        if entry.file_size > max(limits.ratio_from_bytes, entry.compress_size * limits.ratio):
            raise ArchiveRefused("ratio")
