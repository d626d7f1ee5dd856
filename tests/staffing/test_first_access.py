"""The first way in for people who were appointed: who may give it, what opens, what is forgotten."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from portal import clock
from portal.access import Role
from portal.accounts import passwords
from portal.accounts.models import AuthSession, Passkey, Person
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.joining import codes
from portal.schools import enrolling
from portal.schools.models import District, School, SchoolClass
from portal.staffing import newcomers
from portal.staffing.models import AccessSlip
from portal.trail.models import TrailEntry
from tests.recovery.test_recovery import NEW, choose

PHONE = "+8619900990001"


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def place(model, name):
    return db.session.scalars(select(model).where(model.name == name)).first()


def newcomer(name="曾小满", role=Role.SUBJECT_TEACHER, phone=PHONE, by="何静", **scope):
    """Somebody new with an office, by default a teacher of 三(2)班 of 望溪小学."""
    made = enrolling.add_person(name, phone=phone)
    db.session.flush()
    scope = scope or {"class_id": place(SchoolClass, "三(2)班").id}
    enrolling.appoint(made, role, clock.today(), appointed_by_id=person(by).id if by else None, **scope)
    db.session.commit()
    return made


def give(as_, who="何静", **more):
    page = as_(who).page("/appointments/newcomers")
    return page.press(button_of(page), **{"by": "paper", **more})


def button_of(page):
    return next(word for word in page.buttons if word == "生成开通单")


def enter(client, number, code):
    return client.page("/first-access").press("继续", number=number, code=code)


def slip(name="曾小满"):
    return db.session.scalars(select(AccessSlip).where(AccessSlip.person_id == person(name).id)).one()


def shown(name="曾小满"):
    found = slip(name)
    return codes.shown(found.number), codes.shown(found.code)


def names_listed(as_, who):
    return as_(who).page("/appointments/newcomers").text


def test_a_teacher_of_whom_only_the_number_is_known_gets_in_by_a_printed_slip(as_):
    newcomer()
    page = give(as_)
    assert "打印 1 张开通单" in page.text
    paper = as_("何静").get("/appointments/newcomers/paper")
    assert paper.mimetype == "application/pdf" and paper.headers["Cache-Control"] == "no-store"

    stranger = as_(None)
    page = enter(stranger, *shown())
    assert page.heading == "请设一个新密码"
    page = choose(page)
    assert page.status == 200 and "退出" not in page.heading
    assert passwords.matches(person("曾小满").password_hash, NEW)
    assert slip().code is None and slip().code_hash is None
    assert {"access.slip_made", "access.slip_used"} <= set(db.session.scalars(select(TrailEntry.action)))
    assert "曾小满" not in names_listed(as_, "何静")


def test_a_slip_opens_once_and_a_new_one_takes_its_place(as_):
    newcomer()
    give(as_)
    old = shown()
    give(as_, people=[person("曾小满").public_id])
    assert enter(as_(None), *old).status == 422
    new = shown()
    assert enter(as_(None), *new).status == 200
    assert enter(as_(None), *new).status == 422


def test_five_wrong_codes_end_it(as_):
    newcomer()
    give(as_)
    number, code = shown()
    for _time in range(5):
        assert enter(as_(None), number, "0000-0000").status == 422
    assert enter(as_(None), number, code).status == 422


def test_after_three_days_it_opens_nothing(as_):
    newcomer()
    give(as_)
    number, code = shown()
    with time_machine.travel(clock.now() + timedelta(hours=73)):
        assert enter(as_(None), number, code).status == 422


def test_whoever_lost_the_office_meanwhile_stays_out(as_):
    made = newcomer()
    give(as_)
    number, code = shown()
    for held in db.session.scalars(
        select(newcomers.Appointment).where(newcomers.Appointment.person_id == made.id)
    ):
        held.ended_on = held.started_on
    db.session.commit()
    assert enter(as_(None), number, code).status == 422


def test_by_message_the_code_is_kept_nowhere(as_):
    newcomer()
    page = give(as_, by="message")
    assert "开通码正在发送" in page.html
    assert slip().code is None
    sent = db.session.scalars(select(Delivery).where(Delivery.kind == "account.first_access")).one()
    assert sent.values["number"] == codes.shown(slip().number)
    assert enter(as_(None), sent.values["number"], sent.values["code"]).heading == "请设一个新密码"


def test_without_a_number_only_paper_helps_and_the_account_gets_a_name(as_):
    newcomer(phone=None)
    page = give(as_, by="message")
    assert page.status == 422 and "曾小满没有手机号" in page.text
    give(as_)
    assert person("曾小满").account_name.startswith("gy")
    assert person("曾小满").account_name in newcomers.account_of(person("曾小满"))


def test_who_may_let_whom_in(as_):
    school, district = place(School, "望溪小学"), place(District, "云溪县")
    newcomer()
    newcomer(
        "副校新", Role.PRINCIPAL, "+8619900990002", by="孙立德", school_id=school.id, title="Deputy principal"
    )
    newcomer("校长新", Role.PRINCIPAL, "+8619900990003", by="张建平", school_id=school.id)
    newcomer("校长导入", Role.PRINCIPAL, "+8619900990004", by=None, school_id=school.id)
    newcomer("局里新", Role.DISTRICT_STAFF, "+8619900990005", by="张建平", district_id=district.id)

    office, head, clerk = (names_listed(as_, who) for who in ("何静", "孙立德", "张建平"))

    assert "曾小满" in office and "副校新" not in office and "校长" not in office
    assert "曾小满" in head and "副校新" in head and "校长新" not in head
    assert "校长导入" in clerk and "校长新" not in clerk and "局里新" not in clerk and "曾小满" not in clerk


@pytest.mark.parametrize("reason", ["guardian", "password", "passkey", "elsewhere"])
def test_who_has_another_way_in_or_another_place_gets_no_slip(as_, reason):
    made = newcomer()
    assert "曾小满" in names_listed(as_, "何静")
    if reason == "guardian":
        child = db.session.scalars(select(enrolling.Pupil).where(enrolling.Pupil.name == "陈一诺")).one()
        home = enrolling.form_household(clock.today())
        enrolling.add_guardian(child, made, "姑姑", home, clock.today())
    elif reason == "password":
        made.password_hash = "x"
    elif reason == "passkey":
        db.session.add(
            Passkey(
                person_id=made.id, name="手机", credential_id=b"1", public_key=b"2", created_at=clock.now()
            )
        )
    else:
        enrolling.appoint(made, Role.LECTURER, clock.today(), school_id=place(School, "东塔小学").id)
    db.session.commit()
    assert "曾小满" not in names_listed(as_, "何静")


def test_the_page_of_an_appointment_leads_there(as_):
    made = newcomer()
    listing = as_("何静").page("/appointments?q=曾小满")
    page = as_("何静").page(next(to for words, to in listing.links.items() if words.startswith("曾小满")))
    assert "还没有登录过" in page.text
    page = as_("何静").page(page.links["给一张开通单"])
    assert page.press(button_of(page), by="paper").status == 200
    assert slip().person_id == made.id


def test_a_slip_needs_a_fresh_proof(as_):
    newcomer()
    client = as_("何静")
    client.page("/appointments/newcomers")
    db.session.execute(update(AuthSession).values(proved_at=clock.now() - timedelta(minutes=11)))
    db.session.commit()
    assert client.get("/appointments/newcomers").status_code == 303


def test_codes_are_forgotten_after_an_hour_and_only_their_maker_prints(as_):
    newcomer()
    give(as_)
    assert as_("孙立德").get("/appointments/newcomers/paper").status_code == 409
    with time_machine.travel(clock.now() + timedelta(minutes=61)):
        assert as_("何静").get("/appointments/newcomers/paper").status_code == 409
        newcomers.forget_codes()
        assert slip().code is None and slip().code_hash is not None
    with time_machine.travel(clock.now() + timedelta(days=40)):
        newcomers.forget_codes()
        assert db.session.scalars(select(AccessSlip)).all() == []


def test_the_list_costs_the_same_for_many(as_, queries):
    newcomer()
    with queries() as few:
        as_("何静").page("/appointments/newcomers")
    for place_number in range(12):
        newcomer(f"新人{place_number:02}", phone=f"+861990099{100 + place_number}0")
    with queries() as many:
        as_("何静").page("/appointments/newcomers")
    assert len(many) == len(few)
