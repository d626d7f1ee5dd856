"""Sign-in sessions: opaque tokens, their rows, and the one query that reads who is acting."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from flask import Flask, g, request, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from sqlalchemy import and_, bindparam, exists, func, or_, select, update
from sqlalchemy.orm import aliased

from portal import clock, cookies, i18n, row_security
from portal.access import PERMISSIONS, ROLE_NAMES, Actor, Role
from portal.accounts.models import Appointment, AuthSession, Person
from portal.database import writing
from portal.extensions import Base, db
from portal.prepared import Prepared

STAFF_HOURS = timedelta(hours=12)
FAMILY_DAYS = timedelta(days=30)
SEEN_EVERY = timedelta(minutes=10)
GUARDED_SEEN_EVERY = timedelta(minutes=5)
IDLE = timedelta(minutes=30)
"""After so long without a request a session that reads narratives of families falls asleep (SECURITY contract 5.1)."""
FAMILY = "family"


@dataclass(frozen=True)
class Hat:
    """One way in which a person acts: as a parent, or under one appointment."""

    key: str
    role: Role
    place: str
    appointment_id: int | None = None
    district_id: int | None = None
    school_id: int | None = None
    class_id: int | None = None
    school_phone: str = ""
    title: str = ""
    is_delegated: bool = False
    opens_sealed: bool = True

    @property
    def id(self) -> str:
        """What the switch of hats sends."""
        return self.key

    @property
    def label(self) -> str:
        """班主任 · 三(2)班; 班主任（代理） · 三(2)班 for who stands in; 副校长 where the office has a title of its own."""
        name = i18n.gettext(self.title) if self.title else str(ROLE_NAMES[self.role])
        if self.is_delegated:
            name = i18n.gettext("%(role)s (standing in)", role=name)
        return f"{name} · {self.place}" if self.place else name


class SignedIn(UserMixin):  # type: ignore[misc]
    """The person of this request, with their hats; made from one query, never changed."""

    def __init__(
        self, token: str, session_id: int, person: Any, hats: tuple[Hat, ...], hat: Hat, on: date
    ) -> None:
        self.token = token
        self.asleep = False
        self.proved_at: datetime | None = person.proved_at
        self.session_id = session_id
        self.person_id: int = person.person_id
        self.name: str = person.name
        self.language: str | None = person.language
        self.elder: bool = bool(person.elder)
        self.theme: str = person.theme
        self.hats = hats
        self.hat = hat
        self.actor = Actor(
            person_id=self.person_id,
            role=hat.role,
            on=on,
            appointment_id=hat.appointment_id,
            district_id=hat.district_id,
            school_id=hat.school_id,
            class_id=hat.class_id,
            opens_sealed=hat.opens_sealed,
        )

    def get_id(self) -> str:
        return self.token


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _identity() -> Any:
    tables = Base.metadata.tables
    school_class, school, district = tables["school_class"], tables["school"], tables["district"]
    guardianship, enrolment = tables["guardianship"], tables["enrolment"]
    origin = aliased(Appointment)
    origin_holds = exists().where(
        origin.id == Appointment.delegated_from_id,
        origin.started_on <= bindparam("day"),
        or_(origin.ended_on.is_(None), origin.ended_on > bindparam("day")),
    )
    class_school = aliased(school)
    family_phone = (
        select(school.c.phone)
        .join(enrolment, enrolment.c.school_id == school.c.id)
        .join(guardianship, guardianship.c.pupil_id == enrolment.c.pupil_id)
        .where(
            guardianship.c.person_id == Person.id,
            enrolment.c.ended_on.is_(None),
            or_(guardianship.c.ended_on.is_(None), guardianship.c.ended_on > bindparam("day")),
        )
        .order_by(guardianship.c.id)
        .limit(1)
        .scalar_subquery()
    )
    is_family = (
        select(func.count(guardianship.c.id))
        .where(
            guardianship.c.person_id == Person.id,
            or_(guardianship.c.ended_on.is_(None), guardianship.c.ended_on > bindparam("day")),
        )
        .scalar_subquery()
    )
    return (
        select(
            AuthSession.id.label("session_id"),
            AuthSession.appointment_id.label("worn_id"),
            AuthSession.last_seen_at,
            AuthSession.proved_at,
            Person.id.label("person_id"),
            Person.name,
            Person.language,
            Person.elder,
            Person.theme,
            Appointment.id.label("appointment_id"),
            Appointment.public_id,
            Appointment.role,
            func.coalesce(school_class.c.name, school.c.name, district.c.name, "").label("place"),
            func.coalesce(Appointment.district_id, school.c.district_id, class_school.c.district_id).label(
                "district_id"
            ),
            func.coalesce(Appointment.school_id, school_class.c.school_id).label("school_id"),
            Appointment.class_id,
            Appointment.title,
            Appointment.delegated_from_id,
            Appointment.opens_sealed,
            func.coalesce(school.c.phone, class_school.c.phone, "").label("phone"),
            family_phone.label("family_phone"),
            is_family.label("is_family"),
        )
        .join(Person, Person.id == AuthSession.person_id)
        .outerjoin(
            Appointment,
            and_(
                Appointment.person_id == Person.id,
                Appointment.started_on <= bindparam("day"),
                or_(Appointment.ended_on.is_(None), Appointment.ended_on > bindparam("day")),
                or_(Appointment.delegated_from_id.is_(None), origin_holds.correlate(Appointment)),
            ),
        )
        .outerjoin(school_class, school_class.c.id == Appointment.class_id)
        .outerjoin(class_school, class_school.c.id == school_class.c.school_id)
        .outerjoin(school, school.c.id == Appointment.school_id)
        .outerjoin(district, district.c.id == Appointment.district_id)
        .where(
            AuthSession.token_hash == bindparam("token_hash"),
            AuthSession.revoked_at.is_(None),
            AuthSession.expires_at > bindparam("now"),
        )
        .order_by(Appointment.id)
    )


IDENTITY = Prepared(_identity)


def _hats(rows: Any) -> tuple[Hat, ...]:
    hats = [
        Hat(
            key=row.public_id,
            role=Role(row.role),
            place=row.place,
            appointment_id=row.appointment_id,
            district_id=row.district_id,
            school_id=row.school_id,
            class_id=row.class_id,
            school_phone=row.phone or "",
            title=row.title,
            is_delegated=row.delegated_from_id is not None,
            opens_sealed=bool(row.opens_sealed),
        )
        for row in rows
        if row.appointment_id is not None
    ]
    if rows[0].is_family or not hats:
        hats.append(Hat(key=FAMILY, role=Role.GUARDIAN, place="", school_phone=rows[0].family_phone or ""))
    return tuple(hats)


def load(token: str) -> SignedIn | None:
    """The person behind a session token, or None when it is unknown, expired or revoked."""
    now, day = clock.now(), clock.today()
    rows = IDENTITY.all(db.session(), token_hash=_hash(token), now=now, day=day)
    if not rows:
        return None
    first = rows[0]
    hats = _hats(rows)
    family = next((hat for hat in hats if hat.key == FAMILY), None)
    worn = next((hat for hat in hats if hat.appointment_id and hat.appointment_id == first.worn_id), None)
    hat = worn or (family if first.worn_id is None else None) or hats[0]
    person = SignedIn(token, first.session_id, first, hats, hat, day)
    row_security.acts(person.actor)
    quiet = now - first.last_seen_at
    guarded = hat.role in guarded_roles()
    person.asleep = guarded and quiet > IDLE
    if quiet > (GUARDED_SEEN_EVERY if guarded else SEEN_EVERY) and not person.asleep:
        g.seen_session = first.session_id
    return person


@cache
def guarded_roles() -> frozenset[Role]:
    """The roles of staff that may read narratives of families (F4) or of safeguarding (F4S), by the permissions."""
    found = (
        role
        for permission in PERMISSIONS.values()
        if permission.holds in ("F4", "F4S")
        for role in permission.grants
    )
    return frozenset(found) - {Role.GUARDIAN}


def open_session(
    person: Person,
    *,
    staff: bool,
    appointment_id: int | None,
    device: str,
    known_device_id: int | None = None,
) -> str:
    """Add a session row to the current transaction and return its token (kept only in the browser)."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    db.session.add(
        AuthSession(
            token_hash=_hash(token),
            person_id=person.id,
            appointment_id=appointment_id,
            device=device[:200],
            known_device_id=known_device_id,
            created_at=now,
            last_seen_at=now,
            proved_at=now,
            expires_at=now + (STAFF_HOURS if staff else FAMILY_DAYS),
        )
    )
    return token


