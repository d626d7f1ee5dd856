"""Let families tell the district of pressure and gifts at home visits"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0111_pressure"
down_revision: str | None = "0110_boards"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KNOWN = "category IN ('teaching', 'homework', 'canteen', 'fees', 'facilities', 'communication', 'other', 'bullying', 'safety', 'principal'{more})"


def _replace(known: str, past: str) -> None:
    with op.batch_alter_table("opinion") as batch_op:
        for name, condition in (("category_known", known), ("not_to_the_one_it_is_about", past)):
            batch_op.drop_constraint(op.f(f"ck_opinion_{name}"), type_="check")
            batch_op.create_check_constraint(op.f(f"ck_opinion_{name}"), condition)


def upgrade() -> None:
    _replace(
        KNOWN.format(more=", 'pressure'"),
        "category NOT IN ('principal', 'pressure') OR addressee = 'district'",
    )


def downgrade() -> None:
    opinion = sa.table("opinion", sa.column("category"))
    op.execute(sa.update(opinion).where(opinion.c.category == "pressure").values(category="principal"))
    _replace(KNOWN.format(more=""), "category <> 'principal' OR addressee = 'district'")
