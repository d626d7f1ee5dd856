"""Values of settings. A row is never changed: a newer one follows it, or it is withdrawn before its day."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.extensions import Base, PublicId

NAME_LENGTH = 80
DOCUMENT_LENGTH = 200
TOLD_LENGTH = 500


class SettingValue(PublicId, Base):
    """What one district or one school set from a day on, and on which document. ``told`` is what those concerned read
    about it; ``withdrawn_at``: it was taken back."""

    __tablename__ = "setting_value"
    __table_args__ = (
        CheckConstraint(
            "(CASE WHEN district_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN school_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="one_scope",
        ),
        CheckConstraint("length(name) > 0", name="has_name"),
        Index("ix_setting_value_name", "name", "from_on"),
        Index(
            "uq_setting_value_district",
            "district_id",
            "name",
            "from_on",
            unique=True,
            sqlite_where=text("withdrawn_at IS NULL"),
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
        Index(
            "uq_setting_value_school",
            "school_id",
            "name",
            "from_on",
            unique=True,
            sqlite_where=text("withdrawn_at IS NULL"),
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    district_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"))
    school_id: Mapped[int | None] = mapped_column(ForeignKey("school.id"))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    value: Mapped[Any] = mapped_column(JSON(none_as_null=False))
    from_on: Mapped[date]
    document: Mapped[str] = mapped_column(String(DOCUMENT_LENGTH), default="")
    told: Mapped[str] = mapped_column(String(TOLD_LENGTH), default="")
    set_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    set_at: Mapped[datetime]
    withdrawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    withdrawn_at: Mapped[datetime | None]
