"""The school's numbers of opinions in a term: received, answered, answered in time. First answers count.

What is about the principal, or about pressure and gifts at visits, goes to the district and stands in no number that the school can see.
"""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import ColumnElement, func, select, true

from portal import clock
from portal.extensions import db
from portal.opinions.models import PAST_THE_SCHOOL, Opinion, OpinionAnswer
from portal.schools import summaries
from portal.schools.summaries import Count, Terms, measure

RECEIVED = "opinions_received"
ANSWERED = "opinions_answered"
IN_TIME = "opinions_answered_in_time"


def received(opinion: Opinion, on: date) -> None:
    """A new opinion counts for its school."""
    if opinion.category not in PAST_THE_SCHOOL:
        summaries.add(opinion.school_id, on, RECEIVED, 1)


def answered(opinion: Opinion, answer: OpinionAnswer) -> None:
    """The first answer counts for the school, and whether it came in time."""
    if opinion.category in PAST_THE_SCHOOL or answer.round != 1:
        return
    summaries.add(opinion.school_id, answer.answered_on, ANSWERED, 1)
    summaries.add(opinion.school_id, answer.answered_on, IN_TIME, int(answer.in_time))


@measure(RECEIVED)
def count_received(terms: Terms) -> Iterable[Count]:
    """Opinions by the day they were sent."""
    rows = db.session.execute(
        select(Opinion.school_id, Opinion.sent_at).where(Opinion.category.not_in(PAST_THE_SCHOOL))
    )
    for school_id, at in rows:
        yield school_id, terms.of(school_id, clock.local(at).date()), 1


def _first_answers(condition: ColumnElement[bool]) -> Iterable[tuple[int, date, int]]:
    yield from db.session.execute(
        select(Opinion.school_id, OpinionAnswer.answered_on, func.count(OpinionAnswer.id))
        .join(Opinion, Opinion.id == OpinionAnswer.opinion_id)
        .where(OpinionAnswer.round == 1, Opinion.category.not_in(PAST_THE_SCHOOL), condition)
        .group_by(Opinion.school_id, OpinionAnswer.answered_on)
    )


@measure(ANSWERED)
def count_answered(terms: Terms) -> Iterable[Count]:
    """First answers by the day they were given."""
    for school_id, on, number in _first_answers(true()):
        yield school_id, terms.of(school_id, on), number


@measure(IN_TIME)
def count_in_time(terms: Terms) -> Iterable[Count]:
    """First answers given by the day they were due."""
    for school_id, on, number in _first_answers(OpinionAnswer.answered_on <= OpinionAnswer.due_on):
        yield school_id, terms.of(school_id, on), number
