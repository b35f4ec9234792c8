"""The first tables, and the view `sections`. What each column means is said in brainstack/database/tables.py."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None

MICROSECONDS = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")

SECTIONS = """
CREATE VIEW sections AS
SELECT tif.id AS id, animal.prep_id AS prep_id, slide.file_name AS czi_file,
       slide.slide_physical_id AS slide_physical_id, slide.rescan_number AS rescan_number,
       tif.file_name AS file_name, tif.id AS tif_id, tif.scene_number AS scene_number,
       tif.scene_index AS scene_index, tif.channel AS channel, tif.channel - 1 AS channel_index,
       tif.active AS active, tif.created AS created
FROM animal
JOIN scan_run ON scan_run.prep_id = animal.prep_id
JOIN slide ON slide.scan_run_id = scan_run.id
JOIN slide_czi_to_tif tif ON tif.slide_id = slide.id
WHERE slide.slide_status = 'Good' AND slide.active = 1 AND tif.active = 1
  AND CASE tif.scene_number
      WHEN 1 THEN slide.scene_qc_1 WHEN 2 THEN slide.scene_qc_2 WHEN 3 THEN slide.scene_qc_3
      WHEN 4 THEN slide.scene_qc_4 WHEN 5 THEN slide.scene_qc_5 WHEN 6 THEN slide.scene_qc_6
      ELSE COALESCE(tif.scene_qc, 0) END = 0
"""
"""TIFFs of good sections, for people and viewers: the lab's view, which also had no scenes with a verdict."""

WORD_COLUMNS = {
    "animal": ("species", "strain", "sex", "genotype", "performance_center"),
    "histology": ("sectioning_method", "orientation", "counterstain"),
    "scan_run": ("performance_center", "machine", "objective"),
}


def upgrade() -> None:
    _animal()
    _histology()
    _scan_run()
    _slide()
    _slide_czi_to_tif()
    _elastix_transformation()
    _task_log()
    op.execute(SECTIONS)


def downgrade() -> None:
    op.execute("DROP VIEW sections")
    tables = "task_log", "elastix_transformation", "slide_czi_to_tif", "slide", "scan_run", "histology", "animal"
    for table in tables:
        op.drop_table(table)


def _animal() -> None:
    op.create_table(
        "animal",
        sa.Column("prep_id", sa.String(20), nullable=False),
        sa.Column("date_of_birth", sa.Date()),
        *_words("animal"),
        *_for_people(),
        sa.PrimaryKeyConstraint("prep_id", name="pk_animal"),
    )


def _histology() -> None:
    op.create_table(
        "histology",
        *_id("histology"),
        *_animal_key("histology"),
        sa.Column("date_sectioned", sa.Date()),
        _column("side_sectioned_first", sa.String(4), "'ASC'"),
        _column("section_thickness", sa.Double(), "20"),
        *_words("histology"),
        *_for_people(),
        sa.UniqueConstraint("prep_id", name="uq_histology_prep_id"),
        _check("histology", "side_sectioned_first", "side_sectioned_first IN ('ASC', 'DESC')"),
        _check("histology", "section_thickness", "section_thickness > 0"),
    )


def _scan_run() -> None:
    counts = "rescan_number", "number_of_slides", "channels_per_scene", "width", "height", "rotation"
    op.create_table(
        "scan_run",
        *_id("scan_run"),
        *_animal_key("scan_run"),
        *(_column(name, sa.Integer(), "0") for name in counts),
        _column("flip", sa.String(4), "'none'"),
        _column("slide_folder_path", sa.String(500)),
        sa.Column("resolution", sa.Double()),
        sa.Column("zresolution", sa.Double()),
        sa.Column("scan_date", sa.Date()),
        *_words("scan_run"),
        *_for_people(),
        sa.UniqueConstraint("prep_id", "rescan_number", name="uq_scan_run_prep_id_rescan_number"),
        _check("scan_run", "flip", "flip IN ('none', 'flip', 'flop')"),
        _check("scan_run", "rotation", "rotation BETWEEN 0 AND 3"),
        _check("scan_run", "resolution", "resolution > 0"),
    )


