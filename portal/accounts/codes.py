"""One-time codes: eight digits over the configured channel, ten minutes, one browser, five tries, one use.

The page that asks for a code writes one row, the same for a known and an unknown number; the job process looks for the
person, makes the code and writes the message. So neither text nor status nor time tells who has an account. A code is
good only in the browser that asked for it: guessing elsewhere uses up nobody's tries, and two people who ask at once do
not disturb each other. Codes stand as password hashes (ASVS 5.0, 6.5.2). Strangers have half of what providers allow per
recipient, so that they can neither flood a phone nor use up what its owner needs.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from flask import session
from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from portal import clock
from portal.accounts import knowing, passwords
from portal.accounts.models import KnownDevice, Person
from portal.deliveries.jobs import deliver
from portal.deliveries.kinds import Kind
from portal.deliveries.models import MAIL, PHONE, Delivery, State
from portal.deliveries.sending import recipient_index, send
from portal.extensions import Base, PublicId, db, new_public_id
from portal.i18n import lazy_gettext as _l
from portal.jobs.queue import every, task
from portal.keys.sealing import Sealed

DIGITS = 8
LASTS = timedelta(minutes=10)
TRIES = 5
KEPT_FOR = timedelta(days=1)
COOKIE = "code"
FOR_STRANGERS = ((timedelta(hours=1), 3), (timedelta(days=1), 5))
"""Most codes to one recipient that browsers may ask for in which the person never signed in."""
_LOOK_ALIKE = str.maketrans(
    {"O": "0", "o": "0", "I": "1", "l": "1", "L": "1", "i": "1", " ": "", "-": "", "·": ""}
)


class Purpose(StrEnum):
    """What a code opens: signing in, its second step, a proof without a password, or a new e-mail address of one's own."""

    SIGN_IN = "sign_in"
    SECOND = "second"
    PROOF = "proof"
    EMAIL = "email"


PURPOSES = ", ".join(f"'{purpose.value}'" for purpose in Purpose)


def _code(name: str, subject: Any, text: Any) -> Kind:
    """A message with a code: forgotten once it is out, worth nothing after ten minutes, within the caps of providers."""
    return Kind(
        name,
        subject=subject,
        text=text,
        takes=("code", "minutes"),
        secret=("code",),
        lasts=LASTS,
        capped=True,
    )


SIGN_IN_CODE = _code(
    "account.sign_in_code",
    _l("Your code for signing in"),
    _l(
        "%(code)s is your code for signing in, good for %(minutes)s minutes. Tell it to nobody: we never ask for it. If you did not ask for it, you need do nothing."
    ),
)
SECOND_CODE = _code(
    "account.second_code",
    _l("Your code for the second step"),
    _l(
        "%(code)s is your code for the second step of signing in, good for %(minutes)s minutes. If it was not you who entered your password just now, change it at once."
    ),
)
PROOF_CODE = _code(
    "account.proof_code",
    _l("Your code to confirm that it is you"),
    _l(
        "%(code)s confirms that it is you, good for %(minutes)s minutes. If you were not just asked for it, sign out everywhere and ring the school."
    ),
)
EMAIL_CODE = _code(
    "account.email_code",
    _l("Confirm your e-mail address"),
    _l(
        "%(code)s confirms this e-mail address, good for %(minutes)s minutes. If you did not enter it, you need do nothing."
    ),
)
KINDS = {
    Purpose.SIGN_IN: SIGN_IN_CODE,
    Purpose.SECOND: SECOND_CODE,
    Purpose.PROOF: PROOF_CODE,
    Purpose.EMAIL: EMAIL_CODE,
}


class CodeRequest(PublicId, Base):
    """That a browser asked for a code. ``public_id`` stands in that browser's signed cookie and nowhere else."""

    __tablename__ = "code_request"
    __table_args__ = (
        CheckConstraint(f"purpose IN ({PURPOSES})", name="purpose_known"),
        CheckConstraint("tries >= 0", name="tries_counted"),
        Index("ix_code_request_waiting", "prepared_at", "id"),
        Index("ix_code_request_recipient", "recipient_index", "asked_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(10))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    recipient_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F3"})
    recipient_index: Mapped[bytes | None] = mapped_column(LargeBinary(15), info={"class": "F3"})
    code_hash: Mapped[str | None] = mapped_column(String(200), info={"class": "F6"})
    device_hash: Mapped[str] = mapped_column(String(64), default="", info={"class": "F6"})
    was_known: Mapped[bool] = mapped_column(default=False)
    tries: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime]
    prepared_at: Mapped[datetime | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]

    recipient = Sealed("personal")


def ask(
    purpose: Purpose, recipient: str, *, person_id: int | None = None, device_hash: str = ""
) -> CodeRequest:
    """Note in the current transaction that this browser asks for a code, and bind it to the browser.

    ``recipient`` is an E.164 number or an e-mail address; ``person_id`` is known for purposes of people who have shown
    who they are. Ring ``prepare`` after the commit. An earlier request of this browser ends.
    """
    forget_here()
    now = clock.now()
    row = CodeRequest(
        public_id=new_public_id(),
        purpose=purpose,
        person_id=person_id,
        recipient_index=recipient_index(recipient),
        device_hash=device_hash,
        was_known=False,
        tries=0,
        asked_at=now,
        expires_at=now + LASTS,
    )
    row.recipient = recipient
    db.session.add(row)
    db.session.flush()
    session[COOKIE] = row.public_id
    return row


