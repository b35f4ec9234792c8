"""Taking over slides and TIFFs of the lab's own database, with what people decided about them.

The lab numbers the scenes of a slide anew when one is dropped, and repeats rows for copies; the scene that a TIFF is of
is in its name. Here a scene keeps its number, and order and copies are kept beside it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from brainstack.database.lab import Lab, Report, Row
from brainstack.database.reading import COPIES, SCENES_WITH_A_COLUMN
from brainstack.database.tables import SLIDE_STATUS, VERDICTS, ScanRunRow, SlideRow, TifRow

TIF = re.compile(r"(?P<stem>.+)_S(?P<scene>\d+)_C(?P<channel>\d+)\.tif", re.IGNORECASE)


@dataclass
class Placed:
    """A slide of ours that a slide of the lab's became. tifs : (scene, channel) -> the lab's rows, several where there
    are copies."""

    theirs: Row
    ours: SlideRow
    tifs: dict[tuple[int, int], list[Row]] = field(default_factory=lambda: defaultdict(list))


def place_slides(
    session: Session, lab: Lab, histology: Row, runs: list[tuple[Row, ScanRunRow]], report: Report
) -> list[str]:
    """Write slides and TIFFs of an animal's scan runs. Returns the keys of its sections as the lab numbers them, from
    0."""
    slides: list[Placed] = []
    for run, ours in runs:
        rows = [
            row
            for row in lab.of("slide")
            if row["scan_run_id" if "scan_run_id" in row else "FK_scan_run_id"] == run["id"]
        ]
        some = _place_run(session, rows, ours, report)
        _give_tifs(lab, some, report)
        for slide in some:
            _place_tifs(session, slide, report)
        slides = slides or some
    side = str(histology.get("side_sectioned_first") or "ASC")
    order = str(histology.get("scene_order") or side)
    if order != side:
        for slide in slides:
            _turn_over(session, slide)
    return _keys(slides, side, order)


def _place_run(session: Session, rows: list[Row], run: ScanRunRow, report: Report) -> list[Placed]:
    placed: dict[str, Placed] = {}
    for row in sorted(rows, key=lambda row: row["id"]):
        name = str(row["file_name"])
        if name in placed:
            report.leave(f"{run.prep_id}: {name} is two slides; the first is taken over")
            continue
        ours = SlideRow(
            scan_run_id=run.id,
            file_name=name,
            slide_physical_id=int(row["slide_physical_id"] or 0),
            rescan_number=int(row.get("rescan_number") or 1),
            slide_status=_checked(row, "slide_status", SLIDE_STATUS, "Good", name, report),
            scenes=int(row.get("scenes") or 0),
            file_size=int(row.get("file_size") or 0),
            processing_duration=float(row.get("processing_duration") or 0),
            processed=bool(row.get("processed")),
            comments=row.get("comments"),
            active=bool(row.get("active", 1)),
        )
        for column in COPIES:
            setattr(ours, column, max(0, int(row.get(column) or 0)))
        for scene in range(1, SCENES_WITH_A_COLUMN + 1):
            column = f"scene_qc_{scene}"
            setattr(ours, column, _checked(row, column, VERDICTS, 0, name, report))
        session.add(ours)
        placed[name] = Placed(row, ours)
    session.flush()
    report.placed["slide"] += len(placed)
    return list(placed.values())


def _checked(row: Row, column: str, allowed: Any, default: Any, name: str, report: Report) -> Any:
    value = row.get(column)
    if value in (None, ""):
        return default
    value = int(value) if isinstance(default, int) and str(value).lstrip("-").isdigit() else value
    if value in allowed:
        return value
    report.leave(f"{name}: {column} is {value!r}, which cannot be; it is taken as {default!r}")
    return default


# TIFFs


def _give_tifs(lab: Lab, slides: list[Placed], report: Report) -> None:
    """Each slide gets the rows that are of its scenes. Scripts of 2023 put the scenes of a rescan to the first scan,
    and made the rescan inactive: it adds them."""
    by_id = {slide.theirs["id"]: slide for slide in slides}
    by_stem = {_plain(str(slide.ours.file_name)): slide for slide in slides}
    for row in sorted(lab.of("slide_czi_to_tif"), key=lambda row: row["id"]):
        said_to_be_of = by_id.get(row.get("slide_id", row.get("FK_slide_id")))
        if said_to_be_of is None:
            continue
        match = TIF.fullmatch(str(row["file_name"]))
        owner = by_stem.get(_plain(match["stem"] + ".czi"), said_to_be_of) if match else said_to_be_of
        if owner is not said_to_be_of:
            owner.ours.active = True
            owner.ours.rescan_use = "adds"
            report.leave(f"{owner.ours.file_name}: its scenes were put to another scan; here it adds them to it")
        scene, channel = (match["scene"], match["channel"]) if match else (row["scene_number"], row["channel"])
        if not match:
            report.leave(f"{row['file_name']}: its name does not say its scene; that of the row is taken")
        owner.tifs[int(scene), int(channel)].append(row)


def _plain(file_name: str) -> str:
    """A slide's name as the lab's TIFFs have it."""
    return PurePath(file_name.replace("__", "_")).stem.casefold()


def _place_tifs(session: Session, slide: Placed, report: Report) -> None:
    stem, order = PurePath(slide.ours.file_name).stem, _order(slide)
    for (scene, channel), rows in sorted(slide.tifs.items()):
        row = rows[0]
        session.add(
            TifRow(
                slide_id=slide.ours.id,
                file_name=f"{stem}_S{scene}_C{channel}.tif",
                scene_number=scene,
                scene_index=int(row.get("scene_index") or 0),
                channel=channel,
                order_on_slide=order.get(scene),
                width=int(row.get("width") or 0),
                height=int(row.get("height") or 0),
                file_size=int(row.get("file_size") or 0),
                processing_duration=float(row.get("processing_duration") or 0),
                comments=row.get("comments"),
                active=any(one.get("active", 1) for one in rows),
            )
        )
        report.placed["slide_czi_to_tif"] += len(rows)
    _count_copies(session, slide, report)
    session.flush()


def _first_channel(slide: Placed) -> dict[int, list[Row]]:
    """Scene -> its active rows in one channel, several for copies."""
    channel = min((channel for _, channel in slide.tifs), default=1)
    found = {scene: rows for (scene, one), rows in slide.tifs.items() if one == channel}
    return {scene: [row for row in rows if row.get("active", 1)] for scene, rows in found.items()}


def _order(slide: Placed) -> dict[int, int]:
    """Scene -> its place, where the lab's numbers give another order than the names of the TIFFs; else {}."""
    active = {scene: rows for scene, rows in _first_channel(slide).items() if rows}
    order = sorted(active, key=lambda scene: (int(active[scene][0]["scene_number"]), scene))
    if order == sorted(order):
        return {}
    others = sorted({scene for scene, _ in slide.tifs} - set(order))
    return {scene: place for place, scene in enumerate([*order, *others], 1)}


