"""After a result: what the school does next, how it stands beside schools like it (never a ranking), and what would lift it.

Peers are the schools of the same round with the same stage, size and place. Their results give bands around the middle, set
down when the round is published, for groups of five and more; nobody is placed, and no list is made of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from statistics import median
from typing import Any

from sqlalchemy import ForeignKey, String, Text, func, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column

from portal import clock
from portal.access import Actor
from portal.errors import RuleBroken
from portal.extensions import Base, db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.ratings.canonical import canonical, digest, restored
from portal.ratings.improvements import Improvement
from portal.ratings.models import Entry, EntryState, Round, RoundState
from portal.ratings.reading import points, reasons
from portal.ratings.rubric import Result
from portal.ratings.rubrics import words
from portal.row_security import all_rows
from portal.schools.models import STAGE_NAMES, Stage
from portal.settings import Choice, Setting
from portal.trail.models import note

MOST = 20
FEWEST_PEERS = 5
SIZES = ((300, "small"), (1000, "middle"))
NEAR = Fraction(1, 20)
"""Within five points in a hundred of the middle counts as about the same."""
LIFTS = 5
SIZE_NAMES = {
    "small": _l("under 300 pupils"),
    "middle": _l("300 to 999 pupils"),
    "large": _l("1,000 pupils and more"),
}
PLACE_NAMES = {
    "": _l("not said"),
    "urban": _l("in the city"),
    "town": _l("in a town"),
    "rural": _l("in the country"),
}
PLACE = Setting(
    "ratings.place",
    Choice(PLACE_NAMES),
    "",
    label=_l("Star rating: where the school lies"),
    help=_l("Results are compared only among schools of the same stage, size and place."),
)


class Peers(Base):
    """How the domains of a school stood beside those of its peers when the round was published: domain → band."""

    __tablename__ = "rating_peers"

    entry_id: Mapped[int] = mapped_column(
        ForeignKey("rating_entry.id"), primary_key=True, autoincrement=False
    )
    group: Mapped[str] = mapped_column(String(100))
    schools: Mapped[int]
    bands: Mapped[str] = mapped_column(Text)


def improvements_of(entry: Entry) -> list[Improvement]:
    """What the school means to do, oldest first."""
    return list(
        db.session.scalars(
            select(Improvement).where(Improvement.entry_id == entry.id).order_by(Improvement.id)
        )
    )


def plan(entry: Entry, item_id: str, text: str, due_on: date, actor: Actor) -> Improvement:
    """Write down something to do, once the result is public."""
    if entry.round.state != RoundState.PUBLISHED:
        raise RuleBroken(_("The results are not published yet."))
    mine = select(func.count(Improvement.id)).where(Improvement.entry_id == entry.id, ~Improvement.is_finding)
    if (db.session.scalar(mine) or 0) >= MOST:
        raise RuleBroken(_("At most %(most)s; finish some first.", most=MOST))
    made = Improvement(
        entry_id=entry.id, item_id=item_id, text=text, due_on=due_on, added_by_id=actor.person_id,
        added_at=clock.now(),
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    note("rating.improvement_planned", entry, person_id=actor.person_id, item=item_id, text=digest(text))
    return made


def finish(entry: Entry, public_id: str, text: str, actor: Actor) -> None:
    """Say what came of it; once."""
    row = next((one for one in improvements_of(entry) if one.public_id == public_id), None)
    if row is None or row.done_on is not None:
        raise RuleBroken(_("This is done already, or is not there any more."))
    row.done_text, row.done_on = text, actor.on
    note("rating.improvement_done", entry, person_id=actor.person_id, item=row.item_id, text=digest(text))


@dataclass(frozen=True)
class Lift:
    """An indicator that could give more: how many points are missing, and why."""

    id: str
    title: str
    missing: str
    why: list[str]


def lifts(result: Result) -> list[Lift]:
    """The indicators with the most points left, those that would lift the next star first."""
    leaves = [
        leaf
        for top in result.items
        for leaf in top.walk()
        if not leaf.children
        and leaf.points is not None
        and leaf.reach is not None
        and leaf.points < leaf.reach
    ]
    leaves.sort(key=lambda leaf: (leaf.points or 0) - (leaf.reach or 0))
    return [
        Lift(
            leaf.item.id,
            words(leaf.item.title),
            points((leaf.reach or Fraction(0)) - (leaf.points or Fraction(0))),
            reasons(leaf),
        )
        for leaf in leaves[:LIFTS]
    ]


@dataclass(frozen=True)
class Year:
    """A published result of a school in one year."""

    entry: Entry
    same_rubric: bool


def years_of(entry: Entry) -> list[Year]:
    """The published results of a school, newest first; whether each was scored by the same rubric as the one shown."""
    found = db.session.scalars(
        select(Entry)
        .join(Round, Round.id == Entry.round_id)
        .where(
            Entry.school_id == entry.school_id,
            Round.state == RoundState.PUBLISHED,
            Round.programme == entry.round.programme,
        )
        .options(joinedload(Entry.round).joinedload(Round.school_year))
        .order_by(Entry.id.desc())
        .limit(10)
    )
    return [Year(one, one.round.rubric_version_id == entry.round.rubric_version_id) for one in found]


# Peers


def size_of(pupils: int) -> str:
    """``small``, ``middle`` or ``large``."""
    return next((name for limit, name in SIZES if pupils < limit), "large")


def group_of(entry: Entry, on: date) -> str:
    """Stage, size and place of a school in a round, as one key."""
    school = restored(entry.inputs or "{}").get("school", {})
    stage = "+".join(sorted(school.get("stage", [])))
    return f"{stage}|{size_of(school.get('pupils', 0))}|{PLACE.on(on, school_id=entry.school_id)}"


def group_words(group: str) -> str:
    """A group as people read it."""
    stage, size, place = group.split("|")
    named = "、".join(str(STAGE_NAMES[Stage(one)]) for one in stage.split("+") if one in set(Stage))
    found = [named or "–", str(SIZE_NAMES[size]), *([str(PLACE_NAMES[place])] if place else [])]
    return "，".join(found)


def band(share: Fraction, shares: Sequence[Fraction]) -> str:
    """``above``, ``near`` or ``below`` the middle of a group."""
    middle = Fraction(median(shares))
    if abs(share - middle) <= NEAR:
        return "near"
    return "above" if share > middle else "below"


def _shares(entry: Entry) -> dict[str, Fraction]:
    return {
        top["id"]: Fraction(top["points"]) / Fraction(top["reach"])
        for top in restored(entry.result or "{}").get("items", [])
        if top["points"] is not None and Fraction(top["reach"] or 0)
    }


def set_down(round_: Round, on: date) -> int:
    """Set the bands of a published round down, in the current transaction; for how many schools."""
    entries = db.session.scalars(
        select(Entry).where(Entry.round_id == round_.id, Entry.state == EntryState.DECIDED).order_by(Entry.id)
    ).all()
    groups: dict[str, list[tuple[Entry, dict[str, Fraction]]]] = {}
    for entry in entries:
        groups.setdefault(group_of(entry, on), []).append((entry, _shares(entry)))
    return sum(_keep(group, members) for group, members in groups.items() if len(members) >= FEWEST_PEERS)


def _keep(group: str, members: Sequence[tuple[Entry, dict[str, Fraction]]]) -> int:
    for entry, shares in members:
        bands = {
            name: band(share, [other[name] for _entry, other in members if name in other])
            for name, share in shares.items()
        }
        db.session.merge(Peers(entry_id=entry.id, group=group, schools=len(members), bands=canonical(bands)))
    db.session.flush()
    return len(members)


def set_down_again(entry: Entry) -> int:
    """The bands of a school's group after its result was changed, in the current transaction: the middle may have moved for the
    others as well. Groups stay as they were when the round was published. For how many schools."""
    row = db.session.get(Peers, entry.id)
    if row is None:
        return 0
    db.session.flush()
    with all_rows():
        members = db.session.scalars(
            select(Entry)
            .join(Peers, Peers.entry_id == Entry.id)
            .where(Entry.round_id == entry.round_id, Peers.group == row.group)
            .order_by(Entry.id)
        ).all()
        return _keep(row.group, [(one, _shares(one)) for one in members])


BAND_NAMES = {
    "above": _l("above the middle"),
    "near": _l("about the middle"),
    "below": _l("below the middle"),
}


@dataclass(frozen=True)
class PeerView:
    """A school beside its peers: the group in words, how many, and each domain's band."""

    group: str
    schools: int
    lines: list[tuple[str, str]]


def peers_of(entry: Entry, titles: dict[str, str]) -> PeerView | None:
    """How an entry stands beside its peers; None where the group is too small."""
    row = db.session.get(Peers, entry.id)
    if row is None:
        return None
    bands: dict[str, Any] = restored(row.bands)
    lines = [(titles[name], str(BAND_NAMES[found])) for name, found in bands.items() if name in titles]
    return PeerView(group_words(row.group), row.schools, lines)
