"""What is measured of each pair, where each section lies in the aligned stack, and what people said about it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

PAIRS = "elastix_transformation"
MEASURES = "metric_before", "overlap", "residual"
PLACE = "rotation", "xshift", "yshift"
VERDICT = "verdict IN ('', 'good', 'doubtful', 'failed')"
KIND = "kind IN ('place', 'anchor', 'follow', 'leave_out')"


def upgrade() -> None:
    op.add_column(PAIRS, _no("mirrored"))
    for name in MEASURES:
        op.add_column(PAIRS, sa.Column(name, sa.Double()))
    _verdict_of_pairs()
    _make(
        "section_alignment",
        *(sa.Column(name, sa.Double(), nullable=False) for name in PLACE),
        _no("mirrored"),
        *(sa.Column(name, sa.Double()) for name in ("metric", *MEASURES)),
        _words("verdict", 10),
        sa.Column("reason", sa.Text(), nullable=False),
        _no("by_hand"),
        sa.UniqueConstraint("prep_id", "section", name="uq_section_alignment_prep_id_section"),
        sa.CheckConstraint(VERDICT, name=op.f("ck_section_alignment_verdict")),
    )
    _make(
        "alignment_edit",
        _words("other", 64),
        sa.Column("kind", sa.String(10), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False, server_default=sa.text("0")) for name in PLACE),
        _no("mirrored"),
        _words("person", 100),
        sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.text("1")),
        _words("released_by", 100),
        sa.Column("released", sa.DateTime()),
        sa.CheckConstraint(KIND, name=op.f("ck_alignment_edit_kind")),
    )


def _verdict_of_pairs() -> None:
    """SQLite adds a check with its column only, MySQL and MariaDB a check that has a name by itself only."""
    name = op.f(f"ck_{PAIRS}_verdict")
    if op.get_context().dialect.name == "sqlite":
        column = f"verdict VARCHAR(10) DEFAULT '' NOT NULL CONSTRAINT {name} CHECK ({VERDICT})"
        op.execute(f"ALTER TABLE {PAIRS} ADD COLUMN {column}")
    else:
        op.add_column(PAIRS, _words("verdict", 10))
        op.create_check_constraint(name, PAIRS, VERDICT)


def downgrade() -> None:
    op.drop_table("alignment_edit")
    op.drop_table("section_alignment")
    if op.get_context().dialect.name != "sqlite":  # there, the check goes with its column
        op.drop_constraint(op.f(f"ck_{PAIRS}_verdict"), PAIRS, type_="check")
    for name in ("mirrored", *MEASURES, "verdict"):
        op.drop_column(PAIRS, name)


def _make(table: str, *columns: sa.schema.SchemaItem) -> None:
    """A table of what is known of an animal's sections."""
    op.create_table(
        table,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("prep_id", sa.String(20), nullable=False),
        sa.Column("section", sa.String(64), nullable=False),
        *columns,
        sa.Column("created", sa.DateTime(), nullable=False, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["prep_id"], ["animal.prep_id"], name=f"fk_{table}_prep_id_animal"),
    )


def _no(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.text("0"))


def _words(name: str, longest: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(longest), nullable=False, server_default=sa.text("''"))
