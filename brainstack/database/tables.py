"""The tables, under the lab's names. What is written here must be what migrations/ makes: a test compares them.

Only what every SQL database understands. Times are UTC without a zone; texts that code acts on have a CHECK. Columns
that no code reads (strain, machine, ...) are for the people who fill in these tables.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKey,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from brainstack import records

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""How constraints are called, so that a migration can name the one it changes."""

SLIDE_STATUS = ("Good", "Bad")
FLIPS = ("none", "flip", "flop")
SIDES = ("ASC", "DESC")
QUARTER_TURNS = range(4)
VERDICTS = range(4)
"""Of a scene: 0 good, 1 out of focus, 2 bad tissue, 3 end of the tissue."""
ALIGNMENT_VERDICTS = ("", *records.VERDICTS)
"""Of a pair, or of a section in the aligned stack; '' is not judged yet."""

Microseconds = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
"""MySQL's own DATETIME rounds to seconds; steps that start within one second must stay apart."""


def utc_now() -> datetime:
    """Now, as the tables keep times: UTC, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def without_zone(iso: str) -> datetime:
    """The time as the tables keep it. A time without a zone is taken as UTC."""
    moment = datetime.fromisoformat(iso)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


Id = Annotated[int, mapped_column(primary_key=True)]
AnimalKey = Annotated[str, mapped_column(String(20), ForeignKey("animal.prep_id"))]
Words = Annotated[str | None, mapped_column(String(100))]
FileName = Annotated[str, mapped_column(String(200))]
Comments = Annotated[str | None, mapped_column(Text)]
Number = Annotated[float, mapped_column(Double)]
Count = Annotated[int, mapped_column(default=0, server_default=text("0"))]
Bytes = Annotated[int, mapped_column(BigInteger, default=0, server_default=text("0"))]
Duration = Annotated[float, mapped_column(Double, default=0, server_default=text("0"))]
Created = Annotated[datetime, mapped_column(default=utc_now, server_default=func.current_timestamp())]
Active = Annotated[bool, mapped_column(default=True, server_default=text("1"))]
No = Annotated[bool, mapped_column(default=False, server_default=text("0"))]
Measure = Annotated[float | None, mapped_column(Double)]
SectionKey = Annotated[str, mapped_column(String(64))]
Person = Annotated[str, mapped_column(String(100), default="", server_default=text("''"))]
AlignmentVerdict = Annotated[str, mapped_column(String(10), default="", server_default=text("''"))]


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=column)


def _within(column: str, numbers: range) -> CheckConstraint:
    return CheckConstraint(f"{column} BETWEEN {numbers[0]} AND {numbers[-1]}", name=column)


class Table(DeclarativeBase):
    """What all tables share."""

    metadata = MetaData(naming_convention=NAMES)


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
    comments: Mapped[Comments]
    active: Mapped[Active]
    created: Mapped[Created]


class HistologyRow(Table):
    """How the brain of an animal was cut and stained; one row an animal. section_thickness : micrometres."""

    __tablename__ = "histology"
    __table_args__ = (
        UniqueConstraint("prep_id"),
        _one_of("side_sectioned_first", SIDES),
        CheckConstraint("section_thickness > 0", name="section_thickness"),
    )

    id: Mapped[Id]
    prep_id: Mapped[AnimalKey]
    date_sectioned: Mapped[date | None]
    side_sectioned_first: Mapped[str] = mapped_column(String(4), default="ASC", server_default=text("'ASC'"))
    section_thickness: Mapped[Number] = mapped_column(default=20.0, server_default=text("20"))
    sectioning_method: Mapped[Words]
    orientation: Mapped[Words]
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
        _one_of("flip", FLIPS),
        _within("rotation", QUARTER_TURNS),
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
    slide_folder_path: Mapped[str] = mapped_column(String(500))
    width: Mapped[Count]
    height: Mapped[Count]
    rotation: Mapped[Count]
    flip: Mapped[str] = mapped_column(String(4), default="none", server_default=text("'none'"))
    comments: Mapped[Comments]
    active: Mapped[Active]
    created: Mapped[Created]


class SlideRow(Table):
    """One CZI file. slide_status, scene_qc_n, insert_n, active and comments are a person's; code keeps them.

    file_name : of the CZI. insert_... : how many copies of scene 1 to 6 follow it; of a bad scene, how
    many slots copies of its nearest good neighbour fill. scene_qc_n : the verdict on scene n, n from 1 to 6. Both are
    in slide_czi_to_tif from the seventh scene on.
    pixel_type, acquired_at, objective : as the CZI says; acquired_at is its own text, ISO 8601. checksum : of the CZI,
    in hexadecimal; checksum_kind : "quick" (of its directory, metadata and size) or "whole" (BLAKE2b of 128 bits, of
    each byte). has_label, has_preview : whether Meta found the scanner's photographs of the glass. warnings : what a
    person should know of the scan, a line each. NULL where the slide was read before these were kept.
    """

    __tablename__ = "slide"
    __table_args__ = (
        UniqueConstraint("scan_run_id", "file_name"),
        _one_of("slide_status", SLIDE_STATUS),
        *(_within(f"scene_qc_{scene}", VERDICTS) for scene in range(1, 7)),
    )

    id: Mapped[Id]
    scan_run_id: Mapped[int] = mapped_column(ForeignKey("scan_run.id"))
    slide_physical_id: Mapped[int] = mapped_column(index=True)
    rescan_number: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    slide_status: Mapped[str] = mapped_column(String(4), default="Good", server_default=text("'Good'"))
    scenes: Mapped[Count]
    insert_before_one: Mapped[Count]
    insert_between_one_two: Mapped[Count]
    insert_between_two_three: Mapped[Count]
    insert_between_three_four: Mapped[Count]
    insert_between_four_five: Mapped[Count]
    insert_between_five_six: Mapped[Count]
    scene_qc_1: Mapped[Count]
    scene_qc_2: Mapped[Count]
    scene_qc_3: Mapped[Count]
    scene_qc_4: Mapped[Count]
    scene_qc_5: Mapped[Count]
    scene_qc_6: Mapped[Count]
    file_name: Mapped[FileName]
    file_size: Mapped[Bytes]
    processing_duration: Mapped[Duration]
    processed: Mapped[No]
    pixel_type: Mapped[Words]
    acquired_at: Mapped[Words]
    objective: Mapped[Words]
    checksum: Mapped[Words]
    checksum_kind: Mapped[Words]
    warnings: Mapped[Comments]
    has_label: Mapped[No]
    has_preview: Mapped[No]
    comments: Mapped[Comments]
    active: Mapped[Active]
    created: Mapped[Created]


class TifRow(Table):
    """One channel of one scene of a slide, and the TIFF it becomes. active, include_tag, comments are a person's.

    scene_number, channel : from 1, never changed, as the TIFF's name and the section's key have them. scene_index :
    inside the CZI, from 0. order_on_slide : its place among the slide's scenes, from 1; NULL where nobody gave it
    another than scene_number. active : 0 on every channel of a scene that was never a section (it has no place in the
    stack). scene_qc, replicates : the verdict and the number of copies from the seventh scene of a slide on; NULL for
    the first six, whose verdict is slide.scene_qc_n and whose copies are slide.insert_... So each is written in one
    place only. x, y : top left corner of the scene on the slide, in pixels of the scan. stage_x, stage_y : its centre
    as the stage counts, in micrometres. exposure : of the channel, in milliseconds. NULL where the CZI does not say, or
    was read before they were kept.
    """

    __tablename__ = "slide_czi_to_tif"
    __table_args__ = (
        UniqueConstraint("slide_id", "scene_number", "channel"),
        _within("scene_qc", VERDICTS),
    )

    id: Mapped[Id]
    slide_id: Mapped[int] = mapped_column(ForeignKey("slide.id"))
    file_name: Mapped[FileName] = mapped_column(index=True)
    scene_number: Mapped[int]
    scene_index: Mapped[int]
    order_on_slide: Mapped[int | None]
    channel: Mapped[int]
    channel_name: Mapped[Words]
    scene_qc: Mapped[int | None]
    replicates: Mapped[int | None]
    x: Mapped[int | None]
    y: Mapped[int | None]
    width: Mapped[Count]
    height: Mapped[Count]
    stage_x: Mapped[float | None] = mapped_column(Double)
    stage_y: Mapped[float | None] = mapped_column(Double)
    exposure: Mapped[float | None] = mapped_column(Double)
    file_size: Mapped[Bytes]
    processing_duration: Mapped[Duration]
    include_tag: Mapped[Words]
    comments: Mapped[Comments]
    active: Mapped[Active]
    created: Mapped[Created]


class PairRow(Table):
    """How one section lies on another near it. section : key of the moving section; fixed : of the other.

    rotation : radians; xshift, yshift : micrometres; mirrored : 1 where a point is mirrored left-right before.
    iteration : 0 registered, 1 by a person. metric : masked correlation after registration; metric_before : before it.
    overlap : common tissue as a share of the smaller one's. residual : micrometres between where the alignment in force
    takes the fixed section's tissue and where this pair takes it. verdict : '' is not judged yet. NULL where it was not
    measured.
    """

    __tablename__ = "elastix_transformation"
    __table_args__ = (
        UniqueConstraint("prep_id", "section", "fixed", "iteration"),
        _one_of("verdict", ALIGNMENT_VERDICTS),
    )

    id: Mapped[Id]
    prep_id: Mapped[AnimalKey]
    section: Mapped[SectionKey]
    fixed: Mapped[SectionKey]
    iteration: Mapped[Count]
    rotation: Mapped[Number]
    xshift: Mapped[Number]
    yshift: Mapped[Number]
    mirrored: Mapped[No]
    metric: Mapped[Number]
    metric_before: Mapped[Measure]
    overlap: Mapped[Measure]
    residual: Mapped[Measure]
    verdict: Mapped[AlignmentVerdict]
    active: Mapped[Active]
    created: Mapped[Created]


class SectionAlignmentRow(Table):
    """Where a section lies in the aligned stack, as the last run had it: one row a section of the stack.

    section : its key. rotation, xshift, yshift, mirrored : as in elastix_transformation, from the canvas of the middle
    section to this one's. metric, metric_before, overlap : medians over its pairs with the next section on both sides.
    residual : micrometres, the median over all its pairs. NULL where no pair says it. reason : why it is not good, one
    sentence, or ''. by_hand : 1 where a person gave it this place. created : when the run said so.
    """

    __tablename__ = "section_alignment"
    __table_args__ = (UniqueConstraint("prep_id", "section"), _one_of("verdict", ALIGNMENT_VERDICTS))

    id: Mapped[Id]
    prep_id: Mapped[AnimalKey]
    section: Mapped[SectionKey]
    rotation: Mapped[Number]
    xshift: Mapped[Number]
    yshift: Mapped[Number]
    mirrored: Mapped[No]
    metric: Mapped[Measure]
    metric_before: Mapped[Measure]
    overlap: Mapped[Measure]
    residual: Mapped[Measure]
    verdict: Mapped[AlignmentVerdict]
    reason: Mapped[str] = mapped_column(Text)
    by_hand: Mapped[No]
    created: Mapped[Created]


class AlignmentEditRow(Table):
    """What a person said about the alignment. In force where active is 1; what was taken back or replaced stays.

    section : key of the section that it is about, or of the moving one of a pair that is left out. other : key of the
    section that it follows, or of the pair's fixed one; else ''. rotation, xshift, yshift, mirrored : its place, as in
    section_alignment; 0 where it follows another, or a pair is left out. person, created : who said it, and when.
    released_by, released : who took it back or replaced it, and when; '' and NULL where nobody did.
    """

    __tablename__ = "alignment_edit"
    __table_args__ = (_one_of("kind", records.EDIT_KINDS),)

    id: Mapped[Id]
    prep_id: Mapped[AnimalKey]
    section: Mapped[SectionKey]
    other: Mapped[str] = mapped_column(String(64), default="", server_default=text("''"))
    kind: Mapped[str] = mapped_column(String(10))
    rotation: Mapped[Number] = mapped_column(default=0.0, server_default=text("0"))
    xshift: Mapped[Number] = mapped_column(default=0.0, server_default=text("0"))
    yshift: Mapped[Number] = mapped_column(default=0.0, server_default=text("0"))
    mirrored: Mapped[No]
    person: Mapped[Person]
    active: Mapped[Active]
    created: Mapped[Created]
    released_by: Mapped[Person]
    released: Mapped[datetime | None]


class GainRow(Table):
    """What cleaning makes the sections of a channel bright by, as the last run had it.

    channel : from 1. gain : every grey value is multiplied by it; NULL for an animal in colour, which has the colour of
    its glass instead: white_red, white_green, white_blue, from 0 to 255. approved : 1 where a person keeps it as it is.
    """

    __tablename__ = "gain"
    __table_args__ = (UniqueConstraint("prep_id", "channel"),)

    id: Mapped[Id]
    prep_id: Mapped[AnimalKey]
    channel: Mapped[int]
    gain: Mapped[float | None] = mapped_column(Double)
    white_red: Mapped[int | None]
    white_green: Mapped[int | None]
    white_blue: Mapped[int | None]
    approved: Mapped[No]
    created: Mapped[Created]


class LogRow(Table):
    """One step that was run: when, how long, with how much memory, where, and the sentence when it failed.

    item : section key, slide or ''. channel : 0 where the stage has none. details : a JSON object of texts.
    """

    __tablename__ = "task_log"
    __table_args__ = (UniqueConstraint("prep_id", "stage", "channel", "item", "started_at"),)

    id: Mapped[Id]
    prep_id: Mapped[AnimalKey]
    stage: Mapped[str] = mapped_column(String(64))
    channel: Mapped[int]
    item: Mapped[FileName]
    started_at: Mapped[datetime] = mapped_column(Microseconds)
    seconds: Mapped[Number]
    memory_gb: Mapped[Number]
    host: Mapped[str] = mapped_column(String(100))
    error: Mapped[str] = mapped_column(Text)
    details: Mapped[str] = mapped_column(Text)
