"""Back into an account through the school: two people, a code, a day; nobody learns whether an account exists."""

import io
import re
from datetime import timedelta

import pypdf
import pytest
import time_machine
from sqlalchemy import select

from portal import clock
from portal.accounts import passwords
from portal.accounts.models import Passkey, Person
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.joining import codes
from portal.recovery import jobs, views
from portal.recovery.models import Checked, Recovery, RecoveryAsking
from portal.rehearsal.town import PASSWORD
from portal.schools.models import District
from portal.signon.models import SignOnTie
from portal.trail.models import TrailEntry
from tests.support.client import words

NEW = "小满爱吃西红柿炒鸡蛋和一碗热汤面"


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def of(name):
    """The newest recovery of somebody."""
    wanted = select(Recovery).where(Recovery.person_id == person(name).id).order_by(Recovery.id.desc())
    return db.session.scalars(wanted.limit(1)).one()


def begin(client, name, **more):
    page = client.page("/recovery/new", query_string={"q": name})
    link = next(address for words, address in page.links.items() if words.startswith(name))
    values = {"checked": "card", "reason": "换了手机，忘记密码", **more}
    return client.page(link).press("发起", **values)


def approve(client, name):
    return client.page(f"/recovery/{of(name).public_id}").press("同意")


def make_sheet(client, name):
    page = client.page(f"/recovery/{of(name).public_id}").press("生成纸质找回码")
    row = of(name)
    return page, codes.shown(row.number), codes.shown(row.code)


def recovered(as_, name, begins="何静", approves="孙立德", **more):
    """A sheet for somebody: number and code."""
    begin(as_(begins), name, **more)
    approve(as_(approves), name)
    return make_sheet(as_(begins), name)[1:]


def enter(client, number, code):
    return client.page("/recovery/code").press("继续", number=number, code=code)


def choose(page, password=NEW):
    """Choose a new password on the page that asks for one."""
    form = next(
        form for form in page.all("form") if any(one.get("type") == "password" for one in form.iter())
    )
    names = [one.get("name") for one in form.iter() if one.get("type") == "password"]
    button = next(words(one) for one in form.iter("button") if one.get("type") != "button")
    return page.press(button, **dict.fromkeys(names, password))


def later(**named):
    return time_machine.travel(clock.now() + timedelta(**named), tick=False)


# The whole way


def test_a_mother_gets_back_in_with_two_people_of_the_school(as_):
    old_phone = as_("李晚晴")
    county = db.session.scalars(select(District).where(District.name == "云溪县")).one()
    tie = SignOnTie(
        district_id=county.id, subject_hash="0" * 64, person_id=person("李晚晴").id, first_at=clock.now()
    )
    db.session.add(tie)
    db.session.commit()
    number, code = recovered(as_, "李晚晴")
    client = as_(None)
    page = enter(client, number, code)
    assert client.get("/").status_code == 302, "nobody is in before a new password is chosen"
    page = choose(page)

    assert page.path == "/"
    assert "李晚晴" in page.heading
    assert db.session.scalars(select(SignOnTie)).all() == [], "single sign-on begins anew as well"
    assert old_phone.get("/").status_code == 302
    assert passwords.matches(person("李晚晴").password_hash, NEW)
    assert not passwords.matches(person("李晚晴").password_hash, PASSWORD)


def test_the_class_teacher_of_the_child_may_approve(as_):
    begin(as_("何静"), "李晚晴")
    page = approve(as_("王雪"), "李晚晴")

    assert "已同意" in page.html


def test_everything_stands_in_the_trail_of_the_person(as_):
    number, code = recovered(as_, "李晚晴")
    choose(enter(as_(None), number, code))
    entries = db.session.scalars(
        select(TrailEntry).where(
            TrailEntry.subject_id == person("李晚晴").id, TrailEntry.action.like("recovery.%")
        )
    ).all()

    assert [entry.action for entry in entries] == [
        "recovery.begun", "recovery.approved", "recovery.code_made", "recovery.used",
    ]  # fmt: skip
    assert [entry.person_id for entry in entries[:2]] == [person("何静").id, person("孙立德").id]
    assert all(entry.school_id == of("李晚晴").school_id for entry in entries)


