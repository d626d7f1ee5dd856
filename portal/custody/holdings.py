"""What restrictions hold: while one holds, nobody concerned can be erased (``portal/privacy/blocks.py``)."""

from portal.custody.models import Restriction
from portal.holdings import Act, held
from portal.i18n import lazy_gettext as _l
from portal.schools.holdings import of_ties

held(
    Restriction,
    Act.EMPTY,
    person=of_ties(Restriction.guardianship_id),
    pupil="pupil_id",
    blanks={"number": "", "court": "", "refusal": "", "end_reason": ""},
    why=_l("That a restriction was decided by two people and when; the paper itself goes."),
)
