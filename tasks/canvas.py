"""Canvas: the size on which every cleaned section fits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brainstack.approval import in_force
from brainstack.files.tiff import read_tiff
from brainstack.files.whole import write_json
from brainstack.geometry import turned_shape
from brainstack.images.cleaning import canvas_shape, tissue_box
from brainstack.plan import Plan
from brainstack.stamps import Step, digest
from tasks.base import AnimalTask


class Canvas(AnimalTask):
    """The size of the cleaned images, in thumbnail pixels."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        keys = [one.step.item for one in plan.inputs(step)]
        masks = (read_tiff(plan.folder.keyed("thumbnail_masked", key)) > 0 for key in keys)

        sizes = [_turned_size(mask, plan.turns(key).rotation) for key, mask in zip(keys, masks, strict=True)]
        shape = canvas_shape(sizes, round(plan.settings.canvas.margin_um / plan.pixel_size_um))

        found = {"rows": shape[0], "columns": shape[1], "pixel_size_um": plan.pixel_size_um}
        found["rotation"] = plan.records.scan_run.rotation
        content = in_force(plan, "canvas", found)
        write_json(plan.folder.small("canvas"), content)
        return {"": digest([content["rows"], content["columns"]])}


def _turned_size(mask: NDArray[np.bool_], quarter_turns: int) -> tuple[int, int]:
    """(rows, columns) of the tissue in a mask after its quarter turns."""
    top, bottom, left, right = tissue_box(mask)
    return turned_shape((bottom - top, right - left), quarter_turns)
