"""Let a school object to its published result, and appeal twice"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0121_objections"
down_revision: str | None = "0120_hearing"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


SAYS = "an answered objection is frozen"


def freeze() -> None:
    """Let the database itself refuse to change or delete what has been answered."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    if postgresql:
        op.execute(
            "CREATE FUNCTION refuse_change_of_rating_objection() RETURNS trigger LANGUAGE plpgsql AS $$"
            f" BEGIN RAISE EXCEPTION '{SAYS}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
    does = (
        "EXECUTE FUNCTION refuse_change_of_rating_objection()"
        if postgresql
        else f"BEGIN SELECT RAISE(ABORT, '{SAYS}'); END"
    )
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER tr_rating_objection_{act.lower()} BEFORE {act} ON rating_objection"
            f" FOR EACH ROW WHEN (OLD.state <> 'open') {does}"
        )


def upgrade() -> None:
    op.create_table(
        "rating_objection",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("filed_at", UtcDateTime(), nullable=False),
        sa.Column("filed_by_id", sa.Integer(), nullable=False),
        sa.Column("decision_by_id", sa.Integer(), nullable=False),
        sa.Column("answer_due_on", sa.Date(), nullable=False),
        sa.Column("heard_by_id", sa.Integer(), nullable=True),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("answer_text", sa.Text(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("appeal_due_on", sa.Date(), nullable=True),
        sa.Column("before_inputs", sa.Text(), nullable=True),
        sa.Column("before_result", sa.Text(), nullable=True),
        sa.Column("before_star", sa.Integer(), nullable=True),
        sa.Column("before_total", sa.String(length=40), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint("tier BETWEEN 1 AND 3", name=op.f("ck_rating_objection_tier_known")),
        sa.CheckConstraint(
            "state IN ('open', 'upheld', 'changed', 'lapsed')", name=op.f("ck_rating_objection_state_known")
        ),
        sa.CheckConstraint("length(text) > 0", name=op.f("ck_rating_objection_has_reason")),
        sa.CheckConstraint(
            "heard_by_id IS NULL OR heard_by_id <> decision_by_id",
            name=op.f("ck_rating_objection_other_person"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('upheld', 'changed') OR"
            " (heard_by_id IS NOT NULL AND answered_at IS NOT NULL AND length(answer_text) > 0)",
            name=op.f("ck_rating_objection_answer_has_reason"),
        ),
        sa.CheckConstraint(
            "state <> 'changed' OR (before_inputs IS NOT NULL AND before_result IS NOT NULL)",
            name=op.f("ck_rating_objection_old_decision_kept"),
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["rating_entry.id"], name=op.f("fk_rating_objection_entry_id")),
        sa.ForeignKeyConstraint(["filed_by_id"], ["person.id"], name=op.f("fk_rating_objection_filed_by_id")),
        sa.ForeignKeyConstraint(
            ["decision_by_id"], ["person.id"], name=op.f("fk_rating_objection_decision_by_id")
        ),
        sa.ForeignKeyConstraint(["heard_by_id"], ["person.id"], name=op.f("fk_rating_objection_heard_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_objection")),
        sa.UniqueConstraint("entry_id", "tier", name=op.f("uq_rating_objection_entry_id_tier")),
        sa.UniqueConstraint("entry_id", "heard_by_id", name=op.f("uq_rating_objection_entry_id_heard_by_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rating_objection_public_id")),
    )
    freeze()


def downgrade() -> None:
    op.drop_table("rating_objection")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change_of_rating_objection()")
