"""What a household does to get at its questionnaire: take its code out of the account, or have its pass signed blindly."""

from sqlalchemy import delete

from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.row_security import all_rows
from portal.surveys import blind, codes
from portal.surveys.models import SurveyBox, SurveyHousehold


def take_code(invited: SurveyHousehold) -> str:
    """The code of a household, marked as fetched in the current transaction. RuleBroken when a signed pass took its place."""
    if invited.token is None:
        raise RuleBroken(_("Your family has a pass already. Answer on the device on which it was fetched."))
    invited.fetched = True
    return invited.token


def sign(invited: SurveyHousehold, blinded: str) -> None:
    """Sign the blinded pass of a household, once, in the current transaction; the same one again changes nothing.

    The code goes, and with it what was answered with it: one household is one answer. ``invited`` has its school. RuleBroken when
    another pass was signed before, or what came is none.
    """
    row = invited.survey_school
    if row.signing_key is None or row.modulus is None:
        raise RuleBroken(_("The pass is being prepared. Try again in a minute."))
    try:
        message = blind.decoded(blinded)
        signature = blind.signed(row.signing_key, message)
    except ValueError:
        raise RuleBroken(
            _("Your browser sent no pass. Open the page again, or answer with a code."), status=422
        ) from None
    if invited.signature is not None:
        if not blind.is_over(row.modulus, invited.signature, message):
            raise RuleBroken(
                _("Your family has a pass already. Answer on the device on which it was fetched.")
            )
        return
    if invited.token is not None:
        with all_rows():
            db.session.execute(delete(SurveyBox).where(SurveyBox.key == codes.box_key(invited.token)))
    invited.token, invited.signature, invited.fetched = None, signature, True
