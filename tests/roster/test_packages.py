"""OneRoster packages: as the standard has them, and as they come in life."""

import zipfile
from datetime import date
from pathlib import Path

import pytest

from portal.roster.rows import (
    AppointmentRow,
    ClassRow,
    EnrolmentRow,
    GuardianshipRow,
    Kind,
    PersonRow,
    PupilRow,
    SchoolRow,
)
from tests.roster import builders
from tests.roster.builders import (
    CLASSES,
    ENROLMENTS,
    FAULTS,
    ORGS,
    TOWN,
    USERS,
    USERS_HEADING,
    blocking,
    read,
    told,
)


def of(rows, kind):
    return {row.key: row for row in rows if isinstance(row, kind)}


def test_a_town_is_read_whole(tmp_path):
    rows, problems = read(builders.package(tmp_path / "town.zip"))

    assert blocking(problems) == []
    assert list(dict.fromkeys(row.kind for row in rows))[:3] == [Kind.SCHOOL, Kind.SESSION, Kind.CLASS]
    assert of(rows, SchoolRow)["wangxi"].parent == "yunxi"
    assert of(rows, ClassRow)["c32"].sessions == ("t1",)
    assert of(rows, PersonRow)["zhou"].phone == "+8613800001111"
    assert of(rows, PupilRow)["lin"].name == "林小禾"
    assert of(rows, AppointmentRow)["e1"].role == "class_teacher"
    assert of(rows, AppointmentRow)["e1"].starts_on == date(2026, 9, 1)
    assert of(rows, EnrolmentRow)["e2"].class_key == "c32"
    assert of(rows, GuardianshipRow)["dashu>lin"].relation == "家长"


def test_a_1_2_package_takes_roles_from_their_own_file(tmp_path):
    users = (
        "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,"
        "email,sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,primaryOrgSourcedId,pronouns\n"
        "zhou,,,true,,,明月,周,,,,13800001111,,,,,,wangxi,\n"
        "lin,,,true,,,小禾,林,,,,,,zhou,03,,,wangxi,\n"
    )
    roles = (
        "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,"
        "userProfileSourcedId\n"
        "r1,,,zhou,primary,teacher,,,wangxi,\n"
        "r2,,,zhou,secondary,parent,,,wangxi,\n"
        "r3,,,zhou,secondary,districtAdministrator,,,yunxi,\n"
        "r4,,,lin,primary,student,,,wangxi,\n"
    )
    manifest = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\nfile.roles,bulk\n"
    path = builders.package(
        tmp_path / "town.zip", {"users.csv": users, "roles.csv": roles, "manifest.csv": manifest}
    )

    rows, problems = read(path)

    assert blocking(problems) == []
    assert of(rows, PersonRow)["zhou"].name == "周明月"
    assert of(rows, AppointmentRow)["zhou@wangxi/subject_teacher"].school == "wangxi"
    assert of(rows, GuardianshipRow)["zhou>lin"].relation == "家长"
    assert "The role “districtadministrator” is only given by hand; it was left out." in told(problems)


def test_real_world_faults_are_told_row_by_row(tmp_path):
    """A package as a vendor's sample has it: no sessions, a school above a school, blanks, quoted dates, extensions."""
    rows, problems = read(builders.zipped(tmp_path / "faults.zip", FAULTS))

    assert blocking(problems) == []
    assert {p.line for p in problems if p.file == "classes.csv" and "term" in p.reason} == {2, 3, 4}
    assert [(p.file, p.line) for p in problems if "status is blank" in p.reason] == [
        ("orgs.csv", 3),
        ("classes.csv", 3),
        ("classes.csv", 4),
        ("enrollments.csv", 3),
    ]
    assert [p.field for p in problems if p.params.get("text") == "2017-05-06 08:01:05"] == [
        "dateLastModified"
    ]
    assert "It belongs to another school, “School 2”; it was read as a campus of it." in told(problems)
    assert "2 pupils have no guardian in this file." in told(problems)
    assert any("ext_vendor_studentPassword" in words for words in told(problems))
    assert len(of(rows, EnrolmentRow)) == 3 and len(of(rows, PupilRow)) == 2


