"""Each time that a problem was closed or opened again: who, when, and what had been done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

TABLE = "journal_change"
CHARSET = "utf8mb4"
COLLATION = "utf8mb4_bin"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("prep_id", sa.String(20), nullable=False),
        sa.Column("journal_id", sa.Integer(), nullable=False),
        sa.Column("completed", sa.Boolean(), nullable=False, server_default=sa.text("0")),
        sa.Column("person", sa.String(100), nullable=False, server_default=sa.text("''")),
        sa.Column("fix", sa.Text()),
        sa.Column("changed", sa.DateTime()),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
        sa.ForeignKeyConstraint(["prep_id"], ["animal.prep_id"], name=f"fk_{TABLE}_prep_id_animal"),
        sa.ForeignKeyConstraint(["journal_id"], ["journals.id"], name=f"fk_{TABLE}_journal_id_journals"),
        mysql_charset=CHARSET,
        mysql_collate=COLLATION,
        mariadb_charset=CHARSET,
        mariadb_collate=COLLATION,
    )


def downgrade() -> None:
    op.drop_table(TABLE)
