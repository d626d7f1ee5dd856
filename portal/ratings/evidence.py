"""Files a school hands in as proof: what each shows, where else the same file was used, frozen with the submission.

Every file belongs to one indicator of one self-assessment. Before the submission the school may take it out again; from then on
neither the file nor what it is said to show changes, and another file of the same name is another file. A file is known by its
content: where the same one stands for a second indicator, year or school, the school says why and the reviewers read it.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, event, inspect, or_, select, text
from sqlalchemy.orm import Mapped, mapped_column

from portal import clock
from portal.access import Actor
from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId, db
from portal.files.intake import Taken
from portal.files.models import NAME_LENGTH, File
from portal.files.storing import files_of, keep, let_go
from portal.i18n import gettext as _
from portal.ratings.canonical import digest
from portal.ratings.models import Entry, EntryState, Round
from portal.row_security import all_rows
from portal.schools.models import Guardianship, Pupil, School
from portal.trail.models import note

MOST = 10
SLOT = "proof"
NUMBER = re.compile(r"1[3-9][0-9]{9}|[0-9]{17}[0-9Xx]")
OF_OBJECTION = "objection:"
"""Begins what stands in place of an indicator for a file that came with an objection; its tier follows."""
SHORTEST_NAME = 2
CLEARLY_A_NAME = 3
"""Names of two characters may be ordinary words; where nobody can say that they are, they are let through."""


class Evidence(PublicId, Base):
    """One file for one indicator: its hash, what it shows, and why it is used again where it was used before.

    ``frozen_at``: when a submission first rested on it; ``removed_at``: taken out after a return, kept for the older snapshot.
    """

    __tablename__ = "rating_evidence"
    __table_args__ = (
        CheckConstraint("length(shows) > 0", name="says_what_it_shows"),
        CheckConstraint("length(sha256) = 64", name="hash_complete"),
        Index(
            "uq_rating_evidence_once",
            "entry_id",
            "item_id",
            "sha256",
            unique=True,
            sqlite_where=text("removed_at IS NULL"),
            postgresql_where=text("removed_at IS NULL"),
        ),
        Index("ix_rating_evidence_sha256", "sha256"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("rating_entry.id"))
    item_id: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH), info={"class": "F2"})
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    file_public_id: Mapped[str] = mapped_column(String(22), default="")
    shows: Mapped[str] = mapped_column(Text, info={"class": "F1"})
    again: Mapped[str] = mapped_column(Text, default="", server_default="", info={"class": "F1"})
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    added_at: Mapped[datetime]
    frozen_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]


@event.listens_for(Evidence, "before_update")
def _keep_frozen(_mapper: Any, _connection: Any, row: Evidence) -> None:
    state = inspect(row).attrs
    was = state.frozen_at.history.deleted
    frozen = (was[0] if was else row.frozen_at) is not None
    if frozen and any(
        state[name].history.deleted for name in ("shows", "again", "sha256", "name", "item_id")
    ):
        raise RuleBroken(_("The evidence of a submission is frozen and cannot be changed."))


def standing(entry: Entry, item_id: str | None = None) -> list[Evidence]:
    """The files a self-assessment rests on now, by indicator and age; of one indicator where it is named."""
    wanted = select(Evidence).where(
        Evidence.entry_id == entry.id,
        Evidence.removed_at.is_(None),
        Evidence.item_id.not_like(f"{OF_OBJECTION}%"),
    )
    if item_id is not None:
        wanted = wanted.where(Evidence.item_id == item_id)
    return list(db.session.scalars(wanted.order_by(Evidence.item_id, Evidence.id)))


def items_with_files(entry: Entry) -> set[str]:
    """Ids of the indicators that have a file."""
    wanted = select(Evidence.item_id).where(Evidence.entry_id == entry.id, Evidence.removed_at.is_(None))
    return set(db.session.scalars(wanted))


def _must_be_open(entry: Entry) -> None:
    if entry.state != EntryState.SELF_ASSESSING:
        raise RuleBroken(_("The self-assessment is submitted. Nobody can change it now."))


def too_many(there: int) -> str:
    """What to say about more files than a reviewer can look through."""
    return _(
        "An indicator has at most %(most)s files; there are %(there)s. Take one out or put pages together.",
        most=MOST,
        there=there,
    )


def add(entry: Entry, item_id: str, taken: Sequence[Taken], shows: str, actor: Actor) -> list[Evidence]:
    """Keep files for an indicator, in the current transaction; a file that is there already is refused (422)."""
    db.session.execute(select(Entry.id).where(Entry.id == entry.id).with_for_update())
    db.session.refresh(entry, ["state"])
    _must_be_open(entry)
    there = {one.sha256 for one in standing(entry, item_id)}
    if len(there) + len(taken) > MOST:
        raise RuleBroken(too_many(len(there)), 422)
    made = []
    for one in taken:
        if one.sha256 in there:
            raise RuleBroken(_("%(name)s is among the files of this indicator already.", name=one.name), 422)
        there.add(one.sha256)
        row = Evidence(
            entry_id=entry.id, item_id=item_id, name=one.name, size=one.size, sha256=one.sha256,
            shows=shows, added_by_id=actor.person_id, added_at=clock.now(),
        )  # fmt: skip
        db.session.add(row)
        db.session.flush()
        row.file_public_id = keep(one, row, actor, slot=SLOT, holds="F2").public_id
        note("rating.evidence_added", entry, person_id=actor.person_id, item=item_id, sha256=one.sha256)
        made.append(row)
    return made


def attach(entry: Entry, tier: int, taken: Sequence[Taken], shows: str, actor: Actor) -> None:
    """Keep files that a school sends with an objection or an appeal; frozen at once, in the current transaction."""
    for one in {one.sha256: one for one in reversed(taken)}.values():
        row = Evidence(
            entry_id=entry.id, item_id=f"{OF_OBJECTION}{tier}", name=one.name, size=one.size, sha256=one.sha256,
            shows=shows, added_by_id=actor.person_id, added_at=clock.now(),
        )  # fmt: skip
        db.session.add(row)
        db.session.flush()
        row.file_public_id = keep(one, row, actor, slot=SLOT, holds="F2").public_id
        row.frozen_at = clock.now()
        note("rating.evidence_added", entry, person_id=actor.person_id, item=row.item_id, sha256=one.sha256)
    db.session.flush()


def of_objections(entry: Entry) -> dict[int, list[Evidence]]:
    """Tier → the files the school sent with it. One query."""
    found: dict[int, list[Evidence]] = {}
    wanted = select(Evidence).where(Evidence.entry_id == entry.id, Evidence.item_id.like(f"{OF_OBJECTION}%"))
    for row in db.session.scalars(wanted.order_by(Evidence.id)):
        found.setdefault(int(row.item_id.removeprefix(OF_OBJECTION)), []).append(row)
    return found


def _own(entry: Entry, item_id: str, public_id: str) -> Evidence:
    found = next((one for one in standing(entry, item_id) if one.public_id == public_id), None)
    if found is None:
        raise RuleBroken(_("This file is not there any more."))
    return found


def remove(entry: Entry, item_id: str, public_id: str, actor: Actor) -> None:
    """Take a file out before the submission; one that an older submission rests on stays behind it."""
    _must_be_open(entry)
    row = _own(entry, item_id, public_id)
    note("rating.evidence_removed", entry, person_id=actor.person_id, item=item_id, sha256=row.sha256)
    if row.frozen_at is not None:
        row.removed_at = clock.now()
        return
    let_go(files_of(row, SLOT), actor)
    db.session.delete(row)


def explain(entry: Entry, item_id: str, public_id: str, why: str, actor: Actor) -> None:
    """Why the same file stands for something else as well."""
    _must_be_open(entry)
    row = _own(entry, item_id, public_id)
    if row.frozen_at is not None:
        raise RuleBroken(_("The evidence of a submission is frozen and cannot be changed."))
    row.again = why
    note("rating.evidence_explained", entry, person_id=actor.person_id, item=item_id, text=digest(why))


@dataclass(frozen=True)
class Use:
    """Where else the same file stands: the school's own other indicator or year, or another school."""

    round_name: str
    school_name: str
    item_id: str
    own_school: bool
    own_entry: bool

    def words(self, named: bool) -> str:
        """As people read it; other schools are named to reviewers only."""
        if self.own_entry:
            return _("indicator %(item)s of this self-assessment", item=self.item_id)
        if not self.own_school and not named:
            return _("the self-assessment of another school")
        return _(
            "%(school)s, %(round)s, indicator %(item)s",
            school=self.school_name,
            round=self.round_name,
            item=self.item_id,
        )


