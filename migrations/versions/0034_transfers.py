"""Add hand-overs and transfers"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0034_transfers"
down_revision: str | None = "0033_reports"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "hand_over",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("to_year_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("journal", sa.JSON(), nullable=False),
        sa.Column("applied_by_id", sa.Integer(), nullable=True),
        sa.Column("applied_at", UtcDateTime(), nullable=True),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "state IN ('planned', 'applied', 'undone')", name=op.f("ck_hand_over_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["applied_by_id"], ["person.id"], name=op.f("fk_hand_over_applied_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_hand_over_school_id")),
        sa.ForeignKeyConstraint(["to_year_id"], ["school_year.id"], name=op.f("fk_hand_over_to_year_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_over")),
        sa.UniqueConstraint("public_id", name=op.f("uq_hand_over_public_id")),
    )
    with op.batch_alter_table("hand_over", schema=None) as batch_op:
        batch_op.create_index(
            "uq_hand_over_current",
            ["school_id", "to_year_id"],
            unique=True,
            sqlite_where=sa.text("state <> 'undone'"),
            postgresql_where=sa.text("state <> 'undone'"),
        )

    op.create_table(
        "pupil_transfer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pupil_id", sa.Integer(), nullable=False),
        sa.Column("from_school_id", sa.Integer(), nullable=False),
        sa.Column("to_school_id", sa.Integer(), nullable=True),
        sa.Column("to_class_id", sa.Integer(), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("destination", sa.String(length=200), nullable=False),
        sa.Column("shares_story", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("proposed_by_id", sa.Integer(), nullable=False),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("objected_by_id", sa.Integer(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "state IN ('proposed', 'accepted', 'done', 'refused', 'withdrawn')",
            name=op.f("ck_pupil_transfer_state_known"),
        ),
        sa.CheckConstraint(
            "decided_by_id IS NULL OR decided_by_id <> proposed_by_id",
            name=op.f("ck_pupil_transfer_two_people"),
        ),
        sa.CheckConstraint(
            "to_school_id IS NULL OR to_school_id <> from_school_id",
            name=op.f("ck_pupil_transfer_two_schools"),
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["person.id"], name=op.f("fk_pupil_transfer_decided_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["from_school_id"], ["school.id"], name=op.f("fk_pupil_transfer_from_school_id")
        ),
        sa.ForeignKeyConstraint(
            ["objected_by_id"],
            ["person.id"],
            name=op.f("fk_pupil_transfer_objected_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by_id"], ["person.id"], name=op.f("fk_pupil_transfer_proposed_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["pupil_id"], ["pupil.id"], name=op.f("fk_pupil_transfer_pupil_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["to_class_id"], ["school_class.id"], name=op.f("fk_pupil_transfer_to_class_id")
        ),
        sa.ForeignKeyConstraint(["to_school_id"], ["school.id"], name=op.f("fk_pupil_transfer_to_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pupil_transfer")),
        sa.UniqueConstraint("public_id", name=op.f("uq_pupil_transfer_public_id")),
    )
    with op.batch_alter_table("pupil_transfer", schema=None) as batch_op:
        batch_op.create_index("ix_pupil_transfer_from", ["from_school_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_pupil_transfer_pupil_id"), ["pupil_id"], unique=False)
        batch_op.create_index("ix_pupil_transfer_to", ["to_school_id", "id"], unique=False)
        batch_op.create_index(
            "uq_pupil_transfer_open",
            ["pupil_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('proposed', 'accepted')"),
            postgresql_where=sa.text("state IN ('proposed', 'accepted')"),
        )


def downgrade() -> None:
    with op.batch_alter_table("pupil_transfer", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_pupil_transfer_open",
            sqlite_where=sa.text("state IN ('proposed', 'accepted')"),
            postgresql_where=sa.text("state IN ('proposed', 'accepted')"),
        )
        batch_op.drop_index("ix_pupil_transfer_to")
        batch_op.drop_index(batch_op.f("ix_pupil_transfer_pupil_id"))
        batch_op.drop_index("ix_pupil_transfer_from")

    op.drop_table("pupil_transfer")
    with op.batch_alter_table("hand_over", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_hand_over_current",
            sqlite_where=sa.text("state <> 'undone'"),
            postgresql_where=sa.text("state <> 'undone'"),
        )

    op.drop_table("hand_over")
