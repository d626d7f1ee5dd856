"""Who reaches which visits, invitations, steps and sealed notes.

A visit belongs to a household. The other household of the same child learns that it happened, not what was said.
"""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select

from portal.access import Actor, Permission, Role, Scope
from portal.row_security import wall
from portal.schools.asking import had_its_say
from portal.schools.models import Enrolment, Pupil, School
from portal.schools.policy import (
    class_now,
    in_force,
    own_school,
    own_tie,
    pupils_acted_for,
    pupils_of_class,
    pupils_of_guardian,
    school_now,
    schools_of_district,
)
from portal.staffing.models import PupilTransfer, TransferState
from portal.visits.drafts import DraftClash, DraftPart, LateVisit, VisitDraft, own_drafts_in_class
from portal.visits.fairness import FairPlayQuestion, FairPlayRecord
from portal.visits.harm import HarmEntry, HarmReport, SafeguardingPerson
from portal.visits.models import (
    Correction,
    FollowUp,
    HomePlace,
    Invitation,
    Outcome,
    PlanEntry,
    SealedNote,
    Visit,
    VisitChange,
    VisitCompanion,
    VisitPart,
    VisitRemark,
)


def visits_of_class(actor: Actor) -> ColumnElement[bool]:
    """Visits to pupils who are in the teacher's class today."""
    return Visit.pupil_id.in_(pupils_of_class(actor))


def visits_one_joined(actor: Actor) -> ColumnElement[bool]:
    """Visits that somebody else wrote and on which the actor went along, while the child is at the actor's school."""
    here = select(Enrolment.pupil_id).where(
        Enrolment.school_id == actor.school_id, in_force(Enrolment, actor)
    )
    along = select(VisitCompanion.visit_id).where(VisitCompanion.person_id == actor.person_id)
    return and_(
        Visit.author_id != actor.person_id,
        Visit.school_id == actor.school_id,
        Visit.id.in_(along),
        Visit.pupil_id.in_(here),
    )


def visits_of_class_or_joined(actor: Actor) -> ColumnElement[bool]:
    """Visits to pupils of the teacher's class today, and those on which the teacher went along."""
    return or_(visits_of_class(actor), visits_one_joined(actor))


def own_visits_in_class_or_joined(actor: Actor) -> ColumnElement[bool]:
    """Visits at which the teacher was: written by the teacher about a pupil of the class today, or joined."""
    return or_(own_visits_in_class(actor), visits_one_joined(actor))


def _came_to_school(actor: Actor) -> Select[int]:
    """Ids of pupils who came to the actor's school by a transfer whose day has come, and who are there."""
    return (
        select(PupilTransfer.pupil_id)
        .join(Pupil, Pupil.id == PupilTransfer.pupil_id)
        .where(
            PupilTransfer.to_school_id == actor.school_id,
            PupilTransfer.state == TransferState.DONE,
            PupilTransfer.from_on <= actor.on,
            school_now(actor),
        )
    )


def visits_of_school(actor: Actor) -> ColumnElement[bool]:
    """Visits made for the actor's school, and earlier ones of pupils who came to it."""
    return or_(Visit.school_id == actor.school_id, Visit.pupil_id.in_(_came_to_school(actor)))


def visits_to_own_children(actor: Actor) -> ColumnElement[bool]:
    """Visits about the guardian's children, to either household; attempts are the school's own note."""
    return and_(Visit.pupil_id.in_(pupils_of_guardian(actor, "visits")), Visit.outcome == Outcome.MET)


def visits_to_own_household(actor: Actor) -> ColumnElement[bool]:
    """Visits about the guardian's children to the guardian's own household."""
    return and_(visits_to_own_children(actor), own_tie(actor, Visit.pupil_id, Visit.household_id))


def visits_one_answers(actor: Actor) -> ColumnElement[bool]:
    """Visits to the guardian's own household to which the guardian may say more than that it was so."""
    return and_(visits_to_own_children(actor), own_tie(actor, Visit.pupil_id, Visit.household_id, full=True))


