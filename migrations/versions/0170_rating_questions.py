"""Add questions about ratings"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0170_rating_questions"
down_revision: str | None = "0162_concerns"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "rating_question",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(length=20), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("closing", sa.Text(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("closed_by_id", sa.Integer(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "rule IN ('late_visits', 'rushed_visits', 'rushed_sessions', 'same_faces', 'ticked_late', 'long_days',"
            " 'quick_answers', 'summary_alike', 'proof_again', 'self_praise')",
            name=op.f("ck_rating_question_rule_known"),
        ),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (answer = '')", name=op.f("ck_rating_question_answered_in_words")
        ),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closing = '')", name=op.f("ck_rating_question_closed_in_words")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["rating_entry.id"], name=op.f("fk_rating_question_entry_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["answered_by_id"],
            ["person.id"],
            name=op.f("fk_rating_question_answered_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["closed_by_id"], ["person.id"], name=op.f("fk_rating_question_closed_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_question")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rating_question_public_id")),
        sa.UniqueConstraint("entry_id", "rule", name=op.f("uq_rating_question_entry_id_rule")),
    )
    with op.batch_alter_table("rating_question") as batch_op:
        batch_op.create_index("ix_rating_question_due", ["due_on", "id"], unique=False)
    op.create_table(
        "rating_look",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=10), nullable=False),
        sa.Column("looked_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("step IN ('submitted', 'scored')", name=op.f("ck_rating_look_step_known")),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["rating_entry.id"], name=op.f("fk_rating_look_entry_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("entry_id", "step", name=op.f("pk_rating_look")),
    )


def downgrade() -> None:
    for table in ("rating_look", "rating_question"):
        op.drop_table(table)
