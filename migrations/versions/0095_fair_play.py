"""Add sketches of notes and fair-play questions"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0095_fair_play"
down_revision: str | None = "0057_visit_plans"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("visit_part") as batch_op:
        batch_op.add_column(sa.Column("sketch", sa.LargeBinary(), nullable=True))
        batch_op.create_index(
            "ix_visit_part_unsketched",
            ["id"],
            unique=False,
            sqlite_where=sa.text("sketch IS NULL"),
            postgresql_where=sa.text("sketch IS NULL"),
        )
    op.create_table(
        "fair_play_question",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("term_id", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(length=12), nullable=False),
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
            "rule IN ('last_week', 'evenings', 'alike', 'lessons', 'unconfirmed')",
            name=op.f("ck_fair_play_question_rule_known"),
        ),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (answer = '')", name=op.f("ck_fair_play_question_answered_in_words")
        ),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closing = '')", name=op.f("ck_fair_play_question_closed_in_words")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["school.id"], name=op.f("fk_fair_play_question_school_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["term_id"], ["term.id"], name=op.f("fk_fair_play_question_term_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["answered_by_id"],
            ["person.id"],
            name=op.f("fk_fair_play_question_answered_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["closed_by_id"],
            ["person.id"],
            name=op.f("fk_fair_play_question_closed_by_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fair_play_question")),
        sa.UniqueConstraint("public_id", name=op.f("uq_fair_play_question_public_id")),
        sa.UniqueConstraint(
            "school_id", "term_id", "rule", name=op.f("uq_fair_play_question_school_id_term_id_rule")
        ),
    )
    with op.batch_alter_table("fair_play_question") as batch_op:
        batch_op.create_index("ix_fair_play_question_due", ["due_on", "id"], unique=False)
    op.create_table(
        "fair_play_record",
        sa.Column("question_id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["question_id"],
            ["fair_play_question.id"],
            name=op.f("fk_fair_play_record_question_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visit.id"], name=op.f("fk_fair_play_record_visit_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("question_id", "visit_id", name=op.f("pk_fair_play_record")),
    )
    with op.batch_alter_table("fair_play_record") as batch_op:
        batch_op.create_index(batch_op.f("ix_fair_play_record_visit_id"), ["visit_id"], unique=False)
    op.create_table(
        "fair_play_check",
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("term_id", sa.Integer(), nullable=False),
        sa.Column("checked_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id"], ["school.id"], name=op.f("fk_fair_play_check_school_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["term_id"], ["term.id"], name=op.f("fk_fair_play_check_term_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("school_id", "term_id", name=op.f("pk_fair_play_check")),
    )


def downgrade() -> None:
    for table in ("fair_play_check", "fair_play_record", "fair_play_question"):
        op.drop_table(table)
    with op.batch_alter_table("visit_part") as batch_op:
        batch_op.drop_index("ix_visit_part_unsketched")
        batch_op.drop_column("sketch")
