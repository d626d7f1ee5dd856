"""Let the district raise findings at a rated school and confirm that they were mended"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0211_findings"
down_revision: str | None = "0210_words_ended"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("rating_improvement") as table:
        table.add_column(sa.Column("is_finding", sa.Boolean(), server_default=sa.false(), nullable=False))
        table.add_column(sa.Column("confirmed_by_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("confirmed_on", sa.Date(), nullable=True))
        table.create_foreign_key(
            op.f("fk_rating_improvement_confirmed_by_id"), "person", ["confirmed_by_id"], ["id"]
        )
        table.create_check_constraint(
            op.f("ck_rating_improvement_confirmed_when_done"),
            "confirmed_on IS NULL OR (confirmed_by_id IS NOT NULL AND done_on IS NOT NULL AND is_finding)",
        )


def downgrade() -> None:
    with op.batch_alter_table("rating_improvement") as table:
        table.drop_constraint(op.f("ck_rating_improvement_confirmed_when_done"), type_="check")
        table.drop_constraint(op.f("fk_rating_improvement_confirmed_by_id"), type_="foreignkey")
        table.drop_column("confirmed_on")
        table.drop_column("confirmed_by_id")
        table.drop_column("is_finding")
