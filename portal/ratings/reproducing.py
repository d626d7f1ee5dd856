"""A round scored again from what is stored, and everything it rests on compared with the log and the signed records."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.ratings import drawing, evidence, fingerprints, naming, records, standing, teams
from portal.ratings.assessing import latest_snapshot
from portal.ratings.canonical import canonical, digest, restored
from portal.ratings.deciding import inputs_of, result_of, with_changes
from portal.ratings.fingerprints import Difference
from portal.ratings.models import Entry, EntryState, Objection, ObjectionState, Round, RoundState
from portal.ratings.rubric import RubricError, as_json
from portal.trail.models import TrailEntry, note

AT_ONCE = 50

TABLES = {
    "rating_answer": _l("Answer of the school"),
    "rating_appeal": _l("Appeal against a measure"),
    "rating_attendance": _l("Member of a panel"),
    "rating_consensus": _l("Agreed score"),
    "rating_draw": _l("Draw of inspectors"),
    "rating_entry": _l("Result of the school"),
    "rating_evidence": _l("File of the school"),
    "rating_interest": _l("Tie of an inspector"),
    "rating_light_check": _l("Light check"),
    "rating_mark": _l("Score of an inspector"),
    "rating_measure": _l("Measure"),
    "rating_meeting": _l("Minutes of a panel"),
    "rating_naming": _l("Naming"),
    "rating_objection": _l("Objection or appeal"),
    "rating_record": _l("Signed record"),
    "rating_round": _l("Round"),
    "rating_sheet": _l("Sheet"),
    "rating_sheet_clash": _l("Second text of a sheet"),
    "rating_sheet_note": _l("Note of a sheet"),
    "rating_sheet_part": _l("Part of a sheet"),
    "rating_signature": _l("Signature"),
    "rating_snapshot": _l("Frozen evidence"),
    "rating_veto_event": _l("Veto"),
    "rating_window": _l("Days of a step"),
    "rating_window_change": _l("Change of days"),
    "rubric_version": _l("Rubric"),
}
"""What is compared, as people call it."""


def differences(round_: Round) -> Iterator[str]:
    """Score every decided school of a round again and compare, school by school in constant memory; where anything differs, in
    words, what comes first first."""
    version = round_.rubric_version
    if digest(version.canonical) != version.sha256:
        yield _("The rubric does not match its hash.")
    yield from _of_round(round_)
    yield from drawing.differences(round_)
    last = 0
    while entries := _some(round_.id, last):
        last = entries[-1].id
        told = fingerprints.differences(Entry.__tablename__, [entry.id for entry in entries])
        known = fingerprints.kept_in_log(Entry.__tablename__, [entry.id for entry in entries])
        for entry in entries:
            wrong = [_in_words(one) for one in told.get(entry.id, ())]
            if entry.state == EntryState.DECIDED:
                if entry.id not in known and fingerprints.reaches_back(entry.decided_at):
                    wrong.append(_("The log has no fingerprints of it."))
                wrong += _differences(entry)
            elif round_.state == RoundState.PUBLISHED or entry.id in known:
                wrong.append(_("The school is in a closed round but not decided."))
            for what in wrong:
                yield f"{entry.school.name}: {what}"


def _of_round(round_: Round) -> Iterator[str]:
    kind = Round.__tablename__
    for one in fingerprints.differences(kind, [round_.id]).get(round_.id, ()):
        yield _in_words(one)
    if (
        round_.state == RoundState.PUBLISHED
        and not fingerprints.kept_in_log(kind, [round_.id])
        and fingerprints.reaches_back(round_.created_at)
    ):
        yield _("The log has no fingerprints of the round.")


def _in_words(one: Difference) -> str:
    row = _("%(table)s, row %(number)s", table=str(TABLES.get(one.table, one.table)), number=one.row)
    if one.before:
        return _("%(row)s: changed before an act that the log has.", row=row)
    words = {
        "changed": _("%(row)s: not as the log says.", row=row),
        "missing": _("%(row)s: gone; the log knows it.", row=row),
        "added": _("%(row)s: unknown to the log.", row=row),
    }
    return words[one.what]


def _some(round_id: int, after: int) -> Sequence[Entry]:
    return db.session.scalars(_wanted(after).where(Entry.round_id == round_id).limit(AT_ONCE)).all()


def _wanted(after: int) -> Select[Entry]:
    return (
        select(Entry)
        .where(Entry.id > after)
        .options(
            joinedload(Entry.school),
            joinedload(Entry.round).joinedload(Round.rubric_version),
            selectinload(Entry.vetoes),
            selectinload(Entry.objections),
        )
        .order_by(Entry.id)
    )


def _differences(entry: Entry) -> list[str]:
    try:
        return [*_scored(entry), *_signed(entry)]
    except (RuleBroken, RubricError, LookupError, TypeError, ValueError):
        return [_("What is stored cannot be scored any more.")]


def _scored(entry: Entry) -> list[str]:
    found = [
        _("The void sheet of %(person)s was changed.", person=sheet.person.name)
        for sheet in teams.void_sheets(entry)
        if teams.fingerprint(sheet) != sheet.voided_sha256
    ]
    snapshot = latest_snapshot(entry)
    if snapshot is None or digest(snapshot.content) != snapshot.sha256:
        return [*found, _("The evidence does not match its hash.")]
    changed = evidence.tampered(restored(snapshot.content))
    if changed:
        found.append(_("Files differ from what was handed in: %(names)s.", names="、".join(changed[:5])))
    inputs = inputs_of(entry)
    for case in entry.objections:
        if case.state == ObjectionState.CHANGED:
            found += _before(entry, case, inputs)
            inputs = with_changes(inputs, case.changes)
    if canonical(inputs) != entry.inputs:
        found.append(_("The scores no longer lead to the inputs of the decision."))
    values = as_json(result_of(entry, inputs))
    if canonical(values) != entry.result:
        found.append(_("Scoring again gives another result."))
    if values["star"] != entry.star or values["total"] != entry.total:
        found.append(
            _(
                "Star or total differ: stored %(star)s and %(total)s, scored %(again)s and %(points)s.",
                star=entry.star,
                total=entry.total,
                again=values["star"],
                points=values["total"],
            )
        )
    return found


def _before(entry: Entry, case: Objection, inputs: Mapping[str, Any]) -> list[str]:
    values = as_json(result_of(entry, inputs))
    kept = (case.before_inputs, case.before_result, case.before_star, case.before_total)
    if kept == (canonical(inputs), canonical(values), values["star"], values["total"]):
        return []
    return [_("The decision before the change cannot be reached again.")]


def _signed(entry: Entry) -> list[str]:
    """Whether the signed records are genuine, and the newest one says what stands."""
    kept = records.records_of(entry.id)
    found = [
        _("Signed record %(number)s is not as it was signed.", number=one.number)
        for one in kept
        if not records.is_untouched(one)
    ]
    found += [
        _("Naming %(number)s is not as it was signed.", number=one.number)
        for one in standing.namings_of(entry)
        if not naming.is_genuine(one)
    ]
    said = restored(kept[-1].content)["result"] if kept and not found else None
    if not kept:
        found.append(_("There is no signed record."))
    elif said is not None and (said["star"], said["total"], said["result"]) != (
        entry.star,
        entry.total,
        digest(entry.result or ""),
    ):
        found.append(_("The signed record says another result."))
    return found


def without_fingerprints(last: int = 0) -> Sequence[Entry]:
    """The next decided schools, after an id, of which the log should know fingerprints and knows none."""
    known = (
        select(TrailEntry.object_id)
        .where(TrailEntry.object_kind == Entry.__tablename__, TrailEntry.action == fingerprints.ACT)
        .where(TrailEntry.object_id == Entry.id)
    )
    return db.session.scalars(
        _wanted(last).where(Entry.state == EntryState.DECIDED, ~known.exists()).limit(AT_ONCE)
    ).all()


def set_down(entries: Sequence[Entry]) -> list[tuple[Entry, list[str]]]:
    """Note the fingerprints of decided schools afterwards, in the current transaction, where their result can be reached again
    from what is stored; answers the others with what is wrong: they stay without."""
    wrong = [(entry, found) for entry in entries if (found := _differences(entry))]
    for entry in entries:
        if entry not in [other for other, _found in wrong]:
            note("rating.baseline", entry, person_id=None)
    return wrong


def set_down_rounds() -> int:
    """Note the fingerprints of published rounds of which the log knows none, in the current transaction; how many there were."""
    rounds = db.session.scalars(select(Round).where(Round.state == RoundState.PUBLISHED)).all()
    known = fingerprints.kept_in_log(Round.__tablename__, [one.id for one in rounds])
    unknown = [one for one in rounds if one.id not in known]
    for one in unknown:
        note("rating.baseline", one, person_id=None)
    return len(unknown)


def count_of(round_: Round) -> int:
    """How many schools of a round are decided."""
    wanted = select(func.count(Entry.id)).where(
        Entry.round_id == round_.id, Entry.state == EntryState.DECIDED
    )
    return db.session.scalar(wanted) or 0
