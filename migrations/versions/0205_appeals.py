"""Let a school appeal against a settled measure, twice"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0205_appeals"
down_revision: str | None = "0196_late_authors"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NAME = "ck_rating_measure_state_known"
BEFORE = "state IN ('proposed', 'heard', 'settled', 'dropped')"
AFTER = "state IN ('proposed', 'heard', 'settled', 'dropped', 'annulled')"
SAYS = "an answered appeal is frozen"


def know(states: str) -> None:
    """Change which states of a measure are known."""
    with op.batch_alter_table("rating_measure") as table:
        table.drop_constraint(op.f(NAME), type_="check")
        table.create_check_constraint(op.f(NAME), states)


def freeze() -> None:
    """Let the database itself refuse to change or delete what has been answered."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    if postgresql:
        op.execute(
            "CREATE FUNCTION refuse_change_of_rating_appeal() RETURNS trigger LANGUAGE plpgsql AS $$"
            f" BEGIN RAISE EXCEPTION '{SAYS}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
    does = (
        "EXECUTE FUNCTION refuse_change_of_rating_appeal()"
        if postgresql
        else f"BEGIN SELECT RAISE(ABORT, '{SAYS}'); END"
    )
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER tr_rating_appeal_{act.lower()} BEFORE {act} ON rating_appeal"
            f" FOR EACH ROW WHEN (OLD.state <> 'open') {does}"
        )


def upgrade() -> None:
    know(AFTER)
    with op.batch_alter_table("rating_measure") as table:
        table.add_column(sa.Column("appeal_due_on", sa.Date(), nullable=True))
    op.create_table(
        "rating_appeal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("measure_id", sa.Integer(), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("filed_at", UtcDateTime(), nullable=False),
        sa.Column("filed_by_id", sa.Integer(), nullable=False),
        sa.Column("answer_due_on", sa.Date(), nullable=False),
        sa.Column("heard_by_id", sa.Integer(), nullable=True),
        sa.Column("answer_text", sa.Text(), server_default="", nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("appeal_due_on", sa.Date(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint("tier BETWEEN 1 AND 2", name=op.f("ck_rating_appeal_tier_known")),
        sa.CheckConstraint(
            "state IN ('open', 'upheld', 'changed', 'lapsed', 'withdrawn')",
            name=op.f("ck_rating_appeal_state_known"),
        ),
        sa.CheckConstraint("length(text) > 0", name=op.f("ck_rating_appeal_has_reason")),
        sa.CheckConstraint(
            "state NOT IN ('upheld', 'changed') OR"
            " (heard_by_id IS NOT NULL AND answered_at IS NOT NULL AND length(answer_text) > 0)",
            name=op.f("ck_rating_appeal_answer_has_reason"),
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["rating_entry.id"], name=op.f("fk_rating_appeal_entry_id")),
        sa.ForeignKeyConstraint(
            ["measure_id"], ["rating_measure.id"], name=op.f("fk_rating_appeal_measure_id")
        ),
        sa.ForeignKeyConstraint(["filed_by_id"], ["person.id"], name=op.f("fk_rating_appeal_filed_by_id")),
        sa.ForeignKeyConstraint(["heard_by_id"], ["person.id"], name=op.f("fk_rating_appeal_heard_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_appeal")),
        sa.UniqueConstraint("measure_id", "tier", name=op.f("uq_rating_appeal_measure_id_tier")),
        sa.UniqueConstraint(
            "measure_id", "heard_by_id", name=op.f("uq_rating_appeal_measure_id_heard_by_id")
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_rating_appeal_public_id")),
    )
    op.create_index("ix_rating_appeal_entry", "rating_appeal", ["entry_id", "id"])
    freeze()


def downgrade() -> None:
    op.drop_table("rating_appeal")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change_of_rating_appeal()")
    measure = sa.table("rating_measure", sa.column("state"))
    op.execute(sa.update(measure).where(measure.c.state == "annulled").values(state="dropped"))
    with op.batch_alter_table("rating_measure") as table:
        table.drop_column("appeal_due_on")
    know(BEFORE)
