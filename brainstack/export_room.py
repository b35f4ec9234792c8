"""How much room an export takes."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np

from brainstack.disk_space import LEVELS, free_bytes, tissue_px
from brainstack.errors import BrainstackError
from brainstack.exports import TIFF, ExportKind
from brainstack.plan import Plan
from brainstack.progress import Progress
from brainstack.stamps import Step
from brainstack.tidying import readable

PACKED = 0.9
"""Bytes of packed tissue to one of its pixels' bytes, at most: the made-up animal, which is all noise, takes 0.85."""


class ToWrite(NamedTuple):
    """Bytes that are still to be written, estimated from above. pieces : what the export takes of each section, in
    .brainstack/export. whole : what people take away, in export/, where that is no link to the pieces."""

    pieces: float
    whole: float

    @property
    def total(self) -> float:
        return self.pieces + self.whole


def export_bytes(progress: Progress, kind: ExportKind) -> ToWrite:
    """What is still to be written of an export; nothing of one that is done."""
    plan = progress.plan
    if progress.is_done(Step("Export", 0, kind.item)):
        return ToWrite(0.0, 0.0)
    left = [key for key in plan.section if not progress.is_done(Step("ExportSection", 0, kind.piece(key).item))]
    is_copied = kind.form == TIFF or _disk(plan.folder.exports) != _disk(plan.folder.export_pieces)  # no links there
    return ToWrite(_bytes_of(plan, kind, left), _bytes_of(plan, kind, plan.section) if is_copied else 0.0)


def _bytes_of(plan: Plan, kind: ExportKind, keys: Collection[str]) -> float:
    factor = 1 if kind.is_full else plan.settings.tifs.thumbnail_factor
    pixel_bytes = np.dtype(plan.pixel_type).itemsize * (3 if plan.is_colour else len(plan.channels))
    return tissue_px(plan, keys) / factor**2 * pixel_bytes * PACKED * LEVELS if keys else 0.0


def _disk(path: Path) -> int:
    """The disk that a folder is on, or will be."""
    return next(one for one in (path, *path.parents) if one.exists()).stat().st_dev


def check_export_room(progress: Progress, kind: ExportKind) -> str:
    """What an export is about to write, in a sentence; "" where that is nothing.

    Raises BrainstackError where it does not fit, once the masks say how much tissue there is.
    """
    plan, wanted = progress.plan, export_bytes(progress, kind)
    if not wanted.total:
        return ""
    folder, is_known = plan.folder, plan.folder.mask_areas.exists()
    said = f"{folder.export(kind.file_name(folder.prep_id))}: {'some' if is_known else 'at most'}"
    rooms = {folder.exports: wanted.whole, folder.export_pieces: wanted.pieces}
    if _disk(folder.exports) == _disk(folder.export_pieces):
        rooms = {folder.export_pieces: wanted.total}
    for place, size in rooms.items():
        if is_known and size > free_bytes(place):
            raise BrainstackError(
                f"{said} {readable(round(size))} are to be written, but only {readable(free_bytes(place))} are free "
                f"where {place} is; make room there, or put the folder on another disk and a link in its place."
            )
    first, *others = [(readable(round(size)), f"to {place}, where {readable(free_bytes(place))} are free")
                      for place, size in rooms.items() if size]  # fmt: skip
    return ", and ".join([f"{said} {first[0]} are to be written {first[1]}", *map(" ".join, others)]) + "."
