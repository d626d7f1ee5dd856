"""Bringing rosters in: what is added, changed, ended; repeated, undone, refused."""

import json

import pytest
from sqlalchemy import func, select

from portal.extensions import Base, db
from portal.roster.journal import TABLES
from portal.roster.models import RosterChange, RosterImport, State
from portal.schools.models import (
    Enrolment,
    Guardianship,
    GuardianshipFlag,
    Pupil,
    School,
    SchoolClass,
    SchoolGroup,
)
from tests.roster import builders
from tests.roster.builders import CLASSES, ENROLMENTS, FAULTS, ORGS, USERS, USERS_HEADING


@pytest.fixture
def flask(app):
    """``flask("import", path)`` runs a roster command and gives (exit code, what it printed)."""

    def run(*arguments):
        db.session.commit()
        result = app.test_cli_runner().invoke(args=["roster", *map(str, arguments)])
        db.session.rollback()
        db.session.expire_all()
        return result.exit_code, result.output

    return run


@pytest.fixture
def bring(flask):
    """Bring a file into 云溪县; it must succeed."""

    def run(path, *options):
        code, output = flask("import", path, "--district", "云溪县", *options)
        assert code == 0, output
        return output

    return run


def snapshot():
    """Every row of the world, by table; sealed values by their index, as each sealing differs from the last."""
    found = {}
    for name in TABLES:
        table = Base.metadata.tables[name]
        rows = db.session.execute(
            select(*[column for column in table.c if not column.name.endswith("_sealed")])
        ).mappings()
        found[name] = sorted(json.dumps(dict(row), default=str, sort_keys=True) for row in rows)
    db.session.commit()
    return found


def last_import():
    found = db.session.scalar(select(RosterImport).order_by(RosterImport.id.desc()).limit(1))
    db.session.commit()
    return found


def pupil(name):
    return db.session.scalars(select(Pupil).where(Pupil.name == name).order_by(Pupil.id.desc())).first()


def test_a_package_brings_a_school_to_life(bring, tmp_path):
    bring(builders.package(tmp_path / "town.zip"))

    lin = pupil("林小禾")
    school = db.session.get_one(School, lin.school_id)
    assert (school.code, school.sourced_id) == ("YX001", "wangxi")
    place = db.session.scalar(select(Enrolment).where(Enrolment.pupil_id == lin.id))
    group = db.session.get_one(SchoolClass, place.class_id)
    assert (group.name, group.number) == ("三(2)班", 2)
    tie = db.session.scalar(select(Guardianship).where(Guardianship.pupil_id == lin.id))
    assert tie.relation == "家长"
    flags = db.session.scalars(
        select(GuardianshipFlag.kind).where(GuardianshipFlag.guardianship_id == tie.id)
    )
    assert set(flags) == {"lives_with", "picks_up", "may_sign"}
    assert lin.name_pinyin == "lin xiao he"


@pytest.mark.parametrize("make", [builders.package, builders.workbook])
def test_the_same_file_again_changes_nothing(bring, flask, tmp_path, make):
    path = make(tmp_path / "town")
    bring(path)
    before = snapshot()

    output = bring(path)

    assert "没有要改的内容" in output
    assert last_import().counts == {}
    assert snapshot() == before


@pytest.mark.parametrize("make", [builders.package, builders.workbook])
def test_a_dry_run_tells_and_changes_nothing(bring, tmp_path, make):
    before = snapshot()

    output = bring(make(tmp_path / "town"), "--dry-run")

    assert "学生：新增 1 条，修改 0 条，移出 0 条" in output
    assert snapshot() == before
    assert last_import().state == State.WITHDRAWN


@pytest.mark.parametrize("make", [builders.package, builders.workbook])
def test_undo_restores_exactly_what_was_there(bring, flask, tmp_path, make):
    before = snapshot()
    bring(make(tmp_path / "town"))
    assert snapshot() != before

    code, output = flask("undo", "--district", "云溪县")

    assert code == 0, output
    assert snapshot() == before


