"""Add single sign-on of districts"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0031_sign_on"
down_revision: str | None = "0030_factors"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "sign_on_provider",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("issuer", sa.String(length=300), nullable=False),
        sa.Column("client_id", sa.String(length=200), nullable=False),
        sa.Column("client_secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("roster_claim", sa.String(length=60), nullable=False),
        sa.Column("phone_claim", sa.String(length=60), nullable=False),
        sa.Column("account_claim", sa.String(length=60), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("trusts_second", sa.Boolean(), nullable=False),
        sa.Column("second_words", sa.JSON(), nullable=False),
        sa.Column("document", sa.String(length=200), nullable=False),
        sa.Column("set_by_id", sa.Integer(), nullable=True),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "length(issuer) > 0 AND length(client_id) > 0", name=op.f("ck_sign_on_provider_is_whole")
        ),
        sa.CheckConstraint(
            "length(roster_claim) + length(phone_claim) + length(account_claim) > 0",
            name=op.f("ck_sign_on_provider_names_somebody"),
        ),
        sa.ForeignKeyConstraint(
            ["district_id"], ["district.id"], name=op.f("fk_sign_on_provider_district_id")
        ),
        sa.ForeignKeyConstraint(
            ["set_by_id"], ["person.id"], name=op.f("fk_sign_on_provider_set_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_on_provider")),
        sa.UniqueConstraint("public_id", name=op.f("uq_sign_on_provider_public_id")),
    )
    op.create_index(
        "uq_sign_on_provider_open",
        "sign_on_provider",
        ["district_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("sign_on_provider")
