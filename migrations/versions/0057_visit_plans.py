"""Add the plan of visits and roughly where homes lie"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0057_visit_plans"
down_revision: str | None = "0056_answer_codes"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def _key(table: str, column: str, target: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete)


def upgrade() -> None:
    plan = "visit_plan_entry"
    op.create_table(
        plan,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("term_id", sa.Integer(), nullable=False),
        sa.Column("pupil_id", sa.Integer(), nullable=False),
        sa.Column("household_id", sa.Integer(), nullable=False),
        sa.Column("class_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("companion_id", sa.Integer(), nullable=True),
        sa.Column("planned_on", sa.Date(), nullable=False),
        sa.Column("planned_at", UtcDateTime(), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "companion_id IS NULL OR companion_id <> teacher_id", name=op.f("ck_visit_plan_entry_two_people")
        ),
        _key(plan, "term_id", "term.id", "CASCADE"),
        _key(plan, "pupil_id", "pupil.id", "CASCADE"),
        _key(plan, "household_id", "household.id"),
        _key(plan, "class_id", "school_class.id"),
        _key(plan, "school_id", "school.id"),
        _key(plan, "teacher_id", "person.id"),
        _key(plan, "companion_id", "person.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_plan_entry")),
        sa.UniqueConstraint("public_id", name=op.f("uq_visit_plan_entry_public_id")),
        sa.UniqueConstraint(
            "term_id",
            "pupil_id",
            "household_id",
            name=op.f("uq_visit_plan_entry_term_id_pupil_id_household_id"),
        ),
    )
    op.create_index("ix_visit_plan_entry_class", plan, ["class_id", "term_id", "planned_on"])
    op.create_index("ix_visit_plan_entry_household", plan, ["household_id", "planned_on"])
    op.create_index(op.f("ix_visit_plan_entry_pupil_id"), plan, ["pupil_id"])
    op.create_index(op.f("ix_visit_plan_entry_companion_id"), plan, ["companion_id"])
    place = "visit_home_place"
    op.create_table(
        place,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pupil_id", sa.Integer(), nullable=False),
        sa.Column("household_id", sa.Integer(), nullable=False),
        sa.Column("place_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("left_out", sa.Boolean(), nullable=False),
        sa.Column("set_by_id", sa.Integer(), nullable=True),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("sealed_as", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "NOT left_out OR place_sealed IS NULL", name=op.f("ck_visit_home_place_left_out_is_empty")
        ),
        _key(place, "pupil_id", "pupil.id", "CASCADE"),
        _key(place, "household_id", "household.id"),
        _key(place, "set_by_id", "person.id", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_home_place")),
        sa.UniqueConstraint(
            "pupil_id", "household_id", name=op.f("uq_visit_home_place_pupil_id_household_id")
        ),
    )
    op.create_index(op.f("ix_visit_home_place_household_id"), place, ["household_id"])


def downgrade() -> None:
    op.drop_table("visit_home_place")
    op.drop_table("visit_plan_entry")
