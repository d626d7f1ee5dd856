"""Say in a visit handed in late whose it is"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0196_late_authors"
down_revision: str | None = "0182_committees"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("late_visit") as batch_op:
        batch_op.add_column(sa.Column("author_id", sa.Integer(), nullable=True))
    late = sa.table("late_visit", sa.column("draft_id"), sa.column("author_id"))
    draft = sa.table("visit_draft", sa.column("id"), sa.column("author_id"))
    written = sa.select(draft.c.author_id).where(draft.c.id == late.c.draft_id).scalar_subquery()
    op.execute(sa.update(late).values(author_id=written))
    with op.batch_alter_table("late_visit") as batch_op:
        batch_op.alter_column("author_id", existing_type=sa.Integer(), nullable=False)
        batch_op.create_foreign_key(
            op.f("fk_late_visit_author_id"), "person", ["author_id"], ["id"], ondelete="CASCADE"
        )
        batch_op.create_index("ix_late_visit_author_id", ["author_id"])


def downgrade() -> None:
    with op.batch_alter_table("late_visit") as batch_op:
        batch_op.drop_index("ix_late_visit_author_id")
        batch_op.drop_constraint(op.f("fk_late_visit_author_id"), type_="foreignkey")
        batch_op.drop_column("author_id")
