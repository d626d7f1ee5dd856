"""Let a district order hand-overs"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0046_hand_over_ordered"
down_revision: str | None = "0045_first_access"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def _states(words: str) -> None:
    with op.batch_alter_table("hand_over") as batch_op:
        batch_op.drop_constraint(op.f("ck_hand_over_state_known"), type_="check")
        batch_op.create_check_constraint(op.f("ck_hand_over_state_known"), f"state IN ({words})")


def upgrade() -> None:
    _states("'planned', 'ordered', 'applied', 'undone'")


def downgrade() -> None:
    table = sa.table("hand_over", sa.column("state"))
    op.get_bind().execute(table.update().where(table.c.state == "ordered").values(state="planned"))
    _states("'planned', 'applied', 'undone'")
