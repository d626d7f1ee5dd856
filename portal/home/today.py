"""What one's first page shows: the tasks of every feature, and the ways onward that the bottom bar has no room for."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from flask import url_for

from portal import i18n
from portal.access import Actor, Role
from portal.care import tasks as care
from portal.contacts import tasks as contacts
from portal.courses import tasks as courses
from portal.custody import tasks as custody
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import no_op
from portal.joining import tasks as joining
from portal.notices import tasks as notices
from portal.opinions import tasks as opinions
from portal.privacy import tasks as privacy
from portal.ratings import tasks as ratings
from portal.schools import closing
from portal.schools.policy import pupils_of_guardian
from portal.staffing import tasks as staffing
from portal.surveys import tasks as surveys
from portal.tasks import Task, in_order
from portal.visits import tasks as visits

SOURCES: dict[str, Callable[[Actor], list[Task]]] = {
    "joining": joining.tasks,
    "custody": custody.tasks,
    "contacts": contacts.tasks,
    "courses": courses.tasks,
    "visits": visits.tasks,
    "care": care.tasks,
    "notices": notices.tasks,
    "opinions": opinions.tasks,
    "surveys": surveys.tasks,
    "ratings": ratings.tasks,
    "privacy": privacy.tasks,
    "staffing": staffing.tasks,
}
"""The features that put work on the first page, each with its ``tasks``; those switched off stay silent."""


@dataclass(frozen=True)
class Way:
    """A link to a place one often goes."""

    label: str
    icon: str
    url: str


WAYS: dict[Role, tuple[tuple[str, str, str], ...]] = {
    Role.GUARDIAN: (
        ("visits.family", no_op("Visits to our family"), "door-open"),
        ("care.family", no_op("Agreed for our child"), "handshake"),
        ("opinions.new", no_op("Tell the school what you think"), "message-square-text"),
        ("opinions.index", no_op("My opinions and their answers"), "mail"),
        ("committees.index", no_op("Parent committees"), "users"),
        ("courses.mine", no_op("Our learning record"), "award"),
        ("staffing.transfers", no_op("Change of school"), "handshake"),
        ("contacts.mine", no_op("Our details at the school"), "pencil"),
        ("ratings.stars", no_op("Stars of the schools"), "star-full"),
        ("privacy.consents", no_op("What we allow"), "shield-check"),
    ),
    Role.CLASS_TEACHER: (
        ("visits.follow_ups", no_op("Agreed steps"), "list-checks"),
        ("care.index", no_op("Care files"), "heart-handshake"),
        ("care.register", no_op("Left-behind children"), "users"),
        ("visits.joined", no_op("Visits I went along on"), "users"),
        ("visits.harm", no_op("Reports of harm"), "shield-check"),
        ("care.watches", no_op("Dropout watch"), "footprints"),
        ("contacts.board", no_op("Reaching the families"), "phone"),
        ("contacts.requests", no_op("Details that families ask to change"), "pencil"),
        ("notices.outbox", no_op("Notices I sent"), "megaphone"),
        ("committees.index", no_op("Parent committees"), "users"),
        ("courses.index", no_op("Course catalogue"), "book-open"),
    ),
    Role.SUBJECT_TEACHER: (
        ("care.index", no_op("Care files"), "heart-handshake"),
        ("visits.joined", no_op("Visits I went along on"), "users"),
        ("visits.planned", no_op("Planned visits"), "door-open"),
        ("courses.index", no_op("Course catalogue"), "book-open"),
    ),
    Role.PRINCIPAL: (
        ("visits.school", no_op("Visits of the school"), "door-open"),
        ("surveys.index", no_op("Questionnaires"), "list-checks"),
        ("care.index", no_op("Care files"), "heart-handshake"),
        ("care.register", no_op("Left-behind children"), "users"),
        ("visits.harm", no_op("Reports of harm"), "shield-check"),
        ("care.watches", no_op("Dropout watch"), "footprints"),
        ("care.partners", no_op("Partners for referrals"), "handshake"),
        ("opinions.index", no_op("Opinions of parents"), "message-square-text"),
        ("notices.outbox", no_op("Notices of the school"), "megaphone"),
        ("committees.index", no_op("Parent committees"), "users"),
        ("contacts.school", no_op("Reaching the families"), "phone"),
        ("courses.manage", no_op("Parent school"), "book-open"),
        ("privacy.index", no_op("Protection of personal data"), "shield-check"),
        ("staffing.appointments", no_op("Offices and their holders"), "id-card"),
        ("recovery.index", no_op("Account recoveries"), "key-round"),
        ("staffing.transfers", no_op("Pupils who come and go"), "handshake"),
        ("staffing.hand_over", no_op("Hand-over to the next school year"), "calendar-check"),
        ("staffing.settings", no_op("Settings"), "settings"),
        ("custody.index", no_op("Restrictions by court order"), "scale"),
    ),
    Role.SCHOOL_OFFICE: (
        ("care.register", no_op("Left-behind children"), "users"),
        ("care.partners", no_op("Partners for referrals"), "handshake"),
        ("opinions.index", no_op("Opinions of parents"), "message-square-text"),
        ("notices.outbox", no_op("Notices of the school"), "megaphone"),
        ("committees.index", no_op("Parent committees"), "users"),
        ("contacts.school", no_op("Reaching the families"), "phone"),
        ("contacts.requests", no_op("Details that families ask to change"), "pencil"),
        ("roster.index", no_op("Roster"), "users"),
        ("privacy.index", no_op("Protection of personal data"), "shield-check"),
        ("staffing.appointments", no_op("Offices and their holders"), "id-card"),
        ("recovery.index", no_op("Account recoveries"), "key-round"),
        ("staffing.transfers", no_op("Pupils who come and go"), "handshake"),
        ("staffing.hand_over", no_op("Hand-over to the next school year"), "calendar-check"),
        ("staffing.settings", no_op("Settings"), "settings"),
        ("custody.index", no_op("Restrictions by court order"), "scale"),
    ),
    Role.COMMITTEE_CHAIR: (
        ("committees.index", no_op("Parent committees"), "users"),
        ("courses.index", no_op("Course catalogue"), "book-open"),
    ),
    Role.LECTURER: (),
    Role.INSPECTOR: (("ratings.stars", no_op("Stars of the schools"), "star-full"),),
    Role.DISTRICT_STAFF: (
        ("visits.coverage", no_op("Coverage of home visits"), "door-open"),
        ("visits.fair_play", no_op("Questions about home visits"), "scale"),
        ("notices.outbox", no_op("Notices of the district"), "megaphone"),
        ("notices.flagged", no_op("Notices that mention money"), "triangle-alert"),
        ("committees.index", no_op("Parent committees"), "users"),
        ("courses.manage", no_op("Courses of the district"), "book-open"),
        ("opinions.index", no_op("Opinions passed on to the district"), "message-square-text"),
        ("surveys.index", no_op("Questionnaires"), "list-checks"),
        ("care.district", no_op("Care in numbers"), "heart-handshake"),
        ("roster.index", no_op("Roster"), "users"),
        ("ratings.stars", no_op("Stars of the schools"), "star-full"),
        ("privacy.index", no_op("Protection of personal data"), "shield-check"),
        ("staffing.appointments", no_op("Offices and their holders"), "id-card"),
        ("recovery.index", no_op("Account recoveries"), "key-round"),
        ("signon.show", no_op("Single sign-on"), "log-in"),
        ("staffing.hand_overs", no_op("Hand-over to the next school year"), "calendar-check"),
        ("staffing.settings", no_op("Settings"), "settings"),
    ),
    Role.AUDITOR: (
        ("privacy.export_log", no_op("Log of exports"), "upload"),
        ("privacy.retention", no_op("What goes by itself"), "hourglass"),
        ("audit.anchors", no_op("How the log is secured"), "shield-check"),
        ("privacy.exports", no_op("My exports"), "download"),
        ("ratings.stars", no_op("Stars of the schools"), "star-full"),
    ),
    Role.SYSTEM_ADMIN: (("staffing.appointments", no_op("Offices and their holders"), "id-card"),),
}


def tasks(actor: Actor) -> list[Task]:
    """All that waits for this person under this hat, most urgent first."""
    off = closing.off(actor)
    return in_order([task for name, source in SOURCES.items() if name not in off for task in source(actor)])


def sees_no_child(actor: Actor) -> bool:
    """Whether a guardian is shown no child today: none is entered, or a court order keeps them away."""
    if actor.role != Role.GUARDIAN:
        return False
    return db.session.execute(pupils_of_guardian(actor).limit(1)).first() is None


def ways(actor: Actor) -> tuple[Way, ...]:
    """The places this role often goes beside those in the bottom bar."""
    return _ways(actor.role, closing.off(actor), i18n.current())


@cache
def _ways(role: Role, off: frozenset[str], _language: i18n.Language) -> tuple[Way, ...]:
    return tuple(
        Way(_(label), icon, url_for(endpoint))
        for endpoint, label, icon in WAYS[role]
        if endpoint.partition(".")[0] not in off
    )


def greeting(hour: int, name: str) -> str:
    """A greeting that fits the hour in China (0–23)."""
    if 5 <= hour < 11:
        return _("Good morning, %(name)s", name=name)
    if 11 <= hour < 18:
        return _("Good afternoon, %(name)s", name=name)
    return _("Good evening, %(name)s", name=name)