def test_undo_of_a_second_import_restores_the_first(bring, flask, tmp_path):
    bring(builders.package(tmp_path / "one.zip"))
    before = snapshot()
    users = (
        USERS.replace("小禾", "大禾").replace("13800002222", "13800004444")
        + "bai,,,true,wangxi,student,,,小鹿,白,,,,,,,,\n"
    )
    classes = CLASSES.replace("三(2)班", "三二班")
    bring(
        builders.package(
            tmp_path / "two.zip",
            {
                "users.csv": users,
                "classes.csv": classes,
                "enrollments.csv": ENROLMENTS.replace("e2,,,c32", "e2,,,c32"),
            },
        )
    )
    assert pupil("林大禾") is not None and snapshot() != before

    assert flask("undo", "--district", "云溪县")[0] == 0
    assert snapshot() == before
    assert flask("undo", "--district", "云溪县")[0] == 0


def test_undo_is_refused_in_words_when_something_rests_on_it(bring, flask, tmp_path):
    bring(builders.package(tmp_path / "town.zip"))
    lin = pupil("林小禾")
    tie = db.session.scalar(select(Guardianship).where(Guardianship.pupil_id == lin.id))
    db.session.add(GuardianshipFlag(guardianship_id=tie.id, kind="may_sign", started_on=tie.started_on))
    db.session.commit()
    before = snapshot()

    code, output = flask("undo", "--district", "云溪县")

    assert code == 1 and "不能撤销" in output
    assert snapshot() == before


def test_undo_is_refused_when_a_changed_row_was_changed_again(bring, flask, tmp_path):
    bring(builders.package(tmp_path / "one.zip"))
    bring(builders.package(tmp_path / "two.zip", {"users.csv": USERS.replace("小禾", "大禾")}))
    pupil("林大禾").name = "林中禾"
    db.session.commit()

    code, output = flask("undo", "--district", "云溪县")

    assert code == 1 and "不能撤销" in output
    assert pupil("林中禾") is not None


def test_only_errors_free_files_are_brought_in(flask, tmp_path):
    before = snapshot()
    path = builders.package(
        tmp_path / "town.zip", {"enrollments.csv": ENROLMENTS + "e3,,,c99,wangxi,lin,student,,,\n"}
    )

    code, output = flask("import", path, "--district", "云溪县")

    assert code == 1
    assert "enrollments.csv 第 4 行" in output and "找不到班级“c99”" in output
    assert snapshot() == before


def test_real_world_faults_do_not_stop_an_import(bring, flask, tmp_path):
    path = builders.zipped(tmp_path / "faults.zip", FAULTS)
    before = snapshot()
    output = bring(path)

    assert "学生：新增 2" in output
    group = db.session.scalar(select(SchoolGroup).where(SchoolGroup.name == "School 2"))
    assert db.session.scalar(select(func.count(School.id)).where(School.group_id == group.id)) == 2
    assert "同时只有一个班" in output
    assert bring(path)
    assert last_import().counts == {}
    assert flask("undo", "--district", "云溪县")[0] == 0
    assert snapshot() == before


def test_a_complete_file_ends_what_it_leaves_out(bring, tmp_path):
    more = USERS + "bai,,,true,wangxi,student,,,小鹿,白,,,,,,dashu,,\n"
    bring(
        builders.package(
            tmp_path / "one.zip",
            {"users.csv": more, "enrollments.csv": ENROLMENTS + "e3,,,c32,wangxi,bai,student,,,\n"},
        )
    )
    others = db.session.scalar(select(func.count(Pupil.id)).where(Pupil.left_on.is_(None)))

    output = bring(builders.package(tmp_path / "two.zip"))

    assert "学生：新增 0 条，修改 0 条，移出 1 条" in output
    bai = pupil("白小鹿")
    assert bai.left_on is not None
    assert db.session.scalar(select(Enrolment.ended_on).where(Enrolment.pupil_id == bai.id)) is not None
    assert db.session.scalar(select(func.count(Pupil.id)).where(Pupil.left_on.is_(None))) == others - 1


