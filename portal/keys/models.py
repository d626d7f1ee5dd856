"""The field keys, wrapped."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.extensions import Base


class Branch(StrEnum):
    """What a field key is for. Safeguarding is apart from the other narratives, so that it can be kept apart."""

    PERSONAL = "personal"
    NARRATIVE = "narrative"
    SAFEGUARDING = "safeguarding"
    SECRET = "secret"
    INDEX = "index"
    TRAIL = "trail"


SEALING = (Branch.PERSONAL, Branch.NARRATIVE, Branch.SAFEGUARDING, Branch.SECRET)
"""The branches that seal values; the others make keyed hashes."""
BRANCHES = ", ".join(f"'{branch.value}'" for branch in Branch)


class FieldKey(Base):
    """One generation of a branch's key, wrapped by the master key ``master``. Its id is random: it stands in the header
    of every value it sealed, so a value of another database is never taken for one of this."""

    __tablename__ = "field_key"
    __table_args__ = (
        CheckConstraint(f"branch IN ({BRANCHES})", name="branch_known"),
        CheckConstraint("id BETWEEN 1 AND 2147483647", name="id_fits"),
        Index("ix_field_key_branch", "branch", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    branch: Mapped[str] = mapped_column(String(20))
    wrapped: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F6"})
    master: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
