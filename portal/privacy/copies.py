"""A copy of what is kept about a person: readable pages first, the same as JSON beside, in one ZIP.

Rows are found through the permissions of the person's own pages, so a copy never holds more than these: not what other
guardians wrote, other households were told, or the school keeps to itself; sealed notes never.
"""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from portal import clock, i18n
from portal.access import ROLE_NAMES, Actor, Role
from portal.accounts.models import Appointment, AuthSession, Person
from portal.config import ROOT
from portal.consent import Purpose
from portal.courses.models import Course, CourseSession, Seat
from portal.courses.policy import SEAT_READ
from portal.deliveries.models import CHANNEL_NAMES as DELIVERY_CHANNELS
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.i18n import gettext as _
from portal.notices.models import Notice, NoticeReceipt
from portal.opinions.models import CATEGORY_NAMES as OPINION_CATEGORIES
from portal.opinions.models import Category, Opinion
from portal.opinions.policy import OPINION_OWN
from portal.privacy import readings
from portal.privacy.models import ANSWER_NAMES, CHANNEL_NAMES, Answer, Channel, Consent
from portal.privacy.policy import READING_SEE
from portal.privacy.purposes import PURPOSES
from portal.schools.models import (
    District,
    Enrolment,
    Guardianship,
    Pupil,
    School,
    SchoolClass,
)
from portal.schools.policy import full_guardianship, in_force, pupils_acted_for
from portal.templating import render
from portal.trail.models import TrailEntry
from portal.visits.models import (
    FORM_NAMES,
    OWNER_NAMES,
    PRIORITY_NAMES,
    FollowUp,
    Form,
    Invitation,
    Owner,
    Visit,
    VisitPart,
)
from portal.visits.policy import INVITATION_ANSWER, VISIT_ANSWER

READY_WITHIN = 15
"""Days in which a copy must be there; ordinarily it takes minutes."""
STYLE = ROOT / "templates" / "documents" / "copy.css"


@dataclass
class Table:
    """Rows of one kind: ``columns`` are (key for JSON, heading), rows hold text as people read it."""

    key: str
    caption: str
    columns: list[tuple[str, str]]
    rows: list[list[str]] = field(default_factory=list)


@dataclass
class Area:
    """One page of the copy."""

    key: str
    title: str
    tables: list[Table]


@dataclass(frozen=True)
class Family:
    """Whose copy it is: the person, and as whom the scopes of the portal see them."""

    person: Person
    actor: Actor


def _day(value: date | None) -> str:
    return i18n.long_date(value) if value else ""


def _moment(value: datetime | None) -> str:
    return i18n.moment(value) if value else ""


def _me(family: Family) -> list[Table]:
    person = family.person
    facts = [
        (_("Name"), person.name),
        (_("Account name"), person.account_name or ""),
        (_("Mobile number"), person.phone or ""),
        (_("Language"), person.language or ""),
        (_("Known to the portal since"), _moment(person.created_at)),
    ]
    appointments = db.session.execute(
        select(Appointment, School.name, SchoolClass.name, District.name)
        .outerjoin(School, School.id == Appointment.school_id)
        .outerjoin(SchoolClass, SchoolClass.id == Appointment.class_id)
        .outerjoin(District, District.id == Appointment.district_id)
        .where(Appointment.person_id == person.id)
        .order_by(Appointment.id)
    )
    devices = db.session.scalars(
        select(AuthSession).where(AuthSession.person_id == person.id).order_by(AuthSession.id.desc())
    )
    messages = db.session.scalars(
        select(Delivery).where(Delivery.person_id == person.id).order_by(Delivery.id.desc())
    )
    return [
        Table(
            "facts",
            _("What I entered"),
            [("what", _("What")), ("value", _("Entry"))],
            [list(f) for f in facts],
        ),
        Table(
            "appointments",
            _("My roles"),
            [("role", _("Role")), ("place", _("Place")), ("from", _("From")), ("until", _("Until"))],
            [
                [
                    str(ROLE_NAMES[Role(one.role)]),
                    school or school_class or district or "",
                    _day(one.started_on),
                    _day(one.ended_on),
                ]
                for one, school, school_class, district in appointments
            ],
        ),
        Table(
            "devices",
            _("Where I was signed in"),
            [("device", _("Device")), ("since", _("Since")), ("seen", _("Last seen"))],
            [[one.device, _moment(one.created_at), _moment(one.last_seen_at)] for one in devices],
        ),
        Table(
            "messages",
            _("Messages sent to me"),
            [("at", _("When")), ("channel", _("Way"))],
            [[_moment(one.created_at), str(DELIVERY_CHANNELS[one.channel])] for one in messages],
        ),
    ]