def test_guardians_are_found_from_either_side(tmp_path):
    users = (
        USERS_HEADING + "lin,,,true,wangxi,student,,,小禾,林,,,,,,dashu,03,\n"
        "dashu,,,true,wangxi,parent,,,大树,林,,,,13800002222,,lin,,\n"
        "qiuyun,,,true,wangxi,relative,,,秋云,何,,,,,,lin,,\n"
    )
    rows, problems = read(
        builders.package(tmp_path / "town.zip", {"users.csv": users, "enrollments.csv": None})
    )

    assert blocking(problems) == []
    assert {key: link.relation for key, link in of(rows, GuardianshipRow).items()} == {
        "dashu>lin": "家长",
        "qiuyun>lin": "亲属",
    }


def test_a_relation_column_is_kept_as_typed(tmp_path):
    users = (
        USERS_HEADING.replace("password", "password,metadata.relation")
        + "lin,,,true,wangxi,student,,,小禾,林,,,,,,dashu,03,,\n"
        + "dashu,,,true,wangxi,parent,,,大树,林,,,,13800002222,,,,,姑姑\n"
    )
    rows, _problems = read(
        builders.package(tmp_path / "town.zip", {"users.csv": users, "enrollments.csv": None})
    )

    assert of(rows, GuardianshipRow)["dashu>lin"].relation == "姑姑"


def test_timetabled_classes_are_left_out_beside_homerooms(tmp_path):
    path = builders.package(
        tmp_path / "town.zip", {"classes.csv": CLASSES + "art,,,美术走班,03,,,scheduled,,wangxi,t1,,,\n"}
    )
    rows, problems = read(path)

    assert set(of(rows, ClassRow)) == {"c32", "c71"}
    assert any("timetabled" in words for words in told(problems))


def test_a_delta_tells_what_ends(tmp_path):
    manifest = builders.MANIFEST + "file.users,delta\n"
    users = USERS_HEADING + "lin,tobedeleted,2026-10-01T00:00:00Z,true,wangxi,student,,,小禾,林,,,,,,,03,\n"
    path = builders.package(
        tmp_path / "delta.zip",
        {
            "manifest.csv": manifest,
            "users.csv": users,
            "enrollments.csv": None,
            "classes.csv": None,
            "academicSessions.csv": None,
        },
    )
    rows, problems = read(path)

    assert blocking(problems) == []
    assert of(rows, PupilRow)["lin"].ended


