"""Second signatures: what one person decides on paper, another one carries out.

Criteria, decision, publication, the answer to an objection or appeal, and whatever takes a result away need two people. The
first signs what is to be done, with all that was typed; the move is made by the second. What was signed has a fingerprint of
all it rests on: where anything of that changed in between, the signature no longer counts and has to be given again.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, or_, select, text
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from portal import clock
from portal.access import Actor
from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import Base, db
from portal.i18n import gettext as _
from portal.ratings.canonical import canonical, restored
from portal.trail.models import note


class Signature(Base):
    """One person's signature under an act on a row, and the second person's. ``kind`` and ``row_id`` name the row by table
    and id, ``address`` is its public id and ``about`` its name, for lists; ``given`` is what was typed, as canonical JSON; ``basis`` the fingerprint of what the act rests on."""

    __tablename__ = "rating_signature"
    __table_args__ = (
        CheckConstraint("second_id IS NULL OR second_id <> first_id", name="two_people"),
        CheckConstraint("second_id IS NULL OR ended_at IS NOT NULL", name="second_ends_it"),
        CheckConstraint("length(basis) = 64", name="hash_complete"),
        Index(
            "uq_rating_signature_waiting",
            "kind",
            "row_id",
            "verb",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_rating_signature_district", "district_id", "ended_at"),
        Index("ix_rating_signature_first", "first_id"),
        Index("ix_rating_signature_second", "second_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    row_id: Mapped[int]
    verb: Mapped[str] = mapped_column(String(20))
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"))
    address: Mapped[str] = mapped_column(String(22))
    about: Mapped[str] = mapped_column(String(200))
    given: Mapped[str] = mapped_column(Text)
    basis: Mapped[str] = mapped_column(String(64))
    first_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    signed_at: Mapped[datetime]
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    ended_at: Mapped[datetime | None]

    first: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[first_id])
    second: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[second_id])

    @property
    def values(self) -> dict[str, Any]:
        """What was typed when it was signed."""
        return restored(self.given)


class Row(Protocol):
    """Any row of a table with an integer key."""

    __tablename__: str
    id: Any
    public_id: Any


def waiting(row: Row, verbs: Collection[str]) -> Signature | None:
    """The signature on a row that waits for its second person, under any of these acts. One query."""
    return db.session.scalar(
        select(Signature)
        .where(
            Signature.kind == row.__tablename__,
            Signature.row_id == row.id,
            Signature.verb.in_(verbs),
            Signature.ended_at.is_(None),
        )
        .options(joinedload(Signature.first))
    )


def sign(
    row: Row, verb: str, given: Mapping[str, Any], basis: str, actor: Actor, district_id: int, about: str
) -> Signature:
    """Sign an act as the first person, in the current transaction; ``about``: the school, round or rubric by its name.

    RuleBroken while a signature waits already.
    """
    if waiting(row, (verb,)):
        raise RuleBroken(_("This is signed already. A second person signs it now."))
    made = Signature(
        kind=row.__tablename__,
        row_id=row.id,
        verb=verb,
        district_id=district_id,
        address=row.public_id,
        about=about[:200],
        given=canonical(given),
        basis=basis,
        first_id=actor.person_id,
        signed_at=clock.now(),
    )
    db.session.add(made)
    db.session.flush()
    note("rating.signed", row, person_id=actor.person_id, role=actor.role, act=verb, basis=basis)  # type: ignore[arg-type]
    return made


def expected(row: Row, verbs: Collection[str], actor: Actor) -> Signature:
    """The waiting signature that this person may countersign. RuleBroken when there is none, or it is their own."""
    found = waiting(row, verbs)
    if found is None:
        raise RuleBroken(_("Nothing waits for a second signature here."))
    if found.first_id == actor.person_id:
        raise RuleBroken(_("Somebody else must give the second signature."))
    return found


def countersign(row: Row, found: Signature, basis: str, actor: Actor) -> None:
    """Give the second signature, in the current transaction. RuleBroken when what was signed rests on something else now."""
    if found.basis != basis:
        raise RuleBroken(
            _("Something changed after this was signed. Take the signature back and sign again.")
        )
    found.second_id, found.ended_at = actor.person_id, clock.now()
    db.session.flush()
    note("rating.countersigned", row, person_id=actor.person_id, role=actor.role, act=found.verb, basis=basis)  # type: ignore[arg-type]


def take_back(row: Row, verbs: Collection[str], actor: Actor) -> None:
    """End a waiting signature without the act, in the current transaction; the record of it stays."""
    found = waiting(row, verbs)
    if found is None:
        raise RuleBroken(_("Nothing waits for a second signature here."))
    found.ended_at = clock.now()
    db.session.flush()
    note("rating.signature_ended", row, person_id=actor.person_id, role=actor.role, act=found.verb)  # type: ignore[arg-type]


def both(row: Row, verbs: Collection[str]) -> Signature | None:
    """The newest signature on a row that both people gave; with their names."""
    return db.session.scalar(
        select(Signature)
        .where(
            Signature.kind == row.__tablename__,
            Signature.row_id == row.id,
            Signature.verb.in_(verbs),
            Signature.second_id.is_not(None),
        )
        .options(joinedload(Signature.first), joinedload(Signature.second))
        .order_by(Signature.id.desc())
        .limit(1)
    )


def rows_signed_by(person_id: int, kind: str) -> Any:
    """The ids of the rows of a table under which a person ever put a signature, as a query."""
    return select(Signature.row_id).where(
        Signature.kind == kind, or_(Signature.first_id == person_id, Signature.second_id == person_id)
    )
