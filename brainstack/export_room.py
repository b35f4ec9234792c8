"""How much room an export takes."""

from __future__ import annotations

import numpy as np

from brainstack.disk_space import LEVELS, free_bytes, tissue_px
from brainstack.errors import BrainstackError
from brainstack.exports import TIFF, ExportKind
from brainstack.progress import Progress
from brainstack.stamps import Step
from brainstack.tidying import readable

PACKED = 0.9
"""Bytes of packed tissue to one of its pixels' bytes, at most: the made-up animal, which is all noise, takes 0.85."""


def export_bytes(progress: Progress, kind: ExportKind) -> float:
    """Bytes that are still to be written of an export, estimated from above; 0 for one that is done."""
    plan = progress.plan
    if progress.is_done(Step("Export", 0, kind.item)):
        return 0
    left = [key for key in plan.section if not progress.is_done(Step("ExportSection", 0, kind.piece(key).item))]
    copied = tuple(plan.section) if kind.form == TIFF else ()  # one file is written beside those of its sections
    factor = 1 if kind.is_full else plan.settings.tifs.thumbnail_factor
    pixel_bytes = np.dtype(plan.pixel_type).itemsize * (3 if plan.is_colour else len(plan.channels))
    return tissue_px(plan, [*left, *copied]) / factor**2 * pixel_bytes * PACKED * LEVELS


def check_export_room(progress: Progress, kind: ExportKind) -> str:
    """What an export is about to write, in a sentence; "" where that is nothing.

    Raises BrainstackError where it does not fit, once the masks say how much tissue there is.
    """
    plan, wanted = progress.plan, export_bytes(progress, kind)
    if not wanted:
        return ""
    free, is_known = free_bytes(plan.folder.exports), plan.folder.mask_areas.exists()
    path = plan.folder.export(kind.file_name(plan.folder.prep_id))
    said = f"{path}: {'some' if is_known else 'at most'} {readable(round(wanted))} are to be written"
    if wanted > free and is_known:
        raise BrainstackError(
            f"{said}, but only {readable(free)} are free where {plan.folder.exports} is; make room there, or put the "
            "folder on another disk and a link in its place."
        )
    return f"{said}; {readable(free)} are free."
