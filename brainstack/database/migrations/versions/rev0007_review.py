"""Who may use the review page, who is logged in to it, and which masks people approved."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

ROLE = "role IN ('look', 'edit', 'run')"
CHARSET = "utf8mb4"
COLLATION = "utf8mb4_bin"


def upgrade() -> None:
    _make(
        "reviewer",
        _text("name", 100),
        _text("password_hash", 200),
        _text("role", 10),
        _active(),
        _created(),
        sa.UniqueConstraint("name", name="uq_reviewer_name"),
        sa.CheckConstraint(ROLE, name=op.f("ck_reviewer_role")),
    )
    _make(
        "review_session",
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        _text("session_hash", 64),
        _created(),
        sa.Column("expires", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["reviewer_id"], ["reviewer.id"], name="fk_review_session_reviewer_id_reviewer"),
        sa.UniqueConstraint("session_hash", name="uq_review_session_session_hash"),
    )
    _make(
        "mask_approval",
        _text("prep_id", 20),
        _text("section", 64),
        _text("mask", 64),
        _person("person"),
        _active(),
        _created(),
        _person("released_by"),
        sa.Column("released", sa.DateTime()),
        sa.ForeignKeyConstraint(["prep_id"], ["animal.prep_id"], name="fk_mask_approval_prep_id_animal"),
    )
    op.create_index("ix_mask_approval_prep_id_section", "mask_approval", ["prep_id", "section"])


def downgrade() -> None:
    for table in ("mask_approval", "review_session", "reviewer"):
        op.drop_table(table)


def _make(table: str, *columns: sa.schema.SchemaItem) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.Integer(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        mysql_charset=CHARSET,
        mysql_collate=COLLATION,
        mariadb_charset=CHARSET,
        mariadb_collate=COLLATION,
    )


def _text(name: str, longest: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(longest), nullable=False)


def _person(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(100), nullable=False, server_default=sa.text("''"))


def _active() -> sa.Column[bool]:
    return sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.text("1"))


def _created() -> sa.Column[Any]:
    return sa.Column("created", sa.DateTime(), nullable=False, server_default=sa.text("CURRENT_TIMESTAMP"))
