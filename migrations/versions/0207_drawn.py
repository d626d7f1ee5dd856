"""Say which rounds draw their inspectors, and why some were named by hand"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0207_drawn"
down_revision: str | None = "0206_year_end"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "rating_round", sa.Column("by_draw", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    with op.batch_alter_table("rating_entry") as table:
        table.add_column(sa.Column("chosen_reason", sa.Text(), server_default="", nullable=False))
        table.add_column(sa.Column("chosen_by_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("chosen_at", UtcDateTime(), nullable=True))
        table.create_foreign_key(op.f("fk_rating_entry_chosen_by_id"), "person", ["chosen_by_id"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("rating_entry") as table:
        table.drop_constraint(op.f("fk_rating_entry_chosen_by_id"), type_="foreignkey")
        table.drop_column("chosen_at")
        table.drop_column("chosen_by_id")
        table.drop_column("chosen_reason")
    op.drop_column("rating_round", "by_draw")
