"""A OneRoster package as a whole: its manifest, its files, their columns.

Rules: OneRoster 1.1 Final CSV Tables (1EdTech, 2017, 1.1.1 of 2023) and OneRoster 1.2 CSV Binding (1.2.1 of 2023).
Older and home-made packages write some headings otherwise; those that mean the same are listed beside the standard one.
"""

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from portal.i18n import no_op
from portal.roster.cleaning import Value
from portal.roster.comma_files import CommaFile, check_line_count, heading_key, open_comma_file
from portal.roster.lines import Line
from portal.roster.problems import Gravity, Problem, unreadable
from portal.roster.rows import Origin

# Field → headings that mean it; the first is the standard's.
COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    "orgs": {
        "sourcedId": (),
        "status": (),
        "dateLastModified": (),
        "name": (),
        "type": (),
        "identifier": (),
        "parentSourcedId": (),
    },
    "academicSessions": {
        "sourcedId": (),
        "status": (),
        "dateLastModified": (),
        "title": (),
        "type": (),
        "startDate": (),
        "endDate": (),
        "parentSourcedId": (),
        "schoolYear": (),
    },
    "courses": {"sourcedId": (), "status": (), "grades": ("grade",)},
    "classes": {
        "sourcedId": (),
        "status": (),
        "dateLastModified": (),
        "title": (),
        "grades": ("grade",),
        "courseSourcedId": (),
        "classCode": (),
        "classType": (),
        "location": (),
        "schoolSourcedId": (),
        "termSourcedIds": ("termSourcedId", "terms"),
        "subjects": (),
        "subjectCodes": (),
        "periods": (),
    },
    "users": {
        "sourcedId": (),
        "status": (),
        "dateLastModified": (),
        "enabledUser": (),
        "orgSourcedIds": ("orgSourcedId",),
        "role": (),
        "username": (),
        "userIds": ("userId",),
        "givenName": (),
        "familyName": (),
        "middleName": (),
        "identifier": (),
        "email": (),
        "sms": (),
        "phone": (),
        "agentSourcedIds": ("agents",),
        "grades": ("grade",),
        "password": (),
        "userMasterIdentifier": (),
        "resourceSourcedIds": (),
        "preferredGivenName": (),
        "preferredMiddleName": (),
        "preferredFamilyName": (),
        "primaryOrgSourcedId": (),
        "pronouns": (),
        "relation": ("metadata.relation", "metadata.relationship", "metadata.gongyu.relation"),
    },
    "roles": {
        "sourcedId": (),
        "status": (),
        "dateLastModified": (),
        "userSourcedId": (),
        "roleType": (),
        "role": (),
        "beginDate": (),
        "endDate": (),
        "orgSourcedId": (),
        "userProfileSourcedId": (),
    },
    "enrollments": {
        "sourcedId": (),
        "status": (),
        "dateLastModified": (),
        "classSourcedId": (),
        "schoolSourcedId": (),
        "userSourcedId": (),
        "role": (),
        "primary": (),
        "beginDate": (),
        "endDate": (),
    },
}
REQUIRED = {
    "orgs": ("sourcedId", "name", "type"),
    "academicSessions": ("sourcedId", "title", "type", "startDate", "endDate"),
    "courses": ("sourcedId",),
    "classes": ("sourcedId", "title", "schoolSourcedId"),
    "users": ("sourcedId", "givenName", "familyName"),
    "roles": ("userSourcedId", "role", "orgSourcedId"),
    "enrollments": ("sourcedId", "classSourcedId", "userSourcedId", "role"),
}
# In the standard, but of no use here: marks, resources, profiles, and facts about a child that nobody needs.
UNUSED_FILES = frozenset(
    {
        "categories",
        "classResources",
        "courseResources",
        "demographics",
        "lineItems",
        "lineItemLearningObjectiveIds",
        "lineItemScoreScales",
        "resources",
        "resultLearningObjectiveIds",
        "resultScoreScales",
        "results",
        "scoreScales",
        "userProfiles",
        "userResources",
    }
)
MODES = frozenset({"absent", "bulk", "delta"})
NOT_SPELT_OUT = 12

