"""NeuroglancerImage: the aligned sections as a volume."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

from brainstack.files.precomputed import write_volume
from brainstack.files.tiff import read_tiff
from brainstack.plan import Plan
from brainstack.stamps import Step
from tasks import current
from tasks.alignment import read_matrices
from tasks.base import ChannelTask
from tasks.white_point import read_background


class NeuroglancerImage(ChannelTask):
    """Writes the first level of a channel's volume. A gap, or a section that failed, is a plane of background."""

    def make(self, plan: Plan, step: Step) -> None:
        keys = {one.step.item for one in plan.inputs(step) if one.step.stage == "Alignment"}
        rows, columns = read_matrices(plan)["canvas"]
        pixel_um, thickness_um = plan.pixel_size_um, plan.records.histology.section_thickness_um
        first = read_tiff(plan.folder.keyed("thumbnail_aligned", min(keys), step.channel))

        # Its other levels go with the old volume: Downsampling has to make them again, whatever its stamp says.
        current.progress(self.animal).stamps.remove(Step("Downsampling", step.channel))
        write_volume(
            plan.folder.volume(step.channel),
            _planes(plan, keys, step.channel),
            shape_zyx=(len(plan.sections), rows, columns),
            dtype=first.dtype,
            voxel_size_um=(pixel_um, pixel_um, thickness_um),
            chunk_size=plan.settings.neuroglancer.chunk_size,
            num_channels=3 if plan.is_colour else 1,
            empty=read_background(plan, step.channel),
        )


def _planes(plan: Plan, keys: set[str], channel: int) -> Iterator[NDArray[Any] | None]:
    for section in plan.sections:
        there = section.key in keys
        yield read_tiff(plan.folder.keyed("thumbnail_aligned", section.key, channel)) if there else None
