"""What somebody else says against a published result in the days of public notice: a parent, a teacher, any citizen by name.

The author is known to the office that examines it, and never to the school: the school learns only what the examiner writes
for it, without name and words of the author. Examined by somebody of the district who took no part before and has no tie; what is
founded becomes a proposed measure, in which the school is heard.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, select, text, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import clock
from portal.access import Actor
from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId, db
from portal.files.intake import Taken
from portal.files.models import File
from portal.files.storing import files_of, keep, let_go
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.i18n import long_date
from portal.keys.sealing import Sealed, SealedText
from portal.ratings.canonical import digest
from portal.ratings.models import Entry, RoundState
from portal.ratings.terms import terms_on
from portal.row_security import all_rows
from portal.trail.models import note

MOST_FILES = 5
SLOT = "proof"


class ConcernState(StrEnum):
    """Where it stands."""

    OPEN = "open"
    FOUNDED = "founded"
    UNFOUNDED = "unfounded"
    WITHDRAWN = "withdrawn"


CONCERN_STATE_NAMES = {
    ConcernState.OPEN: _l("Being examined"),
    ConcernState.FOUNDED: _l("Founded"),
    ConcernState.UNFOUNDED: _l("Not founded"),
    ConcernState.WITHDRAWN: _l("Withdrawn"),
}


class Concern(PublicId, Base):
    """One objection of somebody else: sealed words, what came of it, and what the school is told (``gist``)."""

    __tablename__ = "rating_concern"
    __table_args__ = (
        CheckConstraint(
            f"state IN ({', '.join(repr(str(state)) for state in ConcernState)})", name="state_known"
        ),
        CheckConstraint(
            "state NOT IN ('founded', 'unfounded') OR (heard_by_id IS NOT NULL AND length(gist) > 0)",
            name="answer_has_reason",
        ),
        CheckConstraint(
            "heard_by_id IS NULL OR author_id IS NULL OR heard_by_id <> author_id", name="other_person"
        ),
        Index(
            "uq_rating_concern_open",
            "entry_id",
            "author_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("rating_entry.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    state: Mapped[str] = mapped_column(String(10), default=ConcernState.OPEN)
    words_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F4"})
    filed_at: Mapped[datetime]
    answer_due_on: Mapped[date]
    heard_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    gist: Mapped[str] = mapped_column(Text, default="", server_default="")
    reply_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    closed_at: Mapped[datetime | None]

    words = SealedText("narrative")
    reply = Sealed("narrative")
    entry: Mapped[Entry] = relationship(lazy="raise_on_sql")
    author: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[author_id])


def refusal(entry: Entry, on: date) -> str | None:
    """Why nobody may object on a day, in words; None while the public notice runs. ``entry`` has its round."""
    round_ = entry.round
    if round_.state != RoundState.PUBLISHED or round_.publicity_ends_on is None:
        return _("The results are not published yet.")
    if on > round_.publicity_ends_on:
        return _("The public notice ended on %(day)s.", day=long_date(round_.publicity_ends_on))
    return None


def own(entry: Entry, person_id: int) -> list[Concern]:
    """What this person said about an entry, newest first."""
    wanted = select(Concern).where(Concern.entry_id == entry.id, Concern.author_id == person_id)
    return list(db.session.scalars(wanted.order_by(Concern.id.desc())))


def open_one(concerns: Collection[Concern]) -> Concern | None:
    """The one that is being examined."""
    return next((one for one in concerns if one.state == ConcernState.OPEN), None)


def file(entry: Entry, words: str, taken: Sequence[Taken], actor: Actor) -> Concern:
    """Send an objection with its files, in the current transaction; one at a time by each person."""
    why = refusal(entry, actor.on)
    if why:
        raise RuleBroken(why)
    if open_one(own(entry, actor.person_id)):
        raise RuleBroken(_("Your objection is being examined already."))
    if len(taken) > MOST_FILES:
        raise RuleBroken(_("At most %(most)s files.", most=MOST_FILES), 422)
    made = Concern(
        entry_id=entry.id,
        author_id=actor.person_id,
        filed_at=clock.now(),
        answer_due_on=terms_on(actor.on, entry.round.district_id).reply.after(actor.on),
    )
    made.words = words
    db.session.add(made)
    db.session.flush()
    for one in taken:
        keep(one, made, actor, slot=SLOT, holds="F4")
    note("rating.concern_filed", made, person_id=actor.person_id, files=len(taken))
    return made


def withdraw(concern: Concern, actor: Actor) -> None:
    """The author takes it back before it is answered; its files go."""
    _close(concern, ConcernState.WITHDRAWN)
    let_go(files(concern), actor)
    note("rating.concern_withdrawn", concern, person_id=actor.person_id)


def _close(concern: Concern, state: ConcernState) -> None:
    db.session.flush()
    closed = db.session.execute(
        update(Concern)
        .where(Concern.id == concern.id, Concern.state == ConcernState.OPEN)
        .values(state=state, closed_at=clock.now())
    )
    if closed.rowcount != 1:  # type: ignore[attr-defined]
        raise RuleBroken(_("This has been answered. Nobody can change it now."))
    db.session.refresh(concern, ["state", "closed_at"])


def files(concern: Concern) -> list[File]:
    """What the author sent along."""
    return files_of(concern, SLOT)


def answer(concern: Concern, founded: bool, gist: str, reply: str, actor: Actor) -> None:
    """Answer the author, and keep what the school may read; whoever begins answers, in the current transaction."""
    concern.heard_by_id, concern.gist = actor.person_id, gist
    concern.reply = reply
    _close(concern, ConcernState.FOUNDED if founded else ConcernState.UNFOUNDED)
    note("rating.concern_answered", concern, person_id=actor.person_id, founded=founded, gist=digest(gist))


def told_to_school(entry: Entry) -> list[Concern]:
    """What was examined, for the school: only ``gist`` and result are shown of it."""
    wanted = select(Concern).where(
        Concern.entry_id == entry.id, Concern.state.in_((ConcernState.FOUNDED, ConcernState.UNFOUNDED))
    )
    with all_rows():
        return list(db.session.scalars(wanted.order_by(Concern.id)))


def waiting(entry_ids: Collection[int]) -> set[int]:
    """Of these entries those about which something is being examined."""
    wanted = select(Concern.entry_id).where(
        Concern.entry_id.in_(entry_ids), Concern.state == ConcernState.OPEN
    )
    with all_rows():
        return set(db.session.scalars(wanted))


def names_somebody(concern: Concern, gist: str) -> str | None:
    """What to say about a text for the school that names the author or repeats a sentence of theirs; None otherwise."""
    if concern.author.name in gist:
        return _("The school must not learn who objected. Leave the name out.")
    said = [part.strip() for part in _sentences(concern.words)]
    if any(len(part) >= LONGEST_REPEATED and part in gist for part in said):
        return _("Say it in your own words: the school may know how somebody writes.")
    return None


LONGEST_REPEATED = 12


def _sentences(words: str) -> list[str]:
    for mark in "，。；！？、\n":
        words = words.replace(mark, "\0")
    return words.split("\0")