# One role of one person, and the organisation it is held in.
Held = tuple[str, str]


@dataclass
class Package:
    """An opened OneRoster zip: `files` by name without .csv, `modes` as the manifest gives them."""

    files: dict[str, CommaFile]
    modes: dict[str, str] = field(default_factory=dict)
    version: str = "1.1"
    notices: list[Problem] = field(default_factory=list)
    shared: dict[tuple[Held, ...], tuple[Held, ...]] = field(default_factory=dict)

    def share(self, roles: tuple[Held, ...]) -> tuple[Held, ...]:
        """One tuple for all people of the same roles, so that a hundred thousand pupils of a school cost little."""
        return self.shared.setdefault(roles, roles)

    @property
    def is_delta(self) -> bool:
        """Whether the package brings only what changed."""
        return any(self.modes.get(name) == "delta" for name in COLUMNS)

    def is_present(self, name: str) -> bool:
        """Whether a file is there to be read."""
        return name in self.files

    def lines(self, name: str, tell: bool = True) -> Iterator[Line | Problem]:
        """The lines of one file by field name; first the notices about its columns, unless told before."""
        file = self.files[name]
        rows = file.lines()
        heading_line, headings = next(rows, (1, []))
        places, notices = match_headings(file.name, heading_line, headings, COLUMNS[name], REQUIRED[name])
        if tell:
            yield from notices
        said = {field: headings[place] for field, place in places.items()}
        for count, (number, cells) in enumerate(rows, start=1):
            check_line_count(file.name, count)
            origin = Origin(file.name, number)
            if len(cells) > len(headings) and any(cell.strip() for cell in cells[len(headings) :]):
                yield Problem(
                    file.name,
                    number,
                    "",
                    no_op("This line has %(count)s cells; the heading has %(most)s."),
                    {"count": str(len(cells)), "most": str(len(headings))},
                )
                continue
            values: dict[str, Value] = {
                field: cells[place] if place < len(cells) else "" for field, place in places.items()
            }
            yield Line(origin, values, said)


def match_headings(
    file: str,
    line: int,
    headings: list[str],
    columns: Mapping[str, tuple[str, ...]],
    required: tuple[str, ...],
) -> tuple[dict[str, int], list[Problem]]:
    """Which field stands in which column, and what to say of the rest. Raises `UnreadableError` if one is missing or twice."""
    by_key = {heading_key(word): field for field, words in columns.items() for word in (field, *words)}
    places: dict[str, int] = {}
    strangers: list[str] = []
    for place, heading in enumerate(headings):
        if not heading.strip():
            continue
        known = by_key.get(heading_key(heading))
        if known is None:
            strangers.append(heading.strip()[:80])
        elif known in places:
            raise unreadable(
                no_op("The column “%(column)s” stands here twice."), file, line, column=heading.strip()
            )
        else:
            places[known] = place
    missing = [name for name in required if name not in places]
    if missing:
        raise unreadable(
            no_op("These columns are missing: %(columns)s."), file, line, columns="、".join(missing)
        )
    if not strangers:
        return places, []
    shown = "、".join(strangers[:NOT_SPELT_OUT]) + ("…" if len(strangers) > NOT_SPELT_OUT else "")
    reason = no_op("These columns are not used here and were left unread: %(columns)s.")
    return places, [Problem(file, line, "", reason, {"columns": shown}, Gravity.NOTICE)]


