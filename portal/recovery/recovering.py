"""Codes of recoveries: making one, handing it over, taking it, and what follows."""

from datetime import timedelta

from sqlalchemy import delete, select

from portal import clock, documents
from portal.accounts import arriving, guessing, passwords
from portal.accounts.models import Authenticator, Passkey, Person
from portal.accounts.models import RecoveryCode as PaperCode
from portal.deliveries.kinds import Kind
from portal.deliveries.models import Delivery
from portal.deliveries.sending import send
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.joining import codes, opening
from portal.recovery.models import Recovery, RecoveryAsking

KEPT_FOR = timedelta(hours=1)
BEGUN = Kind(
    "recovery.begun",
    subject=_l("Your account is being recovered"),
    text=_l(
        "Your school has begun to recover your account. If you did not ask for it, ring the school at once: without you it must not go on."
    ),
)
CODE = Kind(
    "recovery.code",
    subject=_l("Your recovery code"),
    text=_l(
        "Recovery: number %(number)s, code %(code)s, good for 24 hours, once. Enter both on the sign-in page under recovery. Tell them to nobody."
    ),
    takes=("number", "code"),
    secret=("code",),
    lasts=timedelta(hours=24),
    capped=True,
)
DONE = Kind(
    "recovery.done",
    subject=_l("Your account was recovered"),
    text=_l(
        "Your account was recovered and has a new password. All your devices are signed out. If it was not you, ring the school at once."
    ),
)


def tell_of_beginning(row: Recovery, person: Person) -> None:
    """Let the owner of the account know, in the current transaction: an alarm if somebody pretends to be them."""
    send(person, BEGUN.name, {}, key=row.public_id)


def make_code(row: Recovery, by_id: int) -> None:
    """A fresh number and code for an approved recovery, in the current transaction; earlier ones stop working."""
    now = clock.now()
    if not row.is_open(now) or row.approved_at is None:
        raise RuleBroken(_("A code comes once a second person has approved."))
    if by_id != row.started_by_id:
        raise RuleBroken(_("Whoever began the recovery hands the code over."))
    code = codes.new_code()
    row.number, row.code_hash, row.tries = codes.new_number(), passwords.hashed(code), 0
    row.code, row.code_kept_until = code, now + KEPT_FOR


def message(row: Recovery, person: Person) -> Delivery:
    """Send number and code to the person's own number or address, in the current transaction."""
    values = {"number": codes.shown(row.number or ""), "code": codes.shown(row.code or "")}
    return send(person, CODE.name, values, key=f"{row.public_id} {row.number}")


def paper(row: Recovery, address: str) -> bytes:
    """The sheet with number and code as PDF. RuleBroken an hour after the code was made."""
    if row.code is None or row.code_kept_until is None or clock.now() >= row.code_kept_until:
        raise RuleBroken(_("The code is no longer kept for printing. Make a new one."))
    words = {
        "title": _("Getting back into your account"),
        "for": _("For %(name)s", name=row.person.name),
        "number": _("Number"),
        "code": _("Code on the sheet"),
        "until": _("Good once, until %(when)s", when=f"{clock.local(row.expires_at):%Y-%m-%d %H:%M}"),
        "steps": [
            _("Open %(address)s", address=address),
            _("Enter the number and the code."),
            _("Choose a new password. All your other devices are signed out."),
        ],
        "keep": _("Whoever holds this sheet can open the account. Tear it up afterwards."),
    }
    return documents.pdf(
        "recovery",
        {**words, "shown_number": codes.shown(row.number or ""), "shown_code": codes.shown(row.code)},
    )


def taken(number: str, code: str) -> Recovery | None:
    """The approved recovery that this number and code open, used up in the current transaction; else None. Commits the try."""
    return opening.taken(
        Recovery, number, code, Recovery.closed_at.is_(None), Recovery.approved_at.is_not(None)
    )


def open_account(row: Recovery, person: Person) -> None:
    """Sign out every device, lift the brakes strangers put on, take lost second factors away; in the current transaction."""
    arriving.end_others(person.id)
    guessing.forget_person(person.id)
    if row.lost_second:
        for table in (Authenticator, Passkey, PaperCode):
            db.session.execute(delete(table).where(table.person_id == person.id))
    send(person, DONE.name, {}, key=row.public_id)


def open_of(person_id: int) -> Recovery | None:
    """The person's recovery that is not over, if there is one."""
    now = clock.now()
    return db.session.scalar(
        select(Recovery)
        .where(
            Recovery.person_id == person_id,
            Recovery.used_at.is_(None),
            Recovery.closed_at.is_(None),
            Recovery.expires_at > now,
        )
        .limit(1)
    )


def ask(name: str) -> RecoveryAsking:
    """Note in the current transaction that somebody cannot sign in; the same for everybody."""
    row = RecoveryAsking(asked_at=clock.now())
    row.name = name
    db.session.add(row)
    db.session.flush()
    return row
