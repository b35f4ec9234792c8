"""Three planes through the middle of a volume, from a level that is small enough to be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.files.chunk_reader import ChunkReader
from brainstack.files.volume_info import read_layout
from brainstack.files.volume_layout import Scale


@dataclass(frozen=True)
class Cuts:
    """Planes through the middle: xy (y, x), xz (z, x), zy (y, z); with three samples a pixel behind these where the
    volume is in colour. size_um : (x, y, z) of the whole volume. at : (x, y, z) of the middle, in voxels of the first
    level."""

    xy: NDArray[Any]
    xz: NDArray[Any]
    zy: NDArray[Any]
    size_um: tuple[float, float, float]
    at: tuple[int, int, int]


def read_cuts(path: Path, most_px: int) -> Cuts:
    """path : the folder of a volume. most_px : that a plane may be wide or high, where there is a level so small.

    Raises BrainstackError for a volume that cannot be read.
    """
    layout = read_layout(path)
    level = next(
        (place for place, one in enumerate(layout.scales) if max(one.size_xyz[:2]) <= most_px), len(layout.scales) - 1
    )
    first, scale = layout.scales[0], layout.scales[level]
    shape = (*scale.size_xyz[::-1], layout.num_channels)
    middle = tuple(size // 2 for size in scale.size_xyz)
    with ChunkReader(path, layout) as reader:
        planes = [_plane(reader, scale, level, axis, middle[axis], shape) for axis in (2, 1, 0)]
    xy, xz, yz = (plane[..., 0] if layout.num_channels == 1 else plane for plane in planes)
    x, y, z = (size * nm / 1000 for size, nm in zip(first.size_xyz, first.resolution_nm, strict=True))
    at_x, at_y, at_z = (size // 2 for size in first.size_xyz)
    return Cuts(xy, xz, np.swapaxes(yz, 0, 1), (x, y, z), (at_x, at_y, at_z))


def _plane(reader: ChunkReader, scale: Scale, level: int, axis: int, at: int, shape: tuple[int, ...]) -> NDArray[Any]:
    """The plane at voxel `at` of an axis (0 is x), (z, y, x, samples) without that axis."""
    taken = 2 - axis
    plane = np.zeros([side for place, side in enumerate(shape) if place != taken], reader.layout.data_type)
    ranges = [range(count) for count in scale.grid_xyz]
    ranges[axis] = range(at // scale.chunk_xyz[axis], at // scale.chunk_xyz[axis] + 1)
    for x in ranges[0]:
        for y in ranges[1]:
            for z in ranges[2]:
                chunk = reader.read(level, x, y, z)
                if chunk is not None:
                    place = [slice(*scale.chunk_range(one, number)) for one, number in ((2, z), (1, y), (0, x))]
                    inside = at - scale.chunk_range(axis, (x, y, z)[axis])[0]
                    del place[taken]
                    plane[tuple(place)] = np.moveaxis(chunk, 0, -1).take(inside, axis=taken)
    return plane
