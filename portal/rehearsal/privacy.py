"""Rehearsal data rights: consents in every state, a copy that was fetched, a question, a request."""

from datetime import timedelta

from portal import clock
from portal.consent import Purpose
from portal.extensions import db
from portal.privacy import consents
from portal.privacy.models import (
    AuditLine,
    DataCopy,
    ErasureKind,
    ErasureRequest,
    ErasureState,
    ExportRequest,
    ParcelState,
    Part,
    ReaderQuestion,
    Section,
)
from portal.privacy.purposes import PURPOSES
from portal.rehearsal.cast import Town
from portal.schools.calendar import add_working_days


def build(town: Town) -> None:
    """Answers of the families of 三(2)班."""
    _answer(town, "李晚晴", "陈一诺", Purpose.SCHOOL_PHOTO, True, 20)
    _answer(town, "陈守川", "陈一诺", Purpose.SCHOOL_PHOTO, True, 19)
    _answer(town, "李晚晴", "陈一诺", Purpose.CASE_PUBLICATION, True, 18)
    _answer(town, "陈守川", "陈一诺", Purpose.CASE_PUBLICATION, False, 17)
    _answer(town, "林悦", "林嘉树", Purpose.SCHOOL_PHOTO, True, 16)
    _answer(town, "林悦", "林嘉树", Purpose.SCHOOL_PHOTO, False, 5)
    _answer(town, "方晴", "何雨桐", Purpose.PARTNER_REFERRAL, True, 9)
    _answer(town, "周桂兰", "赵小满", Purpose.READING_AUDIO, True, 8, paper=True)
    _copy(town, "李晚晴", 6)
    _question(town, "李晚晴", "陈一诺", "孙立德", 3)
    _erasure(town, "林悦", Part.VISIT_TEXTS, 2)
    _report(town)
    db.session.flush()


def _answer(
    town: Town,
    guardian: str,
    child: str,
    purpose: Purpose,
    agrees: bool,
    days_ago: int,
    *,
    paper: bool = False,
) -> None:
    on = town.today - timedelta(days=days_ago)
    consents.answer(
        town.pupils[child],
        town.people[guardian].id,
        purpose,
        PURPOSES[purpose].on(on).number,
        agrees,
        at=clock.instant_of(on, 20, 30),
        recorded_by_id=town.people["王雪"].id if paper else None,
        signed_on=on if paper else None,
    )


def _copy(town: Town, name: str, days_ago: int) -> None:
    """A copy that was asked for and fetched."""
    on = town.today - timedelta(days=days_ago)
    db.session.add(
        DataCopy(
            person_id=town.people[name].id,
            asked_at=clock.instant_of(on, 20, 30),
            due_on=on + timedelta(days=15),
            state=ParcelState.FETCHED,
            size=48_000,
            ready_at=clock.instant_of(on, 20, 31),
            ended_at=clock.instant_of(on, 20, 40),
        )
    )


def _question(town: Town, name: str, child: str, reader: str, days_ago: int) -> None:
    """A guardian asks who opened the record; nobody has answered yet. The opening itself is older than the trail."""
    on, pupil = town.today - timedelta(days=days_ago), town.pupils[child]
    db.session.add(
        ReaderQuestion(
            trail_entry_id=0,
            person_id=town.people[name].id,
            pupil_id=pupil.id,
            school_id=pupil.school_id,
            reader_id=town.people[reader].id,
            asked_at=clock.instant_of(on, 21),
            due_on=add_working_days(on, 15),
        )
    )


def _erasure(town: Town, name: str, part: Part, days_ago: int) -> None:
    """A request for deletion that waits for the school."""
    on = town.today - timedelta(days=days_ago)
    made = ErasureRequest(
        person_id=town.people[name].id,
        school_id=town.schools["望溪小学"].id,
        kind=ErasureKind.PART,
        part=part,
        asked_at=clock.instant_of(on, 21, 10),
        due_on=add_working_days(on, 15),
        state=ErasureState.OPEN,
        parts=[],
        effect={},
    )
    made.words = "去年家访写的内容已经用不上了，请帮忙删掉。"
    db.session.add(made)


def _report(town: Town) -> None:
    """Lines of the yearly report, and an export that was fetched."""
    district, clerk = town.districts["云溪县"], town.people["苏敏"]
    for section, text in (
        (Section.PROCESSOR, "县教育信息中心（演练）：机房和备份，签有数据处理协议。"),
        (Section.TRAINING, "班主任个人信息保护培训一次，四十二人参加（演练）。"),
    ):
        db.session.add(
            AuditLine(
                district_id=district.id,
                year=town.today.year,
                section=section,
                text=text,
                by_id=clerk.id,
                written_at=clock.now(),
            )
        )
    on = town.today - timedelta(days=12)
    db.session.add(
        ExportRequest(
            kind="pupils",
            district_id=district.id,
            asked_by_id=clerk.id,
            asked_at=clock.instant_of(on, 9),
            purpose="核对学籍人数",
            people=72,
            holds="F2",
            state=ParcelState.FETCHED,
            ready_at=clock.instant_of(on, 9, 1),
            ended_at=clock.instant_of(on, 9, 5),
            file_name="pupils.xlsx",
        )
    )
