"""To whom a row belongs, and what that makes it to a person. Written from the contract, without a look at the policies.

A row belongs to children, households, classes, schools, districts, people, or to an audience. A person under a hat
stands at a place. ``relation`` compares the two and says one word: own, other_household, same_class, same_school,
same_district, other_district, past or absent. A row in a state that matters says it behind a colon: ``own:draft``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select

from portal import clock
from portal.access import Role
from portal.accounts.models import Appointment, AuthSession, Passkey, Person
from portal.care.models import CareMeasure, CarePerson, CarePlan, LeftBehind, Partner, Referral, Watch
from portal.committees.models import Committee
from portal.contacts.models import ChangeRequest
from portal.courses.models import Course, CourseSession, Seat
from portal.custody.models import Restriction
from portal.extensions import db
from portal.files.models import File
from portal.joining.models import GuardianNews, JoiningRequest, JoiningSheet, JoiningSlip
from portal.notices.models import Notice
from portal.opinions.models import Opinion
from portal.privacy.models import AuditLine, DataCopy, ErasureRequest, ExportRequest, ReaderQuestion
from portal.ratings.asking import RatingQuestion
from portal.ratings.concerns import Concern
from portal.ratings.decided import DecisionRecord
from portal.ratings.evidence import Evidence
from portal.ratings.models import Entry, EntryState, Round, RoundState, RubricVersion, Sheet
from portal.ratings.standing import Naming
from portal.ratings.windows import Window
from portal.recovery.models import Recovery
from portal.roster import importing
from portal.roster.models import RosterImport
from portal.schools.models import (
    District,
    Enrolment,
    Flag,
    Grade,
    Guardianship,
    GuardianshipFlag,
    Pupil,
    School,
    SchoolClass,
    SchoolYear,
    Term,
)
from portal.settings.models import SettingValue
from portal.staffing.models import AppointmentRequest, PupilTransfer
from portal.surveys.models import Survey, SurveyFlag, SurveyHousehold, SurveySchool, SurveyState
from portal.trail.models import TrailEntry
from portal.visits.drafts import LateVisit, VisitDraft
from portal.visits.fairness import FairPlayQuestion
from portal.visits.harm import HarmReport
from portal.visits.home_lessons import HomeTeaching
from portal.visits.models import (
    Correction,
    FollowUp,
    Invitation,
    Outcome,
    PlanEntry,
    SealedNote,
    Visit,
    VisitCompanion,
)
from tests.site.actors import Player

Ids = frozenset[int]
NONE: Ids = frozenset()
CLASS_HATS = (Role.CLASS_TEACHER, Role.SUBJECT_TEACHER, Role.COMMITTEE_CHAIR)
SCHOOL_HATS = (Role.PRINCIPAL, Role.SCHOOL_OFFICE)
DISTRICT_HATS = (Role.DISTRICT_STAFF, Role.AUDITOR, Role.INSPECTOR, Role.LECTURER)
AT_DISTRICT = (Role.DISTRICT_STAFF, Role.AUDITOR)


@dataclass(frozen=True)
class Place:
    """Where a class, school or district lies; ids of everything it lies in."""

    classes: Ids = NONE
    grades: Ids = NONE
    schools: Ids = NONE
    districts: Ids = NONE


@dataclass(frozen=True)
class Belonging:
    """Whose a row is. ``place`` is the innermost place; ``past`` where it lay before; ``office`` who keeps it."""

    place: Place
    past: Place = Place()
    children: Ids = NONE
    households: Ids = NONE
    people: Ids = NONE
    audience: tuple[str, int] | None = None
    office: str = ""
    state: str = ""
    to_families: "Belonging | None" = None
    """What it belongs to in a guardian's eyes, where that is something else."""
    done_by: int | None = None
    """Who did it, where that makes it theirs wherever it lies (an entry of the trail)."""
    asked_by: int | None = None
    """Who asked for it, where others decide."""
    is_personal: bool = False
    """Whether one must be of the place and the person."""
    module: str = ""
    """Of which part of the portal it is, where a school can switch that off for its families."""
    is_off: bool = False
    """Whether the child's school has switched it off."""


@dataclass
class Standing:
    """A player: who, under which hat, where, and with which children."""

    player: Player
    person_id: int = 0
    role: Role | None = None
    place: Place = Place()
    past: Place = Place()
    children: Ids = NONE
    past_children: Ids = NONE
    limited: Ids = NONE
    """The children for whom the guardian sees and confirms only."""
    households: Ids = NONE
    child_places: list[Place] = field(default_factory=list)


def holds(row: Any) -> bool:
    """Whether a dated row is in force today."""
    today = clock.today()
    return bool(row.started_on <= today and (row.ended_on is None or today < row.ended_on))


def of_district(district_id: int | None) -> Place:
    path = db.session.scalar(select(District.path).where(District.id == district_id)) or ""
    return Place(districts=frozenset(int(part) for part in path.strip("/").split("/") if part))


def of_school(school_id: int | None) -> Place:
    district_id = db.session.scalar(select(School.district_id).where(School.id == school_id))
    return Place(schools=frozenset({school_id or 0}), districts=of_district(district_id).districts)


def of_class(class_id: int | None) -> Place:
    school_class = db.session.get(SchoolClass, class_id)
    assert school_class is not None
    outer = of_school(school_class.school_id)
    return Place(
        frozenset({school_class.id}), frozenset({school_class.grade_id}), outer.schools, outer.districts
    )


