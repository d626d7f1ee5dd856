"""Any roster written as a package or a workbook is read back as it was."""

import csv
import io
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.roster.cleaning import INVISIBLE, name_key
from portal.roster.rows import EnrolmentRow, GuardianshipRow, PersonRow, PupilRow
from tests.roster import builders
from tests.roster.builders import blocking, read

letters = st.characters(
    codec="utf-8", exclude_categories=("Cc", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"), exclude_characters="_"
).filter(lambda letter: not INVISIBLE.search(letter))
names = st.text(letters, min_size=1, max_size=160).filter(lambda name: name_key(name) != "")
phones = st.none() | st.integers(13_000_000_000, 19_999_999_999).map(lambda number: f"+86{number}")
relations = st.sampled_from(["妈妈", "爸爸", "爷爷", "奶奶", "姑姑", "外婆"])


@st.composite
def towns(draw):
    """Pupils by id with a name and guardians (name, relation, phone); every guardian's phone is their own."""
    taken: set[str] = set()
    town = {}
    for number in range(draw(st.integers(1, 6))):
        guardians = []
        for _ in range(draw(st.integers(0, 2))):
            phone = draw(phones)
            if phone in taken:
                phone = None
            taken |= {phone} if phone else set()
            guardians.append((draw(names), draw(relations), phone))
        if len({name_key(name) for name, *_ in guardians}) == len(guardians):
            town[f"p{number}"] = (draw(names), guardians)
    return town


def as_package(town, path):
    """The town as a OneRoster 1.1 package with a relation column."""
    users, places = io.StringIO(), io.StringIO()
    rows = csv.writer(users)
    rows.writerow([*builders.USERS_HEADING.strip().split(","), "metadata.relation"])
    for pupil, (name, guardians) in town.items():
        agents = ",".join(f"{pupil}g{at}" for at in range(len(guardians)))
        rows.writerow(
            [
                pupil,
                "",
                "",
                "true",
                "wangxi",
                "student",
                "",
                "",
                "",
                name,
                "",
                "",
                "",
                "",
                "",
                agents,
                "",
                "",
                "",
            ]
        )
        for at, (guardian, relation, phone) in enumerate(guardians):
            rows.writerow(
                [f"{pupil}g{at}", "", "", "true", "wangxi", "parent", "", "", "", guardian, "", "", "", phone, "", "", "", "", relation]
            )  # fmt: skip
    place = csv.writer(places)
    place.writerow(builders.ENROLMENTS.splitlines()[0].split(","))
    for pupil in town:
        place.writerow([f"e{pupil}", "", "", "c32", "wangxi", pupil, "student", "", "", ""])
    return builders.package(path, {"users.csv": users.getvalue(), "enrollments.csv": places.getvalue()})


def as_workbook(town, path):
    """The town in our own template."""
    pupils = [("", "三(2)班", name, pupil) for pupil, (name, _guardians) in town.items()]
    guardians = [
        ("", "三(2)班", name, pupil, guardian, relation, phone or "")
        for pupil, (name, guardians) in town.items()
        for guardian, relation, phone in guardians
    ]
    return builders.template(
        path,
        schools=[("YX001", "望溪小学", "小学")],
        classes=[("", "2026-2027", "三年级", "三(2)班")],
        pupils=pupils,
        guardians=guardians,
    )


def told(rows):
    """What a file says of pupils, their places and their guardians, free of keys."""
    pupils = {row.key: row for row in rows if isinstance(row, PupilRow)}
    people = {row.key: row for row in rows if isinstance(row, PersonRow)}
    ties = [row for row in rows if isinstance(row, GuardianshipRow)]
    return (
        sorted(pupil.name for pupil in pupils.values()),
        sorted(pupils[row.pupil].name for row in rows if isinstance(row, EnrolmentRow)),
        sorted(
            (pupils[tie.pupil].name, people[tie.person].name, tie.relation, people[tie.person].phone or "")
            for tie in ties
        ),
    )


@settings(deadline=None, max_examples=40)
@given(town=towns())
def test_a_package_is_read_back_as_it_was_written(town):
    with tempfile.TemporaryDirectory() as folder:
        rows, problems = read(as_package(town, Path(folder) / "town.zip"))

    assert blocking(problems) == []
    assert told(rows) == expected(town)


@settings(deadline=None, max_examples=15)
@given(town=towns())
def test_a_workbook_is_read_back_as_it_was_written(town):
    with tempfile.TemporaryDirectory() as folder:
        rows, problems = read(as_workbook(town, Path(folder) / "town.xlsx"))

    assert blocking(problems) == []
    assert told(rows) == expected(town)


def expected(town):
    """The same from the town itself."""
    return (
        sorted(name for name, _ in town.values()),
        sorted(name for name, _ in town.values()),
        sorted((name, *tie[:2], tie[2] or "") for name, ties in town.values() for tie in ties),
    )
