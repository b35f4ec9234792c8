"""NeuroglancerImage: the aligned sections as a volume."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.files.tiff import read_tiff
from brainstack.files.volume_blocks import Render
from brainstack.images.normalizing import to_8_bit
from brainstack.plan import Plan
from brainstack.stamps import Step
from brainstack.volume_pieces import slab_sections
from tasks.base import PieceTask, resolution_parameter
from tasks.volumes import Volume, write_blocks


class NeuroglancerImage(PieceTask):
    """Writes a slab of a channel's volume, as many sections as a chunk is deep, with the levels that fit into its
    blocks. A gap, or a section that failed, is a plane of background. With --resolution full: straight from the scans.
    """

    full_stage = "FullShards"
    resolution = resolution_parameter()

    def make(self, plan: Plan, step: Step) -> None:
        volume, slab = Volume(plan, step.channel, full=False), int(step.item)
        write_blocks(volume, step, slab, range(volume.layout.groups), _from_thumbnails(volume, step, slab))


def _from_thumbnails(volume: Volume, step: Step, slab: int) -> Render:
    plan = volume.plan
    there = {one.step.item for one in plan.inputs(step) if one.step.stage == "Alignment"}
    keys = {section.number: section.key for section in slab_sections(plan, slab) if section.key in there}

    @functools.lru_cache(maxsize=len(keys) or 1)
    def plane(key: str) -> NDArray[Any]:
        image = read_tiff(plan.folder.keyed("thumbnail_aligned", key, step.channel))
        return to_8_bit(image, volume.white) if volume.plan.is_narrowed else image

    def render(slot: int, top: int, left: int, out: NDArray[Any]) -> bool:
        if slot not in keys:
            return False
        piece = plane(keys[slot])[top : top + out.shape[0], left : left + out.shape[1]]
        np.copyto(out, piece)
        return bool((piece != np.asarray(volume.empty, piece.dtype)).any())

    return render
