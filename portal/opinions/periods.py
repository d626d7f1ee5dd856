"""How long the words of opinions are kept."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

from portal.i18n import lazy_gettext as _l
from portal.opinions.holdings import erase_words
from portal.opinions.models import Opinion
from portal.periods import Due, kind, mark, shown, unmarked


@kind(_l("Opinions and their answers"), _l("Statistics stay"), months=36, least=12)
def opinions(until: date) -> Due:
    """Closure + 3 years: the last answer, for an opinion that is not open again."""
    rows = shown(Opinion.id, Opinion.school_id, Opinion.answered_on, Opinion.number).where(
        Opinion.answered_on <= until, unmarked("opinions", Opinion.id)
    )

    def end(ids: Sequence[int]) -> None:
        erase_words(Opinion.id.in_(ids), Counter())
        mark("opinions", ids)

    return Due(rows, end, Opinion.pupil_id)
