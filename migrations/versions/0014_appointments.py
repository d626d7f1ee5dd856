"""Add appointments by hand"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0014_appointments"
down_revision: str | None = "0029_trail_anchors"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "appointment_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=30), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("document", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "(role = 'system_admin') = (district_id IS NULL)", name=op.f("ck_appointment_request_scope_fits")
        ),
        sa.CheckConstraint(
            "role IN ('district_staff', 'system_admin')", name=op.f("ck_appointment_request_role_known")
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'confirmed', 'refused')", name=op.f("ck_appointment_request_state_known")
        ),
        sa.CheckConstraint(
            "decided_by_id IS NULL OR decided_by_id <> asked_by_id",
            name=op.f("ck_appointment_request_two_people"),
        ),
        sa.CheckConstraint("person_id <> asked_by_id", name=op.f("ck_appointment_request_not_for_oneself")),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["person.id"], name=op.f("fk_appointment_request_asked_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["person.id"], name=op.f("fk_appointment_request_decided_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["district_id"], ["district.id"], name=op.f("fk_appointment_request_district_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_appointment_request_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment_request")),
        sa.UniqueConstraint("public_id", name=op.f("uq_appointment_request_public_id")),
    )
    with op.batch_alter_table("appointment_request", schema=None) as batch_op:
        batch_op.create_index("ix_appointment_request_district", ["district_id", "state"], unique=False)

    with op.batch_alter_table("appointment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ended_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("delegated_from_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("opens_sealed", sa.Boolean(), server_default=sa.true(), nullable=False))
        batch_op.add_column(sa.Column("document", sa.String(length=200), server_default="", nullable=False))
        batch_op.add_column(sa.Column("appointed_by_id", sa.Integer(), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_appointment_delegated_from_id"), ["delegated_from_id"], unique=False
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_appointment_appointed_by_id"),
            "person",
            ["appointed_by_id"],
            ["id"],
            ondelete="SET NULL",
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_appointment_delegated_from_id"),
            "appointment",
            ["delegated_from_id"],
            ["id"],
            ondelete="CASCADE",
        )
        batch_op.create_check_constraint(
            batch_op.f("ck_appointment_delegation_ends"), "delegated_from_id IS NULL OR ended_on IS NOT NULL"
        )
        batch_op.create_check_constraint(
            batch_op.f("ck_appointment_ended_at_has_day"), "ended_at IS NULL OR ended_on IS NOT NULL"
        )

    with op.batch_alter_table("setting_value", schema=None) as batch_op:
        batch_op.create_index("ix_setting_value_name", ["name", "from_on"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("setting_value", schema=None) as batch_op:
        batch_op.drop_index("ix_setting_value_name")

    with op.batch_alter_table("appointment", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_appointment_ended_at_has_day"), type_="check")
        batch_op.drop_constraint(batch_op.f("ck_appointment_delegation_ends"), type_="check")
        batch_op.drop_constraint(batch_op.f("fk_appointment_delegated_from_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_appointment_appointed_by_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_appointment_delegated_from_id"))
        batch_op.drop_column("appointed_by_id")
        batch_op.drop_column("document")
        batch_op.drop_column("opens_sealed")
        batch_op.drop_column("delegated_from_id")
        batch_op.drop_column("ended_at")

    with op.batch_alter_table("appointment_request", schema=None) as batch_op:
        batch_op.drop_index("ix_appointment_request_district")

    op.drop_table("appointment_request")
