"""What the register of data rights holds about people."""

from portal.holdings import Act, held
from portal.i18n import lazy_gettext as _l
from portal.privacy.models import (
    AuditLine,
    Consent,
    DataCopy,
    ErasureRequest,
    ExportRequest,
    LegalHold,
    ReaderQuestion,
)

BLANK = "—"
held(
    Consent,
    Act.KEEP,
    why=_l("How many agreed to what counts in the yearly report, without child and guardian."),
)
held(ReaderQuestion, Act.ERASE, person="person_id", pupil="pupil_id")
held(DataCopy, Act.ERASE, person="person_id")
held(
    ErasureRequest,
    Act.EMPTY,
    person="person_id",
    pupil="pupil_id",
    blanks={"words": ""},
    why=_l("That erasure was asked for, decided and done is the proof of it."),
)
held(
    LegalHold,
    Act.EMPTY,
    pupil="pupil_id",
    blanks={"reason": BLANK},
    why=_l("From when to when an investigation kept the data."),
)
held(ExportRequest, Act.KEEP, why=_l("Who took out what, when and why; the file itself goes within a day."))
held(AuditLine, Act.KEEP, why=_l("The district's own words in its yearly report; it names no child."))
