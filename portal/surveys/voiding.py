"""Answers that do not count: one person of the district says why, a second one decides; then the school's families are asked again.

What is released of the district and of other schools stays as it is: made anew without one school, the difference would tell
what that school's families answered. A voided school counts in nothing any more.
"""

from datetime import timedelta

from portal import clock
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.schools.models import School
from portal.surveys.inviting import prepare
from portal.surveys.models import Survey, SurveySchool, SurveyState
from portal.trail.hashing import told_apart
from portal.trail.models import note

REPEAT_DAYS = 14


def ask(row: SurveySchool, reason: str, by_id: int) -> None:
    """Say why the answers of a school should not count. RuleBroken when it was said already or nothing was sent."""
    if row.survey.state == SurveyState.DRAFT:
        raise RuleBroken(_("The questionnaire has not been sent yet."))
    if row.void_asked_at is not None:
        raise RuleBroken(_("A second person has been asked already."))
    row.void_reason, row.void_asked_by_id, row.void_asked_at = reason, by_id, clock.now()
    note("survey.void_asked", row, person_id=by_id, reason_hash=told_apart(reason))


def decide(row: SurveySchool, by_id: int, *, agrees: bool) -> None:
    """The second person agrees or not. RuleBroken for the one who asked, or when nothing waits."""
    if row.void_asked_at is None or row.is_void:
        raise RuleBroken(_("Nothing waits for a second person here."))
    if row.void_asked_by_id == by_id:
        raise RuleBroken(_("You asked for this yourself. Somebody else of the district office decides."))
    if agrees:
        row.voided_by_id, row.voided_at = by_id, clock.now()
    else:
        row.void_reason, row.void_asked_by_id, row.void_asked_at = "", None, None
    note("survey.voided" if agrees else "survey.void_refused", row, person_id=by_id)


def repeat(row: SurveySchool, by_id: int) -> Survey:
    """A new questionnaire with the same questions to the families of a voided school, with tokens of its own. RuleBroken unless void."""
    if not row.is_void:
        raise RuleBroken(_("Only answers that do not count are asked for again."))
    first = row.survey
    return prepare(
        first.district_id,
        first.school_year_id,
        [db.session.get_one(School, row.school_id)],
        _("%(name)s (again)", name=first.name)[:200],
        clock.today() + timedelta(days=REPEAT_DAYS),
        by_id,
        instrument=first.instrument,
        repeats_id=first.repeats_id or first.id,
        blind=first.blind,
    )
