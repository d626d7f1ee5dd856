"""To which rows files belong, and whose permission decides about reading them.

A feature says it once: ``owned(Owner("notice", Notice, (NOTICE_READ, NOTICE_REPORT)))``. Who reaches the row through any
of these permissions reaches its files; nobody else learns that there is a file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, false, or_, select

from portal import row_security
from portal.access import Actor, Permission, Role
from portal.extensions import Base, db
from portal.files.models import File


@dataclass(frozen=True)
class Owner:
    """A kind of row that has files. ``narrows``, if given, keeps an actor to some of the files of a row within reach.

    ``pupil_of`` gives the id of the child a row tells of, for the record of who read it; ``of_pupil`` and ``of_person`` the
    conditions that find the rows of a child and of an adult, for their erasure. Files of a row that ``needs_proof`` open
    only with a fresh proof.
    """

    kind: str
    model: type[Base]
    readers: tuple[Permission[Any], ...]
    narrows: Callable[[Actor], ColumnElement[bool]] | None = None
    pupil_of: Callable[[Any], int | None] | None = None
    needs_proof: bool = False
    of_pupil: Callable[[int], ColumnElement[bool]] | None = None
    of_person: Callable[[int], ColumnElement[bool]] | None = None

    def __post_init__(self) -> None:
        if (self.pupil_of is None) != (self.of_pupil is None):
            raise ValueError(f"{self.kind}: files that tell of a child are found from the child as well")

    def admits(self, role: Role) -> bool:
        """Whether the role reads rows of this kind at all."""
        return any(reader.admits(role) for reader in self.readers)


OWNERS: dict[str, Owner] = {}


def owned(owner: Owner) -> Owner:
    """Register a kind of row that has files, and let its readers knock. ValueError when the name is taken."""
    if owner.kind in OWNERS:
        raise ValueError(f"{owner.kind} has files already")
    OWNERS[owner.kind] = owner
    for reader in owner.readers:
        FILE_READ.grants.update(dict.fromkeys(reader.grants, of_rows_within_reach))
    return owner


def owner_of(row: Base) -> Owner:
    """How rows like this one keep their files. LookupError when nobody said so."""
    for owner in OWNERS.values():
        if isinstance(row, owner.model):
            return owner
    raise LookupError(f"{type(row).__name__} has no files")


def pupil_of(file: File) -> int | None:
    """The child that the owner row of a file tells of, if it tells of one."""
    owner = OWNERS[file.owner_kind]
    return owner.pupil_of(db.session.get(owner.model, file.owner_id)) if owner.pupil_of else None


def of_rows_within_reach(actor: Actor) -> ColumnElement[bool]:
    """Files of the rows that the actor may read."""
    return or_(false(), *(_files_of(owner, actor) for owner in OWNERS.values() if owner.admits(actor.role)))


def _files_of(owner: Owner, actor: Actor) -> ColumnElement[bool]:
    key = owner.model.__mapper__.primary_key[0]
    reached = or_(false(), *(reader.within(actor) for reader in owner.readers if reader.admits(actor.role)))
    conditions = [File.owner_kind == owner.kind, File.owner_id.in_(select(key).where(reached))]
    if owner.narrows is not None:
        conditions.append(owner.narrows(actor))
    return and_(*conditions)


FILE_READ = Permission("file.read", File, "F4", {})
"""Whoever reads a kind of row that has files may knock; ``owned`` lets them in."""


def let_ownerless_go() -> int:
    """Delete files whose row was erased, in the current transaction; how many. With the row goes the key of the object."""
    gone = 0
    with row_security.all_rows():
        for owner in OWNERS.values():
            key = owner.model.__mapper__.primary_key[0]
            done = db.session.execute(
                delete(File).where(File.owner_kind == owner.kind, File.owner_id.not_in(select(key)))
            )
            gone += int(done.rowcount)  # type: ignore[attr-defined]
    return gone
