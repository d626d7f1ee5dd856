"""Keep files that schools hand in as proof"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0160_evidence"
down_revision: str | None = "0103_auditors"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


SAYS = "submitted evidence is frozen"
CHANGED = " OR ".join(
    f"OLD.{name} <> NEW.{name}"
    for name in ("entry_id", "item_id", "name", "size", "sha256", "shows", "again")
)


def freeze() -> None:
    """Let the database itself refuse to change what a submission rests on."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    if postgresql:
        op.execute(
            "CREATE FUNCTION refuse_change_of_rating_evidence() RETURNS trigger LANGUAGE plpgsql AS $$"
            f" BEGIN RAISE EXCEPTION '{SAYS}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
    does = (
        "EXECUTE FUNCTION refuse_change_of_rating_evidence()"
        if postgresql
        else f"BEGIN SELECT RAISE(ABORT, '{SAYS}'); END"
    )
    for act, when in (
        ("UPDATE", f"OLD.frozen_at IS NOT NULL AND (NEW.frozen_at IS NULL OR {CHANGED})"),
        ("DELETE", "OLD.frozen_at IS NOT NULL"),
    ):
        op.execute(
            f"CREATE TRIGGER tr_rating_evidence_{act.lower()} BEFORE {act} ON rating_evidence"
            f" FOR EACH ROW WHEN ({when}) {does}"
        )


def upgrade() -> None:
    op.create_table(
        "rating_evidence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("file_public_id", sa.String(length=22), nullable=False),
        sa.Column("shows", sa.Text(), nullable=False),
        sa.Column("again", sa.Text(), server_default="", nullable=False),
        sa.Column("added_by_id", sa.Integer(), nullable=True),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("frozen_at", UtcDateTime(), nullable=True),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint("length(shows) > 0", name=op.f("ck_rating_evidence_says_what_it_shows")),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_rating_evidence_hash_complete")),
        sa.ForeignKeyConstraint(["entry_id"], ["rating_entry.id"], name=op.f("fk_rating_evidence_entry_id")),
        sa.ForeignKeyConstraint(["added_by_id"], ["person.id"], name=op.f("fk_rating_evidence_added_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_evidence")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rating_evidence_public_id")),
    )
    op.create_index(
        "uq_rating_evidence_once",
        "rating_evidence",
        ["entry_id", "item_id", "sha256"],
        unique=True,
        sqlite_where=sa.text("removed_at IS NULL"),
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_index("ix_rating_evidence_sha256", "rating_evidence", ["sha256"])
    freeze()


def downgrade() -> None:
    op.drop_table("rating_evidence")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change_of_rating_evidence()")
