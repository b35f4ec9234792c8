"""Tifs: from a slide scan to a TIFF for each scene, with its thumbnail and a picture."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.files.czi import read_slide, read_strips
from brainstack.files.pictures import write_png
from brainstack.files.tiff import write_tiff, write_tiff_in_strips
from brainstack.images.normalizing import to_8_bit, white_level
from brainstack.images.pyramids import AreaAverage
from brainstack.intake import record
from brainstack.plan import Plan
from brainstack.records import Scene
from brainstack.slide_content import check_pixel_size
from brainstack.stamps import Step
from tasks.base import SlideChannelTask


class Tifs(SlideChannelTask):
    """Writes one channel of a slide's scenes: the scan, its thumbnail by area average in the same pass, a picture."""

    def make(self, plan: Plan, step: Step) -> None:
        scan = read_slide(plan.folder.czi / f"{step.item}.czi")
        check_pixel_size(scan, plan)
        dtype = np.dtype(np.uint16 if scan.pixel_type == "Gray16" else np.uint8)

        files = [self._write_scene(plan, step, scene, dtype) for scene in scan.scenes]

        record(plan.folder, "tifs", files)

    def _write_scene(self, plan: Plan, step: Step, scene: Scene, dtype: np.dtype[Any]) -> dict[str, Any]:
        clock = time.monotonic()
        tifs, name = plan.settings.tifs, f"{step.item}_S{scene.number}_C{step.channel}.tif"
        average = AreaAverage(tifs.thumbnail_factor)
        strips = read_strips(plan.folder.czi / f"{step.item}.czi", scene, step.channel, tifs.tile_px)
        write_tiff_in_strips(
            plan.folder.tif(name),
            _through(strips, average),
            shape=(scene.height, scene.width),
            dtype=dtype,
            tile_px=tifs.tile_px,
            pixel_size_um=plan.pixel_size_um / tifs.thumbnail_factor,
        )
        thumbnail = average.finish()
        write_tiff(plan.folder.tif_thumbnail(name), thumbnail, plan.pixel_size_um)
        write_png(plan.folder.scene_picture(name), to_8_bit(thumbnail, white_level(thumbnail, tifs.white_share)))
        return {
            "file_name": name,
            "width": scene.width,
            "height": scene.height,
            "file_size": plan.folder.tif(name).stat().st_size,
            "seconds": round(time.monotonic() - clock, 3),
        }


def _through(strips: Iterator[NDArray[Any]], average: AreaAverage) -> Iterator[NDArray[Any]]:
    for strip in strips:
        average.add(strip)
        yield strip
