"""Add joining"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.extensions import UtcDateTime

revision: str = "0013_joining"
down_revision: str | None = "0028_narratives"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

FLAGS = sa.table("guardianship_flag", sa.column("kind", sa.String))
BEFORE = ("lives_with", "picks_up", "may_sign", "restricted_by_court_order")
NEW = ("sees_and_confirms", "not_yet_confirmed")


def allow(*kinds: str) -> None:
    """Let flags be of these kinds."""
    words = ", ".join(f"'{kind}'" for kind in kinds)
    with op.batch_alter_table("guardianship_flag", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_guardianship_flag_kind_known"), type_="check")
        batch_op.create_check_constraint(op.f("ck_guardianship_flag_kind_known"), f"kind IN ({words})")


def upgrade() -> None:
    op.create_table(
        "guardian_news",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("pupil_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("relation", sa.String(length=40), nullable=False),
        sa.Column("happened_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "kind IN ('added', 'limited', 'restricted', 'restriction_ended')",
            name=op.f("ck_guardian_news_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_guardian_news_person_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["pupil_id"], ["pupil.id"], name=op.f("fk_guardian_news_pupil_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guardian_news")),
        sa.UniqueConstraint("public_id", name=op.f("uq_guardian_news_public_id")),
    )
    with op.batch_alter_table("guardian_news", schema=None) as batch_op:
        batch_op.create_index("ix_guardian_news_person", ["person_id", "seen_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_guardian_news_pupil_id"), ["pupil_id"], unique=False)

    op.create_table(
        "joining_sheet",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("class_id", sa.Integer(), nullable=False),
        sa.Column("printed_by_id", sa.Integer(), nullable=True),
        sa.Column("printed_at", UtcDateTime(), nullable=False),
        sa.Column("kept_until", UtcDateTime(), nullable=False),
        sa.Column("codes_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.ForeignKeyConstraint(
            ["class_id"], ["school_class.id"], name=op.f("fk_joining_sheet_class_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["printed_by_id"], ["person.id"], name=op.f("fk_joining_sheet_printed_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_joining_sheet")),
        sa.UniqueConstraint("public_id", name=op.f("uq_joining_sheet_public_id")),
    )
    with op.batch_alter_table("joining_sheet", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_joining_sheet_class_id"), ["class_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_joining_sheet_printed_at"), ["printed_at"], unique=False)

    op.create_table(
        "joining_slip",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sheet_id", sa.Integer(), nullable=False),
        sa.Column("pupil_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=6), nullable=False),
        sa.Column("code_hash", sa.String(length=200), nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("wrong_tries", sa.Integer(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint("used BETWEEN 0 AND uses", name=op.f("ck_joining_slip_used_within_uses")),
        sa.CheckConstraint("uses BETWEEN 1 AND 4", name=op.f("ck_joining_slip_uses_known")),
        sa.CheckConstraint("wrong_tries BETWEEN 0 AND 5", name=op.f("ck_joining_slip_tries_counted")),
        sa.ForeignKeyConstraint(
            ["pupil_id"], ["pupil.id"], name=op.f("fk_joining_slip_pupil_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_joining_slip_school_id")),
        sa.ForeignKeyConstraint(
            ["sheet_id"], ["joining_sheet.id"], name=op.f("fk_joining_slip_sheet_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_joining_slip")),
        sa.UniqueConstraint("number", name=op.f("uq_joining_slip_number")),
        sa.UniqueConstraint("public_id", name=op.f("uq_joining_slip_public_id")),
    )
    with op.batch_alter_table("joining_slip", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_joining_slip_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index("ix_joining_slip_pupil", ["pupil_id", "expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_joining_slip_sheet_id"), ["sheet_id"], unique=False)

    op.create_table(
        "joining_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pupil_id", sa.Integer(), nullable=False),
        sa.Column("way", sa.String(length=10), nullable=False),
        sa.Column("slip_id", sa.Integer(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("tie_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("relation", sa.String(length=40), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("account_name", sa.String(length=60), nullable=True),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.CheckConstraint(
            "(state = 'waiting') = (decided_at IS NULL)", name=op.f("ck_joining_request_decision_has_time")
        ),
        sa.CheckConstraint(
            "state <> 'declined' OR length(reason) > 0", name=op.f("ck_joining_request_refusal_has_reason")
        ),
        sa.CheckConstraint(
            "state <> 'waiting' OR person_id IS NOT NULL OR password_hash IS NOT NULL",
            name=op.f("ck_joining_request_can_be_let_in"),
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'confirmed', 'declined')", name=op.f("ck_joining_request_state_known")
        ),
        sa.CheckConstraint("way IN ('slip', 'phone')", name=op.f("ck_joining_request_way_known")),
        sa.CheckConstraint("length(name) > 0", name=op.f("ck_joining_request_has_name")),
        sa.ForeignKeyConstraint(
            ["decided_by_id"],
            ["person.id"],
            name=op.f("fk_joining_request_decided_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_joining_request_person_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["pupil_id"], ["pupil.id"], name=op.f("fk_joining_request_pupil_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["slip_id"], ["joining_slip.id"], name=op.f("fk_joining_request_slip_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["tie_id"], ["guardianship.id"], name=op.f("fk_joining_request_tie_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_joining_request")),
        sa.UniqueConstraint("public_id", name=op.f("uq_joining_request_public_id")),
        sa.UniqueConstraint("slip_id", "person_id", name=op.f("uq_joining_request_slip_id_person_id")),
    )
    with op.batch_alter_table("joining_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_joining_request_asked_at"), ["asked_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_joining_request_person_id"), ["person_id"], unique=False)
        batch_op.create_index("ix_joining_request_pupil", ["pupil_id", "state"], unique=False)
        batch_op.create_index("ix_joining_request_tie", ["tie_id", "state"], unique=False)
    allow(*BEFORE, *NEW)


def downgrade() -> None:
    op.execute(FLAGS.delete().where(FLAGS.c.kind.in_(NEW)))
    allow(*BEFORE)
    with op.batch_alter_table("joining_request", schema=None) as batch_op:
        batch_op.drop_index("ix_joining_request_tie")
        batch_op.drop_index("ix_joining_request_pupil")
        batch_op.drop_index(batch_op.f("ix_joining_request_person_id"))
        batch_op.drop_index(batch_op.f("ix_joining_request_asked_at"))

    op.drop_table("joining_request")
    with op.batch_alter_table("joining_slip", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_joining_slip_sheet_id"))
        batch_op.drop_index("ix_joining_slip_pupil")
        batch_op.drop_index(batch_op.f("ix_joining_slip_expires_at"))

    op.drop_table("joining_slip")
    with op.batch_alter_table("joining_sheet", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_joining_sheet_printed_at"))
        batch_op.drop_index(batch_op.f("ix_joining_sheet_class_id"))

    op.drop_table("joining_sheet")
    with op.batch_alter_table("guardian_news", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_guardian_news_pupil_id"))
        batch_op.drop_index("ix_guardian_news_person")

    op.drop_table("guardian_news")
