"""Seal what families and teachers wrote, and what a restriction or a split rests on"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

from portal.keys.converting import name_rows, seal_column, unseal_column

revision: str = "0028_narratives"
down_revision: str | None = "0035_notice_files"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


@dataclass(frozen=True)
class Text:
    """A column of text: its branch, its length (0: any), whether it may be empty."""

    name: str
    length: int = 0
    branch: str = "narrative"
    optional: bool = True

    @property
    def kind(self) -> sa.String:
        return sa.String(length=self.length) if self.length else sa.Text()


@dataclass(frozen=True)
class Sealing:
    """A table with what is sealed in it; ``check`` is the constraint (name, condition) that the text was not empty."""

    table: str
    texts: tuple[Text, ...]
    check: tuple[str, str] | None = None
    has_public_id: bool = True

    @property
    def row(self) -> str:
        return "public_id" if self.has_public_id else "sealed_as"


RESTRICTED = "kind <> 'restricted_by_court_order' OR"
SEALINGS = (
    Sealing("pupil", (Text("priority", 20),)),
    Sealing("household", (Text("reason", 200, "personal"),)),
    Sealing(
        "guardianship_flag",
        (Text("basis", 200, "personal"),),
        ("ck_guardianship_flag_restriction_has_document", f"{RESTRICTED} length(basis) > 0"),
        has_public_id=False,
    ),
    Sealing("visit_invitation", (Text("purpose", 200, optional=False),)),
    Sealing("visit", (Text("others_met", 200),)),
    Sealing("visit_part", (Text("hopes"), Text("note")), has_public_id=False),
    Sealing(
        "sealed_note",
        (Text("body", 0, "safeguarding", optional=False),),
        ("ck_sealed_note_has_body", "length(body) > 0"),
    ),
    Sealing(
        "follow_up",
        (Text("what", 200, optional=False), Text("done_line", 200)),
        ("ck_follow_up_says_what", "length(what) > 0"),
    ),
    Sealing("visit_remark", (Text("body", optional=False),), has_public_id=False),
    Sealing(
        "visit_correction",
        (Text("body", optional=False), Text("answer")),
        ("ck_visit_correction_has_body", "length(body) > 0"),
    ),
    Sealing(
        "opinion",
        (Text("text", 2000, optional=False), Text("reopening", 2000)),
        ("ck_opinion_has_text", "length(text) > 0"),
    ),
    Sealing(
        "opinion_answer",
        (Text("text", 2000, optional=False),),
        ("ck_opinion_answer_has_text", "length(text) > 0"),
        has_public_id=False,
    ),
)


def upgrade() -> None:
    for one in SEALINGS:
        with op.batch_alter_table(one.table) as batch:
            if not one.has_public_id:
                batch.add_column(sa.Column("sealed_as", sa.String(length=22), nullable=True))
            for text in one.texts:
                batch.add_column(sa.Column(f"{text.name}_sealed", sa.LargeBinary(), nullable=True))
        if not one.has_public_id:
            name_rows(op.get_bind(), one.table, "sealed_as")
        for text in one.texts:
            seal_column(op.get_bind(), one.table, text.name, text.branch, row=one.row)
        with op.batch_alter_table(one.table) as batch:
            keep_sealed(batch, one)


def keep_sealed(batch: BatchOperations, one: Sealing) -> None:
    """Drop what stood in clear, and say what must not be empty now."""
    if one.check:
        batch.drop_constraint(op.f(one.check[0]), type_="check")
    if not one.has_public_id:
        batch.alter_column("sealed_as", existing_type=sa.String(length=22), nullable=False)
    for text in one.texts:
        batch.drop_column(text.name)
        if not text.optional:
            batch.alter_column(f"{text.name}_sealed", existing_type=sa.LargeBinary(), nullable=False)
    if one.table == "guardianship_flag":
        name = op.f("ck_guardianship_flag_restriction_has_document")
        batch.create_check_constraint(name, f"{RESTRICTED} basis_sealed IS NOT NULL")


def downgrade() -> None:
    connection = op.get_bind()
    for one in reversed(SEALINGS):
        with op.batch_alter_table(one.table) as batch:
            for text in one.texts:
                batch.add_column(sa.Column(text.name, text.kind, nullable=False, server_default=""))
        for text in one.texts:
            unseal_column(connection, one.table, text.name, text.branch, row=one.row)
        with op.batch_alter_table(one.table) as batch:
            if one.table == "guardianship_flag":
                name = op.f("ck_guardianship_flag_restriction_has_document")
                batch.drop_constraint(name, type_="check")
            for text in one.texts:
                batch.alter_column(text.name, existing_type=text.kind, server_default=None)
                batch.drop_column(f"{text.name}_sealed")
            if not one.has_public_id:
                batch.drop_column("sealed_as")
            if one.check:
                batch.create_check_constraint(op.f(one.check[0]), one.check[1])
