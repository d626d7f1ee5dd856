"""Add sealed identity numbers of pupils"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0085_identity"
down_revision: str | None = "0095_fair_play"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("pupil") as batch_op:
        batch_op.add_column(sa.Column("identity_sealed", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("identity_index", sa.LargeBinary(), nullable=True))
        batch_op.create_index("ix_pupil_identity", ["identity_index"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("pupil") as batch_op:
        batch_op.drop_index("ix_pupil_identity")
        batch_op.drop_column("identity_index")
        batch_op.drop_column("identity_sealed")
