"""Add one-time codes and confirmed e-mail addresses"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0017_codes"
down_revision: str | None = "0013_joining"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("person") as table:
        table.add_column(sa.Column("email_sealed", sa.LargeBinary(), nullable=True))
        table.add_column(sa.Column("email_index", sa.LargeBinary(length=15), nullable=True))
        table.create_unique_constraint(op.f("uq_person_email_index"), ["email_index"])
    op.create_table(
        "code_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("recipient_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("recipient_index", sa.LargeBinary(length=15), nullable=True),
        sa.Column("code_hash", sa.String(length=200), nullable=True),
        sa.Column("device_hash", sa.String(length=64), nullable=False),
        sa.Column("was_known", sa.Boolean(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("prepared_at", UtcDateTime(), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('sign_in', 'second', 'email')", name=op.f("ck_code_request_purpose_known")
        ),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_code_request_tries_counted")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_code_request_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_code_request")),
        sa.UniqueConstraint("public_id", name=op.f("uq_code_request_public_id")),
    )
    op.create_index("ix_code_request_expires_at", "code_request", ["expires_at"])
    op.create_index("ix_code_request_person_id", "code_request", ["person_id"])
    op.create_index("ix_code_request_recipient", "code_request", ["recipient_index", "asked_at"])
    op.create_index("ix_code_request_waiting", "code_request", ["prepared_at", "id"])


def downgrade() -> None:
    op.drop_table("code_request")
    with op.batch_alter_table("person") as table:
        table.drop_constraint("uq_person_email_index", type_="unique")
        table.drop_column("email_index")
        table.drop_column("email_sealed")
