"""What the outbox holds about people."""

from typing import Any

from portal.deliveries.models import Delivery
from portal.holdings import Act, Subject, held


def _sent_to(subject: Subject) -> Any:
    return Delivery.recipient_index.in_(subject.indexes)


held(Delivery, Act.ERASE, person=("person_id", _sent_to))
