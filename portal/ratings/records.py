"""The signed record of a decision: what it rests on, word for word or as fingerprints, kept for ever, and its paper.

Made in the transaction of the act itself: a decision, a changed result, and whatever names a school or takes the name away
(``keep`` with an act of its own). Criteria, evidence, sheets, agreed points, vetoes, the hearing, objections, days and
signatures are in it, and where the log stood; the log in turn keeps the record's fingerprint. A later record takes nothing back.
"""

import io
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import segno
from flask import url_for
from sqlalchemy import (
    func,
    select,
)
from sqlalchemy.orm import joinedload, selectinload

from portal import clock, documents
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.i18n import listing, long_date
from portal.ratings import panels, programmes, signatures, signing, states, windows
from portal.ratings.assessing import latest_snapshot
from portal.ratings.canonical import canonical, digest, restored
from portal.ratings.decided import DecisionRecord
from portal.ratings.minutes import PRESENCE_NAMES, Presence
from portal.ratings.models import OBJECTION_STATE_NAMES, TIER_NAMES, Entry, Round, Sheet
from portal.trail.models import HEAD, note

DECIDED, CHANGED = "decided", "changed"
ACTS = {DECIDED: _l("Decision on the star rating"), CHANGED: _l("Decision after an examination")}
"""What a record can be of; who adds an act adds its name."""
KIND = "gongyu.rating"
VERSION = 1


def keep(entry: Entry, act: str) -> DecisionRecord:
    """Make and keep the next record of a school in a round, in the current transaction; call it when all else is set."""
    db.session.flush()
    content = canonical(content_of(entry.id, act))
    number = db.session.scalar(select(func.count()).where(DecisionRecord.entry_id == entry.id)) or 0
    made = DecisionRecord(
        entry_id=entry.id,
        number=number + 1,
        act=act,
        made_at=clock.now(),
        content=content,
        sha256=digest(content),
        signature=signing.sign(content),
    )
    db.session.add(made)
    db.session.flush()
    note("rating.record", entry, person_id=None, number=made.number, of=act, sha256=made.sha256)
    return made


def records_of(entry_id: int) -> Sequence[DecisionRecord]:
    """The records of a school in a round, oldest first."""
    wanted = select(DecisionRecord).where(DecisionRecord.entry_id == entry_id).order_by(DecisionRecord.number)
    return db.session.scalars(wanted).all()


def is_untouched(record: DecisionRecord) -> bool:
    """Whether a stored record is word for word what was signed."""
    return digest(record.content) == record.sha256 and signing.is_genuine(record.content, record.signature)


def content_of(entry_id: int, act: str) -> dict[str, Any]:
    """What a record of an act says of an entry as it stands in this transaction."""
    entry = db.session.scalars(
        select(Entry)
        .where(Entry.id == entry_id)
        .options(
            joinedload(Entry.school),
            joinedload(Entry.round).joinedload(Round.rubric_version),
            joinedload(Entry.round).joinedload(Round.school_year),
            joinedload(Entry.round).joinedload(Round.district),
            selectinload(Entry.sheets).selectinload(Sheet.marks),
            selectinload(Entry.consensuses),
            selectinload(Entry.vetoes),
            selectinload(Entry.objections),
        )
        .execution_options(populate_existing=True)
    ).one()
    round_, version = entry.round, entry.round.rubric_version
    head = db.session.execute(select(HEAD.c.sequence, HEAD.c.entry_hash)).one()
    return {
        "kind": KIND,
        "version": VERSION,
        "act": act,
        "made_at": _moment(clock.now()),
        "entry": entry.public_id,
        "district": round_.district.name,
        "school": {"id": entry.school.public_id, "name": entry.school.name},
        "round": {
            "id": round_.public_id,
            "name": round_.name,
            "year": round_.school_year.label,
            "programme": round_.programme,
        },
        "criteria": {"name": version.name, "version": version.version, "sha256": version.sha256},
        "snapshot": _snapshot(entry),
        "sheets": [_sheet(sheet) for sheet in entry.sheets],
        "agreed": _digests(entry.consensuses, "item_id", ("facts", "reason")),
        "vetoes": _digests(entry.vetoes, "veto_id", ("reason",)) if entry.vetoes else {},
        "panel": _panel(entry),
        "hearing": _hearing(entry),
        "objections": [_case(case) for case in entry.objections],
        "days": _days(entry),
        "result": {
            "star": entry.star,
            "total": entry.total,
            "inputs": digest(entry.inputs or ""),
            "result": digest(entry.result or ""),
            "remark": digest(entry.decision_text),
        },
        "signed_by": _signed(entry),
        "log": {"sequence": head.sequence, "hash": bytes(head.entry_hash).hex()},
    }


