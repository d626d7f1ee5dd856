"""Signs in the numbers of a school that are worth a question (DOMAIN 7.4.6). People look at them; nothing follows by itself.

What would need the time of an answer or the address it came from (many in a short time, answered too fast) is not looked at:
neither is kept. More answers than households cannot be: a household has one box. Reports of pressure are no sign here: the
school never learns of them.
"""

import json
from typing import Any

from sqlalchemy import select

from portal import clock
from portal.access import Actor
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.schools import summaries
from portal.schools.calendar import add_working_days, term_on
from portal.schools.models import School
from portal.surveys.instrument import Question
from portal.surveys.models import FlagKind, Survey, SurveyFlag, SurveySchool
from portal.trail.models import note
from portal.visits import counting as visits

LEAST_ANSWERS, LEAST_TEXTS = 30, 10
ALIKE, TOP, SAME_TEXT = 0.9, 0.98, 0.5
JUMP = 15
TIME_TO_ANSWER = 5
"""Working days in which the school has its say before the district looks."""
RECORDED, REMEMBERED = 80, 50
FLAG_NAMES = {
    FlagKind.IDENTICAL: _l("Nearly all answers are the same from the first question to the last"),
    FlagKind.ALL_TOP: _l("Nearly everybody chose the best answer everywhere"),
    FlagKind.SAME_TEXT: _l("The free words are often the same"),
    FlagKind.JUMP: _l("The mean has changed a great deal since the last questionnaire"),
    FlagKind.CONTACTS: _l("Families remember fewer talks with teachers than the records hold visits"),
}


def ask(row: SurveySchool, questions: list[Question]) -> list[SurveyFlag]:
    """Put the questions that the released tables of a school give rise to, in the current transaction."""
    tables = row.shown or {}
    if (row.answered or 0) < LEAST_ANSWERS or "index" not in tables:
        return []
    signs = {
        **_alike(json.loads(row.counted or "{}")),
        **_jump(row, tables),
        **_contacts(row, questions, tables),
    }
    due_on = add_working_days(clock.today(), TIME_TO_ANSWER)
    made = [
        SurveyFlag(
            survey_school_id=row.id,
            kind=kind,
            figures=json.dumps(numbers),
            due_on=due_on,
            answer="",
            closing="",
        )
        for kind, numbers in signs.items()
    ]
    db.session.add_all(made)
    db.session.flush()
    return made


def _alike(counted: dict[str, Any]) -> dict[FlagKind, dict[str, float]]:
    found: dict[FlagKind, dict[str, float]] = {}
    if counted["alike"] > ALIKE:
        found[FlagKind.IDENTICAL] = {"percent": round(100 * counted["alike"])}
    if counted["top"] > TOP:
        found[FlagKind.ALL_TOP] = {"percent": round(100 * counted["top"])}
    if counted["remarks"] >= LEAST_TEXTS and counted["texts"] > SAME_TEXT:
        found[FlagKind.SAME_TEXT] = {"percent": round(100 * counted["texts"])}
    return found


def _jump(row: SurveySchool, tables: dict[str, Any]) -> dict[FlagKind, dict[str, float]]:
    before = db.session.scalar(
        select(SurveySchool.tables)
        .join(Survey, Survey.id == SurveySchool.survey_id)
        .where(
            SurveySchool.school_id == row.school_id,
            SurveySchool.id != row.id,
            SurveySchool.tables.is_not(None),
            SurveySchool.voided_at.is_(None),
        )
        .order_by(Survey.released_at.desc())
        .limit(1)
    )
    index = json.loads(before).get("index") if before else None
    if index is None or abs(index["mean"] - tables["index"]["mean"]) < JUMP:
        return {}
    return {FlagKind.JUMP: {"before": index["mean"], "now": tables["index"]["mean"]}}


def _contacts(
    row: SurveySchool, questions: list[Question], tables: dict[str, Any]
) -> dict[FlagKind, dict[str, float]]:
    """Coverage of visits by the records of the term beside the share of families that remember a talk."""
    names = [question.id for question in questions if question.about == "visits"]
    said = tables["questions"].get(names[0], {}).get("mean") if names else None
    if said is None or said == ">95":
        return {}
    school = db.session.get_one(School, row.school_id)
    survey = db.session.get_one(Survey, row.survey_id)
    term = term_on(school.district_id, survey.closes_on)
    kept = summaries.values([school.id], term.id, [visits.PUPILS_VISITED, summaries.PUPILS]) if term else {}
    pupils = kept.get((school.id, summaries.PUPILS), 0)
    recorded = 100 * kept.get((school.id, visits.PUPILS_VISITED), 0) / pupils if pupils else 0
    remembered = 5.0 if said == "<5" else float(said)
    if recorded < RECORDED or remembered >= REMEMBERED:
        return {}
    return {FlagKind.CONTACTS: {"recorded": round(recorded), "remembered": round(remembered)}}


def in_words(flag: SurveyFlag) -> str:
    """The figures of a question as a sentence."""
    numbers = json.loads(flag.figures)
    match FlagKind(flag.kind):
        case FlagKind.IDENTICAL:
            return _(
                "%(percent)s%% of the answers are the same from the first question to the last.", **numbers
            )
        case FlagKind.ALL_TOP:
            return _("%(percent)s%% of the opinions are the best there is.", **numbers)
        case FlagKind.SAME_TEXT:
            return _("%(percent)s%% of the free words are the same text.", **numbers)
        case FlagKind.JUMP:
            return _("The mean was %(before)s and is now %(now)s.", **numbers)
        case FlagKind.CONTACTS:
            return _(
                "By the records %(recorded)s%% of the pupils were visited; %(remembered)s%% of the families say that a teacher talked with them.",
                **numbers,
            )


def answer(flag: SurveyFlag, words: str, by: Actor) -> None:
    """The principal says how it was. RuleBroken when it is answered or closed."""
    if flag.answered_at is not None or flag.closed_at is not None:
        raise RuleBroken(_("This question has been answered already."))
    flag.answer, flag.answered_by_id, flag.answered_at = words, by.person_id, clock.now()
    note("survey.flag_answered", flag, person_id=by.person_id, role=by.role, kind=flag.kind)


def close(flag: SurveyFlag, words: str, by: Actor) -> None:
    """The district says how it leaves it. RuleBroken when it is closed, or while the school has its say first."""
    if flag.closed_at is not None:
        raise RuleBroken(_("This question is closed already."))
    if flag.is_with_school(by.on):
        raise RuleBroken(_("The school has its say first."))
    flag.closing, flag.closed_by_id, flag.closed_at = words, by.person_id, clock.now()
    note("survey.flag_closed", flag, person_id=by.person_id, role=by.role, kind=flag.kind)
