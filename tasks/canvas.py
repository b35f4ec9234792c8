"""Canvas: the size on which every cleaned section fits."""

from __future__ import annotations

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
        masks = (read_tiff(plan.folder.keyed("thumbnail_masked", one.step.item)) > 0 for one in plan.inputs(step))

        boxes = [tissue_box(mask) for mask in masks]
        turns = plan.records.scan_run.rotation
        sizes = [turned_shape((bottom - top, right - left), turns) for top, bottom, left, right in boxes]
        shape = canvas_shape(sizes, round(plan.settings.canvas.margin_um / plan.pixel_size_um))

        found = {"rows": shape[0], "columns": shape[1], "pixel_size_um": plan.pixel_size_um, "rotation": turns}
        content = in_force(plan, "canvas", found)
        write_json(plan.folder.small("canvas"), content)
        return {"": digest([content["rows"], content["columns"]])}