def _children(family: Family) -> list[Table]:
    children = db.session.scalars(
        select(Pupil)
        .where(Pupil.id.in_(pupils_acted_for(family.actor)))
        .options(joinedload(Pupil.school))
        .order_by(Pupil.id)
    ).all()
    ids = [child.id for child in children]
    places = db.session.scalars(
        select(Enrolment)
        .where(Enrolment.pupil_id.in_(ids))
        .options(
            joinedload(Enrolment.pupil), joinedload(Enrolment.school_class).joinedload(SchoolClass.school)
        )
        .order_by(Enrolment.pupil_id, Enrolment.started_on)
    )
    own = select(Guardianship.pupil_id, Guardianship.household_id).where(full_guardianship(family.actor))
    ties = db.session.scalars(
        select(Guardianship)
        .where(
            tuple_(Guardianship.pupil_id, Guardianship.household_id).in_(own),
            in_force(Guardianship, family.actor),
        )
        .options(
            joinedload(Guardianship.person), joinedload(Guardianship.pupil), selectinload(Guardianship.flags)
        )
        .order_by(Guardianship.pupil_id, Guardianship.id)
    )
    return [
        Table(
            "children",
            _("My children"),
            [
                ("name", _("Name")),
                ("school", _("School")),
                ("since", _("At this school since")),
                ("care", _("Entered by the school as")),
                ("identity", _("Identity number")),
            ],
            [
                [
                    child.name,
                    child.school.name,
                    _day(child.arrived_on),
                    str(PRIORITY_NAMES.get(child.priority, "")),
                    child.identity or "",
                ]
                for child in children
            ],
        ),
        Table(
            "classes",
            _("Classes"),
            [
                ("child", _("Child")),
                ("school", _("School")),
                ("class", _("Class")),
                ("from", _("From")),
                ("until", _("Until")),
            ],
            [
                [
                    one.pupil.name,
                    one.school_class.school.name,
                    one.school_class.name,
                    _day(one.started_on),
                    _day(one.ended_on),
                ]
                for one in places
            ],
        ),
        Table(
            "guardians",
            _("Who cares for the child in our household"),
            [("child", _("Child")), ("who", _("Who")), ("name", _("Name")), ("flags", _("What holds"))],
            [
                [
                    tie.pupil.name,
                    tie.relation,
                    tie.person.name,
                    i18n.listing([flag.name for flag in tie.flags_on(family.actor.on)])
                    if tie.person_id == family.person.id
                    else "",
                ]
                for tie in ties
            ],
        ),
    ]


def _notices(family: Family) -> list[Table]:
    rows = db.session.execute(
        select(NoticeReceipt, Notice)
        .join(Notice, Notice.id == NoticeReceipt.notice_id)
        .where(NoticeReceipt.person_id == family.person.id)
        .order_by(NoticeReceipt.opened_at)
    )
    return [
        Table(
            "receipts",
            _("Notices I opened"),
            [
                ("title", _("Notice")),
                ("from", _("From whom")),
                ("text", _("Text")),
                ("opened", _("Opened")),
                ("confirmed", _("Confirmed")),
            ],
            [
                [
                    notice.title,
                    notice.from_whom,
                    notice.body,
                    _moment(one.opened_at),
                    _moment(one.confirmed_at),
                ]
                for one, notice in rows
            ],
        )
    ]


