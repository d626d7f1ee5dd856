"""A rubric that is still being written: copied from another version, changed piece by piece, tried on last year's data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from portal import clock
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.ratings.canonical import canonical, digest, restored
from portal.ratings.metrics import Figure
from portal.ratings.models import Entry, EntryState, Round, RoundState, RubricState, RubricVersion, Snapshot
from portal.ratings.programmes import STARS
from portal.ratings.rubric import Result, Rubric, RubricError, as_yaml, score, title_text
from portal.ratings.rubrics import computed, items_of, metric_of
from portal.ratings.surveying import not_asked
from portal.trail.models import note

MOST_SCHOOLS = 200


def copied(version: RubricVersion, person_id: int) -> RubricVersion:
    """A draft with the contents of a version, as the next version of the same rubric, in the current transaction."""
    draft = RubricVersion(
        district_id=version.district_id,
        rubric_id=version.rubric_id,
        name=version.name,
        version=next_number(version.district_id, version.rubric_id),
        yaml=version.yaml,
        canonical=version.canonical,
        sha256=version.sha256,
        stored_by_id=person_id,
        stored_at=clock.now(),
    )
    db.session.add(draft)
    db.session.flush()
    note("rubric.copied", draft, person_id=person_id, version=draft.version, source=version.version)
    return draft


def next_number(district_id: int, rubric_id: str) -> int:
    """The number of the next version of a rubric of a district."""
    last = db.session.scalar(
        select(func.max(RubricVersion.version)).where(
            RubricVersion.district_id == district_id, RubricVersion.rubric_id == rubric_id
        )
    )
    return (last or 0) + 1


def draft_only(version: RubricVersion) -> RubricVersion:
    """The version, if it may still be changed."""
    if version.state != RubricState.DRAFT:
        raise RuleBroken(_("A published rubric cannot be changed. Make a copy and change that."))
    return version


def keep(version: RubricVersion, values: Mapping[str, Any], person_id: int) -> None:
    """Keep changed values in a draft, in the current transaction; whether they are right is asked when it is published."""
    draft_only(version)
    name = str(values.get("id", ""))
    if name != version.rubric_id:
        version.version = next_number(version.district_id, name)
        version.rubric_id = name[:80]
    version.name = title_text(values.get("title", "") or version.name)[:600]
    version.yaml = as_yaml(dict(values))
    version.canonical = canonical(values)
    version.sha256 = digest(version.canonical)
    version.stored_at, version.stored_by_id = clock.now(), person_id
    note("rubric.changed", version, person_id=person_id, sha256=version.sha256)


def forget(version: RubricVersion, person_id: int) -> None:
    """Take a draft away, in the current transaction; a draft stands in no round."""
    draft_only(version)
    note("rubric.draft_removed", version, person_id=person_id, sha256=version.sha256, version=version.version)
    db.session.delete(version)


def before(version: RubricVersion) -> RubricVersion | None:
    """The version before this one, of the same rubric."""
    return db.session.scalar(
        select(RubricVersion)
        .where(
            RubricVersion.district_id == version.district_id,
            RubricVersion.rubric_id == version.rubric_id,
            RubricVersion.version < version.version,
        )
        .order_by(RubricVersion.version.desc())
        .limit(1)
    )


@dataclass(frozen=True)
class Tried:
    """A school's result of the last round beside what the draft would give for the same facts."""

    entry: Entry
    then: Result
    now: Result
    lacking: list[str]
    """Ids of items for which last year's round has no facts."""


def last_round(district_id: int) -> Round | None:
    """The newest published star rating of a district."""
    return db.session.scalar(
        select(Round)
        .where(
            Round.district_id == district_id,
            Round.state == RoundState.PUBLISHED,
            Round.programme == STARS,
        )
        .options(joinedload(Round.rubric_version), joinedload(Round.school_year))
        .order_by(Round.published_on.desc(), Round.id.desc())
        .limit(1)
    )


def tried(rubric: Rubric, old: Rubric, round_: Round) -> list[Tried]:
    """What a rubric would have given the schools of a decided round, by the sound of their names: only where facts fit."""
    found = db.session.scalars(
        select(Entry)
        .where(Entry.round_id == round_.id, Entry.state == EntryState.DECIDED)
        .options(joinedload(Entry.school))
        .limit(MOST_SCHOOLS)
    ).all()
    snapshots = {
        snapshot.entry_id: restored(snapshot.content)
        for snapshot in db.session.scalars(
            select(Snapshot)
            .where(Snapshot.entry_id.in_([entry.id for entry in found]))
            .order_by(Snapshot.number)
        )
    }
    ordered = sorted(found, key=lambda entry: (entry.school.name_pinyin, entry.id))
    return [_tried(rubric, old, entry, snapshots.get(entry.id, {})) for entry in ordered]


def _tried(rubric: Rubric, old: Rubric, entry: Entry, frozen: Mapping[str, Any]) -> Tried:
    then = restored(entry.inputs)
    measured = {found["metric"]: found for found in frozen.get("metrics", {}).values()}
    items = {name: facts for name, facts in then["items"].items() if name in items_of(rubric)}
    for item in computed(rubric):
        items.pop(item.id, None)
        if (known := measured.get(metric_of(item))) is not None:
            items[item.id] = Figure(known["numerator"], known["denominator"], known["counts"]).facts(item)
    known_items = {"school": then.get("school", {}), "items": items | not_asked(rubric, items)}
    vetoes = {veto["id"] for veto in rubric.settings["vetoes"]}
    events = {name: count for name, count in then.get("events", {}).items() if name in vetoes}
    inputs = known_items | ({"events": events} if events else {})
    now = _scored_where_it_fits(rubric, inputs)
    return Tried(entry, score(old, then), now, list(now.missing))


def _scored_where_it_fits(rubric: Rubric, inputs: dict[str, Any]) -> Result:
    """Score; items whose facts do not fit the rule any more are left out, and show up as missing."""
    while True:
        try:
            return score(rubric, inputs)
        except RubricError as error:
            unfit = {
                name
                for problem in error.problems
                for name in inputs["items"]
                if problem.path == f"items.{name}"
                or problem.path.startswith((f"items.{name}.", f"items.{name}["))
            }
            if not unfit and not inputs["items"]:
                raise
            unfit = unfit or set(inputs["items"])
            inputs = {**inputs, "items": {k: v for k, v in inputs["items"].items() if k not in unfit}}
