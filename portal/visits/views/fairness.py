"""Fair play of visits: the questions to a school and its answers; for the district figures and words, never a record."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.access import Role, actor, requires
from portal.paging import Listing, page_of
from portal.schools.asking import Asking, QuestionForm
from portal.schools.models import Term
from portal.schools.policy import schools_of_district
from portal.templating import render
from portal.visits.fairness import QUESTIONS, RULE_NAMES, FairPlayQuestion, FairPlayRecord, in_words
from portal.visits.loading import IN_LISTS
from portal.visits.models import Visit
from portal.visits.policy import FAIR_PLAY_ANSWER, FAIR_PLAY_CLOSE, FAIR_PLAY_READ, VISIT_SCHOOL
from portal.visits.views.blueprint import WORDS, Answer, bp

ASKING = Asking(
    FairPlayQuestion,
    read=FAIR_PLAY_READ,
    answers=FAIR_PLAY_ANSWER,
    closes=FAIR_PLAY_CLOSE,
    of_district=lambda acting: FairPlayQuestion.school_id.in_(schools_of_district(acting)),
    load=(
        joinedload(FairPlayQuestion.school),
        joinedload(FairPlayQuestion.term).joinedload(Term.school_year),
    ),
    names=RULE_NAMES,
    asks=QUESTIONS,
    in_words=in_words,
    about=lambda question: (question.school.name, question.term.name),
)


@bp.get("/fair-play")
@requires(FAIR_PLAY_READ)
def fair_play() -> str:
    """The questions of one's school, or those of the district's schools that had their say; ``?state=closed``."""
    return render("visits/fair_play.html", **ASKING.listed())


@bp.get("/fair-play/<public_id>")
@requires(FAIR_PLAY_READ)
def fair_play_question(public_id: str) -> str:
    """One question with its figures, answer and closing words; to the school also the visits it rests on."""
    return _page(public_id, QuestionForm(formdata=None))


def _page(public_id: str, form: QuestionForm) -> str:
    shown = ASKING.shown(public_id, form)
    return render("visits/fair_play_question.html", records=_records(shown["question"]), **shown, **WORDS)


def _records(question: FairPlayQuestion) -> Listing[Any] | None:
    """A page of the visits a question rests on, those within the actor's reach; nothing for the district."""
    if actor().role == Role.DISTRICT_STAFF:
        return None
    rests_on = select(FairPlayRecord.visit_id).where(FairPlayRecord.question_id == question.id)
    wanted = VISIT_SCHOOL.rows(actor()).where(Visit.id.in_(rests_on)).options(*IN_LISTS)
    return page_of(wanted, [(Visit.id, False)])


@bp.post("/fair-play/<public_id>/answer")
@requires(FAIR_PLAY_ANSWER)
def answer_fair_play(public_id: str) -> Answer:
    """The principal says how it was."""
    return ASKING.answer(public_id, _page)


@bp.post("/fair-play/<public_id>/closing")
@requires(FAIR_PLAY_CLOSE)
def close_fair_play(public_id: str) -> Answer:
    """The district says how it leaves it; the school reads these words."""
    return ASKING.close(public_id, _page)
