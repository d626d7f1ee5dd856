"""Add field keys, with the first of each branch"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal import clock
from portal.extensions import UtcDateTime
from portal.keys.keyring import new_field_key, over

revision: str = "0007_keys"
down_revision: str | None = "0012_proof"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BRANCHES = ("personal", "narrative", "safeguarding", "secret", "index", "trail")


def upgrade() -> None:
    table = op.create_table(
        "field_key",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("branch", sa.String(length=20), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("master", sa.String(length=20), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "branch IN ('personal', 'narrative', 'safeguarding', 'secret', 'index', 'trail')",
            name=op.f("ck_field_key_branch_known"),
        ),
        sa.CheckConstraint("id BETWEEN 1 AND 2147483647", name=op.f("ck_field_key_id_fits")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_key")),
    )
    op.create_index("ix_field_key_branch", "field_key", ["branch", "created_at"])
    keys = over(op.get_bind())
    master = keys.masters.add(clock.today(), only_first=True)
    now = clock.now()
    rows = [new_field_key(master, keys.algorithm, branch) | {"created_at": now} for branch in BRANCHES]
    op.bulk_insert(table, rows)


def downgrade() -> None:
    op.drop_index("ix_field_key_branch", table_name="field_key")
    op.drop_table("field_key")