def test_the_owner_of_the_account_hears_of_it_from_the_first_moment(as_):
    begin(as_("何静"), "李晚晴")
    assert [row.kind for row in db.session.scalars(select(Delivery))] == ["recovery.begun"]
    approve(as_("孙立德"), "李晚晴")
    _page, number, code = make_sheet(as_("何静"), "李晚晴")
    choose(enter(as_(None), number, code))

    assert [row.kind for row in db.session.scalars(select(Delivery))][-1] == "recovery.done"


def test_the_sheet_is_paper_with_number_and_code(as_):
    client = as_("何静")
    number, code = recovered(as_, "李晚晴")
    answer = client.get(f"/recovery/{of('李晚晴').public_id}/paper")
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(answer.data)).pages)

    assert answer.mimetype == "application/pdf"
    assert number in text.replace(" ", "")
    assert code in text.replace(" ", "")
    assert "李晚晴" in text
    with later(hours=1):
        assert as_("何静").get(f"/recovery/{of('李晚晴').public_id}/paper").status_code == 409


def test_the_code_may_go_to_the_persons_own_number(as_):
    begin(as_("何静"), "李晚晴")
    approve(as_("孙立德"), "李晚晴")
    page = as_("何静").page(f"/recovery/{of('李晚晴').public_id}")
    button = next(words for words in page.buttons if words.startswith("发送到"))
    page.press(button)
    sent = db.session.scalars(select(Delivery).where(Delivery.kind == "recovery.code")).one()

    assert sent.recipient == person("李晚晴").phone
    assert of("李晚晴").code is None
    assert choose(enter(as_(None), sent.values["number"], sent.values["code"])).path == "/"


def test_a_lost_second_factor_goes_with_it(as_):
    mother = person("李晚晴")
    db.session.add(
        Passkey(
            person_id=mother.id, name="旧手机", credential_id=b"1", public_key=b"2", created_at=clock.now()
        )
    )
    db.session.commit()
    number, code = recovered(as_, "李晚晴", lost_second="y")
    page = choose(enter(as_(None), number, code))

    assert page.path == "/"
    assert db.session.scalars(select(Passkey).where(Passkey.person_id == mother.id)).all() == []


def test_a_second_factor_that_is_not_lost_is_still_asked_for(as_):
    mother = person("李晚晴")
    db.session.add(
        Passkey(person_id=mother.id, name="手机", credential_id=b"1", public_key=b"2", created_at=clock.now())
    )
    db.session.commit()
    number, code = recovered(as_, "李晚晴")

    assert enter(as_(None), number, code).path == "/account/second-step"


# Two people, never oneself


def test_nobody_approves_what_they_began(as_):
    begin(as_("孙立德"), "李晚晴")
    client = as_("孙立德")
    page = client.page(f"/recovery/{of('李晚晴').public_id}")
    assert "同意" not in page.buttons
    refused = client.send(f"/recovery/{of('李晚晴').public_id}/approval", tokens(page))

    assert refused.status == 409
    assert of("李晚晴").approved_at is None


def tokens(page):
    values = page.fields(page.all("form")[-1])
    return {"csrf_token": values["csrf_token"][0]}


def test_nobody_recovers_or_approves_their_own_account(as_):
    page = as_("孙立德").page("/recovery/new", query_string={"q": "孙立德"})
    assert not any(words.startswith("孙立德") for words in page.links if "recovery/new" in page.links[words])
    source = of("陈守川")
    row = Recovery(
        person_id=person("王雪").id, school_id=source.school_id, pupil_id=source.pupil_id, whose="guardian",
        checked="", lost_second=False, tries=0, expires_at=source.expires_at,
    )  # fmt: skip
    row.start(person("何静").id, Checked.CARD, "忘记密码", False, clock.now())
    db.session.add(row)
    db.session.commit()
    client = as_("王雪", "class_teacher")
    page = client.page(f"/recovery/{row.public_id}")

    assert "同意" not in page.buttons
    assert client.send(f"/recovery/{row.public_id}/approval", tokens(page)).status == 409