def test_a_delta_touches_only_what_it_names(bring, tmp_path):
    more = USERS + "bai,,,true,wangxi,student,,,小鹿,白,,,,,,dashu,,\n"
    bring(builders.package(tmp_path / "one.zip", {"users.csv": more}))
    delta = USERS_HEADING + "lin,tobedeleted,2026-10-01T00:00:00Z,true,wangxi,student,,,小禾,林,,,,,,,03,\n"
    leftovers = dict.fromkeys(("classes.csv", "enrollments.csv", "academicSessions.csv", "orgs.csv"))

    output = bring(builders.package(tmp_path / "delta.zip", {**leftovers, "users.csv": delta}), "--delta")

    assert "学生：新增 0 条，修改 0 条，移出 1 条" in output
    assert pupil("林小禾").left_on is not None
    assert pupil("白小鹿").left_on is None


def test_a_pupil_moves_to_another_class(bring, tmp_path):
    bring(builders.package(tmp_path / "one.zip"))
    classes = CLASSES + "c33,,,三(3)班,03,,,homeroom,,wangxi,t1,,,\n"
    moved = ENROLMENTS.replace("e2,,,c32", "e2,,,c33")

    output = bring(builders.package(tmp_path / "two.zip", {"classes.csv": classes, "enrollments.csv": moved}))

    assert "学生所在班级：新增 1 条，修改 0 条，移出 1 条" in output
    places = db.session.scalars(select(Enrolment).where(Enrolment.pupil_id == pupil("林小禾").id)).all()
    assert sorted(place.ended_on is None for place in places) == [False, True]


def test_siblings_and_their_guardians_are_one_household(bring, tmp_path):
    pupils = [("班级", "姓名"), ("三(2)班", "林小禾"), ("三(2)班", "林小麦"), ("三(2)班", "白小鹿")]
    guardians = [
        ("班级", "学生姓名", "监护人姓名", "关系", "手机号"),
        ("三(2)班", "林小禾", "林大树", "爸爸", "13800002222"),
        ("三(2)班", "林小麦", "林大树", "爸爸", "13800002222"),
        ("三(2)班", "林小麦", "何秋云", "奶奶", ""),
        ("三(2)班", "白小鹿", "白云生", "爸爸", "13800002233"),
    ]
    bring(builders.workbook(tmp_path / "one.xlsx", {"学生": pupils, "监护人": guardians}))

    def home(name):
        query = select(Guardianship.household_id).where(Guardianship.pupil_id == pupil(name).id)
        return set(db.session.scalars(query))

    assert len(home("林小禾") | home("林小麦")) == 1
    assert home("白小鹿").isdisjoint(home("林小禾"))

    later = [*guardians, ("三(2)班", "林小禾", "秦小雨", "妈妈", "13800002244")]
    bring(builders.workbook(tmp_path / "two.xlsx", {"学生": pupils, "监护人": later}))
    assert len(home("林小禾") | home("林小麦")) == 1


def test_a_guardian_with_an_account_is_found_by_phone_and_name(bring, tmp_path):
    from_town = db.session.scalar(select(Guardianship.person_id).join(Pupil).where(Pupil.name == "沈知夏"))
    person = db.session.get_one(Base.registry._class_registry["Person"], from_town)
    guardians = [
        ("班级", "学生姓名", "监护人姓名", "关系", "手机号"),
        ("三(2)班", "林小禾", person.name, "姑姑", person.phone.removeprefix("+86")),
    ]
    bring(builders.workbook(tmp_path / "one.xlsx", {"监护人": guardians}))

    tie = db.session.scalar(select(Guardianship).where(Guardianship.pupil_id == pupil("林小禾").id))
    assert (tie.person_id, tie.relation) == (person.id, "姑姑")


def test_pupils_without_numbers_are_found_by_name_and_class(bring, tmp_path):
    classes = [*builders.SHEETS["年级班级"], ("YX001", "2026-2027", "三年级", "三(3)班")]
    pupils = [("班级", "姓名"), ("三(2)班", "林小禾"), ("三(3)班", "林小禾"), ("三(3)班", "白小鹿")]
    bring(builders.workbook(tmp_path / "one.xlsx", {"年级班级": classes, "学生": pupils, "监护人": None}))
    ids = {found.id for found in db.session.scalars(select(Pupil).where(Pupil.name == "林小禾"))}
    moved = [pupils[0], ("三(3)班", "林小禾"), ("三(2)班", "白小鹿"), ("三(2)班", "林小禾")]

    output = bring(
        builders.workbook(tmp_path / "two.xlsx", {"年级班级": classes, "学生": moved, "监护人": None})
    )

    assert "学生：" not in output
    assert {found.id for found in db.session.scalars(select(Pupil).where(Pupil.name == "林小禾"))} == ids
    assert last_import().counts == {"enrolment": {"add": 1, "end": 1}}


