"""What data rights put on the first page: a purpose to answer, a request to decide, the yearly report."""

from datetime import timedelta
from typing import Any

from flask import url_for
from sqlalchemy import Date, Select, bindparam, exists, func, select

from portal import i18n
from portal.access import Actor, Role
from portal.consent import Purpose
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import ngettext
from portal.prepared import Prepared, whoever
from portal.privacy import auditpack
from portal.privacy.models import (
    Consent,
    ConsentReminder,
    DataCopy,
    ErasureRequest,
    ParcelState,
    ReaderQuestion,
)
from portal.privacy.policy import CONSENT_GIVE, ERASURE_DECIDE, READER_NAME, copies_in_district
from portal.privacy.purposes import PURPOSES
from portal.schools.models import Enrolment, Pupil
from portal.schools.policy import in_force
from portal.tasks import Task

ASKED_FOR = timedelta(days=14)


def tasks(actor: Actor) -> list[Task]:
    """What waits for this person."""
    match actor.role:
        case Role.GUARDIAN:
            return _asked(actor)
        case Role.PRINCIPAL | Role.SCHOOL_OFFICE:
            return [*_requests(actor), *_questions_to_answer(actor)]
        case Role.DISTRICT_STAFF:
            return _report(actor)
        case _:
            return []


def _requests(actor: Actor) -> list[Task]:
    """Requests for deletion that wait, as one card with the first day."""
    number, due_on = db.session.execute(
        select(func.count(ErasureRequest.id), func.min(ErasureRequest.due_on)).where(
            ERASURE_DECIDE.within(actor),
            ErasureRequest.waits_for_school(),
        )
    ).one()
    if not number:
        return []
    return [
        Task(
            about=_("Protection of personal data"),
            title=ngettext(
                "Decide %(num)s request for deletion", "Decide %(num)s requests for deletion", number
            ),
            url=url_for("privacy.requests"),
            button=_("See the requests"),
            due_on=due_on,
        )
    ]


def _questions_to_answer(actor: Actor) -> list[Task]:
    """Questions about readers that wait, as one card with the first day."""
    number, due_on = db.session.execute(
        select(func.count(ReaderQuestion.id), func.min(ReaderQuestion.due_on)).where(
            READER_NAME.within(actor), ReaderQuestion.answered_at.is_(None)
        )
    ).one()
    if not number:
        return []
    return [
        Task(
            about=_("Protection of personal data"),
            title=ngettext(
                "Tell %(num)s family who opened its record",
                "Tell %(num)s families who opened their record",
                number,
            ),
            url=url_for("privacy.questions"),
            button=_("See the questions"),
            due_on=due_on,
        )
    ]


def _report(actor: Actor) -> list[Task]:
    """From December to the end of January, until it is fetched: the yearly report. Copies that are late, always."""
    found = []
    year = auditpack.year_to_report(actor.on)
    if auditpack.is_at_hand(actor.on) and not auditpack.is_fetched(actor.district_id or 0, year):
        found.append(
            Task(
                about=str(year),
                title=_("File the yearly report on minors' data"),
                body=_("The numbers are filled in. Add incidents, check it, and have the file made."),
                url=url_for("privacy.audit", year=year),
                button=_("Open the report"),
                due_on=auditpack.due_on(year),
            )
        )
    late = db.session.scalar(
        select(func.count(DataCopy.id)).where(
            DataCopy.state == ParcelState.WAITING, DataCopy.due_on < actor.on, copies_in_district(actor)
        )
    )
    if late:
        found.append(
            Task(
                about=_("Protection of personal data"),
                title=ngettext("%(num)s copy of data is overdue", "%(num)s copies of data are overdue", late),
                body=_("Copies are made by the portal itself. Ask whoever runs it why they are not."),
                url=url_for("privacy.index"),
                button=_("See what is owed"),
                due_on=actor.on,
            )
        )
    return found


def _questions() -> Select[*tuple[Any, ...]]:
    acting = whoever(Role.GUARDIAN)
    answered = exists().where(
        Consent.pupil_id == Pupil.id,
        Consent.person_id == acting.person_id,
        Consent.purpose == ConsentReminder.purpose,
        Consent.version == ConsentReminder.version,
    )
    return (
        select(Pupil.public_id, Pupil.name, ConsentReminder.purpose, ConsentReminder.version)
        .join(Enrolment, Enrolment.pupil_id == Pupil.id)
        .join(ConsentReminder, ConsentReminder.class_id == Enrolment.class_id)
        .where(
            CONSENT_GIVE.within(acting),
            in_force(Enrolment, acting),
            ConsentReminder.reminded_on > bindparam("since", type_=Date()),
            ~answered,
        )
        .order_by(ConsentReminder.id, Pupil.id)
    )


QUESTIONS = Prepared(_questions)


def _asked(actor: Actor) -> list[Task]:
    rows = QUESTIONS.all(db.session(), person=actor.person_id, day=actor.on, since=actor.on - ASKED_FOR)
    wanted = [
        row
        for row in rows
        if row.purpose in PURPOSES and PURPOSES[Purpose(row.purpose)].on(actor.on).number == row.version
    ]
    if not wanted:
        return []
    children = list(dict.fromkeys(row.name for row in wanted))
    first = wanted[0]
    return [
        Task(
            about=i18n.listing(children),
            title=_("The school asks: %(purpose)s", purpose=str(PURPOSES[Purpose(first.purpose)].name)),
            body=_("Yes or no, both are fine. You are not asked again."),
            url=url_for("privacy.consents", _anchor=f"{first.purpose}-{first.public_id}"),
            button=_("Read and answer"),
        )
    ]
