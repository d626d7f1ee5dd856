"""Seal the reasons, answers and lines that people write about data rights, restrictions and refusals"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from alembic import op

from portal.keys.converting import seal_column, unseal_column

revision: str = "0040_reasons"
down_revision: str | None = "0016_contacts"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


@dataclass(frozen=True)
class Text:
    """A column of text of a table with public ids: its length, whether it may be empty, its branch."""

    table: str
    name: str
    length: int
    optional: bool = True
    branch: str = "narrative"

    @property
    def kind(self) -> sa.String:
        return sa.String(length=self.length)


@dataclass(frozen=True)
class Check:
    """A constraint that speaks of such a column: in clear, and sealed (empty: the column itself says it)."""

    table: str
    name: str
    clear: str
    sealed: str = ""


TEXTS = (
    Text("reader_question", "words", 500),
    Text("legal_hold", "reason", 200, optional=False),
    Text("erasure_request", "reply", 500),
    Text("export_request", "purpose", 200, optional=False),
    Text("audit_line", "text", 500, optional=False),
    Text("restriction", "refusal", 200),
    Text("restriction", "end_reason", 200),
    Text("joining_request", "reason", 200, branch="personal"),
    Text("change_request", "reason", 200, branch="personal"),
)
ANSWERED = "answered_at IS NULL OR length(reader_name) > 0 OR"
DECLINED = "state <> 'declined' OR"
CHECKS = (
    Check(
        "reader_question",
        "ck_reader_question_answer_says_something",
        f"{ANSWERED} length(words) > 0",
        f"{ANSWERED} words_sealed IS NOT NULL",
    ),
    Check("legal_hold", "ck_legal_hold_has_reason", "length(reason) > 0"),
    Check("export_request", "ck_export_request_has_purpose", "length(purpose) > 0"),
    Check("audit_line", "ck_audit_line_has_text", "length(text) > 0"),
    Check(
        "restriction",
        "ck_restriction_refused_or_held",
        "refusal = '' OR flag_id IS NULL",
        "refusal_sealed IS NULL OR flag_id IS NULL",
    ),
    Check(
        "joining_request",
        "ck_joining_request_refusal_has_reason",
        f"{DECLINED} length(reason) > 0",
        f"{DECLINED} reason_sealed IS NOT NULL",
    ),
    Check(
        "change_request",
        "ck_change_request_declined_with_reason",
        f"{DECLINED} length(reason) > 0",
        f"{DECLINED} reason_sealed IS NOT NULL",
    ),
)
TABLES = tuple(dict.fromkeys(text.table for text in TEXTS))


def _texts(table: str) -> list[Text]:
    return [text for text in TEXTS if text.table == table]


def upgrade() -> None:
    for table in TABLES:
        checks = [check for check in CHECKS if check.table == table]
        with op.batch_alter_table(table) as batch:
            for check in checks:
                batch.drop_constraint(op.f(check.name), type_="check")
            for text in _texts(table):
                batch.add_column(sa.Column(f"{text.name}_sealed", sa.LargeBinary(), nullable=True))
        for text in _texts(table):
            seal_column(op.get_bind(), table, text.name, text.branch)
        with op.batch_alter_table(table) as batch:
            for text in _texts(table):
                batch.drop_column(text.name)
                if not text.optional:
                    batch.alter_column(f"{text.name}_sealed", existing_type=sa.LargeBinary(), nullable=False)
            for check in checks:
                if check.sealed:
                    batch.create_check_constraint(op.f(check.name), check.sealed)


def downgrade() -> None:
    for table in reversed(TABLES):
        checks = [check for check in CHECKS if check.table == table]
        with op.batch_alter_table(table) as batch:
            for check in checks:
                if check.sealed:
                    batch.drop_constraint(op.f(check.name), type_="check")
            for text in _texts(table):
                batch.add_column(sa.Column(text.name, text.kind, nullable=False, server_default=""))
        for text in _texts(table):
            unseal_column(op.get_bind(), table, text.name, text.branch)
        with op.batch_alter_table(table) as batch:
            for text in _texts(table):
                batch.alter_column(text.name, existing_type=text.kind, server_default=None)
                batch.drop_column(f"{text.name}_sealed")
            for check in checks:
                batch.create_check_constraint(op.f(check.name), check.clear)
