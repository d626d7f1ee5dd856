"""Add ratings"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0006_ratings"
down_revision: str | None = "0003_rosters"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


FROZEN = {
    "rating_snapshot": ("", "the evidence of a submission is frozen"),
    "rubric_version": ("OLD.state = 'published'", "a published rubric cannot be changed"),
}
"""Table → (when its rows are frozen, what the database says). Rebuilding one of these tables on SQLite must make its
triggers again: they go with the old table."""


def freeze() -> None:
    """Let the database itself refuse to change or delete frozen rows."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table, (when, words) in FROZEN.items():
        if postgresql:
            op.execute(
                f"CREATE FUNCTION refuse_change_of_{table}() RETURNS trigger LANGUAGE plpgsql AS $$"
                f" BEGIN RAISE EXCEPTION '{words}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
            )
        for act in ("UPDATE", "DELETE"):
            name = f"tr_{table}_{act.lower()}"
            condition = f" WHEN ({when})" if when else ""
            if postgresql:
                op.execute(
                    f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH ROW{condition}"
                    f" EXECUTE FUNCTION refuse_change_of_{table}()"
                )
            else:
                op.execute(
                    f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH ROW{condition}"
                    f" BEGIN SELECT RAISE(ABORT, '{words}'); END"
                )


def thaw() -> None:
    """Undo ``freeze``."""
    for table in FROZEN:
        for act in ("update", "delete"):
            on = f" ON {table}" if op.get_bind().dialect.name == "postgresql" else ""
            op.execute(f"DROP TRIGGER tr_{table}_{act}{on}")
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"DROP FUNCTION refuse_change_of_{table}()")


