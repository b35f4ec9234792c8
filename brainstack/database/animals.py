"""Animals: adding one, reading all that is known of it, and what people decide about it."""

from __future__ import annotations

import difflib
import re
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session

from brainstack.database.tables import (
    FLIPS,
    QUARTER_TURNS,
    SIDES,
    AnimalRow,
    HistologyRow,
    PairRow,
    ScanRunRow,
    SlideRow,
    TifRow,
)
from brainstack.errors import BrainstackError
from brainstack.records import Animal, AnimalRecords, Channel, Histology, PairTransform, ScanRun, Slide, SlideScene

LONGEST_NAME = 20
SCENES_WITH_A_COLUMN = 6
"""slide has scene_qc_1 to scene_qc_6; verdicts on later scenes are in slide_czi_to_tif."""


COPIES = (
    "insert_before_one", "insert_between_one_two", "insert_between_two_three",
    "insert_between_three_four", "insert_between_four_five", "insert_between_five_six",
)  # fmt: skip
"""The lab's columns of slide for how many copies there shall be of scene 1 to 6; those of later scenes are in
slide_czi_to_tif."""


def wanted(what: str, value: object, allowed: tuple[object, ...] | range) -> None:
    """Raises BrainstackError where a value is none of those that the code knows."""
    if value not in allowed:
        raise BrainstackError(f"{what} is {value!r}; wanted one of {', '.join(map(str, allowed))}.")


def add_animal(session: Session, animal: Animal, histology: Histology, scan_run: ScanRun) -> None:
    """A row in each of animal, histology and scan_run."""
    name = animal.prep_id
    if {histology.prep_id, scan_run.prep_id} != {name}:
        raise ValueError(f"three records of one animal, but {name}, {histology.prep_id} and {scan_run.prep_id}")
    if len(name) > LONGEST_NAME or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise BrainstackError(
            f"{name!r} cannot be the name of an animal; wanted 1 to {LONGEST_NAME} letters (a to z), digits, "
            "hyphens and underscores, such as DK39."
        )
    if session.get(AnimalRow, name) is not None:
        raise BrainstackError(f"The animal {name} is in the database already; choose another name, or go on with it.")
    wanted("side_sectioned_first", histology.side_sectioned_first, SIDES)
    wanted("rotation", scan_run.rotation, QUARTER_TURNS)
    wanted("flip", scan_run.flip, FLIPS)
    for what, length_um in (
        ("section_thickness_um", histology.section_thickness_um),
        ("resolution_um", scan_run.resolution_um),
    ):
        if length_um is not None and not 0 < length_um < float("inf"):
            raise BrainstackError(f"{what} is {length_um}; wanted a length in micrometres above 0.")
    session.add(AnimalRow(prep_id=name, species=animal.species, comments=animal.comments))
    session.flush()  # first the row that the other two point at
    session.add_all([_histology_row(histology), _scan_run_row(scan_run, histology)])
    session.flush()


def _histology_row(histology: Histology) -> HistologyRow:
    return HistologyRow(
        prep_id=histology.prep_id,
        side_sectioned_first=histology.side_sectioned_first,
        section_thickness=histology.section_thickness_um,
        orientation=histology.orientation,
        counterstain=histology.counterstain,
    )


def _scan_run_row(scan_run: ScanRun, histology: Histology) -> ScanRunRow:
    return ScanRunRow(
        prep_id=scan_run.prep_id,
        slide_folder_path=scan_run.slide_folder_path,
        resolution=scan_run.resolution_um,
        resolution_given=scan_run.resolution_given,
        zresolution=histology.section_thickness_um,
        rotation=scan_run.rotation,
        flip=scan_run.flip,
        number_of_slides=scan_run.number_of_slides,
        channels_per_scene=scan_run.channels_per_scene,
    )


def animals(session: Session) -> list[str]:
    """The names of all active animals, sorted."""
    return list(session.scalars(select(AnimalRow.prep_id).where(AnimalRow.active).order_by(AnimalRow.prep_id)))


def animal_row(session: Session, prep_id: str) -> AnimalRow:
    """The row of an animal. Raises BrainstackError, naming those that are called nearly so, where it is not there."""
    row = session.get(AnimalRow, prep_id)
    if row is None:
        known = {name.casefold(): name for name in session.scalars(select(AnimalRow.prep_id))}
        near = difflib.get_close_matches(prep_id.casefold(), known, n=3, cutoff=0.5)
        meant = f" Did you mean {' or '.join(known[name] for name in near)}?" if near else ""
        raise BrainstackError(
            f"There is no animal {prep_id!r} in the database.{meant} A new one is added by 'brainstack animal add'."
        )
    return row


def histology_row(session: Session, prep_id: str) -> HistologyRow:
    """How an animal was cut. Raises BrainstackError where the row is missing."""
    animal_row(session, prep_id)
    row = session.scalars(select(HistologyRow).where(HistologyRow.prep_id == prep_id)).one_or_none()
    if row is None:
        raise BrainstackError(f"{prep_id} has no row in the table histology; add one (prep_id, side_sectioned_first).")
    return row