def _visits(family: Family) -> list[Table]:
    visits = db.session.scalars(
        VISIT_ANSWER.rows(family.actor)
        .options(
            joinedload(Visit.pupil),
            joinedload(Visit.author),
            selectinload(Visit.parts).joinedload(VisitPart.author),
            selectinload(Visit.steps),
            selectinload(Visit.remarks),
            selectinload(Visit.corrections),
        )
        .order_by(Visit.held_at, Visit.id)
    ).all()
    invitations = db.session.scalars(
        INVITATION_ANSWER.rows(family.actor)
        .options(joinedload(Invitation.pupil), joinedload(Invitation.author))
        .order_by(Invitation.id)
    )
    mine = family.person.id
    said = [(visit, part) for visit in visits for part in visit.parts]
    return [
        Table(
            "invitations",
            _("Invitations"),
            [("child", _("Child")), ("teacher", _("Teacher")), ("at", _("When")), ("purpose", _("Purpose"))],
            [[one.pupil.name, one.author.name, _moment(one.created_at), one.purpose] for one in invitations],
        ),
        Table(
            "visits",
            _("Visits"),
            [
                ("child", _("Child")),
                ("teacher", _("Teacher")),
                ("at", _("When")),
                ("form", _("How")),
                ("confirmed", _("Confirmed")),
            ],
            [
                [
                    visit.pupil.name,
                    visit.author.name,
                    _moment(visit.held_at),
                    str(FORM_NAMES[Form(visit.form)]) if visit.form else "",
                    _moment(visit.confirmed_at),
                ]
                for visit in visits
            ],
        ),
        Table(
            "shared",
            _("What was written and shared with us"),
            [
                ("at", _("When")),
                ("teacher", _("Teacher")),
                ("hopes", _("Good sides and hopes")),
                ("note", _("Note")),
            ],
            [
                [
                    _moment(visit.held_at),
                    part.author.name,
                    part.hopes,
                    "" if part.school_only else part.note,
                ]
                for visit, part in said
            ],
        ),
        Table(
            "remarks",
            _("What I added"),
            [("at", _("When")), ("text", _("Text")), ("answer", _("Answer"))],
            [
                [_moment(one.written_at), one.body, ""]
                for visit in visits
                for one in visit.remarks
                if one.person_id == mine
            ]
            + [
                [_moment(asked.asked_at), asked.body, asked.answer]
                for visit in visits
                for asked in visit.corrections
                if asked.person_id == mine
            ],
        ),
        Table(
            "steps",
            _("Agreed steps"),
            [
                ("what", _("What")),
                ("owner", _("Who does it")),
                ("due", _("By when")),
                ("done", _("Done")),
                ("line", _("Said about it")),
            ],
            [_step(step) for visit in visits for step in visit.steps],
        ),
    ]


def _step(step: FollowUp) -> list[str]:
    return [
        step.what,
        str(OWNER_NAMES[Owner(step.owner)]),
        _day(step.due_on),
        _day(step.done_on),
        step.done_line,
    ]


def _opinions(family: Family) -> list[Table]:
    opinions = db.session.scalars(
        OPINION_OWN.rows(family.actor)
        .options(joinedload(Opinion.pupil), joinedload(Opinion.school), selectinload(Opinion.answers))
        .order_by(Opinion.id)
    ).all()
    return [
        Table(
            "opinions",
            _("Opinions I sent"),
            [
                ("number", _("Number")),
                ("at", _("When")),
                ("about", _("About")),
                ("child", _("Child")),
                ("text", _("Text")),
                ("again", _("Asked once more")),
            ],
            [
                [
                    one.number,
                    _moment(one.sent_at),
                    str(OPINION_CATEGORIES[Category(one.category)]),
                    one.pupil.name,
                    one.text,
                    one.reopening,
                ]
                for one in opinions
            ],
        ),
        Table(
            "answers",
            _("Answers"),
            [("number", _("Number")), ("at", _("When")), ("text", _("Text"))],
            [
                [one.number, _moment(answer.answered_at), answer.text]
                for one in opinions
                for answer in one.answers
            ],
        ),
    ]


def _courses(family: Family) -> list[Table]:
    seats = db.session.scalars(
        SEAT_READ.rows(family.actor)
        .join(CourseSession, CourseSession.id == Seat.session_id)
        .join(Course, Course.id == CourseSession.course_id)
        .options(contains_eager(Seat.session).contains_eager(CourseSession.course))
        .order_by(CourseSession.starts_at, Seat.id)
    )
    return [
        Table(
            "seats",
            _("Courses of our household"),
            [
                ("course", _("Course")),
                ("at", _("When")),
                ("place", _("Place")),
                ("signed_up", _("Signed up")),
                ("present", _("Present")),
            ],
            [
                [
                    seat.session.course.title,
                    _moment(seat.session.starts_at),
                    seat.session.place,
                    _moment(seat.queued_at),
                    _moment(seat.present_at),
                ]
                for seat in seats
            ],
        )
    ]


