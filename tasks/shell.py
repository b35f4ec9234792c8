"""Shell: the outer surface of the brain."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.alignment_results import read_cleaned_mask, read_matrices
from brainstack.files.alignment_metrics import read_alignment_metrics
from brainstack.files.label_volume import lay_out_labels, write_labels
from brainstack.files.whole import whole_folder, write_json
from brainstack.images.alignment import align
from brainstack.images.meshing import simplified
from brainstack.images.shelling import gather, shell_grid, shell_of
from brainstack.images.threads import use_one_thread
from brainstack.labels import SHELL, Segment
from brainstack.plan import Plan
from brainstack.stamps import Step
from brainstack.triangles import volume_um3
from tasks.alignment import read_field
from tasks.base import AnimalTask
from tasks.labels import MESHES, PLAIN, check_place, layer_info, write_meshes, write_names

COLOR = "#c0c0c0"


class Shell(AnimalTask):
    """Makes the outer surface of the brain from the aligned masks, smooth, closed and of one piece: as a layer of
    labels, and as a mesh."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        use_one_thread()
        wanted, place = plan.settings.shell, plan.folder.label_volume(SHELL)
        check_place(place)
        transforms = read_matrices(plan)
        pixel_um, thickness_um = plan.pixel_size_um, plan.records.histology.section_thickness_um
        shape = (len(plan.sections), *transforms["canvas"])
        placed = {plan.section[key].number: key for key in transforms["matrices"] if key in plan.section}
        trusted = _trusted(plan, {slot: key for slot, key in placed.items() if key not in transforms["outside"]})

        grid = shell_grid(shape, pixel_um=pixel_um, thickness_um=thickness_um, voxel_um=wanted.voxel_um,
                          smoothing_um=wanted.smoothing_um)  # fmt: skip
        tissue = gather(grid, trusted, lambda slot: _aligned_mask(plan, transforms, trusted[slot]))
        shell = shell_of(grid, tissue, wanted.smoothing_um)
        del tissue
        started = time.monotonic()
        mesh = simplified(shell.mesh(), wanted.error_um)
        seconds = time.monotonic() - started

        layout = lay_out_labels(
            shape,
            is_wide=False,
            voxel_um=(pixel_um, pixel_um, thickness_um),
            largest_plain_chunks=plan.settings.neuroglancer.largest_plain_chunks,
            smallest_side_px=plan.settings.downsampling.smallest_side_px,
            others=layer_info(self.task_family),
        )
        with whole_folder(place) as part:
            voxels = write_labels(part, layout, lambda slot: shell.plane(slot).astype(np.uint32))
            written = write_meshes([(1, mesh)], plan.settings.meshes, part / MESHES,
                                   part / PLAIN if plan.settings.meshes.plain else None)  # fmt: skip
            write_names(part, [Segment(1, SHELL, "The outer surface of the brain", COLOR)], voxels,
                        (pixel_um, pixel_um, thickness_um))  # fmt: skip
        write_json(plan.folder.mesh_seconds(SHELL), round(seconds + written.seconds, 1))
        return {
            "volume_mm3": f"{volume_um3(mesh) / 1e9:.3f}",
            "interpolated": ", ".join(key for slot, key in sorted(placed.items()) if slot not in trusted) or "none",
            "left out": f"{shell.left_out:.2%} of the tissue, in pieces that hang together with nothing",
            "triangles": str(written.triangles),
        }

    def details(self, values: dict[str, str]) -> dict[str, str]:
        return values


def _trusted(plan: Plan, placed: dict[int, str]) -> dict[int, str]:
    """Slots whose outline counts, with their keys: those that are not in doubt, and those at the ends, which nothing
    else can stand for; all where none is good."""
    verdicts = {one.section: one.verdict for one in read_alignment_metrics(plan.folder.alignment_metrics)[0]}
    good = [slot for slot, key in placed.items() if verdicts.get(key) == "good"]
    if not good:
        return placed
    first, last = min(good), max(good)
    return {slot: key for slot, key in placed.items() if slot in set(good) or not first < slot < last}


def _aligned_mask(plan: Plan, transforms: Mapping[str, Any], key: str) -> NDArray[np.float32]:
    """The mask of a section on the aligned canvas, from 0 to 1. transforms : as `read_matrices` gives them."""
    field_um = read_field(plan, key)
    aligned = align(
        read_cleaned_mask(plan, key).astype(np.uint8) * 255,
        np.array(transforms["matrices"][key]),
        canvas_shape=tuple(transforms["canvas"]),
        field=None if field_um is None else field_um / plan.pixel_size_um,
    )
    return aligned.astype(np.float32) / 255