def test_a_number_given_later_keeps_the_pupil(bring, tmp_path):
    bring(builders.workbook(tmp_path / "one.xlsx", {"学生": [("班级", "姓名"), ("三(2)班", "林小禾")]}))
    first = pupil("林小禾").id

    bring(builders.workbook(tmp_path / "two.xlsx"))

    assert pupil("林小禾").id == first and pupil("林小禾").sourced_id == "20240217"


def test_hand_made_guardians_and_roles_survive_a_complete_file(bring, app, tmp_path):
    from portal.schools import enrolling  # noqa: PLC0415

    bring(builders.package(tmp_path / "one.zip"))
    lin = pupil("林小禾")
    home = db.session.scalar(select(Guardianship.household_id).where(Guardianship.pupil_id == lin.id))
    aunt = enrolling.add_person("林秋")
    tie = Guardianship(
        pupil_id=lin.id, person=aunt, household_id=home, relation="姑姑", started_on=lin.arrived_on
    )
    db.session.add(tie)
    db.session.commit()

    bring(builders.package(tmp_path / "one.zip"))

    assert db.session.get_one(Guardianship, tie.id).ended_on is None


def test_a_stale_check_is_not_applied(app, flask, bring, tmp_path):
    from portal import clock  # noqa: PLC0415
    from portal.roster import importing  # noqa: PLC0415
    from portal.roster.existing import Reach  # noqa: PLC0415

    bring(builders.package(tmp_path / "one.zip"))
    district = last_import().district_id
    changed = builders.package(tmp_path / "two.zip", {"users.csv": USERS.replace("小禾", "大禾")})
    made = importing.take_in(changed, "two.zip", Reach(district, None, clock.today()), None, False)
    made_id = made.id
    db.session.commit()
    importing.check(made_id)
    pupil("林小禾").name = "林中禾"
    db.session.commit()
    importing.confirm(db.session.get_one(RosterImport, made_id))
    db.session.commit()
    importing.apply(made_id)

    assert db.session.get_one(RosterImport, made_id).state == State.FAILED
    assert pupil("林中禾") is not None


def test_which_district_must_be_said_when_there_are_several(flask, tmp_path):
    code, output = flask("import", builders.package(tmp_path / "town.zip"))

    assert code == 2 and "云溪县" in output


def test_the_template_is_written(flask, tmp_path):
    assert flask("template", tmp_path / "template.xlsx")[0] == 0
    assert builders.read(tmp_path / "template.xlsx")[0] == []


def test_a_file_that_is_no_roster_is_refused_in_words(flask, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("x")

    code, output = flask("import", path, "--district", "云溪县")

    assert code == 1 and "既不是 .xlsx 表格，也不是 OneRoster 压缩包" in output


def test_older_changes_are_forgotten_so_that_only_the_last_import_can_be_undone(bring, tmp_path):
    bring(builders.package(tmp_path / "one.zip"))
    first = last_import().id
    bring(builders.package(tmp_path / "two.zip", {"users.csv": USERS.replace("小禾", "大禾")}))

    left = db.session.scalar(
        select(func.count()).select_from(RosterChange).where(RosterChange.import_id == first)
    )
    assert left == 0


def test_school_data_follows_the_file(bring, tmp_path):
    bring(builders.package(tmp_path / "one.zip"))
    bring(builders.package(tmp_path / "two.zip", {"orgs.csv": ORGS.replace("望溪小学", "望溪实验小学")}))

    school = db.session.scalar(select(School).where(School.sourced_id == "wangxi"))
    assert (school.name, school.name_initials) == ("望溪实验小学", "wxsyxx")
