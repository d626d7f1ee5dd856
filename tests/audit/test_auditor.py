"""A district's auditor of data protection: what they look into, that no family shows through, who appoints them."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from portal import clock
from portal.accounts.models import Appointment, AuthSession, Person
from portal.extensions import db
from portal.opinions.models import Opinion
from portal.privacy import exporting as privacy_exporting
from portal.privacy.models import ExportRequest
from portal.schools.models import District, Pupil, School
from portal.staffing.models import AppointmentRequest
from portal.trail.models import note

AUDITOR = "秦守正"


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def proved(client):
    db.session.execute(update(AuthSession).values(proved_at=clock.now()))
    db.session.commit()
    return client


def export(by, district, school=None, purpose="核对陈一诺的名单", **more):
    """An export that somebody asked for."""
    found = db.session.scalars(select(District).where(District.name == district)).one()
    place = db.session.scalars(select(School).where(School.name == school)).one() if school else None
    made = ExportRequest(
        kind="pupils",
        district_id=found.id,
        school_id=place and place.id,
        asked_by_id=person(by).id,
        asked_at=clock.now(),
        purpose=purpose,
        **more,
    )
    db.session.add(made)
    db.session.commit()
    return made


def test_the_log_of_exports_tells_who_and_when_and_not_for_what(as_, queries):
    export("张建平", "云溪县", people=321, approved_by_id=person("苏敏").id)
    export("何静", "云溪县", "望溪小学")
    export("唐芸", "石桥县")
    client = as_(AUDITOR)
    with queries() as few:
        page = client.page("/privacy/exports/log")
    assert all(word in page.text for word in ("张建平", "教育局", "苏敏", "321", "何静", "望溪小学"))
    assert "唐芸" not in page.text
    assert "陈一诺" not in page.html
    for _round in range(5):
        export("孙立德", "云溪县", "望溪小学")
    with queries() as many:
        client.page("/privacy/exports/log")
    assert len(many) <= len(few)


def test_the_first_page_leads_to_all_there_is_to_look_into(as_):
    note("opinion.sent", None, person_id=person("李晚晴").id, role="guardian", school_id=1)
    db.session.commit()
    client = as_(AUDITOR)
    first = client.page("/")
    for link in ("日志", "数据导出记录", "到期自动删除", "日志如何防篡改", "我的导出"):
        assert client.page(first.links[link]).status == 200
    log = client.page("/audit/")
    assert "家长" in log.text and "李晚晴" not in log.text
    for path in (
        "/schools/",
        "/ratings/",
        "/opinions/",
        "/appointments",
        "/privacy/audit",
        "/privacy/exports/new",
    ):
        assert client.page(path).status == 403


def test_what_goes_by_itself_is_counted_and_no_record_named(as_):
    opinion = db.session.scalars(select(Opinion).where(Opinion.author_id == person("李晚晴").id)).first()
    opinion.acknowledged_on = opinion.answered_on = clock.today() - timedelta(days=3 * 365 - 7)
    db.session.commit()
    shown = {name: as_(name).page("/privacy/retention").text for name in ("张建平", AUDITOR)}
    assert all("意见和答复" in text for text in shown.values())
    assert [opinion.number in text for text in shown.values()] == [True, False]


def test_the_log_leaves_for_an_auditor_with_the_word_of_the_office(as_, monkeypatch):
    home = db.session.scalars(select(School).where(School.name == "望溪小学")).one()
    for child in db.session.scalars(select(Pupil.id).where(Pupil.school_id == home.id).limit(3)).all():
        note("visit.written", None, person_id=1, role="class_teacher", pupil_id=child, school_id=home.id)
    db.session.commit()
    monkeypatch.setattr(privacy_exporting, "MOST_ALONE", 2)
    auditor = as_(AUDITOR)
    asked = proved(auditor).page("/audit/export").press("申请导出日志", kind="csv", reason="年度审计")
    assert "等第二人确认" in asked.text
    public_id = db.session.scalars(select(ExportRequest.public_id).order_by(ExportRequest.id.desc())).first()
    assert sent(auditor, f"/privacy/exports/{public_id}/decision", agrees="yes").status == 403
    proved(as_("张建平")).page("/privacy/exports").press("同意")
    answer = proved(auditor).page("/privacy/exports")
    form = answer.form_of("领取文件")
    file = auditor.post(form.get("action"), data=answer.fields(form)).get_data().decode("utf-8-sig")
    assert "visit.written" in file and "年度审计" in file


def ask_for(client, office, name, who):
    return proved(client).page("/appointments/new").press(
        "确定任职", office=office, name=name, who=who, place="云溪县"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("by", "office", "name", "who"),
    [("张建平", "auditor", "苏敏", "sumin"), ("张建平", "district_staff", AUDITOR, "qinshouzheng")],
)
def test_nobody_looks_into_their_own_work(as_, by, office, name, who):
    assert "审计员监督这个岗位的工作" in ask_for(as_(by), office, name, who).text


def test_an_auditor_is_appointed_by_two_people_who_see_to_it_once_more(as_):
    asked = ask_for(as_("张建平"), "auditor", "高洁", "gaojie")
    assert "等另一个人确认" in asked.text
    wanted = select(Appointment).where(
        Appointment.person_id == person("高洁").id, Appointment.role == "auditor"
    )
    assert db.session.scalar(wanted) is None
    request = db.session.scalars(select(AppointmentRequest).where(AppointmentRequest.role == "auditor")).one()
    other = Appointment(
        person_id=person("高洁").id,
        role="district_staff",
        district_id=request.district_id,
        started_on=clock.today(),
    )
    db.session.add(other)
    db.session.commit()
    assert confirmed(as_("苏敏"), request).status == 409
    db.session.delete(other)
    db.session.commit()
    assert confirmed(as_("苏敏"), request).status == 200
    assert db.session.scalar(wanted) is not None


def confirmed(client, request):
    return sent(client, f"/appointments/requests/{request.public_id}/confirmation")


def sent(client, path, **values):
    page = proved(client).page("/account/")
    token = next(element.get("value") for element in page.all("input", name="csrf_token"))
    return client.send(path, {"csrf_token": token, **values})


def test_the_auditors_first_page_names_what_they_have(as_):
    """No visits, no courses, no school to ring: an auditor belongs to a district."""
    person(AUDITOR).elder = True
    db.session.commit()

    page = as_(AUDITOR).page("/")

    assert "data-elder" in page.html
    assert "您要审计的记录" in page.html
    assert "家访、通知" not in page.html
    assert "打电话" not in page.html
