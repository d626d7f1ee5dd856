"""Keep second signatures, who leads a round, and signed records of decisions"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0150_signatures"
down_revision: str | None = "0163_programmes"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


SAYS = "a signed record is frozen"


def freeze() -> None:
    """Let the database itself refuse to change or delete a signed record."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    if postgresql:
        op.execute(
            "CREATE FUNCTION refuse_change_of_rating_record() RETURNS trigger LANGUAGE plpgsql AS $$"
            f" BEGIN RAISE EXCEPTION '{SAYS}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
    does = (
        "EXECUTE FUNCTION refuse_change_of_rating_record()"
        if postgresql
        else f"BEGIN SELECT RAISE(ABORT, '{SAYS}'); END"
    )
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER tr_rating_record_{act.lower()} BEFORE {act} ON rating_record FOR EACH ROW {does}"
        )


def upgrade() -> None:
    op.create_table(
        "rating_signature",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("row_id", sa.Integer(), nullable=False),
        sa.Column("verb", sa.String(length=20), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=22), nullable=False),
        sa.Column("about", sa.String(length=200), nullable=False),
        sa.Column("given", sa.Text(), nullable=False),
        sa.Column("basis", sa.String(length=64), nullable=False),
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=False),
        sa.Column("second_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "second_id IS NULL OR second_id <> first_id", name=op.f("ck_rating_signature_two_people")
        ),
        sa.CheckConstraint(
            "second_id IS NULL OR ended_at IS NOT NULL", name=op.f("ck_rating_signature_second_ends_it")
        ),
        sa.CheckConstraint("length(basis) = 64", name=op.f("ck_rating_signature_hash_complete")),
        sa.ForeignKeyConstraint(
            ["district_id"], ["district.id"], name=op.f("fk_rating_signature_district_id")
        ),
        sa.ForeignKeyConstraint(["first_id"], ["person.id"], name=op.f("fk_rating_signature_first_id")),
        sa.ForeignKeyConstraint(["second_id"], ["person.id"], name=op.f("fk_rating_signature_second_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_signature")),
    )
    op.create_index(
        "uq_rating_signature_waiting",
        "rating_signature",
        ["kind", "row_id", "verb"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_rating_signature_district", "rating_signature", ["district_id", "ended_at"])
    op.create_index("ix_rating_signature_first", "rating_signature", ["first_id"])
    op.create_index("ix_rating_signature_second", "rating_signature", ["second_id"])
    op.create_table(
        "rating_record",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_rating_record_hash_complete")),
        sa.ForeignKeyConstraint(["entry_id"], ["rating_entry.id"], name=op.f("fk_rating_record_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_record")),
        sa.UniqueConstraint("entry_id", "number", name=op.f("uq_rating_record_entry_id_number")),
    )
    freeze()


def downgrade() -> None:
    op.drop_table("rating_record")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change_of_rating_record()")
    op.drop_table("rating_signature")