def asked_here(purpose: Purpose) -> CodeRequest | None:
    """What this browser asked for last, if it is for this purpose and still open."""
    key = session.get(COOKIE)
    if not isinstance(key, str):
        return None
    return db.session.scalar(
        select(CodeRequest).where(
            CodeRequest.public_id == key,
            CodeRequest.purpose == purpose,
            CodeRequest.used_at.is_(None),
            CodeRequest.expires_at > clock.now(),
        )
    )


def forget_here() -> None:
    """End what this browser asked for, in the current transaction."""
    key = session.pop(COOKIE, None)
    if isinstance(key, str):
        db.session.execute(delete(CodeRequest).where(CodeRequest.public_id == key))


@dataclass(frozen=True)
class Check:
    """What came of a try: the request when the code was right; else how many tries are left."""

    request: CodeRequest | None = None
    left: int = 0


def check(purpose: Purpose, typed: str) -> Check:
    """Try a code in this browser. Commits the try before it looks, so that tries at once cannot slip through together.

    A right code is used up in the current transaction: of two requests with the same right code one gets it. Without an
    open request, or without a code behind it, the same work is done.
    """
    asked = asked_here(purpose)
    counted = None
    if asked is not None:
        counted = db.session.scalar(
            update(CodeRequest)
            .where(CodeRequest.id == asked.id, CodeRequest.tries < TRIES)
            .values(tries=CodeRequest.tries + 1)
            .returning(CodeRequest.tries)
        )
    db.session.commit()
    stored = asked.code_hash if asked is not None and counted is not None else None
    is_right = passwords.matches(stored, plain(typed))
    left = TRIES - counted if counted is not None else 0
    if not is_right or asked is None:
        return Check(left=left)
    used = db.session.scalar(
        update(CodeRequest)
        .where(CodeRequest.id == asked.id, CodeRequest.used_at.is_(None))
        .values(used_at=clock.now(), code_hash=None)
        .returning(CodeRequest.id)
    )
    return Check(asked if used is not None else None, left)


def plain(typed: str) -> str:
    """A code as it was sent, however it was written down: spaces, full-width digits, O for 0."""
    return typed.translate(_LOOK_ALIKE)


@task
def prepare(request_id: int) -> None:
    """Find the person, make the code, hand the message over. A second run finds nothing to do."""
    now = clock.now()
    asked = db.session.scalar(
        update(CodeRequest)
        .where(CodeRequest.id == request_id, CodeRequest.prepared_at.is_(None), CodeRequest.expires_at > now)
        .values(prepared_at=now)
        .returning(CodeRequest)
        .execution_options(populate_existing=True)
    )
    sent = _prepared(asked) if asked is not None and asked.recipient else None
    waiting = sent.id if sent is not None and sent.state == State.WAITING else None
    db.session.commit()
    if waiting is not None:
        deliver(delivery_id=waiting)


def _prepared(asked: CodeRequest) -> Delivery | None:
    """The message with the code; None for a number that nobody has, or that had too many codes from strangers.

    The code is made and hashed in every case, so that not even the load of the machine tells one from the other.
    """
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
    code_hash = passwords.hashed(code)
    person = _person_of(asked)
    if person is None:
        return None
    asked.person_id = person.id
    if asked.purpose == Purpose.SIGN_IN:
        asked.was_known = knows_device(person.id, asked.device_hash)
        if not asked.was_known and _strangers_asked_enough(asked):
            return None
    recipient = asked.recipient or ""
    values = {"code": code, "minutes": int(LASTS.total_seconds()) // 60}
    kind = KINDS[Purpose(asked.purpose)].name
    channel = MAIL if "@" in recipient else PHONE
    row = send(person, kind, values, channel, key=asked.public_id, recipient=recipient)
    if row.state == State.WAITING:
        asked.code_hash = code_hash
    return row


def _person_of(asked: CodeRequest) -> Person | None:
    """Whom a request is about, held until this transaction ends, so that the limits count one by one."""
    if asked.person_id is None:
        found = knowing.by_recipient(asked.recipient or "")
    else:
        found = db.session.get(Person, asked.person_id)
    if found is not None:
        db.session.execute(select(Person.id).where(Person.id == found.id).with_for_update())
    return found


def _strangers_asked_enough(asked: CodeRequest) -> bool:
    """Whether browsers that the person never used have had their share of codes to this recipient."""
    for span, most in FOR_STRANGERS:
        seen = db.session.scalar(
            select(func.count(CodeRequest.id)).where(
                CodeRequest.recipient_index == asked.recipient_index,
                CodeRequest.asked_at > clock.now() - span,
                CodeRequest.was_known.is_(False),
                or_(CodeRequest.code_hash.is_not(None), CodeRequest.used_at.is_not(None)),
                CodeRequest.id != asked.id,
            )
        )
        if (seen or 0) >= most:
            return True
    return False


def knows_device(person_id: int, device_hash: str) -> bool:
    """Whether the person has signed in from this browser before."""
    wanted = select(KnownDevice.id).where(
        KnownDevice.person_id == person_id, KnownDevice.token_hash == device_hash
    )
    return bool(device_hash) and db.session.execute(wanted).first() is not None


@every(10)
def prepare_waiting() -> None:
    """Find again what a lost ring left behind."""
    waiting = db.session.scalars(
        select(CodeRequest.id)
        .where(CodeRequest.prepared_at.is_(None), CodeRequest.expires_at > clock.now())
        .order_by(CodeRequest.id)
        .limit(50)
    ).all()
    db.session.rollback()
    for request_id in waiting:
        prepare(request_id=request_id)


@every(600)
def forget_old() -> None:
    """Requests are gone a day after they were made, with the numbers that strangers typed."""
    db.session.execute(delete(CodeRequest).where(CodeRequest.asked_at < clock.now() - KEPT_FOR))
    db.session.commit()
