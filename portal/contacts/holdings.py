"""What changes of details and wrong numbers hold about families."""

from portal.contacts.models import ChangeRequest, WrongNumber
from portal.holdings import Act, held

held(ChangeRequest, Act.ERASE, person="person_id", pupil="pupil_id")
held(WrongNumber, Act.ERASE, person="person_id")
