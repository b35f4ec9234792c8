"""The tables of animals: the brain, how it was cut, how its slides were scanned. Under the lab's names.

Columns that no code reads (strain, machine, ...) are for the people who fill in these tables.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, Double, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from brainstack.database.tables_base import (
    Active,
    AnimalKey,
    Comments,
    Count,
    Created,
    Id,
    No,
    Number,
    Table,
    Words,
    one_of,
    within,
)

FLIPS = ("none", "flip", "flop")
SIDES = ("ASC", "DESC")
PLANES = ("", "coronal", "horizontal", "sagittal", "oblique")
"""How a brain can be cut; '' is not said."""
QUARTER_TURNS = range(4)


class AnimalRow(Table):
    """One brain."""

    __tablename__ = "animal"

    prep_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    performance_center: Mapped[Words]
    date_of_birth: Mapped[date | None]
    species: Mapped[Words]
    strain: Mapped[Words]
    sex: Mapped[Words]
    genotype: Mapped[Words]
    breeder_line: Mapped[Words]
    vender: Mapped[Words]
    stock_number: Mapped[Words]
    tissue_source: Mapped[Words]
    ship_date: Mapped[date | None]
    shipper: Mapped[Words]
    tracking_number: Mapped[Words]
    aliases_1: Mapped[Words]
    aliases_2: Mapped[Words]
    aliases_3: Mapped[Words]
    aliases_4: Mapped[Words]
    aliases_5: Mapped[Words]
    comments: Mapped[Comments]
    active: Mapped[Active]
    created: Mapped[Created]


class HistologyRow(Table):
    """How the brain of an animal was cut and stained; one row an animal. section_thickness : micrometres."""

    __tablename__ = "histology"
    __table_args__ = (
        UniqueConstraint("prep_id"),
        one_of("side_sectioned_first", SIDES),
        one_of("orientation", PLANES),
        CheckConstraint("section_thickness > 0", name="section_thickness"),
    )

    id: Mapped[Id]
    prep_id: Mapped[AnimalKey]
    performance_center: Mapped[Words]
    anesthesia: Mapped[Words]
    perfusion_age_in_days: Mapped[int | None]
    perfusion_date: Mapped[date | None]
    perfusion_method: Mapped[Words]
    exsangination_method: Mapped[Words]
    fixative_method: Mapped[Words]
    special_perfusion_notes: Mapped[Comments]
    post_fixation_period_in_days: Mapped[int | None]
    whole_brain: Mapped[Words]
    block: Mapped[Words]
    date_sectioned: Mapped[date | None]
    side_sectioned_first: Mapped[str] = mapped_column(String(4), default="ASC", server_default=text("'ASC'"))
    section_thickness: Mapped[Number] = mapped_column(default=20.0, server_default=text("20"))
    sectioning_method: Mapped[Words]
    orientation: Mapped[Words]
    oblique_notes: Mapped[Comments]
    mounting: Mapped[Words]
    counterstain: Mapped[Words]
    comments: Mapped[Comments]
    active: Mapped[Active]
    created: Mapped[Created]


class ScanRunRow(Table):
    """How the slides of an animal were scanned. Code reads the run with the lowest rescan_number.

    resolution : micrometres a pixel, which is square; resolution_given : 1 where a person said it, 0 where the first
    CZI did. zresolution : micrometres a section, for people (code reads histology.section_thickness). width, height :
    the common canvas in pixels of the full scan. rotation : quarter turns clockwise.
    """

    __tablename__ = "scan_run"
    __table_args__ = (
        UniqueConstraint("prep_id", "rescan_number"),
        one_of("flip", FLIPS),
        within("rotation", QUARTER_TURNS),
        CheckConstraint("resolution > 0", name="resolution"),
    )

    id: Mapped[Id]
    prep_id: Mapped[AnimalKey]
    rescan_number: Mapped[Count]
    performance_center: Mapped[Words]
    machine: Mapped[Words]
    objective: Mapped[Words]
    resolution: Mapped[float | None] = mapped_column(Double)
    resolution_given: Mapped[No]
    zresolution: Mapped[float | None] = mapped_column(Double)
    scan_date: Mapped[date | None]
    number_of_slides: Mapped[Count]
    channels_per_scene: Mapped[Count]
    file_type: Mapped[Words]
    scenes_per_slide: Mapped[int | None]
    section_schema: Mapped[Words]
    ch_1_filter_set: Mapped[Words]
    ch_2_filter_set: Mapped[Words]
    ch_3_filter_set: Mapped[Words]
    ch_4_filter_set: Mapped[Words]
    slide_folder_path: Mapped[str] = mapped_column(String(500))
    width: Mapped[Count]
    height: Mapped[Count]
    rotation: Mapped[Count]
    flip: Mapped[str] = mapped_column(String(4), default="none", server_default=text("'none'"))
    comments: Mapped[Comments]
    active: Mapped[Active]
    created: Mapped[Created]
