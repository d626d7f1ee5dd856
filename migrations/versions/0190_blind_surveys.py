"""Add blindly signed passes to questionnaires"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0190_blind_surveys"
down_revision: str | None = "0151_windows"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("survey") as table:
        table.add_column(sa.Column("blind", sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table("survey_school") as table:
        table.add_column(sa.Column("modulus", sa.Text(), nullable=True))
        table.add_column(sa.Column("signing_key_sealed", sa.LargeBinary(), nullable=True))
    with op.batch_alter_table("survey_household") as table:
        table.add_column(sa.Column("signature", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("survey_household") as table:
        table.drop_column("signature")
    with op.batch_alter_table("survey_school") as table:
        table.drop_column("signing_key_sealed")
        table.drop_column("modulus")
    with op.batch_alter_table("survey") as table:
        table.drop_column("blind")
