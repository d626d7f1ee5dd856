"""What notices hold about families: that one was opened and confirmed."""

from portal.holdings import Act, held
from portal.i18n import lazy_gettext as _l
from portal.notices.models import NoticeHousehold, NoticeReceipt

READ = _l("That a notice was opened and confirmed counts in its numbers; it names nobody.")
held(NoticeReceipt, Act.KEEP, why=READ)
held(NoticeHousehold, Act.KEEP, why=READ)
