"""What a district has set about its provider (a row is never changed: a new one follows it), and whom it has named."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.extensions import Base, PublicId
from portal.keys.sealing import Sealed
from portal.schools.models import District


class SignOnProvider(PublicId, Base):
    """A district's provider from one moment on; ``ended_at`` is empty while it is in use.

    The claims name a person by the number of the roster, by a confirmed phone number or by the account name; a claim
    that is empty is not looked at. ``trusts_second``: an answer whose ``acr`` or ``amr`` is among ``second_words``
    counts as both factors.
    """

    __tablename__ = "sign_on_provider"
    __table_args__ = (
        CheckConstraint("length(issuer) > 0 AND length(client_id) > 0", name="is_whole"),
        CheckConstraint(
            "length(roster_claim) + length(phone_claim) + length(account_claim) > 0", name="names_somebody"
        ),
        Index(
            "uq_sign_on_provider_open",
            "district_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"))
    name: Mapped[str] = mapped_column(String(60))
    issuer: Mapped[str] = mapped_column(String(300))
    client_id: Mapped[str] = mapped_column(String(200))
    client_secret_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F6"})
    roster_claim: Mapped[str] = mapped_column(String(60), default="")
    phone_claim: Mapped[str] = mapped_column(String(60), default="")
    account_claim: Mapped[str] = mapped_column(String(60), default="")
    roles: Mapped[list[str]] = mapped_column(JSON)
    trusts_second: Mapped[bool] = mapped_column(default=False)
    second_words: Mapped[list[str]] = mapped_column(JSON)
    document: Mapped[str] = mapped_column(String(200), default="")
    set_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    set_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    client_secret = Sealed("secret")
    district: Mapped[District] = relationship(lazy="raise_on_sql")


class SignOnTie(Base):
    """A subject of a provider and the person it named the first time: from then on only these two belong together.

    ``subject_hash`` is SHA-256 over issuer and subject, which alone the provider never gives to somebody else (OpenID
    Connect Core 1.0, section 2); numbers of phones and rosters it may.
    """

    __tablename__ = "sign_on_tie"
    __table_args__ = (
        UniqueConstraint("district_id", "subject_hash"),
        UniqueConstraint("district_id", "person_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"))
    subject_hash: Mapped[str] = mapped_column(String(64))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    first_at: Mapped[datetime]
