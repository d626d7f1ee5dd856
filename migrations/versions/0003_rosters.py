"""Keep imports of rosters"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0003_rosters"
down_revision: str | None = "0003_courses"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "roster_import",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=True),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("file_hash", sa.String(length=64), nullable=False),
        sa.Column("format", sa.String(length=20), nullable=False),
        sa.Column("is_delta", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("notices", sa.Integer(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("moved_at", UtcDateTime(), nullable=False),
        sa.Column("checked_at", UtcDateTime(), nullable=True),
        sa.Column("applied_at", UtcDateTime(), nullable=True),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'checking', 'checked', 'applying', 'applied', 'undoing', 'undone', 'withdrawn', 'failed')",
            name=op.f("ck_roster_import_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["by_id"], ["person.id"], name=op.f("fk_roster_import_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_roster_import_district_id")),
        sa.ForeignKeyConstraint(
            ["school_id"], ["school.id"], name=op.f("fk_roster_import_school_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_import")),
        sa.UniqueConstraint("public_id", name=op.f("uq_roster_import_public_id")),
    )
    with op.batch_alter_table("roster_import", schema=None) as batch_op:
        batch_op.create_index("ix_roster_import_district", ["district_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_roster_import_school_id"), ["school_id"], unique=False)

    op.create_table(
        "roster_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(length=30), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=True),
        sa.Column("ordinal", sa.Integer(), nullable=True),
        sa.Column("file", sa.String(length=200), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=330), nullable=False),
        sa.Column("is_shown", sa.Boolean(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.CheckConstraint("action IN ('add', 'change', 'end')", name=op.f("ck_roster_change_action_known")),
        sa.ForeignKeyConstraint(
            ["import_id"], ["roster_import.id"], name=op.f("fk_roster_change_import_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_change")),
    )
    with op.batch_alter_table("roster_change", schema=None) as batch_op:
        batch_op.create_index(
            "ix_roster_change_import", ["import_id", "table_name", "action", "id"], unique=False
        )

    op.create_table(
        "roster_problem",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("gravity", sa.String(length=10), nullable=False),
        sa.Column("file", sa.String(length=200), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["roster_import.id"], name=op.f("fk_roster_problem_import_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_problem")),
    )
    with op.batch_alter_table("roster_problem", schema=None) as batch_op:
        batch_op.create_index("ix_roster_problem_import", ["import_id", "gravity", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("roster_problem", schema=None) as batch_op:
        batch_op.drop_index("ix_roster_problem_import")

    op.drop_table("roster_problem")
    with op.batch_alter_table("roster_change", schema=None) as batch_op:
        batch_op.drop_index("ix_roster_change_import")

    op.drop_table("roster_change")
    with op.batch_alter_table("roster_import", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_roster_import_school_id"))
        batch_op.drop_index("ix_roster_import_district")

    op.drop_table("roster_import")
