"""Hear the school before a rating is decided"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0120_hearing"
down_revision: str | None = "0102_printed_passwords"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = "state IN ('chosen', 'self_assessing', 'submitted', 'scoring', 'locked', 'agreed', 'decided')"
AFTER = "state IN ('chosen', 'self_assessing', 'submitted', 'scoring', 'locked', 'agreed', 'opined', 'heard', 'decided')"


def added() -> tuple[sa.Column, ...]:
    """The columns of the hearing."""
    return (
        sa.Column("opinion_text", sa.Text(), nullable=False, server_default=""),
        sa.Column("opinion_star", sa.Integer(), nullable=True),
        sa.Column("opinion_total", sa.String(length=40), nullable=True),
        sa.Column("opined_at", UtcDateTime(), nullable=True),
        sa.Column("opined_by_id", sa.Integer(), nullable=True),
        sa.Column("defence_due_on", sa.Date(), nullable=True),
        sa.Column("defence_text", sa.Text(), nullable=False, server_default=""),
        sa.Column("defended_at", UtcDateTime(), nullable=True),
        sa.Column("defended_by_id", sa.Integer(), nullable=True),
        sa.Column("reopened_at", UtcDateTime(), nullable=True),
    )


def upgrade() -> None:
    with op.batch_alter_table("rating_entry") as batch_op:
        for column in added():
            batch_op.add_column(column)
        for name in ("opined_by_id", "defended_by_id"):
            batch_op.create_foreign_key(batch_op.f(f"fk_rating_entry_{name}"), "person", [name], ["id"])
        batch_op.drop_constraint(batch_op.f("ck_rating_entry_state_known"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_rating_entry_state_known"), AFTER)
        batch_op.create_check_constraint(
            batch_op.f("ck_rating_entry_opinion_has_term"),
            "state NOT IN ('opined', 'heard') OR defence_due_on IS NOT NULL",
        )


def downgrade() -> None:
    op.execute(
        sa.update(sa.table("rating_entry", sa.column("state", sa.String)))
        .where(sa.column("state").in_(("opined", "heard")))
        .values(state="agreed")
    )
    with op.batch_alter_table("rating_entry") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_rating_entry_opinion_has_term"), type_="check")
        batch_op.drop_constraint(batch_op.f("ck_rating_entry_state_known"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_rating_entry_state_known"), BEFORE)
        for name in ("opined_by_id", "defended_by_id"):
            batch_op.drop_constraint(batch_op.f(f"fk_rating_entry_{name}"), type_="foreignkey")
        for column in reversed(added()):
            batch_op.drop_column(column.name)
