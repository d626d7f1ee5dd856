"""Fair play of ratings: the questions to a school and its answers; for the district figures and words."""

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.access import requires
from portal.ratings.asking import RatingQuestion
from portal.ratings.fairness import QUESTIONS, RULE_NAMES, in_words, places_in_words
from portal.ratings.models import Entry, Round
from portal.ratings.policy import QUESTION_ANSWER, QUESTION_CLOSE, QUESTION_READ, entries_of_district
from portal.ratings.views.blueprint import bp
from portal.schools.asking import Answer, Asking, QuestionForm
from portal.templating import render

ASKING = Asking(
    RatingQuestion,
    read=QUESTION_READ,
    answers=QUESTION_ANSWER,
    closes=QUESTION_CLOSE,
    of_district=lambda acting: RatingQuestion.entry_id.in_(
        select(Entry.id).where(entries_of_district(acting))
    ),
    load=(
        joinedload(RatingQuestion.entry).joinedload(Entry.school),
        joinedload(RatingQuestion.entry).joinedload(Entry.round).joinedload(Round.school_year),
    ),
    names=RULE_NAMES,
    asks=QUESTIONS,
    in_words=in_words,
    about=lambda question: (question.entry.school.name, question.entry.round.name),
)


@bp.get("/ratings/fair-play")
@requires(QUESTION_READ)
def fair_play() -> str:
    """The questions to one's school, or to the district's schools that had their say; ``?state=closed``."""
    return render("ratings/fair_play.html", **ASKING.listed())


@bp.get("/ratings/fair-play/<public_id>")
@requires(QUESTION_READ)
def fair_play_question(public_id: str) -> str:
    """One question with its figures, what it rests on, answer and closing words."""
    return _page(public_id, QuestionForm(formdata=None))


def _page(public_id: str, form: QuestionForm) -> str:
    shown = ASKING.shown(public_id, form)
    return render("ratings/fair_play_question.html", places=places_in_words(shown["question"]), **shown)


@bp.post("/ratings/fair-play/<public_id>/answer")
@requires(QUESTION_ANSWER)
def answer_fair_play(public_id: str) -> Answer:
    """The principal says how it was."""
    return ASKING.answer(public_id, _page)


@bp.post("/ratings/fair-play/<public_id>/closing")
@requires(QUESTION_CLOSE)
def close_fair_play(public_id: str) -> Answer:
    """The district says how it leaves it; the school reads these words. Points and star stay as they are."""
    return ASKING.close(public_id, _page)
