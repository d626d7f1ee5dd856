"""Chain the trail: append-only entries, each with the hash of the one before"""

import hmac
import json
from collections.abc import Sequence
from datetime import UTC

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime
from portal.keys.keyring import over
from portal.keys.models import Branch

revision: str = "0008_trail_chain"
down_revision: str | None = "0015_consents"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WORDS = "the trail is append-only"

# The table as it stood at this revision.
ENTRY = sa.table(
    "trail_entry",
    sa.column("id", sa.Integer),
    sa.column("sequence", sa.Integer),
    sa.column("happened_at", UtcDateTime()),
    sa.column("person_id", sa.Integer),
    sa.column("role", sa.String),
    sa.column("action", sa.String),
    sa.column("object_kind", sa.String),
    sa.column("object_id", sa.Integer),
    sa.column("facts", sa.JSON),
    sa.column("previous_hash", sa.LargeBinary),
    sa.column("entry_hash", sa.LargeBinary),
)


def link() -> tuple[int, bytes]:
    """Give the entries there are their places in the chain; what they do not know is empty."""
    bind = op.get_bind()
    key, previous, sequence, last = None, bytes(32), 0, 0
    while rows := bind.execute(
        sa.select(ENTRY).where(ENTRY.c.id > last).order_by(ENTRY.c.id).limit(1000)
    ).all():
        key = key or over(bind).lasting(Branch.TRAIL).secret
        linked = []
        for row in rows:
            sequence, last = sequence + 1, row.id
            instant = row.happened_at.astimezone(UTC).isoformat(timespec="microseconds")
            values = [
                sequence, instant, row.person_id, row.role, None, row.action, row.object_kind, row.object_id,
                None, None, None, None, "", "", row.facts,
            ]  # fmt: skip
            text = json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            own = hmac.digest(key, previous + text.encode("utf-8", "surrogatepass"), "sha256")
            linked.append({"row": row.id, "place": sequence, "before": previous, "own": own})
            previous = own
        bind.execute(
            sa.update(ENTRY)
            .where(ENTRY.c.id == sa.bindparam("row"))
            .values(
                sequence=sa.bindparam("place"),
                previous_hash=sa.bindparam("before"),
                entry_hash=sa.bindparam("own"),
            ),
            linked,
        )
    return sequence, previous


def close() -> None:
    """Let the database itself refuse to change entries, and to delete any that have not been pruned in order."""
    pruned = "OLD.sequence > (SELECT pruned_through FROM trail_head)"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change_of_trail_entry() RETURNS trigger LANGUAGE plpgsql AS $$"
            f" BEGIN IF TG_OP = 'DELETE' THEN IF NOT ({pruned}) THEN RETURN OLD; END IF; END IF;"
            f" RAISE EXCEPTION '{WORDS}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
        op.execute(
            "CREATE TRIGGER tr_trail_entry_change BEFORE UPDATE OR DELETE ON trail_entry FOR EACH ROW"
            " EXECUTE FUNCTION refuse_change_of_trail_entry()"
        )
        op.execute(
            "CREATE FUNCTION refuse_truncation_of_trail_entry() RETURNS trigger LANGUAGE plpgsql AS $$"
            f" BEGIN RAISE EXCEPTION '{WORDS}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
        op.execute(
            "CREATE TRIGGER tr_trail_entry_truncate BEFORE TRUNCATE ON trail_entry FOR EACH STATEMENT"
            " EXECUTE FUNCTION refuse_truncation_of_trail_entry()"
        )
        return
    refuse = f"BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
    op.execute(f"CREATE TRIGGER tr_trail_entry_update BEFORE UPDATE ON trail_entry FOR EACH ROW {refuse}")
    op.execute(
        "CREATE TRIGGER tr_trail_entry_delete BEFORE DELETE ON trail_entry FOR EACH ROW"
        f" WHEN ({pruned}) {refuse}"
    )


def open_again() -> None:
    """Undo ``close``."""
    if op.get_bind().dialect.name == "postgresql":
        for name, function in (("change", "change"), ("truncate", "truncation")):
            op.execute(f"DROP TRIGGER tr_trail_entry_{name} ON trail_entry")
            op.execute(f"DROP FUNCTION refuse_{function}_of_trail_entry()")
        return
    for act in ("update", "delete"):
        op.execute(f"DROP TRIGGER tr_trail_entry_{act}")


def upgrade() -> None:
    with op.batch_alter_table("trail_entry", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sequence", sa.Integer(), nullable=True))
        for name in ("appointment_id", "pupil_id", "subject_id", "school_id", "district_id"):
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("purpose", sa.String(length=200), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("category", sa.String(length=3), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("previous_hash", sa.LargeBinary(length=32), nullable=True))
        batch_op.add_column(sa.Column("entry_hash", sa.LargeBinary(length=32), nullable=True))
    sequence, newest = link()
    with op.batch_alter_table("trail_entry", schema=None) as batch_op:
        batch_op.alter_column("sequence", existing_type=sa.Integer(), nullable=False)
        batch_op.alter_column("purpose", existing_type=sa.String(length=200), server_default=None)
        batch_op.alter_column("category", existing_type=sa.String(length=3), server_default=None)
        batch_op.alter_column("previous_hash", existing_type=sa.LargeBinary(length=32), nullable=False)
        batch_op.alter_column("entry_hash", existing_type=sa.LargeBinary(length=32), nullable=False)
        batch_op.create_unique_constraint(op.f("uq_trail_entry_sequence"), ["sequence"])
        batch_op.create_check_constraint(
            op.f("ck_trail_entry_category_known"), "category IN ('', 'F3', 'F4', 'F4S')"
        )
        batch_op.create_index(op.f("ix_trail_entry_happened_at"), ["happened_at"], unique=False)
        for name in ("pupil", "subject", "school", "district"):
            batch_op.create_index(f"ix_trail_entry_{name}", [f"{name}_id", "sequence"], unique=False)
    head = op.create_table(
        "trail_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("entry_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("pruned_through", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_trail_head_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trail_head")),
    )
    op.bulk_insert(head, [{"id": 1, "sequence": sequence, "entry_hash": newest, "pruned_through": 0}])
    close()


def downgrade() -> None:
    open_again()
    op.drop_table("trail_head")
    with op.batch_alter_table("trail_entry", schema=None) as batch_op:
        for name in ("pupil", "subject", "school", "district"):
            batch_op.drop_index(f"ix_trail_entry_{name}")
        batch_op.drop_index(op.f("ix_trail_entry_happened_at"))
        batch_op.drop_constraint(op.f("ck_trail_entry_category_known"), type_="check")
        batch_op.drop_constraint(op.f("uq_trail_entry_sequence"), type_="unique")
        for name in ("entry_hash", "previous_hash", "category", "purpose", "district_id", "school_id",
                     "subject_id", "pupil_id", "appointment_id", "sequence"):  # fmt: skip
            batch_op.drop_column(name)