def _moment(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat(timespec="seconds")


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _snapshot(entry: Entry) -> dict[str, Any] | None:
    found = latest_snapshot(entry)
    return (
        None
        if found is None
        else {"number": found.number, "sha256": found.sha256, "taken_at": _moment(found.taken_at)}
    )


def _sheet(sheet: Sheet) -> dict[str, Any]:
    marks = {mark.item_id: [mark.facts, mark.reason] for mark in sheet.marks}
    found = {"id": sheet.public_id, "locked_at": _moment(sheet.locked_at), "sha256": digest(canonical(marks))}
    void = {"at": _moment(sheet.voided_at), "reason": sheet.void_reason} if sheet.voided_at else None
    return {**found, "seat": sheet.seat, "leads": sheet.is_lead, "void": void}


def _digests(rows: Sequence[Any], name: str, columns: Sequence[str]) -> dict[str, str]:
    return {
        getattr(row, name): digest(canonical([getattr(row, column) for column in columns])) for row in rows
    }


def _panel(entry: Entry) -> dict[str, Any] | None:
    """The newest meeting of the panel; None in rounds without one."""
    found = next(iter(panels.meetings_of(entry.id)), None)
    if found is None:
        return None
    return {
        "number": found.number,
        "held_on": _day(found.held_on),
        "chair": found.chair.name,
        **{str(how): found.names(how) for how in Presence},
        "why_aside": found.why_aside,
        "in_favour": found.in_favour,
        "proposal": {"star": found.star, "total": found.total},
        "minutes": digest(found.text),
        "basis": found.basis,
    }


def _hearing(entry: Entry) -> dict[str, Any]:
    return {
        "told_at": _moment(entry.opined_at),
        "opinion": digest(entry.opinion_text),
        "answer_by": _day(entry.defence_due_on),
        "answered_at": _moment(entry.defended_at),
        "answer": digest(entry.defence_text),
        "looked_at_again": _moment(entry.reopened_at),
    }


def _case(case: Any) -> dict[str, Any]:
    return {
        "step": case.tier,
        "state": str(case.state),
        "sent_at": _moment(case.filed_at),
        "text": digest(case.text),
        "answer_by": _day(case.answer_due_on),
        "answered_at": _moment(case.answered_at),
        "answer": digest(case.answer_text),
        "changes": digest(case.changes),
        "appeal_by": _day(case.appeal_due_on),
    }


def _days(entry: Entry) -> dict[str, Any]:
    round_ = entry.round
    return {
        "self_assessment_until": _day(round_.self_assessment_due_on),
        "submitted_at": _moment(entry.submitted_at),
        "scoring_until": _day(round_.scoring_due_on),
        "decided_at": _moment(entry.decided_at),
        "published_on": _day(round_.published_on),
        "public_notice_until": _day(round_.publicity_ends_on),
        "valid_until": _day(round_.valid_until_on),
        "windows": [_window(one) for one in windows.shown(round_.id, entry.id)],
    }


def _window(window: windows.Window) -> dict[str, Any]:
    return {
        "step": window.step,
        "rule": window.rule,
        "opened_on": _day(window.opened_on),
        "last_on": _day(window.last_on),
        "provisional": window.provisional,
        "changes": [[_day(one.before_on), _day(one.after_on), digest(one.reason)] for one in window.changes],
    }


def _signed(entry: Entry) -> list[dict[str, Any]]:
    """Who signed: under the decision, and under each answer to an objection."""
    found = [signatures.both(entry, states.DECIDING)]
    found += [signatures.both(case, ("uphold", "change")) for case in entry.objections]
    return [
        {
            "act": one.verb,
            "first": one.first.name,
            "first_at": _moment(one.signed_at),
            "second": one.second.name if one.second else None,
            "second_at": _moment(one.ended_at),
            "basis": one.basis,
        }
        for one in found
        if one is not None
    ]


def paper(record: DecisionRecord) -> bytes:
    """A record as the signed PDF that the school keeps: everything a person needs to read, and the whole record in it."""
    said = restored(record.content)
    address = url_for("ratings.school_records", public_id=said["school"]["id"], _external=True)
    office = _("%(place)s education bureau", place=said["district"])
    made = documents.pdf(
        "rating_decision",
        {
            "title": _title(record.act, _programme(said)),
            "office": office,
            "school": said["school"]["name"],
            "lead": _("%(round)s · record %(number)s", round=said["round"]["name"], number=record.number),
            "result": _result(said),
            "sections": [[title, [list(line) for line in lines]] for title, lines in _sections(said)],
            "prints": [list(line) for line in _prints(record, said)],
            "prints_title": _("Fingerprints (SHA-256)"),
            "signed": _(
                "Signed by %(office)s on %(day)s",
                office=office,
                day=long_date(clock.local(record.made_at).date()),
            ),
            "check": _("Scan to compare this document with the one that is kept:"),
            "address": address,
            "qr": _qr(address),
            "how": _(
                "This file carries a signature. Whoever has the public key can check with scripts/verify_signed.py"
                " that no letter of it was changed."
            ),
        },
    )
    return signing.stamped(made, record.content)


def _qr(address: str) -> str:
    drawn = io.BytesIO()
    segno.make(address, error="m", boost_error=False).save(
        drawn, kind="svg", border=0, xmldecl=False, svgns=True, nl=False
    )
    return drawn.getvalue().decode()


def _programme(said: dict[str, Any]) -> programmes.Programme:
    """Which kind of round a record is of; records from before it was written down are star ratings."""
    return programmes.of(said["round"].get("programme", programmes.STARS))


def _title(act: str, programme: programmes.Programme) -> str:
    if act == DECIDED and programme.name != programmes.STARS:
        return _("Decision: %(programme)s", programme=programme.label)
    return str(ACTS.get(act, _("Record of the star rating")))


def _result(said: dict[str, Any]) -> str:
    star, total = said["result"]["star"], said["result"]["total"]
    return _("%(star)s, %(points)s points", star=_programme(said).word(star or 0), points=total)


Lines = list[tuple[str, str]]


def _sections(said: dict[str, Any]) -> list[tuple[str, Lines]]:
    """What a person reads: criteria, days and hearing, objections, signatures."""
    days, heard = said["days"], said["hearing"]
    rows: Lines = [
        (
            _("Rubric"),
            _(
                "%(name)s, version %(number)s",
                name=said["criteria"]["name"],
                number=said["criteria"]["version"],
            ),
        ),
        (_("School year"), said["round"]["year"]),
        (_("Day of the self-assessment"), _shown(days["submitted_at"])),
        (_("Sheets"), _("%(num)s, locked apart from each other", num=len(_counted(said)))),
        *((_("Void sheet"), one["void"]["reason"]) for one in said["sheets"] if one.get("void")),
        (_("First opinion given"), _shown(heard["told_at"])),
        (_("The school could answer until"), _shown(heard["answer_by"])),
        (_("Answer of the school"), _shown(heard["answered_at"]) or _("The school said nothing")),
        (_("Day of the decision"), _shown(days["decided_at"])),
        (_("Published on"), _shown(days["published_on"])),
        (_("Public notice until"), _shown(days["public_notice_until"])),
        (_("Valid until"), _shown(days["valid_until"])),
    ]
    found = [(_("How the decision came about"), [row for row in rows if row[1]])]
    if said.get("panel"):
        found.append((_("Panel"), _panel_lines(said["panel"])))
    cases = [
        (
            str(TIER_NAMES[case["step"]]),
            _(
                "%(state)s, answered on %(day)s",
                state=str(OBJECTION_STATE_NAMES[case["state"]]),
                day=_shown(case["answered_at"]) or "–",
            ),
        )
        for case in said["objections"]
    ]
    if cases:
        found.append((_("Objection and appeals"), cases))
    signed = [
        (
            _("Signed"),
            _(
                "%(first)s on %(day)s, then %(second)s on %(later)s",
                first=one["first"],
                day=_shown(one["first_at"]),
                second=one["second"],
                later=_shown(one["second_at"]),
            ),
        )
        for one in said["signed_by"]
    ]
    return [*found, (_("Two signatures"), signed)] if signed else found


def _panel_lines(told: dict[str, Any]) -> Lines:
    rows: Lines = [
        (_("Day of the meeting"), _shown(told["held_on"])),
        (_("Who chaired the meeting"), told["chair"]),
        *((str(PRESENCE_NAMES[how]), listing(told[how])) for how in Presence if told[how]),
        (_("Why they stepped aside"), told["why_aside"]),
        (_("How many were for the proposal"), str(told["in_favour"])),
    ]
    return [row for row in rows if row[1]]


def _shown(text: str | None) -> str:
    if not text:
        return ""
    day = date.fromisoformat(text) if len(text) == 10 else clock.local(datetime.fromisoformat(text)).date()
    return long_date(day)


def _counted(said: dict[str, Any]) -> list[dict[str, Any]]:
    """The sheets that were scored and count."""
    return [one for one in said["sheets"] if one["locked_at"] and not one.get("void")]


def _prints(record: DecisionRecord, said: dict[str, Any]) -> Lines:
    return [
        (_("This record"), record.sha256),
        (_("Rubric"), said["criteria"]["sha256"]),
        (_("Evidence"), (said["snapshot"] or {}).get("sha256", "–")),
        *(
            (_("Sheet %(number)s", number=number), one["sha256"])
            for number, one in enumerate((one for one in said["sheets"] if one["locked_at"]), 1)
        ),
        (_("Result"), said["result"]["result"]),
        (_("Log, entry %(number)s", number=said["log"]["sequence"]), said["log"]["hash"]),
    ]
