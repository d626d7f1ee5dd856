"""Fair play of visits: the questions to a school and its answers; for the district figures and words, never a record."""

from typing import Any

from flask import request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from portal import clock
from portal.access import Actor, Role, actor, find, requires
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.paging import Listing, page_of
from portal.row_security import all_rows
from portal.schools.models import Term
from portal.schools.policy import schools_of_district
from portal.templating import render
from portal.visits.fairness import (
    QUESTIONS,
    RULE_NAMES,
    FairPlayQuestion,
    FairPlayRecord,
    answer,
    close,
    in_words,
)
from portal.visits.forms import FairPlayForm
from portal.visits.loading import IN_LISTS
from portal.visits.models import Visit
from portal.visits.policy import FAIR_PLAY_ANSWER, FAIR_PLAY_CLOSE, FAIR_PLAY_READ, VISIT_SCHOOL
from portal.visits.views.blueprint import WORDS, Answer, bp

_WITH = (
    joinedload(FairPlayQuestion.school),
    joinedload(FairPlayQuestion.term).joinedload(Term.school_year),
    joinedload(FairPlayQuestion.answered_by),
    joinedload(FairPlayQuestion.closed_by),
)


@bp.get("/fair-play")
@requires(FAIR_PLAY_READ)
def fair_play() -> str:
    """The questions of one's school, or those of the district's schools that had their say; ``?state=closed``."""
    acting = actor()
    closed = request.args.get("state") == "closed"
    wanted = FAIR_PLAY_READ.rows(acting).options(*_WITH[:2])
    if closed:
        wanted = wanted.where(FairPlayQuestion.closed_at.is_not(None))
        order: list[tuple[Any, bool]] = [(FairPlayQuestion.id, True)]
    else:
        wanted = wanted.where(FairPlayQuestion.closed_at.is_(None))
        order = [(FairPlayQuestion.due_on, False), (FairPlayQuestion.id, False)]
    return render(
        "visits/fair_play.html",
        listing=page_of(wanted, order),
        closed=closed,
        names=RULE_NAMES,
        in_words=in_words,
        with_schools=_with_schools(acting) if acting.role == Role.DISTRICT_STAFF else 0,
        today=acting.on,
    )


def _with_schools(acting: Actor) -> int:
    """How many questions lie with the district's schools, whom the district may not look at yet."""
    waiting = select(func.count(FairPlayQuestion.id)).where(
        FairPlayQuestion.school_id.in_(schools_of_district(acting)),
        FairPlayQuestion.answered_at.is_(None),
        FairPlayQuestion.due_on >= acting.on,
        FairPlayQuestion.closed_at.is_(None),
    )
    with all_rows():
        return db.session.scalar(waiting) or 0


@bp.get("/fair-play/<public_id>")
@requires(FAIR_PLAY_READ)
def fair_play_question(public_id: str) -> str:
    """One question with its figures, answer and closing words; to the school also the visits it rests on."""
    return _question_page(public_id, FairPlayForm(formdata=None))


def _question_page(public_id: str, form: FairPlayForm) -> str:
    question = find(FAIR_PLAY_READ, public_id, *_WITH)
    acting = actor()
    return render(
        "visits/fair_play_question.html",
        question=question,
        name=RULE_NAMES[question.rule],
        asks=QUESTIONS[question.rule],
        figures=in_words(question),
        records=_records(acting, question) if acting.role != Role.DISTRICT_STAFF else None,
        may_answer=acting.role == Role.PRINCIPAL and not question.answered_at and not question.closed_at,
        may_close=acting.role == Role.DISTRICT_STAFF and not question.closed_at,
        form=form,
        **WORDS,
    )


def _records(acting: Actor, question: FairPlayQuestion) -> Listing[Visit]:
    """A page of the visits a question rests on, those within the actor's reach."""
    rests_on = select(FairPlayRecord.visit_id).where(FairPlayRecord.question_id == question.id)
    wanted = VISIT_SCHOOL.rows(acting).where(Visit.id.in_(rests_on)).options(*IN_LISTS)
    return page_of(wanted, [(Visit.id, False)])


@bp.post("/fair-play/<public_id>/answer")
@requires(FAIR_PLAY_ANSWER)
def answer_fair_play(public_id: str) -> Answer:
    """The principal says how it was."""
    question = find(FAIR_PLAY_ANSWER, public_id)
    form = FairPlayForm()
    if not form.validate():
        return _question_page(public_id, form), 422
    answer(question, form.words.data or "", actor(), clock.now())
    return commit_and_go(
        url_for("visits.fair_play_question", public_id=public_id), _("The district reads your answer.")
    )


@bp.post("/fair-play/<public_id>/closing")
@requires(FAIR_PLAY_CLOSE)
def close_fair_play(public_id: str) -> Answer:
    """The district says how it leaves it; the school reads these words."""
    question = find(FAIR_PLAY_CLOSE, public_id)
    form = FairPlayForm()
    if not form.validate():
        return _question_page(public_id, form), 422
    close(question, form.words.data or "", actor(), clock.now())
    return commit_and_go(
        url_for("visits.fair_play_question", public_id=public_id), _("The school reads your words.")
    )