def merged(places: list[Place]) -> Place:
    return Place(
        *(
            frozenset().union(*(getattr(place, name) for place in places))
            for name in ("classes", "grades", "schools", "districts")
        )
    )


def of_pupil(pupil_id: int) -> tuple[Place, Place]:
    """Where a child is today, and where it was before."""
    enrolments = db.session.scalars(select(Enrolment).where(Enrolment.pupil_id == pupil_id)).all()
    now = [of_class(enrolment.class_id) for enrolment in enrolments if holds(enrolment)]
    before = [of_class(enrolment.class_id) for enrolment in enrolments if not holds(enrolment)]
    if not now:
        pupil = db.session.get_one(Pupil, pupil_id)
        before.append(of_school(pupil.school_id))
        now = (
            [of_district(min(of_school(pupil.school_id).districts, default=0))] if not pupil.left_on else now
        )
    return merged(now), merged(before)


# What each kind of row belongs to, by model; a permission that looks at another side of it has its own line.

Register = dict[Any, Callable[[Any], Belonging]]
BELONGS: Register = {}
LEVELS: dict[Any, str] = {}


def belongs(*keys: Any, level: str) -> Callable[[Callable[[Any], Belonging]], Callable[[Any], Belonging]]:
    """Register how rows of a model (or of one permission) belong, and whether to a child, an audience or a place."""

    def register(function: Callable[[Any], Belonging]) -> Callable[[Any], Belonging]:
        for key in keys:
            BELONGS[key] = function
            LEVELS[key] = level
        return function

    return register


def off_at(module: str) -> Ids:
    """The schools that have a part of the portal switched off today, by the newest word on it."""
    words = (
        select(SettingValue)
        .where(
            SettingValue.name == f"modules.{module}",
            SettingValue.school_id.is_not(None),
            SettingValue.from_on <= clock.today(),
            SettingValue.withdrawn_at.is_(None),
        )
        .order_by(SettingValue.from_on)
    )
    newest = {word.school_id: word.value for word in db.session.scalars(words).all()}
    return frozenset(school_id for school_id, value in newest.items() if value is False)


def _switched_off(module: str, pupil_id: int) -> bool:
    return db.session.get_one(Pupil, pupil_id).school_id in off_at(module)


def child(pupil_id: int, **more: Any) -> Belonging:
    """What a row about one child belongs to."""
    now, before = of_pupil(pupil_id)
    return Belonging(now, before, frozenset({pupil_id}), **more)


@belongs(Pupil, level="child")
def pupil(row: Pupil) -> Belonging:
    return child(row.id)


@belongs(Guardianship, level="child")
def guardianship(row: Guardianship) -> Belonging:
    return child(row.pupil_id, state="" if holds(row) else "ended")


@belongs("change.ask", level="household")
def change_ask(row: Guardianship) -> Belonging:
    """To the family a tie is the guardian's own."""
    people = frozenset({row.person_id})
    return child(row.pupil_id, people=people, office="family", state="" if holds(row) else "ended")


@belongs(ChangeRequest, level="household")
def change_request(row: ChangeRequest) -> Belonging:
    """A request belongs to the guardian who asked, about a child, and lies at the school that was asked."""
    now, before = of_pupil(row.pupil_id)
    at = of_school(row.school_id)
    return Belonging(
        replace(now, schools=at.schools, districts=at.districts),
        before,
        frozenset({row.pupil_id}),
        people=frozenset({row.person_id}),
        office="family",
        asked_by=row.person_id,
    )


@belongs(SchoolClass, level="class")
def school_class(row: SchoolClass) -> Belonging:
    return Belonging(of_class(row.id))


@belongs(School, level="school")
def school(row: School) -> Belonging:
    return Belonging(of_school(row.id))


@belongs(District, level="district")
def district(row: District) -> Belonging:
    return Belonging(of_district(row.id), office="district")


@belongs(Term, level="district")
def term(row: Term) -> Belonging:
    year = db.session.get_one(SchoolYear, row.school_year_id)
    return Belonging(of_district(year.district_id), office="district")


@belongs(AuthSession, Passkey, level="person")
def auth_session(row: AuthSession | Passkey) -> Belonging:
    return Belonging(Place(), people=frozenset({row.person_id}))


@belongs(DataCopy, level="person")
def data_copy(row: DataCopy) -> Belonging:
    return Belonging(Place(), people=frozenset({row.person_id}))


ADMINISTRATION = (Role.DISTRICT_STAFF, Role.SYSTEM_ADMIN)


@belongs(Appointment, level="person")
def appointment(row: Appointment) -> Belonging:
    """An appointment lies where its office is; who may end it depends on the office."""
    state = {Role.PRINCIPAL: "head", Role.SCHOOL_OFFICE: "of_office"}.get(Role(row.role), "")
    if row.role in ADMINISTRATION:
        state = "of_administration"
    elif row.class_id:
        state = "of_class"
    own = frozenset({row.person_id}) if row.role == Role.SYSTEM_ADMIN else NONE
    return Belonging(_place_of(row), people=own, state=state)


