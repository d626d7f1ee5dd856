"""Add settings"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0009_settings"
down_revision: str | None = "0005_opinions"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "setting_value",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=True),
        sa.Column("school_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("document", sa.String(length=200), nullable=False),
        sa.Column("told", sa.String(length=500), nullable=False),
        sa.Column("set_by_id", sa.Integer(), nullable=True),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("withdrawn_by_id", sa.Integer(), nullable=True),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "(CASE WHEN district_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN school_id IS NULL THEN 0 ELSE 1 END) = 1",
            name=op.f("ck_setting_value_one_scope"),
        ),
        sa.CheckConstraint("length(name) > 0", name=op.f("ck_setting_value_has_name")),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_setting_value_district_id")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_setting_value_school_id")),
        sa.ForeignKeyConstraint(
            ["set_by_id"], ["person.id"], name=op.f("fk_setting_value_set_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["withdrawn_by_id"],
            ["person.id"],
            name=op.f("fk_setting_value_withdrawn_by_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_setting_value")),
        sa.UniqueConstraint("public_id", name=op.f("uq_setting_value_public_id")),
    )
    with op.batch_alter_table("setting_value", schema=None) as batch_op:
        batch_op.create_index(
            "uq_setting_value_district",
            ["district_id", "name", "from_on"],
            unique=True,
            sqlite_where=sa.text("withdrawn_at IS NULL"),
            postgresql_where=sa.text("withdrawn_at IS NULL"),
        )
        batch_op.create_index(
            "uq_setting_value_school",
            ["school_id", "name", "from_on"],
            unique=True,
            sqlite_where=sa.text("withdrawn_at IS NULL"),
            postgresql_where=sa.text("withdrawn_at IS NULL"),
        )


def downgrade() -> None:
    with op.batch_alter_table("setting_value", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_setting_value_school",
            sqlite_where=sa.text("withdrawn_at IS NULL"),
            postgresql_where=sa.text("withdrawn_at IS NULL"),
        )
        batch_op.drop_index(
            "uq_setting_value_district",
            sqlite_where=sa.text("withdrawn_at IS NULL"),
            postgresql_where=sa.text("withdrawn_at IS NULL"),
        )

    op.drop_table("setting_value")
