"""Add visit drafts"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0060_visit_drafts"
down_revision: str | None = "0046_hand_over_ordered"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "visit_draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.String(length=36), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("pupil_id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "visit_id IS NULL OR finished_at IS NOT NULL", name=op.f("ck_visit_draft_visit_is_finished")
        ),
        sa.ForeignKeyConstraint(
            ["author_id"], ["person.id"], name=op.f("fk_visit_draft_author_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["pupil_id"], ["pupil.id"], name=op.f("fk_visit_draft_pupil_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visit.id"], name=op.f("fk_visit_draft_visit_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_draft")),
        sa.UniqueConstraint("author_id", "client_id", name=op.f("uq_visit_draft_author_id_client_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_visit_draft_public_id")),
    )
    with op.batch_alter_table("visit_draft", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_draft_changed_at"), ["changed_at"], unique=False)
        batch_op.create_index("ix_visit_draft_pupil", ["pupil_id", "client_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_draft_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "visit_draft_clash",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.Column("field", sa.String(length=40), nullable=False),
        sa.Column("value_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("guarded_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("device", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("device_at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("sealed_as", sa.String(length=22), nullable=False),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["visit_draft.id"], name=op.f("fk_visit_draft_clash_draft_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_draft_clash")),
        sa.UniqueConstraint("public_id", name=op.f("uq_visit_draft_clash_public_id")),
    )
    with op.batch_alter_table("visit_draft_clash", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_draft_clash_draft_id"), ["draft_id"], unique=False)

    op.create_table(
        "visit_draft_part",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(length=40), nullable=False),
        sa.Column("value_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("guarded_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("device", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("device_at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("sealed_as", sa.String(length=22), nullable=False),
        sa.CheckConstraint("revision >= 0", name=op.f("ck_visit_draft_part_revision_counts")),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["visit_draft.id"], name=op.f("fk_visit_draft_part_draft_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_draft_part")),
        sa.UniqueConstraint("draft_id", "field", name=op.f("uq_visit_draft_part_draft_id_field")),
    )


def downgrade() -> None:
    op.drop_table("visit_draft_part")
    with op.batch_alter_table("visit_draft_clash", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_draft_clash_draft_id"))

    op.drop_table("visit_draft_clash")
    with op.batch_alter_table("visit_draft", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_draft_visit_id"))
        batch_op.drop_index("ix_visit_draft_pupil")
        batch_op.drop_index(batch_op.f("ix_visit_draft_changed_at"))

    op.drop_table("visit_draft")
