"""Add copies of one's data and questions about readers"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0033_copies"
down_revision: str | None = "0027_phones"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "data_copy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("key_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("ready_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(state = 'ready') = (content IS NOT NULL)", name=op.f("ck_data_copy_content_while_ready")
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'ready', 'fetched', 'gone')", name=op.f("ck_data_copy_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_data_copy_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_copy")),
        sa.UniqueConstraint("public_id", name=op.f("uq_data_copy_public_id")),
    )
    with op.batch_alter_table("data_copy", schema=None) as batch_op:
        batch_op.create_index("ix_data_copy_person", ["person_id", "id"], unique=False)
        batch_op.create_index("ix_data_copy_state", ["state", "ready_at"], unique=False)

    op.create_table(
        "reader_question",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("trail_entry_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("pupil_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("reader_id", sa.Integer(), nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("reader_name", sa.String(length=160), nullable=False),
        sa.Column("words", sa.String(length=500), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "answered_at IS NULL OR length(reader_name) > 0 OR length(words) > 0",
            name=op.f("ck_reader_question_answer_says_something"),
        ),
        sa.ForeignKeyConstraint(
            ["answered_by_id"],
            ["person.id"],
            name=op.f("fk_reader_question_answered_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_reader_question_person_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["pupil_id"], ["pupil.id"], name=op.f("fk_reader_question_pupil_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"], ["person.id"], name=op.f("fk_reader_question_reader_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_reader_question_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reader_question")),
        sa.UniqueConstraint(
            "trail_entry_id", "person_id", name=op.f("uq_reader_question_trail_entry_id_person_id")
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_reader_question_public_id")),
    )
    with op.batch_alter_table("reader_question", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reader_question_pupil_id"), ["pupil_id"], unique=False)
        batch_op.create_index(
            "ix_reader_question_school", ["school_id", "answered_at", "due_on"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("reader_question", schema=None) as batch_op:
        batch_op.drop_index("ix_reader_question_school")
        batch_op.drop_index(batch_op.f("ix_reader_question_pupil_id"))

    op.drop_table("reader_question")
    with op.batch_alter_table("data_copy", schema=None) as batch_op:
        batch_op.drop_index("ix_data_copy_state")
        batch_op.drop_index("ix_data_copy_person")

    op.drop_table("data_copy")
