"""Joint visits: who went along reads the note, writes an own part, and may seal something later."""

from datetime import timedelta

from sqlalchemy import delete

from portal import clock
from portal.extensions import db
from portal.schools import enrolling
from portal.schools.models import Enrolment, School, SchoolClass
from portal.visits.models import SealedNote, VisitCompanion, VisitPart
from tests.visits.builders import newest, person, pupil, ties, visited, write_page, yesterday


def joint(**told):
    """A visit of 王雪 on which 邓宇 went along."""
    return visited(
        "林嘉树", company=[person("邓宇").public_id], partner="村医 周大夫", hopes="爱画画", **told
    )


def test_a_joint_visit_is_written_with_who_went_along(as_):
    shown = write_page(as_("王雪"), "陈一诺").press(
        "提交家访记录",
        how="in_home",
        met=["child", ties("陈一诺")[0].public_id],
        held_on=yesterday(),
        held_time="18:30",
        company_1=person("邓宇").public_id,
        partner="社区 李主任",
    )

    assert "王雪 / 邓宇 / 社区 李主任" in shown.text
    assert "社区 李主任" in as_("李晚晴").page(shown.path).text

    changed = as_("王雪").page(f"{shown.path}/edit")
    assert changed.fields(changed.form_of("保存修改"))["company_1"] == [person("邓宇").public_id]
    assert "邓宇" not in changed.press("保存修改", company_1="", partner="").text.partition("改动")[0]


def test_somebody_of_another_school_cannot_be_named(as_):
    page = write_page(as_("王雪"), "陈一诺")

    refused = page.press(
        "提交家访记录",
        how="phone",
        met=["child"],
        held_on=yesterday(),
        held_time="18:30",
        company_1=person("高洁").public_id,
    )

    assert refused.status == 422


def test_who_went_along_reads_ordinary_parts_and_writes_an_own_one(as_):
    visit = joint(note="桌灯有点暗", school_only=True, sealed="只给校长")
    companion = as_("邓宇", "subject_teacher")

    assert "补上您那部分联合家访记录" in companion.page("/").text
    assert visit.public_id in str(companion.page("/visits/joined").links)
    read = companion.page(f"/visits/{visit.public_id}")
    assert "爱画画" in read.text
    assert "桌灯有点暗" in read.text
    assert "保密" not in read.text.replace("补记一条保密记录", "")
    written = companion.page(read.links["写我的部分"]).press("保存我的部分", hopes="数学很有想法", note="")
    assert "数学很有想法" in written.text
    assert {part.author_id for part in db.session.query(VisitPart).filter_by(visit_id=visit.id)} == {
        person("王雪").id,
        person("邓宇").id,
    }
    family = as_("林悦", "guardian").page(f"/visits/{visit.public_id}").text
    assert "数学很有想法" in family
    assert "邓宇" in family
    assert "林嘉树" not in companion.page("/").text


def test_a_part_after_the_confirmation_asks_the_family_again_only_for_what_it_reads(as_):
    visit = joint()
    as_("林悦", "guardian").page(f"/visits/{visit.public_id}").press("确认，是这样")
    companion = as_("邓宇", "subject_teacher")

    companion.page(f"/visits/{visit.public_id}/part").press(
        "保存我的部分", note="学校里再看看", school_only="y"
    )
    db.session.refresh(visit)
    assert visit.confirmed_at is not None

    companion.page(f"/visits/{visit.public_id}/part").press("保存我的部分", hopes="爱数学")
    db.session.refresh(visit)
    assert visit.confirmed_at is None


def test_an_empty_part_is_asked_for_again_and_after_its_time_there_is_none(as_):
    visit = joint()
    page = as_("邓宇", "subject_teacher").page(f"/visits/{visit.public_id}/part")
    assert page.press("保存我的部分").status == 422

    visit.written_at = clock.now() - timedelta(days=15)
    db.session.commit()

    assert page.press("保存我的部分", hopes="晚了").status == 409


