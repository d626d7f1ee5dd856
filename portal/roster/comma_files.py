"""Reading one CSV file out of a zip: its encoding, its delimiter, its lines, without holding it in memory."""

import codecs
import csv
import io
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from portal.i18n import no_op
from portal.roster import limits
from portal.roster.problems import unreadable

CHUNK = 1 << 16
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class CommaFile:
    """A CSV file of a package: what it is called, where it lies, how it is written."""

    name: str
    archive: zipfile.ZipFile
    entry: zipfile.ZipInfo
    encoding: str

    def lines(self) -> Iterator[tuple[int, list[str]]]:
        """Every line with something in it, with the number of the physical line it begins on (from 1)."""
        with self.archive.open(self.entry) as raw:
            text = io.TextIOWrapper(io.BufferedReader(Checked(raw, self.name)), self.encoding, newline="")
            counted = LineCount(text)
            first = counted.peek()
            reader = csv.reader(counted, delimiter=delimiter_of(first), strict=True)
            starts = 1
            while True:
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    raise self._broken(starts, error) from None
                if any(cell.strip() for cell in cells):
                    yield starts, cells
                starts = reader.line_num + 1

    def _broken(self, line: int, error: csv.Error) -> Exception:
        if "field larger" in str(error) or "unexpected end" in str(error):
            return unreadable(no_op("A quotation mark opened on this line is never closed."), self.name, line)
        return unreadable(no_op("The quotation marks on this line are out of place."), self.name, line)


class LineCount:
    """The lines of a text, with a look at the first before it is given."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.text = text
        self.first: str | None = None

    def peek(self) -> str:
        """The first line, to be given again."""
        self.first = self.text.readline()
        return self.first

    def __iter__(self) -> "LineCount":
        return self

    def __next__(self) -> str:
        if self.first is not None:
            line, self.first = self.first, None
        else:
            line = self.text.readline()
        if not line:
            raise StopIteration
        return line


class Checked(io.RawIOBase):
    """The bytes of a zip entry; damage becomes a sentence."""

    def __init__(self, raw: zipfile.ZipExtFile | object, name: str) -> None:
        self.raw_entry = raw
        self.name_in_package = name

    def readable(self) -> bool:
        """It can only be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill `buffer` with unpacked bytes."""
        data = read_some(self.raw_entry, len(buffer), self.name_in_package)
        buffer[: len(data)] = data
        return len(data)


def read_some(raw: object, count: int, name: str) -> bytes:
    """Up to `count` unpacked bytes, or a sentence when the package is damaged."""
    try:
        data: bytes = raw.read(count)  # type: ignore[attr-defined]
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, ValueError):
        raise damaged(name) from None
    except Exception as error:
        # zlib.error, lzma.LZMAError and bz2's share no parent of their own.
        if type(error).__module__ in {"zlib", "_lzma", "lzma", "bz2"}:
            raise damaged(name) from None
        raise
    return data


def damaged(name: str) -> Exception:
    """The sentence for a package that breaks off or does not unpack to what it promises."""
    return unreadable(no_op("This file is damaged inside the package. Save the package again."), name)


def open_comma_file(name: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> CommaFile:
    """Find out how the file is written by reading it once: UTF-8, UTF-16 or GB18030. Raises `UnreadableError`."""
    return CommaFile(name, archive, entry, encoding_of(name, archive, entry))


def encoding_of(name: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str:
    """The encoding every byte of the file agrees with."""
    with archive.open(entry) as raw:
        start = read_some(raw, 4, name)
    for bom, encoding in BOMS:
        if start.startswith(bom):
            candidates: tuple[str, ...] = (encoding,)
            break
    else:
        candidates = ("utf-8", "gb18030")
        if len(start) == 4 and start[1] == start[3] == 0:
            candidates = ("utf-16-le",)
        elif len(start) == 4 and start[0] == start[2] == 0:
            candidates = ("utf-16-be",)
    for encoding in candidates:
        if decodes(name, archive, entry, encoding):
            return encoding
    raise unreadable(no_op("The characters of this file cannot be read. Save it as CSV UTF-8."), name)


def decodes(name: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, encoding: str) -> bool:
    """Whether the whole file is valid in `encoding`."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    with archive.open(entry) as raw:
        try:
            while chunk := read_some(raw, CHUNK, name):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def delimiter_of(first: str) -> str:
    """Comma, unless the heading line has none and is parted by tabs or semicolons."""
    if "," not in first:
        for other in "\t;":
            if other in first:
                return other
    return ","


def heading_key(heading: str) -> str:
    """A heading without case, width and spaces."""
    return "".join(unicodedata.normalize("NFKC", heading).casefold().split()).strip("*\ufeff")


def check_line_count(name: str, count: int) -> None:
    """Refuse a file of more lines than a roster has."""
    if count > limits.ROWS:
        raise unreadable(
            no_op("There are more than %(most)s rows here. Import school by school."), name, most=limits.ROWS
        )
