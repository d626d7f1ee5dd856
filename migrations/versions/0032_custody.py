"""Add restrictions"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0032_custody"
down_revision: str | None = "0031_recovery"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "restriction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("guardianship_id", sa.Integer(), nullable=False),
        sa.Column("pupil_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("document", sa.String(length=30), nullable=False),
        sa.Column("number_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("court_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("is_quiet", sa.Boolean(), nullable=False),
        sa.Column("proposed_by_id", sa.Integer(), nullable=True),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("refusal", sa.String(length=200), nullable=False),
        sa.Column("flag_id", sa.Integer(), nullable=True),
        sa.Column("end_asked_by_id", sa.Integer(), nullable=True),
        sa.Column("end_asked_at", UtcDateTime(), nullable=True),
        sa.Column("end_reason", sa.String(length=200), nullable=False),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "document IN ('protection_order', 'guardianship_revoked', 'contact_suspended', 'judgment')",
            name=op.f("ck_restriction_document_known"),
        ),
        sa.CheckConstraint("refusal = '' OR flag_id IS NULL", name=op.f("ck_restriction_refused_or_held")),
        sa.CheckConstraint(
            "decided_by_id IS NULL OR decided_by_id <> proposed_by_id",
            name=op.f("ck_restriction_two_persons"),
        ),
        sa.CheckConstraint(
            "ended_by_id IS NULL OR ended_by_id <> end_asked_by_id",
            name=op.f("ck_restriction_two_persons_end"),
        ),
        sa.CheckConstraint(
            "until_on IS NULL OR until_on > from_on", name=op.f("ck_restriction_ends_after_start")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["person.id"], name=op.f("fk_restriction_decided_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["end_asked_by_id"],
            ["person.id"],
            name=op.f("fk_restriction_end_asked_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["ended_by_id"], ["person.id"], name=op.f("fk_restriction_ended_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["flag_id"], ["guardianship_flag.id"], name=op.f("fk_restriction_flag_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["guardianship_id"],
            ["guardianship.id"],
            name=op.f("fk_restriction_guardianship_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by_id"], ["person.id"], name=op.f("fk_restriction_proposed_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["pupil_id"], ["pupil.id"], name=op.f("fk_restriction_pupil_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_restriction_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restriction")),
        sa.UniqueConstraint("public_id", name=op.f("uq_restriction_public_id")),
    )
    with op.batch_alter_table("restriction", schema=None) as batch_op:
        batch_op.create_index("ix_restriction_flag", ["flag_id"], unique=False)
        batch_op.create_index("ix_restriction_guardianship", ["guardianship_id"], unique=False)
        batch_op.create_index("ix_restriction_pupil", ["pupil_id"], unique=False)
        batch_op.create_index("ix_restriction_school", ["school_id", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("restriction", schema=None) as batch_op:
        batch_op.drop_index("ix_restriction_school")
        batch_op.drop_index("ix_restriction_pupil")
        batch_op.drop_index("ix_restriction_guardianship")
        batch_op.drop_index("ix_restriction_flag")

    op.drop_table("restriction")
