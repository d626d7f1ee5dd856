"""Let guardians ask for helpers"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0047_helpers"
down_revision: str | None = "0065_care"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = {
    "state_known": "state IN ('waiting', 'confirmed', 'declined')",
    "way_known": "way IN ('slip', 'phone')",
    "can_be_let_in": "state <> 'waiting' OR person_id IS NOT NULL OR password_hash IS NOT NULL",
}
NOW = {
    "state_known": "state IN ('waiting', 'confirmed', 'declined', 'withdrawn')",
    "way_known": "way IN ('slip', 'phone', 'guardian')",
    "can_be_let_in": (
        "state <> 'waiting' OR way = 'guardian' OR person_id IS NOT NULL OR password_hash IS NOT NULL"
    ),
}
HELPER = "ck_joining_request_helper_without_password"


def _hold(batch_op: object, rules: dict[str, str]) -> None:
    for name, words in rules.items():
        batch_op.drop_constraint(op.f(f"ck_joining_request_{name}"), type_="check")  # type: ignore[attr-defined]
        batch_op.create_check_constraint(op.f(f"ck_joining_request_{name}"), words)  # type: ignore[attr-defined]


def upgrade() -> None:
    with op.batch_alter_table("joining_request") as batch_op:
        batch_op.add_column(sa.Column("asked_by_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("until_on", sa.Date(), nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_joining_request_asked_by_id"), "person", ["asked_by_id"], ["id"], ondelete="CASCADE"
        )
        _hold(batch_op, NOW)
        batch_op.create_check_constraint(op.f(HELPER), "way <> 'guardian' OR password_hash IS NULL")
    op.create_index(op.f("ix_joining_request_asked_by_id"), "joining_request", ["asked_by_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_joining_request_asked_by_id"), "joining_request")
    table = sa.table("joining_request", sa.column("way"))
    op.get_bind().execute(table.delete().where(table.c.way == "guardian"))
    with op.batch_alter_table("joining_request") as batch_op:
        batch_op.drop_constraint(op.f(HELPER), type_="check")
        _hold(batch_op, BEFORE)
        batch_op.drop_constraint(op.f("fk_joining_request_asked_by_id"), type_="foreignkey")
        batch_op.drop_column("until_on")
        batch_op.drop_column("asked_by_id")
