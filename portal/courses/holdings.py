"""What courses hold about families: how many of a household were there."""

from portal.courses.models import Seat
from portal.holdings import Act, held
from portal.i18n import lazy_gettext as _l

held(
    Seat, Act.KEEP, why=_l("That a household was there counts in the numbers of the school; it names nobody.")
)
