"""Fair play of ratings: the questions to a school and its answers; for the district figures and words."""

from typing import Any

from flask import request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal import clock
from portal.access import Actor, Role, actor, find, requires
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.paging import page_of
from portal.ratings.asking import RatingQuestion
from portal.ratings.fairness import QUESTIONS, RULE_NAMES, answer, close, in_words, places_in_words
from portal.ratings.models import Entry, Round
from portal.ratings.policy import QUESTION_ANSWER, QUESTION_CLOSE, QUESTION_READ, entries_of_district
from portal.ratings.views.blueprint import bp
from portal.row_security import all_rows
from portal.templating import render
from portal.visits.forms import FairPlayForm

Answer = str | tuple[str, int] | Response
_WITH = (
    joinedload(RatingQuestion.entry).joinedload(Entry.school),
    joinedload(RatingQuestion.entry).joinedload(Entry.round).joinedload(Round.school_year),
    joinedload(RatingQuestion.answered_by),
    joinedload(RatingQuestion.closed_by),
)


@bp.get("/ratings/fair-play")
@requires(QUESTION_READ)
def fair_play() -> str:
    """The questions to one's school, or to the district's schools that had their say; ``?state=closed``."""
    acting = actor()
    closed = request.args.get("state") == "closed"
    wanted = QUESTION_READ.rows(acting).options(*_WITH[:2])
    if closed:
        wanted = wanted.where(RatingQuestion.closed_at.is_not(None))
        order: list[tuple[Any, bool]] = [(RatingQuestion.id, True)]
    else:
        wanted = wanted.where(RatingQuestion.closed_at.is_(None))
        order = [(RatingQuestion.due_on, False), (RatingQuestion.id, False)]
    return render(
        "ratings/fair_play.html",
        listing=page_of(wanted, order),
        closed=closed,
        names=RULE_NAMES,
        in_words=in_words,
        with_schools=_with_schools(acting) if acting.role == Role.DISTRICT_STAFF else 0,
        today=acting.on,
    )


def _with_schools(acting: Actor) -> int:
    """How many questions lie with the district's schools, which the district may not look at yet."""
    waiting = select(func.count(RatingQuestion.id)).where(
        RatingQuestion.entry_id.in_(select(Entry.id).where(entries_of_district(acting))),
        RatingQuestion.answered_at.is_(None),
        RatingQuestion.due_on >= acting.on,
        RatingQuestion.closed_at.is_(None),
    )
    with all_rows():
        return db.session.scalar(waiting) or 0


@bp.get("/ratings/fair-play/<public_id>")
@requires(QUESTION_READ)
def fair_play_question(public_id: str) -> str:
    """One question with its figures, what it rests on, answer and closing words."""
    return _question_page(public_id, FairPlayForm(formdata=None))


def _question_page(public_id: str, form: FairPlayForm) -> str:
    question = find(QUESTION_READ, public_id, *_WITH)
    acting = actor()
    return render(
        "ratings/fair_play_question.html",
        question=question,
        name=RULE_NAMES[question.rule],
        asks=QUESTIONS[question.rule],
        figures=in_words(question),
        places=places_in_words(question),
        may_answer=acting.role == Role.PRINCIPAL and not question.answered_at and not question.closed_at,
        may_close=acting.role == Role.DISTRICT_STAFF and not question.closed_at,
        form=form,
    )


@bp.post("/ratings/fair-play/<public_id>/answer")
@requires(QUESTION_ANSWER)
def answer_fair_play(public_id: str) -> Answer:
    """The principal says how it was."""
    question = find(QUESTION_ANSWER, public_id)
    form = FairPlayForm()
    if not form.validate():
        return _question_page(public_id, form), 422
    answer(question, form.words.data or "", actor(), clock.now())
    return commit_and_go(
        url_for(".fair_play_question", public_id=public_id), _("The district reads your answer.")
    )


@bp.post("/ratings/fair-play/<public_id>/closing")
@requires(QUESTION_CLOSE)
def close_fair_play(public_id: str) -> Answer:
    """The district says how it leaves it; the school reads these words. Points and star stay as they are."""
    question = find(QUESTION_CLOSE, public_id)
    form = FairPlayForm()
    if not form.validate():
        return _question_page(public_id, form), 422
    close(question, form.words.data or "", actor(), clock.now())
    return commit_and_go(
        url_for(".fair_play_question", public_id=public_id), _("The school reads your words.")
    )
