"""What the numbers that people give the alignment are about; and how pairs lie, among what people said."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

TABLE = "alignment_edit"
KINDS = "kind IN ('place', 'anchor', 'follow', 'leave_out')"
WITH_PAIRS = "kind IN ('place', 'anchor', 'follow', 'leave_out', 'pair')"
CHECK = f"ck_{TABLE}_kind"
BEFORE = (
    "id", "prep_id", "section", "other", "kind", "rotation", "xshift", "yshift", "mirrored", "person", "active",
    "released_by", "released", "created",
)  # fmt: skip

TO_EDITS = (
    f"INSERT INTO {TABLE} (prep_id, section, other, kind, rotation, xshift, yshift, mirrored, created) "
    "SELECT prep_id, section, fixed, 'pair', rotation, xshift, yshift, mirrored, created FROM elastix_transformation "
    "WHERE iteration = 1 AND active = 1"
)
TO_PAIRS = (
    "INSERT INTO elastix_transformation (prep_id, section, fixed, iteration, rotation, xshift, yshift, mirrored, "
    "metric, created) SELECT prep_id, section, other, 1, rotation, xshift, yshift, mirrored, 0, created "
    f"FROM {TABLE} WHERE kind = 'pair' AND active = 1"
)


def upgrade() -> None:
    _allow(WITH_PAIRS)
    op.add_column(TABLE, sa.Column("frame", sa.String(64), nullable=False, server_default=sa.text("''")))
    op.add_column(TABLE, sa.Column("placement", sa.Text()))
    op.add_column(TABLE, sa.Column("frame_sections", sa.Text()))
    op.execute(TO_EDITS)
    op.execute("DELETE FROM elastix_transformation WHERE iteration = 1")


def downgrade() -> None:
    op.execute(TO_PAIRS)
    op.execute(f"DELETE FROM {TABLE} WHERE kind = 'pair'")
    for name in ("frame_sections", "placement", "frame"):
        op.drop_column(TABLE, name)
    _allow(KINDS)


def _allow(kinds: str) -> None:
    """SQLite changes no check: the rows move into a new table of the same name, which has no more columns than it had
    before this revision."""
    if op.get_context().dialect.name != "sqlite":
        op.drop_constraint(op.f(CHECK), TABLE, type_="check")
        op.create_check_constraint(op.f(CHECK), TABLE, kinds)
        return
    columns = ", ".join(BEFORE)
    op.create_table(
        f"{TABLE}_new",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("prep_id", sa.String(20), nullable=False),
        sa.Column("section", sa.String(64), nullable=False),
        _words("other", 64),
        sa.Column("kind", sa.String(10), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False, server_default=sa.text("0")) for name in BEFORE[5:8]),
        _yes_or_no("mirrored", "0"),
        _words("person", 100),
        _yes_or_no("active", "1"),
        _words("released_by", 100),
        sa.Column("released", sa.DateTime()),
        sa.Column("created", sa.DateTime(), nullable=False, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
        sa.ForeignKeyConstraint(["prep_id"], ["animal.prep_id"], name=f"fk_{TABLE}_prep_id_animal"),
        sa.CheckConstraint(kinds, name=op.f(CHECK)),
    )
    op.execute(f"INSERT INTO {TABLE}_new ({columns}) SELECT {columns} FROM {TABLE}")
    op.drop_table(TABLE)
    op.rename_table(f"{TABLE}_new", TABLE)


def _words(name: str, longest: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(longest), nullable=False, server_default=sa.text("''"))


def _yes_or_no(name: str, default: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.text(default))