def own_visits_in_class(actor: Actor) -> ColumnElement[bool]:
    """Visits that the teacher wrote, to pupils of the class today."""
    return and_(Visit.author_id == actor.person_id, visits_of_class(actor))


def invitations_of_class(actor: Actor) -> ColumnElement[bool]:
    """Invitations to families of the class today."""
    return Invitation.pupil_id.in_(pupils_of_class(actor))


def invitations_to_own_household(actor: Actor) -> ColumnElement[bool]:
    """Invitations to the guardian's household about the guardian's children."""
    return and_(
        Invitation.pupil_id.in_(pupils_of_guardian(actor, "visits")),
        own_tie(actor, Invitation.pupil_id, Invitation.household_id),
    )


def invitations_one_answers(actor: Actor) -> ColumnElement[bool]:
    """Invitations to the guardian's household that the guardian may accept or decline."""
    return and_(
        Invitation.pupil_id.in_(pupils_of_guardian(actor, "visits")),
        own_tie(actor, Invitation.pupil_id, Invitation.household_id, full=True),
    )


def steps_of_class(actor: Actor) -> ColumnElement[bool]:
    """Steps agreed about pupils of the class today."""
    return FollowUp.pupil_id.in_(pupils_of_class(actor))


def steps_of_own_household(actor: Actor) -> ColumnElement[bool]:
    """Steps that the guardian's household took on, for a guardian who may say that they are done."""
    return and_(
        FollowUp.pupil_id.in_(pupils_of_guardian(actor, "visits")),
        own_tie(actor, FollowUp.pupil_id, FollowUp.household_id, full=True),
        FollowUp.owner == "family",
    )


def own_sealed_notes(actor: Actor) -> ColumnElement[bool]:
    """Sealed notes that the teacher wrote about pupils of the class today, or about a visit the teacher joined."""
    written_for = select(Visit.id).where(visits_of_class_or_joined(actor))
    return and_(SealedNote.author_id == actor.person_id, SealedNote.visit_id.in_(written_for))


def own_sealed_notes_joined(actor: Actor) -> ColumnElement[bool]:
    """Sealed notes that somebody wrote about a visit they went along on."""
    joined = select(Visit.id).where(visits_one_joined(actor))
    return and_(SealedNote.author_id == actor.person_id, SealedNote.visit_id.in_(joined))


def sealed_notes_of_school(actor: Actor) -> ColumnElement[bool]:
    """Sealed notes of the principal's school; who stands in for the principal opens them only if that was said."""
    if not actor.opens_sealed:
        return false()
    return SealedNote.visit_id.in_(select(Visit.id).where(Visit.school_id == actor.school_id))


def _receives_harm(actor: Actor) -> ColumnElement[bool]:
    """Reports of harm of the actor's school, if the principal named the actor to receive them."""
    receives = exists().where(
        SafeguardingPerson.school_id == HarmReport.school_id,
        SafeguardingPerson.person_id == actor.person_id,
        SafeguardingPerson.ended_at.is_(None),
    )
    return and_(HarmReport.school_id == actor.school_id, receives)


def harm_one_reported_in_class(actor: Actor) -> ColumnElement[bool]:
    """Reports of harm that the teacher made about pupils of the class today; all of the school for who is named."""
    own = and_(HarmReport.author_id == actor.person_id, HarmReport.pupil_id.in_(pupils_of_class(actor)))
    return or_(own, _receives_harm(actor))


def harm_one_reported_at_school(actor: Actor) -> ColumnElement[bool]:
    """Reports of harm that the actor made at this school; all of the school for who is named."""
    own = and_(HarmReport.author_id == actor.person_id, HarmReport.school_id == actor.school_id)
    return or_(own, _receives_harm(actor))


def harm_of_school(actor: Actor) -> ColumnElement[bool]:
    """Reports of harm of the school; who stands in for the principal opens them only if that was said."""
    if not actor.opens_sealed:
        return HarmReport.author_id == actor.person_id
    return HarmReport.school_id == actor.school_id