@belongs("delegation.give", "delegation.end", level="person")
def delegation(row: Appointment) -> Belonging:
    """To those it concerns: whose office it is and, where it was lent, who lent it."""
    people = {row.person_id}
    origin = db.session.get(Appointment, row.delegated_from_id) if row.delegated_from_id else None
    if origin is not None:
        people.add(origin.person_id)
    return Belonging(Place(), people=frozenset(people), state="lent" if origin else row.role)


@belongs(PupilTransfer, level="child")
def pupil_transfer(row: PupilTransfer) -> Belonging:
    """A transfer belongs to the child and lies at the school that proposes; the state says whether it reaches us."""
    return Belonging(
        of_school(row.from_school_id), of_school(row.to_school_id), children=frozenset({row.pupil_id})
    )


@belongs(AppointmentRequest, level="district")
def appointment_request(row: AppointmentRequest) -> Belonging:
    return Belonging(of_district(row.district_id), office="district")


@belongs(SettingValue, level="office")
def setting_value(row: SettingValue) -> Belonging:
    if row.school_id is None:
        return Belonging(of_district(row.district_id), office="district")
    return Belonging(of_school(row.school_id), office="school")


@belongs("export.own", "export.ask", level="person")
def export_own(row: ExportRequest) -> Belonging:
    """Whoever asked for it fetches it, at the office for which it was asked."""
    return replace(export_request(row), asked_by=None, people=frozenset({row.asked_by_id}), is_personal=True)


@belongs(ExportRequest, level="office")
def export_request(row: ExportRequest) -> Belonging:
    """An export belongs to the office; whoever asked for it is not the one who decides."""
    if row.school_id is None:
        return Belonging(of_district(row.district_id), office="district", asked_by=row.asked_by_id)
    return Belonging(of_school(row.school_id), office="school", asked_by=row.asked_by_id)


@belongs("export.log", level="office")
def export_logged(row: ExportRequest) -> Belonging:
    """An export as the log of exports has it: of the office for which it was asked, whoever asked."""
    return replace(export_request(row), asked_by=None)


STAFF = {"class_teacher", "subject_teacher", "principal", "school_office", "committee_chair", "lecturer"}


@belongs(TrailEntry, level="entry")
def trail_entry(row: TrailEntry) -> Belonging:
    """An entry belongs to whoever did it, and to the school or district whose business it was."""
    place = of_school(row.school_id) if row.school_id else of_district(row.district_id)
    return Belonging(place, done_by=row.person_id or 0, state="of_staff" if row.role in STAFF else "")


@belongs("reading.see", level="household")
def reading(row: TrailEntry) -> Belonging:
    """A reading of a child's record belongs to the family; of what one of them said or was told, to that one alone."""
    if row.action != "record.read" or row.category not in ("F3", "F4") or row.pupil_id is None:
        return Belonging(Place(), state="kept_back")
    if row.subject_id is not None:
        return child(row.pupil_id, people=frozenset({row.subject_id}), office="family")
    if row.object_kind == "opinion":
        return replace(opinion(db.session.get_one(Opinion, row.object_id)), state="")
    if row.object_kind == "visit":
        return visit(db.session.get_one(Visit, row.object_id))
    return child(row.pupil_id)


@belongs(AuditLine, level="district")
def audit_line(row: AuditLine) -> Belonging:
    return Belonging(of_district(row.district_id), office="district")


@belongs("erasure.own", level="person")
def erasure_own(row: ErasureRequest) -> Belonging:
    return Belonging(Place(), people=frozenset({row.person_id or 0}))


@belongs(ErasureRequest, level="school")
def erasure_request(row: ErasureRequest) -> Belonging:
    """A request lies at the school that decides it, within its time or not."""
    late = row.state in ("open", "proposed") and row.due_on < clock.today()
    return Belonging(of_school(row.school_id), office="school", state="overdue" if late else "")


@belongs("hold.set", level="child")
def hold_set(row: Pupil) -> Belonging:
    """A child's data may be kept by the school it is or was last at."""
    _now, before = of_pupil(row.id)
    return Belonging(of_school(row.school_id), before, frozenset({row.id}), office="school")


@belongs(ReaderQuestion, level="school")
def reader_question(row: ReaderQuestion) -> Belonging:
    return Belonging(of_school(row.school_id), office="school")


KINDS_OF_RECOVERY = {"staff": "of_staff", "principal": "of_head"}


@belongs(Recovery, level="school")
def recovery(row: Recovery) -> Belonging:
    """A recovery lies at the school it goes through; a parent's in the class of the child as well."""
    place = of_school(row.school_id)
    if row.whose == "guardian" and row.pupil_id is not None:
        now, _before = of_pupil(row.pupil_id)
        place = replace(place, classes=now.classes, grades=now.grades)
    return Belonging(place, state=KINDS_OF_RECOVERY.get(row.whose, ""))


@belongs(RosterImport, level="school")
def roster_import(row: RosterImport) -> Belonging:
    """An import lies at the office that made it; where something was wrong, the file goes back with remarks."""
    state = "with_faults" if importing.annotated_of(row.public_id).exists() else ""
    if row.school_id is None:
        return Belonging(of_district(row.district_id), office="district", state=state)
    return Belonging(of_school(row.school_id), office="school", state=state)


@belongs(JoiningSheet, level="class")
def joining_sheet(row: JoiningSheet) -> Belonging:
    """A sheet of slips belongs to its class; whoever may read it need not have printed it."""
    return Belonging(of_class(row.class_id))


