"""Let exports of the log name their days and the kind of file"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0100_log_exports"
down_revision: str | None = "0096_home_teaching"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("export_request") as batch_op:
        batch_op.add_column(sa.Column("first_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("last_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("file_kind", sa.String(length=4), nullable=False, server_default=""))
        batch_op.create_check_constraint(
            op.f("ck_export_request_both_days"), "(first_on IS NULL) = (last_on IS NULL)"
        )
        batch_op.create_check_constraint(op.f("ck_export_request_days_in_order"), "last_on >= first_on")
    with op.batch_alter_table("export_request") as batch_op:
        batch_op.alter_column("file_kind", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("export_request") as batch_op:
        batch_op.drop_constraint(op.f("ck_export_request_days_in_order"), type_="check")
        batch_op.drop_constraint(op.f("ck_export_request_both_days"), type_="check")
        batch_op.drop_column("file_kind")
        batch_op.drop_column("last_on")
        batch_op.drop_column("first_on")
