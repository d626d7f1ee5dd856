"""How long files are kept that belong to nothing."""

from datetime import date

from portal.files.models import File, State
from portal.i18n import lazy_gettext as _l
from portal.periods import GONE, NO_SCHOOL, NO_WORD, Due, after, gone, kind, shown


@kind(_l("Files that the virus check refused"), GONE, days=30, fixed=True)
def refused_files(until: date) -> Due:
    """A month, so that whoever brought it can be told. Every other file goes with the record it belongs to."""
    rows = shown(File.id, NO_SCHOOL, File.scanned_at, NO_WORD).where(
        File.state == State.REFUSED, File.scanned_at < after(until)
    )
    return Due(rows, lambda ids: gone(File, File.id, ids))
