"""Slides, their scenes and TIFFs: what the scans say, and what people decide about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from pathlib import PurePath

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from brainstack.database.animals import scan_run_row, wanted
from brainstack.database.bulk import Values, write_rows
from brainstack.database.reading import COPIES, SCENES_WITH_A_COLUMN, verdict
from brainstack.database.tables import (
    FLIPS,
    QUARTER_TURNS,
    RESCAN_USES,
    SLIDE_STATUS,
    VERDICTS,
    ScanRunRow,
    SlideRow,
    TifRow,
)
from brainstack.errors import BrainstackError
from brainstack.records import Channel, Scene, SlideScan, TifFile, Turns

END_OF_TISSUE = 3
"""scene_qc of a scene that was never a section."""
LONGEST_WORDS = 100
"""Letters of a column that is for people only; MySQL refuses more."""
MOST_REPLICATES = 20
"""More copies of one section in a row are a slip of the finger."""


def take_in_slide(
    session: Session,
    prep_id: str,
    scan: SlideScan,
    *,
    slide_number: int,
    rescan: int,
    file_size: int,
    checksum: tuple[str, str] | None = None,
    pictures: Collection[str] = (),
) -> None:
    """What a CZI file says. What a person decided about the slide or its scenes stays.

    A scene or channel that the file no longer holds loses its row. The first slide gives scan_run its resolution
    (the size of a pixel along x) and objective, where nobody did.
    """
    run = scan_run_row(session, prep_id)
    by_name = (SlideRow.scan_run_id == run.id) & (SlideRow.file_name == scan.file_name)
    slide = session.scalars(select(SlideRow).where(by_name)).one_or_none()
    if slide is None:
        slide = SlideRow(scan_run_id=run.id, file_name=scan.file_name)
        session.add(slide)
    slide.slide_physical_id, slide.rescan_number = int(slide_number), int(rescan)
    slide.scenes, slide.file_size = len(scan.scenes), int(file_size)
    slide.pixel_type = scan.pixel_type
    slide.acquired_at, slide.objective = scan.acquired_at[:LONGEST_WORDS], scan.objective[:LONGEST_WORDS]
    slide.checksum_kind, slide.checksum = checksum or (None, None)
    slide.warnings = "\n".join(scan.warnings) or None
    slide.has_label, slide.has_preview = "label" in pictures, "preview" in pictures
    session.flush()
    _take_in_scenes(session, slide.id, scan)
    _complete_scan_run(session, run, scan)


def _take_in_scenes(session: Session, slide_id: int, scan: SlideScan) -> None:
    rows = session.scalars(select(TifRow).where(TifRow.slide_id == slide_id))
    known = {(row.scene_number, row.channel): row.id for row in rows}
    held = {(scene.number, channel.number): (scene, channel) for scene in scan.scenes for channel in scan.channels}
    gone = [row_id for place, row_id in known.items() if place not in held]
    if gone:
        session.execute(delete(TifRow).where(TifRow.id.in_(gone)))
    stem = PurePath(scan.file_name).stem
    said = {place: _said_of_tif(slide_id, stem, *both) for place, both in held.items()}
    write_rows(session, TifRow, known, said)


def _said_of_tif(slide_id: int, stem: str, scene: Scene, channel: Channel) -> Values:
    return {
        "slide_id": slide_id,
        "scene_number": int(scene.number),
        "channel": int(channel.number),
        "file_name": f"{stem}_S{scene.number}_C{channel.number}.tif",
        "scene_index": int(scene.index),
        "channel_name": channel.name,
        "exposure": None if channel.exposure_ms is None else float(channel.exposure_ms),
        "x": int(scene.x),
        "y": int(scene.y),
        "width": int(scene.width),
        "height": int(scene.height),
        "stage_x": None if scene.stage_um is None else float(scene.stage_um[0]),
        "stage_y": None if scene.stage_um is None else float(scene.stage_um[1]),
    }


def _complete_scan_run(session: Session, run: ScanRunRow, scan: SlideScan) -> None:
    if run.resolution is None and scan.pixel_size_um is not None:
        run.resolution = float(scan.pixel_size_um[0])
    if not run.objective and scan.objective:
        run.objective = scan.objective[:LONGEST_WORDS]
    of_run = SlideRow.scan_run_id == run.id
    slides = select(func.count(SlideRow.slide_physical_id.distinct())).where(of_run)
    channels = select(func.max(TifRow.channel)).join(SlideRow, SlideRow.id == TifRow.slide_id).where(of_run)
    run.number_of_slides = session.scalar(slides) or 0
    run.channels_per_scene = session.scalar(channels) or 0


def tif_ids(session: Session, prep_id: str) -> dict[str, int]:
    """The row of each TIFF, by its file name."""
    run = scan_run_row(session, prep_id)
    query = select(TifRow.file_name, TifRow.id).join(SlideRow, SlideRow.id == TifRow.slide_id)
    return {row.file_name: row.id for row in session.execute(query.where(SlideRow.scan_run_id == run.id))}


def take_in_tifs(session: Session, prep_id: str, files: Iterable[TifFile]) -> None:
    """Width, height, bytes and duration of TIFFs. Raises BrainstackError for one that no slide of the animal has."""
    known = tif_ids(session, prep_id)
    given: dict[str, Values] = {
        file.file_name: {
            "width": int(file.width),
            "height": int(file.height),
            "file_size": int(file.file_size),
            **({} if file.seconds is None else {"processing_duration": float(file.seconds)}),
        }
        for file in files
    }
    strange = sorted(given.keys() - known.keys())
    if strange:
        raise BrainstackError(
            f"{prep_id}: no slide in the database has the TIFF {strange[0]} ({len(strange)} such); "
            f"run `luigi --module tasks Meta --animal {prep_id}`, or take the file out of tif/."
        )
    write_rows(session, TifRow, known, given)


def set_slide_status(
    session: Session, prep_id: str, slide_number: int, status: str, *, rescan: int | None = None
) -> None:
    """status : "Good" or "Bad". rescan : which scan of the slide, needed where there are several."""
    wanted("slide_status", status, SLIDE_STATUS)
    slide_row(session, prep_id, slide_number, rescan).slide_status = status


def set_scene_qc(
    session: Session, prep_id: str, slide_number: int, scene: int, qc: int, *, rescan: int | None = None
) -> None:
    """scene : counted from 1. qc : 0 good, 1 out of focus, 2 bad tissue, 3 end of the tissue. A scene that was dropped
    is a section again."""
    wanted("qc", qc, VERDICTS)
    slide, rows = scene_rows(session, prep_id, slide_number, scene, rescan)
    _write_verdict(slide, rows, qc)
    _write_active(rows, True)


def set_scene_dropped(
    session: Session, prep_id: str, slide_number: int, scene: int, dropped: bool, *, rescan: int | None = None
) -> None:
    """dropped : True for a scene that was never a section: it has no place in the stack, and its verdict is gone."""
    slide, rows = scene_rows(session, prep_id, slide_number, scene, rescan)
    if dropped or verdict(slide, rows) == END_OF_TISSUE:
        _write_verdict(slide, rows, 0)
    _write_active(rows, not dropped)


def set_replicates(
    session: Session, prep_id: str, slide_number: int, scene: int, replicates: int, *, rescan: int | None = None
) -> None:
    """replicates : how many copies of a scene follow it, from 0; of a bad scene, how many slots its neighbour fills."""
    if not 0 <= replicates <= MOST_REPLICATES:
        raise BrainstackError(
            f"{replicates} copies of scene {scene} of slide {slide_number} were asked for; "
            f"wanted 0 to {MOST_REPLICATES}."
        )
    slide, rows = scene_rows(session, prep_id, slide_number, scene, rescan)
    if scene <= SCENES_WITH_A_COLUMN:
        setattr(slide, COPIES[scene - 1], replicates)
        return
    for row in rows:
        row.replicates = replicates


def set_rescan_use(session: Session, prep_id: str, slide_number: int, use: str, *, rescan: int | None = None) -> None:
    """use : of a second scan or later: "replaces" the earlier ones, or "adds" the scenes that they missed."""
    wanted("rescan_use", use, RESCAN_USES)
    slide = slide_row(session, prep_id, slide_number, rescan)
    if use == "adds" and not _has_earlier_scan(session, slide):
        raise BrainstackError(
            f"{prep_id}: {slide.file_name} is the first scan of slide {slide_number}, so that it cannot add scenes to "
            "an earlier one; give the later scan with --rescan."
        )
    slide.rescan_use = use


def _has_earlier_scan(session: Session, slide: SlideRow) -> bool:
    same = (SlideRow.scan_run_id == slide.scan_run_id) & (SlideRow.slide_physical_id == slide.slide_physical_id)
    first = session.scalar(select(func.min(SlideRow.rescan_number)).where(same))
    return first is not None and first < slide.rescan_number


def set_moved_after(
    session: Session, prep_id: str, slide_number: int, scene: int, key: str, *, rescan: int | None = None
) -> None:
    """key : of the section that the scene follows in the order of cutting, "first", or "" for its place on the
    slide."""
    _, rows = scene_rows(session, prep_id, slide_number, scene, rescan)
    for row in rows:
        row.moved_after = key or None


def set_turns(
    session: Session, prep_id: str, slide_number: int, scene: int, turns: Turns | None, *, rescan: int | None = None
) -> None:
    """turns : of this scene, in place of the animal's; None for as the animal."""
    if turns is not None:
        wanted("rotation", turns.rotation, QUARTER_TURNS)
        wanted("flip", turns.flip, FLIPS)
    _, rows = scene_rows(session, prep_id, slide_number, scene, rescan)
    for row in rows:
        row.rotation, row.flip = turns or (None, None)