def _consents(family: Family) -> list[Table]:
    rows = db.session.execute(
        select(Consent, Pupil.name)
        .join(Pupil, Pupil.id == Consent.pupil_id)
        .where(Consent.person_id == family.person.id, Pupil.id.in_(pupils_acted_for(family.actor)))
        .order_by(Consent.id)
    )
    return [
        Table(
            "consents",
            _("What I have answered"),
            [
                ("child", _("Child")),
                ("purpose", _("Purpose")),
                ("version", _("Version of the text")),
                ("answer", _("Answer")),
                ("at", _("When")),
                ("way", _("Way")),
            ],
            [
                [
                    name,
                    str(PURPOSES[Purpose(consent.purpose)].name),
                    str(consent.version),
                    str(ANSWER_NAMES[Answer(consent.answer)]),
                    _moment(consent.answered_at),
                    str(CHANNEL_NAMES[Channel(consent.channel)]),
                ]
                for consent, name in rows
            ],
        )
    ]


def _readings(family: Family) -> list[Table]:
    entries = db.session.scalars(
        READING_SEE.rows(family.actor).order_by(TrailEntry.happened_at.desc(), TrailEntry.id.desc())
    ).all()
    return [
        Table(
            "readings",
            _("Who opened our record"),
            [
                ("at", _("When")),
                ("role", _("Role")),
                ("school", _("School")),
                ("child", _("Child")),
                ("kind", _("What")),
                ("purpose", _("Purpose")),
            ],
            [
                [
                    _moment(one.at),
                    str(ROLE_NAMES[Role(one.role)]) if one.role else "",
                    one.place,
                    one.child,
                    one.kind,
                    one.purpose,
                ]
                for one in readings.told(entries, family.person.id)
            ],
        )
    ]


AREAS: tuple[tuple[str, Callable[[], str], Callable[[Family], list[Table]]], ...] = (
    ("me", lambda: _("Me"), _me),
    ("children", lambda: _("My children"), _children),
    ("notices", lambda: _("Notices and receipts"), _notices),
    ("visits", lambda: _("Visits"), _visits),
    ("opinions", lambda: _("Opinions"), _opinions),
    ("courses", lambda: _("Courses"), _courses),
    ("consents", lambda: _("Consents"), _consents),
    ("readings", lambda: _("Who opened our record"), _readings),
)


def zipped(person: Person, at: datetime) -> bytes:
    """The copy as a ZIP in the person's language: index.html, a page for each area, data.json, README.txt."""
    today = clock.local(at).date()
    family = Family(person, Actor(person_id=person.id, role=Role.GUARDIAN, on=today))
    with i18n.speaking(person.language or i18n.DEFAULT.tag):
        areas = [Area(key, title(), tables(family)) for key, title, tables in AREAS]
        shared = {
            "person": person,
            "at": at,
            "areas": areas,
            "language": i18n.current(),
            "left_out": left_out(),
        }
        files = {
            "index.html": render("privacy/_copy_index.html", **shared),
            "README.txt": _readme(person, at),
            "style.css": STYLE.read_text(encoding="utf-8"),
            "data.json": json.dumps(_plain(person, at, areas), ensure_ascii=False, indent=1),
        }
        for area in areas:
            files[f"{area.key}.html"] = render("privacy/_copy_area.html", area=area, **shared)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


def left_out() -> list[str]:
    """What is not in a copy, and why, sentence by sentence."""
    return [
        _(
            "What other people wrote or entered: other guardians, other households of the same child, other families."
        ),
        _("Telephone numbers of other people."),
        _(
            "Notes that the school keeps for its own work, and notes under special protection. Ask the school about them."
        ),
        _("Passwords and keys: they cannot be read, not even by the portal."),
        _(
            "The log of the portal's own working. Openings of your record are in it and stand on a page of their own."
        ),
        _("For staff: records about families. They belong to the families."),
    ]


def _readme(person: Person, at: datetime) -> str:
    lines = [
        _(
            "Copy of what the portal keeps about %(name)s, made on %(when)s.",
            name=person.name,
            when=_moment(at),
        ),
        "",
        _("Open index.html in any browser. data.json holds the same for programs."),
        _("This file holds personal data. Keep it where only you can open it."),
        "",
        _("Not in this copy:"),
        *(f"- {line}" for line in left_out()),
        "",
    ]
    return "\r\n".join(lines)


def _plain(person: Person, at: datetime, areas: list[Area]) -> dict[str, Any]:
    return {
        "format": "gongyu-copy-1",
        "made_at": at.isoformat(),
        "person": person.name,
        "areas": {
            area.key: {
                table.key: [
                    dict(zip([key for key, _label in table.columns], row, strict=True)) for row in table.rows
                ]
                for table in area.tables
            }
            for area in areas
        },
    }
