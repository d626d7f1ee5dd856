"""What ratings hold about people: what somebody wrote against a result. That it was examined stays, the words go."""

from portal.holdings import Act, held
from portal.i18n import lazy_gettext as _l
from portal.ratings.concerns import Concern

held(
    Concern,
    Act.EMPTY,
    person="author_id",
    blanks={"words": "—", "reply": ""},
    why=_l("That an objection was sent and examined belongs to the result of the school; the words go."),
)
