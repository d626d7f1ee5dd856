"""What joining holds about families."""

from portal.holdings import Act, held
from portal.i18n import lazy_gettext as _l
from portal.joining.models import GuardianNews, JoiningRequest, JoiningSheet, JoiningSlip
from portal.schools.holdings import of_ties

held(JoiningSheet, Act.KEEP, why=_l("That slips were printed; their codes go after an hour."))
held(JoiningSlip, Act.ERASE, pupil="pupil_id")
held(
    JoiningRequest,
    Act.ERASE,
    person=("person_id", of_ties(JoiningRequest.tie_id)),
    pupil="pupil_id",
)
held(GuardianNews, Act.ERASE, person="person_id", pupil="pupil_id")
