"""NeuroglancerMesh: label volumes with meshes and names."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.alignment_results import read_matrices
from brainstack.annotations import Voxel
from brainstack.errors import BrainstackError
from brainstack.files.label_files import LabelFolder, LabelImage, Triple, checked_geometry, read_names
from brainstack.files.label_volume import LabelReader, lay_out_labels, write_labels
from brainstack.files.whole import whole_folder, write_json
from brainstack.images.outlines import label_plane
from brainstack.label_sources import names_path, path_of, read_polygons
from brainstack.labels import POLYGONS, SECTIONS, LabelSource, Segment, labels_of, segments_of
from brainstack.plan import Plan
from brainstack.polygons import drawn_structures
from brainstack.stamps import Step
from tasks.base import LayerTask
from tasks.labels import MESHES, PLAIN, check_place, layer_info, meshes_of, write_meshes, write_names, write_skeletons

NEARLY = 1e-3
"""Of a voxel: a file's numbers are not more exact."""


class NeuroglancerMesh(LayerTask):
    """Writes a layer of labels, as `brainstack labels add` said, with its smaller levels, the names of its labels and
    their meshes in several levels of detail."""

    def check(self) -> None:
        if not self.plan.labels:
            raise BrainstackError(
                f"{self.animal} has no layer of labels; say with `brainstack labels add {self.animal} NAME ...` what "
                "one is made from."
            )
        super().check()

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        source, place, settings = plan.labels[step.item], plan.folder.label_volume(step.item), plan.settings
        check_place(place)
        labels = open_labels(plan, source)

        layout = lay_out_labels(
            labels.shape_zyx,
            is_wide=labels.is_wide,
            voxel_um=labels.voxel_um,
            voxel_offset_xyz=labels.voxel_offset_xyz,
            largest_plain_chunks=settings.neuroglancer.largest_plain_chunks,
            smallest_side_px=settings.downsampling.smallest_side_px,
            others=layer_info(self.task_family, has_skeletons=settings.meshes.skeletons),
        )
        try:
            with whole_folder(place) as part:
                voxels = write_labels(part, layout, labels.plane)
                write_names(part, labels.segments(list(voxels)), voxels, labels.voxel_um)
                with LabelReader(part) as reader:
                    meshes = meshes_of(reader, settings.meshes.error_um)
                    written = write_meshes(meshes, settings.meshes, part / MESHES,
                                           part / PLAIN if settings.meshes.plain else None)  # fmt: skip
                if settings.meshes.skeletons:
                    write_skeletons(part)
        except BrainstackError as error:
            raise BrainstackError(f"The layer {step.item}: {error}") from error
        write_json(plan.folder.mesh_seconds(step.item), written.seconds)
        return {"labels": str(written.labels), "triangles": str(written.triangles), **labels.said}

    def details(self, values: dict[str, str]) -> dict[str, str]:
        return values


@dataclass(frozen=True)
class OpenLabels:
    """Labels of any source, plane by plane. voxel_um : (x, y, z). voxel_offset_xyz : of their corner, in their voxels.
    segments : what labels are called. said : what to tell of them."""

    shape_zyx: tuple[int, int, int]
    is_wide: bool
    voxel_um: Triple
    voxel_offset_xyz: tuple[int, int, int]
    plane: Callable[[int], NDArray[Any]]
    segments: Callable[[Sequence[int]], list[Segment]]
    said: Mapping[str, str]


def open_labels(plan: Plan, source: LabelSource) -> OpenLabels:
    """Open what a layer is made from. Raises BrainstackError where it cannot be labels."""
    named = read_names(names_path(plan.folder, source)) if source.names else []

    def segments(labels: Sequence[int]) -> list[Segment]:
        return segments_of(labels, source.structures, named)

    if source.kind == POLYGONS:
        return _polygons(plan, source)
    if source.kind == SECTIONS:
        return _sections(plan, source, segments)
    image = LabelImage(path_of(plan.folder, source))
    voxel_um, offset_um = checked_geometry(image, path_of(plan.folder, source), source.voxel_um, source.offset_um)
    offset, off_um = whole_offset(voxel_um, offset_um)
    said = {"moved by": f"{off_um:.3g} um, to a whole voxel"} if off_um > 1e-3 * min(voxel_um) else {}
    return OpenLabels(image.shape_zyx, image.is_wide, voxel_um, offset, image.plane, segments, said)


def whole_offset(voxel_um: Triple, offset_um: Triple) -> tuple[tuple[int, int, int], float]:
    """Where a volume's corner lies, in whole voxels as the format wants it; and how far off that is (micrometres). Half
    a voxel counts as a whole one, also where the numbers of a file are a little less."""
    voxels = [math.floor(at / side + 0.5 + NEARLY) for at, side in zip(offset_um, voxel_um, strict=True)]
    off = max(abs(n * side - at) for n, side, at in zip(voxels, voxel_um, offset_um, strict=True))
    return (voxels[0], voxels[1], voxels[2]), off


def _sections(plan: Plan, source: LabelSource, segments: Callable[[Sequence[int]], list[Segment]]) -> OpenLabels:
    folder = path_of(plan.folder, source)
    slots = {section.key: section.number for section in plan.section.values()}
    found = LabelFolder(folder, slots, len(plan.sections))
    rows, columns = read_matrices(plan)["canvas"]
    factor, rest = divmod(found.shape_zyx[1], rows)
    if rest or not factor or found.shape_zyx[1:] != (rows * factor, columns * factor):
        raise BrainstackError(
            f"The labels in {folder} are {found.shape_zyx[2]} x {found.shape_zyx[1]} pixels, but the aligned sections "
            f"are {columns} x {rows}; wanted that, or so many times it: draw on the images in thumbnail_aligned."
        )
    pixel_um = plan.pixel_size_um / factor
    voxel_um = (pixel_um, pixel_um, plan.records.histology.section_thickness_um)
    return OpenLabels(found.shape_zyx, found.is_wide, voxel_um, (0, 0, 0), found.plane, segments, {})


def _polygons(plan: Plan, source: LabelSource) -> OpenLabels:
    sessions, names = read_polygons(plan.folder.labels_found(source.name))
    labels = labels_of(names, source.structures)
    voxel = Voxel(plan.pixel_size_um, plan.pixel_size_um, plan.records.histology.section_thickness_um)
    rows, columns = read_matrices(plan)["canvas"]
    shape = (len(plan.sections), rows, columns)
    structures = drawn_structures(sessions, labels, voxel, shape)
    by_label = {one.label: one for one in labels.values()}

    def plane(slot: int) -> NDArray[np.uint32]:
        return label_plane(structures, slot, (rows, columns))

    def segments(found: Sequence[int]) -> list[Segment]:
        return [by_label[label] for label in sorted(found)]

    return OpenLabels(shape, False, (voxel.x_um, voxel.y_um, voxel.z_um), (0, 0, 0), plane, segments, {})
