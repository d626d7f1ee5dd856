"""Keep with a session when its holder last proved who they are"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0012_proof"
down_revision: str | None = "0009_settings"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("auth_session") as table:
        table.add_column(sa.Column("proved_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("auth_session") as table:
        table.drop_column("proved_at")
