"""Opening a zip that a stranger made: refuse what could harm before anything is unpacked."""

import stat
import zipfile
from pathlib import Path

from portal.i18n import no_op
from portal.roster import limits
from portal.roster.problems import unreadable

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIP_MAGIC = b"PK\x03\x04"
NESTED = (".zip", ".rar", ".7z", ".gz", ".xz", ".bz2", ".tar")


def open_archive(path: Path) -> zipfile.ZipFile:
    """The zip at `path`, checked: size, entries, names, links, encryption, ratio, nesting. Raises `UnreadableError`."""
    check_start(path)
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError):
        raise unreadable(
            no_op("The file is damaged and cannot be opened. Save it again and upload it anew.")
        ) from None
    entries = archive.infolist()
    if len(entries) > limits.ENTRIES:
        archive.close()
        raise unreadable(
            no_op("The package holds %(count)s files; a roster has at most %(most)s."),
            count=len(entries),
            most=limits.ENTRIES,
        )
    try:
        for entry in entries:
            check_entry(entry)
        check_sizes(entries)
    except Exception:
        archive.close()
        raise
    return archive


def check_start(path: Path) -> None:
    """Look at size and first bytes, so that the commonest mix-ups get a sentence of their own."""
    size = path.stat().st_size
    if size == 0:
        raise unreadable(no_op("The file is empty."))
    if size > limits.UPLOAD_BYTES:
        raise unreadable(
            no_op("The file is larger than %(most)s MB. Import school by school."),
            most=limits.UPLOAD_BYTES // 1024 // 1024,
        )
    with path.open("rb") as stream:
        start = stream.read(8)
    if start == OLE_MAGIC:
        raise unreadable(
            no_op("This is an old .xls workbook or one with a password. Save it as .xlsx without a password.")
        )
    if not start.startswith(ZIP_MAGIC):
        raise unreadable(no_op("This is neither an .xlsx workbook nor a OneRoster zip package."))


def check_entry(entry: zipfile.ZipInfo) -> None:
    """Refuse an entry that points outside, is a link, is locked, or is a package in the package."""
    # zipfile cuts the name at a NUL and turns backslashes into slashes; the name as written tells what was meant.
    written = entry.orig_filename
    parts = written.replace("\\", "/").split("/")
    if written.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\x00" in written:
        raise unreadable(no_op("The package holds a file whose name points outside it. It was not opened."))
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise unreadable(no_op("The package holds a link instead of a file. It was not opened."))
    if entry.flag_bits & 0x1:
        raise unreadable(no_op("The package has a password. Save it without one and upload it again."))
    if entry.filename.lower().endswith(NESTED):
        raise unreadable(no_op("The package holds another package. Put the files directly into one zip."))


def check_sizes(entries: list[zipfile.ZipInfo]) -> None:
    """Refuse what would unpack to far more than a roster can be."""
    if sum(entry.file_size for entry in entries) > limits.UNPACKED_BYTES:
        raise unreadable(
            no_op("The package unpacks to more than %(most)s MB. Import school by school."),
            most=limits.UNPACKED_BYTES // 1024 // 1024,
        )
    for entry in entries:
        if entry.file_size > max(limits.RATIO_FROM_BYTES, entry.compress_size * limits.RATIO):
            raise unreadable(no_op("The package unpacks to far more than a roster would. It was not opened."))
