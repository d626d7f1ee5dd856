"""The table of signed records; what stands in them and their paper are made by ``records.py``."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, Text, UniqueConstraint, event
from sqlalchemy.orm import Mapped, mapped_column

from portal.errors import RuleBroken
from portal.extensions import Base
from portal.i18n import gettext as _


class DecisionRecord(Base):
    """One signed record; ``content`` is canonical JSON, ``signature`` is over it (``signing.py``). Never changed."""

    __tablename__ = "rating_record"
    __table_args__ = (
        UniqueConstraint("entry_id", "number"),
        CheckConstraint("length(sha256) = 64", name="hash_complete"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("rating_entry.id"))
    number: Mapped[int]
    act: Mapped[str] = mapped_column(String(20))
    made_at: Mapped[datetime]
    content: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))


@event.listens_for(DecisionRecord, "before_update")
@event.listens_for(DecisionRecord, "before_delete")
def _keep_record(_mapper: Any, _connection: Any, _record: DecisionRecord) -> None:
    raise RuleBroken(_("A signed record cannot be changed."))
