"""How much room the large files of an animal take, how much they will take, and how much there is."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brainstack.errors import BrainstackError
from brainstack.mask_areas import read_mask_areas
from brainstack.plan import Plan
from brainstack.progress import Progress
from brainstack.stages import scanned_shape
from brainstack.tidying import readable
from brainstack.volume_records import blocks_of

PACKED = {"raw": 0.75, "png": 0.7, "jpeg": 0.1}
"""Bytes of packed tissue to one of its pixels' bytes, at most: 12 bits of noise in 16 take 0.75 by gzip."""
PLAIN = 1.1
"""The same of raw chunks in files, which hold glass beside tissue."""
LEVELS = 4 / 3
"""All levels to the first alone: each has a quarter of the pixels of the one before."""
TIFF = 0.75
"""Bytes of a packed TIFF of tissue to one of its pixels' bytes."""


def volume_bytes(plan: Plan, channel: int) -> float:
    """What the volume of a channel at the scan's resolution takes, estimated from above. channel : counted from 1."""
    settings = plan.settings.neuroglancer
    depth = 1 if plan.is_narrowed else np.dtype(plan.pixel_type).itemsize
    packed = PLAIN if settings.format == "plain" and settings.encoding == "raw" else PACKED[settings.encoding]
    joining = 1 + 1 / max(1, len([one for one in plan.asked("FullShards") if one.channel == channel]))
    return tissue_px(plan, plan.section) * depth * _samples(plan) * packed * LEVELS * joining


def tiff_bytes(plan: Plan, keys: Iterable[str]) -> float:
    """What TIFFs of these sections take at the scan's resolution, one channel, estimated from above."""
    return tissue_px(plan, keys) * np.dtype(plan.pixel_type).itemsize * _samples(plan) * TIFF


def _samples(plan: Plan) -> int:
    return 3 if plan.is_colour else 1


def tissue_px(plan: Plan, keys: Iterable[str]) -> float:
    """Pixels of the scans that masks keep, of sections whose masks are known; all pixels of others."""
    pixel_um = plan.pixel_size_um / plan.settings.tifs.thumbnail_factor
    areas = {one.key: one.area_um2 for one in read_mask_areas(plan.folder.mask_areas)}
    return sum(areas[key] / pixel_um**2 if key in areas else math.prod(scanned_shape(plan, key)) for key in keys)


def free_bytes(path: Path) -> int:
    """Room on the disk that a folder is on, or will be."""
    there = next(one for one in (path, *path.parents) if one.exists())
    return shutil.disk_usage(there).free


def to_write(progress: Progress, stages: Iterable[str], channel: int = 0) -> float:
    """Bytes that are still to be written of what is made at the scan's resolution.

    stages : what is asked for, of FullClean, FullAlignment, FullShards and FullDownsampling. channel : 0 for all.
    """
    plan, total = progress.plan, 0.0
    for stage in stages:
        for number in [one.number for one in plan.channels if channel in (0, one.number)]:
            if stage in ("FullShards", "FullDownsampling"):
                pieces = [one for one in plan.asked("FullImage") if one.channel == number]
                left = sum(not progress.is_done(one) for one in pieces)
                total += volume_bytes(plan, number) * left / max(1, len(pieces))
            elif stage in ("FullClean", "FullAlignment"):
                steps = [one for one in plan.asked(stage) if one.channel == number and not progress.is_done(one)]
                total += tiff_bytes(plan, [one.item for one in steps])
    return total


def check_room(progress: Progress, stages: Iterable[str], channel: int = 0) -> str:
    """What a run is about to write, in a sentence; "" where that is nothing.

    Raises BrainstackError where it does not fit, once the masks say how much tissue there is.
    """
    plan, wanted = progress.plan, to_write(progress, stages, channel)
    folder, masks = plan.folder.neuroglancer_data, plan.folder.mask_areas
    free = free_bytes(folder)
    if not wanted:
        return ""
    most = "some" if masks.exists() else "at most"
    said = f"{plan.folder.prep_id} at the scan's resolution: {most} {readable(round(wanted))} are to be written"
    if wanted > free and masks.exists():
        raise BrainstackError(
            f"{said}, but only {readable(free)} are free where {folder} is; make room there, ask for one channel "
            "(--channel 1), or put the folder on another disk and a link in its place."
        )
    return f"{said}; {readable(free)} are free."


@dataclass(frozen=True)
class Sizes:
    """Bytes on the disk. volumes : of each volume as far as it is written, by its name. free : left on that disk."""

    tif_count: int
    tif_bytes: int
    volumes: Mapping[str, int]
    free: int


def sizes_of(plan: Plan) -> Sizes:
    tifs = [
        path.stat().st_size
        for channel in plan.channels
        for section in plan.section.values()
        if (path := plan.folder.tif(section.tif_name(channel.number))).exists()
    ]
    volumes = {}
    for channel in plan.channels:
        for full in (False, True):
            if blocks := blocks_of(plan, channel.number, full=full):
                name = plan.folder.volume(channel.number, full=full).name
                volumes[name] = sum(sum(block.written_bytes) for block in blocks)
    return Sizes(len(tifs), sum(tifs), volumes, free_bytes(plan.folder.root))


def sizes_in_words(sizes: Sizes) -> str:
    """What is on the disk, in a line; "" where there is nothing."""
    words = [f"{sizes.tif_count} TIFFs {readable(sizes.tif_bytes)}"] if sizes.tif_count else []
    words += [f"{name} {readable(size)}" for name, size in sizes.volumes.items()]
    return f"on the disk: {', '.join(words)}; {readable(sizes.free)} free" if words else ""
