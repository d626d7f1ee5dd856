"""Canaries: a text of its own in every field that tells of people, and the search for them in whatever an actor is given.

A canary names its kind and its row, so each one found says what leaked; whose row it is says ``tests/site/belonging.py``.
Phones and addresses must look like such, so theirs are numbers and addresses that nobody has.
"""

import html
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pypdf import PdfReader
from sqlalchemy import select

from portal import clock
from portal.accounts.models import Person
from portal.care.models import (
    Absence,
    CareContact,
    CareMeasure,
    CarePlan,
    CareReview,
    LeftBehind,
    Referral,
    Watch,
    WatchStep,
)
from portal.contacts.models import ChangeRequest
from portal.custody.models import Restriction
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.files.models import File
from portal.joining.models import JoiningRequest
from portal.keys.sealing import SEALED
from portal.opinions.models import Opinion, OpinionAnswer
from portal.privacy.models import (
    AuditLine,
    ErasureRequest,
    ExportRequest,
    LegalHold,
    ReaderQuestion,
)
from portal.recovery.models import Recovery
from portal.schools.models import Guardianship, GuardianshipFlag, Household, Pupil
from portal.visits.harm import HarmEntry, HarmReport
from portal.visits.models import (
    Correction,
    FollowUp,
    Invitation,
    SealedNote,
    Visit,
    VisitPart,
    VisitRemark,
)
from tests.site.belonging import BELONGS, NONE, Belonging, Place, child

SIGN = "瑚"
"""In no name, no sentence and no address of the town."""
WORDS = re.compile(rf"{SIGN}(\d+)-(\d+){SIGN}")
PHONES = re.compile(r"199(\d{2})(\d{6})(?!\d)")
MAILS = re.compile(r"canary-(\d+)-(\d+)@canary\.example")


@dataclass(frozen=True)
class Kind:
    """One field: of which model, holding what, and to whom a row of it belongs."""

    model: Any
    name: str
    whose: Callable[[Any], Belonging]
    shape: str = "words"
    fills: bool = False
    """Whether the field is filled in every row, because the town leaves it empty."""

    def __str__(self) -> str:
        return f"{self.model.__tablename__}.{self.name}"

    def canary(self, number: int, row_id: int) -> str:
        if self.shape == "phone":
            return f"+86199{number:02d}{row_id:06d}"
        if self.shape == "mail":
            return f"canary-{number}-{row_id}@canary.example"
        return f"{SIGN}{number}-{row_id}{SIGN}"


def through(model: Any, attribute: str) -> Callable[[Any], Belonging]:
    """As the row belongs that another one hangs on."""

    def whose(row: Any) -> Belonging:
        return BELONGS[model](db.session.get_one(model, getattr(row, attribute)))

    return whose


def of_person(row: Any) -> Belonging:
    """A person's own; where there are children, as theirs."""
    person_id = row.id if isinstance(row, Person) else row.person_id
    return Belonging(Place(), people=frozenset({person_id} if person_id else NONE))


def of_household(row: Household) -> Belonging:
    tie = db.session.scalar(select(Guardianship).where(Guardianship.household_id == row.id).limit(1))
    return child(tie.pupil_id, households=frozenset({row.id})) if tie else Belonging(Place())


def of_hold(row: LegalHold) -> Belonging:
    return BELONGS["hold.set"](db.session.get_one(Pupil, row.pupil_id))


