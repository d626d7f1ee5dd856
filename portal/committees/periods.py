"""How long committees are kept."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func

from portal.committees.models import Committee
from portal.i18n import lazy_gettext as _l
from portal.periods import Due, gone, kind, shown


@kind(_l("Parent committees whose term is over"), _l("Gone with members and meetings"), months=60, least=12)
def committees(until: date) -> Due:
    """Five years after the term: longer than a title of a rating that rests on it holds."""
    over = func.coalesce(Committee.ended_on, Committee.until_on)
    rows = shown(Committee.id, Committee.school_id, over, Committee.scope_name).where(over <= until)

    def end(ids: Sequence[int]) -> None:
        gone(Committee, Committee.id, ids)

    return Due(rows, end)
