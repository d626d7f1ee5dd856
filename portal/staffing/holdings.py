"""What appointments and transfers hold about people."""

from portal.holdings import Act, held
from portal.i18n import lazy_gettext as _l
from portal.staffing.models import AccessSlip, AppointmentRequest, HandOver, PupilTransfer

held(AccessSlip, Act.ERASE, person="person_id")
held(AppointmentRequest, Act.ERASE, person="person_id")
held(
    PupilTransfer,
    Act.EMPTY,
    pupil="pupil_id",
    blanks={"destination": ""},
    why=_l("That a child came or went counts in the numbers of both schools; it names nobody."),
)
held(HandOver, Act.KEEP, why=_l("What the school did at the turn of the year, in numbers of rows."))
