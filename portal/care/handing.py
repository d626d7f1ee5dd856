"""Handing a referral over by a message: to an address the school states, with a number of its own for each copy.

The number (12 characters of Crockford's base 32, 60 random bits) goes out by message and is kept as its keyed index only.
It finds the referral and opens nothing: the six-digit code, which the school tells by voice, does. So it may stand in a
text message, which never holds a link, and in an e-mail as a link.
"""

from datetime import datetime

from sqlalchemy import func, select

from portal.care.models import Referral, ReferralCopy
from portal.care.referring import WHOLE
from portal.deliveries.kinds import Kind, fit
from portal.deliveries.sending import send, way_to, withdraw
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.joining import codes
from portal.keys.sealing import blind_index

MOST = 5
"""Copies of one referral; whoever needs more has the wrong address, and asks first."""
HANDED = Kind(
    "care.handed",
    subject=_l("%(school)s has something for you to read"),
    text=_l(
        "%(school)s has something for you to read. Open the portal, choose “Open a referral” at sign-in and enter the number %(number)s. The school tells you the code by telephone. If you do not expect this, leave it."
    ),
    takes=("school", "number"),
    secret=("number",),
    path="/care/shared?number=%(number)s",
)


def _index(number: str) -> bytes:
    return blind_index("care.copy", number)


def hand_over(referral: Referral, address: str, sender_id: int, now: datetime) -> ReferralCopy:
    """Send a copy to an e-mail address or a number (E.164), in the current transaction.

    ``referral`` comes with its school. RuleBroken after five copies.
    """
    sent = select(func.count()).where(ReferralCopy.referral_id == referral.id)
    if (db.session.scalar(sent) or 0) >= MOST:
        raise RuleBroken(
            _("This referral was sent five times. Ask the partner by telephone what became of it.")
        )
    number = "".join(codes.new_code() for _half in range(2))[:12]
    school = referral.school.name if fit(referral.school.name) else _("A school")
    delivery = send(None, HANDED.name, {"school": school, "number": codes.shown(number)}, recipient=address)
    copy = ReferralCopy(
        referral_id=referral.id,
        sender_id=sender_id,
        delivery_id=delivery.id,
        way=way_to(address),
        number_index=_index(number),
        sent_at=now,
    )
    db.session.add(copy)
    return copy


def behind_number(typed: str | None, *, changing: bool = False) -> tuple[Referral, int] | None:
    """The referral that a number in a message names, and the copy; None for a number that was never sent."""
    found = (
        select(Referral, ReferralCopy.id)
        .join(ReferralCopy, ReferralCopy.referral_id == Referral.id)
        .where(ReferralCopy.number_index == _index(codes.plain(typed)))
        .options(*WHOLE)
    )
    if changing:
        found = found.with_for_update(of=Referral)
    row = db.session.execute(found).one_or_none()
    return (row[0], row[1]) if row else None


def stop(referral: Referral) -> None:
    """Messages of a referral that still wait go out no more, in the current transaction."""
    withdraw(select(ReferralCopy.delivery_id).where(ReferralCopy.referral_id == referral.id))
