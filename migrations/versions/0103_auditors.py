"""Let somebody be a district's auditor of data protection"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0103_auditors"
down_revision: str | None = "0121_objections"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KNOWN = {
    "appointment": (
        "role IN ('guardian', 'class_teacher', 'subject_teacher', 'principal', 'school_office', 'committee_chair',"
        " 'lecturer', 'inspector', 'district_staff', {}'system_admin') AND role <> 'guardian'"
    ),
    "appointment_request": "role IN ('district_staff', {}'system_admin')",
}


def known(auditor: str) -> None:
    for table, roles in KNOWN.items():
        name = op.f(f"ck_{table}_role_known")
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_constraint(name, type_="check")
            batch_op.create_check_constraint(name, roles.format(auditor))


def upgrade() -> None:
    known("'auditor', ")


def downgrade() -> None:
    for table in KNOWN:
        rows = sa.table(table, sa.column("role", sa.String))
        op.execute(sa.delete(rows).where(rows.c.role == "auditor"))
    known("")
