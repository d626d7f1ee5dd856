"""What is kept of files that tell of somebody: rows, keys and objects. Files of the school's own notices stay with them."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import and_, false, or_, select

from portal.files.models import File
from portal.files.owners import OWNERS, Owner
from portal.holdings import Act, Subject, held


def _of_rows(owner: Owner, find: Callable[[int], Any], number: int | None) -> Any:
    key = owner.model.__mapper__.primary_key[0]
    rows = select(key).where(find(number or 0))
    return and_(File.owner_kind == owner.kind, File.owner_id.in_(rows))


def of_child(subject: Subject) -> Any:
    """Files of the rows that tell of a child."""
    ways = [(owner, owner.of_pupil) for owner in OWNERS.values() if owner.of_pupil is not None]
    return or_(false(), *(_of_rows(owner, find, subject.pupil_id) for owner, find in ways))


def of_adult(subject: Subject) -> Any:
    """Files of the rows that tell of an adult."""
    ways = [(owner, owner.of_person) for owner in OWNERS.values() if owner.of_person is not None]
    return or_(false(), *(_of_rows(owner, find, subject.person_id) for owner, find in ways))


held(File, Act.ERASE, person=of_adult, pupil=of_child)
