"""Name schools, check them once a year, and take measures against a standing"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0161_standings"
down_revision: str | None = "0160_evidence"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


SAYS = "a record of a standing is never changed"


def freeze() -> None:
    """Let the database itself refuse to change or delete a record of a standing."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    if postgresql:
        op.execute(
            "CREATE FUNCTION refuse_change_of_rating_naming() RETURNS trigger LANGUAGE plpgsql AS $$"
            f" BEGIN RAISE EXCEPTION '{SAYS}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
    does = (
        "EXECUTE FUNCTION refuse_change_of_rating_naming()"
        if postgresql
        else f"BEGIN SELECT RAISE(ABORT, '{SAYS}'); END"
    )
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER tr_rating_naming_{act.lower()} BEFORE {act} ON rating_naming FOR EACH ROW {does}"
        )


def person(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["person.id"], name=op.f(f"fk_{table}_{column}"))


def entry(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["entry_id"], ["rating_entry.id"], name=op.f(f"fk_{table}_entry_id"))


def upgrade() -> None:
    op.create_table(
        "rating_naming",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("replaces_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("star", sa.Integer(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("named_on", sa.Date(), nullable=False),
        sa.Column("valid_until_on", sa.Date(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("second_by_id", sa.Integer(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("signature", sa.String(length=128), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "kind IN ('named', 'lowered', 'removed')", name=op.f("ck_rating_naming_kind_known")
        ),
        sa.CheckConstraint("star BETWEEN 0 AND 10", name=op.f("ck_rating_naming_star_known")),
        sa.CheckConstraint(
            "(kind = 'removed') = (star = 0)", name=op.f("ck_rating_naming_removed_has_no_star")
        ),
        sa.CheckConstraint(
            "kind = 'named' OR (second_by_id IS NOT NULL AND replaces_id IS NOT NULL AND length(because) > 0)",
            name=op.f("ck_rating_naming_second_person_and_reason"),
        ),
        sa.CheckConstraint(
            "second_by_id IS NULL OR second_by_id <> by_id", name=op.f("ck_rating_naming_two_people")
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_rating_naming_district_id")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_rating_naming_school_id")),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["rating_naming.id"], name=op.f("fk_rating_naming_replaces_id")
        ),
        entry("rating_naming"),
        person("rating_naming", "by_id"),
        person("rating_naming", "second_by_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_naming")),
        sa.UniqueConstraint("district_id", "number", name=op.f("uq_rating_naming_district_id_number")),
        sa.UniqueConstraint("replaces_id", name=op.f("uq_rating_naming_replaces_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rating_naming_public_id")),
    )
    op.create_index("ix_rating_naming_school", "rating_naming", ["school_id", "id"])
    op.create_index("ix_rating_naming_entry", "rating_naming", ["entry_id", "id"])
    op.create_table(
        "rating_light_check",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("clean", sa.Boolean(), nullable=True),
        sa.Column("reported_by_id", sa.Integer(), nullable=True),
        sa.Column("reported_at", UtcDateTime(), nullable=True),
        sa.Column("question", sa.Text(), server_default="", nullable=False),
        sa.Column("finding", sa.Text(), server_default="", nullable=False),
        sa.Column("found_by_id", sa.Integer(), nullable=True),
        sa.Column("found_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "state IN ('asked', 'reported', 'kept', 'doubted')",
            name=op.f("ck_rating_light_check_state_known"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('kept', 'doubted') OR (found_by_id IS NOT NULL AND length(finding) > 0)",
            name=op.f("ck_rating_light_check_finding_has_reason"),
        ),
        sa.CheckConstraint("length(items) > 0", name=op.f("ck_rating_light_check_has_items")),
        entry("rating_light_check"),
        person("rating_light_check", "asked_by_id"),
        person("rating_light_check", "reported_by_id"),
        person("rating_light_check", "found_by_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_light_check")),
        sa.UniqueConstraint("entry_id", "year", name=op.f("uq_rating_light_check_entry_id_year")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rating_light_check_public_id")),
    )
    op.create_table(
        "rating_measure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("to_star", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by_id", sa.Integer(), nullable=False),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("hearing_due_on", sa.Date(), nullable=False),
        sa.Column("said", sa.Text(), server_default="", nullable=False),
        sa.Column("said_by_id", sa.Integer(), nullable=True),
        sa.Column("said_at", UtcDateTime(), nullable=True),
        sa.Column("settled_text", sa.Text(), server_default="", nullable=False),
        sa.Column("settled_by_id", sa.Integer(), nullable=True),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "kind IN ('re_rating', 'downgrade', 'removal')", name=op.f("ck_rating_measure_kind_known")
        ),
        sa.CheckConstraint(
            "state IN ('proposed', 'heard', 'settled', 'dropped')", name=op.f("ck_rating_measure_state_known")
        ),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_rating_measure_has_reason")),
        sa.CheckConstraint(
            "(kind = 'downgrade') = (to_star IS NOT NULL)", name=op.f("ck_rating_measure_downgrade_has_star")
        ),
        sa.CheckConstraint(
            "state <> 'settled' OR settled_by_id IS NOT NULL",
            name=op.f("ck_rating_measure_settled_by_somebody"),
        ),
        sa.CheckConstraint(
            "state <> 'settled' OR settled_by_id <> proposed_by_id", name=op.f("ck_rating_measure_two_people")
        ),
        entry("rating_measure"),
        person("rating_measure", "proposed_by_id"),
        person("rating_measure", "said_by_id"),
        person("rating_measure", "settled_by_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_measure")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rating_measure_public_id")),
    )
    op.create_index(
        "uq_rating_measure_open",
        "rating_measure",
        ["entry_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('proposed', 'heard')"),
        postgresql_where=sa.text("state IN ('proposed', 'heard')"),
    )
    freeze()


def downgrade() -> None:
    op.drop_table("rating_measure")
    op.drop_table("rating_light_check")
    op.drop_table("rating_naming")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change_of_rating_naming()")
