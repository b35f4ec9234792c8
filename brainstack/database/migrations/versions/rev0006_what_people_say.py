"""What people say and mark: decisions, journals, structures, annotations, states, transformations. Which version ran a
step; the lab's tasks as views of the log; columns of the lab's that people fill in; UTF-8 in every table of MySQL."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from brainstack.database import seeds

revision = "0006"
down_revision = "0005"

LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
PLANE = "orientation IN ('', 'coronal', 'horizontal', 'sagittal', 'oblique')"
RESCAN_USE = "rescan_use IN ('replaces', 'adds')"
KIND = "annotation_type IN ('POLYGON_SEQUENCE', 'MARKED_CELL', 'STRUCTURE_COM')"
CHARSET = "utf8mb4"
COLLATION = "utf8mb4_bin"
"""Names that differ in large and small letters, or in an accent, are different names, as in SQLite."""

FOR_PEOPLE: dict[str, tuple[sa.Column[Any], ...]] = {
    "animal": (
        *(sa.Column(name, sa.String(100)) for name in ("breeder_line", "vender", "stock_number", "tissue_source")),
        sa.Column("ship_date", sa.Date()),
        *(sa.Column(name, sa.String(100)) for name in ("shipper", "tracking_number")),
        *(sa.Column(f"aliases_{number}", sa.String(100)) for number in range(1, 6)),
    ),
    "histology": (
        *(sa.Column(name, sa.String(100)) for name in ("performance_center", "anesthesia")),
        sa.Column("perfusion_age_in_days", sa.Integer()),
        sa.Column("perfusion_date", sa.Date()),
        *(sa.Column(name, sa.String(100)) for name in ("perfusion_method", "exsangination_method", "fixative_method")),
        sa.Column("special_perfusion_notes", sa.Text()),
        sa.Column("post_fixation_period_in_days", sa.Integer()),
        *(sa.Column(name, sa.String(100)) for name in ("whole_brain", "block", "mounting")),
        sa.Column("oblique_notes", sa.Text()),
    ),
    "scan_run": (
        *(sa.Column(name, sa.String(100)) for name in ("file_type", "section_schema")),
        sa.Column("scenes_per_slide", sa.Integer()),
        *(sa.Column(f"ch_{channel}_filter_set", sa.String(100)) for channel in range(1, 5)),
    ),
}
"""Columns of the lab's that no code reads."""
POINT_AT_ANIMAL = (
    "histology", "scan_run", "elastix_transformation", "task_log", "gain", "section_alignment", "alignment_edit",
)  # fmt: skip
OLDER_TABLES = ("animal", "slide", "slide_czi_to_tif", *POINT_AT_ANIMAL)
TEXTS = {
    "animal": ("comments TEXT",),
    "histology": ("comments TEXT",),
    "scan_run": ("comments TEXT",),
    "slide": ("warnings TEXT", "comments TEXT"),
    "slide_czi_to_tif": ("comments TEXT",),
    "section_alignment": ("reason TEXT NOT NULL",),
    "task_log": ("error TEXT NOT NULL", "details TEXT NOT NULL"),
}
"""Columns that MySQL would make longer when their letters get more bytes."""

FILE_LOG = """
CREATE VIEW file_log AS
SELECT log.id AS id, log.prep_id AS prep_id, lookup.id AS progress_id, log.stage AS stage, log.channel AS channel,
       log.item AS filename, log.started_at AS created, log.seconds AS seconds, log.memory_gb AS memory_gb,
       log.host AS host, log.version AS version, log.error AS error
FROM task_log log
LEFT JOIN progress_lookup lookup ON lookup.stage = log.stage AND lookup.channel = log.channel
WHERE NOT EXISTS (
  SELECT later.id FROM task_log later
  WHERE later.prep_id = log.prep_id AND later.stage = log.stage AND later.channel = log.channel
    AND later.item = log.item AND later.started_at > log.started_at)
"""
"""The last try of each step: the lab's table of what was done to which file."""

ENDED = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', log.started_at, '+' || log.seconds || ' seconds')",
    "mysql": "DATE_ADD(log.started_at, INTERVAL log.seconds SECOND)",
}
TASK = """
CREATE VIEW task AS
SELECT lookup.id AS id, log.prep_id AS prep_id, lookup.id AS lookup_id,
       CASE WHEN SUM(CASE WHEN last_try.error <> '' THEN 1 ELSE 0 END) > 0 THEN 0 ELSE 1 END AS completed,
       COUNT(DISTINCT log.item) AS items, MIN(log.started_at) AS start_date, MAX({ended}) AS end_date,
       SUM(log.seconds) AS seconds
FROM progress_lookup lookup
JOIN task_log log ON log.stage = lookup.stage AND log.channel = lookup.channel
LEFT JOIN file_log last_try ON last_try.id = log.id
GROUP BY lookup.id, log.prep_id
"""
"""What was done of an animal, under the lab's ids. completed : 0 where the last try of a step failed."""