KINDS = (
    Kind(Pupil, "name", BELONGS[Pupil]),
    Kind(Pupil, "identity", BELONGS[Pupil], fills=True),
    Kind(Person, "phone", of_person, "phone"),
    Kind(Person, "email", of_person, "mail", fills=True),
    Kind(Household, "reason", of_household, fills=True),
    Kind(GuardianshipFlag, "basis", through(Guardianship, "guardianship_id")),
    Kind(ChangeRequest, "old", BELONGS[ChangeRequest]),
    Kind(ChangeRequest, "new", BELONGS[ChangeRequest]),
    Kind(ChangeRequest, "reason", BELONGS[ChangeRequest]),
    Kind(Restriction, "number", BELONGS[Restriction]),
    Kind(Restriction, "court", BELONGS[Restriction]),
    Kind(JoiningRequest, "name", BELONGS[JoiningRequest]),
    Kind(JoiningRequest, "phone", BELONGS[JoiningRequest], "phone"),
    Kind(JoiningRequest, "reason", BELONGS[JoiningRequest], fills=True),
    Kind(File, "name", BELONGS[File]),
    Kind(Opinion, "text", BELONGS[Opinion]),
    Kind(Opinion, "reopening", BELONGS[Opinion], fills=True),
    Kind(OpinionAnswer, "text", through(Opinion, "opinion_id")),
    Kind(Invitation, "purpose", BELONGS[Invitation]),
    Kind(Visit, "others_met", BELONGS[Visit], fills=True),
    Kind(VisitPart, "hopes", through(Visit, "visit_id")),
    Kind(VisitPart, "note", through(Visit, "visit_id")),
    Kind(SealedNote, "body", BELONGS[SealedNote]),
    Kind(FollowUp, "what", BELONGS[FollowUp]),
    Kind(FollowUp, "done_line", BELONGS[FollowUp], fills=True),
    Kind(VisitRemark, "body", through(Visit, "visit_id")),
    Kind(Correction, "body", BELONGS[Correction]),
    Kind(Correction, "answer", BELONGS[Correction], fills=True),
    Kind(ReaderQuestion, "words", BELONGS[ReaderQuestion]),
    Kind(LegalHold, "reason", of_hold),
    Kind(ErasureRequest, "words", BELONGS[ErasureRequest], fills=True),
    Kind(ErasureRequest, "reply", BELONGS[ErasureRequest], fills=True),
    Kind(ExportRequest, "purpose", BELONGS[ExportRequest]),
    Kind(AuditLine, "text", BELONGS[AuditLine]),
    Kind(Recovery, "reason", BELONGS[Recovery], fills=True),
    Kind(Delivery, "recipient", of_person, "phone"),
    Kind(HarmEntry, "body", through(HarmReport, "report_id")),
    Kind(CarePlan, "aims", BELONGS[CarePlan]),
    Kind(CarePlan, "closing", BELONGS[CarePlan]),
    Kind(CareMeasure, "what", BELONGS[CareMeasure]),
    Kind(CareMeasure, "done_line", BELONGS[CareMeasure], fills=True),
    Kind(CareReview, "text", through(CarePlan, "plan_id")),
    Kind(LeftBehind, "carer", BELONGS[LeftBehind]),
    Kind(LeftBehind, "whereabouts", BELONGS[LeftBehind]),
    Kind(LeftBehind, "agreed", BELONGS[LeftBehind]),
    Kind(CareContact, "with_whom", through(LeftBehind, "left_behind_id")),
    Kind(CareContact, "line", through(LeftBehind, "left_behind_id")),
    Kind(Watch, "closing", BELONGS[Watch], fills=True),
    Kind(Absence, "reason", through(Watch, "watch_id")),
    Kind(WatchStep, "with_whom", through(Watch, "watch_id")),
    Kind(WatchStep, "line", through(Watch, "watch_id")),
    Kind(Referral, "recipient", BELONGS[Referral]),
    Kind(Referral, "reason", BELONGS[Referral]),
)
NOT_PLANTED = {
    "rating_concern.words": "of its author and one examiner; tests/ratings/test_concerns.py",
    "rating_concern.reply": "of its author and one examiner; tests/ratings/test_concerns.py",
    "pupil.priority": "a choice of few words",
    "restriction.refusal": "stands on the page of number and court only",
    "restriction.end_reason": "stands on the page of number and court only",
    "authenticator.seed": "shown once by a POST; tests/accounts",
    "code_request.recipient": "on no page; tests/accounts",
    "joining_sheet.codes": "shown within an hour to who printed; tests/joining",
    "access_slip.code": "shown once; tests/recovery",
    "recovery.code": "shown within an hour; tests/recovery",
    "recovery_asking.name": "on no page; tests/recovery",
    "sign_on_provider.client_secret": "on no page; tests/signon",
    "file.data_key": "a key",
    "data_copy.key": "a key",
    "export_request.key": "a key",
    "delivery.values": "data of fixed texts; looked through below",
    "roster_problem.params": "data of an upload; tests/roster",
    "roster_change.before": "data of an upload; tests/roster",
    "roster_change.after": "data of an upload; tests/roster",
    "visit_draft_part.value": "data of a form not sent yet, its author's alone; tests/visits",
    "visit_draft_part.guarded": "of a form not sent yet, its author's alone; tests/visits",
    "visit_draft_clash.value": "data of a form not sent yet, its author's alone; tests/visits",
    "visit_draft_clash.guarded": "of a form not sent yet, its author's alone; tests/visits",
    "late_visit.reason": "shown to its author alone; tests/visits",
    "visit_home_place.place": "neither the town nor the crowd notes one; tests/visits",
    "home_teaching.plan": "on the pages of the log; tests/visits",
    "home_lesson.content": "on the pages of the log; tests/visits",
    "care_plan.groups": "a choice of few words",
    "care_version.content": "earlier words of a plan, on the page of its aims only; tests/care",
    "care_referral.parts": "a choice of few words",
    "care_referral.content": "data that the recipient alone opens, by link and code; tests/care",
    "care_referral.code": "stands on the page of recipient only; tests/care",
    "survey_household.token": "a secret of a household, on its own page and slip only; tests/surveys",
    "survey_school.signing_key": "a key, on no page; gone at the closing; tests/surveys",
    "survey_box.content": "on no page; tests/surveys",
    "survey_remark.text": "belongs to nobody; tests/surveys",
    "survey_pressure.text": "belongs to nobody; tests/surveys",
}
"""Sealed fields without a canary, and why."""


