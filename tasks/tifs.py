"""Tifs: from a slide scan to a TIFF for each scene, with its thumbnail and a picture."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from brainstack.files.czi import DTYPES, read_slide, read_strips, scene_shape
from brainstack.files.pictures import write_png
from brainstack.files.tiff import write_tiff, write_tiff_in_strips
from brainstack.images.normalizing import scene_picture
from brainstack.images.pyramids import AreaAverage
from brainstack.intake import record
from brainstack.plan import Plan
from brainstack.records import Scene, SlideScan
from brainstack.settings import TifsSettings
from brainstack.slide_content import check_pixel_size
from brainstack.stamps import Step
from tasks.base import SlideChannelTask


class Tifs(SlideChannelTask):
    """Writes one channel of a slide's scenes: the scan, its thumbnail by area average in the same pass, a picture."""

    def make(self, plan: Plan, step: Step) -> None:
        scan = read_slide(plan.folder.czi / f"{step.item}.czi")
        check_pixel_size(scan, plan)

        files = [self._write_scene(plan, step, scan, scene) for scene in scan.scenes]

        record(plan.folder, "tifs", files)

    def _write_scene(self, plan: Plan, step: Step, scan: SlideScan, scene: Scene) -> dict[str, Any]:
        clock, name = time.monotonic(), f"{step.item}_S{scene.number}_C{step.channel}.tif"
        written = Written(plan.folder.tif(name), plan.folder.tif_thumbnail(name), plan.folder.scene_picture(name))
        write_scene(
            plan.folder.czi / scan.file_name, scan, scene, written,
            channel=step.channel, thumbnail_um=plan.pixel_size_um, tifs=plan.settings.tifs,
        )  # fmt: skip
        return {
            "file_name": name,
            "width": scene.width,
            "height": scene.height,
            "file_size": written.scan.stat().st_size,
            "seconds": round(time.monotonic() - clock, 3),
        }


@dataclass(frozen=True)
class Written:
    """Where the files of a scene go."""

    scan: Path
    thumbnail: Path
    picture: Path


def write_scene(
    czi: Path, scan: SlideScan, scene: Scene, written: Written,
    *, channel: int, thumbnail_um: float, tifs: TifsSettings,
) -> None:  # fmt: skip
    """Write one channel of a scene, which is read once. thumbnail_um : size of a thumbnail's pixel, micrometres."""
    name = next((one.name for one in scan.channels if one.number == channel), "")
    average = AreaAverage(tifs.thumbnail_factor)
    write_tiff_in_strips(
        written.scan,
        _through(read_strips(czi, scene, channel, tifs.tile_px, tifs.focal_planes), average),
        shape=scene_shape(scan, scene),
        dtype=DTYPES[scan.pixel_type],
        tile_px=tifs.tile_px,
        pixel_size_um=thumbnail_um / tifs.thumbnail_factor,
        channel_name=name,
        compression=tifs.compression,
    )
    thumbnail = average.finish()
    write_tiff(written.thumbnail, thumbnail, thumbnail_um, name)
    write_png(written.picture, scene_picture(thumbnail, tifs.white_share))


def _through(strips: Iterator[NDArray[Any]], average: AreaAverage) -> Iterator[NDArray[Any]]:
    for strip in strips:
        average.add(strip)
        yield strip
        del strip  # before the next one is made: each has a hundred megabytes
