"""Drawing the inspectors of a round: what is drawn from is published first, then the seed, and anybody can do it again.

Announced: the list of who may inspect which school, frozen with the fingerprint of the log at that moment, and where the seed
comes from: a secret of which only the SHA-256 is shown, or a public number that nobody knows yet. Drawn: with the seed the result
follows from the list by rule 1 alone:

Each key is the SHA-256 of ``seed|fingerprint of the list|entry`` or ``…|entry|person`` in UTF-8, as lower-case hex digits.
Schools are taken in the order of their keys. For each, the free people are ordered by how many schools they have already,
then by their keys; the first two score, the others are members, the last one leads. Not free is whoever works at a school
that somebody of this school has been drawn for. Nothing here needs the database; see ``flask rating check-draw``.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    String,
    Text,
    UniqueConstraint,
    event,
    func,
    inspect,
    select,
)
from sqlalchemy.orm import Mapped, contains_eager, joinedload, mapped_column, relationship

from portal import clock
from portal.access import Actor
from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId, db
from portal.i18n import gettext as _
from portal.ratings import conflicts, teams
from portal.ratings.canonical import canonical, digest, restored
from portal.ratings.models import Entry, Round, RoundState
from portal.ratings.terms import ROTATION
from portal.row_security import all_rows
from portal.trail.models import HEAD, note

KIND, RULE = "gongyu.draw", 1
NUMBER, SECRET = "number", "secret"


class Draw(PublicId, Base):
    """One draw of a round: announced, then drawn. ``given`` and ``result`` are canonical JSON; a round may have a later one."""

    __tablename__ = "rating_draw"
    __table_args__ = (
        UniqueConstraint("round_id", "number"),
        CheckConstraint("length(source) > 0", name="has_source"),
        CheckConstraint("commitment IS NULL OR length(commitment) = 64", name="hash_complete"),
        CheckConstraint("(seed IS NULL) = (result IS NULL)", name="seed_has_result"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("rating_round.id"))
    number: Mapped[int]
    source: Mapped[str] = mapped_column(String(300))
    commitment: Mapped[str | None] = mapped_column(String(64))
    given: Mapped[str] = mapped_column(Text)
    announced_at: Mapped[datetime]
    announced_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    seed: Mapped[str | None] = mapped_column(String(300))
    result: Mapped[str | None] = mapped_column(Text)
    drawn_at: Mapped[datetime | None]
    drawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    round: Mapped[Round] = relationship(lazy="raise_on_sql")

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the list that is drawn from."""
        return digest(self.given)


@event.listens_for(Draw, "before_update")
def _keep_draw(_mapper: Any, _connection: Any, draw: Draw) -> None:
    frozen = ("given", "source", "commitment")
    was = inspect(draw).attrs.seed.history.deleted
    if any(inspect(draw).attrs[name].history.has_changes() for name in frozen) or (
        was and was[0] is not None
    ):
        raise RuleBroken(_("What was announced or drawn cannot be changed."))


class TooFewError(Exception):
    """Not enough free people for a school; ``entry``: its address."""

    def __init__(self, entry: str) -> None:
        super().__init__(entry)
        self.entry = entry


def drawn(given: Mapping[str, Any], seed: str) -> list[dict[str, Any]]:
    """The teams by rule 1, in the order in which schools are drawn. TooFewError when people run out."""
    base, size = f"{seed}|{digest(canonical(given))}", int(given["size"])
    works: dict[str, list[str]] = given["works"]
    load: Counter[str] = Counter()
    rates: dict[str, set[str]] = {}
    found = []
    for school in sorted(given["schools"], key=lambda one: _key(base, one["entry"])):
        entry = school["entry"]
        free = [one for one in school["eligible"] if not _is_mutual(one, entry, works, rates)]
        order = sorted(free, key=lambda one: (load[one], _key(base, entry, one)))
        team = order[:size]
        if len(team) < size:
            raise TooFewError(entry)
        for person in team:
            load[person] += 1
            rates.setdefault(person, set()).add(entry)
        found.append({"entry": entry, "scorers": team[:2], "members": team[2:], "lead": team[-1]})
    return found