def test_the_database_itself_refuses_one_person_for_both(app):
    row = of("刘明远")
    row.approved_by_id, row.approved_at = row.started_by_id, clock.now()
    with pytest.raises(Exception, match="two_people"):
        db.session.commit()
    db.session.rollback()


def test_without_approval_there_is_no_code(as_):
    begin(as_("何静"), "李晚晴")
    client = as_("何静")
    page = client.page(f"/recovery/{of('李晚晴').public_id}")
    answer = client.send(f"/recovery/{of('李晚晴').public_id}/code", {**tokens(page), "by": "paper"})

    assert answer.status == 409
    assert of("李晚晴").code_hash is None


def test_only_whoever_began_hands_the_code_over(as_):
    begin(as_("何静"), "李晚晴")
    approve(as_("孙立德"), "李晚晴")
    client = as_("孙立德")
    page = client.page(f"/recovery/{of('李晚晴').public_id}")
    answer = client.send(f"/recovery/{of('李晚晴').public_id}/code", {**tokens(page), "by": "paper"})

    assert answer.status == 409


def test_staff_go_through_principal_and_district(as_):
    assert not any(words.startswith("邓宇") for words in as_("何静").page("/recovery/new?q=邓宇").links)
    begin(as_("孙立德"), "邓宇")
    assert as_("何静").get(f"/recovery/{of('邓宇').public_id}").status_code == 404
    assert "已同意" in approve(as_("张建平"), "邓宇").html


def test_a_principal_goes_through_two_people_of_the_district(as_):
    assert not any(words.startswith("孙立德") for words in as_("孙立德").page("/recovery/new?q=孙立德").links)
    begin(as_("张建平"), "孙立德")

    assert "同意" not in as_("张建平").page(f"/recovery/{of('孙立德').public_id}").buttons


def test_the_school_stops_what_looks_wrong(as_):
    begin(as_("何静"), "李晚晴")
    as_("王雪").page(f"/recovery/{of('李晚晴').public_id}").press("停止这次找回")

    assert of("李晚晴").state(clock.now()) == "已拒绝"
    assert as_("孙立德").send(
        f"/recovery/{of('李晚晴').public_id}/approval", tokens(as_("孙立德").page("/account/"))
    ).status in (400, 409)


# Codes


def test_a_code_works_once_for_a_day_and_five_tries(as_):
    number, code = recovered(as_, "李晚晴")
    with later(hours=24):
        assert enter(as_(None), number, code).status == 422
    for _try in range(5):
        assert enter(as_(None), number, "0000-0000").status == 422
    assert enter(as_(None), number, code).status == 422

    _page, number, code = make_again(as_("何静"), "李晚晴")
    choose(enter(as_(None), number, code))
    assert enter(as_(None), number, code).status == 422


def make_again(client, name):
    page = client.page(f"/recovery/{of(name).public_id}").press("重新生成")
    return page, codes.shown(of(name).number), codes.shown(of(name).code)


def test_a_new_sheet_ends_the_old_one(as_):
    number, code = recovered(as_, "李晚晴")
    make_again(as_("何静"), "李晚晴")

    assert enter(as_(None), number, code).status == 422


def test_a_code_may_be_typed_in_any_way(as_):
    number, code = recovered(as_, "李晚晴")
    sloppy = code.lower().replace("0", "o").replace("1", "l").replace("-", " ")
    wide = number.translate({ord(sign): ord(sign) + 0xFEE0 for sign in "0123456789ABCDEFGHJKMNPQRSTVWXYZ"})

    assert enter(as_(None), f" {wide} ", sloppy).status == 200


@pytest.mark.parametrize(
    "number, code", [("", ""), ("AAA-AAA", "AAAA-AAAA"), ("x" * 4096, "y"), ("\x00", "1"), ("七", "零" * 8)]
)
def test_what_opens_nothing_reads_the_same(as_, number, code):
    page = enter(as_(None), number, code)

    assert page.status == 422


