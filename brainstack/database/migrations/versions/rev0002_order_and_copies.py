"""A person's order of the scenes on a slide, and copies of the seventh scene and later."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

COLUMNS = "order_on_slide", "replicates"


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("slide_czi_to_tif", sa.Column(name, sa.Integer()))


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column("slide_czi_to_tif", name)
