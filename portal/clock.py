"""The only place that asks what time it is."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The calendar day in China, by which appointments, flags and deadlines are judged."""
    return datetime.now(SHANGHAI).date()


def local(instant: datetime) -> datetime:
    """The same instant on a clock in China."""
    return instant.astimezone(SHANGHAI)


def instant_of(day: date, hour: int = 0, minute: int = 0) -> datetime:
    """A wall-clock time in China as an instant in UTC."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)
