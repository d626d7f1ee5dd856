"""Sketches of what was written about a visit: enough to see that two texts are alike, and nothing that can be read.

The text is cut into pieces of eight characters, each piece becomes a number that only the portal's key can make, and
the smallest few numbers are kept (bottom-k sketch, Broder 1997). Two texts share about as many of these numbers as they
share pieces. The school is part of the number, so sketches of two schools cannot be compared at all; names of the child
are left out first, so that a note copied from one child to the next is still seen.
"""

import unicodedata
from collections.abc import Iterable

from sqlalchemy import select

from portal.extensions import db
from portal.jobs.queue import every, task
from portal.keys.sealing import blind_index
from portal.row_security import all_rows
from portal.schools.models import Pupil
from portal.visits.models import Visit, VisitPart

PIECE = 8
"""Characters in a piece: long enough that a piece is nearly unique, as ``blind_index`` asks for."""
LEAST_LENGTH = 24
"""Letters below which a text says too little to be called a copy (「孩子很好，家长很配合」)."""
NUMBERS = 24
"""Numbers kept of one text; the share of two texts is then known to about a tenth."""
NUMBER_BYTES = 6
AT_ONCE, LOTS = 200, 20
"""Older parts sketched in one transaction, and transactions in one run of the job."""

Sketch = frozenset[bytes]
NOTHING: Sketch = frozenset()


def plain(text: str, names: Iterable[str] = ()) -> str:
    """The letters of a text, without names, digits, spaces and signs: what stays when a note is only touched up."""
    for name in names:
        text = text.replace(name, "")
    return "".join(letter for letter in unicodedata.normalize("NFKC", text).casefold() if letter.isalpha())


def sketch_of(text: str, school_id: int, names: Iterable[str] = (), secret: bytes | None = None) -> bytes:
    """The sketch of a text as it is stored: up to ``NUMBERS`` numbers one after the other; empty for a short text.

    ``secret`` stands in for the portal's key where there is no portal around.
    """
    letters = plain(text, names)
    if len(letters) < LEAST_LENGTH:
        return b""
    pieces = {letters[at : at + PIECE] for at in range(len(letters) - PIECE + 1)}
    place = f"visit.sketch.{school_id}"
    numbers = sorted(blind_index(place, piece, secret)[:NUMBER_BYTES] for piece in pieces)
    return b"".join(numbers[:NUMBERS])


def numbers_of(stored: bytes | None) -> Sketch:
    """A stored sketch as a set of numbers."""
    stored = stored or b""
    return frozenset(stored[at : at + NUMBER_BYTES] for at in range(0, len(stored), NUMBER_BYTES))


def likeness(one: Sketch, other: Sketch) -> float:
    """The share of pieces that two texts have in common, 0 to 1, as far as their sketches tell."""
    if not one or not other:
        return 0.0
    smallest = sorted(one | other)[:NUMBERS]
    return len(one & other & set(smallest)) / len(smallest)


def names_in(pupil: str) -> tuple[str, ...]:
    """How a note may call a child: by the whole name, and without the family name."""
    return (pupil, pupil[1:]) if len(pupil) > 2 else (pupil,)


def keep(part: VisitPart, pupil_id: int, school_id: int) -> None:
    """Sketch what one author wrote, in the current transaction; sealed notes never come here."""
    with all_rows():
        name = db.session.scalar(select(Pupil.name).where(Pupil.id == pupil_id)) or ""
    part.sketch = sketch_of(f"{part.hopes}\n{part.note}", school_id, names_in(name))


@task
@every(600)
def sketch_older() -> None:
    """Sketch parts that were written before there were sketches, some thousands at a time; later runs find fewer."""
    for _lot in range(LOTS):
        wanted = (
            select(VisitPart, Visit.school_id, Pupil.name)
            .join(Visit, Visit.id == VisitPart.visit_id)
            .join(Pupil, Pupil.id == Visit.pupil_id)
            .where(VisitPart.sketch.is_(None))
            .order_by(VisitPart.id.desc())
            .limit(AT_ONCE)
        )
        found = db.session.execute(wanted).all()
        for part, school_id, name in found:
            part.sketch = sketch_of(f"{part.hopes}\n{part.note}", school_id, names_in(name))
        db.session.commit()
        if len(found) < AT_ONCE:
            return
