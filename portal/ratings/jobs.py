"""What a rating does by itself: it reminds people, once for each step, three working days before its last day."""

from collections.abc import Iterable, Iterator
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Appointment, Person
from portal.deliveries.kinds import Kind
from portal.deliveries.sending import send
from portal.extensions import db
from portal.i18n import lazy_gettext as _l
from portal.jobs.queue import every
from portal.ratings import assessing
from portal.ratings.improvements import Improvement
from portal.ratings.models import Entry, EntryState, Objection, ObjectionState, Round, RoundState, Seat, Sheet
from portal.ratings.policy import appeals_to_hear, objections_to_hear
from portal.ratings.standing import Appeal, CheckState, LightCheck, Measure, MeasureState
from portal.row_security import all_rows
from portal.schools.calendar import add_working_days

WORKING_DAYS_BEFORE = 3
DUE = Kind(
    "rating.due",
    subject=_l("A step of the star rating is due soon"),
    text=_l(
        "A step of the star rating is due on %(day)s. Sign in to the portal; it stands on your first page."
    ),
    takes=("day",),
    path="/",
    days=("day",),
)


CONCERN_ANSWERED = Kind(
    "rating.concern_answered",
    subject=_l("Your objection has been answered"),
    text=_l(
        "Your objection to a published result has been answered. Sign in to the portal and open the result of the school."
    ),
    path="/stars/",
)


@every(3600)
def remind() -> None:
    """Remind whoever has a step to take; running it again sends nothing more."""
    with all_rows():
        remind_on(clock.today())
    db.session.commit()


def remind_on(today: date) -> int:
    """Write the reminders of a day into the outbox, in the current transaction; answers for how many steps."""
    until = add_working_days(today, WORKING_DAYS_BEFORE)
    steps = (*_of_schools(), *_of_inspectors(), *_of_objections(today), *_of_standings())
    found = [step for step in steps if today <= step[0] <= until]
    for due_on, step, people, district_id in found:
        for person in people:
            send(
                person, DUE.name, {"day": due_on.isoformat()}, key=f"{step} {due_on}", district_id=district_id
            )
    return len(found)


Step = tuple[date, str, Iterable[Person], int]
"""Last day, name of the step, who takes it, their district."""


def _entries(states: Iterable[EntryState]) -> Iterator[Entry]:
    yield from db.session.scalars(
        select(Entry)
        .join(Round, Round.id == Entry.round_id)
        .where(Round.state == RoundState.OPEN, Entry.state.in_(list(states)))
        .options(joinedload(Entry.round))
        .order_by(Entry.id)
    )


def _of_schools() -> Iterator[Step]:
    """Self-assessments and answers to a first opinion."""
    entries = list(_entries((EntryState.SELF_ASSESSING, EntryState.OPINED)))
    heads = _principals({entry.school_id for entry in entries})
    for entry in entries:
        due_on = entry.defence_due_on if entry.state == EntryState.OPINED else assessing.due_on(entry)
        if due_on is not None:
            yield (
                due_on,
                f"{entry.public_id} {entry.state}",
                heads.get(entry.school_id, ()),
                entry.round.district_id,
            )


def _principals(school_ids: Iterable[int]) -> dict[int, list[Person]]:
    today = clock.today()
    found: dict[int, list[Person]] = {}
    rows = db.session.execute(
        select(Appointment.school_id, Person)
        .join(Person, Person.id == Appointment.person_id)
        .where(
            Appointment.school_id.in_(school_ids),
            Appointment.role == Role.PRINCIPAL,
            Appointment.started_on <= today,
            or_(Appointment.ended_on.is_(None), Appointment.ended_on > today),
        )
    )
    for school_id, person in rows:
        found.setdefault(school_id or 0, []).append(person)
    return found


def _of_inspectors() -> Iterator[Step]:
    """Sheets that are not locked yet."""
    entries = {entry.id: entry for entry in _entries((EntryState.SCORING,))}
    rows = db.session.scalars(
        select(Sheet)
        .where(
            Sheet.entry_id.in_(entries),
            Sheet.locked_at.is_(None),
            Sheet.voided_at.is_(None),
            Sheet.seat != Seat.MEMBER,
        )
        .options(joinedload(Sheet.person))
        .order_by(Sheet.id)
    )
    for sheet in rows:
        round_ = entries[sheet.entry_id].round
        yield round_.scoring_due_on, f"sheet {sheet.public_id}", (sheet.person,), round_.district_id


def _of_standings() -> Iterator[Step]:
    """Reports of light checks, answers to proposed measures, appeals against settled ones, findings to be mended."""
    rows = [
        *db.session.execute(
            select(LightCheck.public_id, LightCheck.due_on, Entry.school_id, Round.district_id)
            .join(Entry, Entry.id == LightCheck.entry_id)
            .join(Round, Round.id == Entry.round_id)
            .where(LightCheck.state == CheckState.ASKED)
        ),
        *db.session.execute(
            select(Measure.public_id, Measure.hearing_due_on, Entry.school_id, Round.district_id)
            .join(Entry, Entry.id == Measure.entry_id)
            .join(Round, Round.id == Entry.round_id)
            .where(Measure.state == MeasureState.PROPOSED)
        ),
        *db.session.execute(
            select(Improvement.public_id, Improvement.due_on, Entry.school_id, Round.district_id)
            .join(Entry, Entry.id == Improvement.entry_id)
            .join(Round, Round.id == Entry.round_id)
            .where(Improvement.is_finding, Improvement.done_on.is_(None))
        ),
    ]
    rows += db.session.execute(
        select(Measure.public_id, Measure.appeal_due_on, Entry.school_id, Round.district_id)
        .join(Entry, Entry.id == Measure.entry_id)
        .join(Round, Round.id == Entry.round_id)
        .where(
            Measure.state == MeasureState.SETTLED,
            Measure.appeal_due_on.is_not(None),
            Measure.id.not_in(select(Appeal.measure_id)),
        )
    )
    heads = _principals({school_id for _id, _due, school_id, _district in rows})
    for public_id, due_on, school_id, district_id in rows:
        yield due_on, f"standing {public_id}", heads.get(school_id, ()), district_id


def _of_objections(today: date) -> Iterator[Step]:
    """Objections and appeals that wait for an answer: whoever may answer them is reminded."""
    until = add_working_days(today, WORKING_DAYS_BEFORE)
    heard = [
        (model, select(model.id).where(model.state == ObjectionState.OPEN, model.answer_due_on.between(today, until)), to_hear)
        for model, to_hear in ((Objection, objections_to_hear), (Appeal, appeals_to_hear))
    ]  # fmt: skip
    heard = [one for one in heard if db.session.scalar(one[1].limit(1)) is not None]
    if not heard:
        return
    offices = db.session.execute(
        select(Appointment.district_id, Person)
        .join(Person, Person.id == Appointment.person_id)
        .where(
            Appointment.role == Role.DISTRICT_STAFF,
            Appointment.district_id.is_not(None),
            Appointment.started_on <= today,
            or_(Appointment.ended_on.is_(None), Appointment.ended_on > today),
        )
    )
    for district_id, person in offices:
        hearer = Actor(person.id, Role.DISTRICT_STAFF, today, district_id=district_id)
        for model, due, to_hear in heard:
            rows = db.session.execute(
                select(model.public_id, model.answer_due_on)
                .join(Entry, Entry.id == model.entry_id)
                .where(model.id.in_(due), to_hear(hearer))
            )
            for public_id, due_on in rows:
                yield due_on, f"objection {public_id}", (person,), district_id or 0
