"""Add recoveries of accounts through the school"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0031_recovery"
down_revision: str | None = "0031_sign_on"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "recovery_asking",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("handled_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_asking")),
        sa.UniqueConstraint("public_id", name=op.f("uq_recovery_asking_public_id")),
    )
    op.create_index("ix_recovery_asking_asked_at", "recovery_asking", ["asked_at"])
    op.create_table(
        "recovery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("pupil_id", sa.Integer(), nullable=True),
        sa.Column("whose", sa.String(length=10), nullable=False),
        sa.Column("checked", sa.String(length=10), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("lost_second", sa.Boolean(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=True),
        sa.Column("started_by_id", sa.Integer(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("approved_by_id", sa.Integer(), nullable=True),
        sa.Column("approved_at", UtcDateTime(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("number", sa.String(length=6), nullable=True),
        sa.Column("code_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("code_hash", sa.String(length=200), nullable=True),
        sa.Column("code_kept_until", UtcDateTime(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "whose IN ('guardian', 'staff', 'principal')", name=op.f("ck_recovery_whose_known")
        ),
        sa.CheckConstraint(
            "checked IN ('', 'card', 'known', 'called')", name=op.f("ck_recovery_checked_known")
        ),
        sa.CheckConstraint(
            "approved_by_id IS NULL OR approved_by_id <> started_by_id", name=op.f("ck_recovery_two_people")
        ),
        sa.CheckConstraint(
            "started_by_id IS NULL OR started_by_id <> person_id",
            name=op.f("ck_recovery_not_begun_by_oneself"),
        ),
        sa.CheckConstraint(
            "approved_by_id IS NULL OR approved_by_id <> person_id",
            name=op.f("ck_recovery_not_approved_by_oneself"),
        ),
        sa.CheckConstraint(
            "approved_at IS NULL OR started_at IS NOT NULL", name=op.f("ck_recovery_begun_before_approved")
        ),
        sa.CheckConstraint(
            "whose <> 'guardian' OR pupil_id IS NOT NULL", name=op.f("ck_recovery_parents_have_a_child")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_recovery_person_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_recovery_school_id")),
        sa.ForeignKeyConstraint(
            ["pupil_id"], ["pupil.id"], name=op.f("fk_recovery_pupil_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["started_by_id"], ["person.id"], name=op.f("fk_recovery_started_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["approved_by_id"], ["person.id"], name=op.f("fk_recovery_approved_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery")),
        sa.UniqueConstraint("number", name=op.f("uq_recovery_number")),
        sa.UniqueConstraint("public_id", name=op.f("uq_recovery_public_id")),
    )
    op.create_index("ix_recovery_expires_at", "recovery", ["expires_at"])
    op.create_index("ix_recovery_person_id", "recovery", ["person_id"])
    op.create_index("ix_recovery_pupil", "recovery", ["pupil_id"])
    op.create_index("ix_recovery_school", "recovery", ["school_id", "id"])


def downgrade() -> None:
    op.drop_table("recovery")
    op.drop_table("recovery_asking")