def test_a_sealed_note_may_be_added_later_and_opens_for_its_author_only(as_):
    visit = joint(sealed="班主任写的")
    companion = as_("邓宇", "subject_teacher")
    kept = companion.page(f"/visits/{visit.public_id}/sealed-note").press("封存这条记录", sealed="夜里睡不着")
    assert "夜里睡不着" not in kept.html

    own = db.session.query(SealedNote).filter_by(visit_id=visit.id, author_id=person("邓宇").id).one()
    opened = companion.page(f"/visits/sealed/{own.public_id}").press("查看记录", reason="再看一次")
    assert "夜里睡不着" in opened.text
    other = db.session.query(SealedNote).filter_by(visit_id=visit.id, author_id=person("王雪").id).one()
    assert companion.get(f"/visits/sealed/{other.public_id}").status_code == 404
    assert as_("王雪").get(f"/visits/sealed/{own.public_id}").status_code == 404
    principal = as_("孙立德").page(f"/visits/{visit.public_id}")
    assert {"查看邓宇的保密记录", "查看王雪的保密记录"} <= set(principal.links)


def test_once_the_child_is_at_another_school_the_joint_visit_is_out_of_reach(as_):
    visit = joint()
    companion = as_("邓宇", "subject_teacher")
    assert companion.get(f"/visits/{visit.public_id}").status_code == 200

    place = db.session.query(Enrolment).filter_by(pupil_id=pupil("林嘉树").id, ended_on=None).one()
    place.ended_on = clock.today()
    db.session.commit()

    assert companion.get(f"/visits/{visit.public_id}").status_code == 404
    assert enrolling.class_of(pupil("林嘉树"), clock.today()) is None
    assert newest().id == visit.id


HATS = (("邓宇", "subject_teacher"), ("孙立德", "principal"), ("何静", "school_office"))


def went_along(visit, who, **changed):
    """The visit as one on which only this person went along, with some values of its own."""
    db.session.execute(delete(VisitCompanion).where(VisitCompanion.visit_id == visit.id))
    db.session.add(VisitCompanion(visit_id=visit.id, person_id=person(who).id))
    for name, value in changed.items():
        setattr(visit, name, value)
    db.session.commit()


def doors(client, visit, note):
    """What somebody who went along opens: the own part, a sealed note to be added, the note already added."""
    return [
        client.get(address).status_code
        for address in (
            f"/visits/{visit.public_id}/part",
            f"/visits/{visit.public_id}/sealed-note",
            f"/visits/sealed/{note.public_id}",
        )
    ]


def test_what_one_wrote_oneself_or_at_another_school_is_no_joint_visit(as_):
    visit = joint(sealed="只给校长")
    note = db.session.query(SealedNote).filter_by(visit_id=visit.id).one()
    teacher, here = visit.author_id, visit.school_id
    there = db.session.query(School).filter(School.id != here).first().id
    for who, hat in HATS:
        client, own = as_(who, hat), person(who).id
        note.author_id = own
        went_along(visit, who, author_id=teacher, school_id=here)
        assert doors(client, visit, note) == [200, 200, 200], who
        went_along(visit, who, author_id=own)
        assert doors(client, visit, note)[:2] == [404, 404], who
        assert hat == "principal" or doors(client, visit, note)[2] == 404, who
        assert (client.get(f"/visits/{visit.public_id}").status_code == 404) is (hat == "subject_teacher")
        went_along(visit, who, author_id=teacher, school_id=there)
        assert doors(client, visit, note) == [404, 404, 404], who
        assert client.get(f"/visits/{visit.public_id}").status_code == 404


def test_a_class_teacher_reads_what_one_joined_in_another_class_and_not_at_another_school(as_):
    visit = joint()
    here = visit.school_id
    enrolment = db.session.query(Enrolment).filter_by(pupil_id=pupil("林嘉树").id, ended_on=None).one()
    sister = next(
        one for one in db.session.query(SchoolClass).filter_by(school_id=here) if one.id != enrolment.class_id
    )
    enrolment.class_id, enrolment.grade_id = sister.id, sister.grade_id
    went_along(visit, "王雪", author_id=person("刘明远").id)
    client = as_("王雪", "class_teacher")

    assert client.get(f"/visits/{visit.public_id}").status_code == 200
    assert client.get(f"/visits/{visit.public_id}/part").status_code == 200
    went_along(visit, "王雪", school_id=db.session.query(School).filter(School.id != here).first().id)
    assert client.get(f"/visits/{visit.public_id}/part").status_code == 404
