"""Add opinions and their answers"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0005_opinions"
down_revision: str | None = "0003_visits"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "opinion_series",
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_opinion_series_district_id")),
        sa.PrimaryKeyConstraint("district_id", "name", name=op.f("pk_opinion_series")),
    )
    op.create_table(
        "opinion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("pupil_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=90), nullable=False),
        sa.Column("category", sa.String(length=20), nullable=False),
        sa.Column("addressee", sa.String(length=10), nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("is_confidential", sa.Boolean(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=False),
        sa.Column("acknowledge_by", sa.Date(), nullable=False),
        sa.Column("answer_by", sa.Date(), nullable=False),
        sa.Column("lifts_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("acknowledged_on", sa.Date(), nullable=True),
        sa.Column("answered_on", sa.Date(), nullable=True),
        sa.Column("is_helpful", sa.Boolean(), nullable=True),
        sa.Column("rated_at", UtcDateTime(), nullable=True),
        sa.Column("reopened_at", UtcDateTime(), nullable=True),
        sa.Column("reopening", sa.String(length=2000), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "addressee IN ('office', 'principal', 'district')", name=op.f("ck_opinion_addressee_known")
        ),
        sa.CheckConstraint(
            "category <> 'principal' OR addressee = 'district'",
            name=op.f("ck_opinion_not_to_the_one_it_is_about"),
        ),
        sa.CheckConstraint(
            "category IN ('teaching', 'homework', 'canteen', 'fees', 'facilities', 'communication', 'other', 'bullying', 'safety', 'principal')",
            name=op.f("ck_opinion_category_known"),
        ),
        sa.CheckConstraint(
            "(is_helpful IS NULL AND rated_at IS NULL) OR (is_helpful IS NOT NULL AND rated_at IS NOT NULL)",
            name=op.f("ck_opinion_rating_has_time"),
        ),
        sa.CheckConstraint(
            "answered_on IS NULL OR acknowledged_on IS NOT NULL", name=op.f("ck_opinion_answer_acknowledges")
        ),
        sa.CheckConstraint("length(text) > 0", name=op.f("ck_opinion_has_text")),
        sa.CheckConstraint("round IN (1, 2)", name=op.f("ck_opinion_reopened_once")),
        sa.ForeignKeyConstraint(
            ["author_id"], ["person.id"], name=op.f("fk_opinion_author_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_opinion_district_id")),
        sa.ForeignKeyConstraint(
            ["pupil_id"], ["pupil.id"], name=op.f("fk_opinion_pupil_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_opinion_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opinion")),
        sa.UniqueConstraint("district_id", "number", name=op.f("uq_opinion_district_id_number")),
        sa.UniqueConstraint("public_id", name=op.f("uq_opinion_public_id")),
    )
    with op.batch_alter_table("opinion", schema=None) as batch_op:
        batch_op.create_index("ix_opinion_author", ["author_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_opinion_pupil_id"), ["pupil_id"], unique=False)
        batch_op.create_index(
            "ix_opinion_school_due", ["school_id", "answered_on", "due_on", "id"], unique=False
        )

    op.create_table(
        "opinion_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("opinion_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=False),
        sa.Column("answered_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.CheckConstraint("length(text) > 0", name=op.f("ck_opinion_answer_has_text")),
        sa.CheckConstraint("round IN (1, 2)", name=op.f("ck_opinion_answer_round_known")),
        sa.ForeignKeyConstraint(
            ["answered_by_id"],
            ["person.id"],
            name=op.f("fk_opinion_answer_answered_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["opinion_id"], ["opinion.id"], name=op.f("fk_opinion_answer_opinion_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opinion_answer")),
        sa.UniqueConstraint("opinion_id", "round", name=op.f("uq_opinion_answer_opinion_id_round")),
    )
    with op.batch_alter_table("opinion_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_opinion_answer_answered_on"), ["answered_on"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("opinion_answer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_opinion_answer_answered_on"))

    op.drop_table("opinion_answer")
    with op.batch_alter_table("opinion", schema=None) as batch_op:
        batch_op.drop_index("ix_opinion_school_due")
        batch_op.drop_index(batch_op.f("ix_opinion_pupil_id"))
        batch_op.drop_index("ix_opinion_author")

    op.drop_table("opinion")
    op.drop_table("opinion_series")
