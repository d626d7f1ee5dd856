"""Keep each copy of a referral that was handed over by a message"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0130_copies"
down_revision: str | None = "0161_standings"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "referral_copy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("referral_id", sa.Integer(), nullable=False),
        sa.Column("sender_id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=True),
        sa.Column("way", sa.String(length=10), nullable=False),
        sa.Column("number_index", sa.LargeBinary(length=15), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("way IN ('sms', 'email')", name=op.f("ck_referral_copy_way_known")),
        sa.ForeignKeyConstraint(
            ["referral_id"],
            ["care_referral.id"],
            name=op.f("fk_referral_copy_referral_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["sender_id"], ["person.id"], name=op.f("fk_referral_copy_sender_id")),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name=op.f("fk_referral_copy_delivery_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referral_copy")),
        sa.UniqueConstraint("number_index", name=op.f("uq_referral_copy_number_index")),
    )
    op.create_index(op.f("ix_referral_copy_referral_id"), "referral_copy", ["referral_id"])
    op.create_index(op.f("ix_referral_copy_delivery_id"), "referral_copy", ["delivery_id"])
    with op.batch_alter_table("referral_opening") as batch_op:
        batch_op.add_column(sa.Column("copy_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_referral_opening_copy_id"), "referral_copy", ["copy_id"], ["id"], ondelete="SET NULL"
        )
        batch_op.create_index(op.f("ix_referral_opening_copy_id"), ["copy_id"])


def downgrade() -> None:
    with op.batch_alter_table("referral_opening") as batch_op:
        batch_op.drop_index(op.f("ix_referral_opening_copy_id"))
        batch_op.drop_constraint(op.f("fk_referral_opening_copy_id"), type_="foreignkey")
        batch_op.drop_column("copy_id")
    op.drop_table("referral_copy")