def scan_run_row(session: Session, prep_id: str) -> ScanRunRow:
    """The scan run that the code reads: the first. Raises BrainstackError where there is none."""
    animal_row(session, prep_id)
    query = select(ScanRunRow).where(ScanRunRow.prep_id == prep_id).order_by(ScanRunRow.rescan_number).limit(1)
    row = session.scalars(query).one_or_none()
    if row is None:
        raise BrainstackError(f"{prep_id} has no row in the table scan_run; add one (prep_id, slide_folder_path).")
    return row


def set_orientation(session: Session, prep_id: str, rotation: int, flip: str) -> None:
    """rotation : quarter turns clockwise, 0 to 3. flip : "none", "flip" or "flop"."""
    wanted("rotation", rotation, QUARTER_TURNS)
    wanted("flip", flip, FLIPS)
    row = scan_run_row(session, prep_id)
    row.rotation, row.flip = rotation, flip


def set_side_sectioned_first(session: Session, prep_id: str, side: str) -> None:
    """side : "ASC" or "DESC"."""
    wanted("side_sectioned_first", side, SIDES)
    histology_row(session, prep_id).side_sectioned_first = side


def set_section_thickness(session: Session, prep_id: str, thickness_um: float) -> None:
    """thickness_um : from one section to the next."""
    if not 0 < thickness_um < float("inf"):
        raise BrainstackError(f"The section thickness was given as {thickness_um}; wanted micrometres above 0.")
    histology_row(session, prep_id).section_thickness = float(thickness_um)


def set_section_plane(session: Session, prep_id: str, plane: str) -> None:
    """plane : how the brain was cut, such as "sagittal"; the column `orientation`."""
    histology_row(session, prep_id).orientation = plane


def set_resolution(session: Session, prep_id: str, pixel_size_um: float) -> None:
    """pixel_size_um : side of a pixel of the scan, as a person says it."""
    if not 0 < pixel_size_um < float("inf"):
        raise BrainstackError(f"The pixel size was given as {pixel_size_um}; wanted micrometres above 0.")
    row = scan_run_row(session, prep_id)
    row.resolution, row.resolution_given = float(pixel_size_um), True


def take_in_canvas(session: Session, prep_id: str, width: int, height: int) -> None:
    """width, height : of the common canvas, in pixels of the full scan."""
    row = scan_run_row(session, prep_id)
    row.width, row.height = int(width), int(height)


REGISTERED, BY_HAND = 0, 1
"""`iteration` of a pair that was registered, and of one that a person gave."""


def pairs(session: Session, prep_id: str, iteration: int) -> list[PairTransform]:
    """All pairs that are kept, also those no longer in the stack; by their keys."""
    animal_row(session, prep_id)
    query = select(PairRow).where(PairRow.prep_id == prep_id, PairRow.iteration == iteration, PairRow.active)
    rows = session.scalars(query.order_by(PairRow.section, PairRow.fixed))
    return [PairTransform(row.fixed, row.section, row.rotation, row.xshift, row.yshift, row.metric) for row in rows]


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
        tuple(pairs(session, prep_id, BY_HAND)),
    )


def _slides(session: Session, scan_run_id: int) -> tuple[Slide, ...]:
    of_run = (SlideRow.scan_run_id == scan_run_id) & SlideRow.active
    order = (SlideRow.slide_physical_id, SlideRow.rescan_number, SlideRow.file_name)
    slides = session.scalars(select(SlideRow).where(of_run).order_by(*order)).all()
    query = (
        select(TifRow)
        .join(SlideRow, SlideRow.id == TifRow.slide_id)
        .where(of_run)
        .order_by(TifRow.slide_id, TifRow.scene_number, TifRow.channel)
    )
    tifs = {slide_id: list(rows) for slide_id, rows in groupby(session.scalars(query), lambda row: row.slide_id)}
    return tuple(_slide(slide, tifs.get(slide.id, [])) for slide in slides)


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
        _replicates(slide, rows),
        row.x,
        row.y,
    )


def verdict(slide: SlideRow, rows: list[TifRow]) -> int:
    """What a person said of a scene, wherever it is written. rows : of the scene, one a channel."""
    number = rows[0].scene_number
    if number <= SCENES_WITH_A_COLUMN:
        return int(getattr(slide, f"scene_qc_{number}"))
    return max(row.scene_qc or 0 for row in rows)


def _replicates(slide: SlideRow, rows: list[TifRow]) -> int:
    """How many copies of a scene a person wants, wherever it is written."""
    number = rows[0].scene_number
    if number <= SCENES_WITH_A_COLUMN:
        return int(getattr(slide, COPIES[number - 1]))
    return max(row.replicates or 0 for row in rows)
