"""How a single scene is turned, where that is not as the animal's."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"

TABLE = "slide_czi_to_tif"
COLUMNS = {
    "rotation": ("INTEGER", "rotation BETWEEN 0 AND 3"),
    "flip": ("VARCHAR(4)", "flip IN ('none', 'flip', 'flop')"),
}
"""Name -> kind, and what its values may be."""


def upgrade() -> None:
    for name, (kind, condition) in COLUMNS.items():
        _add_checked_column(name, kind, condition)


def downgrade() -> None:
    for name in COLUMNS:
        if not _is_sqlite():  # there, the check goes with its column
            op.drop_constraint(op.f(f"ck_{TABLE}_{name}"), TABLE, type_="check")
        op.drop_column(TABLE, name)


def _add_checked_column(name: str, kind: str, condition: str) -> None:
    """SQLite takes a check with a new column only, MariaDB one with a name by itself only."""
    check = f"CONSTRAINT ck_{TABLE}_{name} CHECK ({condition})"
    if _is_sqlite():
        op.execute(f"ALTER TABLE {TABLE} ADD COLUMN {name} {kind} {check}")
    else:
        op.execute(f"ALTER TABLE {TABLE} ADD COLUMN {name} {kind}")
        op.execute(f"ALTER TABLE {TABLE} ADD {check}")


def _is_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"
