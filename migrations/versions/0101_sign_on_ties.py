"""Remember which subject of a provider each person is"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0101_sign_on_ties"
down_revision: str | None = "0111_pressure"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "sign_on_tie",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("subject_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("first_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_sign_on_tie_district_id")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_sign_on_tie_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_on_tie")),
        sa.UniqueConstraint(
            "district_id", "subject_hash", name=op.f("uq_sign_on_tie_district_id_subject_hash")
        ),
        sa.UniqueConstraint("district_id", "person_id", name=op.f("uq_sign_on_tie_district_id_person_id")),
    )
    with op.batch_alter_table("sign_on_tie") as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_on_tie_person_id"), ["person_id"], unique=False)


def downgrade() -> None:
    op.drop_table("sign_on_tie")
