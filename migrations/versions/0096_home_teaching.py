"""Add logs of teaching at home"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0096_home_teaching"
down_revision: str | None = "0085_identity"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "home_teaching",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pupil_id", sa.Integer(), nullable=False),
        sa.Column("household_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("year_on", sa.Date(), nullable=False),
        sa.Column("required", sa.Integer(), nullable=False),
        sa.Column("plan_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("opened_by_id", sa.Integer(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint("required > 0", name=op.f("ck_home_teaching_something_is_due")),
        sa.ForeignKeyConstraint(
            ["household_id"], ["household.id"], name=op.f("fk_home_teaching_household_id")
        ),
        sa.ForeignKeyConstraint(["opened_by_id"], ["person.id"], name=op.f("fk_home_teaching_opened_by_id")),
        sa.ForeignKeyConstraint(
            ["pupil_id"], ["pupil.id"], name=op.f("fk_home_teaching_pupil_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_home_teaching_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_home_teaching")),
        sa.UniqueConstraint("public_id", name=op.f("uq_home_teaching_public_id")),
        sa.UniqueConstraint("pupil_id", "year_on", name=op.f("uq_home_teaching_pupil_id_year_on")),
    )
    with op.batch_alter_table("home_teaching") as batch_op:
        batch_op.create_index(batch_op.f("ix_home_teaching_household_id"), ["household_id"], unique=False)
        batch_op.create_index("ix_home_teaching_school", ["school_id", "year_on"], unique=False)
    op.create_table(
        "home_lesson",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("lessons", sa.Integer(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("with_id", sa.Integer(), nullable=True),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.Column("confirmed_by_id", sa.Integer(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint("lessons BETWEEN 1 AND 4", name=op.f("ck_home_lesson_lessons_possible")),
        sa.CheckConstraint("minutes BETWEEN 10 AND 300", name=op.f("ck_home_lesson_minutes_possible")),
        sa.CheckConstraint("with_id IS NULL OR with_id <> author_id", name=op.f("ck_home_lesson_two_people")),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_home_lesson_author_id")),
        sa.ForeignKeyConstraint(
            ["confirmed_by_id"], ["person.id"], name=op.f("fk_home_lesson_confirmed_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["log_id"], ["home_teaching.id"], name=op.f("fk_home_lesson_log_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["with_id"], ["person.id"], name=op.f("fk_home_lesson_with_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_home_lesson")),
        sa.UniqueConstraint("public_id", name=op.f("uq_home_lesson_public_id")),
    )
    with op.batch_alter_table("home_lesson") as batch_op:
        batch_op.create_index("ix_home_lesson_log", ["log_id", "held_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_home_lesson_with_id"), ["with_id"], unique=False)


def downgrade() -> None:
    for table in ("home_lesson", "home_teaching"):
        op.drop_table(table)