def corrections_of_own_visits(actor: Actor) -> ColumnElement[bool]:
    """Corrections asked of visits that the teacher wrote."""
    return Correction.visit_id.in_(select(Visit.id).where(own_visits_in_class(actor)))


def narrative_scope(actor: Actor) -> ColumnElement[bool]:
    """Visits whose story, not only whose facts, the actor may read."""
    match actor.role:
        case Role.GUARDIAN:
            return own_tie(actor, Visit.pupil_id, Visit.household_id)
        case Role.CLASS_TEACHER | Role.PRINCIPAL:
            shared = _came_to_school(actor).where(PupilTransfer.shares_story)
            return or_(Visit.school_id == actor.school_id, Visit.pupil_id.in_(shared))
        case Role.SUBJECT_TEACHER | Role.SCHOOL_OFFICE:
            return visits_one_joined(actor)
        case _:
            return false()


PUPIL_VISIT = Permission("visit.write", Pupil, "F4", {Role.CLASS_TEACHER: class_now})

VISIT_READ = Permission(
    "visit.read",
    Visit,
    "F4",
    {
        Role.GUARDIAN: visits_to_own_children,
        Role.CLASS_TEACHER: visits_of_class_or_joined,
        Role.SUBJECT_TEACHER: visits_one_joined,
        Role.PRINCIPAL: visits_of_school,
        Role.SCHOOL_OFFICE: visits_of_school,
    },
)

VISIT_JOIN = Permission(
    "visit.join",
    Visit,
    "F4",
    dict.fromkeys(
        (Role.CLASS_TEACHER, Role.SUBJECT_TEACHER, Role.PRINCIPAL, Role.SCHOOL_OFFICE), visits_one_joined
    ),
)

SEALED_WRITE = Permission(
    "sealed_note.write",
    Visit,
    "F4",
    {
        Role.CLASS_TEACHER: own_visits_in_class_or_joined,
        Role.SUBJECT_TEACHER: visits_one_joined,
        Role.PRINCIPAL: visits_one_joined,
        Role.SCHOOL_OFFICE: visits_one_joined,
    },
)

VISIT_SCHOOL = Permission(
    "visit.school",
    Visit,
    "F4",
    {Role.PRINCIPAL: visits_of_school, Role.SCHOOL_OFFICE: visits_of_school},
)

VISIT_PRINT = Permission(
    "visit.print",
    Visit,
    "F4",
    {Role.CLASS_TEACHER: visits_of_class, Role.PRINCIPAL: visits_of_school},
)

VISIT_FAMILY = Permission("visit.family", Visit, "F4", {Role.GUARDIAN: visits_to_own_household})

VISIT_ANSWER = Permission("visit.answer", Visit, "F4", {Role.GUARDIAN: visits_one_answers})

VISIT_AMEND = Permission("visit.amend", Visit, "F4", {Role.CLASS_TEACHER: own_visits_in_class})

INVITATION_READ = Permission(
    "invitation.read",
    Invitation,
    "F2",
    {Role.GUARDIAN: invitations_to_own_household, Role.CLASS_TEACHER: invitations_of_class},
)

INVITATION_ANSWER = Permission(
    "invitation.answer", Invitation, "F2", {Role.GUARDIAN: invitations_one_answers}
)

INVITATION_WITHDRAW = Permission(
    "invitation.withdraw", Invitation, "F2", {Role.CLASS_TEACHER: invitations_of_class}
)

STEPS_READ = Permission("step.read", FollowUp, "F4", {Role.CLASS_TEACHER: steps_of_class})

STEP_TICK = Permission(
    "step.tick",
    FollowUp,
    "F4",
    {Role.CLASS_TEACHER: steps_of_class, Role.GUARDIAN: steps_of_own_household},
)

SEALED_READ = Permission(
    "sealed_note.read",
    SealedNote,
    "F4S",
    {
        Role.CLASS_TEACHER: own_sealed_notes,
        Role.SUBJECT_TEACHER: own_sealed_notes_joined,
        Role.PRINCIPAL: sealed_notes_of_school,
        Role.SCHOOL_OFFICE: own_sealed_notes_joined,
    },
)