def _key(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def _is_mutual(
    person: str, entry: str, works: Mapping[str, list[str]], rates: Mapping[str, set[str]]
) -> bool:
    own = set(works.get(person, ()))
    return any(own & rates[other] for other, places in works.items() if entry in places and other in rates)


def draws_of(round_: Round) -> list[Draw]:
    """The draws of a round, the newest first."""
    return list(
        db.session.scalars(select(Draw).where(Draw.round_id == round_.id).order_by(Draw.number.desc()))
    )


def waiting(round_: Round) -> Draw | None:
    """The draw that is announced and not drawn yet."""
    newest = next(iter(draws_of(round_)), None)
    return newest if newest is not None and newest.seed is None else None


def announce(round_: Round, kind: str, source: str, actor: Actor) -> Draw:
    """Freeze and publish what will be drawn from, in the current transaction. ``source``: of a secret the secret itself, of
    which only the SHA-256 is kept; else which public number it will be. RuleBroken when a school has too few people."""
    if round_.state != RoundState.DRAFT:
        raise RuleBroken(_("The round is open: its inspectors stay."))
    given = list_of(round_)
    for entry, school in zip(round_.entries, given["schools"], strict=True):
        if len(school["eligible"]) < round_.team_size:
            raise RuleBroken(
                _(
                    "%(school)s: only %(num)s people may inspect it; a team needs %(size)s.",
                    school=entry.school.name, num=len(school["eligible"]), size=round_.team_size,
                )
            )  # fmt: skip
    number = db.session.scalar(select(func.count(Draw.id)).where(Draw.round_id == round_.id)) or 0
    made = Draw(
        round_id=round_.id,
        number=number + 1,
        source=source if kind == NUMBER else _("A secret of the district office; its SHA-256 is published."),
        commitment=digest(source) if kind == SECRET else None,
        given=canonical(given),
        announced_at=clock.now(),
        announced_by_id=actor.person_id,
    )
    db.session.add(made)
    db.session.flush()
    note(
        "rating.draw_announced",
        round_,
        person_id=actor.person_id,
        number=made.number,
        list=made.fingerprint,
        commitment=made.commitment,
    )
    return made


def list_of(round_: Round) -> dict[str, Any]:
    """Who may inspect which school of a round today, by addresses; ``round_.entries`` are loaded with their schools."""
    people = {one.id: one.public_id for one in teams.inspectors_of(round_.district_id)}
    schools = {entry.school_id: entry for entry in round_.entries}
    tied = conflicts.conflicts(list(schools))
    rotates = ROTATION.on(clock.today(), district_id=round_.district_id)
    rows = []
    for entry in round_.entries:
        rest = set(conflicts.last_team(entry)) if rotates else set()
        free = [one for key, one in people.items() if key not in rest and (key, entry.school_id) not in tied]
        rows.append({"entry": entry.public_id, "eligible": sorted(free)})
    works: dict[str, list[str]] = {}
    for person_id, school_id in sorted(
        conflicts.workplaces(list(schools), conflicts.years_of(list(schools)))
    ):
        if person_id in people:
            works.setdefault(people[person_id], []).append(schools[school_id].public_id)
    head = db.session.execute(select(HEAD.c.entry_hash)).scalar_one()
    return {
        "kind": KIND, "rule": RULE, "round": round_.public_id, "size": round_.team_size, "log": bytes(head).hex(),
        "schools": rows, "works": works,
    }  # fmt: skip


def draw(round_: Round, seed: str, actor: Actor) -> Draw:
    """Draw with the seed and name the teams, in the current transaction. RuleBroken (422) when it is not the announced secret."""
    found = waiting(round_)
    if found is None:
        raise RuleBroken(_("Announce a draw first."))
    if round_.state != RoundState.DRAFT:
        raise RuleBroken(_("The round is open: its inspectors stay."))
    if found.commitment is not None and digest(seed) != found.commitment:
        raise RuleBroken(_("This is not the secret that was announced: its SHA-256 is another."), 422)
    entries = {entry.public_id: entry for entry in round_.entries}
    try:
        result = drawn(restored(found.given), seed)
    except TooFewError as error:
        name = entries[error.entry].school.name
        raise RuleBroken(
            _("Nobody is left for %(school)s. Announce a new draw with more people.", school=name)
        ) from error
    found.seed, found.result = seed, canonical({"teams": result})
    found.drawn_at, found.drawn_by_id = clock.now(), actor.person_id
    db.session.flush()
    ids = people_of(result)
    for one in result:
        team = teams.Team(
            (ids[one["scorers"][0]], ids[one["scorers"][1]]),
            tuple(ids[name] for name in one["members"]),
            ids[one["lead"]],
        )
        teams.assign(entries[one["entry"]], team, actor.person_id, digest(found.result))
    note("rating.drawn", round_, person_id=actor.person_id, number=found.number, result=digest(found.result))
    return found


def next_of(entry: Entry, free: Sequence[Person]) -> Person | None:
    """Whose turn it is where somebody of a drawn team dropped out, by list and seed of its draw: whoever was on the list first.

    None without a draw, and where nobody is free.
    """
    last = next((one for one in draws_of(entry.round) if one.result is not None), None)
    if last is None or last.seed is None:
        return None
    base, schools = f"{last.seed}|{last.fingerprint}", restored(last.given)["schools"]
    listed = {name for one in schools if one["entry"] == entry.public_id for name in one["eligible"]}

    def turn(person: Person) -> tuple[bool, str]:
        return person.public_id not in listed, _key(base, entry.public_id, person.public_id)

    return min(free, key=turn, default=None)


def people_of(result: list[dict[str, Any]]) -> dict[str, int]:
    """Address → id of everybody in drawn teams."""
    names = {name for one in result for name in (*one["scorers"], *one["members"])}
    rows = db.session.execute(select(Person.public_id, Person.id).where(Person.public_id.in_(names)))
    return {public_id: person_id for public_id, person_id in rows}


def told(found: Draw) -> dict[str, Any]:
    """Everything about a draw that anybody needs to do it again; people and schools by address, without names."""
    return {
        "given": restored(found.given),
        "sha256": found.fingerprint,
        "source": found.source,
        "commitment": found.commitment,
        "announced_at": found.announced_at.isoformat(timespec="seconds"),
        "seed": found.seed,
        "drawn_at": found.drawn_at.isoformat(timespec="seconds") if found.drawn_at else None,
        "teams": restored(found.result)["teams"] if found.result else None,
    }


def wrong_with(said: Mapping[str, Any]) -> str | None:
    """What does not hold in a draw as ``told``, in words; None when everything follows from its list and its seed."""
    if said["seed"] is None:
        return _("Not drawn yet.")
    if digest(canonical(said["given"])) != said["sha256"]:
        return _("The list does not match its fingerprint.")
    if said["commitment"] is not None and digest(said["seed"]) != said["commitment"]:
        return _("The seed is not the one that was announced.")
    try:
        again = drawn(said["given"], said["seed"])
    except TooFewError:
        again = []
    return None if again == said["teams"] else _("Drawing again gives other teams.")


def differences(round_: Round) -> list[str]:
    """What does not hold in the draws of a round when they are done again."""
    found = []
    for one in draws_of(round_):
        wrong = wrong_with(told(one)) if one.seed is not None else None
        if wrong:
            found.append(_("Draw %(number)s: %(wrong)s", number=one.number, wrong=wrong))
    return found


def published() -> list[Draw]:
    """The newest draws of all rounds, announced or drawn, for anybody."""
    wanted = select(Draw).options(joinedload(Draw.round).joinedload(Round.district))
    return list(db.session.scalars(wanted.order_by(Draw.id.desc()).limit(50)))


def named_by_hand() -> list[Entry]:
    """Schools of running and published rounds whose inspectors were named though they are to be drawn, the newest first, with
    school, round and district, for anybody."""
    wanted = (
        select(Entry)
        .join(Round, Round.id == Entry.round_id)
        .where(Entry.chosen_reason != "", Round.state != RoundState.DRAFT)
        .options(joinedload(Entry.school), contains_eager(Entry.round).joinedload(Round.district))
        .order_by(Entry.id.desc())
        .limit(50)
    )
    with all_rows():
        return list(db.session.scalars(wanted))


def team_names(found: Draw, round_: Round) -> list[tuple[str, list[str]]]:
    """(school, names of its team as drawn) for the district's own page."""
    result = restored(found.result)["teams"] if found.result else []
    keys = people_of(result)
    rows = db.session.execute(select(Person.id, Person.name).where(Person.id.in_(keys.values())))
    names = {person_id: name for person_id, name in rows}
    entries: dict[str, Entry] = {entry.public_id: entry for entry in round_.entries}
    return [
        (
            entries[one["entry"]].school.name,
            [names[keys[name]] for name in (*one["scorers"], *one["members"]) if name in keys],
        )
        for one in result
        if one["entry"] in entries
    ]
