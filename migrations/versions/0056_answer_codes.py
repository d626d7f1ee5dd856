"""Add codes by which guardians answer invitations"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import portal.extensions

revision: str = "0056_answer_codes"
down_revision: str | None = "0055_coverage"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "visit_answer_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("invitation_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(length=15), nullable=False),
        sa.Column("expires_at", portal.extensions.UtcDateTime(), nullable=False),
        sa.Column("used_at", portal.extensions.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["visit_invitation.id"],
            name=op.f("fk_visit_answer_code_invitation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
            name=op.f("fk_visit_answer_code_person_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_answer_code")),
        sa.UniqueConstraint("code_index", name=op.f("uq_visit_answer_code_code_index")),
        sa.UniqueConstraint(
            "invitation_id", "person_id", name=op.f("uq_visit_answer_code_invitation_id_person_id")
        ),
    )
    op.create_index(op.f("ix_visit_answer_code_person_id"), "visit_answer_code", ["person_id"])


def downgrade() -> None:
    op.drop_table("visit_answer_code")