def uses(entry: Entry, rows: Collection[Evidence]) -> dict[int, list[Use]]:
    """Evidence id → where else the same content was handed in. One query.

    Of other self-assessments only what was submitted counts.
    """
    if not rows:
        return {}
    with all_rows():
        found = db.session.execute(
            select(Evidence, Round.name, School.name, Entry.school_id)
            .join(Entry, Entry.id == Evidence.entry_id)
            .join(Round, Round.id == Entry.round_id)
            .join(School, School.id == Entry.school_id)
            .where(
                Evidence.sha256.in_({row.sha256 for row in rows}),
                Evidence.removed_at.is_(None),
                or_(Evidence.entry_id == entry.id, Evidence.frozen_at.is_not(None)),
            )
            .order_by(Evidence.id)
        ).all()
    told: dict[int, list[Use]] = {}
    for row in rows:
        for other, round_name, school_name, school_id in found:
            if other.id != row.id and other.sha256 == row.sha256:
                use = Use(
                    round_name, school_name, other.item_id, school_id == entry.school_id,
                    other.entry_id == entry.id,
                )  # fmt: skip
                told.setdefault(row.id, []).append(use)
    return told


def unexplained(entry: Entry) -> list[str]:
    """Files used elsewhere as well for which nobody has said why, as indicator and name."""
    rows = [row for row in standing(entry) if not row.again.strip()]
    told = uses(entry, rows)
    return [f"{row.item_id} {row.name}" for row in rows if row.id in told]