@belongs("joining.print", level="class")
def joining_paper(row: JoiningSheet) -> Belonging:
    """The codes of a sheet are shown to whoever printed it."""
    return Belonging(of_class(row.class_id), people=frozenset({row.printed_by_id or 0}))


@belongs(JoiningSlip, level="child")
def joining_slip(row: JoiningSlip) -> Belonging:
    return child(row.pupil_id)


@belongs(JoiningRequest, level="child")
def joining_request(row: JoiningRequest) -> Belonging:
    return child(row.pupil_id, state="" if row.is_waiting else "decided")


@belongs("joining.helper_end", level="person")
def helper(row: JoiningRequest) -> Belonging:
    """A helper belongs to the guardian who asked for them."""
    return Belonging(Place(), people=frozenset({row.asked_by_id or 0}))


@belongs(Restriction, level="school")
def restriction(row: Restriction) -> Belonging:
    """A restriction lies at the school that named it."""
    return Belonging(of_school(row.school_id))


@belongs("joining.limit", level="child")
def limited_tie(row: Guardianship) -> Belonging:
    """A guardian of a child; shut when the tie is over or a court order restricts it."""
    kinds = db.session.scalars(
        select(GuardianshipFlag).where(
            GuardianshipFlag.guardianship_id == row.id, GuardianshipFlag.kind == Flag.RESTRICTED
        )
    )
    shut = not holds(row) or any(holds(flag) for flag in kinds)
    return child(row.pupil_id, state="shut" if shut else "")


@belongs(GuardianNews, level="household")
def guardian_news(row: GuardianNews) -> Belonging:
    """What a guardian was told belongs to them alone, while they care for the child."""
    return child(row.pupil_id, people=frozenset({row.person_id}), office="family")


def _course_state(course: Course) -> str:
    if course.published_at is None:
        return "draft"
    if course.withdrawn_at is not None:
        return "withdrawn"
    return "public" if course.is_public else ""


def _runner(course: Course) -> Belonging:
    """The school that runs a course, or the district itself; and who teaches it."""
    place = of_school(course.school_id) if course.school_id else of_district(course.district_id)
    people = frozenset({course.lecturer_id}) if course.lecturer_id else NONE
    office = "school" if course.school_id else "district"
    return Belonging(place, people=people, office=office, state=_course_state(course))


@belongs(Course, level="school")
def course_run(row: Course) -> Belonging:
    return _runner(row)


@belongs("course.read", level="audience")
def course_read(row: Course) -> Belonging:
    place = _audience_place(row.audience_kind, row.audience_id)
    runner = _runner(row)
    return Belonging(
        place,
        people=runner.people,
        audience=(row.audience_kind, row.audience_id),
        state=_course_state(row),
        module="courses",
    )


def _audience_place(kind: str, key: int) -> Place:
    if kind == "class":
        return of_class(key)
    if kind == "grade":
        outer = of_school(db.session.get_one(Grade, key).school_id)
        return Place(NONE, frozenset({key}), outer.schools, outer.districts)
    return of_school(key) if kind == "school" else of_district(key)


@belongs(CourseSession, level="school")
def course_session(row: CourseSession) -> Belonging:
    runner = _runner(db.session.get_one(Course, row.course_id))
    return replace(runner, state="held") if row.signed_in_at else runner


@belongs("course_seat.take", level="audience")
def seat_take(row: CourseSession) -> Belonging:
    """A session is for those addressed, while the school that runs the course has its parent school on."""
    course = db.session.get_one(Course, row.course_id)
    return replace(course_read(course), is_off=(course.school_id or 0) in off_at("courses"))


@belongs("course_seat.keep", level="household")
def seat_keep(row: CourseSession) -> Belonging:
    """A session belongs to the households that have a place in it."""
    seated = db.session.scalars(select(Seat.household_id).where(Seat.session_id == row.id)).all()
    course = db.session.get_one(Course, row.course_id)
    found = _of_households(frozenset(seated), _runner(course).place)
    return replace(found, is_off=(course.school_id or 0) in off_at("courses"))


def _of_households(households: Ids, otherwise: Place) -> Belonging:
    ties = db.session.scalars(select(Guardianship).where(Guardianship.household_id.in_(households))).all()
    children = frozenset(tie.pupil_id for tie in ties)
    places = [of_pupil(key) for key in sorted(children)]
    now = merged([now for now, _before in places]) if places else otherwise
    return Belonging(now, merged([before for _now, before in places]), children, households)


@belongs(Seat, level="household")
def seat(row: Seat) -> Belonging:
    """A seat belongs to the household, while the school that runs the course has its parent school on."""
    course = db.session.get_one(Course, db.session.get_one(CourseSession, row.session_id).course_id)
    found = _of_households(frozenset({row.household_id}), Place())
    return replace(found, is_off=(course.school_id or 0) in off_at("courses"))


def _went_along(row: Visit) -> Ids:
    """Those of the school who went along on a visit that somebody else wrote."""
    went = select(VisitCompanion.person_id).where(VisitCompanion.visit_id == row.id)
    return frozenset(key for key in db.session.scalars(went) if key is not None) - {row.author_id}


@belongs("visit.join", level="household")
def visit_joined(row: Visit) -> Belonging:
    """The own part of a visit belongs to those who went along, and to nobody else."""
    return replace(visit(row), people=_went_along(row), is_personal=True)