def _slide() -> None:
    neighbours = "one_two", "two_three", "three_four", "four_five", "five_six"
    verdicts = [f"scene_qc_{scene}" for scene in range(1, 7)]
    counts = ["scenes", "insert_before_one", *(f"insert_between_{pair}" for pair in neighbours), *verdicts]
    op.create_table(
        "slide",
        *_id("slide"),
        _column("scan_run_id", sa.Integer()),
        _column("slide_physical_id", sa.Integer()),
        _column("rescan_number", sa.Integer(), "1"),
        _column("slide_status", sa.String(4), "'Good'"),
        *(_column(name, sa.Integer(), "0") for name in counts),
        *_file(),
        _column("processed", sa.Boolean(), "0"),
        *_for_people(),
        sa.ForeignKeyConstraint(["scan_run_id"], ["scan_run.id"], name="fk_slide_scan_run_id_scan_run"),
        sa.UniqueConstraint("scan_run_id", "file_name", name="uq_slide_scan_run_id_file_name"),
        _check("slide", "slide_status", "slide_status IN ('Good', 'Bad')"),
        *(_check("slide", name, f"{name} BETWEEN 0 AND 3") for name in verdicts),
    )
    op.create_index("ix_slide_slide_physical_id", "slide", ["slide_physical_id"])


def _slide_czi_to_tif() -> None:
    places = "scene_number", "scene_index", "channel"
    op.create_table(
        "slide_czi_to_tif",
        *_id("slide_czi_to_tif"),
        _column("slide_id", sa.Integer()),
        *(_column(name, sa.Integer()) for name in places),
        sa.Column("channel_name", sa.String(100)),
        sa.Column("scene_qc", sa.Integer()),
        _column("width", sa.Integer(), "0"),
        _column("height", sa.Integer(), "0"),
        *_file(),
        sa.Column("include_tag", sa.String(100)),
        *_for_people(),
        sa.ForeignKeyConstraint(["slide_id"], ["slide.id"], name="fk_slide_czi_to_tif_slide_id_slide"),
        sa.UniqueConstraint(
            "slide_id", "scene_number", "channel", name="uq_slide_czi_to_tif_slide_id_scene_number_channel"
        ),
        _check("slide_czi_to_tif", "scene_qc", "scene_qc BETWEEN 0 AND 3"),
    )
    op.create_index("ix_slide_czi_to_tif_file_name", "slide_czi_to_tif", ["file_name"])


def _elastix_transformation() -> None:
    name = "elastix_transformation"
    op.create_table(
        name,
        *_id(name),
        *_animal_key(name),
        _column("section", sa.String(64)),
        _column("fixed", sa.String(64)),
        _column("iteration", sa.Integer(), "0"),
        *(_column(number, sa.Double()) for number in ("rotation", "xshift", "yshift", "metric")),
        *_active_and_created(),
        sa.UniqueConstraint(
            "prep_id", "section", "fixed", "iteration", name=f"uq_{name}_prep_id_section_fixed_iteration"
        ),
    )


def _task_log() -> None:
    op.create_table(
        "task_log",
        *_id("task_log"),
        *_animal_key("task_log"),
        _column("stage", sa.String(64)),
        _column("channel", sa.Integer()),
        _column("item", sa.String(200)),
        _column("started_at", MICROSECONDS),
        _column("seconds", sa.Double()),
        _column("memory_gb", sa.Double()),
        _column("host", sa.String(100)),
        _column("error", sa.Text()),
        _column("details", sa.Text()),
        sa.UniqueConstraint(
            "prep_id",
            "stage",
            "channel",
            "item",
            "started_at",
            name="uq_task_log_prep_id_stage_channel_item_started_at",
        ),
    )


def _column(name: str, kind: Any, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, server_default=None if default is None else sa.text(default))


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _id(table: str) -> tuple[Any, ...]:
    return _column("id", sa.Integer()), sa.PrimaryKeyConstraint("id", name=f"pk_{table}")


def _animal_key(table: str) -> tuple[Any, ...]:
    key = sa.ForeignKeyConstraint(["prep_id"], ["animal.prep_id"], name=f"fk_{table}_prep_id_animal")
    return _column("prep_id", sa.String(20)), key


def _words(table: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.String(100)) for name in WORD_COLUMNS[table]]


def _file() -> tuple[sa.Column[Any], ...]:
    return (
        _column("file_name", sa.String(200)),
        _column("file_size", sa.BigInteger(), "0"),
        _column("processing_duration", sa.Double(), "0"),
    )


def _active_and_created() -> tuple[sa.Column[Any], ...]:
    return _column("active", sa.Boolean(), "1"), _column("created", sa.DateTime(), "CURRENT_TIMESTAMP")


def _for_people() -> tuple[sa.Column[Any], ...]:
    return sa.Column("comments", sa.Text()), *_active_and_created()
