"""The days of each step: counted as the official notices say, open to the last second, extended, never closed on a guess."""

import time
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from portal import clock
from portal.extensions import db
from portal.ratings import hearing, windows
from portal.ratings.models import Entry, EntryState, RoundState
from portal.ratings.terms import OWN_DAYS, Days, terms_on
from portal.ratings.windows import Step, Window
from portal.schools.calendar import CALENDAR, add_working_days, is_provisional, is_working_day
from portal.settings.models import SettingValue
from tests.ratings.building import entry_of
from tests.ratings.test_moves import actor, entry_in

OFF = """
2024-01-01 2024-01-01  2024-02-10 2024-02-17  2024-04-04 2024-04-06  2024-05-01 2024-05-05  2024-06-10 2024-06-10
2024-09-15 2024-09-17  2024-10-01 2024-10-07
2025-01-01 2025-01-01  2025-01-28 2025-02-04  2025-04-04 2025-04-06  2025-05-01 2025-05-05  2025-05-31 2025-06-02
2025-10-01 2025-10-08
2026-01-01 2026-01-03  2026-02-15 2026-02-23  2026-04-04 2026-04-06  2026-05-01 2026-05-05  2026-06-19 2026-06-21
2026-09-25 2026-09-27  2026-10-01 2026-10-07
"""
"""First and last day of each holiday, copied from the notices of the State Council (国办发明电) for the three years."""
WORKED = """
2024-02-04 2024-02-18 2024-04-07 2024-04-28 2024-05-11 2024-09-14 2024-09-29 2024-10-12
2025-01-26 2025-02-08 2025-04-27 2025-09-28 2025-10-11
2026-01-04 2026-02-14 2026-02-28 2026-05-09 2026-09-20 2026-10-10
"""
"""The weekend days that are worked instead, from the same notices."""


def days(text):
    return [date.fromisoformat(one) for one in text.split()]


def spans(text):
    """All days of spans given as first and last day."""
    found = days(text)
    return {
        first + timedelta(days=number)
        for first, last in zip(found[::2], found[1::2], strict=True)
        for number in range((last - first).days + 1)
    }


def counted_by_hand(start, count):
    """The last day of a window, as somebody counts it on the paper of the notices; nothing of the portal."""
    off, worked, day = spans(OFF), set(days(WORKED)), start
    while count:
        day += timedelta(days=1)
        count -= day in worked or (day.isoweekday() < 6 and day not in off)
    return day


def test_four_hundred_windows_end_where_the_notices_say(app):
    starts = [date(2024, 1, 2) + timedelta(days=10 * number + number % 7) for number in range(100)]
    cases = [(start, count) for start in starts for count in (1, 5, 10, 15)]
    assert len(cases) == 400 and cases[-1][0] < date(2026, 11, 30)
    wrong = [
        (start, count)
        for start, count in cases
        if add_working_days(start, count) != counted_by_hand(start, count)
    ]
    assert not wrong
    ends = {add_working_days(start, count) for start, count in cases}
    assert ends & set(days(WORKED)), "some windows end on a weekend that is worked"
    plain = [case for case in cases if without_holidays(*case) != counted_by_hand(*case)]
    assert len(plain) > 60, "the control: who forgets the holidays is wrong this often"


def without_holidays(start, count):
    day = start
    while count:
        day += timedelta(days=1)
        count -= day.isoweekday() < 6
    return day


class At(datetime):
    """A clock that stands still."""

    instant = datetime(2026, 1, 1, tzinfo=UTC)

    @classmethod
    def now(cls, tz=None):
        return cls.instant.astimezone(tz)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York"])
def test_a_window_is_open_to_its_last_second_wherever_the_server_stands(app, monkeypatch, zone):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    monkeypatch.setattr(clock, "datetime", At)
    try:
        entry = entry_in(RoundState.PUBLISHED)
        published = date(2026, 2, 6)
        entry.round.publicity_ends_on = last = Days(5).after(published)
        assert last == date(2026, 2, 13)
        end = datetime(2026, 2, 13, 16, tzinfo=UTC)
        for second, over in ((-1, False), (0, True), (1, True)):
            At.instant = end + timedelta(seconds=second)
            assert windows.is_over(Step.PUBLICITY, entry.round, last, clock.today()) is over
        begin = datetime(2026, 2, 5, 16, tzinfo=UTC)
        for second, day in ((-1, 5), (0, 6), (1, 6)):
            At.instant = begin + timedelta(seconds=second)
            assert clock.today() == date(2026, 2, day)
    finally:
        monkeypatch.undo()
        time.tzset()
    db.session.rollback()


def opined(entry, today, monkeypatch):
    """The first opinion given on a day."""
    monkeypatch.setattr(clock, "today", lambda: today)
    found = entry_in(RoundState.OPEN) if entry is None else entry
    hearing.opine(found, "各项属实。", actor("张建平", "district_staff"))
    db.session.commit()
    return db.session.scalars(select(Window).where(Window.step == Step.DEFENCE)).one()


def agreed():
    return entry_of(RoundState.PUBLISHED, state=EntryState.AGREED)


def set_days(name, value):
    district = entry_in(RoundState.PUBLISHED).round.district_id
    db.session.add(
        SettingValue(
            name=name, district_id=district, value=value, from_on=date(2026, 1, 1), document="国办发明电〔2026〕9 号",
            set_at=clock.now(),
        )
    )  # fmt: skip
    db.session.commit()
    return district


