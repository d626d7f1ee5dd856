"""Referrals handed over by message, and a long file read in pieces; through the front door."""

import re
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from portal import clock
from portal.care.models import CareContact, LeftBehind, Opening, Referral, ReferralCopy
from portal.deliveries.jobs import forget_old
from portal.deliveries.kinds import KINDS
from portal.deliveries.models import Delivery, State
from portal.extensions import db
from portal.schools.models import Pupil
from tests.care.test_watches import approved, newest

ADDRESS = "shen@xinqing.example"


def send(as_, row, address=ADDRESS):
    return as_("王雪").page(f"/care/referrals/{row.public_id}").press("发送给收件人", recipient=address)


def number_in(delivery):
    return delivery.values["number"]


def by_number(as_, number, code):
    return as_(None).page(f"/care/shared?number={number}").press("打开转介", code=code)


def test_a_copy_goes_out_and_its_opening_is_kept(as_):
    row, _link = approved(as_)
    page = send(as_, row)
    assert page.status == 200 and "s***@xinqing.example" in page.text and "尚未打开" in page.text
    sent = newest(Delivery)
    assert (sent.person_id, sent.recipient, sent.kind) == (None, ADDRESS, "care.handed")
    assert ADDRESS.encode() not in sent.recipient_sealed
    kind, words = KINDS[sent.kind], dict(sent.values)
    text = " ".join(kind.worded(words))
    assert "望溪小学" in text and "小满" not in text and row.code not in text and "http" not in text
    mail = kind.worded(words, address="https://gongyu.example")[1]
    path = re.search(r"https://gongyu\.example(\S+)", mail)[1]

    blank = as_(None).page(path)
    assert blank.status == 200 and "小满" not in blank.html
    read = blank.press("打开转介", code=row.code)
    assert "想请您和孩子谈谈" in read.text and "不想活" not in read.html
    copy = newest(ReferralCopy)
    assert newest(Opening).copy_id == copy.id
    assert number_in(sent).replace("-", "").encode() not in copy.number_index
    record = as_("王雪").page(f"/care/referrals/{row.public_id}").text
    assert "打开于" in record and "王雪" in record
    file = as_("王雪").page(f"/care/pupils/{row_pupil(row).public_id}").text
    assert "学校写给合作单位的话" in file and "电子邮件" in file and "打开" in file


def row_pupil(row):
    return db.session.get(Pupil, row.pupil_id)


def test_a_text_message_names_a_number_that_can_be_typed(as_):
    row, _link = approved(as_)
    send(as_, row, "１３８ ０００１ ０００２")
    sent = newest(Delivery)
    assert sent.recipient == "+8613800010002" and newest(ReferralCopy).way == "sms"
    typed = number_in(sent).replace("-", " ").lower()
    assert "想请您和孩子谈谈" in by_number(as_, typed, row.code).text


@pytest.mark.parametrize(
    "address",
    [
        "",
        "   ",
        "沈老师",
        "1381",
        "a@b",
        "a@b.c d",
        "@",
        "x" * 300 + "@a.example",
        "a\u202e@b.example",
        "8" * 400,
    ],
    ids=lambda address: repr(address)[:20],
)
def test_where_nothing_can_arrive_nothing_is_sent(as_, address):
    row, _link = approved(as_)
    before = len(db.session.scalars(select(Delivery.id)).all())
    assert send(as_, row, address).status == 422
    assert len(db.session.scalars(select(Delivery.id)).all()) == before
    assert db.session.scalars(select(ReferralCopy)).all() == []


@pytest.mark.parametrize("number", ["", "0", "ZZZZZZ-ZZZZZZ", "'; --", "９" * 500, "\u0000", "a" * 70])
def test_a_number_that_was_never_sent_opens_nothing(as_, number):
    page = as_(None).page("/care/shared").press("打开转介", number=number, code="123456")
    assert page.status == 422


def test_wrong_codes_count_over_all_ways_in(as_):
    row, link = approved(as_)
    send(as_, row)
    number = number_in(newest(Delivery))
    for _try in range(3):
        assert by_number(as_, number, "wrong").status == 422
    for _try in range(2):
        as_(None).page(link).press("打开转介", code="wrong")
    assert by_number(as_, number, row.code).status == 410


def test_recall_shuts_every_copy_says_so_and_stops_what_waits(as_):
    row, link = approved(as_)
    send(as_, row)
    waits = newest(Delivery)
    number, waits.state = number_in(waits), State.WAITING
    db.session.commit()
    open_before = as_("王雪").page(f"/care/referrals/{row.public_id}")
    as_("孙立德").page(f"/care/referrals/{row.public_id}").press("撤回")
    db.session.refresh(waits)
    assert (waits.state, waits.problem, waits.values_sealed) == (State.FAILED, "withdrawn", None)
    gone = by_number(as_, number, row.code)
    assert gone.status == 410 and "撤回" in gone.text and "小满" not in gone.html
    assert "撤回" in as_(None).page(link).text
    assert open_before.press("发送给收件人", recipient=ADDRESS).status == 409


def test_expiry_says_its_day_and_after_thirty_days_the_address_is_gone(as_):
    row, link = approved(as_)
    send(as_, row)
    with time_machine.travel(clock.now() + timedelta(days=31)):
        assert "现已过期" in as_(None).page(link).text
        forget_old()
        db.session.expire_all()
        page = as_("王雪").page(f"/care/referrals/{row.public_id}")
        assert "xinqing" not in page.html and "王雪" in page.text and "尚未打开" in page.text


def test_five_copies_are_enough(as_):
    row, _link = approved(as_)
    for _copy in range(4):
        send(as_, row)
    pages = [as_("王雪").page(f"/care/referrals/{row.public_id}") for _tab in range(2)]
    statuses = [page.press("发送给收件人", recipient=ADDRESS).status for page in pages]
    assert statuses == [200, 409] and len(db.session.scalars(select(ReferralCopy)).all()) == 5
    assert "发送给收件人" not in as_("王雪").page(f"/care/referrals/{row.public_id}").buttons


def entries_of(page):
    return [found.strip() for found in re.findall(r"第\d+次通话", page.text)]


def test_a_long_file_comes_in_pieces_at_the_same_cost(as_, queries):
    entered = db.session.scalars(
        select(LeftBehind).join(Pupil, Pupil.id == LeftBehind.pupil_id).where(Pupil.name == "赵小满")
    ).one()
    address = f"/care/pupils/{db.session.get(Pupil, entered.pupil_id).public_id}"
    as_("王雪").page(address)
    with queries() as few:
        as_("王雪").page(address)
    author = db.session.scalars(select(Referral)).first().author_id
    for number in range(60):
        made = CareContact(
            left_behind_id=entered.id,
            author_id=author,
            held_on=clock.today() - timedelta(days=number // 7),
            means="phone",
            written_at=clock.now(),
        )
        made.with_whom, made.line = "妈妈", f"第{number}次通话"
        db.session.add(made)
    db.session.commit()
    with queries() as many:
        page = as_("王雪").page(address)
    assert len(many) == len(few)
    whole = entries_of(as_("王雪").page(f"{address}/paper"))
    assert len(whole) == len(set(whole)) == 60
    read, pages = entries_of(page), 1
    while "看更多" in page.links:
        page = as_("王雪").page(page.links["看更多"])
        read += entries_of(page)
        pages += 1
    assert pages >= 3 and read == whole
    for mangled in ("x", "WyI5OTk5LTEyLTMxIiwxLDFd", "W10", "A" * 3000):
        assert "第0次通话" in as_("王雪").page(f"{address}?after={mangled}").text
