"""Add those who went along on a visit; several sealed notes of one author"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0070_joint_visits"
down_revision: str | None = "0047_helpers"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "visit_companion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("partner", sa.String(length=100), nullable=False),
        sa.CheckConstraint(
            "(person_id IS NULL) <> (partner = '')", name=op.f("ck_visit_companion_person_or_partner")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_visit_companion_person_id")),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visit.id"], name=op.f("fk_visit_companion_visit_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_companion")),
        sa.UniqueConstraint("visit_id", "person_id", name=op.f("uq_visit_companion_visit_id_person_id")),
    )
    with op.batch_alter_table("visit_companion") as batch_op:
        batch_op.create_index("ix_visit_companion_person", ["person_id", "visit_id"], unique=False)
    with op.batch_alter_table("sealed_note") as batch_op:
        batch_op.drop_constraint(op.f("uq_sealed_note_visit_id_author_id"), type_="unique")
        batch_op.create_index("ix_sealed_note_visit", ["visit_id", "author_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("sealed_note") as batch_op:
        batch_op.drop_index("ix_sealed_note_visit")
        batch_op.create_unique_constraint(
            op.f("uq_sealed_note_visit_id_author_id"), ["visit_id", "author_id"]
        )
    with op.batch_alter_table("visit_companion") as batch_op:
        batch_op.drop_index("ix_visit_companion_person")
    op.drop_table("visit_companion")
