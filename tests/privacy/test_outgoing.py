"""What leaves the portal about a family stands on its page: lists of pupils, the file of a child that changes school."""

import pytest
from sqlalchemy import select

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Person
from portal.extensions import db
from portal.privacy.models import DataCopy, ExportRequest, ParcelState, ReaderQuestion
from portal.schools.models import Pupil, School, SchoolClass
from portal.staffing import transferring
from portal.trail.models import note


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def child(name):
    return db.session.scalars(select(Pupil).where(Pupil.name == name)).one()


def exported(by, school_id, purpose="核对午餐人数", kind="pupils"):
    """A list that was asked for, made and fetched."""
    school = db.session.get_one(School, school_id or child("林嘉树").school_id)
    made = ExportRequest(
        kind=kind,
        district_id=school.district_id,
        school_id=school_id,
        asked_by_id=person(by).id,
        asked_at=clock.now(),
        purpose=purpose,
        people=3,
        holds="F2",
        state=ParcelState.FETCHED,
    )
    db.session.add(made)
    db.session.flush()
    note("export.fetched", made, person_id=made.asked_by_id, role="school_office", kind=kind)
    db.session.commit()
    return made


@pytest.mark.parametrize("whole_district", [False, True])
def test_a_list_of_pupils_taken_out_stands_on_the_page_of_each_family_it_named(as_, whole_district):
    mine, other = child("林嘉树"), child("林嘉树")
    other = db.session.scalars(
        select(Pupil).where(Pupil.school_id != mine.school_id, Pupil.left_on.is_(None)).limit(1)
    ).one()
    assert "学生名单" not in as_("林悦", "guardian").page("/privacy/readings").text
    exported("何静", None if whole_district else mine.school_id)

    page = as_("林悦", "guardian").page("/privacy/readings")
    assert "学生名单被导出" in page.text and "核对午餐人数" in page.text and "姓名和班级" in page.text
    exported("何静", other.school_id, purpose="别校的事")
    exported("何静", mine.school_id, purpose="数字而已", kind="audit_pack")
    page = as_("林悦", "guardian").page("/privacy/readings")
    assert "别校的事" not in page.text and "数字而已" not in page.text


def test_a_family_asks_who_took_the_list_out_and_the_school_answers(as_):
    exported("何静", child("林嘉树").school_id)
    as_("林悦", "guardian").page("/privacy/readings").press("问问是谁")

    asked = db.session.scalars(select(ReaderQuestion).order_by(ReaderQuestion.id.desc()).limit(1)).one()
    assert (asked.pupil_id, asked.reader_id) == (child("林嘉树").id, person("何静").id)
    assert "何静" in as_("孙立德").page(f"/privacy/questions/{asked.public_id}").text


def test_the_file_of_a_child_that_changes_school_is_told_to_its_family_only(as_):
    pupil = child("林嘉树")
    target = db.session.scalars(
        select(SchoolClass).where(SchoolClass.school_id != pupil.school_id).limit(1)
    ).one()
    old, new = person("何静"), person("罗敏")
    made = transferring.propose(
        pupil,
        db.session.get_one(School, target.school_id),
        clock.today(),
        Actor(old.id, Role.SCHOOL_OFFICE, clock.today(), school_id=pupil.school_id),
    )
    assert "转往新学校" not in as_("林悦", "guardian").page("/privacy/readings").text
    transferring.accept(
        made, target, Actor(new.id, Role.SCHOOL_OFFICE, clock.today(), school_id=target.school_id)
    )
    db.session.commit()

    assert "转往新学校" in as_("林悦", "guardian").page("/privacy/readings").text
    assert "转往新学校" not in as_("方晴", "guardian").page("/privacy/readings").text


def test_a_copy_of_ones_own_data_is_told_to_oneself_alone(as_):
    mother = person("李晚晴")
    made = db.session.scalars(select(DataCopy).where(DataCopy.person_id == mother.id).limit(1)).one()
    note("copy.fetched", made, person_id=mother.id, role="guardian", subject_id=mother.id)
    db.session.commit()

    page = as_("李晚晴", "guardian").page("/privacy/readings")
    assert "您领取了本人信息副本" in page.text and "您本人" in page.text
    assert "问问是谁" not in page.buttons
    assert "副本" not in as_("陈守川", "guardian").page("/privacy/readings").text
