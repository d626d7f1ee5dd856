"""Add files"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0011_files"
down_revision: str | None = "0033_copies"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner_kind", sa.String(length=30), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("slot", sa.String(length=30), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("stored_key", sa.String(length=40), nullable=False),
        sa.Column("data_key_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("holds", sa.String(length=4), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("scanned_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "kind IN ('image', 'pdf', 'docx', 'xlsx', 'pptx', 'text')", name=op.f("ck_file_kind_known")
        ),
        sa.CheckConstraint("state IN ('quarantined', 'clean', 'refused')", name=op.f("ck_file_state_known")),
        sa.CheckConstraint(
            "holds IN ('F0', 'F1', 'F2', 'F3', 'F4', 'F4S')", name=op.f("ck_file_holds_known")
        ),
        sa.CheckConstraint("size > 0", name=op.f("ck_file_has_bytes")),
        sa.CheckConstraint("length(name) > 0", name=op.f("ck_file_has_name")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_file_by_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file")),
        sa.UniqueConstraint("owner_kind", "owner_id", "slot", "sha256", name="uq_file_owner"),
        sa.UniqueConstraint("public_id", name=op.f("uq_file_public_id")),
        sa.UniqueConstraint("stored_key", name="uq_file_stored_key"),
    )
    op.create_index(op.f("ix_file_by_id"), "file", ["by_id"])
    op.create_index("ix_file_state", "file", ["state", "id"])


def downgrade() -> None:
    op.drop_table("file")
