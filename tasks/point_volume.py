"""PointVolume: layers of points, lines, boxes and ellipsoids for Neuroglancer."""

from __future__ import annotations

from brainstack.alignment_results import read_matrices
from brainstack.errors import BrainstackError
from brainstack.files.annotations import write_annotations
from brainstack.files.point_csv import read_points
from brainstack.plan import Plan
from brainstack.point_sources import check_free, points_file
from brainstack.stamps import Step
from tasks.base import LayerTask


class PointVolume(LayerTask):
    """Writes a layer of points, lines, boxes, ellipsoids or polylines, as `brainstack points add` said."""

    def check(self) -> None:
        if not self.plan.points:
            raise BrainstackError(
                f"{self.animal} has no layer of points; say with `brainstack points add {self.animal} NAME --csv FILE` "
                "what one is made from."
            )
        super().check()

    def make(self, plan: Plan, step: Step) -> None:
        check_free(plan.folder, step.item)
        file = points_file(plan.folder, step.item)
        layer = read_points(file)
        write_annotations(
            plan.folder.annotations(step.item),
            layer,
            name=str(file),
            size_um=volume_size_um(plan),
            most_in_cell=plan.settings.points.most_in_cell,
        )


def volume_size_um(plan: Plan) -> tuple[float, float, float]:
    """Along x, y and z."""
    rows, columns = read_matrices(plan)["canvas"]
    depth_um = len(plan.sections) * plan.records.histology.section_thickness_um
    return columns * plan.pixel_size_um, rows * plan.pixel_size_um, depth_um
