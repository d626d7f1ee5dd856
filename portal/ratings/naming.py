"""Naming after a round, the certificate on paper, and its public check."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import url_for
from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import joinedload

from portal import clock, documents, i18n
from portal.access import Actor
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.joining.printing import qr
from portal.ratings import programmes, remedies, signing, windows
from portal.ratings.canonical import canonical, digest, restored
from portal.ratings.concerns import Concern, ConcernState
from portal.ratings.models import Entry, EntryState, Objection, Round, RoundState
from portal.ratings.standing import (
    OPEN_MEASURES,
    Measure,
    MeasureKind,
    MeasureState,
    Naming,
    NamingKind,
    next_number,
    replaced_by,
)
from portal.ratings.windows import Step
from portal.row_security import all_rows
from portal.schools.models import School
from portal.trail.models import note


def title_of(naming: Naming) -> str:
    """The title of a record, as it stands on the certificate. ``naming`` has its entry with round."""
    return programmes.of(naming.entry.round.programme).title(naming.star)


def ready(round_: Round, on: date) -> list[Entry]:
    """The schools of a published round that can be named: nothing can change their result any more. Five queries.

    A school without a star, with an objection or appeal that runs, with an objection of somebody else, or with a measure waits.
    """
    if round_.state != RoundState.PUBLISHED:
        return []
    return final(round_, on, [_free(round_)])


def how_many(round_: Round, on: date) -> int:
    """How many schools ``ready`` would answer: those that never objected are only counted, the others looked at one by one."""
    if round_.state != RoundState.PUBLISHED:
        return 0
    objected = exists().where(Objection.entry_id == Entry.id)
    found = len(final(round_, on, [_free(round_), objected]))
    if windows.is_over(Step.PUBLICITY, round_, round_.publicity_ends_on, on):
        with all_rows():
            found += db.session.scalar(select(func.count(Entry.id)).where(_free(round_), ~objected)) or 0
    return found


def _free(round_: Round) -> ColumnElement[bool]:
    """Decided with a star, not named yet, and nothing against it is examined or proposed."""
    held = or_(
        Measure.state.in_(OPEN_MEASURES),
        and_(Measure.kind == MeasureKind.RE_RATING, Measure.state == MeasureState.SETTLED),
    )
    return and_(
        Entry.round_id == round_.id,
        Entry.state == EntryState.DECIDED,
        Entry.star > 0,
        ~exists().where(Naming.entry_id == Entry.id),
        ~exists().where(Measure.entry_id == Entry.id, held),
        ~exists().where(Concern.entry_id == Entry.id, Concern.state == ConcernState.OPEN),
    )


def final(round_: Round, on: date, which: Sequence[ColumnElement[bool]]) -> list[Entry]:
    """Of these schools of a round those whose result nothing can change any more, with school and district. Three queries."""
    wanted = (
        select(Entry)
        .where(*which)
        .options(joinedload(Entry.school).joinedload(School.district), joinedload(Entry.round))
        .order_by(Entry.id)
    )
    with all_rows():
        entries = db.session.scalars(wanted).all()
    cases: dict[int, list[Objection]] = {}
    asked = select(Objection).where(Objection.entry_id.in_([entry.id for entry in entries]))
    for case in db.session.scalars(asked.order_by(Objection.tier)):
        cases.setdefault(case.entry_id, []).append(case)
    known = windows.of_round(round_.id) if entries else {}
    return [entry for entry in entries if remedies.is_final(entry, cases.get(entry.id, []), on, known)]


def name_schools(round_: Round, actor: Actor) -> list[Naming]:
    """Name every school that is ready, in the current transaction; RuleBroken when none is."""
    entries = ready(round_, actor.on)
    if not entries:
        raise RuleBroken(
            _("No school can be named yet: terms for objections and appeals run, or all are named.")
        )
    return [_named(entry, actor) for entry in entries]


def _named(entry: Entry, actor: Actor) -> Naming:
    assert entry.round.valid_until_on is not None
    last = db.session.scalar(
        select(Naming)
        .join(Entry, Entry.id == Naming.entry_id)
        .join(Round, Round.id == Entry.round_id)
        .where(Naming.school_id == entry.school_id, Round.programme == entry.round.programme)
        .order_by(Naming.id.desc())
        .limit(1)
    )
    return record(
        entry, NamingKind.NAMED, entry.star or 0, entry.round.valid_until_on, actor.person_id, replaces=last
    )


def record(
    entry: Entry,
    kind: NamingKind,
    star: int,
    valid_until_on: date,
    by_id: int,
    *,
    because: str = "",
    second_by_id: int | None = None,
    replaces: Naming | None = None,
    on: date | None = None,
) -> Naming:
    """A new signed record of a standing, in the current transaction. ``entry`` has its school, district and round."""
    on = on or clock.today()
    number = next_number(entry.school.district_id, on)
    with i18n.speaking(i18n.DEFAULT.tag):
        title = programmes.of(entry.round.programme).title(star)
    content = canonical(
        {
            "kind": "naming",
            "act": str(kind),
            "number": number,
            "district": entry.school.district.name,
            "school": entry.school.name,
            "round": entry.round.name,
            "entry": entry.public_id,
            "result": digest(entry.result or ""),
            "star": star,
            "title": title,
            "because": because,
            "named_on": on.isoformat(),
            "valid_until_on": valid_until_on.isoformat(),
            "replaces": replaces.number if replaces else "",
        }
    )
    made = Naming(
        district_id=entry.school.district_id,
        school_id=entry.school_id,
        entry_id=entry.id,
        replaces_id=replaces.id if replaces else None,
        kind=kind,
        number=number,
        star=star,
        because=because,
        named_on=on,
        valid_until_on=valid_until_on,
        by_id=by_id,
        second_by_id=second_by_id,
        content=content,
        signature=signing.sign(content).hex(),
    )
    db.session.add(made)
    db.session.flush()
    note(f"rating.{kind}", entry, person_id=by_id, number=number, star=star, content=digest(content))
    return made


def state_of(naming: Naming, on: date) -> str:
    """``valid``, ``expired``, ``replaced`` or ``removed``, on a day."""
    if replaced_by(naming) is not None:
        return "replaced"
    if naming.kind == NamingKind.REMOVED:
        return "removed"
    return "valid" if naming.valid_until_on >= on else "expired"


def is_genuine(naming: Naming) -> bool:
    """Whether the stored record is word for word the signed one, and its columns say the same."""
    try:
        signature = bytes.fromhex(naming.signature)
    except ValueError:
        return False
    if not signing.is_genuine(naming.content, signature):
        return False
    said = restored(naming.content)
    return bool(
        (said["number"], said["star"], said["act"], said["because"])
        == (naming.number, naming.star, naming.kind, naming.because)
        and (said["named_on"], said["valid_until_on"])
        == (naming.named_on.isoformat(), naming.valid_until_on.isoformat())
    )


def paper(naming: Naming) -> bytes:
    """The certificate as a signed PDF, A4 across: number, school, title, round, validity, and the square that checks it.

    ``naming`` has its entry with round and its school with district. A removal has no certificate: RuleBroken.
    """
    if naming.kind == NamingKind.REMOVED:
        raise RuleBroken(_("The title was taken away. There is no certificate."))
    address = url_for("ratings.certificate_check", public_id=naming.public_id, _external=True)
    data: dict[str, Any] = {
        "title": _("Certificate"),
        "number": naming.number,
        "school": naming.school.name,
        "text": _(
            "rated in “%(round)s” after self-assessment, review and public notice:",
            round=naming.entry.round.name,
        ),
        "award": title_of(naming),
        "valid": _(
            "Valid from %(day)s to %(until)s",
            day=i18n.long_date(naming.named_on),
            until=i18n.long_date(naming.valid_until_on),
        ),
        "district": _("%(place)s education bureau", place=naming.school.district.name),
        "day": i18n.long_date(naming.named_on),
        "qr": qr(address),
        "scan": _("Scan to check this certificate"),
        "address": address.split("://", 1)[-1],
        "stars": 0 if naming.entry.round.results else naming.star,
    }
    return signing.stamped(documents.pdf("certificate", data), naming.content)


def loaded(wanted: Sequence[Any]) -> Any:
    """A query for namings with all that paper and check page show."""
    return (
        select(Naming)
        .where(*wanted)
        .options(
            joinedload(Naming.school).joinedload(School.district),
            joinedload(Naming.entry).joinedload(Entry.round).joinedload(Round.school_year),
        )
    )
