"""Add where classes stand with the coverage rules"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0055_coverage"
down_revision: str | None = "0071_harm"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "visit_class_coverage",
        sa.Column("class_id", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(length=24), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("since_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("needed", sa.Integer(), nullable=False),
        sa.Column("met", sa.Integer(), nullable=False),
        sa.Column("in_home", sa.Integer(), nullable=False),
        sa.Column("reached", sa.Integer(), nullable=False),
        sa.Column("kept_on", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "met <= members AND in_home <= met AND reached <= members",
            name=op.f("ck_visit_class_coverage_parts_of_members"),
        ),
        sa.ForeignKeyConstraint(
            ["class_id"],
            ["school_class.id"],
            name=op.f("fk_visit_class_coverage_class_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["school_id"],
            ["school.id"],
            name=op.f("fk_visit_class_coverage_school_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("class_id", "rule", name=op.f("pk_visit_class_coverage")),
    )
    op.create_index("ix_visit_class_coverage_school", "visit_class_coverage", ["school_id", "rule"])
    op.create_index(op.f("ix_visit_class_coverage_kept_on"), "visit_class_coverage", ["kept_on"])


def downgrade() -> None:
    op.drop_table("visit_class_coverage")