@belongs("sealed_note.write", level="household")
def visit_sealed_of(row: Visit) -> Belonging:
    """Whoever was there, and nobody else, adds a sealed note to a visit."""
    return replace(visit(row), is_personal=True)


@belongs(Visit, level="household")
def visit(row: Visit) -> Belonging:
    """A visit belongs to the child and the household visited, to the teacher who wrote it and to those who went along."""
    return child(
        row.pupil_id,
        households=frozenset({row.household_id}),
        people=_went_along(row) | {row.author_id},
        state="" if row.outcome == Outcome.MET else "missed",
        is_off=_switched_off("visits", row.pupil_id),
    )


@belongs(HomeTeaching, level="household")
def home_teaching(row: HomeTeaching) -> Belonging:
    """A log of teaching at home belongs to the child, to the home where it is taught, and stays with its school."""
    found = child(
        row.pupil_id,
        households=frozenset({row.household_id}),
        is_off=_switched_off("visits", row.pupil_id),
    )
    elsewhere = bool(found.place.schools) and row.school_id not in found.place.schools
    return replace(found, state="of_other_school" if elsewhere else "")


@belongs(Invitation, level="household")
def invitation(row: Invitation) -> Belonging:
    households = frozenset({row.household_id})
    return child(row.pupil_id, households=households, is_off=_switched_off("visits", row.pupil_id))


@belongs(FollowUp, level="household")
def follow_up(row: FollowUp) -> Belonging:
    return child(
        row.pupil_id,
        households=frozenset({row.household_id}),
        state="" if row.owner == "family" else "of_school",
        is_off=_switched_off("visits", row.pupil_id),
    )


@belongs(SealedNote, level="household")
def sealed_note(row: SealedNote) -> Belonging:
    """A sealed note stays with the school that wrote it, also when the child comes to another; who went along has their
    own one while the child is there."""
    about = db.session.get_one(Visit, row.visit_id)
    of_visit = visit(about)
    here = of_visit.place.schools
    elsewhere = bool(here) and about.school_id not in here
    went = row.author_id in _went_along(about) and about.school_id in here
    return replace(
        of_visit,
        people=frozenset({row.author_id}),
        asked_by=row.author_id if went else None,
        state="of_other_school" if elsewhere else "",
    )


@belongs("visit_plan.read", "visit_plan.set", level="class")
def planned(row: PlanEntry) -> Belonging:
    """What is planned belongs to the teacher who means to go and to whoever is asked along, for a child of the class."""
    return child(row.pupil_id, people=frozenset({row.teacher_id, row.companion_id or 0}))


@belongs(HarmReport, level="child")
def harm_report(row: HarmReport) -> Belonging:
    """A report of harm belongs to the child, and to whoever made it."""
    return child(row.pupil_id, people=frozenset({row.author_id}))


@belongs(FairPlayQuestion, level="school")
def fair_play(row: FairPlayQuestion) -> Belonging:
    """A question about visits lies with its school, and with the district once the school has had its say."""
    had_its_say = row.answered_at is not None or row.due_on < clock.today()
    return Belonging(of_school(row.school_id), office="school", state="" if had_its_say else "with_school")


@belongs(Correction, level="household")
def correction(row: Correction) -> Belonging:
    """What a family asks to be put right belongs to it and to whoever wrote the visit; who went along answers nothing."""
    about = db.session.get_one(Visit, row.visit_id)
    return replace(visit(about), state="", people=frozenset({about.author_id}))


@belongs(VisitDraft, level="person")
def visit_draft(row: VisitDraft) -> Belonging:
    """A draft belongs to the teacher who writes it, about a child of the class."""
    return child(row.pupil_id, people=frozenset({row.author_id}))


@belongs(LateVisit, level="school")
def late_visit(row: LateVisit) -> Belonging:
    """A visit handed in late lies with the principal of the school for which it was made."""
    return Belonging(of_school(row.school_id), office="principal")


@belongs("late_visit.told", level="person")
def late_answer(row: LateVisit) -> Belonging:
    """What became of it is its author's, once it was decided."""
    author = db.session.get_one(VisitDraft, row.draft_id).author_id
    return Belonging(Place(), people=frozenset({author}), state="" if row.decided_at else "undecided")


def _entrusted(pupil_id: int) -> Ids:
    """Those whom the principal entrusted with a child; nobody is 0."""
    rows = db.session.scalars(select(CarePerson).where(CarePerson.pupil_id == pupil_id)).all()
    return frozenset(row.person_id for row in rows if holds(row)) | {0}


def _with_carers(pupil_id: int, **more: Any) -> Belonging:
    """A record of care belongs to the child, and among those of a class to whom the child is entrusted."""
    return child(pupil_id, people=_entrusted(pupil_id), **more)


@belongs("care.read", level="child")
def care_file(row: Pupil) -> Belonging:
    return _with_carers(row.id)


@belongs(CarePlan, level="child")
def care_plan(row: CarePlan) -> Belonging:
    return _with_carers(row.pupil_id)


@belongs(CareMeasure, level="household")
def care_measure(row: CareMeasure) -> Belonging:
    """A measure belongs to the household it was agreed with, or to the school alone."""
    households = frozenset({row.household_id or 0})
    kind = "of_school" if row.owner_id is not None else ""
    off = row.school_id in off_at("care")
    return _with_carers(row.pupil_id, households=households, state=kind, is_off=off)


