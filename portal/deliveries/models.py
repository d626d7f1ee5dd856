"""The outbox."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.extensions import Base, PublicId
from portal.i18n import lazy_gettext as _l
from portal.keys.sealing import Sealed, SealedData


class State(StrEnum):
    """``unknown``: the portal stopped between a provider's answer and its own note, and the provider cannot be asked."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


STATE_NAMES = {
    State.WAITING: _l("waiting"),
    State.SENDING: _l("being sent"),
    State.SENT: _l("sent"),
    State.FAILED: _l("not sent"),
    State.UNKNOWN: _l("not known whether it arrived"),
}
STATES = ", ".join(f"'{state.value}'" for state in State)

DRY, MAIL, PHONE = "dry", "email", "sms"
CHANNEL_NAMES = {DRY: _l("kept here, not sent"), MAIL: _l("e-mail"), PHONE: _l("text message")}
CHANNELS = ", ".join(f"'{name}'" for name in CHANNEL_NAMES)


class Delivery(PublicId, Base):
    """One message to one person, written in the transaction that caused it. ``public_id`` is its key at the provider."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("kind", "person_id", "key"),
        CheckConstraint(f"state IN ({STATES})", name="state_known"),
        CheckConstraint(f"channel IN ({CHANNELS})", name="channel_known"),
        CheckConstraint("attempts >= 0", name="attempts_counted"),
        Index("ix_delivery_due", "state", "not_before"),
        Index("ix_delivery_recipient", "recipient_index", "created_at"),
        Index("ix_delivery_person", "person_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    kind: Mapped[str] = mapped_column(String(60))
    key: Mapped[str] = mapped_column(String(80))
    channel: Mapped[str] = mapped_column(String(10))
    language: Mapped[str] = mapped_column(String(10))
    recipient_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F3"})
    recipient_index: Mapped[bytes | None] = mapped_column(LargeBinary(15), info={"class": "F3"})
    values_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F3"})
    state: Mapped[str] = mapped_column(String(10), default=State.WAITING)
    problem: Mapped[str] = mapped_column(String(40), default="")
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(index=True)
    not_before: Mapped[datetime]
    not_after: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    provider_id: Mapped[str] = mapped_column(String(100), default="")

    recipient = Sealed("personal")
    values = SealedData("personal")


def masked(address: str) -> str:
    """Enough to recognise an address one knows: 138****5678, l***@example.com."""
    if "@" in address:
        name, _at, host = address.partition("@")
        return f"{name[:1]}***@{host}"
    local = address.removeprefix("+86")
    return f"{local[:3]}****{local[-4:]}" if len(local) >= 8 else "****"