def open_package(archive: zipfile.ZipFile) -> Package:
    """Find the files of the standard in a zip, and read the manifest. Raises `UnreadableError`."""
    files: dict[str, CommaFile] = {}
    notices: list[Problem] = []
    known = {name.casefold(): name for name in (*COLUMNS, *UNUSED_FILES, "manifest")}
    for entry in archive.infolist():
        path = PurePosixPath(entry.filename)
        if entry.is_dir() or path.parts[0] == "__MACOSX" or path.name.startswith("."):
            continue
        name = known.get(path.stem.casefold()) if path.suffix.lower() == ".csv" else None
        if name is None:
            reason = no_op("This file is not part of the standard and was left unread.")
            notices.append(Problem(path.name[:120], 0, "", reason, {}, Gravity.NOTICE))
        elif name in files:
            raise unreadable(no_op("The package holds this file twice."), path.name)
        elif name not in UNUSED_FILES:
            files[name] = open_comma_file(f"{name}.csv", archive, entry)
        elif name == "demographics":
            reason = no_op("Birth dates, sex and descent are not needed here and were left unread.")
            notices.append(Problem(path.name, 0, "", reason, {}, Gravity.NOTICE))
    if not files:
        raise unreadable(no_op("The zip holds neither a workbook nor OneRoster files such as users.csv."))
    package = Package(files, notices=notices)
    read_manifest(package)
    check_manifest(package)
    return package


def read_manifest(package: Package) -> None:
    """Take version and modes from manifest.csv; without one, what is there is taken as complete."""
    if "manifest" not in package.files:
        package.version = "1.2" if "roles" in package.files else "1.1"
        reason = no_op("The package has no manifest.csv. It was read as OneRoster %(version)s, complete.")
        tell(package, "manifest.csv", 0, reason, version=package.version)
        return
    properties: dict[str, str] = {}
    for number, (line, cells) in enumerate(package.files["manifest"].lines()):
        if number == 0 and heading_key(cells[0]) == "propertyname":
            continue
        name, value = cells[0].strip(), (cells[1].strip() if len(cells) > 1 else "")
        properties[name] = value
        if name.startswith("file.") and value.casefold() not in MODES:
            reason = no_op(
                "“%(value)s” is none of absent, bulk and delta; the file was read as bulk if it is there."
            )
            tell(package, "manifest.csv", line, reason, value=value[:40])
    package.modes = {
        name.removeprefix("file."): value.casefold()
        for name, value in properties.items()
        if name.startswith("file.") and value.casefold() in MODES
    }
    choose_version(package, properties.get("oneroster.version", ""))


def choose_version(package: Package, said: str) -> None:
    """1.1 or 1.2 as the manifest says; if it says something else, as the files show."""
    for version in ("1.1", "1.2"):
        if said.startswith((version, "v" + version.replace(".", "p"))):
            package.version = version
            return
    package.version = "1.2" if "roles" in package.files else "1.1"
    reason = no_op("The manifest names version “%(said)s”. The package was read as OneRoster %(version)s.")
    tell(package, "manifest.csv", 0, reason, said=said[:40], version=package.version)


def check_manifest(package: Package) -> None:
    """Compare what the manifest promises with what is there; drop what it calls absent."""
    for name, mode in package.modes.items():
        is_there = name in package.files
        if mode != "absent" and name in COLUMNS and not is_there:
            raise unreadable(
                no_op("The manifest promises this file, but it is not in the package."), f"{name}.csv"
            )
        if mode == "absent" and is_there:
            del package.files[name]
            tell(
                package,
                f"{name}.csv",
                0,
                no_op("The manifest calls this file absent, so it was left unread."),
            )
    modes = {package.modes.get(name, "bulk") for name in COLUMNS if name in package.files}
    if len(modes) > 1:
        reason = no_op("Some files are complete and some bring only changes; nothing missing will be ended.")
        tell(package, "manifest.csv", 0, reason)
    if not any(name in package.files for name in ("orgs", "users", "classes", "enrollments")):
        raise unreadable(no_op("The zip holds neither a workbook nor OneRoster files such as users.csv."))


def tell(package: Package, file: str, line: int, reason: str, /, **params: object) -> None:
    """Add a notice about the package."""
    words = {name: str(value) for name, value in params.items()}
    package.notices.append(Problem(file, line, "", reason, words, Gravity.NOTICE))
