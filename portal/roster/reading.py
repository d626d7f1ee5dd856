"""Opening a roster file of either kind and giving its rows and problems, one after the other."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from portal.i18n import no_op
from portal.roster.archives import open_archive
from portal.roster.checking import Known, check, nothing_known
from portal.roster.oneroster import read_package
from portal.roster.package import Package, open_package
from portal.roster.problems import Problem, UnreadableError, unreadable
from portal.roster.rows import Row, Spoiled
from portal.roster.workbook import read_workbook


class Format(StrEnum):
    """The kinds of roster file."""

    WORKBOOK = "workbook"
    ONEROSTER = "oneroster"


@dataclass
class RosterFile:
    """An opened roster file. `is_delta` says whether the file itself declares that it brings only changes."""

    path: Path
    format: Format
    package: Package | None = None
    archive: zipfile.ZipFile | None = None
    home_school: str | None = None
    identity: bool = False

    @property
    def is_delta(self) -> bool:
        """Whether a OneRoster manifest says delta."""
        return self.package is not None and self.package.is_delta

    @property
    def version(self) -> str:
        """The OneRoster version, "" for a workbook."""
        return self.package.version if self.package else ""

    def close(self) -> None:
        """Let go of the file."""
        if self.archive is not None:
            self.archive.close()

    def rows(self, known: Known = nothing_known) -> Iterator[Row | Problem]:
        """Everything the file says, checked. What stops the reading is the last problem given, and is fatal."""
        try:
            yield from check(self._found(), known)
        except UnreadableError as stopped:
            yield stopped.problem

    def _found(self) -> Iterator[Row | Problem | Spoiled]:
        if self.package is not None:
            return read_package(self.package)
        return read_workbook(self.path, self.home_school, self.identity)


def open_roster(path: Path, home_school: str | None = None, identity: bool = False) -> RosterFile:
    """Look at a file and open it; `identity`: the district keeps identity numbers. Raises `UnreadableError` with a sentence if it is no roster or could do harm."""
    archive = open_archive(path)
    try:
        names = set(archive.namelist())
        if "EncryptedPackage" in names:
            raise unreadable(no_op("The package has a password. Save it without one and upload it again."))
        if "[Content_Types].xml" in names:
            if "xl/workbook.xml" not in names:
                raise unreadable(no_op("This is an Office file, but no .xlsx workbook."))
            archive.close()
            return RosterFile(path, Format.WORKBOOK, home_school=home_school, identity=identity)
        return RosterFile(path, Format.ONEROSTER, open_package(archive), archive)
    except Exception:
        archive.close()
        raise


def read_roster(
    path: Path, known: Known = nothing_known, home_school: str | None = None, identity: bool = False
) -> Iterator[Row | Problem]:
    """Open and read in one go; a file that cannot be opened gives one fatal problem."""
    try:
        roster = open_roster(path, home_school, identity)
    except UnreadableError as stopped:
        yield stopped.problem
        return
    try:
        yield from roster.rows(known)
    finally:
        roster.close()
