"""Who reaches which rubrics, rounds, self-assessments and score sheets."""

from sqlalchemy import ColumnElement, and_, select

from portal.access import Actor, Permission, Role
from portal.ratings.models import Entry, EntryState, Round, RoundState, RubricVersion, Sheet


def rubrics_of_district(actor: Actor) -> ColumnElement[bool]:
    """Rubric versions of the actor's own district."""
    return RubricVersion.district_id == actor.district_id


def rounds_of_district(actor: Actor) -> ColumnElement[bool]:
    """Rounds of the actor's own district."""
    return Round.district_id == actor.district_id


def entries_of_district(actor: Actor) -> ColumnElement[bool]:
    """Schools in the rounds of the actor's own district."""
    return Entry.round_id.in_(select(Round.id).where(Round.district_id == actor.district_id))


def entries_of_school(actor: Actor) -> ColumnElement[bool]:
    """The actor's school in rounds that are open or published."""
    opened = select(Round.id).where(Round.state != RoundState.DRAFT)
    return and_(Entry.school_id == actor.school_id, Entry.round_id.in_(opened))


def own_sheets(actor: Actor) -> ColumnElement[bool]:
    """The inspector's own sheets, of their district, once the school's self-assessment is accepted."""
    early = (EntryState.CHOSEN, EntryState.SELF_ASSESSING, EntryState.SUBMITTED)
    ready = (
        select(Entry.id)
        .join(Round, Round.id == Entry.round_id)
        .where(Entry.state.not_in(early), Round.district_id == actor.district_id)
    )
    return and_(Sheet.person_id == actor.person_id, Sheet.entry_id.in_(ready))


RUBRIC_MANAGE = Permission("rubric.manage", RubricVersion, "F1", {Role.DISTRICT_STAFF: rubrics_of_district})
ROUND_MANAGE = Permission("rating.round.manage", Round, "F1", {Role.DISTRICT_STAFF: rounds_of_district})
ENTRY_MANAGE = Permission("rating.entry.manage", Entry, "F2", {Role.DISTRICT_STAFF: entries_of_district})
ENTRY_READ = Permission(
    "rating.entry.read",
    Entry,
    "F2",
    {Role.PRINCIPAL: entries_of_school, Role.DISTRICT_STAFF: entries_of_district},
)
ENTRY_ASSESS = Permission("rating.entry.assess", Entry, "F2", {Role.PRINCIPAL: entries_of_school})
SHEET_SCORE = Permission("rating.sheet.score", Sheet, "F2", {Role.INSPECTOR: own_sheets})