def order_with(
    session: Session,
    prep_id: str,
    slide_number: int,
    scene: int,
    place: int,
    *,
    rescan: int | None = None,
    default: Sequence[int] = (),
) -> list[int] | None:
    """The order of a slide's scenes with one of them at another place; None where that is the order without a person's.

    place : among all scenes of the slide, from 1; the scenes behind it move up. default : numbers of the scenes in the
    order that they have where nobody gave them another; those left out follow by number.
    """
    slide, _ = scene_rows(session, prep_id, slide_number, scene, rescan)
    rows = _rows_by_scene(session, slide)
    if not 1 <= place <= len(rows):
        raise BrainstackError(
            f"{prep_id}: place {place} was given for scene {scene} of slide {slide_number}, which has {len(rows)} "
            f"scenes; wanted 1 to {len(rows)}."
        )
    by_default = _with_all(rows, default)
    order = sorted(rows, key=lambda one: (rows[one][0].order_on_slide or by_default.index(one) + 1, one))
    order.remove(scene)
    order.insert(place - 1, scene)
    return None if order == by_default else order


def set_scene_order(
    session: Session,
    prep_id: str,
    slide_number: int,
    scene: int,
    place: int,
    *,
    rescan: int | None = None,
    default: Sequence[int] = (),
) -> None:
    """Put a scene at another place, as in order_with. The numbers of scenes, so the names of their TIFFs and keys,
    stay."""
    order = order_with(session, prep_id, slide_number, scene, place, rescan=rescan, default=default)
    set_order_of_scenes(session, prep_id, slide_number, order, rescan=rescan)