@belongs(LeftBehind, level="child")
def left_behind(row: LeftBehind) -> Belonging:
    return child(row.pupil_id)


@belongs(Watch, level="child")
def dropout_watch(row: Watch) -> Belonging:
    """A watch lies in the district of its school, also when the child has left."""
    found = child(row.pupil_id, office="school", state="escalated" if row.escalated_on else "")
    return found if found.place.districts else replace(found, place=of_district(row.district_id))


@belongs(Referral, level="child")
def referral(row: Referral) -> Belonging:
    return child(row.pupil_id)


@belongs(Partner, level="school")
def care_partner(row: Partner) -> Belonging:
    return Belonging(of_school(row.school_id), office="school")


OFFICES = {"principal": "school", "school_office": "school", "district_staff": "district"}


def _notice_state(row: Notice) -> str:
    if row.published_at is None:
        return "draft"
    return "money" if row.money_words else "published"


@belongs(Notice, level="office")
def notice(row: Notice) -> Belonging:
    """A notice belongs to the office that wrote it and lies where its audience is."""
    place = _audience_place(row.scope_kind, row.scope_id)
    return Belonging(place, office=OFFICES.get(row.author_role, row.author_role), state=_notice_state(row))


@belongs("notice.read", level="audience")
def notice_read(row: Notice) -> Belonging:
    place = _audience_place(row.scope_kind, row.scope_id)
    state = "draft" if row.published_at is None else ""
    return Belonging(place, audience=(row.scope_kind, row.scope_id), state=state, module="notices")


@belongs(Committee, level="audience")
def committee(row: Committee) -> Belonging:
    """A committee lies where those who elected it are, and is for all families there."""
    place = _audience_place(row.scope_kind, row.scope_id)
    return Belonging(place, to_families=Belonging(place, audience=(row.scope_kind, row.scope_id)))


@belongs(File, level="audience")
def file(row: File) -> Belonging:
    """A file belongs where its notice does: to the office that wrote it, and to the families addressed; a scan where its
    restriction does."""
    if row.owner_kind == "restriction":
        return replace(restriction(db.session.get_one(Restriction, row.owner_id)), state="scan")
    if row.owner_kind == "rating_evidence":
        return rating_evidence(db.session.get_one(Evidence, row.owner_id))
    if row.owner_kind != "notice":
        return Belonging(Place())
    owner = db.session.get_one(Notice, row.owner_id)
    return replace(notice(owner), to_families=notice_read(owner))


def _opinion_state(row: Opinion) -> str:
    """What decides who reads an opinion: what it is about, whom it went to, and whether it was let lie."""
    if row.category in ("principal", "pressure"):
        return "about_principal"
    straight = row.category in ("bullying", "safety")
    if row.lifts_on <= (row.answered_on or clock.today()):
        return "straight_lifted" if straight else "lifted"
    if straight:
        return "straight"
    elsewhere = {"principal": "reopened", "district": "at_district"}.get(row.addressee, "")
    return elsewhere or ("answered" if row.answered_on else "")


@belongs(Opinion, level="household")
def opinion(row: Opinion) -> Belonging:
    """An opinion belongs to the parent who sent it, about a child, and lies at the school it was sent to."""
    author = frozenset({row.author_id})
    return Belonging(
        of_school(row.school_id),
        children=frozenset({row.pupil_id}),
        people=author,
        office="family",
        state=_opinion_state(row),
        is_off=_switched_off("opinions", row.pupil_id),
    )


@belongs("home_place.set", "visit.history", level="child")
def home_place_set(row: Pupil) -> Belonging:
    return child(row.id, is_off=_switched_off("visits", row.id))


@belongs("opinion.send", level="child")
def opinion_send(row: Pupil) -> Belonging:
    return child(row.id, is_off=_switched_off("opinions", row.id))


@belongs(RubricVersion, Round, Survey, level="district")
def of_own_district(row: RubricVersion | Round | Survey) -> Belonging:
    return Belonging(of_district(row.district_id), office="district")


@belongs(SurveySchool, level="school")
def asked_school(row: SurveySchool) -> Belonging:
    """A school in a questionnaire is the district's that sends it; it is the school's business once it has gone out."""
    sent = db.session.get_one(Survey, row.survey_id).state != SurveyState.DRAFT
    return Belonging(of_school(row.school_id), state="" if sent else "draft")


@belongs(SurveyFlag, level="school")
def survey_flag(row: SurveyFlag) -> Belonging:
    """A question about numbers lies with its school, and with the district once the school has had its say."""
    had_its_say = row.answered_at is not None or row.closed_at is not None or row.due_on < clock.today()
    school_id = db.session.get_one(SurveySchool, row.survey_school_id).school_id
    return Belonging(of_school(school_id), office="school", state="" if had_its_say else "with_school")


@belongs(SurveyHousehold, level="household")
def asked_household(row: SurveyHousehold) -> Belonging:
    """An invitation belongs to a household, for its children at the school that is asked about, while it may be answered."""
    about = db.session.get_one(SurveySchool, row.survey_school_id)
    survey = db.session.get_one(Survey, about.survey_id)
    ties = db.session.scalars(select(Guardianship).where(Guardianship.household_id == row.household_id)).all()
    children = {
        tie.pupil_id for tie in ties if db.session.get_one(Pupil, tie.pupil_id).school_id == about.school_id
    }
    may = survey.state == SurveyState.OPEN and survey.closes_on >= clock.today() and about.voided_at is None
    return Belonging(
        of_school(about.school_id),
        children=frozenset(children),
        households=frozenset({row.household_id}),
        state="" if may else "shut",
    )


