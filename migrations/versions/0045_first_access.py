"""Add slips for the first sign-in, and codes that prove who holds a device"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0045_first_access"
down_revision: str | None = "0040_reasons"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def _purposes(words: str) -> None:
    with op.batch_alter_table("code_request") as batch_op:
        batch_op.drop_constraint(op.f("ck_code_request_purpose_known"), type_="check")
        batch_op.create_check_constraint(op.f("ck_code_request_purpose_known"), f"purpose IN ({words})")


def upgrade() -> None:
    _purposes("'sign_in', 'second', 'proof', 'email'")
    op.create_table(
        "access_slip",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=6), nullable=False),
        sa.Column("code_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("code_hash", sa.String(length=200), nullable=True),
        sa.Column("code_kept_until", UtcDateTime(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "made_by_id IS NULL OR made_by_id <> person_id", name=op.f("ck_access_slip_not_for_oneself")
        ),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_access_slip_tries_counted")),
        sa.ForeignKeyConstraint(
            ["made_by_id"], ["person.id"], name=op.f("fk_access_slip_made_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_access_slip_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_slip")),
        sa.UniqueConstraint("number", name=op.f("uq_access_slip_number")),
        sa.UniqueConstraint("person_id", name=op.f("uq_access_slip_person_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_access_slip_public_id")),
    )
    with op.batch_alter_table("access_slip", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_access_slip_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index("ix_access_slip_made", ["made_by_id", "code_kept_until"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("access_slip", schema=None) as batch_op:
        batch_op.drop_index("ix_access_slip_made")
        batch_op.drop_index(batch_op.f("ix_access_slip_expires_at"))

    op.drop_table("access_slip")
    op.get_bind().execute(
        sa.table("code_request", sa.column("purpose")).delete().where(sa.column("purpose") == "proof")
    )
    _purposes("'sign_in', 'second', 'email'")
