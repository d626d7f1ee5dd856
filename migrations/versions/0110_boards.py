"""Count families not reached with each class, find open steps by school"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0110_boards"
down_revision: str | None = "0100_log_exports"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("visit_class_coverage") as batch_op:
        batch_op.add_column(sa.Column("not_reached", sa.Integer(), server_default="0", nullable=False))
        batch_op.create_check_constraint(
            op.f("ck_visit_class_coverage_not_reached_unmet"),
            "not_reached >= 0 AND met + not_reached <= members",
        )
    op.create_index(
        "ix_follow_up_open",
        "follow_up",
        ["school_id", "due_on"],
        sqlite_where=sa.text("done_on IS NULL"),
        postgresql_where=sa.text("done_on IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_follow_up_open", table_name="follow_up")
    with op.batch_alter_table("visit_class_coverage") as batch_op:
        batch_op.drop_constraint(op.f("ck_visit_class_coverage_not_reached_unmet"), type_="check")
        batch_op.drop_column("not_reached")