def _count_copies(session: Session, slide: Placed, report: Report) -> None:
    """Rows that repeat a TIFF are copies; where the slide's columns say how many, they are right."""
    repeated = {scene: len(rows) - 1 for scene, rows in _first_channel(slide).items() if len(rows) > 1}
    said = sum(getattr(slide.ours, column) for column in COPIES)
    if said == 0:
        for scene, copies in repeated.items():
            if scene <= SCENES_WITH_A_COLUMN:
                setattr(slide.ours, COPIES[scene - 1], copies)
    elif said != sum(repeated.values()):
        report.leave(
            f"{slide.ours.file_name}: {sum(repeated.values())} rows repeat a TIFF, but its insert columns say {said} "
            "copies; look at it with `brainstack slides`"
        )


def _turn_over(session: Session, slide: Placed) -> None:
    """The lab may take slides in one direction and the scenes on them in the other."""
    order = _order(slide)
    scenes = sorted({scene for scene, _ in slide.tifs}, key=lambda scene: (order.get(scene, scene), scene))
    place = {scene: number for number, scene in enumerate(reversed(scenes), 1)}
    for row in session.scalars(select(TifRow).where(TifRow.slide_id == slide.ours.id)):
        row.order_on_slide = place[row.scene_number]


def _keys(slides: list[Placed], side: str, order: str) -> list[str]:
    """Keys of the sections in the lab's order: good slides by number, active rows by scene_number."""
    found: list[tuple[int, int, str]] = []
    for slide in slides:
        if slide.ours.slide_status != "Good" or not slide.ours.active:
            continue
        number, rescan = slide.ours.slide_physical_id, slide.ours.rescan_number
        for scene, rows in _first_channel(slide).items():
            key = f"slide{number:03d}{f'_rescan{rescan}' if rescan != 1 else ''}_S{scene}"
            copies = (f"{key}_copy{copy}" if copy else key for copy in range(len(rows)))
            found += [(number, int(row["scene_number"]), one) for row, one in zip(rows, copies, strict=True)]
    signs = tuple(-1 if direction == "DESC" else 1 for direction in (side, order))
    return [key for _, _, key in sorted(found, key=lambda one: (signs[0] * one[0], signs[1] * one[1], one[2]))]
