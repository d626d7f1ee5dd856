"""Who sets a district's single sign-on: its own staff."""

from portal.access import Permission, Role
from portal.schools.models import District
from portal.schools.policy import own_district

SIGN_ON_SET = Permission("sign_on.set", District, "F6", {Role.DISTRICT_STAFF: own_district})