def used_again(entry: Entry, named: bool) -> list[tuple[str, str, str]]:
    """(indicator and file, where else, the school's reason) for reviewers and the district."""
    rows = standing(entry)
    told = uses(entry, rows)
    return [
        (f"{row.item_id} {row.name}", "；".join(use.words(named) for use in told[row.id]), row.again)
        for row in rows
        if row.id in told
    ]


def manifest(entry: Entry) -> dict[str, list[dict[str, Any]]]:
    """Item → its files as a snapshot keeps them; freezes them, in the current transaction."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in standing(entry):
        row.frozen_at = row.frozen_at or clock.now()
        found.setdefault(row.item_id, []).append(
            {
                "evidence": row.public_id,
                "file": row.file_public_id,
                "name": row.name,
                "size": row.size,
                "sha256": row.sha256,
                "shows": row.shows,
                "again": row.again,
            }
        )
    return found


def still_kept(file_public_ids: Collection[str]) -> set[str]:
    """Of the files of a snapshot those that are still there; their time ends three years after the decision."""
    if not file_public_ids:
        return set()
    return set(db.session.scalars(select(File.public_id).where(File.public_id.in_(file_public_ids))))


def tampered(content: dict[str, Any]) -> list[str]:
    """Names of files of a snapshot whose row no longer says what was frozen."""
    files = [one for listed in content.get("files", {}).values() for one in listed]
    rows = (
        {
            row.public_id: row
            for row in db.session.scalars(
                select(Evidence).where(Evidence.public_id.in_([one["evidence"] for one in files]))
            )
        }
        if files
        else {}
    )
    kept = (
        {
            file.public_id: file.sha256
            for file in db.session.scalars(
                select(File).where(File.public_id.in_([one["file"] for one in files]))
            )
        }
        if files
        else {}
    )
    return [one["name"] for one in files if _differs(one, rows.get(one["evidence"]), kept.get(one["file"]))]


def _differs(one: dict[str, Any], row: Evidence | None, kept: str | None) -> bool:
    if row is None or (row.sha256, row.shows, row.again) != (one["sha256"], one["shows"], one["again"]):
        return True
    return kept is not None and kept != one["sha256"]


def named_in(school_id: int, written: str, shortest: int = CLEARLY_A_NAME) -> str | None:
    """What to say about a text that names children of the school, their guardians or numbers like theirs; None when it is fit
    for reviewers. Two queries; nothing of it is kept."""
    if not written.strip():
        return None
    with all_rows():
        names = set(db.session.scalars(select(Pupil.name).where(Pupil.school_id == school_id)))
        names |= set(
            db.session.scalars(
                select(Person.name)
                .join(Guardianship, Guardianship.person_id == Person.id)
                .join(Pupil, Pupil.id == Guardianship.pupil_id)
                .where(Pupil.school_id == school_id)
            )
        )
    found = sorted(name for name in names if len(name) >= shortest and name in written)
    found += NUMBER.findall(written)
    if not found:
        return None
    return _(
        "This seems to name children or families: %(names)s. Write “a child of class 3(2)” instead.",
        names="、".join(found[:5]),
    )