def test_neither_code_nor_reason_stands_in_the_database(app, home, as_):
    number, code = recovered(as_, "李晚晴")
    with later(hours=2):
        jobs.forget_old()
    assert of("李晚晴").code is None
    db.session.remove()
    kept = b"".join((home / name).read_bytes() for name in ("portal.db", "portal.db-wal"))
    for secret in (code.replace("-", ""), "换了手机，忘记密码"):
        assert secret.encode() not in kept
    assert number.replace("-", "").encode() in kept


# Asking on the public page


def ask(client, name):
    return client.page("/recovery/ask").press("请学校帮忙", name=name)


@pytest.mark.parametrize(
    "name", ["liwanqing", "nobody-at-all", "13900001111", "x@example.com", "张三", "admin"]
)
def test_everybody_gets_the_same_answer(as_, name):
    first, other = ask(as_(None), name), ask(as_(None), "someone else")

    assert first.path == other.path == "/recovery/asked"
    assert first.text == other.text


def test_the_school_sees_who_asked_and_begins(as_):
    ask(as_(None), "liwanqing")
    ask(as_(None), person("李晚晴").phone.removeprefix("+86"))
    rows = db.session.scalars(select(Recovery).where(Recovery.person_id == person("李晚晴").id)).all()
    assert len(rows) == 1
    page = as_("何静").page("/recovery/")
    assert "李晚晴" in page.text
    page = as_("何静").page(f"/recovery/{rows[0].public_id}")
    page = page.client.page(page.links["发起"]).press("发起", checked="known", reason="忘记密码")

    assert "另一人同意" in page.html
    assert of("李晚晴").asked_at is not None


def test_district_staff_and_strangers_reach_nobody(as_):
    before = db.session.query(Recovery).count()
    for name in ("zhangjianping", "admin", "nobody-at-all"):
        ask(as_(None), name)

    assert db.session.query(Recovery).count() == before


def test_a_lost_ring_is_found_and_askings_are_forgotten(app, as_, monkeypatch):
    monkeypatch.setattr(views, "ring", lambda *_arguments, **_named: None)
    ask(as_(None), "liwanqing")
    jobs.find_all_who_asked()
    jobs.find_all_who_asked()
    assert of("李晚晴").started_at is None
    with later(days=2):
        jobs.forget_old()

    assert db.session.scalars(select(RecoveryAsking)).all() == []


@pytest.mark.parametrize(
    "values, said", [({"checked": ""}, "怎样确认"), ({"reason": ""}, "原因"), ({"reason": "长" * 301}, "300")]
)
def test_what_is_missing_is_said_and_the_rest_kept(as_, values, said):
    page = begin(as_("何静"), "李晚晴", **values)

    assert page.status == 422
    assert said in page.text
    if "reason" not in values:
        assert "换了手机" in page.html


@pytest.mark.parametrize("key", ["", "x", "a.b", "A" * 22, "%", "张" * 80])
def test_a_mangled_choice_finds_nobody(as_, key):
    page = as_("何静").page("/recovery/new", query_string={"person": key, "q": "%_"})

    assert page.status == 200
    assert re.search("帮人找回账号", page.text)


def test_a_list_of_ten_costs_as_many_queries_as_one(as_, queries):
    def cost():
        client = as_("何静")
        client.get("/recovery/")
        with queries() as count:
            client.get("/recovery/")
        return len(count)

    few = cost()
    source = of("陈守川")
    for name in ("李晚晴", "周桂兰", "赵大江", "林悦", "方晴"):
        db.session.add(
            Recovery(
                person_id=person(name).id, school_id=source.school_id, pupil_id=source.pupil_id, whose="guardian",
                checked="", lost_second=False, asked_at=clock.now(), tries=0, expires_at=source.expires_at,
            )
        )  # fmt: skip
    db.session.commit()

    assert cost() == few
