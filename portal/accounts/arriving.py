"""From the first factor to a session: whoever owes a second factor, or a new password, is only half signed in till then.

Every way of signing in ends here: the password calls ``after_first_factor``, and so do one-time codes and the
district's single sign-on; a passkey, which is two factors at once, calls ``enter``.
"""

import hashlib
import secrets
from datetime import timedelta

from flask import redirect, request, session, url_for
from flask_login import current_user
from sqlalchemy import delete, select
from werkzeug.wrappers import Response

from portal import clock
from portal.accounts import factors, guessing, known_devices, passwords, sessions
from portal.accounts.devices import device_name
from portal.accounts.models import HalfSession, KnownDevice, Person
from portal.accounts.telling import tell_of_new_device
from portal.extensions import db
from portal.trail.models import note

LASTS = timedelta(minutes=15)
COOKIE_KEY = "half"
RECOVERY, RECOVERED = "recovery", "recovered"
SECOND_STEP, SET_UP, NEW_PASSWORD = "accounts.second_step", "accounts.set_up", "accounts.new_password"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def after_first_factor(person: Person, how: str, to: str = "", *, has_second: bool = False) -> Response:
    """Go on after a first factor was right: to the second step, or straight in. Commits the current transaction.

    ``how`` names the way for the trail ("password", "code", "oidc", "recovery"); ``to`` is a path of the portal;
    ``has_second``: the way was two factors already. What the browser's session held before is gone.
    """
    now = clock.now()
    half = HalfSession(
        token_hash="",
        person_id=person.id,
        how=how,
        to=to,
        has_second=has_second,
        created_at=now,
        expires_at=now + LASTS,
    )
    page = owes(half, person)
    if not page:
        return enter(person, how, to)
    token = secrets.token_urlsafe(32)
    half.token_hash = _hash(token)
    db.session.add(half)
    note("account.first_factor", person, person_id=person.id, how=how)
    db.session.commit()
    session.clear()
    session[COOKIE_KEY] = token
    return redirect(url_for(page), 303)


def owes(half: HalfSession, person: Person) -> str:
    """The endpoint of what is still owed before the person is in; empty when nothing is."""
    appointments = sessions.appointments_today(person)
    if not half.has_second:
        if factors.is_set_up(person.id):
            return SECOND_STEP
        if factors.is_required(person, appointments):
            return SET_UP
    if half.how == RECOVERY:
        return NEW_PASSWORD
    printed = half.how == "password" and person.password_until is not None
    due = printed or passwords.needs_change(person.password_changed_at, staff=bool(appointments))
    return NEW_PASSWORD if due and person.password_hash else ""


def half_session() -> HalfSession | None:
    """The half session of this browser, if it has one that is not over."""
    token = session.get(COOKIE_KEY)
    if not isinstance(token, str):
        return None
    wanted = select(HalfSession).where(
        HalfSession.token_hash == _hash(token), HalfSession.expires_at > clock.now()
    )
    return db.session.scalar(wanted)


def go_on(half: HalfSession, person: Person) -> Response:
    """To whatever is still owed, or in. Commits the current transaction."""
    page = owes(half, person)
    if page:
        db.session.commit()
        return redirect(url_for(page), 303)
    how, to = half.how, half.to
    db.session.delete(half)
    return enter(person, how, to)


def enter(person: Person, how: str, to: str = "") -> Response:
    """Sign this browser in, remember it, note it, tell of a new device. Commits the current transaction."""
    device, letters, is_new = known_devices.remember(person)
    strange = is_new and _has_others(person.id, device.id)
    session.clear()
    sessions.sign_in(person, known_device_id=device.id)
    session.permanent = True
    guessing.forget_person(person.id, device.id)
    name = device_name(request.user_agent.string)
    note("account.signed_in", person, person_id=person.id, how=how, device=name, new_device=strange)
    if strange:
        tell_of_new_device(person, name)
    db.session.commit()
    answer = redirect(to or url_for("home.index"), 303)
    known_devices.set_cookie(answer, letters)
    return answer


def _has_others(person_id: int, device_id: int) -> bool:
    wanted = select(KnownDevice.id).where(KnownDevice.person_id == person_id, KnownDevice.id != device_id)
    return db.session.execute(wanted.limit(1)).first() is not None


def end_others(person_id: int) -> None:
    """Sign a person out everywhere but here and trust no other device any more, in the current transaction."""
    here = current_user.session_id if current_user.is_authenticated else 0
    sessions.revoke_others(person_id, here)
    known_devices.forget_others(person_id, known_devices_id_here(person_id))
    db.session.execute(delete(HalfSession).where(HalfSession.person_id == person_id))


def known_devices_id_here(person_id: int) -> int | None:
    """The row of this browser among the person's known devices, if it is one."""
    found = known_devices.here(person_id)
    return found.id if found is not None else None


def forget_old() -> int:
    """Delete half sessions that are over; returns how many."""
    result = db.session.execute(delete(HalfSession).where(HalfSession.expires_at < clock.now()))
    return int(result.rowcount)  # type: ignore[attr-defined]
