"""What ratings hold about people: what somebody wrote against a result. That it was examined stays, the words go."""

from portal.holdings import Act, held
from portal.i18n import lazy_gettext as _l
from portal.ratings.concerns import Concern
from portal.ratings.interests import Interest
from portal.ratings.minutes import Attendance, Meeting

held(
    Concern,
    Act.EMPTY,
    person="author_id",
    blanks={"words": "—", "reply": ""},
    why=_l("That an objection was sent and examined belongs to the result of the school; the words go."),
)
held(
    Interest,
    Act.KEEP,
    person="person_id",
    why=_l("Why an inspector stepped aside belongs to the result of the school."),
)
held(
    Attendance,
    Act.KEEP,
    person="person_id",
    why=_l("Who sat on the panel, and who stepped aside, belongs to the result of the school."),
)
held(Meeting, Act.KEEP, person="chair_id", why=_l("Minutes of a panel belong to the result of the school."))
