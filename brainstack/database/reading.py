"""Reading all that a run needs to know of an animal."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from brainstack.database.alignment import alignment_edits, pairs_by_hand
from brainstack.database.animals import animal_row, histology_row, scan_run_row
from brainstack.database.contrasts import contrasts
from brainstack.database.tables import SlideRow, TifRow
from brainstack.records import Animal, AnimalRecords, Channel, Histology, ScanRun, Slide, SlideScene, Turns

SCENES_WITH_A_COLUMN = 6
"""slide has scene_qc_1 to scene_qc_6; verdicts on later scenes are in slide_czi_to_tif."""


COPIES = (
    "insert_before_one", "insert_between_one_two", "insert_between_two_three",
    "insert_between_three_four", "insert_between_four_five", "insert_between_five_six",
)  # fmt: skip
"""The lab's columns of slide for how many copies there shall be of scene 1 to 6; those of later scenes are in
slide_czi_to_tif."""


TIF_COLUMNS = (
    TifRow.slide_id, TifRow.scene_number, TifRow.scene_index, TifRow.width, TifRow.height, TifRow.order_on_slide,
    TifRow.scene_qc, TifRow.replicates, TifRow.x, TifRow.y, TifRow.moved_after, TifRow.active, TifRow.channel,
    TifRow.channel_name, TifRow.exposure, TifRow.rotation, TifRow.flip,
)  # fmt: skip
"""What a run needs to know of a TIFF. There are thousands of them: as plain rows of these columns they are read in a
third of the time that whole objects take."""


def animal_records(session: Session, prep_id: str) -> AnimalRecords:
    """All that a run needs to know of an animal. Slides by number, rescan and file name; inactive ones are left out."""
    animal = animal_row(session, prep_id)
    histology, scan_run = histology_row(session, prep_id), scan_run_row(session, prep_id)
    return AnimalRecords(
        Animal(prep_id, animal.species or "", animal.comments or ""),
        Histology(
            prep_id,
            histology.side_sectioned_first,
            histology.section_thickness,
            histology.orientation or "",
            histology.counterstain or "",
        ),
        ScanRun(
            prep_id,
            scan_run.slide_folder_path,
            scan_run.resolution,
            scan_run.rotation,
            scan_run.flip,
            scan_run.number_of_slides,
            scan_run.channels_per_scene,
            scan_run.resolution_given,
        ),
        _slides(session, scan_run.id),
        tuple(pairs_by_hand(session, prep_id)),
        tuple(alignment_edits(session, prep_id)),
        contrasts(session, prep_id),
    )


def _slides(session: Session, scan_run_id: int) -> tuple[Slide, ...]:
    of_run = (SlideRow.scan_run_id == scan_run_id) & SlideRow.active
    order = (SlideRow.slide_physical_id, SlideRow.rescan_number, SlideRow.file_name)
    slides = session.scalars(select(SlideRow).where(of_run).order_by(*order)).all()
    query = (
        select(*TIF_COLUMNS)
        .join(SlideRow, SlideRow.id == TifRow.slide_id)
        .where(of_run)
        .order_by(TifRow.slide_id, TifRow.scene_number, TifRow.channel)
    )
    rows: Iterable[Any] = session.execute(query)
    tifs = {slide_id: list(some) for slide_id, some in groupby(rows, lambda row: row.slide_id)}
    return tuple(_slide(slide, tifs.get(slide.id, [])) for slide in slides)


def dropped_scenes(session: Session, prep_id: str) -> dict[str, tuple[SlideScene, ...]]:
    """Scenes that a person said were never sections, which animal_records leaves out, by their slide's file name."""
    of_run = (SlideRow.scan_run_id == scan_run_row(session, prep_id).id) & SlideRow.active
    other = aliased(TifRow)
    active = exists().where(other.slide_id == TifRow.slide_id, other.scene_number == TifRow.scene_number, other.active)
    query = select(TifRow, SlideRow).join(SlideRow, SlideRow.id == TifRow.slide_id).where(of_run, ~active)
    rows = session.execute(query.order_by(TifRow.slide_id, TifRow.scene_number, TifRow.channel)).all()
    found: dict[str, tuple[SlideScene, ...]] = {}
    for _, group in groupby(rows, lambda row: (row[0].slide_id, row[0].scene_number)):
        some = list(group)
        slide, tifs = some[0][1], [row[0] for row in some]
        if not _is_section(slide, tifs):
            found[slide.file_name] = (*found.get(slide.file_name, ()), _scene(slide, tifs))
    return found


def _slide(slide: SlideRow, tifs: list[TifRow]) -> Slide:
    scenes = [list(rows) for _, rows in groupby(tifs, lambda row: row.scene_number)]
    channels = {row.channel: Channel(row.channel, row.channel_name or "", row.exposure) for row in tifs}
    pictures = {"label": slide.has_label, "preview": slide.has_preview}
    return Slide(
        slide.file_name,
        slide.slide_physical_id,
        slide.rescan_number,
        slide.slide_status,
        tuple(_scene(slide, rows) for rows in scenes if _is_section(slide, rows)),
        tuple(channels[number] for number in sorted(channels)),
        slide.pixel_type or "",
        tuple(name for name, is_there in pictures.items() if is_there),
        tuple((slide.warnings or "").splitlines()),
        slide.rescan_use,
    )


def _is_section(slide: SlideRow, rows: list[TifRow]) -> bool:
    """False for a scene that somebody made inactive without a verdict: it was never a section. A scene with a
    verdict keeps its slot, whatever its rows say."""
    return any(row.active for row in rows) or verdict(slide, rows) != 0


def _scene(slide: SlideRow, rows: list[TifRow]) -> SlideScene:
    row = rows[0]
    order = max((row.order_on_slide or 0 for row in rows), default=0)
    return SlideScene(
        row.scene_number,
        row.scene_index,
        row.width,
        row.height,
        verdict(slide, rows),
        order or None,
        replicates(slide, rows),
        row.x,
        row.y,
        row.moved_after or "",
        own_turns(row),
    )


def own_turns(row: TifRow) -> Turns | None:
    """How a person said that a scene is turned; None where it is turned as the animal."""
    return None if row.rotation is None else Turns(row.rotation, row.flip or "none")


def verdict(slide: SlideRow, rows: list[TifRow]) -> int:
    """What a person said of a scene, wherever it is written. rows : of the scene, one a channel."""
    number = rows[0].scene_number
    if number <= SCENES_WITH_A_COLUMN:
        return int(getattr(slide, f"scene_qc_{number}"))
    return max(row.scene_qc or 0 for row in rows)


def replicates(slide: SlideRow, rows: list[TifRow]) -> int:
    """How many copies of a scene a person wants, wherever it is written."""
    number = rows[0].scene_number
    if number <= SCENES_WITH_A_COLUMN:
        return int(getattr(slide, COPIES[number - 1]))
    return max(row.replicates or 0 for row in rows)
