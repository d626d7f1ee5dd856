"""Keep the days of each step of a rating, and what was changed about them"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0151_windows"
down_revision: str | None = "0150_signatures"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

STEPS = "'self_assessment', 'scoring', 'correction', 'defence', 'publicity', 'reply', 'appeal'"


def upgrade() -> None:
    op.create_table(
        "rating_window",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=True),
        sa.Column("objection_id", sa.Integer(), nullable=True),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("rule", sa.String(length=10), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(f"step IN ({STEPS})", name=op.f("ck_rating_window_step_known")),
        sa.CheckConstraint("last_on >= opened_on", name=op.f("ck_rating_window_days_in_order")),
        sa.ForeignKeyConstraint(["round_id"], ["rating_round.id"], name=op.f("fk_rating_window_round_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["rating_entry.id"], name=op.f("fk_rating_window_entry_id")),
        sa.ForeignKeyConstraint(
            ["objection_id"], ["rating_objection.id"], name=op.f("fk_rating_window_objection_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_window")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rating_window_public_id")),
    )
    op.create_index("ix_rating_window_round", "rating_window", ["round_id", "id"])
    op.create_index("ix_rating_window_entry", "rating_window", ["entry_id", "step"])
    op.create_table(
        "rating_window_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("window_id", sa.Integer(), nullable=False),
        sa.Column("before_on", sa.Date(), nullable=False),
        sa.Column("after_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("after_on >= before_on", name=op.f("ck_rating_window_change_never_shorter")),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_rating_window_change_has_reason")),
        sa.ForeignKeyConstraint(
            ["window_id"], ["rating_window.id"], name=op.f("fk_rating_window_change_window_id")
        ),
        sa.ForeignKeyConstraint(
            ["changed_by_id"], ["person.id"], name=op.f("fk_rating_window_change_changed_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_window_change")),
    )
    with op.batch_alter_table("rating_entry") as batch:
        batch.add_column(sa.Column("correction_due_on", sa.Date(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("rating_entry") as batch:
        batch.drop_column("correction_due_on")
    op.drop_table("rating_window_change")
    op.drop_table("rating_window")