HARM_REPORT = Permission(
    "harm.report",
    Pupil,
    "F4S",
    {
        Role.CLASS_TEACHER: class_now,
        Role.SUBJECT_TEACHER: class_now,
        Role.PRINCIPAL: school_now,
        Role.SCHOOL_OFFICE: school_now,
    },
)

HARM_READ = Permission(
    "harm.read",
    HarmReport,
    "F4S",
    {
        Role.CLASS_TEACHER: harm_one_reported_in_class,
        Role.SUBJECT_TEACHER: harm_one_reported_in_class,
        Role.PRINCIPAL: harm_of_school,
        Role.SCHOOL_OFFICE: harm_one_reported_at_school,
    },
)

SAFEGUARDING_NAME = Permission("safeguarding.name", School, "F2", {Role.PRINCIPAL: own_school})

CORRECTION_ANSWER = Permission(
    "correction.answer", Correction, "F4", {Role.CLASS_TEACHER: corrections_of_own_visits}
)


def plan_of_class(actor: Actor) -> ColumnElement[bool]:
    """What is planned for pupils who are in the teacher's class today."""
    return PlanEntry.pupil_id.in_(pupils_of_class(actor))


def plan_to_come_along(actor: Actor) -> ColumnElement[bool]:
    """Visits of the actor's class on which the actor is asked along."""
    return and_(PlanEntry.class_id == actor.class_id, PlanEntry.companion_id == actor.person_id)


def plan_of_school(actor: Actor) -> ColumnElement[bool]:
    """What is planned at the actor's school."""
    return PlanEntry.school_id == actor.school_id


def children_acted_for(actor: Actor) -> ColumnElement[bool]:
    """Children of a guardian who may change what is noted about the home."""
    return Pupil.id.in_(pupils_acted_for(actor, "visits"))


def children_visited(actor: Actor) -> ColumnElement[bool]:
    """Children of a guardian whose school has home visits on, also for who sees and confirms only."""
    return Pupil.id.in_(pupils_of_guardian(actor, "visits"))


def places_of_class(actor: Actor) -> ColumnElement[bool]:
    """Where homes of pupils of the class lie."""
    return HomePlace.pupil_id.in_(pupils_of_class(actor))


def places_of_own_household(actor: Actor) -> ColumnElement[bool]:
    """Where the guardian's own home with a child lies."""
    return own_tie(actor, HomePlace.pupil_id, HomePlace.household_id, full=True)


def late_of_school(actor: Actor) -> ColumnElement[bool]:
    """Visits handed in late of the actor's school; who stands in for the principal decides only if sealed notes are open."""
    return LateVisit.school_id == actor.school_id if actor.opens_sealed else false()


def late_of_own(actor: Actor) -> ColumnElement[bool]:
    """What the actor handed in late and the principal has decided on."""
    return and_(LateVisit.author_id == actor.person_id, LateVisit.decided_at.is_not(None))


def _drafts_of(late: Scope) -> Scope:
    def read(actor: Actor) -> ColumnElement[bool]:
        return VisitDraft.id.in_(select(LateVisit.draft_id).where(late(actor)))

    return read


def _drafts_of_teacher(actor: Actor) -> ColumnElement[bool]:
    """What the teacher wrote about pupils of the class today, and what was handed in late and decided on."""
    return or_(own_drafts_in_class(actor), _drafts_of(late_of_own)(actor))


DRAFT_READERS: dict[Role, Scope] = {
    Role.CLASS_TEACHER: _drafts_of_teacher,
    Role.SUBJECT_TEACHER: _drafts_of(late_of_own),
    Role.PRINCIPAL: _drafts_of(late_of_school),
}


def _of_draft(part: type[DraftPart | DraftClash]) -> Mapping[Role, Scope]:
    def within(read: Scope) -> Scope:
        return lambda actor: part.draft_id.in_(select(VisitDraft.id).where(read(actor)))

    return {role: within(read) for role, read in DRAFT_READERS.items()}


