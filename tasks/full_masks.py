"""FullMasks: the masks in force at the size of the scan, for those who ask for them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from brainstack.files.tiff import read_tiff, write_tiff_in_strips
from brainstack.images.full_masks import SoftMask, mask_region
from brainstack.plan import Plan
from brainstack.stages import scanned_shape
from brainstack.stamps import Step
from tasks.base import SectionTask


class FullMasks(SectionTask):
    """The mask in force at the size of the scan, its outline smooth between the thumbnail's pixels."""

    def make(self, plan: Plan, step: Step) -> None:
        mask = read_tiff(plan.folder.keyed("thumbnail_masked", step.item)) > 0
        shape = scanned_shape(plan, step.item)
        tile_px, factor = plan.settings.tifs.tile_px, plan.settings.tifs.thumbnail_factor

        soft = SoftMask(mask, plan.settings.full_masks.smoothing_px)
        strips = _strips(soft, shape, factor=factor, tile_px=tile_px)

        write_tiff_in_strips(
            plan.folder.keyed("full_masked", step.item),
            strips,
            shape=shape,
            dtype=np.dtype(np.uint8),
            tile_px=tile_px,
            pixel_size_um=plan.pixel_size_um / factor,
            channel_name="mask",
            compression=plan.settings.tifs.compression,
        )


def _strips(soft: SoftMask, shape: tuple[int, int], *, factor: int, tile_px: int) -> Iterator[NDArray[np.uint8]]:
    """The mask from top to bottom, 0 and 255, made tile by tile: most are all tissue or all glass."""
    for top in range(0, shape[0], tile_px):
        bottom = min(top + tile_px, shape[0])
        strip = np.empty((bottom - top, shape[1]), np.uint8)
        for left in range(0, shape[1], tile_px):
            right = min(left + tile_px, shape[1])
            strip[:, left:right] = mask_region(soft, factor, (top, bottom, left, right))
        strip *= 255
        yield strip
        del strip  # before the next one is made
