"""Where on its section a problem is, and who closed it, and when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

TABLE = "journals"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("mark_x", sa.Double))
    op.add_column(TABLE, sa.Column("mark_y", sa.Double))
    op.add_column(TABLE, sa.Column("closed_by", sa.String(100), nullable=False, server_default=sa.text("''")))
    op.add_column(TABLE, sa.Column("closed", sa.DateTime))


def downgrade() -> None:
    for name in ("closed", "closed_by", "mark_y", "mark_x"):
        op.drop_column(TABLE, name)
