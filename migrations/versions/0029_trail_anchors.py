"""Anchor the trail"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0029_trail_anchors"
down_revision: str | None = "0033_erasing"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WORDS = "an anchor never changes"
COLUMNS = ("sequence", "made_at", "entry_hash", "signature")


def upgrade() -> None:
    op.create_table(
        "trail_anchor",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("entry_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.Column("filed_at", UtcDateTime(), nullable=True),
        sa.Column("mailed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_trail_anchor")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change_of_trail_anchor() RETURNS trigger LANGUAGE plpgsql AS $$"
            f" BEGIN RAISE EXCEPTION '{WORDS}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER tr_trail_anchor_update BEFORE UPDATE OF {', '.join(COLUMNS)} ON trail_anchor"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change_of_trail_anchor()"
        )
        for act, level in (("DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
            op.execute(
                f"CREATE TRIGGER tr_trail_anchor_{act.lower()} BEFORE {act} ON trail_anchor FOR EACH {level}"
                " EXECUTE FUNCTION refuse_change_of_trail_anchor()"
            )
        return
    refuse = f"BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
    op.execute(
        f"CREATE TRIGGER tr_trail_anchor_update BEFORE UPDATE OF {', '.join(COLUMNS)} ON trail_anchor"
        f" FOR EACH ROW {refuse}"
    )
    op.execute(f"CREATE TRIGGER tr_trail_anchor_delete BEFORE DELETE ON trail_anchor FOR EACH ROW {refuse}")


def downgrade() -> None:
    op.drop_table("trail_anchor")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change_of_trail_anchor()")