def appointments_today(person: Person) -> list[Appointment]:
    """The person's appointments in force today, oldest first."""
    day = clock.today()
    wanted = select(Appointment).where(Appointment.person_id == person.id).order_by(Appointment.id)
    return [appointment for appointment in db.session.scalars(wanted) if appointment.holds_on(day)]


def sign_in(person: Person, known_device_id: int | None = None) -> None:
    """Open a session for this browser in the current transaction; a new id each time, whatever the browser held before."""
    appointments = appointments_today(person)
    token = open_session(
        person,
        staff=bool(appointments),
        appointment_id=appointments[0].id if appointments else None,
        device=request.user_agent.string,
        known_device_id=known_device_id,
    )
    db.session.flush()
    now, day = clock.now(), clock.today()
    rows = IDENTITY.all(db.session(), token_hash=_hash(token), now=now, day=day)
    hats = _hats(rows)
    login_user(SignedIn(token, rows[0].session_id, rows[0], hats, hats[0], day))


def sign_out() -> None:
    """Revoke this browser's session in the current transaction and forget it."""
    _revoke(AuthSession.id == current_user.session_id)
    logout_user()


def renew() -> None:
    """Give this session a new token, in the current transaction: after a change of password or of second factors."""
    wear(current_user.hat.key)


def is_staff() -> bool:
    """Whether the signed-in person holds an appointment today."""
    return any(hat.appointment_id for hat in current_user.hats)


