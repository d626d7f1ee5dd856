"""Seal phones, and what imports of rosters staged"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.keys.converting import name_rows, seal_column, unseal_column

revision: str = "0027_phones"
down_revision: str | None = "0008_trail_chain"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

STAGED = (("roster_change", ("before", "after")), ("roster_problem", ("params",)))


def upgrade() -> None:
    connection = op.get_bind()
    with op.batch_alter_table("person") as batch:
        batch.add_column(sa.Column("phone_sealed", sa.LargeBinary(), nullable=True))
        batch.add_column(sa.Column("phone_index", sa.LargeBinary(), nullable=True))
    seal_column(connection, "person", "phone", "personal", index="phone_index")
    with op.batch_alter_table("person") as batch:
        batch.drop_constraint("uq_person_phone", type_="unique")
        batch.drop_column("phone")
        batch.create_unique_constraint("uq_person_phone_index", ["phone_index"])
    for table, columns in STAGED:
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("sealed_as", sa.String(length=22), nullable=True))
            for column in columns:
                batch.add_column(sa.Column(f"{column}_sealed", sa.LargeBinary(), nullable=True))
        name_rows(connection, table, "sealed_as")
        for column in columns:
            seal_column(connection, table, column, "personal", kind=sa.JSON(), row="sealed_as")
        with op.batch_alter_table(table) as batch:
            batch.alter_column("sealed_as", existing_type=sa.String(length=22), nullable=False)
            for column in columns:
                batch.drop_column(column)


def downgrade() -> None:
    connection = op.get_bind()
    for table, columns in STAGED:
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.add_column(sa.Column(column, sa.JSON(), nullable=False, server_default="{}"))
        for column in columns:
            unseal_column(connection, table, column, "personal", kind=sa.JSON(), row="sealed_as")
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.alter_column(column, existing_type=sa.JSON(), server_default=None)
                batch.drop_column(f"{column}_sealed")
            batch.drop_column("sealed_as")
    with op.batch_alter_table("person") as batch:
        batch.add_column(sa.Column("phone", sa.String(length=20), nullable=True))
    unseal_column(connection, "person", "phone", "personal")
    with op.batch_alter_table("person") as batch:
        batch.drop_constraint("uq_person_phone_index", type_="unique")
        batch.drop_column("phone_index")
        batch.drop_column("phone_sealed")
        batch.create_unique_constraint("uq_person_phone", ["phone"])
