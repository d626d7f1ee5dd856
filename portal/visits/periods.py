"""How long what was said and done at visits is kept (SECURITY contract: narratives go a year after the stage of schooling)."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import aliased

from portal.i18n import lazy_gettext as _l
from portal.periods import NO_WORD, Due, after, day_of, gone, kind, mark, on_own_clock, shown, unmarked
from portal.schools.models import Enrolment, Grade, Pupil, SchoolClass
from portal.visits.drafts import VisitDraft
from portal.visits.holdings import erase_lessons, erase_texts
from portal.visits.home_lessons import HomeTeaching
from portal.visits.models import Visit


def _stage_is_over(pupil_id: Any, stage: Any, until: date) -> Any:
    """No place of the child in that stage of schooling was left later than ``until`` or is still held."""
    place, grade, room = aliased(Enrolment), aliased(Grade), aliased(SchoolClass)
    places = (
        select(place.id)
        .join(room, room.id == place.class_id)
        .join(grade, grade.id == room.grade_id)
        .where(place.pupil_id == pupil_id, grade.stage == stage)
    )
    held = places.where(or_(place.ended_on.is_(None), place.ended_on > until))
    return and_(places.exists(), ~held.exists())


@kind(
    _l("What was written about visits"),
    _l("That the visit took place stays as a number"),
    months=12,
    least=6,
)
def visit_texts(until: date) -> Due:
    """The end of the stage of schooling + 12 months."""
    rows = (
        shown(Visit.id, Visit.school_id, Visit.held_on, SchoolClass.name)
        .join(SchoolClass, SchoolClass.id == Visit.class_id)
        .join(Grade, Grade.id == SchoolClass.grade_id)
        .where(_stage_is_over(Visit.pupil_id, Grade.stage, until), unmarked("visit_texts", Visit.id))
    )

    def end(ids: Sequence[int]) -> None:
        erase_texts(select(Visit.id).where(Visit.id.in_(ids)), Counter(), sealed=True)
        mark("visit_texts", ids)

    return Due(rows, end, Visit.pupil_id)


@kind(
    _l("Plans and contents of lessons at home"),
    _l("How many lessons were given stays as a number"),
    months=12,
    least=6,
)
def home_lessons(until: date) -> Due:
    """The end of the stage of schooling in which the log was begun + 12 months, as for visits."""
    begun = day_of(HomeTeaching.opened_at)
    rows = (
        shown(HomeTeaching.id, HomeTeaching.school_id, HomeTeaching.year_on, SchoolClass.name)
        .join(
            Enrolment,
            and_(
                Enrolment.pupil_id == HomeTeaching.pupil_id,
                Enrolment.started_on <= begun,
                or_(Enrolment.ended_on.is_(None), Enrolment.ended_on > begun),
            ),
        )
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .join(Grade, Grade.id == SchoolClass.grade_id)
        .where(
            _stage_is_over(HomeTeaching.pupil_id, Grade.stage, until),
            unmarked("home_lessons", HomeTeaching.id),
        )
    )

    def end(ids: Sequence[int]) -> None:
        erase_lessons(ids)
        mark("home_lessons", ids)

    return Due(rows, end, HomeTeaching.pupil_id)


@kind(_l("Drafts of visits"), _l("The visit that was sent stays"), months=6, least=3)
def visit_drafts(until: date) -> Due:
    """Half a year untouched: the term in which it could still be sent is over. A sent one is a copy of the visit."""
    rows = (
        shown(VisitDraft.id, Pupil.school_id, VisitDraft.changed_at, NO_WORD)
        .join(Pupil, Pupil.id == VisitDraft.pupil_id)
        .where(VisitDraft.changed_at < after(until))
    )
    return Due(rows, lambda ids: gone(VisitDraft, VisitDraft.id, ids), VisitDraft.pupil_id)


on_own_clock(_l("Photos of visits"), _l("12 months, or at once when a guardian no longer agrees"))
