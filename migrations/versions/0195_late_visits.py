"""Add visits handed in late"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0195_late_visits"
down_revision: str | None = "0181_panels"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "late_visit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("class_id", sa.Integer(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("came_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("is_accepted", sa.Boolean(), nullable=True),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("seen_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (is_accepted IS NULL)", name=op.f("ck_late_visit_decided_one_way")
        ),
        sa.CheckConstraint(
            "seen_at IS NULL OR decided_at IS NOT NULL", name=op.f("ck_late_visit_seen_once_decided")
        ),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["visit_draft.id"], name=op.f("fk_late_visit_draft_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_late_visit_school_id")),
        sa.ForeignKeyConstraint(["class_id"], ["school_class.id"], name=op.f("fk_late_visit_class_id")),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["person.id"], name=op.f("fk_late_visit_decided_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_late_visit")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_late_visit_draft_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_late_visit_public_id")),
    )
    with op.batch_alter_table("late_visit") as batch_op:
        batch_op.create_index("ix_late_visit_school", ["school_id", "decided_at"], unique=False)


def downgrade() -> None:
    op.drop_table("late_visit")
