"""Add files of notices"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0035_notice_files"
down_revision: str | None = "0011_files"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "notice_file",
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("from_revision", sa.Integer(), nullable=False),
        sa.Column("until_revision", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "until_revision IS NULL OR until_revision > from_revision",
            name=op.f("ck_notice_file_until_after_from"),
        ),
        sa.CheckConstraint("position > 0", name=op.f("ck_notice_file_position_counts_from_one")),
        sa.ForeignKeyConstraint(
            ["file_id"], ["file.id"], name=op.f("fk_notice_file_file_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notice.id"], name=op.f("fk_notice_file_notice_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("notice_id", "file_id", "from_revision", name=op.f("pk_notice_file")),
        sa.UniqueConstraint("notice_id", "position", name="uq_notice_file_position"),
    )
    op.create_index(op.f("ix_notice_file_file_id"), "notice_file", ["file_id"])


def downgrade() -> None:
    op.drop_table("notice_file")
