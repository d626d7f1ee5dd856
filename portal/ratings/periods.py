"""How long the files of a rating are kept; results, hashes and reasons stay with the log."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import and_, delete, update

from portal.extensions import db
from portal.files.models import File
from portal.holdings import Counted, empty
from portal.i18n import lazy_gettext as _l
from portal.periods import Due, after, day_of, gone, kind, mark, shown, unmarked
from portal.ratings.asking import RatingQuestion
from portal.ratings.concerns import SLOT, Concern
from portal.ratings.evidence import Evidence
from portal.ratings.models import Entry


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


def gone_files(ids: Sequence[int]) -> None:
    """Delete the files of objections."""
    db.session.execute(
        delete(File).where(File.owner_kind == "rating_concern", File.slot == SLOT, File.owner_id.in_(ids))
    )