def upgrade() -> None:
    _in_utf8()
    for table, columns in FOR_PEOPLE.items():
        _add_columns(table, columns)
    op.add_column("task_log", _words("version", 50))
    op.add_column("slide_czi_to_tif", sa.Column("moved_after", sa.String(64)))
    _add_checked_column("slide", "rescan_use", "VARCHAR(10) DEFAULT 'replaces' NOT NULL", RESCAN_USE)
    _check_planes()
    _what_people_say()
    _what_people_mark()
    _progress()
    op.execute(FILE_LOG)
    op.execute(TASK.format(ended=ENDED["sqlite" if _is_sqlite() else "mysql"]))


def downgrade() -> None:
    for view in ("task", "file_log"):
        op.execute(f"DROP VIEW {view}")
    for table in (
        "progress_lookup", "polygon_sequences", "marked_cells", "structure_com", "annotation_session",
        "neuroglancer_state", "structure", "transformation", "journals", "decision",
    ):  # fmt: skip
        op.drop_table(table)
    _free_planes()
    if not _is_sqlite():  # there, the check goes with its column
        op.drop_constraint(op.f("ck_slide_rescan_use"), "slide", type_="check")
    op.drop_column("slide", "rescan_use")
    op.drop_column("slide_czi_to_tif", "moved_after")
    op.drop_column("task_log", "version")
    for table, columns in FOR_PEOPLE.items():
        for column in columns:
            op.drop_column(table, column.name)


def _is_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"


def _add_columns(table: str, columns: tuple[sa.Column[Any], ...]) -> None:
    """SQLite adds one at a time; MySQL is slow to, and adds many in the time of one."""
    dialect = op.get_context().dialect
    added = [f"ADD COLUMN {column.name} {column.type.compile(dialect=dialect)}" for column in columns]
    for some in added if _is_sqlite() else [", ".join(added)]:
        op.execute(f"ALTER TABLE {table} {some}")


def _add_checked_column(table: str, name: str, kind: str, condition: str) -> None:
    """SQLite takes a check with a new column only, MariaDB one with a name by itself only."""
    check = f"CONSTRAINT ck_{table}_{name} CHECK ({condition})"
    if _is_sqlite():
        op.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind} {check}")
    else:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
        op.execute(f"ALTER TABLE {table} ADD {check}")


def _check_planes() -> None:
    """How a brain was cut is one of four words from now on. What else was there goes to the comments."""
    rows = sa.table("histology", sa.column("orientation", sa.String), sa.column("comments", sa.Text))
    word = sa.func.lower(sa.func.trim(rows.c.orientation))
    planes = "", "coronal", "horizontal", "sagittal", "oblique"
    said = sa.func.coalesce(rows.c.comments + "; ", "") + "orientation: " + rows.c.orientation
    op.execute(rows.update().where(word.in_(planes)).values(orientation=word))
    op.execute(rows.update().where(rows.c.orientation.not_in(planes)).values(comments=said))
    op.execute(rows.update().where(rows.c.orientation.not_in(planes)).values(orientation=None))
    check = f"CONSTRAINT ck_histology_orientation CHECK ({PLANE})"
    if _is_sqlite():
        _move_planes(check)
    else:
        op.execute(f"ALTER TABLE histology ADD {check}")


def _free_planes() -> None:
    if _is_sqlite():
        _move_planes("")
    else:
        op.drop_constraint(op.f("ck_histology_orientation"), "histology", type_="check")


def _move_planes(check: str) -> None:
    """SQLite changes no column: its content moves into a new one of the same name."""
    op.execute("ALTER TABLE histology RENAME COLUMN orientation TO orientation_before")
    op.execute(f"ALTER TABLE histology ADD COLUMN orientation VARCHAR(100) {check}")
    op.execute("UPDATE histology SET orientation = orientation_before")
    op.execute("ALTER TABLE histology DROP COLUMN orientation_before")


def _what_people_say() -> None:
    _make(
        "decision",
        *(_number(name) for name in ("slide", "rescan", "scene")),
        sa.Column("what", sa.String(30), nullable=False),
        *(sa.Column(name, sa.String(200), nullable=False) for name in ("old_value", "new_value")),
        _words("person", 100),
        sa.Column("reason", sa.Text(), nullable=False),
        _number("command"),
        _created(),
        _words("undone_by", 100),
        sa.Column("undone", sa.DateTime()),
    )
    op.create_index("ix_decision_prep_id_slide_scene", "decision", ["prep_id", "slide", "scene"])
    _make(
        "journals",
        _words("person", 100),
        _words("section", 64),
        _number("channel"),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("fix", sa.Text()),
        _no("completed"),
        _active(),
        _created(),
    )
    _make(
        "transformation",
        _words("person", 100),
        sa.Column("kind", sa.String(50), nullable=False),
        sa.Column("matrix", sa.Text(), nullable=False),
        sa.Column("comments", sa.Text()),
        _active(),
        _created(),
    )


