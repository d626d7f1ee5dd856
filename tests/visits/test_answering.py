"""An invitation answered with a code, its calendar file, and the reminder on the day before."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import clock
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.schools import enrolling
from portal.visits.answering import INVITED, REMINDER, tell
from portal.visits.calendar_file import calendar_file
from portal.visits.models import AnswerCode, Form, Invitation, InvitationState
from portal.visits.reminding import remind_of_tomorrow
from tests.visits.builders import person, pupil, ties

SIGNS = {"teacher": "王雪", "school": "望溪小学"}


def invitation_of(name):
    """The newest invitation about a pupil."""
    found = select(Invitation).where(Invitation.pupil_id == pupil(name).id).order_by(Invitation.id.desc())
    return db.session.scalars(found.limit(1)).one()


def code_of(name, guardian):
    """The code that a guardian was sent for the newest invitation about a pupil."""
    invitation = invitation_of(name)
    if not db.session.scalar(select(AnswerCode.id).where(AnswerCode.invitation_id == invitation.id)):
        tell(invitation)
        db.session.commit()
    sent = select(Delivery).where(Delivery.kind == INVITED.name, Delivery.person_id == person(guardian).id)
    return db.session.scalars(sent.order_by(Delivery.id.desc()).limit(1)).one().values["code"]


def typed(client, code):
    """The page after a code was typed."""
    return client.page("/visits/answer").press("继续", code=code)


def test_a_family_answers_without_signing_in_once(as_):
    code = code_of("陈一诺", "李晚晴")
    offer = typed(as_(None), code.lower().replace("-", " "))

    assert offer.status == 200
    assert "王雪" in offer.text
    assert "望溪小学" in offer.text
    for hidden in ("陈一诺", "阅读", "三(2)班", "李晚晴"):
        assert hidden not in offer.html

    done = offer.press("就这样约", form="phone")
    assert done.status == 200
    found = invitation_of("陈一诺")
    assert (found.state, found.chosen_form) == (InvitationState.ACCEPTED, Form.PHONE)
    assert found.answered_by_id == person("李晚晴").id

    assert typed(as_(None), code).status == 422
    # The other parent's code answers nothing either: the invitation is settled.
    assert typed(as_(None), code_of("陈一诺", "陈守川")).status == 422


def test_a_family_declines_with_the_code_and_no_reason(as_):
    code = code_of("陈一诺", "李晚晴")
    as_(None).page(f"/visits/answer?code={code}").press("暂不方便")

    assert invitation_of("陈一诺").state == InvitationState.DECLINED


def test_looking_at_the_offer_uses_nothing_up(as_):
    code = code_of("陈一诺", "李晚晴")
    for _look in range(3):
        assert as_(None).page(f"/visits/answer?code={code}").status == 200
    assert invitation_of("陈一诺").state == InvitationState.OPEN


@pytest.mark.parametrize("code", ["", "0000-0000-0000", "x" * 300, "'; drop", "\u202e"])
def test_a_wrong_code_opens_nothing(as_, code):
    page = typed(as_(None), code)

    assert page.status == 422
    assert "王雪" not in page.text


def test_a_guardian_who_was_limited_since_answers_nothing(as_):
    tie = next(tie for tie in ties("陈一诺") if tie.person_id == person("陈守川").id)
    code = code_of("陈一诺", "陈守川")
    assert typed(as_(None), code).status == 200

    enrolling.limit(tie, clock.today())
    db.session.commit()
    assert typed(as_(None), code).status == 422


def test_a_code_ends_with_the_last_proposed_time(as_):
    code = code_of("陈一诺", "李晚晴")
    for row in db.session.scalars(select(AnswerCode)):
        row.expires_at = clock.now() - timedelta(seconds=1)
    db.session.commit()

    assert typed(as_(None), code).status == 422


def test_only_the_keyed_index_of_a_code_is_kept(app):
    code = code_of("陈一诺", "李晚晴").replace("-", "")
    rows = db.session.scalars(select(AnswerCode)).all()

    assert rows
    assert all(len(row.code_index) == 15 and code.encode() not in row.code_index for row in rows)


def test_sending_an_invitation_sends_codes_to_full_guardians_only(as_):
    child = pupil("林嘉树")
    soon = (clock.local(clock.now()) + timedelta(days=3)).strftime("%Y-%m-%dT18:30")
    page = as_("王雪").page(f"/visits/invitations/new?pupil={child.public_id}")
    page.press("发出邀请", purpose="聊聊孩子的画。", time_1=soon)

    told = set(
        db.session.scalars(
            select(AnswerCode.person_id).where(AnswerCode.invitation_id == invitation_of("林嘉树").id)
        )
    )
    assert told == {person("林悦").id}


def lines(file):
    """The unfolded lines of a calendar file."""
    return re.sub("\r\n ", "", file.decode()).split("\r\n")


def test_the_calendar_file_says_when_and_with_whom_and_nothing_else(as_):
    found = invitation_of("买买提·艾合买提")
    for name, other in (("王雪", "三(2)班"), ("阿依古丽·吐尔逊", "王雪")):
        answer = as_(name).get(f"/visits/invitations/{found.public_id}/calendar")
        text = answer.get_data(as_text=True)

        assert answer.mimetype == "text/calendar"
        assert f"UID:visit-{found.public_id}@gongyu" in text
        assert f"DTSTART;TZID=Asia/Shanghai:{clock.local(found.chosen_at):%Y%m%dT%H%M%S}" in text
        assert other in re.sub("\r\n ", "", text)
        assert "交朋友" not in text
        assert "买买提" not in text


def test_an_event_keeps_its_uid_and_grows_its_sequence_until_it_is_cancelled(app):
    found = invitation_of("陈一诺")
    told = [lines(calendar_file(found, "王雪", "https://portal.example/x"))]
    found.accept(found.proposed[0], Form.PHONE, person("李晚晴").id, clock.now())
    told.append(lines(calendar_file(found, "王雪", "https://portal.example/x")))
    found.decline(person("李晚晴").id, clock.now())
    told.append(lines(calendar_file(found, "王雪", "https://portal.example/x")))

    assert len({line for one in told for line in one if line.startswith("UID:")}) == 1
    assert [next(line for line in one if line.startswith("SEQUENCE")) for one in told] == [
        "SEQUENCE:0",
        "SEQUENCE:1",
        "SEQUENCE:2",
    ]
    for one in told:
        assert {"BEGIN:VTIMEZONE", "TZID:Asia/Shanghai", "TZOFFSETTO:+0800"} <= set(one)
    assert "METHOD:CANCEL" in told[2]
    assert "STATUS:CANCELLED" in told[2]


def test_long_and_odd_names_are_folded_and_escaped(app):
    file = calendar_file(
        invitation_of("陈一诺"), "王,雪;\\" + "雪" * 90 + "\nX-EVIL:1", "https://portal.example/x"
    )

    assert all(len(line) <= 75 for line in file.split(b"\r\n"))
    assert "SUMMARY" in file.decode()
    assert not [line for line in lines(file) if line.startswith("X-EVIL")]
    assert "王\\,雪\\;\\\\" in "".join(lines(file))


def test_both_sides_are_reminded_the_day_before_once(app, monkeypatch):
    found = invitation_of("买买提·艾合买提")
    morning = clock.instant_of(clock.local(found.chosen_at).date() - timedelta(days=1), 9, 30)
    monkeypatch.setattr("portal.visits.reminding.clock.now", lambda: morning)
    monkeypatch.setattr("portal.visits.reminding.clock.today", lambda: clock.local(morning).date())
    for _run in range(2):
        remind_of_tomorrow()

    sent = db.session.scalars(select(Delivery).where(Delivery.kind == REMINDER.name)).all()
    assert {one.person_id for one in sent} == {person("阿依古丽·吐尔逊").id, person("王雪").id}
    assert len(sent) == 2


def test_a_sister_at_another_school_is_named_before_inviting(as_):
    home = ties("陈一诺")[0].household_id
    other = invitation_of("陈一诺")
    other.school_id = pupil("陈一帆").school_id
    db.session.commit()
    assert home == other.household_id
    page = as_("王雪").page(f"/visits/invitations/new?pupil={pupil('陈一诺').public_id}")

    assert "另一所学校" in page.text
