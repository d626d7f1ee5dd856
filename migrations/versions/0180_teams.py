"""Keep teams of inspectors, what each declared, and which sheets are void"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0180_teams"
down_revision: str | None = "0190_blind_surveys"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

VOID = "voided_at IS NULL OR (length(void_reason) > 0 AND length(voided_sha256) = 64)"
SPREAD = "spread_limit IS NULL OR spread_limit BETWEEN 1 AND 100"


def upgrade() -> None:
    with op.batch_alter_table("rating_round") as table:
        table.add_column(sa.Column("team_size", sa.Integer(), server_default="2", nullable=False))
        table.add_column(sa.Column("spread_limit", sa.Integer(), nullable=True))
        table.add_column(sa.Column("has_panel", sa.Boolean(), server_default=sa.false(), nullable=False))
        table.create_check_constraint(op.f("ck_rating_round_team_is_one"), "team_size BETWEEN 2 AND 7")
        table.create_check_constraint(op.f("ck_rating_round_spread_known"), SPREAD)
    with op.batch_alter_table("rating_sheet") as table:
        table.add_column(sa.Column("seat", sa.String(length=10), server_default="scorer", nullable=False))
        table.add_column(sa.Column("is_lead", sa.Boolean(), server_default=sa.false(), nullable=False))
        table.add_column(sa.Column("declared_at", UtcDateTime(), nullable=True))
        table.add_column(sa.Column("voided_at", UtcDateTime(), nullable=True))
        table.add_column(sa.Column("void_reason", sa.Text(), server_default="", nullable=False))
        table.add_column(sa.Column("voided_sha256", sa.String(length=64), nullable=True))
        table.create_check_constraint(
            op.f("ck_rating_sheet_seat_known"), "seat IN ('scorer', 'member', 'third')"
        )
        table.create_check_constraint(op.f("ck_rating_sheet_void_has_reason"), VOID)
    op.create_table(
        "rating_interest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("sheet_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("before_papers", sa.Boolean(), nullable=False),
        sa.Column("declared_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('teaching', 'relative', 'other')", name=op.f("ck_rating_interest_kind_known")
        ),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_rating_interest_has_reason")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_rating_interest_person_id")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_rating_interest_school_id")),
        sa.ForeignKeyConstraint(["sheet_id"], ["rating_sheet.id"], name=op.f("fk_rating_interest_sheet_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_interest")),
    )
    op.create_index("ix_rating_interest_school", "rating_interest", ["school_id", "declared_at"])
    op.create_index("ix_rating_interest_person", "rating_interest", ["person_id"])


def downgrade() -> None:
    op.drop_table("rating_interest")
    with op.batch_alter_table("rating_sheet") as table:
        table.drop_constraint(op.f("ck_rating_sheet_void_has_reason"), type_="check")
        table.drop_constraint(op.f("ck_rating_sheet_seat_known"), type_="check")
        for name in ("voided_sha256", "void_reason", "voided_at", "declared_at", "is_lead", "seat"):
            table.drop_column(name)
    with op.batch_alter_table("rating_round") as table:
        table.drop_constraint(op.f("ck_rating_round_spread_known"), type_="check")
        table.drop_constraint(op.f("ck_rating_round_team_is_one"), type_="check")
        for name in ("has_panel", "spread_limit", "team_size"):
            table.drop_column(name)
