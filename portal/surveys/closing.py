"""The closing of a questionnaire: the boxes of a school are opened together, counted, shuffled and destroyed."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select

from portal import clock
from portal.accounts.models import Appointment, Person
from portal.extensions import db, new_public_id
from portal.row_security import all_rows
from portal.schools.models import Enrolment, Grade, Guardianship, Pupil, SchoolClass
from portal.surveys import figures, groups
from portal.surveys.answering import Given, gather_pressure, unpacked
from portal.surveys.instrument import Question
from portal.surveys.masking import Names, masked
from portal.surveys.models import (
    Survey,
    SurveyAnswer,
    SurveyBox,
    SurveyHousehold,
    SurveyRemark,
    SurveySchool,
    SurveyState,
)
from portal.trail.models import note

_COMES = secrets.SystemRandom()
Answers = Sequence[Mapping[str, str]]


def close(survey: Survey, by_id: int | None) -> None:
    """Nobody answers any more, in the current transaction; the counting follows in the job."""
    survey.refuse_unless(SurveyState.OPEN)
    survey.state, survey.closed_at = SurveyState.CLOSED, clock.now()
    note("survey.closed", survey, person_id=by_id)


def close_due() -> None:
    """Close every questionnaire whose last day has passed."""
    due = db.session.scalars(
        select(Survey).where(Survey.state == SurveyState.OPEN, Survey.closes_on < clock.today())
    ).all()
    for survey in due:
        close(survey, None)
    db.session.commit()


def count_waiting() -> None:
    """Count every school of closed questionnaires that is not counted yet, each in a transaction of its own."""
    waiting = db.session.scalars(
        select(SurveySchool.id)
        .join(Survey, Survey.id == SurveySchool.survey_id)
        .where(Survey.state == SurveyState.CLOSED, SurveySchool.answered.is_(None))
        .order_by(SurveySchool.id)
    ).all()
    db.session.commit()
    for row_id in waiting:
        with all_rows():
            count(db.session.get_one(SurveySchool, row_id, with_for_update=True))
            db.session.commit()


def count(row: SurveySchool) -> None:
    """Open, count, shuffle and destroy the boxes of a school, in the current transaction. Twice does nothing more."""
    if row.answered is not None:
        return
    questions = db.session.get_one(Survey, row.survey_id).questions
    gather_pressure(row)
    boxes = db.session.scalars(select(SurveyBox).where(SurveyBox.survey_school_id == row.id)).all()
    found = [unpacked(box.content) for box in boxes]
    _COMES.shuffle(found)
    row.answered, row.invited = len(found), row.invited or 0
    tree = _tree(found)
    row.counted = json.dumps(_counted(questions, tree, found), ensure_ascii=False)
    _keep_answers(row.id, tree, found)
    _keep_remarks(row, [given.remark for _class_id, given in found if given.remark])
    db.session.execute(delete(SurveyBox).where(SurveyBox.survey_school_id == row.id))
    db.session.execute(delete(SurveyHousehold).where(SurveyHousehold.survey_school_id == row.id))
    row.signing_key, row.modulus = None, None
    note("survey.counted", row, person_id=None, answered=row.answered, invited=row.invited)


@dataclass(frozen=True)
class Group:
    """A class or grade with the answers given in it."""

    key: str
    level: str
    name: str
    within: str
    answers: list[Mapping[str, str]]


def _tree(found: Sequence[tuple[int, Given]]) -> list[Group]:
    """Grades and classes of a school, with their answers; grades first, both in the order of the school."""
    by_class: dict[int, list[Mapping[str, str]]] = {}
    for class_id, given in found:
        by_class.setdefault(class_id, []).append(given.choices)
    rows = db.session.execute(
        select(SchoolClass.id, SchoolClass.name, Grade)
        .join(Grade, Grade.id == SchoolClass.grade_id)
        .where(SchoolClass.id.in_(by_class))
        .order_by(Grade.stage, Grade.level, SchoolClass.number, SchoolClass.id)
    ).all()
    grades: dict[str, Group] = {}
    classes: list[Group] = []
    for class_id, name, grade in rows:
        above = grades.setdefault(f"g{grade.id}", Group(f"g{grade.id}", "grade", grade.name, "", []))
        above.answers.extend(by_class[class_id])
        classes.append(Group(f"c{class_id}", "class", name, above.key, by_class[class_id]))
    return [*grades.values(), *classes]


def _counted(
    questions: list[Question], tree: list[Group], found: Sequence[tuple[int, Given]]
) -> dict[str, Any]:
    """The numbers of a school: of the whole, and of the groups in it that may be shown, question by question."""
    whole = figures.cells_of(questions, (given.choices for _class_id, given in found))
    cells = {group.key: figures.cells_of(questions, group.answers) for group in tree}
    visible: dict[str, figures.Cells] = {group.key: {} for group in tree}
    for question in questions:
        sizes = {group.key: cells[group.key][question.id].n for group in tree}
        for key in shown_in_school(tree, sizes):
            visible[key][question.id] = cells[key][question.id]
    rows = [tuple(given.choices.get(question.id, "") for question in questions) for _at, given in found]
    return {
        "questions": _stored(whole),
        "groups": [
            {
                "key": group.key,
                "level": group.level,
                "name": group.name,
                "questions": _stored(visible[group.key]),
            }
            for group in tree
            if visible[group.key]
        ],
        "alike": round(figures.share_of_commonest(rows), 4),
        "top": _top_share(questions, found),
        "texts": round(
            figures.share_of_commonest((given.remark,) for _at, given in found if given.remark), 4
        ),
        "remarks": sum(bool(given.remark) for _at, given in found),
    }


def shown_in_school(tree: Sequence[Group], sizes: Mapping[str, int], *, complement: bool = True) -> set[str]:
    """The grades and classes of a school that may be shown for one question, by how many answered it."""
    grades = groups.shown(
        {group.key: sizes[group.key] for group in tree if group.level == "grade"}, complement=complement
    )
    found = set(grades)
    for grade in grades:
        below = {group.key: sizes[group.key] for group in tree if group.within == grade}
        found |= groups.shown(below, complement=complement)
    return found


def _top_share(questions: list[Question], found: Sequence[tuple[int, Given]]) -> float:
    """The share of answers to scored questions that chose the best; 0 without any."""
    scored = [question.id for question in questions if question.scored]
    given = [
        answer.choices[name]
        for _at, answer in found
        for name in scored
        if answer.choices.get(name, "unsure") != "unsure"
    ]
    return round(sum(choice == "5" for choice in given) / len(given), 4) if given else 0.0


def _stored(cells: figures.Cells) -> dict[str, list[int]]:
    return {name: cell.stored() for name, cell in cells.items()}


def _keep_answers(row_id: int, tree: list[Group], found: Sequence[tuple[int, Given]]) -> None:
    """The answers one by one, shuffled, under random names; the class only where at least ten answered in it."""
    large = {
        int(group.key[1:]) for group in tree if group.level == "class" and len(group.answers) >= groups.LEAST
    }
    values = [
        {
            "key": new_public_id(),
            "survey_school_id": row_id,
            "class_id": class_id if class_id in large else None,
            "choices": json.dumps(dict(sorted(given.choices.items())), separators=(",", ":")),
        }
        for class_id, given in found
    ]
    if values:
        db.session.execute(insert(SurveyAnswer), sorted(values, key=lambda value: str(value["key"])))


def _keep_remarks(row: SurveySchool, remarks: list[str]) -> None:
    if not remarks:
        return
    names = Names(_names(row.school_id))
    _COMES.shuffle(remarks)
    for text in remarks:
        remark = SurveyRemark(key=new_public_id(), survey_school_id=row.id)
        remark.text = masked(text, names)
        db.session.add(remark)
    db.session.flush()


def _names(school_id: int) -> set[str]:
    """The names of pupils, guardians and staff of a school: what free words are searched for."""
    pupils = select(Enrolment.pupil_id).where(Enrolment.school_id == school_id)
    wanted = (
        select(Pupil.name).where(Pupil.id.in_(pupils)),
        select(Person.name)
        .join(Guardianship, Guardianship.person_id == Person.id)
        .where(Guardianship.pupil_id.in_(pupils)),
        select(Person.name)
        .join(Appointment, Appointment.person_id == Person.id)
        .outerjoin(SchoolClass, SchoolClass.id == Appointment.class_id)
        .where((Appointment.school_id == school_id) | (SchoolClass.school_id == school_id)),
    )
    return {name for query in wanted for name in db.session.scalars(query.distinct())}
