"""Add reports of harm"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0071_harm"
down_revision: str | None = "0070_joint_visits"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "harm_report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pupil_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("noted_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_harm_report_author_id")),
        sa.ForeignKeyConstraint(
            ["pupil_id"], ["pupil.id"], name=op.f("fk_harm_report_pupil_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_harm_report_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_harm_report")),
        sa.UniqueConstraint("public_id", name=op.f("uq_harm_report_public_id")),
    )
    with op.batch_alter_table("harm_report") as batch_op:
        batch_op.create_index(batch_op.f("ix_harm_report_author_id"), ["author_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_harm_report_pupil_id"), ["pupil_id"], unique=False)
        batch_op.create_index("ix_harm_report_school", ["school_id", "id"], unique=False)
    op.create_table(
        "harm_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(length=10), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.Column("sealed_as", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "act IN ('seen', 'police', 'district', 'care', 'more', 'closed')",
            name=op.f("ck_harm_entry_act_known"),
        ),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_harm_entry_author_id")),
        sa.ForeignKeyConstraint(
            ["report_id"], ["harm_report.id"], name=op.f("fk_harm_entry_report_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_harm_entry")),
    )
    with op.batch_alter_table("harm_entry") as batch_op:
        batch_op.create_index(batch_op.f("ix_harm_entry_report_id"), ["report_id"], unique=False)
    op.create_table(
        "safeguarding_person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("named_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_safeguarding_person_person_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_safeguarding_person_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safeguarding_person")),
    )
    with op.batch_alter_table("safeguarding_person") as batch_op:
        batch_op.create_index(batch_op.f("ix_safeguarding_person_person_id"), ["person_id"], unique=False)
        batch_op.create_index("ix_safeguarding_person_school", ["school_id", "person_id"], unique=False)


def downgrade() -> None:
    for table in ("safeguarding_person", "harm_entry", "harm_report"):
        op.drop_table(table)
