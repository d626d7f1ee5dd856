"""Let anybody by name object to a published result; let a school take its own objection back"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0162_concerns"
down_revision: str | None = "0130_copies"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


SAYS = "an answered objection is frozen"
NAME = "ck_rating_objection_state_known"
BEFORE = "state IN ('open', 'upheld', 'changed', 'lapsed')"
AFTER = "state IN ('open', 'upheld', 'changed', 'lapsed', 'withdrawn')"


def is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def know(states: str) -> None:
    """Change which states are known; SQLite makes the table anew, and with it its triggers."""
    with op.batch_alter_table("rating_objection") as table:
        table.drop_constraint(op.f(NAME), type_="check")
        table.create_check_constraint(op.f(NAME), states)
    if is_sqlite():
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER IF NOT EXISTS tr_rating_objection_{act.lower()} BEFORE {act} ON rating_objection"
                f" FOR EACH ROW WHEN (OLD.state <> 'open') BEGIN SELECT RAISE(ABORT, '{SAYS}'); END"
            )


def upgrade() -> None:
    op.create_table(
        "rating_concern",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("words_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("filed_at", UtcDateTime(), nullable=False),
        sa.Column("answer_due_on", sa.Date(), nullable=False),
        sa.Column("heard_by_id", sa.Integer(), nullable=True),
        sa.Column("gist", sa.Text(), server_default="", nullable=False),
        sa.Column("reply_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'founded', 'unfounded', 'withdrawn')",
            name=op.f("ck_rating_concern_state_known"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('founded', 'unfounded') OR (heard_by_id IS NOT NULL AND length(gist) > 0)",
            name=op.f("ck_rating_concern_answer_has_reason"),
        ),
        sa.CheckConstraint(
            "heard_by_id IS NULL OR author_id IS NULL OR heard_by_id <> author_id",
            name=op.f("ck_rating_concern_other_person"),
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["rating_entry.id"], name=op.f("fk_rating_concern_entry_id")),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_rating_concern_author_id")),
        sa.ForeignKeyConstraint(["heard_by_id"], ["person.id"], name=op.f("fk_rating_concern_heard_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_concern")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rating_concern_public_id")),
    )
    op.create_index(
        "uq_rating_concern_open",
        "rating_concern",
        ["entry_id", "author_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    know(AFTER)


def downgrade() -> None:
    op.execute(
        sa.update(sa.table("rating_objection", sa.column("state")))
        .where(sa.column("state") == "withdrawn")
        .values(state="lapsed")
    ) if not is_sqlite() else None
    know(BEFORE)
    op.drop_table("rating_concern")
