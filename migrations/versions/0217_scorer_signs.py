"""Ask the district about scorers who stand out"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0217_scorer_signs"
down_revision: str | None = "0208_committee_signs"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NAME = "ck_rating_question_rule_known"
BEFORE = (
    "rule IN ('late_visits', 'rushed_visits', 'rushed_sessions', 'same_faces', 'ticked_late', 'long_days',"
    " 'quick_answers', 'summary_alike', 'proof_again', 'self_praise', 'late_minutes', 'same_minutes')"
)
ADDED = ("lenient_scorer", "harsh_scorer", "same_sheets", "quick_sheet")


def know(rules: str) -> None:
    """Change which rules are known."""
    with op.batch_alter_table("rating_question") as table:
        table.drop_constraint(op.f(NAME), type_="check")
        table.create_check_constraint(op.f(NAME), rules)


def upgrade() -> None:
    know(BEFORE.removesuffix(")") + "".join(f", '{rule}'" for rule in ADDED) + ")")


def downgrade() -> None:
    question = sa.table("rating_question", sa.column("rule"))
    op.execute(sa.delete(question).where(question.c.rule.in_(ADDED)))
    know(BEFORE)
