"""Add parent committees with their members and meetings"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0182_committees"
down_revision: str | None = "0195_late_visits"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "committee",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("scope_kind", sa.String(length=10), nullable=False),
        sa.Column("scope_id", sa.Integer(), nullable=False),
        sa.Column("scope_name", sa.String(length=400), nullable=False),
        sa.Column("began_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("end_reason", sa.String(length=200), nullable=False),
        sa.Column("way", sa.String(length=10), nullable=False),
        sa.Column("eligible", sa.Integer(), nullable=True),
        sa.Column("voted", sa.Integer(), nullable=True),
        sa.Column("entered_by_id", sa.Integer(), nullable=True),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "scope_kind IN ('school', 'grade', 'class')", name=op.f("ck_committee_scope_known")
        ),
        sa.CheckConstraint("way IN ('ballot', 'hands', 'named')", name=op.f("ck_committee_way_known")),
        sa.CheckConstraint("until_on > began_on", name=op.f("ck_committee_ends_after_start")),
        sa.CheckConstraint(
            "ended_on IS NULL OR ended_on >= began_on", name=op.f("ck_committee_ended_after_start")
        ),
        sa.CheckConstraint(
            "eligible IS NULL OR (eligible > 0 AND voted BETWEEN 0 AND eligible)",
            name=op.f("ck_committee_votes_within"),
        ),
        sa.CheckConstraint(
            "(way = 'named') = (eligible IS NULL)", name=op.f("ck_committee_vote_has_numbers")
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_committee_school_id")),
        sa.ForeignKeyConstraint(
            ["entered_by_id"], ["person.id"], name=op.f("fk_committee_entered_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_committee")),
        sa.UniqueConstraint(
            "scope_kind", "scope_id", "began_on", name=op.f("uq_committee_scope_kind_scope_id_began_on")
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_committee_public_id")),
    )
    op.create_index("ix_committee_school", "committee", ["school_id", "scope_kind", "id"])
    op.create_table(
        "committee_member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("committee_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("office", sa.String(length=10), nullable=False),
        sa.CheckConstraint(
            "office IN ('chair', 'deputy', 'member')", name=op.f("ck_committee_member_office_known")
        ),
        sa.ForeignKeyConstraint(
            ["committee_id"],
            ["committee.id"],
            name=op.f("fk_committee_member_committee_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_committee_member_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_committee_member")),
        sa.UniqueConstraint(
            "committee_id", "person_id", name=op.f("uq_committee_member_committee_id_person_id")
        ),
    )
    op.create_index("ix_committee_member_person", "committee_member", ["person_id"])
    op.create_table(
        "committee_meeting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("committee_id", sa.Integer(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("present", sa.Integer(), nullable=False),
        sa.Column("topics", sa.Text(), nullable=False),
        sa.Column("agreed", sa.Text(), nullable=False),
        sa.Column("entered_by_id", sa.Integer(), nullable=True),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("taken_back_at", UtcDateTime(), nullable=True),
        sa.Column("taken_back_reason", sa.String(length=200), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint("present > 0", name=op.f("ck_committee_meeting_somebody_came")),
        sa.CheckConstraint("length(topics) > 0", name=op.f("ck_committee_meeting_has_topics")),
        sa.CheckConstraint(
            "(taken_back_at IS NULL) = (length(taken_back_reason) = 0)",
            name=op.f("ck_committee_meeting_reason_when_taken_back"),
        ),
        sa.ForeignKeyConstraint(
            ["committee_id"],
            ["committee.id"],
            name=op.f("fk_committee_meeting_committee_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["entered_by_id"],
            ["person.id"],
            name=op.f("fk_committee_meeting_entered_by_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_committee_meeting")),
        sa.UniqueConstraint("public_id", name=op.f("uq_committee_meeting_public_id")),
    )
    op.create_index("ix_committee_meeting_committee", "committee_meeting", ["committee_id", "held_on"])


def downgrade() -> None:
    for name in ("committee_meeting", "committee_member", "committee"):
        op.drop_table(name)
