"""How long the files and the free words of a rating are kept; results, scores, hashes and reasons for scores stay."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import and_, delete, func, select, update

from portal.extensions import db
from portal.files.models import File
from portal.holdings import Counted, empty
from portal.i18n import lazy_gettext as _l
from portal.periods import Due, after, day_of, gone, kind, mark, shown, unmarked
from portal.ratings.asking import RatingQuestion
from portal.ratings.concerns import SLOT, Concern
from portal.ratings.ended import GONE, end_words
from portal.ratings.evidence import Evidence
from portal.ratings.interests import Interest
from portal.ratings.minutes import Meeting
from portal.ratings.models import Entry, Objection, ObjectionState, Sheet
from portal.ratings.onsite import SheetClash, SheetNote
from portal.ratings.standing import Appeal, LightCheck


@kind(_l("Files handed in for a star rating"), _l("Name, fingerprint and purpose stay"), months=36, least=36)
def rating_evidence(until: date) -> Due:
    """Decision + 3 years, as long as the star is usually valid and can be questioned; the file and its key go."""
    here = and_(File.owner_kind == "rating_evidence", File.owner_id == Evidence.id)
    rows = (
        shown(File.id, Entry.school_id, day_of(Entry.decided_at), Evidence.item_id)
        .select_from(File)
        .join(Evidence, here)
        .join(Entry, Entry.id == Evidence.entry_id)
        .where(Entry.decided_at < after(until))
    )

    def end(ids: Sequence[int]) -> None:
        gone(File, File.id, ids)

    return Due(rows, end)


@kind(_l("Objections of others to a star rating"), _l("That it was examined stays"), months=36, least=12)
def rating_concerns(until: date) -> Due:
    """Answer + 3 years: the words and the files go."""
    rows = (
        shown(Concern.id, Entry.school_id, day_of(Concern.closed_at), Concern.state)
        .select_from(Concern)
        .join(Entry, Entry.id == Concern.entry_id)
        .where(Concern.closed_at < after(until), unmarked("rating_concerns", Concern.id))
    )

    def end(ids: Sequence[int]) -> None:
        gone_files(ids)
        empty(Concern, Concern.id.in_(ids), {"words": "—", "reply": ""}, Counted())
        mark("rating_concerns", ids)

    return Due(rows, end)


@kind(_l("Questions to a school about its rating"), _l("Rule, numbers and days stay"), months=36, least=12)
def rating_questions(until: date) -> Due:
    """Closed + 3 years, as long as the star is usually valid: what the school answered and how the district closed it goes."""
    asked = RatingQuestion
    rows = (
        shown(asked.id, Entry.school_id, day_of(asked.closed_at), asked.rule)
        .select_from(asked)
        .join(Entry, Entry.id == asked.entry_id)
        .where(asked.closed_at < after(until), unmarked("rating_questions", asked.id))
    )

    def end(ids: Sequence[int]) -> None:
        for words, said in ((asked.answer, asked.answered_at), (asked.closing, asked.closed_at)):
            db.session.execute(
                update(asked).where(asked.id.in_(ids), said.is_not(None)).values({words.key: "—"})
            )
        mark("rating_questions", ids)

    return Due(rows, end)


@kind(_l("Notes of inspectors on site"), _l("Kind, day and indicators stay"), months=36, least=12)
def rating_notes(until: date) -> Due:
    """Decision + 3 years, as long as the star is usually valid and can be questioned: with whom and what was said goes."""
    return _of_sheets("rating_notes", SheetNote, SheetNote.kind, {"text": GONE, "with_whom": GONE}, until)


@kind(_l("Second texts of a score sheet"), _l("That two devices differed stays"), months=36, least=12)
def rating_clashes(until: date) -> Due:
    """Decision + 3 years, as the notes: what a device had written otherwise goes."""
    return _of_sheets("rating_clashes", SheetClash, SheetClash.subject, {"content": "{}"}, until)


def _of_sheets(name: str, model: Any, what: Any, blanks: dict[str, str], until: date) -> Due:
    rows = (
        shown(model.id, Entry.school_id, day_of(Entry.decided_at), what)
        .select_from(model)
        .join(Sheet, Sheet.id == model.sheet_id)
        .join(Entry, Entry.id == Sheet.entry_id)
        .where(Entry.decided_at < after(until), unmarked(name, model.id))
    )

    def end(ids: Sequence[int]) -> None:
        of = select(model.id, Sheet.entry_id).join(Sheet, Sheet.id == model.sheet_id)
        end_words(model, of, ids, blanks)
        mark(name, ids)

    return Due(rows, end)


@kind(
    _l("Ties that inspectors declared"),
    _l("Who, which school, the kind of tie and the day stay"),
    months=36,
    least=12,
)
def rating_ties(until: date) -> Due:
    """Declared + 3 years: the words about it go. That there is a tie still counts when inspectors are chosen."""
    rows = shown(Interest.id, Interest.school_id, day_of(Interest.declared_at), Interest.kind).where(
        Interest.declared_at < after(until), unmarked("rating_ties", Interest.id)
    )

    def end(ids: Sequence[int]) -> None:
        of = select(Interest.id, Sheet.entry_id).join(Sheet, Sheet.id == Interest.sheet_id)
        end_words(Interest, of, ids, {"reason": GONE})
        mark("rating_ties", ids)

    return Due(rows, end)


@kind(
    _l("Words of objections and appeals of schools"),
    _l("Indicators, outcome, changed scores and days stay"),
    months=36,
    least=12,
)
def rating_objections(until: date) -> Due:
    """Answered (or sent, where it lapsed or was withdrawn) + 3 years: what the school and the hearer wrote goes."""
    begun = func.coalesce(Objection.answered_at, Objection.filed_at)
    rows = (
        shown(Objection.id, Entry.school_id, day_of(begun), Objection.state)
        .join(Entry, Entry.id == Objection.entry_id)
        .where(
            Objection.state != ObjectionState.OPEN,
            begun < after(until),
            unmarked("rating_objections", Objection.id),
        )
    )

    def end(ids: Sequence[int]) -> None:
        of = select(Objection.id, Objection.entry_id)
        end_words(Objection, of, ids, {"text": GONE, "answer_text": GONE})
        mark("rating_objections", ids)

    return Due(rows, end)


@kind(_l("Words of appeals against measures"), _l("The measure, outcome and days stay"), months=36, least=12)
def rating_appeals(until: date) -> Due:
    """Answered (or sent, where it lapsed or was withdrawn) + 3 years: what the school and the hearer wrote goes."""
    begun = func.coalesce(Appeal.answered_at, Appeal.filed_at)
    rows = (
        shown(Appeal.id, Entry.school_id, day_of(begun), Appeal.state)
        .join(Entry, Entry.id == Appeal.entry_id)
        .where(
            Appeal.state != ObjectionState.OPEN, begun < after(until), unmarked("rating_appeals", Appeal.id)
        )
    )

    def end(ids: Sequence[int]) -> None:
        of = select(Appeal.id, Appeal.entry_id)
        end_words(Appeal, of, ids, {"text": GONE, "answer_text": GONE})
        mark("rating_appeals", ids)

    return Due(rows, end)


@kind(
    _l("Words of minutes of a panel"),
    _l("Who was there, the vote and the proposal stay"),
    months=36,
    least=36,
)
def rating_minutes(until: date) -> Due:
    """Decision + 3 years, as long as the star is usually valid and can be questioned: what was said, and why somebody stepped
    aside, goes. The signed record keeps the fingerprint of the words it rests on."""
    rows = (
        shown(Meeting.id, Entry.school_id, day_of(Entry.decided_at), Meeting.number)
        .join(Entry, Entry.id == Meeting.entry_id)
        .where(Entry.decided_at < after(until), unmarked("rating_minutes", Meeting.id))
    )

    def end(ids: Sequence[int]) -> None:
        end_words(Meeting, select(Meeting.id, Meeting.entry_id), ids, {"text": GONE, "why_aside": GONE})
        mark("rating_minutes", ids)

    return Due(rows, end)


@kind(
    _l("Reports of yearly light checks"), _l("Year, indicators, outcome and days stay"), months=36, least=12
)
def rating_checks(until: date) -> Due:
    """Found + 3 years, as long as a naming usually lasts: the school's report, the question and the words of the finding go."""
    rows = (
        shown(LightCheck.id, Entry.school_id, day_of(LightCheck.found_at), LightCheck.state)
        .join(Entry, Entry.id == LightCheck.entry_id)
        .where(LightCheck.found_at < after(until), unmarked("rating_checks", LightCheck.id))
    )

    def end(ids: Sequence[int]) -> None:
        of = select(LightCheck.id, LightCheck.entry_id)
        end_words(LightCheck, of, ids, {"report": "{}", "question": GONE, "finding": GONE})
        mark("rating_checks", ids)

    return Due(rows, end)


def gone_files(ids: Sequence[int]) -> None:
    """Delete the files of objections."""
    db.session.execute(
        delete(File).where(File.owner_kind == "rating_concern", File.slot == SLOT, File.owner_id.in_(ids))
    )
