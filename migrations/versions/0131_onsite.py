"""Keep notes of score sheets, and texts of two devices beside each other"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0131_onsite"
down_revision: str | None = "0140_surveys"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def _of_sheet(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["sheet_id"], ["rating_sheet.id"], name=op.f(f"fk_{table}_sheet_id"), ondelete="CASCADE"
    )


def upgrade() -> None:
    op.create_table(
        "rating_sheet_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sheet_id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("with_whom", sa.String(length=200), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('interview', 'documents', 'meeting')", name=op.f("ck_rating_sheet_note_kind_known")
        ),
        sa.CheckConstraint("length(text) > 0", name=op.f("ck_rating_sheet_note_has_text")),
        _of_sheet("rating_sheet_note"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_sheet_note")),
        sa.UniqueConstraint("sheet_id", "client_id", name=op.f("uq_rating_sheet_note_sheet_id_client_id")),
    )
    op.create_table(
        "rating_sheet_part",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sheet_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=90), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("device", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        _of_sheet("rating_sheet_part"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_sheet_part")),
        sa.UniqueConstraint("sheet_id", "subject", name=op.f("uq_rating_sheet_part_sheet_id_subject")),
    )
    op.create_table(
        "rating_sheet_clash",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sheet_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=90), nullable=False),
        sa.Column("device", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("came_at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        _of_sheet("rating_sheet_clash"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_sheet_clash")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rating_sheet_clash_public_id")),
        sa.UniqueConstraint(
            "sheet_id", "subject", "device", name=op.f("uq_rating_sheet_clash_sheet_id_subject_device")
        ),
    )
    op.create_index("ix_rating_sheet_clash_open", "rating_sheet_clash", ["sheet_id", "settled_at"])


def downgrade() -> None:
    op.drop_table("rating_sheet_clash")
    op.drop_table("rating_sheet_part")
    op.drop_table("rating_sheet_note")
