"""What an account's owner learns about it: sign-ins from new devices, changes of password and second factors."""

from typing import Any

from sqlalchemy import select

from portal.accounts.models import Person
from portal.deliveries.kinds import Kind, fit
from portal.deliveries.sending import send
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.i18n import no_op
from portal.trail.models import TrailEntry, note

NEW_DEVICE = Kind(
    "new_device",
    _l("A new device has signed in"),
    _l(
        "Your account was used on a new device: %(device)s. Was it not you? Sign in and sign it out under Me."
    ),
    takes=("device",),
    path="/account/activity",
)
WAY_CHANGED = Kind(
    "account.changed",
    _l("A way into your account was changed"),
    _l(
        "A password, a second step or an address of your account was changed. Was it not you? Ask your school at once."
    ),
    path="/account/activity",
)
MEANINGS = {
    "account.signed_in": no_op("Signed in"),
    "account.sign_in_failed": no_op("Wrong password"),
    "account.second_failed": no_op("Wrong code in the second step"),
    "account.signed_out": no_op("Signed out"),
    "account.signed_out_everywhere": no_op("Signed out everywhere else"),
    "account.password_changed": no_op("Password changed"),
    "account.password_reset": no_op("New password from the portal's operator"),
    "account.device_revoked": no_op("A device was signed out"),
    "account.app_set_up": no_op("Authenticator app set up"),
    "account.app_removed": no_op("Authenticator app removed"),
    "account.passkey_added": no_op("Passkey added"),
    "account.passkey_removed": no_op("Passkey removed"),
    "account.recovery_codes_made": no_op("New recovery codes"),
    "account.recovery_code_used": no_op("A recovery code was used"),
    "account.second_by_message_asked": no_op("A code for the second step was sent to your phone"),
    "account.second_by_message_used": no_op("Second step by text message"),
    "account.code_failed": no_op("Wrong code"),
    "account.email_confirmed": no_op("E-mail address confirmed"),
    "account.email_removed": no_op("E-mail address removed"),
    "recovery.asked": no_op("Somebody asked the school to recover your account"),
    "recovery.begun": no_op("The school began to recover your account"),
    "recovery.approved": no_op("A second person approved the recovery"),
    "recovery.refused": no_op("The recovery was stopped"),
    "recovery.used": no_op("Your account was recovered through the school"),
    "account.recovered": no_op("Signed in again without the password"),
}


CHANGES = frozenset(
    {
        "account.password_changed",
        "account.password_reset",
        "account.app_set_up",
        "account.app_removed",
        "account.passkey_added",
        "account.passkey_removed",
        "account.recovery_codes_made",
        "account.email_confirmed",
        "account.email_removed",
    }
)
"""What is never done to an account without its owner being told by message (ASVS 6.3.7)."""


def way_changed(person: Person, action: str, *, by: int | None = None, role: str = "", **facts: Any) -> None:
    """Log that a way into an account was changed, and tell its owner by message, in the current transaction.

    Call it before an address goes, so that the message still reaches the old one. ``by``: who did it, if not the owner.
    """
    assert action in CHANGES
    note(action, person, person_id=by if role else person.id, role=role, **facts)
    send(person, WAY_CHANGED.name, {})


def tell_of_new_device(person: Person, device: str) -> None:
    """Write an e-mail to the person that a device signed in for the first time, in the current transaction."""
    if person.email:
        send(person, NEW_DEVICE.name, {"device": device if fit(device) else _("unknown")}, "email")


def activity(person_id: int, limit: int = 50) -> list[tuple[TrailEntry, str]]:
    """The newest entries about the person's own account, with what they mean. One query."""
    wanted = (
        select(TrailEntry)
        .where(
            TrailEntry.subject_id == person_id,
            TrailEntry.action.in_(MEANINGS),
        )
        .order_by(TrailEntry.id.desc())
        .limit(limit)
    )
    return [(entry, _meaning(entry)) for entry in db.session.scalars(wanted)]


def _meaning(entry: Any) -> str:
    if entry.facts.get("new_device"):
        return _("Signed in from a new device")
    return _(MEANINGS[entry.action])
