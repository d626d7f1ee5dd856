"""Add courses, sessions and seats"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0003_courses"
down_revision: str | None = "0002_summaries"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "course",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("title_pinyin", sa.String(length=800), nullable=False),
        sa.Column("title_initials", sa.String(length=160), nullable=False),
        sa.Column("topic", sa.String(length=20), nullable=False),
        sa.Column("form", sa.String(length=10), nullable=False),
        sa.Column("description", sa.String(length=4000), nullable=False),
        sa.Column("lecturer_id", sa.Integer(), nullable=True),
        sa.Column("lecturer_name", sa.String(length=160), nullable=False),
        sa.Column("audience_kind", sa.String(length=10), nullable=False),
        sa.Column("audience_id", sa.Integer(), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.Column("withdrawal_reason", sa.String(length=200), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "audience_kind IN ('district', 'school', 'grade', 'class')", name=op.f("ck_course_audience_known")
        ),
        sa.CheckConstraint("form IN ('place', 'online')", name=op.f("ck_course_form_known")),
        sa.CheckConstraint(
            "topic IN ('early_years', 'primary', 'junior', 'senior', 'to_primary', 'to_junior', 'to_senior', 'special_families', 'special_children', 'every_age')",
            name=op.f("ck_course_topic_known"),
        ),
        sa.CheckConstraint("length(title) > 0", name=op.f("ck_course_has_title")),
        sa.CheckConstraint(
            "withdrawn_at IS NULL OR length(withdrawal_reason) > 0",
            name=op.f("ck_course_withdrawal_has_reason"),
        ),
        sa.CheckConstraint(
            "withdrawn_at IS NULL OR published_at IS NOT NULL", name=op.f("ck_course_withdrawal_follows")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["person.id"], name=op.f("fk_course_created_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_course_district_id")),
        sa.ForeignKeyConstraint(
            ["lecturer_id"], ["person.id"], name=op.f("fk_course_lecturer_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_course_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course")),
        sa.UniqueConstraint("public_id", name=op.f("uq_course_public_id")),
    )
    with op.batch_alter_table("course", schema=None) as batch_op:
        batch_op.create_index("ix_course_audience", ["audience_kind", "audience_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_course_district_id"), ["district_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_course_lecturer_id"), ["lecturer_id"], unique=False)
        batch_op.create_index("ix_course_school", ["school_id", "id"], unique=False)

    op.create_table(
        "course_lesson",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("text", sa.String(length=4000), nullable=False),
        sa.CheckConstraint("length(title) > 0 AND length(text) > 0", name=op.f("ck_course_lesson_has_text")),
        sa.CheckConstraint("position >= 1", name=op.f("ck_course_lesson_position_counts_from_one")),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_course_lesson_course_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_lesson")),
        sa.UniqueConstraint("course_id", "position", name=op.f("uq_course_lesson_course_id_position")),
    )
    op.create_table(
        "course_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("lesson_hours", sa.Integer(), nullable=False),
        sa.Column("seats_taken", sa.Integer(), nullable=False),
        sa.Column("signed_in_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint("capacity BETWEEN 1 AND 5000", name=op.f("ck_course_session_capacity_sensible")),
        sa.CheckConstraint("length(place) > 0", name=op.f("ck_course_session_has_place")),
        sa.CheckConstraint("lesson_hours BETWEEN 1 AND 8", name=op.f("ck_course_session_hours_sensible")),
        sa.CheckConstraint(
            "seats_taken >= 0 AND seats_taken <= capacity",
            name=op.f("ck_course_session_seats_within_capacity"),
        ),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_course_session_course_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_session")),
        sa.UniqueConstraint("public_id", name=op.f("uq_course_session_public_id")),
    )
    with op.batch_alter_table("course_session", schema=None) as batch_op:
        batch_op.create_index("ix_course_session_course", ["course_id", "starts_at"], unique=False)
        batch_op.create_index("ix_course_session_starts", ["starts_at"], unique=False)

    op.create_table(
        "course_seat",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("household_id", sa.Integer(), nullable=False),
        sa.Column("taken_by_id", sa.Integer(), nullable=True),
        sa.Column("queued_at", UtcDateTime(), nullable=False),
        sa.Column("seated_at", UtcDateTime(), nullable=True),
        sa.Column("offered_at", UtcDateTime(), nullable=True),
        sa.Column("offer_seen_at", UtcDateTime(), nullable=True),
        sa.Column("given_back_at", UtcDateTime(), nullable=True),
        sa.Column("walked_in", sa.Boolean(), nullable=False),
        sa.Column("present_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "given_back_at IS NULL OR present_at IS NULL", name=op.f("ck_course_seat_given_back_is_absent")
        ),
        sa.CheckConstraint(
            "present_at IS NULL OR seated_at IS NOT NULL", name=op.f("ck_course_seat_present_has_seat")
        ),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_course_seat_household_id")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["course_session.id"], name=op.f("fk_course_seat_session_id")
        ),
        sa.ForeignKeyConstraint(
            ["taken_by_id"], ["person.id"], name=op.f("fk_course_seat_taken_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_seat")),
        sa.UniqueConstraint(
            "session_id", "household_id", name=op.f("uq_course_seat_session_id_household_id")
        ),
    )
    with op.batch_alter_table("course_seat", schema=None) as batch_op:
        batch_op.create_index("ix_course_seat_household", ["household_id", "session_id"], unique=False)
        batch_op.create_index("ix_course_seat_queue", ["session_id", "queued_at", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("course_seat", schema=None) as batch_op:
        batch_op.drop_index("ix_course_seat_queue")
        batch_op.drop_index("ix_course_seat_household")

    op.drop_table("course_seat")
    with op.batch_alter_table("course_session", schema=None) as batch_op:
        batch_op.drop_index("ix_course_session_starts")
        batch_op.drop_index("ix_course_session_course")

    op.drop_table("course_session")
    op.drop_table("course_lesson")
    with op.batch_alter_table("course", schema=None) as batch_op:
        batch_op.drop_index("ix_course_school")
        batch_op.drop_index(batch_op.f("ix_course_lecturer_id"))
        batch_op.drop_index(batch_op.f("ix_course_district_id"))
        batch_op.drop_index("ix_course_audience")

    op.drop_table("course")
