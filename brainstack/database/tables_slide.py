"""The tables of slides and their scenes. Under the lab's names."""

from __future__ import annotations

from sqlalchemy import Double, ForeignKey, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from brainstack.database.tables_animal import FLIPS
from brainstack.database.tables_base import (
    Active,
    Bytes,
    Comments,
    Count,
    Created,
    Duration,
    FileName,
    Id,
    No,
    Table,
    Words,
    one_of,
    within,
)

SLIDE_STATUS = ("Good", "Bad")
RESCAN_USES = ("replaces", "adds")
"""What a later scan of a slide is for: it takes the place of the earlier ones, or adds scenes that they missed."""
VERDICTS = range(4)
"""Of a scene: 0 good, 1 out of focus, 2 bad tissue, 3 end of the tissue."""


class SlideRow(Table):
    """One CZI file. slide_status, rescan_use, scene_qc_n, insert_n, active and comments are a person's; code keeps
    them.

    rescan_use : of a second scan and later, "replaces" where it takes the place of the earlier ones, "adds" where it
    has scenes that they missed. file_name : of the CZI. insert_... : how many copies of scene 1 to 6 follow it; of a
    bad scene, how many slots copies of its nearest good neighbour fill. scene_qc_n : the verdict on scene n, n from 1
    to 6. Both are in slide_czi_to_tif from the seventh scene on. pixel_type, acquired_at, objective : as the CZI says;
    acquired_at is its own text, ISO 8601. checksum : of the CZI, in hexadecimal; checksum_kind : "quick" (of its
    directory, metadata and size) or "whole" (BLAKE2b of 128 bits, of each byte). has_label, has_preview : whether Meta
    found the scanner's photographs of the glass. warnings : what a person should know of the scan, a line each. NULL
    where the slide was read before these were kept.
    """

    __tablename__ = "slide"
    __table_args__ = (
        UniqueConstraint("scan_run_id", "file_name"),
        one_of("slide_status", SLIDE_STATUS),
        one_of("rescan_use", RESCAN_USES),
        *(within(f"scene_qc_{scene}", VERDICTS) for scene in range(1, 7)),
    )

    id: Mapped[Id]
    scan_run_id: Mapped[int] = mapped_column(ForeignKey("scan_run.id"))
    slide_physical_id: Mapped[int] = mapped_column(index=True)
    rescan_number: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    rescan_use: Mapped[str] = mapped_column(String(10), default="replaces", server_default=text("'replaces'"))
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
    another than scene_number. rotation, flip : how it is turned, as in scan_run, where a person said it of this scene;
    else NULL: as the animal. moved_after : key of the section that it follows in the order of cutting, 'first' where
    it is before all others, where a person moved it from its slide's place; else NULL. active : 0 on every channel of a
    scene that was never a section (it has no place in the stack). scene_qc, replicates : the verdict and the number of
    copies from the seventh scene of a slide on; NULL for the first six, whose verdict is slide.scene_qc_n and whose
    copies are slide.insert_... So each is written in one place only. x, y : top left corner of the scene on the slide,
    in pixels of the scan. stage_x, stage_y : its centre as the stage counts, in micrometres. exposure : of the channel,
    in milliseconds. NULL where the CZI does not say, or was read before they were kept.
    """

    __tablename__ = "slide_czi_to_tif"
    __table_args__ = (
        UniqueConstraint("slide_id", "scene_number", "channel"),
        within("scene_qc", VERDICTS),
        within("rotation", range(4)),
        one_of("flip", FLIPS),
    )

    id: Mapped[Id]
    slide_id: Mapped[int] = mapped_column(ForeignKey("slide.id"))
    file_name: Mapped[FileName] = mapped_column(index=True)
    scene_number: Mapped[int]
    scene_index: Mapped[int]
    order_on_slide: Mapped[int | None]
    moved_after: Mapped[str | None] = mapped_column(String(64))
    rotation: Mapped[int | None]
    flip: Mapped[str | None] = mapped_column(String(4))
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
