"""Add rolled-up numbers of school and term"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002_summaries"
down_revision: str | None = "0001_world"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "school_term_summary",
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("term_id", sa.Integer(), nullable=False),
        sa.Column("measure", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id"], ["school.id"], ondelete="CASCADE", name=op.f("fk_school_term_summary_school_id")
        ),
        sa.ForeignKeyConstraint(
            ["term_id"], ["term.id"], ondelete="CASCADE", name=op.f("fk_school_term_summary_term_id")
        ),
        sa.PrimaryKeyConstraint("school_id", "term_id", "measure", name=op.f("pk_school_term_summary")),
    )


def downgrade() -> None:
    op.drop_table("school_term_summary")