def unnamed() -> set[str]:
    """Sealed fields that neither carry a canary nor say why not: a new field must choose."""
    sealed = {f"{found.owner.__tablename__}.{found.name}" for found in SEALED}
    return sealed - {str(kind) for kind in KINDS} - set(NOT_PLANTED)


def add_what_is_missing() -> None:
    """Records that neither the town nor the crowd has: remarks, holds, questions about readers, messages."""
    now, today = clock.now(), clock.today()
    for visit in db.session.scalars(select(Visit).where(Visit.outcome == "met")).all():
        tie = db.session.scalar(
            select(Guardianship).where(
                Guardianship.pupil_id == visit.pupil_id, Guardianship.household_id == visit.household_id
            )
        )
        if tie is not None:
            remark = VisitRemark(visit_id=visit.id, person_id=tie.person_id, written_at=now)
            remark.body = SIGN
            db.session.add(remark)
    for number, tie in enumerate(db.session.scalars(select(Guardianship)).all()):
        pupil = db.session.get_one(Pupil, tie.pupil_id)
        hold = LegalHold(pupil_id=pupil.id, started_on=today)
        question = ReaderQuestion(
            trail_entry_id=900_000 + number, person_id=tie.person_id, pupil_id=pupil.id, school_id=pupil.school_id, asked_at=now, due_on=today
        )  # fmt: skip
        hold.reason = question.words = SIGN
        db.session.add_all([hold, question])
    db.session.commit()


def plant() -> dict[tuple[int, int], Belonging]:
    """Put a canary into every field of every kind that holds something; returns whose each one is. Commits."""
    planted = {}
    with db.session.no_autoflush:
        for number, kind in enumerate(KINDS):
            for row in db.session.scalars(select(kind.model)).all():
                if kind.fills or getattr(row, kind.name):
                    planted[number, row.id] = kind.whose(row)
        for number, kind in enumerate(KINDS):
            for row in db.session.scalars(select(kind.model)).all():
                if (number, row.id) in planted:
                    setattr(row, kind.name, kind.canary(number, row.id))
    db.session.commit()
    return planted


def found_in(text: str) -> set[tuple[int, int]]:
    """The canaries in a text: (number of the kind, id of the row)."""
    plain = re.sub(r"\s+", "", html.unescape(text))
    return {
        (int(number), int(row))
        for pattern in (WORDS, PHONES, MAILS)
        for number, row in pattern.findall(plain)
        if int(number) < len(KINDS)
    }


def texts_of(body: bytes) -> Iterator[str]:
    """Everything readable in what an actor was given: pages, JSON, tables, the parts of office files and archives, PDF."""
    if body.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for name in archive.namelist():
                yield name
                yield from texts_of(archive.read(name))
    elif body.startswith(b"%PDF"):
        yield "".join(page.extract_text() for page in PdfReader(io.BytesIO(body)).pages)
    else:
        text = body.decode("utf-8", "replace")
        yield text
        if "\\u" in text:
            yield text.encode("ascii", "backslashreplace").decode("unicode_escape", "replace")


def canaries_in(bodies: Iterable[bytes]) -> set[tuple[int, int]]:
    """The canaries in several answers."""
    return {found for body in bodies for text in texts_of(body) for found in found_in(text)}
