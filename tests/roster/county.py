"""A county as large as asked for, written as a OneRoster package: schools of 1,000, classes of 40, seven guardians to four pupils."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tests.roster.builders import CLASSES, ENROLMENTS, MANIFEST, ORGS, SESSIONS, USERS_HEADING

SURNAMES = "陈林黄周吴徐孙胡朱高何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁"
GIVEN = "子涵雨桐浩然梓萱一鸣思远若溪嘉树可欣知夏明哲安然书瑶景行乐言星辰建国春华秋实家和平安宁静"
PER_SCHOOL, PER_CLASS = 1_000, 40


def name_of(number: int) -> tuple[str, str]:
    """An invented family and given name; names repeat as they do in life."""
    first, second = GIVEN[number % len(GIVEN)], GIVEN[(number * 7 + number // 41) % len(GIVEN)]
    return SURNAMES[(number * 11) % len(SURNAMES)], first + second


def users(pupils: int) -> Iterator[Sequence[str]]:
    """Pupils, their guardians, and one teacher per class."""
    for number in range(pupils):
        school = f"s{number // PER_SCHOOL}"
        family, given = name_of(number)
        guardians = [f"g{number}a"] + ([f"g{number}b"] if number % 4 else [])
        yield [f"p{number}", "", "", "true", school, "student", "", "", given, family, "", "", "", "", "", ",".join(guardians), "", ""]  # fmt: skip
        for place, guardian in enumerate(guardians):
            phone = str(13_000_000_000 + number * 2 + place)
            yield [guardian, "", "", "true", school, "parent", "", "", name_of(number + 500)[1], family, "", "", "", phone, "", "", "", ""]  # fmt: skip
    for number in range(0, pupils, PER_CLASS):
        family, given = name_of(number + 17)
        yield [f"t{number // PER_CLASS}", "", "", "true", f"s{number // PER_SCHOOL}", "teacher", "", "", given, family, "", "", "", str(15_000_000_000 + number), "", "", "", ""]  # fmt: skip


def classes(pupils: int) -> Iterator[Sequence[str]]:
    """Classes of six grades in turn."""
    for number in range(0, pupils, PER_CLASS):
        at = number // PER_CLASS
        within = (number % PER_SCHOOL) // PER_CLASS
        grade = within % 6 + 1
        title = f"{'一二三四五六'[grade - 1]}({within // 6 + 1})班"
        yield [
            f"c{at}",
            "",
            "",
            title,
            f"{grade:02}",
            "",
            "",
            "homeroom",
            "",
            f"s{number // PER_SCHOOL}",
            "t1",
            "",
            "",
            "",
        ]


def enrolments(pupils: int) -> Iterator[Sequence[str]]:
    """Every pupil and teacher in a class."""
    for number in range(pupils):
        yield [
            f"e{number}",
            "",
            "",
            f"c{number // PER_CLASS}",
            f"s{number // PER_SCHOOL}",
            f"p{number}",
            "student",
            "",
            "",
            "",
        ]
    for number in range(0, pupils, PER_CLASS):
        at = number // PER_CLASS
        yield [f"et{at}", "", "", f"c{at}", f"s{number // PER_SCHOOL}", f"t{at}", "teacher", "true", "", ""]


def write(archive: zipfile.ZipFile, name: str, heading: str, rows: Iterable[Sequence[str]]) -> None:
    """One CSV file, row by row."""
    with archive.open(name, "w") as raw, io.TextIOWrapper(raw, "utf-8", newline="") as text:
        text.write(heading)
        csv.writer(text).writerows(rows)


def county(path: Path, pupils: int) -> Path:
    """The county as a zip."""
    schools = range(0, pupils, PER_SCHOOL)
    orgs = [
        [
            f"s{at // PER_SCHOOL}",
            "",
            "",
            f"第{at // PER_SCHOOL + 1}小学",
            "school",
            f"C{at // PER_SCHOOL:04}",
            "d",
        ]
        for at in schools
    ]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.csv", MANIFEST)
        archive.writestr("academicSessions.csv", SESSIONS)
        write(
            archive,
            "orgs.csv",
            ORGS.splitlines()[0] + "\n",
            [["d", "", "", "云溪县", "district", "", ""], *orgs],
        )
        write(archive, "classes.csv", CLASSES.splitlines()[0] + "\n", classes(pupils))
        write(archive, "users.csv", USERS_HEADING, users(pupils))
        write(archive, "enrollments.csv", ENROLMENTS.splitlines()[0] + "\n", enrolments(pupils))
    return path
