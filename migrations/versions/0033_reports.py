"""Add exports and the yearly report"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0033_reports"
down_revision: str | None = "0032_custody"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "audit_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("section", sa.String(length=10), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "section IN ('incident', 'processor', 'training')", name=op.f("ck_audit_line_section_known")
        ),
        sa.CheckConstraint("length(text) > 0", name=op.f("ck_audit_line_has_text")),
        sa.ForeignKeyConstraint(
            ["by_id"], ["person.id"], name=op.f("fk_audit_line_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_audit_line_district_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_line")),
        sa.UniqueConstraint("public_id", name=op.f("uq_audit_line_public_id")),
    )
    with op.batch_alter_table("audit_line", schema=None) as batch_op:
        batch_op.create_index("ix_audit_line_district", ["district_id", "year"], unique=False)

    op.create_table(
        "export_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=True),
        sa.Column("asked_by_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("purpose", sa.String(length=200), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("holds", sa.String(length=3), nullable=False),
        sa.Column("needs_second", sa.Boolean(), nullable=False),
        sa.Column("approved_by_id", sa.Integer(), nullable=True),
        sa.Column("approved_at", UtcDateTime(), nullable=True),
        sa.Column("refused_at", UtcDateTime(), nullable=True),
        sa.Column("file_name", sa.String(length=100), nullable=False),
        sa.Column("key_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("ready_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(state = 'ready') = (content IS NOT NULL)", name=op.f("ck_export_request_content_while_ready")
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'ready', 'fetched', 'gone')", name=op.f("ck_export_request_state_known")
        ),
        sa.CheckConstraint(
            "NOT needs_second OR content IS NULL OR approved_by_id IS NOT NULL",
            name=op.f("ck_export_request_second_before_file"),
        ),
        sa.CheckConstraint(
            "approved_by_id IS NULL OR approved_by_id <> asked_by_id",
            name=op.f("ck_export_request_two_people"),
        ),
        sa.CheckConstraint("length(purpose) > 0", name=op.f("ck_export_request_has_purpose")),
        sa.ForeignKeyConstraint(
            ["approved_by_id"], ["person.id"], name=op.f("fk_export_request_approved_by_id")
        ),
        sa.ForeignKeyConstraint(["asked_by_id"], ["person.id"], name=op.f("fk_export_request_asked_by_id")),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_export_request_district_id")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_export_request_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_request")),
        sa.UniqueConstraint("public_id", name=op.f("uq_export_request_public_id")),
    )
    with op.batch_alter_table("export_request", schema=None) as batch_op:
        batch_op.create_index("ix_export_request_office", ["district_id", "school_id", "id"], unique=False)
        batch_op.create_index("ix_export_request_person", ["asked_by_id", "asked_at"], unique=False)
        batch_op.create_index("ix_export_request_state", ["state", "ready_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("export_request", schema=None) as batch_op:
        batch_op.drop_index("ix_export_request_state")
        batch_op.drop_index("ix_export_request_person")
        batch_op.drop_index("ix_export_request_office")

    op.drop_table("export_request")
    with op.batch_alter_table("audit_line", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_line_district")

    op.drop_table("audit_line")
