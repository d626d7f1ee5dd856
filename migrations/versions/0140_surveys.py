"""Ask the families of schools without knowing who answers"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0140_surveys"
down_revision: str | None = "0170_rating_questions"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "survey",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("school_year_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("repeats_id", sa.Integer(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=True),
        sa.Column("reminded_on", sa.Date(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("released_by_id", sa.Integer(), nullable=True),
        sa.Column("released_at", UtcDateTime(), nullable=True),
        sa.Column("release", sa.Text(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "state <> 'released' OR release IS NOT NULL", name=op.f("ck_survey_release_is_kept")
        ),
        sa.CheckConstraint(
            "state = 'draft' OR opened_at IS NOT NULL", name=op.f("ck_survey_opening_has_time")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'open', 'closed', 'released')", name=op.f("ck_survey_state_known")
        ),
        sa.CheckConstraint("length(name) > 0", name=op.f("ck_survey_has_name")),
        sa.ForeignKeyConstraint(["created_by_id"], ["person.id"], name=op.f("fk_survey_created_by_id")),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_survey_district_id")),
        sa.ForeignKeyConstraint(["released_by_id"], ["person.id"], name=op.f("fk_survey_released_by_id")),
        sa.ForeignKeyConstraint(["repeats_id"], ["survey.id"], name=op.f("fk_survey_repeats_id")),
        sa.ForeignKeyConstraint(
            ["school_year_id"], ["school_year.id"], name=op.f("fk_survey_school_year_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey")),
        sa.UniqueConstraint("public_id", name=op.f("uq_survey_public_id")),
    )
    with op.batch_alter_table("survey", schema=None) as batch_op:
        batch_op.create_index("ix_survey_district", ["district_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_survey_released_at"), ["released_at"], unique=False)

    op.create_table(
        "survey_school",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("survey_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("peers", sa.String(length=80), nullable=False),
        sa.Column("invited", sa.Integer(), nullable=True),
        sa.Column("answered", sa.Integer(), nullable=True),
        sa.Column("counted", sa.Text(), nullable=True),
        sa.Column("tables", sa.Text(), nullable=True),
        sa.Column("void_reason", sa.String(length=300), server_default="", nullable=False),
        sa.Column("void_asked_by_id", sa.Integer(), nullable=True),
        sa.Column("void_asked_at", UtcDateTime(), nullable=True),
        sa.Column("voided_by_id", sa.Integer(), nullable=True),
        sa.Column("voided_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "(void_asked_by_id IS NULL) = (length(void_reason) = 0)",
            name=op.f("ck_survey_school_void_has_reason"),
        ),
        sa.CheckConstraint(
            "(voided_at IS NULL) = (voided_by_id IS NULL)", name=op.f("ck_survey_school_void_has_time")
        ),
        sa.CheckConstraint(
            "voided_by_id IS NULL OR voided_by_id <> void_asked_by_id",
            name=op.f("ck_survey_school_two_people"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_survey_school_school_id")),
        sa.ForeignKeyConstraint(
            ["survey_id"], ["survey.id"], name=op.f("fk_survey_school_survey_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["void_asked_by_id"], ["person.id"], name=op.f("fk_survey_school_void_asked_by_id")
        ),
        sa.ForeignKeyConstraint(["voided_by_id"], ["person.id"], name=op.f("fk_survey_school_voided_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_school")),
        sa.UniqueConstraint("public_id", name=op.f("uq_survey_school_public_id")),
        sa.UniqueConstraint("survey_id", "school_id", name=op.f("uq_survey_school_survey_id_school_id")),
    )
    with op.batch_alter_table("survey_school", schema=None) as batch_op:
        batch_op.create_index("ix_survey_school_school", ["school_id", "id"], unique=False)

    op.create_table(
        "survey_box",
        sa.Column("key", sa.String(length=22), nullable=False),
        sa.Column("survey_school_id", sa.Integer(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["survey_school_id"],
            ["survey_school.id"],
            name=op.f("fk_survey_box_survey_school_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_survey_box")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("survey_box", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_survey_box_survey_school_id"), ["survey_school_id"], unique=False
        )

    op.create_table(
        "survey_flag",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("survey_school_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("closing", sa.Text(), server_default="", nullable=False),
        sa.Column("closed_by_id", sa.Integer(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "kind IN ('identical', 'all_top', 'same_text', 'jump', 'contacts')",
            name=op.f("ck_survey_flag_kind_known"),
        ),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (length(answer) = 0)", name=op.f("ck_survey_flag_answer_has_time")
        ),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (length(closing) = 0)", name=op.f("ck_survey_flag_closing_has_time")
        ),
        sa.ForeignKeyConstraint(
            ["answered_by_id"], ["person.id"], name=op.f("fk_survey_flag_answered_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["closed_by_id"], ["person.id"], name=op.f("fk_survey_flag_closed_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["survey_school_id"],
            ["survey_school.id"],
            name=op.f("fk_survey_flag_survey_school_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_flag")),
        sa.UniqueConstraint("public_id", name=op.f("uq_survey_flag_public_id")),
        sa.UniqueConstraint("survey_school_id", "kind", name=op.f("uq_survey_flag_survey_school_id_kind")),
    )
    op.create_table(
        "survey_pressure",
        sa.Column("key", sa.String(length=22), nullable=False),
        sa.Column("survey_school_id", sa.Integer(), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["survey_school_id"],
            ["survey_school.id"],
            name=op.f("fk_survey_pressure_survey_school_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_survey_pressure")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("survey_pressure", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_survey_pressure_survey_school_id"), ["survey_school_id"], unique=False
        )

    op.create_table(
        "survey_remark",
        sa.Column("key", sa.String(length=22), nullable=False),
        sa.Column("survey_school_id", sa.Integer(), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["survey_school_id"],
            ["survey_school.id"],
            name=op.f("fk_survey_remark_survey_school_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_survey_remark")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("survey_remark", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_survey_remark_survey_school_id"), ["survey_school_id"], unique=False
        )

    op.create_table(
        "survey_answer",
        sa.Column("key", sa.String(length=22), nullable=False),
        sa.Column("survey_school_id", sa.Integer(), nullable=False),
        sa.Column("class_id", sa.Integer(), nullable=True),
        sa.Column("choices", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["class_id"], ["school_class.id"], name=op.f("fk_survey_answer_class_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["survey_school_id"],
            ["survey_school.id"],
            name=op.f("fk_survey_answer_survey_school_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_survey_answer")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("survey_answer", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_survey_answer_survey_school_id"), ["survey_school_id"], unique=False
        )

    op.create_table(
        "survey_household",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("survey_school_id", sa.Integer(), nullable=False),
        sa.Column("household_id", sa.Integer(), nullable=False),
        sa.Column("class_id", sa.Integer(), nullable=False),
        sa.Column("token_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("token_index", sa.LargeBinary(length=15), nullable=True),
        sa.Column("fetched", sa.Boolean(), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.ForeignKeyConstraint(
            ["class_id"], ["school_class.id"], name=op.f("fk_survey_household_class_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["household_id"],
            ["household.id"],
            name=op.f("fk_survey_household_household_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["survey_school_id"],
            ["survey_school.id"],
            name=op.f("fk_survey_household_survey_school_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_household")),
        sa.UniqueConstraint("public_id", name=op.f("uq_survey_household_public_id")),
        sa.UniqueConstraint(
            "survey_school_id", "household_id", name=op.f("uq_survey_household_survey_school_id_household_id")
        ),
        sa.UniqueConstraint("token_index", name=op.f("uq_survey_household_token_index")),
    )
    with op.batch_alter_table("survey_household", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_survey_household_class_id"), ["class_id"], unique=False)
        batch_op.create_index(
            "ix_survey_household_household", ["household_id", "survey_school_id"], unique=False
        )


def downgrade() -> None:
    for table in (
        "survey_household",
        "survey_answer",
        "survey_remark",
        "survey_pressure",
        "survey_flag",
        "survey_box",
        "survey_school",
        "survey",
    ):
        op.drop_table(table)
