"""What the keys hold about people: nothing."""

from portal.holdings import Act, held
from portal.i18n import lazy_gettext as _l
from portal.keys.models import FieldKey

held(FieldKey, Act.KEEP, why=_l("Keys of the whole portal; they tell of nobody."))
