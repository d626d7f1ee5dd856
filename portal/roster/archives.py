"""Opening a roster's zip: what `portal.archives` refuses, said in the words of rosters."""

import zipfile
from pathlib import Path

from portal.archives import OLE_MAGIC, ZIP_MAGIC, ArchiveRefused, Limits, opened
from portal.i18n import no_op
from portal.roster import limits
from portal.roster.problems import UnreadableError, unreadable

LIMITS = Limits(limits.ENTRIES, limits.UNPACKED_BYTES, limits.RATIO, limits.RATIO_FROM_BYTES)
REFUSALS = {
    "damaged": no_op("The file is damaged and cannot be opened. Save it again and upload it anew."),
    "entries": no_op("The package holds %(count)s files; a roster has at most %(most)s."),
    "outside": no_op("The package holds a file whose name points outside it. It was not opened."),
    "link": no_op("The package holds a link instead of a file. It was not opened."),
    "password": no_op("The package has a password. Save it without one and upload it again."),
    "nested": no_op("The package holds another package. Put the files directly into one zip."),
    "unpacked": no_op("The package unpacks to more than %(most)s MB. Import school by school."),
    "ratio": no_op("The package unpacks to far more than a roster would. It was not opened."),
}


def open_archive(path: Path) -> zipfile.ZipFile:
    """The zip at `path`, checked: size, entries, names, links, encryption, ratio, nesting. Raises `UnreadableError`."""
    check_start(path)
    try:
        return opened(str(path), LIMITS)
    except ArchiveRefused as refused:
        raise refusal(refused) from None


def refusal(refused: ArchiveRefused) -> UnreadableError:
    """The sentence for a zip that was not opened."""
    most = limits.ENTRIES if refused.word == "entries" else limits.UNPACKED_BYTES // 1024 // 1024
    return unreadable(REFUSALS[refused.word], count=refused.count, most=most)


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
