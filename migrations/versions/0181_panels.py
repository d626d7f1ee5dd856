"""Keep draws of inspectors and the minutes of panels"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0181_panels"
down_revision: str | None = "0180_teams"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "rating_draw",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("commitment", sa.String(length=64), nullable=True),
        sa.Column("given", sa.Text(), nullable=False),
        sa.Column("announced_at", UtcDateTime(), nullable=False),
        sa.Column("announced_by_id", sa.Integer(), nullable=False),
        sa.Column("seed", sa.String(length=300), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("drawn_at", UtcDateTime(), nullable=True),
        sa.Column("drawn_by_id", sa.Integer(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint("length(source) > 0", name=op.f("ck_rating_draw_has_source")),
        sa.CheckConstraint(
            "commitment IS NULL OR length(commitment) = 64", name=op.f("ck_rating_draw_hash_complete")
        ),
        sa.CheckConstraint("(seed IS NULL) = (result IS NULL)", name=op.f("ck_rating_draw_seed_has_result")),
        sa.ForeignKeyConstraint(["round_id"], ["rating_round.id"], name=op.f("fk_rating_draw_round_id")),
        sa.ForeignKeyConstraint(
            ["announced_by_id"], ["person.id"], name=op.f("fk_rating_draw_announced_by_id")
        ),
        sa.ForeignKeyConstraint(["drawn_by_id"], ["person.id"], name=op.f("fk_rating_draw_drawn_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_draw")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rating_draw_public_id")),
        sa.UniqueConstraint("round_id", "number", name=op.f("uq_rating_draw_round_id_number")),
    )
    op.create_table(
        "rating_meeting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("chair_id", sa.Integer(), nullable=False),
        sa.Column("in_favour", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("why_aside", sa.Text(), server_default="", nullable=False),
        sa.Column("star", sa.Integer(), nullable=True),
        sa.Column("total", sa.String(length=40), nullable=True),
        sa.Column("basis", sa.String(length=64), nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("length(text) > 0", name=op.f("ck_rating_meeting_has_text")),
        sa.CheckConstraint("length(basis) = 64", name=op.f("ck_rating_meeting_hash_complete")),
        sa.CheckConstraint("in_favour > 0", name=op.f("ck_rating_meeting_somebody_for_it")),
        sa.ForeignKeyConstraint(["entry_id"], ["rating_entry.id"], name=op.f("fk_rating_meeting_entry_id")),
        sa.ForeignKeyConstraint(["chair_id"], ["person.id"], name=op.f("fk_rating_meeting_chair_id")),
        sa.ForeignKeyConstraint(
            ["recorded_by_id"], ["person.id"], name=op.f("fk_rating_meeting_recorded_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_meeting")),
        sa.UniqueConstraint("entry_id", "number", name=op.f("uq_rating_meeting_entry_id_number")),
    )
    op.create_table(
        "rating_attendance",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("meeting_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("presence", sa.String(length=10), nullable=False),
        sa.CheckConstraint(
            "presence IN ('present', 'absent', 'recused')", name=op.f("ck_rating_attendance_presence_known")
        ),
        sa.ForeignKeyConstraint(
            ["meeting_id"], ["rating_meeting.id"], name=op.f("fk_rating_attendance_meeting_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_rating_attendance_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_attendance")),
        sa.UniqueConstraint(
            "meeting_id", "person_id", name=op.f("uq_rating_attendance_meeting_id_person_id")
        ),
    )
    op.create_index("ix_rating_attendance_person", "rating_attendance", ["person_id", "presence"])


def downgrade() -> None:
    op.drop_table("rating_attendance")
    op.drop_table("rating_meeting")
    op.drop_table("rating_draw")
