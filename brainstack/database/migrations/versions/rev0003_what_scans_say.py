"""What a CZI says of itself: kind of pixels, time, objective, checksum, exposure, places of the scenes, pictures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

WORDS = "pixel_type", "acquired_at", "objective", "checksum", "checksum_kind"
PICTURES = "has_label", "has_preview"
PIXELS = "x", "y"
NUMBERS = "stage_x", "stage_y", "exposure"


def upgrade() -> None:
    for name in WORDS:
        op.add_column("slide", sa.Column(name, sa.String(100)))
    op.add_column("slide", sa.Column("warnings", sa.Text()))
    for name in PICTURES:
        op.add_column("slide", _no(name))
    for name in PIXELS:
        op.add_column("slide_czi_to_tif", sa.Column(name, sa.Integer()))
    for name in NUMBERS:
        op.add_column("slide_czi_to_tif", sa.Column(name, sa.Double()))
    op.add_column("scan_run", _no("resolution_given"))
    # It was not noted who said the pixel size. It stood in for CZIs that do not say it, and goes on to.
    op.execute("UPDATE scan_run SET resolution_given = 1 WHERE resolution IS NOT NULL")


def downgrade() -> None:
    op.drop_column("scan_run", "resolution_given")
    for name in PIXELS + NUMBERS:
        op.drop_column("slide_czi_to_tif", name)
    for name in (*WORDS, *PICTURES, "warnings"):
        op.drop_column("slide", name)


def _no(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.text("0"))