def test_a_provisional_day_closes_nothing_until_it_is_confirmed(as_, app, monkeypatch):
    agreed()
    window = opined(entry_in(RoundState.PUBLISHED), date(2026, 12, 25), monkeypatch)
    due = window.last_on
    assert window.provisional and due.year == 2027
    entry = entry_in(RoundState.PUBLISHED)
    after = due + timedelta(days=1)
    assert not windows.is_over(Step.DEFENCE, entry, due, after), "the school may still answer"
    monkeypatch.undo()
    page = as_("张建平").page(f"/ratings/windows/{window.public_id}")
    assert "暂定" in page.text and "确认截止日" not in page.buttons
    refused = page.client.send(
        f"/ratings/windows/{window.public_id}/confirmation",
        {"csrf_token": page.fields(page.form_of("延长"))["csrf_token"]},
    )
    assert refused.status == 409 and "放假安排" in refused.text

    set_days(
        CALENDAR.name, ["2027-01-01~2027-01-03 休 元旦", "2027-01-09 班 元旦", "2027-01-07~2027-01-08 休"]
    )
    page = as_("张建平").page(f"/ratings/windows/{window.public_id}").press("确认截止日")
    assert "已确认" in page.text
    window = db.session.get(Window, window.id)
    assert not window.provisional and window.last_on > due, "later where the calendar says so"
    entry = entry_in(RoundState.PUBLISHED)
    assert entry.defence_due_on == window.last_on
    assert windows.is_over(Step.DEFENCE, entry, window.last_on, window.last_on + timedelta(days=1))
    assert "由" in as_("孙立德").page(f"/ratings/assessments/{entry.public_id}").text


def test_days_are_extended_with_a_reason_that_the_school_reads_and_never_shortened(as_, app, monkeypatch):
    agreed()
    window = opined(entry_in(RoundState.PUBLISHED), clock.today(), monkeypatch)
    monkeypatch.undo()
    where, first = f"/ratings/windows/{window.public_id}", window.last_on
    district = as_("张建平")
    for day, reason, said in (
        (first, "再给几天", "只能延长"),
        (first - timedelta(days=1), "少给几天", "只能延长"),
        (first + timedelta(days=3), " ", "请写明理由"),
        ("2026-02-30", "没有这天", ""),
        ("", "没有日期", "请填写"),
    ):
        page = district.page(where).press("延长", last_on=str(day), reason=reason)
        assert page.status == 422 and said in page.text
        assert page.fields(page.form_of("延长"))["reason"] == [reason.strip()]
    later = first + timedelta(days=3)
    page = district.page(where).press("延长", last_on=later.isoformat(), reason="校长住院，家长代表出差。")
    assert "已延长至" in page.text
    entry = entry_in(RoundState.PUBLISHED)
    assert entry.defence_due_on == later
    assert "校长住院，家长代表出差。" in as_("孙立德").page(f"/ratings/assessments/{entry.public_id}").text
    assert district.page(f"/ratings/entries/{entry.public_id}").status == 200

    entry = db.session.get(Entry, entry.id)
    window = db.session.get(Window, window.id)
    window.opened_on = clock.today() - timedelta(days=30)
    window.last_on = entry.defence_due_on = clock.today() - timedelta(days=1)
    window.provisional = False
    db.session.commit()
    page = district.page(where)
    assert "延长" not in page.buttons


def test_a_later_setting_never_moves_a_window_that_is_open(app, monkeypatch):
    agreed()
    window = opined(entry_in(RoundState.PUBLISHED), date(2026, 11, 2), monkeypatch)
    due = window.last_on
    assert due == date(2026, 11, 16)
    district = set_days(OWN_DAYS["defence"].name, "5c")
    assert terms_on(date(2026, 11, 3), district).defence == Days(5, False)
    assert entry_in(RoundState.PUBLISHED).defence_due_on == due


@pytest.mark.parametrize(
    ("lines", "fits"),
    [
        (["2027-02-05~2027-02-11 休 春节", "2027-01-31 班"], True),
        (["2027-02-05至2027-02-11 休"], True),
        ([], True),
        (["2027-02-05 休", "2027-02-05 班"], False),
        (["2027-02-11~2027-02-05 休"], False),
        (["2027-02-01~2027-12-31 休"], False),
        (["2027-02-30 休"], False),
        (["春节放假七天"], False),
        ([None], False),
    ],
)
def test_a_notice_is_read_line_by_line_or_not_at_all(lines, fits):
    assert CALENDAR.kind.fits(lines) is fits


def test_what_a_district_writes_down_holds_for_it_alone(app):
    district = set_days(CALENDAR.name, ["2027-03-01~2027-03-05 休", "2027-03-06 班"])
    assert not is_working_day(date(2027, 3, 1), district) and is_working_day(date(2027, 3, 1))
    assert is_working_day(date(2027, 3, 6), district)
    assert not is_provisional(date(2027, 3, 1), district) and is_provisional(date(2027, 3, 1))
    assert add_working_days(date(2027, 2, 26), 1, district) == date(2027, 3, 6)


def test_a_month_ends_on_the_same_day_or_the_last():
    assert Days(1, False, True).after(date(2026, 1, 31)) == date(2026, 2, 28)
    assert Days(1, False, True).after(date(2024, 1, 31)) == date(2024, 2, 29)
    assert Days(1, False, True).after(date(2026, 12, 15)) == date(2027, 1, 15)
    for code in ("5w", "10c", "1m"):
        assert Days.read(code).code == code
