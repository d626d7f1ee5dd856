"""What questionnaires hold about families: that a household is asked, until the closing. Answers belong to nobody."""

from portal.holdings import Act, held
from portal.i18n import lazy_gettext as _l
from portal.surveys.models import (
    SurveyAnswer,
    SurveyBox,
    SurveyHousehold,
    SurveyPressure,
    SurveyRemark,
    SurveySchool,
)

NOBODYS = _l("Answered without a name: nobody, the portal included, can tell whose it is.")
held(
    SurveyHousehold,
    Act.KEEP,
    why=_l("That a household is asked, while a questionnaire is open; the row goes at the closing."),
)
held(SurveyBox, Act.KEEP, why=NOBODYS)
held(SurveyAnswer, Act.KEEP, why=NOBODYS)
held(SurveyRemark, Act.KEEP, why=NOBODYS)
held(SurveyPressure, Act.KEEP, why=NOBODYS)
held(SurveySchool, Act.KEEP, why=_l("That a school is asked, and the key that signs blindly; about nobody."))
