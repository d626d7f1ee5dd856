"""What recoveries hold about people."""

from portal.holdings import Act, held
from portal.i18n import lazy_gettext as _l
from portal.recovery.models import Recovery, RecoveryAsking

held(Recovery, Act.ERASE, person="person_id", pupil="pupil_id")
held(RecoveryAsking, Act.KEEP, why=_l("What a stranger typed, tied to nobody; it goes after a day."))
