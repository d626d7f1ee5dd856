"""What imports hold about people: the rows they read and changed, until nobody undoes them any more.

Which rows tell of somebody stands in their sealed parts and labels; ``portal/privacy/erasing.py`` looks there.
"""

from typing import Any

from sqlalchemy import and_

from portal.holdings import Act, Subject, held
from portal.i18n import lazy_gettext as _l
from portal.roster.models import RosterChange, RosterImport, RosterProblem


def _of_person(subject: Subject) -> Any:
    return and_(RosterChange.table_name == "person", RosterChange.record_id == subject.person_id)


def _of_pupil(subject: Subject) -> Any:
    return and_(RosterChange.table_name == "pupil", RosterChange.record_id == subject.pupil_id)


held(RosterImport, Act.KEEP, why=_l("That a roster was brought in; the rows it read go."))
held(RosterChange, Act.ERASE, person=_of_person, pupil=_of_pupil)
held(RosterProblem, Act.ERASE, why=_l("Problems that name the person go; they are found by what they say."))
