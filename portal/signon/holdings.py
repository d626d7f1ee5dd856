"""What single sign-on holds about people: nothing."""

from portal.holdings import Act, held
from portal.i18n import lazy_gettext as _l
from portal.signon.models import SignOnProvider

held(SignOnProvider, Act.KEEP, why=_l("The district's own access to its provider; it tells of nobody."))
