"""Keep year-end sheets as they were made"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0206_year_end"
down_revision: str | None = "0205_appeals"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "rating_year_end",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "(content IS NULL) = (sha256 IS NULL)", name=op.f("ck_rating_year_end_made_has_hash")
        ),
        sa.CheckConstraint(
            "sha256 IS NULL OR length(sha256) = 64", name=op.f("ck_rating_year_end_hash_complete")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["rating_round.id"], name=op.f("fk_rating_year_end_round_id")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["person.id"], name=op.f("fk_rating_year_end_asked_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_year_end")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rating_year_end_public_id")),
    )
    op.create_index("ix_rating_year_end_round", "rating_year_end", ["round_id", "id"])


def downgrade() -> None:
    op.drop_table("rating_year_end")