def _what_people_mark() -> None:
    structure = _make(
        "structure",
        sa.Column("abbreviation", sa.String(25), nullable=False),
        sa.Column("description", sa.Text()),
        _number("color"),
        sa.Column("hexadecimal", sa.String(7)),
        sa.Column("is_structure", sa.Boolean(), nullable=False, server_default=sa.text("1")),
        _active(),
        _created(),
        sa.UniqueConstraint("abbreviation", name="uq_structure_abbreviation"),
        of_animal=False,
    )
    op.bulk_insert(structure, seeds.structures())
    _make(
        "neuroglancer_state",
        sa.Column("neuroglancer_state", LONG_TEXT, nullable=False),
        _words("person", 100),
        sa.Column("comments", sa.Text()),
        _no("readonly"),
        _active(),
        _created(),
    )
    _make(
        "annotation_session",
        _words("person", 100),
        *_key("annotation_session", "structure_id", "structure", nullable=True),
        *_key("annotation_session", "neuroglancer_state_id", "neuroglancer_state", nullable=True),
        sa.Column("annotation_type", sa.String(20), nullable=False),
        _words("layer", 100),
        sa.Column("comments", sa.Text()),
        _active(),
        _created(),
        sa.CheckConstraint(KIND, name=op.f("ck_annotation_session_annotation_type")),
    )
    _make_points("structure_com")
    _make_points("marked_cells", _words("cell_type", 50))
    columns = "session_id", "polygon_index", "point_order"
    unique = sa.UniqueConstraint(*columns, name=f"uq_polygon_sequences_{'_'.join(columns)}")
    _make_points("polygon_sequences", _number("polygon_index"), _number("point_order"), unique)


def _progress() -> None:
    lookup = _make(
        "progress_lookup",
        _number("ordinal"),
        sa.Column("description", sa.Text()),
        sa.Column("script", sa.String(100)),
        _words("stage", 64),
        _number("channel"),
        sa.Column("action", sa.String(100)),
        _no("downsample"),
        sa.Column("category", sa.String(100)),
        _active(),
        _created(),
        of_animal=False,
    )
    op.bulk_insert(lookup, seeds.tasks())


def _in_utf8() -> None:
    """A table of MySQL has the character set of its server unless it is told another. Columns that point at each other
    cannot be changed; so they are let go of for the while."""
    if _is_sqlite():
        return
    keys = {table: f"fk_{table}_prep_id_animal" for table in POINT_AT_ANIMAL}
    for table, key in keys.items():
        op.drop_constraint(key, table, type_="foreignkey")
    for table in OLDER_TABLES:
        texts = "".join(f", MODIFY {column}" for column in TEXTS.get(table, ()))
        op.execute(f"ALTER TABLE {table} CONVERT TO CHARACTER SET {CHARSET} COLLATE {COLLATION}{texts}")
    for table, key in keys.items():
        op.create_foreign_key(key, table, "animal", ["prep_id"], ["prep_id"])


def _make(table: str, *columns: sa.schema.SchemaItem, of_animal: bool = True) -> sa.Table:
    animal = sa.Column("prep_id", sa.String(20), nullable=False)
    key = sa.ForeignKeyConstraint(["prep_id"], ["animal.prep_id"], name=f"fk_{table}_prep_id_animal")
    return op.create_table(
        table,
        sa.Column("id", sa.Integer(), nullable=False),
        *((animal, key) if of_animal else ()),
        *columns,
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        mysql_charset=CHARSET,
        mysql_collate=COLLATION,
        mariadb_charset=CHARSET,
        mariadb_collate=COLLATION,
    )


def _make_points(table: str, *columns: sa.schema.SchemaItem) -> None:
    _make(
        table,
        *_key(table, "session_id", "annotation_session"),
        _words("source", 50),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("x", "y", "z")),
        *columns,
        of_animal=False,
    )


def _key(table: str, column: str, other: str, *, nullable: bool = False) -> tuple[sa.schema.SchemaItem, ...]:
    key = sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}_{other}")
    return sa.Column(column, sa.Integer(), nullable=nullable), key


def _words(name: str, longest: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(longest), nullable=False, server_default=sa.text("''"))


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0"))


def _no(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.text("0"))


def _active() -> sa.Column[bool]:
    return sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.text("1"))


def _created() -> sa.Column[Any]:
    return sa.Column("created", sa.DateTime(), nullable=False, server_default=sa.text("CURRENT_TIMESTAMP"))