def upgrade() -> None:
    op.create_table(
        "rubric_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("rubric_id", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=600), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("yaml", sa.Text(), nullable=False),
        sa.Column("canonical", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("stored_by_id", sa.Integer(), nullable=True),
        sa.Column("stored_at", UtcDateTime(), nullable=False),
        sa.Column("published_by_id", sa.Integer(), nullable=True),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint("state IN ('draft', 'published')", name=op.f("ck_rubric_version_state_known")),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_rubric_version_hash_complete")),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_rubric_version_district_id")),
        sa.ForeignKeyConstraint(
            ["published_by_id"], ["person.id"], name=op.f("fk_rubric_version_published_by_id")
        ),
        sa.ForeignKeyConstraint(["stored_by_id"], ["person.id"], name=op.f("fk_rubric_version_stored_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rubric_version")),
        sa.UniqueConstraint(
            "district_id",
            "rubric_id",
            "version",
            name=op.f("uq_rubric_version_district_id_rubric_id_version"),
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_rubric_version_public_id")),
    )
    op.create_table(
        "rating_round",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("rubric_version_id", sa.Integer(), nullable=False),
        sa.Column("school_year_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("self_assessment_due_on", sa.Date(), nullable=False),
        sa.Column("scoring_due_on", sa.Date(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("published_by_id", sa.Integer(), nullable=True),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("publicity_ends_on", sa.Date(), nullable=True),
        sa.Column("valid_until_on", sa.Date(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "state IN ('draft', 'open', 'published')", name=op.f("ck_rating_round_state_known")
        ),
        sa.CheckConstraint("length(name) > 0", name=op.f("ck_rating_round_has_name")),
        sa.CheckConstraint(
            "scoring_due_on >= self_assessment_due_on", name=op.f("ck_rating_round_deadlines_in_order")
        ),
        sa.ForeignKeyConstraint(["created_by_id"], ["person.id"], name=op.f("fk_rating_round_created_by_id")),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_rating_round_district_id")),
        sa.ForeignKeyConstraint(
            ["published_by_id"], ["person.id"], name=op.f("fk_rating_round_published_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["rubric_version_id"], ["rubric_version.id"], name=op.f("fk_rating_round_rubric_version_id")
        ),
        sa.ForeignKeyConstraint(
            ["school_year_id"], ["school_year.id"], name=op.f("fk_rating_round_school_year_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_round")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rating_round_public_id")),
    )
    with op.batch_alter_table("rating_round", schema=None) as batch_op:
        batch_op.create_index("ix_rating_round_district", ["district_id", "id"], unique=False)

    op.create_table(
        "rating_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("claimed_star", sa.Integer(), nullable=True),
        sa.Column("claim_text", sa.Text(), nullable=False),
        sa.Column("submitted_at", UtcDateTime(), nullable=True),
        sa.Column("submitted_by_id", sa.Integer(), nullable=True),
        sa.Column("returned_at", UtcDateTime(), nullable=True),
        sa.Column("return_reason", sa.Text(), nullable=False),
        sa.Column("gates", sa.Text(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decision_text", sa.Text(), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("star", sa.Integer(), nullable=True),
        sa.Column("total", sa.String(length=40), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "state <> 'decided' OR result IS NOT NULL", name=op.f("ck_rating_entry_decision_has_result")
        ),
        sa.CheckConstraint(
            "state IN ('chosen', 'self_assessing', 'submitted', 'scoring', 'locked', 'agreed', 'decided')",
            name=op.f("ck_rating_entry_state_known"),
        ),
        sa.CheckConstraint(
            "claimed_star IS NULL OR claimed_star BETWEEN 0 AND 10", name=op.f("ck_rating_entry_claim_known")
        ),
        sa.ForeignKeyConstraint(["decided_by_id"], ["person.id"], name=op.f("fk_rating_entry_decided_by_id")),
        sa.ForeignKeyConstraint(["round_id"], ["rating_round.id"], name=op.f("fk_rating_entry_round_id")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_rating_entry_school_id")),
        sa.ForeignKeyConstraint(
            ["submitted_by_id"], ["person.id"], name=op.f("fk_rating_entry_submitted_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_entry")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rating_entry_public_id")),
        sa.UniqueConstraint("round_id", "school_id", name=op.f("uq_rating_entry_round_id_school_id")),
    )
    with op.batch_alter_table("rating_entry", schema=None) as batch_op:
        batch_op.create_index("ix_rating_entry_school", ["school_id", "state"], unique=False)

    op.create_table(
        "rating_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.String(length=80), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["answered_by_id"], ["person.id"], name=op.f("fk_rating_answer_answered_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["rating_entry.id"], name=op.f("fk_rating_answer_entry_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_answer")),
        sa.UniqueConstraint("entry_id", "item_id", name=op.f("uq_rating_answer_entry_id_item_id")),
    )
    op.create_table(
        "rating_consensus",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.String(length=80), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by_id", sa.Integer(), nullable=False),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("agreed_by_id", sa.Integer(), nullable=True),
        sa.Column("agreed_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "agreed_by_id IS NULL OR agreed_by_id <> proposed_by_id",
            name=op.f("ck_rating_consensus_two_people"),
        ),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_rating_consensus_has_reason")),
        sa.ForeignKeyConstraint(
            ["agreed_by_id"], ["person.id"], name=op.f("fk_rating_consensus_agreed_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["rating_entry.id"], name=op.f("fk_rating_consensus_entry_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by_id"], ["person.id"], name=op.f("fk_rating_consensus_proposed_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_consensus")),
        sa.UniqueConstraint("entry_id", "item_id", name=op.f("uq_rating_consensus_entry_id_item_id")),
    )
    op.create_table(
        "rating_sheet",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("locked_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["rating_entry.id"], name=op.f("fk_rating_sheet_entry_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_rating_sheet_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_sheet")),
        sa.UniqueConstraint("entry_id", "person_id", name=op.f("uq_rating_sheet_entry_id_person_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rating_sheet_public_id")),
    )
    with op.batch_alter_table("rating_sheet", schema=None) as batch_op:
        batch_op.create_index("ix_rating_sheet_person", ["person_id", "id"], unique=False)

    op.create_table(
        "rating_snapshot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_rating_snapshot_hash_complete")),
        sa.ForeignKeyConstraint(["entry_id"], ["rating_entry.id"], name=op.f("fk_rating_snapshot_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_snapshot")),
        sa.UniqueConstraint("entry_id", "number", name=op.f("uq_rating_snapshot_entry_id_number")),
    )
    op.create_table(
        "rating_veto_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("veto_id", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_by_id", sa.Integer(), nullable=True),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.Column("dropped_by_id", sa.Integer(), nullable=True),
        sa.Column("dropped_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "confirmed_by_id IS NULL OR confirmed_by_id <> recorded_by_id",
            name=op.f("ck_rating_veto_event_two_people"),
        ),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_rating_veto_event_has_reason")),
        sa.ForeignKeyConstraint(
            ["confirmed_by_id"], ["person.id"], name=op.f("fk_rating_veto_event_confirmed_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["dropped_by_id"], ["person.id"], name=op.f("fk_rating_veto_event_dropped_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["rating_entry.id"], name=op.f("fk_rating_veto_event_entry_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by_id"], ["person.id"], name=op.f("fk_rating_veto_event_recorded_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_veto_event")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rating_veto_event_public_id")),
    )
    with op.batch_alter_table("rating_veto_event", schema=None) as batch_op:
        batch_op.create_index(
            "uq_rating_veto_event_standing",
            ["entry_id", "veto_id"],
            unique=True,
            sqlite_where=sa.text("dropped_at IS NULL"),
            postgresql_where=sa.text("dropped_at IS NULL"),
        )

    op.create_table(
        "rating_mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sheet_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.String(length=80), nullable=False),
        sa.Column("facts", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("marked_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sheet_id"], ["rating_sheet.id"], name=op.f("fk_rating_mark_sheet_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_mark")),
        sa.UniqueConstraint("sheet_id", "item_id", name=op.f("uq_rating_mark_sheet_id_item_id")),
    )
    freeze()


def downgrade() -> None:
    thaw()
    op.drop_table("rating_mark")
    with op.batch_alter_table("rating_veto_event", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rating_veto_event_standing",
            sqlite_where=sa.text("dropped_at IS NULL"),
            postgresql_where=sa.text("dropped_at IS NULL"),
        )

    op.drop_table("rating_veto_event")
    op.drop_table("rating_snapshot")
    with op.batch_alter_table("rating_sheet", schema=None) as batch_op:
        batch_op.drop_index("ix_rating_sheet_person")

    op.drop_table("rating_sheet")
    op.drop_table("rating_consensus")
    op.drop_table("rating_answer")
    with op.batch_alter_table("rating_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_rating_entry_school")

    op.drop_table("rating_entry")
    with op.batch_alter_table("rating_round", schema=None) as batch_op:
        batch_op.drop_index("ix_rating_round_district")

    op.drop_table("rating_round")
    op.drop_table("rubric_version")
