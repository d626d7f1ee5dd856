"""Add other kinds of rounds, what schools do next, and bands among peers"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0163_programmes"
down_revision: str | None = "0131_onsite"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("rating_round") as table:
        table.add_column(sa.Column("programme", sa.String(length=20), server_default="stars", nullable=False))
        table.create_check_constraint(
            op.f("ck_rating_round_programme_known"),
            "programme IN ('stars', 'base', 'innovation', 'parent_school')",
        )
    op.create_table(
        "rating_improvement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("done_text", sa.Text(), server_default="", nullable=False),
        sa.Column("done_on", sa.Date(), nullable=True),
        sa.Column("added_by_id", sa.Integer(), nullable=True),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint("length(text) > 0", name=op.f("ck_rating_improvement_has_text")),
        sa.CheckConstraint(
            "done_on IS NULL OR length(done_text) > 0", name=op.f("ck_rating_improvement_done_says_what")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["rating_entry.id"], name=op.f("fk_rating_improvement_entry_id")
        ),
        sa.ForeignKeyConstraint(
            ["added_by_id"], ["person.id"], name=op.f("fk_rating_improvement_added_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_improvement")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rating_improvement_public_id")),
    )
    op.create_index("ix_rating_improvement_entry", "rating_improvement", ["entry_id", "id"])
    op.create_table(
        "rating_peers",
        sa.Column("entry_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("group", sa.String(length=100), nullable=False),
        sa.Column("schools", sa.Integer(), nullable=False),
        sa.Column("bands", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["rating_entry.id"], name=op.f("fk_rating_peers_entry_id")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_rating_peers")),
    )


def downgrade() -> None:
    op.drop_table("rating_peers")
    op.drop_table("rating_improvement")
    with op.batch_alter_table("rating_round") as table:
        table.drop_constraint(op.f("ck_rating_round_programme_known"), type_="check")
        table.drop_column("programme")