def note_proof() -> None:
    """Note with this session, in the current transaction, that its holder has just proved who they are; it wakes up."""
    db.session.execute(
        update(AuthSession)
        .where(AuthSession.id == current_user.session_id)
        .values(proved_at=clock.now(), last_seen_at=clock.now())
    )


def revoke_others(person_id: int, keep_session_id: int) -> None:
    """Revoke all other sessions of a person, in the current transaction (after a change of password)."""
    _revoke(and_(AuthSession.person_id == person_id, AuthSession.id != keep_session_id))


def _revoke(condition: Any) -> None:
    db.session.execute(
        update(AuthSession).where(condition, AuthSession.revoked_at.is_(None)).values(revoked_at=clock.now())
    )


def wear(key: str) -> Hat | None:
    """Put on another hat of the signed-in person, in the current transaction; None when they have no such hat.

    The session gets a new token: what somebody may have caught before does not open the other role.
    """
    hat = next((hat for hat in current_user.hats if hat.key == key), None)
    if hat is not None:
        token = secrets.token_urlsafe(32)
        changed = db.session.execute(
            update(AuthSession)
            .where(
                AuthSession.id == current_user.session_id, AuthSession.token_hash == _hash(current_user.token)
            )
            .values(appointment_id=hat.appointment_id, token_hash=_hash(token))
        )
        if int(changed.rowcount):  # type: ignore[attr-defined]
            session["_user_id"] = token
    return hat


def _of_request(token: str) -> SignedIn | None:
    """The person of this request; nobody where a view asks not to know (``nameless``)."""
    return None if cookies.are_not_read() else load(token)


def _note_seen(at: datetime, session_id: int) -> None:
    with writing() as connection:
        connection.execute(update(AuthSession).where(AuthSession.id == session_id).values(last_seen_at=at))


def init_app(app: Flask) -> None:
    """Tell Flask-Login how a cookie becomes a person, and each request its language."""
    login = LoginManager(app)
    login.session_protection = None
    login.user_loader(_of_request)

    @app.before_request
    def choose_language() -> None:
        tag = current_user.language if current_user.is_authenticated else None
        i18n.speak(i18n.language_for_person(tag))

    @app.teardown_request
    def note_seen(_error: BaseException | None) -> None:
        session_id = g.pop("seen_session", None)
        if session_id is not None:
            db.session.remove()
            _note_seen(clock.now(), session_id)