@pytest.mark.parametrize(
    ("file", "text", "line", "words"),
    [
        ("enrollments.csv", ENROLMENTS + "e3,,,c99,wangxi,lin,student,,,\n", 4, "The class “c99” does not exist."),
        ("enrollments.csv", ENROLMENTS + "e3,,,c32,wangxi,bai,student,,,\n", 4, "The pupil “bai” does not exist."),
        ("enrollments.csv", ENROLMENTS + "e3,,,c71,wangxi,lin,student,,,\n", 4, "The class belongs to another school, “dongta”."),
        ("enrollments.csv", ENROLMENTS + "e2,,,c71,dongta,lin,student,,,\n", 4, "This record stands in the file twice; it was first on line 3."),
        ("enrollments.csv", ENROLMENTS + "e3,,,c32,wangxi,lin,student,,2026-09-02,2026-09-01\n", 4, "The last day is before the first day."),
        ("classes.csv", CLASSES + "c33,,,三(3)班,03,,,homeroom,,beita,t1,,,\n", 4, "The school “beita” does not exist."),
        ("classes.csv", CLASSES + "c32,,,三(3)班,03,,,homeroom,,wangxi,t1,,,\n", 4, "This record stands in the file twice; it was first on line 2."),
        ("orgs.csv", ORGS + "x,gone,,北塔小学,school,,\n", 5, "“gone” is neither active nor tobedeleted."),
        ("orgs.csv", ORGS + "x,,,,school,,\n", 5, "This must be filled in."),
        ("users.csv", USERS + "x,,,true,beita,student,,,小,白,,,,,,,,\n", 5, "The school “beita” does not exist."),
        ("users.csv", USERS + "x,,,true,wangxi,student,,,小\x00白,白,,,,,,,,\n", 5, "There is a control character in this cell that cannot be seen. Type the text again."),
        ("users.csv", USERS + "x,,,true,wangxi,student,,,,,,,,,,,,\n", 5, "This must be filled in."),
        ("users.csv", USERS + "x,,,true,wangxi,student,,,小,白,,,,,,,,,,,多\n", 5, "This line has 21 cells; the heading has 18."),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_by_file_line_and_reason(tmp_path, file, text, line, words):
    _rows, problems = read(builders.package(tmp_path / "town.zip", {file: text}))

    assert [(name, at, said) for name, at, _field, said in blocking(problems)] == [(file, line, words)]


def test_organisations_in_a_circle_are_refused_once_each(tmp_path):
    orgs = ORGS + "a,,,甲校,school,,b\nb,,,乙校,school,,a\n"
    users = USERS + "x,,,true,a,student,,,小,白,,,,,,,,\n"

    _rows, problems = read(builders.package(tmp_path / "town.zip", {"orgs.csv": orgs, "users.csv": users}))

    circle = "These organisations stand above each other in a circle."
    assert blocking(problems) == [("orgs.csv", 5, "", circle), ("orgs.csv", 6, "", circle)]


def test_what_hangs_on_a_bad_row_is_not_blamed_again(tmp_path):
    classes = CLASSES.replace("三(2)班", "")

    _rows, problems = read(builders.package(tmp_path / "town.zip", {"classes.csv": classes}))

    assert blocking(problems) == [("classes.csv", 2, "title", "This must be filled in.")]


@pytest.mark.parametrize(
    ("encode", "newline"),
    [
        (lambda text: text.encode("utf-8-sig"), "\n"),
        (lambda text: text.encode("utf-16"), "\r\n"),
        (lambda text: text.encode("utf-16-le"), "\n"),
        (lambda text: text.encode("gb18030"), "\r\n"),
        (lambda text: text.encode("utf-8"), "\r"),
        (lambda text: text.encode("utf-8"), "mixed"),
    ],
)
def test_the_usual_encodings_and_line_ends_are_understood(tmp_path, encode, newline):
    def written(text):
        if newline == "mixed":
            return "".join(line + ("\r\n", "\n", "\r")[at % 3] for at, line in enumerate(text.splitlines()))
        return text.replace("\n", newline)

    plain, _ = read(builders.package(tmp_path / "plain.zip"))
    rows, problems = read(
        builders.package(tmp_path / "town.zip", {name: encode(written(text)) for name, text in TOWN.items()})
    )

    assert blocking(problems) == []
    assert rows == plain


@pytest.mark.parametrize(
    ("changed", "file", "words"),
    [
        ({"users.csv": USERS + '"x,,\n'}, "users.csv", "A quotation mark opened on this line is never closed."),
        ({"users.csv": USERS + 'x,"a"b\n'}, "users.csv", "The quotation marks on this line are out of place."),
        ({"users.csv": USERS.encode() + b"\xff\xff\n"}, "users.csv", "The characters of this file cannot be read. Save it as CSV UTF-8."),
        ({"users.csv": "sourcedId,givenName\n"}, "users.csv", "These columns are missing: familyName."),
        ({"users.csv": USERS.replace("username", "role")}, "users.csv", "The column “role” stands here twice."),
        ({"manifest.csv": builders.MANIFEST + "file.users,bulk\n", "users.csv": None}, "users.csv", "The manifest promises this file, but it is not in the package."),
        ({"more/users.csv": USERS}, "users.csv", "The package holds this file twice."),
        ({"../evil.csv": "x"}, "", "The package holds a file whose name points outside it. It was not opened."),
        ({"..\\evil.csv": "x"}, "", "The package holds a file whose name points outside it. It was not opened."),
        ({"/etc/evil.csv": "x"}, "", "The package holds a file whose name points outside it. It was not opened."),
        ({"C:/evil.csv": "x"}, "", "The package holds a file whose name points outside it. It was not opened."),
        ({"inner.zip": "x"}, "", "The package holds another package. Put the files directly into one zip."),
        ({"users.csv": "a" * 20_000_000}, "", "The package unpacks to far more than a roster would. It was not opened."),
    ],
)  # fmt: skip
def test_a_package_that_cannot_be_read_says_why(tmp_path, changed, file, words):
    _rows, problems = read(builders.package(tmp_path / "town.zip", changed))

    assert [(name, said) for name, _line, _field, said in blocking(problems)] == [(file, words)]


def test_a_package_of_ten_thousand_files_is_not_opened(tmp_path):
    path = builders.package(tmp_path / "many.zip", {f"{number}.csv": "" for number in range(10_000)})

    assert blocking(read(path)[1]) == [
        ("", 0, "", "The package holds 10006 files; a roster has at most 500.")
    ]


def test_a_link_in_a_package_is_not_followed(tmp_path):
    path = builders.package(tmp_path / "link.zip")
    link = zipfile.ZipInfo("userProfiles.csv")
    link.create_system = 3
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")

    assert blocking(read(path)[1]) == [
        ("", 0, "", "The package holds a link instead of a file. It was not opened.")
    ]


def test_a_size_that_lies_is_damage(tmp_path):
    path = builders.package(tmp_path / "lie.zip")
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo("users.csv").file_size
    lying = whole.replace(size.to_bytes(4, "little"), (size - 40).to_bytes(4, "little"))
    assert lying != whole
    path.write_bytes(lying)

    assert blocking(read(path)[1])[0][3] == "This file is damaged inside the package. Save the package again."


@pytest.mark.parametrize("cut", [10, 300, 900, -30])
def test_a_package_that_breaks_off_is_damage(tmp_path, cut):
    path = builders.package(tmp_path / "cut.zip")
    path.write_bytes(path.read_bytes()[:cut])

    assert [problem.gravity for problem in read(path)[1]] == ["fatal"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty."),
        (b"sourcedId,name\n", "This is neither an .xlsx workbook nor a OneRoster zip package."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "This is an old .xls workbook or one with a password. Save it as .xlsx without a password."),
    ],
)  # fmt: skip
def test_what_is_no_roster_is_told_apart(tmp_path, content, words):
    path = tmp_path / "roster.xlsx"
    path.write_bytes(content)

    assert blocking(read(path)[1]) == [("", 0, "", words)]


def test_folders_and_what_a_mac_leaves_behind_are_no_obstacle(tmp_path):
    path = builders.package(tmp_path / "mac.zip", folder="云溪县名册/")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/云溪县名册/._users.csv", b"\x00\x05")
        archive.writestr("云溪县名册/.DS_Store", b"\x00")

    assert blocking(read(path)[1]) == []


def test_a_header_only_file_is_read_as_nothing(tmp_path):
    path = builders.package(tmp_path / "town.zip", {"users.csv": USERS_HEADING, "enrollments.csv": None})
    rows, problems = read(path)

    assert blocking(problems) == [] and of(rows, PupilRow) == {}


@pytest.mark.parametrize(
    "name", ["𠮷野家", "㛃" * 160, "买买提·艾合买提", "葛\U000e0100城", "神\ufa19", "O'Brien", "=1+1"]
)
def test_names_are_kept_as_typed(tmp_path, name):
    users = USERS_HEADING + f"x,,,true,wangxi,student,,,,{name},,,,,,,,\n"
    rows, problems = read(
        builders.package(tmp_path / "town.zip", {"users.csv": users, "enrollments.csv": None})
    )

    assert blocking(problems) == []
    assert of(rows, PupilRow)["x"].name == name


def test_a_phone_that_is_none_is_left_out_with_a_word(tmp_path):
    users = USERS.replace("13800002222", "1380000222")
    rows, problems = read(builders.package(tmp_path / "town.zip", {"users.csv": users}))

    assert blocking(problems) == []
    assert of(rows, PersonRow)["dashu"].phone is None
    assert "A mobile number has 11 digits; this one has 10." in told(problems)


def test_an_unknown_version_is_read_by_what_is_there(tmp_path):
    manifest = builders.MANIFEST.replace("1.1", "base")
    rows, problems = read(builders.package(tmp_path / "town.zip", {"manifest.csv": manifest}))

    assert "The manifest names version “base”. The package was read as OneRoster 1.1." in told(problems)
    assert of(rows, PupilRow)


def test_a_package_without_a_manifest_is_read_as_complete(tmp_path: Path):
    _rows, problems = read(builders.package(tmp_path / "town.zip", {"manifest.csv": None}))

    assert blocking(problems) == []
    assert "The package has no manifest.csv. It was read as OneRoster 1.1, complete." in told(problems)
