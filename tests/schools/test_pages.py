"""Classes, pupils and schools through the front door."""

from sqlalchemy import select

from portal.extensions import db
from portal.schools.models import Guardianship, GuardianshipFlag, Pupil, School, Term


def pupil(name):
    return db.session.scalar(select(Pupil).where(Pupil.name == name).limit(1))


def test_a_class_teacher_finds_a_pupil_by_initials(as_):
    page = as_("王雪").page("/schools/class?q=zxm")

    assert page.heading == "三(2)班"
    assert "赵小满" in page.text
    assert "陈一诺" not in page.text


def test_a_name_is_found_in_the_other_script(as_):
    assert "陈一诺" in as_("王雪").page("/schools/class?q=陳一諾").text


def test_percent_and_underscore_are_ordinary_characters(as_):
    for typed in ("%", "_", "\\", "'", "%25"):
        assert "没有找到" in as_("王雪").page("/schools/class", query_string={"q": typed}).text


def test_names_stand_in_the_order_of_their_pinyin(as_):
    page = as_("王雪").page("/schools/class")
    names = [name for name in page.links if pupil(name)]

    assert names.index("陈一诺") < names.index("林嘉树") < names.index("赵小满")


def test_a_parent_sees_the_own_child_and_no_other(as_):
    client = as_("李晚晴")

    assert client.page(f"/schools/pupils/{pupil('陈一诺').public_id}").heading == "陈一诺"
    assert client.page(f"/schools/pupils/{pupil('赵小满').public_id}").status == 404


def test_a_restricted_father_sees_nothing_until_the_restriction_ends(as_):
    address = f"/schools/pupils/{pupil('何雨桐').public_id}"
    assert as_("何志强").page(address).status == 404

    flag = db.session.scalar(select(GuardianshipFlag).where(GuardianshipFlag.basis_sealed.is_not(None)))
    flag.ended_on = flag.started_on
    db.session.commit()

    assert as_("何志强").page(address).status == 200


def test_the_school_office_records_two_households(as_):
    child = pupil("陈一诺")
    page = as_("何静").page(f"/schools/pupils/{child.public_id}")
    page = page.client.page(page.links["父母分开居住"])
    choice = db.session.scalar(
        select(Guardianship.public_id).where(
            Guardianship.pupil_id == child.id, Guardianship.relation == "爸爸"
        )
    )
    page = page.press("登记为两户", guardianship=choice, reason="离婚协议")

    assert "已登记为两户" in page.text
    households = db.session.scalars(
        select(Guardianship.household_id).where(Guardianship.pupil_id == child.id)
    ).all()
    assert len(set(households)) == 2
    mother = as_("李晚晴").page(f"/schools/pupils/{child.public_id}")
    assert "陈守川" not in mother.text


def test_a_split_keeps_what_was_typed_when_something_is_missing(as_):
    page = as_("何静").page(f"/schools/pupils/{pupil('陈一诺').public_id}/household-split")
    page = page.press("登记为两户", reason="离婚协议", from_on="不是日期")

    assert page.status == 422
    assert "离婚协议" in page.html
    assert "请选择分开居住的监护人" in page.text


def test_terms_may_not_overlap_and_the_dates_typed_are_kept(as_):
    term = db.session.scalar(select(Term).order_by(Term.id.desc()).limit(1))
    client = as_("唐芸")
    page = client.page(f"/schools/terms/{term.id}").press(
        "保存日期", starts_on=f"{term.starts_on.year - 1}-09-02"
    )

    assert page.status == 422
    assert "不能重叠" in page.text
    assert f"{term.starts_on.year - 1}-09-02" in page.html


def test_district_staff_see_their_own_schools_only(as_):
    other = db.session.scalar(select(School.public_id).where(School.name == "石桥县第一小学"))
    client = as_("张建平")

    assert "望溪小学" in client.page("/schools/").text
    assert "石桥县第一小学" not in client.page("/schools/").text
    assert client.page(f"/schools/{other}").status == 404


def test_the_list_of_pupils_costs_the_same_for_one_and_for_many(as_, queries):
    client = as_("王雪")
    with queries() as many:
        client.page("/schools/class")
    with queries() as one:
        client.page("/schools/class?q=zxm")

    assert len(many) == len(one) <= 5
