"""Let the words of answered appeals be emptied when their time is over, and nothing else of them be changed"""

from collections.abc import Sequence

from alembic import op

revision: str = "0215_appeal_words"
down_revision: str | None = "0217_scorer_signs"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


SAYS = "an answered appeal is frozen"
WORDS = ("text", "answer_text")
STAYS = (
    "id", "public_id", "entry_id", "measure_id", "tier", "state", "filed_at", "filed_by_id", "answer_due_on", "heard_by_id",
    "answered_at", "appeal_due_on",
)  # fmt: skip


def freeze(unless: str = "") -> None:
    """Refuse changes of what has been answered, unless a condition holds."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    op.execute("DROP TRIGGER tr_rating_appeal_update" + (" ON rating_appeal" if postgresql else ""))
    does = (
        "EXECUTE FUNCTION refuse_change_of_rating_appeal()"
        if postgresql
        else f"BEGIN SELECT RAISE(ABORT, '{SAYS}'); END"
    )
    condition = "OLD.state <> 'open'" + (f" AND NOT ({unless})" if unless else "")
    op.execute(
        "CREATE TRIGGER tr_rating_appeal_update BEFORE UPDATE ON rating_appeal"
        f" FOR EACH ROW WHEN ({condition}) {does}"
    )


def upgrade() -> None:
    same = "IS NOT DISTINCT FROM" if op.get_bind().dialect.name == "postgresql" else "IS"
    emptied = [f"NEW.{name} IN (OLD.{name}, '—')" for name in WORDS]
    freeze(" AND ".join(emptied + [f"NEW.{name} {same} OLD.{name}" for name in STAYS]))


def downgrade() -> None:
    freeze()
