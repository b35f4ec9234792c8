"""The gain, or the white point, of each channel."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

COLOURS = "white_red", "white_green", "white_blue"


def upgrade() -> None:
    op.create_table(
        "gain",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("prep_id", sa.String(20), nullable=False),
        sa.Column("channel", sa.Integer(), nullable=False),
        sa.Column("gain", sa.Double()),
        *(sa.Column(name, sa.Integer()) for name in COLOURS),
        sa.Column("approved", sa.Boolean(), nullable=False, server_default=sa.text("0")),
        sa.Column("created", sa.DateTime(), nullable=False, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.PrimaryKeyConstraint("id", name="pk_gain"),
        sa.ForeignKeyConstraint(["prep_id"], ["animal.prep_id"], name="fk_gain_prep_id_animal"),
        sa.UniqueConstraint("prep_id", "channel", name="uq_gain_prep_id_channel"),
    )


def downgrade() -> None:
    op.drop_table("gain")
