"""Fair play of visits: signs in the records become questions, asked of the school first, answered and closed by people.

Once a term, two weeks after its last day, each school's visits are looked at (``fair_signs.py``). What is found is a
question to the principal with a day by which to answer. The district sees it, in figures only, when the school has
answered or that day has passed, and closes it with its own words. Nothing follows by itself: no points, no list of
schools, no name of a teacher. A question stays as it was asked; looking again adds what is new and doubles nothing.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import clock
from portal.accounts.models import AuthSession, Person
from portal.extensions import Base, db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.jobs.queue import every, task
from portal.schools.asking import Question, constraints
from portal.schools.calendar import add_working_days
from portal.schools.models import Guardianship, School, SchoolYear, Term
from portal.settings import Hours, Number, Setting, Switch
from portal.trail.models import note
from portal.visits.fair_signs import TIME_TO_CONFIRM, Fact, Limits, Rule, Sign, signs
from portal.visits.models import Correction, Form, Outcome, Visit, VisitPart
from portal.visits.sketching import numbers_of

PERCENT = "%"
LOOKED_AT_FOR = timedelta(days=120)
"""A term that ended longer ago is not looked at any more by the job: its questions would come too late to be answered."""
AT_ONCE = 25
"""Schools looked at in one run of the job, each in a transaction of its own."""

ASKED = Setting(
    "visits.fair_play",
    Switch(),
    True,
    label=_l("Fair play of visits: ask questions"),
    help=_l("After each term the portal looks at the records and asks schools about what stands out."),
)
LAST_WEEK = Setting(
    "visits.fair_last_week",
    Number(10, 100, PERCENT),
    40,
    label=_l("Fair play: share of visits in the last week of term"),
    help=_l(
        "The school is asked when a larger share was held, or written down late, in the last seven days."
    ),
)
EVENING = Setting(
    "visits.fair_evening",
    Number(2, 30, _l("visits")),
    6,
    label=_l("Fair play: homes that one teacher visits in an evening"),
    help=_l("The school is asked when it was more on two evenings of a term or oftener. Calls do not count."),
)
ALIKE = Setting(
    "visits.fair_alike",
    Number(5, 100, PERCENT),
    20,
    label=_l("Fair play: share of notes that are alike"),
    help=_l("Compared without anybody reading them. Notes under 24 characters do not count."),
)
LESSONS = Setting(
    "visits.fair_lessons",
    Number(5, 100, PERCENT),
    30,
    label=_l("Fair play: share of visits during lessons"),
    help=_l("Of visits outside the school. The hours of lessons are a setting of their own."),
)
UNCONFIRMED = Setting(
    "visits.fair_unconfirmed",
    Number(10, 100, PERCENT),
    60,
    label=_l("Fair play: share of visits that families did not confirm"),
    help=_l("Of families who have ever signed in, two weeks after the note was written."),
)
LEAST = Setting(
    "visits.fair_least",
    Number(10, 200, _l("visits")),
    20,
    label=_l("Fair play: fewest visits of which shares are formed"),
    help=_l("A school with fewer visits in a term is not asked about shares; they would say nothing."),
)
LESSON_HOURS = Setting(
    "visits.lesson_hours",
    Hours(),
    ["08:30-11:30", "14:00-16:00"],
    label=_l("Hours of lessons on a school day"),
    help=_l("One span a line, such as 08:30-11:30. A school may set its own."),
    levels=("district", "school"),
)
DAYS_TO_ANSWER = Setting(
    "visits.fair_days",
    Number(3, 40, _l("working days")),
    10,
    label=_l("Fair play: working days a school has to answer"),
    help=_l("Until then, or until the answer is there, the district does not see the question."),
)


class FairPlayQuestion(Question):
    """One question about one school, one term and one rule. ``figures`` are numbers only (see ``fair_signs``)."""

    __tablename__ = "fair_play_question"
    __table_args__ = (
        UniqueConstraint("school_id", "term_id", "rule"),
        *constraints("fair_play_question", Rule),
    )
    NOTED = "fair_play."

    school_id: Mapped[int] = mapped_column(ForeignKey("school.id", ondelete="CASCADE"))
    term_id: Mapped[int] = mapped_column(ForeignKey("term.id", ondelete="CASCADE"))
    rule: Mapped[str] = mapped_column(String(12))

    school: Mapped[School] = relationship(lazy="raise_on_sql")
    term: Mapped[Term] = relationship(lazy="raise_on_sql")


class FairPlayRecord(Base):
    """A visit that a question rests on; the school may open it, the district never does."""

    __tablename__ = "fair_play_record"

    question_id: Mapped[int] = mapped_column(
        ForeignKey("fair_play_question.id", ondelete="CASCADE"), primary_key=True
    )
    visit_id: Mapped[int] = mapped_column(
        ForeignKey("visit.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class FairPlayCheck(Base):
    """That the visits of a school in a term were looked at, and when; also where nothing was found."""

    __tablename__ = "fair_play_check"

    school_id: Mapped[int] = mapped_column(ForeignKey("school.id", ondelete="CASCADE"), primary_key=True)
    term_id: Mapped[int] = mapped_column(ForeignKey("term.id", ondelete="CASCADE"), primary_key=True)
    checked_at: Mapped[datetime]


def limits_on(day: date, school_id: int) -> Limits:
    """What the district and the school have set, on a day."""
    spans = LESSON_HOURS.on(day, school_id=school_id)
    return Limits(
        last_week=LAST_WEEK.on(day, school_id=school_id),
        evening=EVENING.on(day, school_id=school_id),
        alike=ALIKE.on(day, school_id=school_id),
        lessons=LESSONS.on(day, school_id=school_id),
        unconfirmed=UNCONFIRMED.on(day, school_id=school_id),
        least=LEAST.on(day, school_id=school_id),
        lesson_hours=[(time.fromisoformat(one[:5]), time.fromisoformat(one[6:])) for one in spans],
    )


def facts_of(school_id: int, since: date, until: date) -> list[Fact]:
    """The visits of a school held between two days, both included, without the children: four queries."""
    held = (
        Visit.school_id == school_id,
        Visit.outcome == Outcome.MET,
        Visit.held_on >= since,
        Visit.held_on <= until,
    )
    wanted = select(
        Visit.id,
        Visit.author_id,
        Visit.household_id,
        Visit.held_at,
        Visit.written_at,
        Visit.form,
        Visit.confirmed_at,
    )
    found = db.session.execute(wanted.where(*held).order_by(Visit.held_at, Visit.id)).all()
    mine = select(Visit.id).where(*held)
    sketches: dict[int, list[bytes]] = defaultdict(list)
    parts = select(VisitPart.visit_id, VisitPart.sketch).where(VisitPart.visit_id.in_(mine))
    for visit_id, sketch in db.session.execute(parts):
        if sketch:
            sketches[visit_id].append(sketch)
    asked = set(db.session.scalars(select(Correction.visit_id).where(Correction.visit_id.in_(mine))))
    at_hand = _homes_that_sign_in({one.household_id for one in found})
    return [
        Fact(
            visit_id=one.id,
            author_id=one.author_id,
            held_at=clock.local(one.held_at).replace(tzinfo=None),
            written_on=clock.local(one.written_at).date(),
            form=Form(one.form),
            is_confirmed=one.confirmed_at is not None or one.id in asked,
            can_be_confirmed=one.household_id in at_hand,
            sketches=tuple(numbers_of(sketch) for sketch in sketches[one.id]),
        )
        for one in found
    ]


def _homes_that_sign_in(households: Iterable[int]) -> set[int]:
    """The households of which somebody has a password or has ever signed in."""
    seen = select(AuthSession.id).where(AuthSession.person_id == Person.id).exists()
    wanted = (
        select(Guardianship.household_id)
        .distinct()
        .join(Person, Person.id == Guardianship.person_id)
        .where(Guardianship.household_id.in_(sorted(households)), Person.password_hash.is_not(None) | seen)
    )
    return set(db.session.scalars(wanted))


def look_at(school_id: int, term: Term, now: datetime) -> list[FairPlayQuestion]:
    """Ask what is to be asked about a school's visits in a term that is over, in the current transaction.

    Returns the new questions. Looking again asks only about what was not asked before.
    """
    day = clock.local(now).date()
    facts = facts_of(school_id, term.starts_on, term.ends_on)
    asked = set(
        db.session.scalars(
            select(FairPlayQuestion.rule).where(
                FairPlayQuestion.school_id == school_id, FairPlayQuestion.term_id == term.id
            )
        )
    )
    found = signs(facts, term.ends_on, day, limits_on(day, school_id))
    new = [_ask(school_id, term.id, sign, now) for sign in found if sign.rule not in asked]
    check = db.session.get(FairPlayCheck, (school_id, term.id))
    if check is None:
        check = FairPlayCheck(school_id=school_id, term_id=term.id)
        db.session.add(check)
    check.checked_at = now
    db.session.flush()
    return new


def _ask(school_id: int, term_id: int, sign: Sign, now: datetime) -> FairPlayQuestion:
    day = clock.local(now).date()
    made = FairPlayQuestion(
        school_id=school_id,
        term_id=term_id,
        rule=sign.rule,
        figures=sign.figures,
        asked_at=now,
        due_on=add_working_days(day, DAYS_TO_ANSWER.on(day, school_id=school_id)),
    )
    db.session.add(made)
    db.session.flush()
    db.session.add_all(FairPlayRecord(question_id=made.id, visit_id=key) for key in sign.visit_ids)
    note("fair_play.asked", made, person_id=None, rule=str(sign.rule))
    return made


def _due(now: datetime) -> list[tuple[int, int]]:
    """(school id, term id) of schools whose term is over long enough and was not looked at yet; so many at once."""
    day = clock.local(now).date()
    checked = (
        select(FairPlayCheck.school_id)
        .where(FairPlayCheck.school_id == School.id, FairPlayCheck.term_id == Term.id)
        .exists()
    )
    wanted = (
        select(School.id, Term.id)
        .join(SchoolYear, SchoolYear.district_id == School.district_id)
        .join(Term, Term.school_year_id == SchoolYear.id)
        .where(Term.ends_on <= day - TIME_TO_CONFIRM, Term.ends_on > day - LOOKED_AT_FOR, ~checked)
        .order_by(Term.ends_on, School.id)
        .limit(AT_ONCE)
    )
    return [(school_id, term_id) for school_id, term_id in db.session.execute(wanted)]


@task
@every(900)
def look_at_terms() -> None:
    """Look at the terms that are over, school by school, each in a transaction; what is done is not done again."""
    now = clock.now()
    due = _due(now)
    db.session.rollback()
    for school_id, term_id in due:
        term = db.session.get_one(Term, term_id)
        if ASKED.on(clock.local(now).date(), school_id=school_id):
            look_at(school_id, term, now)
        else:
            db.session.add(FairPlayCheck(school_id=school_id, term_id=term_id, checked_at=now))
        db.session.commit()


RULE_NAMES: dict[str, Any] = {
    Rule.LAST_WEEK: _l("Many visits in the last week of term"),
    Rule.EVENINGS: _l("Many homes in one evening"),
    Rule.ALIKE: _l("Notes that are alike"),
    Rule.LESSONS: _l("Visits during lessons"),
    Rule.UNCONFIRMED: _l("Visits not confirmed by families"),
}
QUESTIONS: dict[str, Any] = {
    Rule.LAST_WEEK: _l("Was there a week of visits, or were earlier visits written down late?"),
    Rule.EVENINGS: _l("Do the homes lie close together, or was the time written down roughly?"),
    Rule.ALIKE: _l("Did several families hear the same, or was one note used for many?"),
    Rule.LESSONS: _l("Were these free periods of the teachers, or are the hours of lessons different here?"),
    Rule.UNCONFIRMED: _l("Do families know that they can confirm a visit, and what keeps them from it?"),
}


def in_words(question: FairPlayQuestion) -> str:
    """The figures of a question as a sentence."""
    told = {"found": 0, "of": 0, "limit": 0, "evenings": 0, "most": 0, "groups": 0} | question.figures
    match question.rule:
        case Rule.LAST_WEEK:
            return _(
                "Of %(of)s visits of the term, %(found)s were held or written down in its last week.", **told
            )
        case Rule.EVENINGS:
            return _(
                "On %(evenings)s evenings one teacher visited more than %(limit)s homes; at most %(most)s.",
                **told,
            )
        case Rule.ALIKE:
            return _("Of %(of)s notes, %(found)s are nearly the same, in %(groups)s groups.", **told)
        case Rule.LESSONS:
            return _(
                "Of %(of)s visits outside the school, %(found)s began during the hours of lessons.", **told
            )
        case _:
            return _("Of %(of)s visits to families who use the portal, %(found)s are not confirmed.", **told)
