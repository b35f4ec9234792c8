"""UpdateTifs: size of each TIFF, for the database."""

from __future__ import annotations

from brainstack.files.tiff import read_tiff_shape
from brainstack.files.whole import write_json
from brainstack.intake import record
from brainstack.plan import Plan
from brainstack.stages import tif_files
from brainstack.stamps import Step
from tasks.base import AnimalTask


class UpdateTifs(AnimalTask):
    """Writes width, height and file size of every TIFF, as they are on the disk, to the database."""

    def make(self, plan: Plan, step: Step) -> None:
        full = plan.folder.tif("x").parent
        paths = [path for one in plan.inputs(step) for path in tif_files(plan, one.step) if path.parent == full]
        shapes = {path: read_tiff_shape(path) for path in paths}

        files = [
            {"file_name": path.name, "width": columns, "height": rows, "file_size": path.stat().st_size}
            for path, (rows, columns) in shapes.items()
        ]

        write_json(plan.folder.small("tifs"), files)
        record(plan.folder, "tifs", files)
