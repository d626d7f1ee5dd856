"""What committees hold about people: who was in one. The minutes name nobody by a field."""

from portal.committees.models import CommitteeMember
from portal.holdings import Act, held

held(CommitteeMember, Act.ERASE, person="person_id")