def order_given(session: Session, prep_id: str, slide_number: int, rescan: int | None = None) -> list[int] | None:
    """The order that a person gave the scenes of a slide; None where nobody did."""
    rows = _rows_by_scene(session, slide_row(session, prep_id, slide_number, rescan))
    if not any(row.order_on_slide for of_scene in rows.values() for row in of_scene):
        return None
    return sorted(rows, key=lambda one: (rows[one][0].order_on_slide or one, one))


def set_order_of_scenes(
    session: Session, prep_id: str, slide_number: int, order: Sequence[int] | None, *, rescan: int | None = None
) -> None:
    """order : numbers of the scenes; those left out follow by number. None: nobody gives them an order any more."""
    rows = _rows_by_scene(session, slide_row(session, prep_id, slide_number, rescan))
    _write_order(rows, None if order is None else _with_all(rows, order))


def _rows_by_scene(session: Session, slide: SlideRow) -> dict[int, list[TifRow]]:
    rows: dict[int, list[TifRow]] = defaultdict(list)
    for row in session.scalars(select(TifRow).where(TifRow.slide_id == slide.id)):
        rows[row.scene_number].append(row)
    return rows


def _with_all(numbers: Iterable[int], first: Sequence[int]) -> list[int]:
    known = sorted(numbers)
    return [*(one for one in first if one in known), *(one for one in known if one not in first)]


def _write_order(rows: dict[int, list[TifRow]], order: Sequence[int] | None) -> None:
    for number, of_scene in rows.items():
        for row in of_scene:
            row.order_on_slide = None if order is None else order.index(number) + 1


def _write_verdict(slide: SlideRow, rows: list[TifRow], qc: int) -> None:
    scene = rows[0].scene_number
    if scene <= SCENES_WITH_A_COLUMN:
        setattr(slide, f"scene_qc_{scene}", qc)
        return
    for row in rows:
        row.scene_qc = qc


def _write_active(rows: list[TifRow], active: bool) -> None:
    """A scene of which one channel is active counts: those rows stay as they are."""
    if any(row.active for row in rows) != active:
        for row in rows:
            row.active = active


def scene_rows(
    session: Session, prep_id: str, slide_number: int, scene: int, rescan: int | None
) -> tuple[SlideRow, list[TifRow]]:
    """A slide and the rows of one of its scenes, one a channel. Raises BrainstackError where there are none."""
    slide = slide_row(session, prep_id, slide_number, rescan)
    of_scene = (TifRow.slide_id == slide.id) & (TifRow.scene_number == scene)
    rows = list(session.scalars(select(TifRow).where(of_scene)))
    if not rows:
        raise BrainstackError(f"{prep_id}: slide {slide_number} has {slide.scenes} scenes, but not scene {scene}.")
    return slide, rows


def slide_row(session: Session, prep_id: str, slide_number: int, rescan: int | None) -> SlideRow:
    run = scan_run_row(session, prep_id)
    of_run = select(SlideRow).where(SlideRow.scan_run_id == run.id).order_by(SlideRow.rescan_number)
    scans = session.scalars(of_run.where(SlideRow.slide_physical_id == slide_number)).all()
    found = [slide for slide in scans if rescan in (None, slide.rescan_number)]
    if len(found) == 1:
        return found[0]
    if not scans:
        raise BrainstackError(
            f"{prep_id}: there is no slide {slide_number} in the database; read it first: luigi --module tasks Meta "
            f"--animal {prep_id}"
        )
    listed = ", ".join(f"{slide.rescan_number} ({slide.file_name})" for slide in scans)
    raise BrainstackError(
        f"{prep_id}: slide {slide_number} has the rescans {listed}; say which one is meant with --rescan."
    )
