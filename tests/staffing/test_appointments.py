"""Appointments by hand, their end from this minute on, delegations, the second person."""

import threading
import time
from contextvars import Context
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from portal import clock
from portal.accounts.models import Appointment, AuthSession, Person
from portal.extensions import db
from portal.staffing.models import AppointmentRequest
from portal.trail.models import TrailEntry
from portal.visits.models import SealedNote


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def appointment(name, role=None):
    wanted = select(Appointment).where(Appointment.person_id == person(name).id)
    if role:
        wanted = wanted.where(Appointment.role == role)
    return db.session.scalars(wanted.order_by(Appointment.id)).first()


def proved(client):
    """All sessions proved just now who is holding them."""
    db.session.execute(update(AuthSession).values(proved_at=clock.now()))
    db.session.commit()
    return client


def appoint(client, **values):
    page = proved(client).page("/appointments/new")
    return page.press("确定任职", **values)


def class_id(page, name="三(2)班"):
    form = page.form_of("确定任职")
    for element in form.iter():
        if element.tag.endswith("option") and "".join(element.itertext()) == name:
            return element.get("value")
    raise AssertionError(name)


def test_the_office_appoints_a_teacher_who_is_here_and_one_who_is_new(as_):
    office = as_("何静")
    page = proved(office).page("/appointments/new")
    known = page.press(
        "确定任职", office="subject_teacher", name="高洁", who="gaojie", school_class=class_id(page)
    )
    assert known.status == 200
    assert "任课教师 · 三(2)班" in known.text
    new = appoint(
        office,
        office="class_teacher",
        name="曾小满",
        who="１99 0099 0001",
        school_class=class_id(page),
        document="望小人〔2026〕2号",
    )
    assert new.status == 200
    assert person("曾小满").name_pinyin == "zeng xiao man"
    assert "望小人〔2026〕2号" in new.text
    assert "曾小满" in office.page("/appointments?q=zxm").text
    noted = db.session.scalars(
        select(TrailEntry).where(TrailEntry.action == "appointment.made").order_by(TrailEntry.id.desc())
    ).first()
    assert noted.person_id == person("何静").id


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"name": "别的名字", "who": "gaojie"}, "对不上"),
        ({"name": "无此人", "who": "nobody-here"}, "没有这个账号"),
        ({"name": "何静", "who": "hejing"}, "不能给自己改权限"),
        ({"name": "王雪", "who": "wangxue"}, "已经担任"),
        ({"name": "", "who": "gaojie"}, "请填写姓名"),
        ({"name": "高洁", "who": ""}, "请填写手机号或账号"),
        ({"name": "高洁", "who": "gaojie", "school_class": "AAAAAAAAAAAAAAAAAAAAAA"}, "请选班级"),
        ({"name": "高洁", "who": "gaojie", "school_class": ""}, "请选班级"),
        ({"name": "高洁", "who": "gaojie", "started_on": "2020-01-01"}, "今天或以后"),
        ({"name": "高洁", "who": "gaojie", "last_on": "2020-01-01"}, "早于"),
        ({"name": "高\x00洁", "who": "gaojie"}, "无法显示"),
        ({"name": "高洁", "who": "gaojie", "office": "principal"}, "请从列表中选一项"),
        ({"name": "高洁" * 200, "who": "gaojie"}, "200"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_is_refused_in_words_and_nothing_is_lost(as_, values, told):
    before = db.session.scalars(select(Appointment.id)).all()
    page = proved(as_("何静")).page("/appointments/new")
    sent = {
        "office": "class_teacher",
        "school_class": class_id(page),
        "document": "一份文件",
        **values,
    }
    page = page.press("确定任职", **sent)

    assert page.status == 422
    assert told in page.text
    assert "一份文件" in page.html
    assert db.session.scalars(select(Appointment.id)).all() == before


@pytest.mark.parametrize(
    ("name", "role", "may", "may_not"),
    [
        (
            "何静",
            None,
            ["class_teacher", "lecturer"],
            ["school_office", "principal", "deputy", "district_staff"],
        ),
        ("孙立德", None, ["school_office", "deputy"], ["principal", "district_staff", "inspector"]),
        ("张建平", None, ["principal", "inspector", "district_staff"], ["class_teacher", "system_admin"]),
        ("系统管理员", None, ["district_staff", "system_admin"], ["principal", "class_teacher"]),
    ],
)
def test_each_appoints_only_to_what_is_theirs(as_, name, role, may, may_not):
    page = proved(as_(name, role)).page("/appointments/new")
    offered = {element.get("value") for element in page.all("input", name="office")}

    assert set(may) <= offered
    assert not offered & set(may_not)
    for office in may_not:
        sent = page.fields(page.form_of("确定任职")) | {
            "office": office,
            "name": "高洁",
            "who": "gaojie",
            "started_on": str(clock.today()),
        }
        assert page.client.send("/appointments/new", sent).status == 422


def test_a_deputy_opens_no_sealed_notes_and_makes_no_heads(as_):
    made = appoint(as_("孙立德"), office="deputy", name="高洁", who="gaojie")
    assert made.status == 200
    assert "副校长 · 望溪小学" in made.text
    deputy = as_("高洁", "principal")
    assert "副校长 · 望溪小学" in deputy.page("/account/").text
    assert deputy.page("/visits/school").status == 200
    offered = {
        element.get("value")
        for element in proved(deputy).page("/appointments/new").all("input", name="office")
    }
    assert "school_office" not in offered
    assert "deputy" not in offered


def test_district_staff_need_a_second_person_who_neither_asked_nor_gains(as_):
    asked = appoint(as_("系统管理员"), office="district_staff", name="高洁", who="gaojie", place="云溪县")
    assert "等另一个人确认" in asked.text
    assert appointment("高洁", "district_staff") is None
    request = db.session.scalars(select(AppointmentRequest).order_by(AppointmentRequest.id.desc())).first()
    path = f"/appointments/requests/{request.public_id}/confirmation"
    assert press_raw(as_("系统管理员"), path).status == 409
    assert press_raw(as_("唐芸"), path).status == 404
    assert press_raw(as_("何静"), path).status == 403
    second = press_raw(as_("张建平"), path)
    assert second.status == 200
    made = appointment("高洁", "district_staff")
    assert made is not None
    assert made.holds_on(clock.today())
    assert press_raw(as_("苏敏"), path).status == 409


def press_raw(client, path, **values):
    page = proved(client).page("/account/")
    token = next(element.get("value") for element in page.all("input", name="csrf_token"))
    return client.send(path, {"csrf_token": token, **values})


def test_an_appointment_ended_at_once_shows_nothing_on_the_very_next_page(as_):
    teacher = as_("王雪", "class_teacher")
    other_device = as_("王雪", "class_teacher")
    assert teacher.page("/schools/class").status == 200
    public_id = appointment("王雪", "class_teacher").public_id
    page = proved(as_("何静")).page(f"/appointments/{public_id}")
    page = proved(page.client).page(page.links["结束这项任职"])
    page = page.press("结束任职", when="now")
    assert "从这一分钟起" in page.text

    for device in (teacher, other_device):
        assert device.page("/schools/class").status == 403
        assert device.page("/visits/").status == 403
        assert device.page("/").status == 200
    ended = appointment("王雪", "class_teacher")
    assert ended.ended_on == clock.today()
    assert ended.ended_at is not None


def test_an_end_on_a_day_leaves_everything_until_then(as_):
    public_id = appointment("王雪", "class_teacher").public_id
    page = proved(as_("何静")).page(f"/appointments/{public_id}/end")
    assert page.press("结束任职", when="later").status == 422
    assert page.press("结束任职", when="later", last_on="2020-01-01").status == 422
    page = page.press("结束任职", when="later", last_on=str(clock.today()))
    assert page.status == 200
    assert as_("王雪", "class_teacher").page("/schools/class").status == 200
    ended = appointment("王雪", "class_teacher")
    assert ended.ended_on == clock.today() + timedelta(days=1)


@pytest.mark.parametrize(
    ("who", "whom", "role", "status"),
    [
        ("何静", "孙立德", "principal", 404),
        ("何静", "高洁", "class_teacher", 404),
        ("何静", "何静", "school_office", 404),
        ("孙立德", "孙立德", "principal", 404),
        ("孙立德", "何静", "school_office", 200),
        ("张建平", "孙立德", "principal", 200),
        ("张建平", "张建平", "district_staff", 409),
        ("张建平", "王雪", "class_teacher", 404),
        ("唐芸", "孙立德", "principal", 404),
        ("系统管理员", "系统管理员", "system_admin", 409),
        ("系统管理员", "张建平", "district_staff", 200),
        ("系统管理员", "孙立德", "principal", 404),
        ("王雪", "刘明远", "class_teacher", 403),
    ],
)
def test_who_may_end_what(as_, who, whom, role, status):
    public_id = appointment(whom, role).public_id

    assert press_raw(as_(who), f"/appointments/{public_id}/end", when="now").status == status


def test_a_role_change_asks_for_a_proof_first(as_):
    client = as_("何静")
    db.session.execute(update(AuthSession).values(proved_at=None))
    db.session.commit()

    assert client.get("/appointments/new").status_code == 303


def test_a_colleague_stands_in_and_both_see_it(as_):
    teacher = as_("王雪", "class_teacher")
    page = proved(teacher).page("/appointments/mine")
    page = page.client.page(page.links["请同事代理"])
    public_id = person("邓宇").public_id
    too_long = page.press("确定代理", colleague=public_id, last_on=str(clock.today() + timedelta(days=90)))
    assert too_long.status == 422
    page = too_long.press("确定代理", colleague=public_id, last_on=str(clock.today() + timedelta(days=6)))
    assert page.status == 200
    assert "邓宇" in page.text

    stand_in = as_("邓宇", "class_teacher")
    assert "班主任（代理） · 三(2)班" in stand_in.page("/account/").text
    assert stand_in.page("/visits/").status == 200
    assert "请同事代理" not in stand_in.page("/appointments/mine").links
    lent = db.session.scalars(
        select(Appointment).where(Appointment.delegated_from_id == appointment("王雪", "class_teacher").id)
    ).one()
    assert press_raw(stand_in, f"/appointments/{lent.public_id}/delegation").status == 404
    assert press_raw(as_("刘明远"), f"/appointments/{lent.public_id}/return").status == 404
    assert press_raw(teacher, f"/appointments/{lent.public_id}/return").status == 200
    assert "一项代理已结束" in stand_in.page("/messages/").text
    assert "一项代理已结束" not in teacher.page("/messages/").text
    assert stand_in.page("/visits/").status == 403


def test_what_was_lent_ends_with_its_origin_even_if_only_the_origin_is_ended(as_):
    teacher = appointment("王雪", "class_teacher")
    lent = Appointment(
        person_id=person("邓宇").id,
        role="class_teacher",
        class_id=teacher.class_id,
        started_on=clock.today(),
        ended_on=clock.today() + timedelta(days=9),
        delegated_from_id=teacher.id,
    )
    db.session.add(lent)
    db.session.commit()
    stand_in = as_("邓宇", "class_teacher")
    assert stand_in.page("/visits/").status == 200
    teacher.ended_on = clock.today()
    db.session.commit()

    assert stand_in.page("/visits/").status == 403


def test_a_delegation_that_ends_stands_on_the_first_page_of_both(as_):
    """Three days before its end for both, three days after it for who lent it; in between, before and for others not."""
    origin = appointment("王雪", "class_teacher")
    lent = Appointment(
        person_id=person("邓宇").id,
        role="class_teacher",
        class_id=origin.class_id,
        started_on=clock.today() - timedelta(days=30),
        ended_on=clock.today() + timedelta(days=2),
        delegated_from_id=origin.id,
    )
    db.session.add(lent)
    db.session.commit()
    assert "邓宇为您代理到" in as_("王雪", "class_teacher").page("/").text
    assert "您为王雪代理到" in as_("邓宇", "class_teacher").page("/").text
    assert "代理到" not in as_("刘明远").page("/").text + as_("孙立德").page("/").text
    lent.ended_on = clock.today() + timedelta(days=9)
    db.session.commit()
    assert "代理到" not in as_("王雪", "class_teacher").page("/").text
    lent.ended_on = clock.today() - timedelta(days=1)
    db.session.commit()
    page = as_("王雪", "class_teacher").page("/")
    assert "邓宇不再为您代理" in page.text
    assert page.client.page(page.links["查看我的岗位"]).status == 200
    lent.ended_on = clock.today() - timedelta(days=4)
    db.session.commit()
    assert "代理" not in as_("王雪", "class_teacher").page("/").text


def test_who_stands_in_for_the_principal_opens_no_sealed_note_unless_said(as_):
    """The same note, the same hour: shut for the one, open for the other."""
    principal = appointment("孙立德", "principal")
    sealed = as_("孙立德").page("/visits/school").links
    note = find_sealed(as_("孙立德"), sealed)
    lent = Appointment(
        person_id=person("何静").id,
        role="principal",
        school_id=principal.school_id,
        started_on=clock.today(),
        ended_on=clock.today() + timedelta(days=9),
        delegated_from_id=principal.id,
        opens_sealed=False,
    )
    db.session.add(lent)
    db.session.commit()
    assert as_("何静", "principal").page(note).status == 404
    lent.opens_sealed = True
    db.session.commit()
    assert proved(as_("何静", "principal")).page(note).status == 200


def test_sealed_notes_go_with_the_office_from_one_principal_to_the_next(as_):
    """Named readers are the author and whoever is principal: the successor reads older notes too, the leaver none."""
    leaver = as_("孙立德")
    path = find_sealed(leaver, leaver.page("/visits/school").links)
    note = db.session.scalars(select(SealedNote).where(SealedNote.public_id == path.rpartition("/")[2])).one()
    appointed = appoint(as_("张建平"), office="principal", name="罗敏", who="luomin", place="望溪小学")
    assert appointed.status == 200
    assert press_raw(
        as_("张建平"), f"/appointments/{appointment('孙立德', 'principal').public_id}/end", when="now"
    ).status == 200  # fmt: skip

    assert proved(leaver).page(path).status == 403
    assert (
        find_sealed(as_("罗敏", "principal"), as_("罗敏", "principal").page("/visits/school").links) == path
    )
    page = proved(as_("罗敏", "principal")).page(path)
    assert note.body not in page.html
    opened = page.press("查看记录", reason="接任，了解情况")
    assert note.body in opened.text
    read = db.session.scalars(
        select(TrailEntry).where(TrailEntry.category == "F4S", TrailEntry.object_id == note.id)
    ).all()
    assert [(entry.person_id, entry.purpose) for entry in read] == [(person("罗敏").id, "接任，了解情况")]
    assert proved(as_("罗敏", "school_office")).page(path).status == 404


def find_sealed(client, links):
    proved(client)
    for href in set(links.values()):
        if href.startswith("/visits/") and len(href) == len("/visits/") + 22:
            for target in client.page(href).links.values():
                if target.startswith("/visits/sealed/"):
                    return target
    raise AssertionError("no sealed note")


def test_the_list_costs_the_same_for_one_and_for_many(as_, queries):
    office = as_("何静")
    with queries() as few:
        office.page("/appointments?q=wangxue")
    with queries() as many:
        office.page("/appointments")

    assert len(many) == len(few)


class Readers:
    """Eight browsers of 王雪 that read her class without a pause.

    ``leaks``: reads that started after the end was committed and were answered before she was appointed again, and yet
    showed the class.
    """

    def __init__(self, as_):
        self.clients = [as_("王雪", "class_teacher") for _number in range(8)]
        self.leaks, self.reads = [], [0] * 8
        self.ended_at = float("inf")
        self.stop = threading.Event()
        self.seen = [threading.Event() for _client in self.clients]
        self.refused = [threading.Event() for _client in self.clients]
        self.threads = [
            threading.Thread(target=self.read, args=(number,), daemon=True) for number in range(8)
        ]

    def read(self, number):
        while not self.stop.is_set():
            started, limit = time.monotonic(), self.ended_at
            status = Context().run(FlaskClient.open, self.clients[number], "/schools/class").status_code
            self.reads[number] += 1
            if started > limit and self.ended_at == limit:
                if status == 200:
                    self.leaks.append(number)
                self.refused[number].set()
            elif status == 200 and started < limit:
                self.seen[number].set()
            time.sleep(0.01)

    def wait_for(self, events):
        for event in events:
            event.clear()
        assert all(event.wait(30) for event in events)


def race(as_, rounds):
    """The office ends the appointment so many times while eight browsers read: (leaks, reads in all)."""
    public_id = appointment("王雪", "class_teacher").public_id
    readers, office = Readers(as_), as_("何静")
    token = next(
        element.get("value") for element in proved(office).page("/account/").all("input", name="csrf_token")
    )
    same = update(Appointment).where(Appointment.public_id == public_id)
    for thread in readers.threads:
        thread.start()
    try:
        for _round in range(rounds):
            readers.wait_for(readers.seen)
            sent = {"csrf_token": token, "when": "now"}
            assert office.post(f"/appointments/{public_id}/end", data=sent).status_code == 303
            readers.ended_at = time.monotonic()
            readers.wait_for(readers.refused)
            readers.ended_at = float("inf")
            db.session.execute(same.values(ended_on=None, ended_at=None))
            db.session.commit()
    finally:
        readers.stop.set()
        for thread in readers.threads:
            thread.join(30)
    return readers.leaks, sum(readers.reads)


def test_reads_that_start_after_the_end_see_nothing(app, as_):
    leaks, reads = race(as_, 50)

    assert leaks == []
    assert reads > 50 * 8


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_reads_that_start_after_the_end_see_nothing_a_thousand_times(app, as_, record_property):
    leaks, reads = race(as_, 1_000)
    record_property("reads", reads)

    assert leaks == []
    assert reads > 1_000 * 8
