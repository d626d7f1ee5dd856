"""A subject of a provider stays the person it named first (ASVS 10.5.2): a phone or account number that the provider gives to
somebody else later opens nothing.

What was tied wrongly is untied by the school, with the recovery of the account by two people, or for everybody by the
district, when it sets another issuer, client or claim.
"""

from hashlib import sha256
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.exc import IntegrityError

from portal import clock
from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.signon.models import SignOnProvider, SignOnTie
from portal.trail.models import note

NAMES = ("issuer", "client_id", "roster_claim", "phone_claim", "account_claim")
"""What a provider's answer names people by."""


def _hash(provider: SignOnProvider, claims: dict[str, Any]) -> str:
    return sha256(f"{provider.issuer}\0{claims['sub']}".encode("utf-8", "surrogatepass")).hexdigest()


def hold_to(provider: SignOnProvider, claims: dict[str, Any], person: Person) -> None:
    """Tie subject and person the first time, in the current transaction. RuleBroken (403) when either is tied otherwise."""
    subject = _hash(provider, claims)
    wanted = select(SignOnTie).where(
        SignOnTie.district_id == provider.district_id,
        or_(SignOnTie.subject_hash == subject, SignOnTie.person_id == person.id),
    )
    if not db.session.scalars(wanted).all():
        made = SignOnTie(
            district_id=provider.district_id,
            subject_hash=subject,
            person_id=person.id,
            first_at=clock.now(),
        )
        try:
            with db.session.begin_nested():
                db.session.add(made)
            note("account.sign_on_tied", made, person_id=person.id, subject_id=person.id)
        except IntegrityError:
            pass  # Another browser of the same person was quicker; what it tied is looked at below.
    tied = [(one.subject_hash, one.person_id) for one in db.session.scalars(wanted)]
    if tied != [(subject, person.id)]:
        raise RuleBroken(
            _(
                "The district's sign-on named somebody else by this account before, so nobody is signed in. Ask your school to recover your account."
            ),
            403,
        )


def untie(person_id: int) -> None:
    """Forget which subject somebody was, in the current transaction; the next answer ties anew."""
    db.session.execute(delete(SignOnTie).where(SignOnTie.person_id == person_id))


def untie_all(before: SignOnProvider, now: SignOnProvider) -> None:
    """Forget all of a district when its answers name people by something else from now on."""
    if any(getattr(before, name) != getattr(now, name) for name in NAMES):
        db.session.execute(delete(SignOnTie).where(SignOnTie.district_id == now.district_id))