@belongs(Window, level="district")
def window(row: Window) -> Belonging:
    """The days of a step belong to the district of the round."""
    found = db.session.get_one(Round, row.round_id)
    return Belonging(of_district(found.district_id), office="district")


@belongs("stars", level="school")
def stars(row: School) -> Belonging:
    """A school's stars are everybody's, once a round that rated it is published."""
    rated = (
        select(Entry.id)
        .join(Round, Round.id == Entry.round_id)
        .where(Entry.school_id == row.id, Round.state == RoundState.PUBLISHED, Entry.star.is_not(None))
    )
    return replace(school(row), state="" if db.session.scalar(rated.limit(1)) else "unrated")


@belongs(Entry, level="school")
def entry(row: Entry) -> Belonging:
    found = db.session.get_one(Round, row.round_id)
    return Belonging(of_school(row.school_id), state="draft" if found.state == RoundState.DRAFT else "")


@belongs(Concern, level="school")
def rating_concern(row: Concern) -> Belonging:
    """An objection of somebody lies with the office of the district, never with the school."""
    found = db.session.get_one(Round, db.session.get_one(Entry, row.entry_id).round_id)
    return Belonging(of_district(found.district_id), office="district")


@belongs(RatingQuestion, level="school")
def rating_question(row: RatingQuestion) -> Belonging:
    """A question about a rating lies with its school, and with the district once the school has had its say."""
    had_its_say = row.answered_at is not None or row.due_on < clock.today()
    about = db.session.get_one(Entry, row.entry_id)
    return Belonging(of_school(about.school_id), state="" if had_its_say else "with_school")


@belongs(Naming, level="school")
def rating_naming(row: Naming) -> Belonging:
    """A record of a standing tells everybody what the school holds."""
    return Belonging(of_school(row.school_id))


@belongs(Evidence, level="school")
def rating_evidence(row: Evidence) -> Belonging:
    """A file handed in belongs to the school, and after its submission to the inspectors of the school as well."""
    found = db.session.get_one(Entry, row.entry_id)
    team = set(db.session.scalars(select(Sheet.person_id).where(Sheet.entry_id == found.id)))
    people = frozenset(team if row.frozen_at else ())
    return Belonging(
        of_school(found.school_id), people=people, state="handed_in" if row.frozen_at else "unsent"
    )


@belongs("rating.decision.read", level="school")
def decision(row: Entry) -> Belonging:
    """The signed decision about a school; there is none before the decision."""
    made = db.session.scalar(select(DecisionRecord.id).where(DecisionRecord.entry_id == row.id).limit(1))
    return Belonging(of_school(row.school_id), state="" if made else "undecided")


SCORED = set(EntryState) - {EntryState.CHOSEN, EntryState.SELF_ASSESSING, EntryState.SUBMITTED}


@belongs(Sheet, level="sheet")
def sheet(row: Sheet) -> Belonging:
    """A sheet belongs to the inspector who fills it in; it lies unopened until the self-assessment is accepted."""
    found = db.session.get_one(Entry, row.entry_id)
    state = "" if found.state in SCORED else "early"
    return Belonging(of_school(found.school_id), people=frozenset({row.person_id}), state=state)


# Where a person stands.


def standing(player: Player) -> Standing:
    """Where a player stands today; the restricted guardian's child counts as own, the leaver's class as past."""
    if player.name is None:
        return Standing(player)
    person_id = db.session.scalar(select(Person.id).where(Person.name == player.name))
    assert person_id is not None
    found = Standing(player, person_id, Role(player.role) if player.role else Role.GUARDIAN)
    appointments = db.session.scalars(select(Appointment).where(Appointment.person_id == person_id)).all()
    for appointment in appointments:
        place = _place_of(appointment)
        if holds(appointment) and appointment.role == player.role:
            found.place = place
        elif not holds(appointment):
            found.past = place
    if found.role == Role.GUARDIAN:
        ties = db.session.scalars(select(Guardianship).where(Guardianship.person_id == person_id)).all()
        found.children = frozenset(tie.pupil_id for tie in ties if holds(tie))
        found.limited = frozenset(tie.pupil_id for tie in ties if holds(tie) and _is_limited(tie))
        found.past_children = frozenset(tie.pupil_id for tie in ties if not holds(tie)) - found.children
        found.households = frozenset(tie.household_id for tie in ties if holds(tie))
        found.child_places = [of_pupil(key)[0] for key in sorted(found.children)]
        found.place = merged(found.child_places) if found.child_places else Place()
    return found


def _is_limited(tie: Guardianship) -> bool:
    wanted = select(GuardianshipFlag).where(
        GuardianshipFlag.guardianship_id == tie.id, GuardianshipFlag.kind == Flag.LIMITED
    )
    return any(holds(flag) for flag in db.session.scalars(wanted).all())


def _place_of(appointment: Appointment) -> Place:
    if appointment.class_id:
        return of_class(appointment.class_id)
    if appointment.school_id:
        return of_school(appointment.school_id)
    return of_district(appointment.district_id) if appointment.district_id else Place()


# What the one is to the other.


