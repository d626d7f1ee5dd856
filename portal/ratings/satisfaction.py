"""How much of a rubric rests on what families say in questionnaires: at most six points of a hundred, or a reason that is kept.

Satisfaction separates schools badly and invites pressure on families (docs/simulation.md), so the limit is low. It is no wall: a
province's document may ask for more; then whoever signs the publication names it, and everybody who opens the rubric reads it.
"""

from fractions import Fraction

from portal.i18n import gettext as _
from portal.ratings import signatures
from portal.ratings.models import RubricVersion
from portal.ratings.reading import points
from portal.ratings.rubric import Rubric, RubricError
from portal.ratings.rubrics import AskedOf, asked_of, rubric_of

LIMIT = 6
WHY = "satisfaction"
"""Under this name the reason stands in what was signed."""


def share(rubric: Rubric) -> Fraction:
    """The points of all indicators that a questionnaire scores, of a hundred."""
    asked = [item for item in rubric.rated() if asked_of(item) is AskedOf.SURVEY]
    if not rubric.points:
        return Fraction(0)
    return sum((Fraction(item.points or 0) for item in asked), Fraction(0)) * 100 / Fraction(rubric.points)


def beyond(rubric: Rubric) -> str | None:
    """What to say about a rubric that gives questionnaires more than the limit; None when it does not."""
    found = share(rubric)
    if found <= LIMIT:
        return None
    return _(
        "Questionnaires decide %(share)s of 100 points; at most %(limit)s is sound. If a document asks for more, name it when you"
        " sign the publication.",
        share=points(found),
        limit=LIMIT,
    )


def is_beyond(version: RubricVersion) -> bool:
    """Whether a version goes beyond the limit; one that is not right yet does not."""
    try:
        return share(rubric_of(version)) > LIMIT
    except RubricError:
        return False


def reason_of(version: RubricVersion) -> str:
    """Why a version goes beyond the limit, as it was signed or waits to be; empty where nobody said. Two queries."""
    found = signatures.waiting(version, ("publish_rubric",)) or signatures.both(version, ("publish_rubric",))
    return str(found.values.get(WHY, "")) if found else ""
