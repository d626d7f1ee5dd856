"""Passkeys (WebAuthn): a key in the phone, computer or stick that only its holder's finger, face or PIN unlocks.

The challenge in a page is signed, bound to the browser's session, to the purpose and to the person, and good once: nothing
has to be written to show a page. Specification: W3C WebAuthn Level 3, 7.1 and 7.2.
"""

import hashlib
import hmac
import ipaddress
import json
import secrets
from typing import Any

import webauthn
from flask import current_app, request, session
from flask_wtf.csrf import generate_csrf
from sqlalchemy import func, select
from webauthn.helpers import options_to_json
from webauthn.helpers.base64url_to_bytes import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from portal import clock
from portal.accounts import limits
from portal.accounts.models import Passkey, Person
from portal.extensions import db
from portal.i18n import gettext as _

GOOD_FOR = 15 * 60
"""Seconds for which the challenge in an open page holds."""
MOST = 10
LONGEST_ANSWER = 20_000
ALONE, SECOND, REGISTER = "alone", "second", "register"


def domain() -> str:
    """The name passkeys are bound to: the setting, else the host of this request; empty for a bare address."""
    host = current_app.config["PASSKEY_DOMAIN"] or request.host.rpartition(":")[0] or request.host
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return str(host)
    return ""


def of(person_id: int) -> list[Passkey]:
    """The person's passkeys, oldest first."""
    return list(
        db.session.scalars(select(Passkey).where(Passkey.person_id == person_id).order_by(Passkey.id))
    )


def count(person_id: int) -> int:
    """How many passkeys the person has."""
    return db.session.scalar(select(func.count(Passkey.id)).where(Passkey.person_id == person_id)) or 0


def _signature(purpose: str, person_id: int, salt: bytes) -> bytes:
    generate_csrf()
    text = f"passkey {purpose} {person_id} {session['csrf_token']}".encode()
    return hmac.digest(str(current_app.config["SECRET_KEY"]).encode(), text + salt, "sha256")


def challenge(purpose: str, person_id: int = 0) -> bytes:
    """A fresh challenge for this browser, purpose and person: 16 random bytes, the second, a signature."""
    salt = secrets.token_bytes(16) + int(clock.now().timestamp()).to_bytes(8, "big")
    return salt + _signature(purpose, person_id, salt)


def _spend(sent: bytes, purpose: str, person_id: int) -> bool:
    """Whether a challenge is one of ours for this, not too old and not used before; it is used up by asking."""
    salt, signature = sent[:24], sent[24:]
    if len(sent) != 56 or not hmac.compare_digest(signature, _signature(purpose, person_id, salt)):
        return False
    age = clock.now().timestamp() - int.from_bytes(salt[16:], "big")
    if not 0 <= age <= GOOD_FOR:
        return False
    return limits.count("challenge", hashlib.sha256(sent).hexdigest()) == 1


def registration(person: Person) -> str:
    """What the browser is asked for a new passkey (JSON)."""
    options = webauthn.generate_registration_options(
        rp_id=domain() or "localhost",
        rp_name=_("Gongyu"),
        user_id=person.public_id.encode(),
        user_name=person.account_name or person.name,
        user_display_name=person.name,
        challenge=challenge(REGISTER, person.id),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one.credential_id) for one in of(person.id)],
    )
    return options_to_json(options)


def request_for(purpose: str, person_id: int = 0) -> str:
    """What the browser is asked for a proof (JSON): alone with finger, face or PIN; second with any key of the person."""
    allowed = of(person_id) if person_id else []
    options = webauthn.generate_authentication_options(
        rp_id=domain() or "localhost",
        challenge=challenge(purpose, person_id),
        allow_credentials=[PublicKeyCredentialDescriptor(id=one.credential_id) for one in allowed],
        user_verification=UserVerificationRequirement.REQUIRED
        if purpose == ALONE
        else UserVerificationRequirement.PREFERRED,
    )
    return options_to_json(options)


def _parsed(answer: str) -> tuple[dict[str, Any], bytes] | None:
    """The browser's answer and the challenge it names; None when it is not of that shape."""
    if not answer or len(answer) > LONGEST_ANSWER:
        return None
    try:
        read = json.loads(answer)
        client = json.loads(base64url_to_bytes(read["response"]["clientDataJSON"]))
        return read, base64url_to_bytes(client["challenge"])
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError):
        return None


def _origin() -> str:
    return f"{request.scheme}://{request.host}"


def add(person: Person, answer: str, name: str) -> Passkey | None:
    """Keep the new passkey that a browser made, in the current transaction; None when the answer does not hold."""
    parsed = _parsed(answer)
    if parsed is None or not _spend(parsed[1], REGISTER, person.id):
        return None
    try:
        verified = webauthn.verify_registration_response(
            credential=parsed[0],
            expected_challenge=parsed[1],
            expected_rp_id=domain(),
            expected_origin=_origin(),
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        return None
    known = db.session.scalar(select(Passkey.id).where(Passkey.credential_id == verified.credential_id))
    if known is not None or count(person.id) >= MOST:
        return None
    row = Passkey(
        person_id=person.id,
        name=name,
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        created_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    return row


def used(purpose: str, answer: str, person_id: int = 0) -> Passkey | None:
    """The passkey whose proof this is, in the current transaction; None when the proof does not hold.

    Alone it must have been unlocked by finger, face or PIN. A counter that went back means a copied key and is refused.
    """
    parsed = _parsed(answer)
    if parsed is None or not _spend(parsed[1], purpose, person_id):
        return None
    row = _named(parsed[0], person_id)
    if row is None:
        return None
    try:
        verified = webauthn.verify_authentication_response(
            credential=parsed[0],
            expected_challenge=parsed[1],
            expected_rp_id=domain(),
            expected_origin=_origin(),
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
            require_user_verification=purpose == ALONE,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        return None
    row.sign_count, row.last_used_at = verified.new_sign_count, clock.now()
    return row


def _named(read: dict[str, Any], person_id: int) -> Passkey | None:
    try:
        wanted = select(Passkey).where(Passkey.credential_id == base64url_to_bytes(read["rawId"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    row = db.session.scalar(wanted.with_for_update())
    return row if row is not None and person_id in (0, row.person_id) else None
