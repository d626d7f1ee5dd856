"""What single sign-on holds about people: which subject of a provider they are."""

from portal.holdings import Act, held
from portal.i18n import lazy_gettext as _l
from portal.signon.models import SignOnProvider, SignOnTie

held(SignOnProvider, Act.KEEP, why=_l("The district's own access to its provider; it tells of nobody."))
held(SignOnTie, Act.ERASE, person="person_id")