LATE_DECIDE = Permission("late_visit.decide", LateVisit, "F4", {Role.PRINCIPAL: late_of_school})

LATE_TOLD = Permission(
    "late_visit.told",
    LateVisit,
    "F4",
    dict.fromkeys((Role.CLASS_TEACHER, Role.SUBJECT_TEACHER), late_of_own),
)

PLAN_SET = Permission("visit_plan.set", PlanEntry, "F2", {Role.CLASS_TEACHER: plan_of_class})

PLAN_READ = Permission(
    "visit_plan.read",
    PlanEntry,
    "F2",
    {
        Role.CLASS_TEACHER: plan_of_class,
        Role.SUBJECT_TEACHER: plan_to_come_along,
        Role.PRINCIPAL: plan_of_school,
    },
)

VISIT_HISTORY = Permission("visit.history", Pupil, "F4", {Role.GUARDIAN: children_visited})

HOME_PLACE_SET = Permission(
    "home_place.set",
    Pupil,
    "F3",
    {Role.CLASS_TEACHER: class_now, Role.GUARDIAN: children_acted_for},
)


def fair_play_of_school(actor: Actor) -> ColumnElement[bool]:
    """Questions about the visits of the actor's school."""
    return FairPlayQuestion.school_id == actor.school_id


def fair_play_told(actor: Actor) -> ColumnElement[bool]:
    """Questions of the district's schools, once the school has answered or its time is over."""
    said = had_its_say(FairPlayQuestion, actor.on)
    return and_(FairPlayQuestion.school_id.in_(schools_of_district(actor)), said)


FAIR_PLAY_READ = Permission(
    "fair_play.read",
    FairPlayQuestion,
    "F1",
    {
        Role.PRINCIPAL: fair_play_of_school,
        Role.SCHOOL_OFFICE: fair_play_of_school,
        Role.DISTRICT_STAFF: fair_play_told,
    },
)

FAIR_PLAY_ANSWER = Permission(
    "fair_play.answer", FairPlayQuestion, "F1", {Role.PRINCIPAL: fair_play_of_school}
)

FAIR_PLAY_CLOSE = Permission("fair_play.close", FairPlayQuestion, "F1", {Role.DISTRICT_STAFF: fair_play_told})


def _records_of_school(actor: Actor) -> ColumnElement[bool]:
    """What the questions of the actor's school rest on."""
    return FairPlayRecord.question_id.in_(select(FairPlayQuestion.id).where(fair_play_of_school(actor)))


def _of_story(
    part: type[VisitPart | VisitRemark | VisitChange | Correction | FollowUp],
) -> Mapping[Role, Scope]:
    """Parts of a visit are let through to whoever reads the visit's story."""

    def read(actor: Actor) -> ColumnElement[bool]:
        story = select(Visit.id).where(VISIT_READ.within(actor), narrative_scope(actor))
        return part.visit_id.in_(story)

    return dict.fromkeys(VISIT_READ.grants, read)


def _entries_within_reach(actor: Actor) -> ColumnElement[bool]:
    """Entries of the reports of harm that the actor reads."""
    return HarmEntry.report_id.in_(select(HarmReport.id).where(HARM_READ.within(actor)))


wall(Visit)
wall(HarmReport)
wall(HarmEntry, dict.fromkeys(HARM_READ.grants, _entries_within_reach))
wall(Invitation)
wall(FairPlayQuestion)
wall(FairPlayRecord, dict.fromkeys((Role.PRINCIPAL, Role.SCHOOL_OFFICE), _records_of_school))
wall(SealedNote)
wall(LateVisit)
wall(VisitDraft, DRAFT_READERS)
for _told in (DraftPart, DraftClash):
    wall(_told, _of_draft(_told))
wall(PlanEntry)
wall(HomePlace, {Role.CLASS_TEACHER: places_of_class, Role.GUARDIAN: places_of_own_household})
for _part in (VisitPart, VisitRemark, VisitChange, Correction, FollowUp):
    wall(_part, _of_story(_part))