def relation(who: Standing, what: Belonging) -> str:
    """One word for what a row is to a player, with its state behind a colon where it has one."""
    if who.role == Role.GUARDIAN and what.to_families is not None:
        what = what.to_families
    word = _word(who, what)
    return f"{word}:{what.state}" if what.state else word


def _word(who: Standing, what: Belonging) -> str:
    return _by_deed(who, what) or _by_place(who, what)


def _by_deed(who: Standing, what: Belonging) -> str:
    """The word where it matters who did or asked for it, or that nobody may for now; empty where that does not."""
    is_family = who.role == Role.GUARDIAN
    if what.asked_by is not None and what.asked_by == who.person_id and not is_family:
        return "oneself"
    if what.is_personal and who.person_id not in what.people:
        return "stranger"
    if what.audience is not None and what.is_off and is_family:
        return "switched_off"
    if what.done_by is not None:
        return "own" if what.done_by == who.person_id else _nearby(who.place, what)
    return ""


def _by_place(who: Standing, what: Belonging) -> str:
    if who.role == Role.SYSTEM_ADMIN and what.people and not what.place.districts:
        return "own" if who.person_id in what.people else "stranger"
    if who.role is None or who.role == Role.SYSTEM_ADMIN:
        return "any"
    if who.player.actor == "leaver" and (what.place.districts or what.past.districts):
        return (
            "past" if who.past.classes & (what.place.classes | what.past.classes) else _nearby(who.past, what)
        )
    if who.role == Role.GUARDIAN:
        return _to_guardian(who, what)
    if who.role in CLASS_HATS:
        return _to_class_hat(who, what)
    if who.role in SCHOOL_HATS:
        return _to_school_hat(who, what)
    return _to_district_hat(who, what)


def _nearby(place: Place, what: Belonging) -> str:
    counties = place.districts - _roots(place.districts)
    if place.classes & what.place.classes:
        return "same_class"
    if place.schools & what.place.schools:
        return "same_school"
    if counties & what.place.districts:
        return "same_district"
    return "other_district"


def _roots(districts: Ids) -> Ids:
    """Districts at the top: having one in common makes no neighbours."""
    tops = db.session.scalars(select(District.id).where(District.parent_id.is_(None))).all()
    return frozenset(tops) if districts - frozenset(tops) else NONE


def reaches(audience: tuple[str, int], place: Place) -> bool:
    """Whether an audience holds somebody at this place."""
    kind, key = audience
    return key in getattr(place, {"class": "classes", "grade": "grades"}.get(kind, kind + "s"))


def _to_guardian(who: Standing, what: Belonging) -> str:
    if what.audience is not None:
        return _to_addressed(who, what, what.audience)
    if not what.children and not what.place.districts and what.people:
        return "own" if who.person_id in what.people else "stranger"
    if what.children & who.children:
        return _of_own_child(who, what)
    if what.children & who.past_children:
        return "past"
    return _nearby(who.place, what)


def _to_addressed(who: Standing, what: Belonging, audience: tuple[str, int]) -> str:
    addressed = [place for place in who.child_places if reaches(audience, place)]
    if not addressed:
        return _nearby(who.place, what)
    off = off_at(what.module)
    return "own" if any(not place.schools <= off for place in addressed) else "switched_off"


def _of_own_child(who: Standing, what: Belonging) -> str:
    if what.office == "family":
        own = who.person_id in what.people
    else:
        own = not what.households or bool(what.households & who.households)
    if what.is_off:
        return "switched_off"
    if not own:
        return "other_household"
    return "own" if what.children & who.children - who.limited else "limited"


def _to_class_hat(who: Standing, what: Belonging) -> str:
    if what.audience is not None and reaches(what.audience, who.place):
        return "own"
    if who.place.classes & what.place.classes:
        same_office = not what.office or what.office in (who.role, "class", "family")
        mine = not what.people or who.person_id in what.people
        return "own" if same_office and mine else "same_class"
    if who.place.classes & what.past.classes:
        return "past"
    if not (what.place.schools or what.place.districts) and what.people:
        return "own" if who.person_id in what.people else "stranger"
    return _nearby(who.place, what)


def _to_school_hat(who: Standing, what: Belonging) -> str:
    if what.audience is not None:
        kind, key = what.audience
        if kind == "district" and key in who.place.districts:
            return "own"
    if who.place.schools & what.place.schools:
        same_office = what.office in ("", "family", "school", who.role)
        return "own" if same_office else "same_school"
    if who.place.schools & what.past.schools:
        return "past"
    if not what.place.districts and what.people:
        return "own" if who.person_id in what.people else "stranger"
    return _nearby(who.place, what)


def _to_district_hat(who: Standing, what: Belonging) -> str:
    if what.people and who.role not in AT_DISTRICT and who.person_id in what.people:
        return "own"
    if not what.place.districts:
        return "own" if who.person_id in what.people else "stranger"
    own = max(who.place.districts)
    if own in what.place.districts:
        at_home = what.office == "district" or (not what.place.schools and not what.office)
        return (
            "own"
            if at_home and who.role in AT_DISTRICT and own == max(what.place.districts)
            else "same_district"
        )
    return _nearby(who.place, what)


def relations(rows: Iterator[Any], who: Standing, key: Any) -> dict[str, list[Any]]:
    """The rows by what they are to a player."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(relation(who, BELONGS[key](row)), []).append(row)
    return found
