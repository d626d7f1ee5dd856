"""How long the log is kept. It is one chain for the whole portal, so the longest of what the districts have set counts."""

from datetime import date, timedelta

from sqlalchemy import select

from portal.extensions import db
from portal.i18n import lazy_gettext as _l
from portal.schools.models import District
from portal.settings import Number, Setting

LEDGER = Setting(
    "privacy.keep_ledger",
    Number(6, 240, _l("months")),
    36,
    label=_l("The log of changes and readings"),
    help=_l(
        "At least six months by law (Cybersecurity Law, art. 21); three years as a rule. Of several districts the longest counts."
    ),
)


def months(day: date) -> int:
    """The months for which entries are kept on a day: the longest of all districts, the ordinary ones without any."""
    districts = db.session.scalars(select(District.id).order_by(District.id)).all()
    return max((LEDGER.on(day, district_id=one) for one in districts), default=LEDGER.default)


def kept_for(day: date) -> timedelta:
    """The same in days, a month as thirty and a half."""
    return timedelta(days=30.5 * months(day))
