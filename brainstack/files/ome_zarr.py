"""OME-Zarr 0.5: an image (c, z, y, x) with its smaller levels, as zarr of version 3, in shards.

A shard is one section deep, and a file. So each section is written by itself, as an image of one section, and the image
of all is put together from their files.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainstack.files.ome_xml import OmeChannel
from brainstack.files.volume_layout import Scale
from brainstack.files.whole import whole_folder
from brainstack.images.halving import halve_volume
from brainstack.images.plane_pyramid import Block, PlanePyramid, Render

VERSION = "0.5"
CHUNK_PX = 1024
"""Side of what a viewer fetches at once: 1 MB of 16 bit, packed."""
SHARD_PX = 4096
"""Side of what is one file, and in memory while it is written, once for each level: 32 MB of 16 bit."""

AXES = ("c", "z", "y", "x")


@dataclass(frozen=True)
class OmeZarrLayout:
    """What an image is like but for its pixels. scales : of its levels, as volumes have them. channels : 3 for RGB."""

    scales: tuple[Scale, ...]
    channels: int
    dtype: str

    @property
    def levels_in_plane(self) -> int:
        """How many of the first levels are made from one section each: those in which z is not halved."""
        return next((n for n, one in enumerate(self.scales) if one.factor_xyz[2] > 1), len(self.scales))

    def shape(self, level: int) -> tuple[int, int, int, int]:
        width, height, depth = self.scales[level].size_xyz
        return self.channels, depth, height, width


def start_image(path: Path, layout: OmeZarrLayout, *, sections: int | None = None, levels: int | None = None) -> None:
    """Make the folder of an image whose levels are empty. path : a folder that is there.

    sections : of each level, for a part of the image; None: all. levels : the first few only; None: all.
    """
    zarr = _zarr()
    zarr.create_group(store=path, zarr_format=3)
    for level in range(len(layout.scales) if levels is None else levels):
        channels, depth, rows, columns = layout.shape(level)
        chunk = min(CHUNK_PX, rows), min(CHUNK_PX, columns)
        shard = _shard_side(rows, chunk[0]), _shard_side(columns, chunk[1])
        zarr.create_array(
            store=path,
            name=str(level),
            shape=(channels, depth if sections is None else sections, rows, columns),
            chunks=(1, 1, *chunk),
            shards=(1, 1, *shard),
            dtype=layout.dtype,
            compressors=zarr.codecs.BloscCodec(cname="zstd", clevel=1, shuffle="shuffle"),
            fill_value=0,
            dimension_names=AXES,
            zarr_format=3,
        )


def _shard_side(length: int, chunk: int) -> int:
    """Whole chunks, and no more than the image has."""
    return min(SHARD_PX // chunk, -(-length // chunk)) * chunk


def write_section(path: Path, layout: OmeZarrLayout, renders: Iterable[Render], background: tuple[int, ...]) -> None:
    """Write the levels of one section as an image of its own, whole or not at all, a shard after another.

    renders : of each channel, good until the next is asked for; of RGB one. background : a number for each sample.
    """
    levels = layout.levels_in_plane
    pyramid = PlanePyramid(
        layout.shape(0)[2:], levels=levels, block_px=SHARD_PX, dtype=np.dtype(layout.dtype), background=background
    )
    with whole_folder(path) as part:
        start_image(part, layout, sections=1, levels=levels)
        arrays = [_array(part, level, "r+") for level in range(levels)]
        for channel, render in enumerate(renders):
            for block in pyramid.blocks(render):
                _write_block(arrays[block.level], channel, block, background)


def _write_block(array: Any, channel: int, block: Block, background: tuple[int, ...]) -> None:
    """channel : from 0; of RGB, whose blocks are (rows, columns, 3), the first of its three. Background of 0 needs no
    file."""
    if block.pixels is None and not any(background):
        return
    place = np.s_[block.top : block.top + SHARD_PX, block.left : block.left + SHARD_PX]
    for sample, value in enumerate(background):
        pixels: Any = value if block.pixels is None else block.pixels
        array[(channel + sample, 0, *place)] = pixels[..., sample] if np.ndim(pixels) == 3 else pixels


def place_section(section: Path, image: Path, number: int, levels: int) -> None:
    """Put a section's files into an image that was started, as its section `number`: the same bytes on the disk, under
    another name, or a copy where the file system has no such thing."""
    for level in range(levels):
        folder = section / str(level) / "c"
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                channel, _, row, column = file.relative_to(folder).parts
                link_or_copy(file, image / str(level) / "c" / channel / str(number) / row / column)


def link_or_copy(file: Path, to: Path) -> None:
    """Another name for the bytes of a file, or a copy where the file system has no such thing."""
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file, to)
    except OSError:  # another disk, or one without hard links; a full one says so again
        shutil.copyfile(file, to)


def fill_section(image: Path, layout: OmeZarrLayout, number: int, background: Sequence[int]) -> None:
    """Make a section of an image that was started all background: one number for each channel. 0 needs no file."""
    if not any(background):
        return
    for level in range(layout.levels_in_plane):
        array = _array(image, level, "r+")
        for channel, value in enumerate(background):
            for place in _shard_places(layout.shape(level)[2:]):
                array[(channel, number, *place)] = value


def make_deep_levels(image: Path, layout: OmeZarrLayout) -> None:
    """Make the levels in which z is halved, each from the one before, two sections and a shard at a time."""
    for level in range(layout.levels_in_plane, len(layout.scales)):
        fine, coarse = _array(image, level - 1, "r"), _array(image, level, "r+")
        channels, depth, rows, columns = layout.shape(level)
        for channel, z in np.ndindex(channels, depth):
            for place in _shard_places((rows, columns)):
                twice = tuple(slice(2 * one.start, 2 * one.stop) for one in place)
                pixels = np.asarray(fine[(channel, slice(2 * z, 2 * z + 2), *twice)])
                if pixels.any():
                    coarse[(channel, z, *place)] = halve_volume(pixels, layout.scales[level].factor_xyz)[0]


def _shard_places(shape: Iterable[int]) -> list[tuple[slice, slice]]:
    rows, columns = shape
    return [
        (slice(top, min(top + SHARD_PX, rows)), slice(left, min(left + SHARD_PX, columns)))
        for top in range(0, rows, SHARD_PX)
        for left in range(0, columns, SHARD_PX)
    ]


def describe_image(image: Path, layout: OmeZarrLayout, name: str, channels: Sequence[OmeChannel]) -> None:
    """Write what makes an OME-Zarr of arrays: axes, units, where each level lies, names and colours of channels. From
    then on programs open it. channels : with colour and contrast."""
    _zarr().open_group(store=image, mode="r+", zarr_format=3).attrs["ome"] = ome_attributes(layout, name, channels)


def ome_attributes(layout: OmeZarrLayout, name: str, channels: Sequence[OmeChannel]) -> dict[str, Any]:
    """The attribute "ome" of the specification, version 0.5."""
    axes = [{"name": "c", "type": "channel"}]
    axes += [{"name": axis, "type": "space", "unit": "micrometer"} for axis in AXES[1:]]
    multiscale = {
        "name": name,
        "axes": axes,
        "datasets": _datasets(layout),
        "type": "mean",
        "metadata": {"description": "each voxel is the mean of those of the level before that it covers"},
    }
    top = int(np.iinfo(layout.dtype).max)
    omero = {
        "channels": [
            {
                "label": one.name,
                "color": one.color.removeprefix("#").upper(),
                "active": True,
                "window": dict(zip(("min", "max", "start", "end"), (0, top, *(one.contrast or (0, top))), strict=True)),
            }
            for one in channels
        ],
        "rdefs": {"model": "color", "defaultZ": layout.shape(0)[1] // 2},
    }
    return {"version": VERSION, "multiscales": [multiscale], "omero": omero}


def _datasets(layout: OmeZarrLayout) -> list[dict[str, Any]]:
    """Where each level lies, in micrometres: coordinates are those of the centres of voxels, and the first voxel of the
    first level is at 0. That of a level of half as many lies half a voxel further."""
    first_um, found = _voxel_um(layout.scales[0]), []
    for level, scale in enumerate(layout.scales):
        voxel_um = _voxel_um(scale)
        shift_um = [(large - small) / 2 for large, small in zip(voxel_um, first_um, strict=True)]
        transformations = [
            {"type": "scale", "scale": [1.0, *voxel_um]},
            {"type": "translation", "translation": [0.0, *(round(one, 9) for one in shift_um)]},
        ]
        found.append({"path": str(level), "coordinateTransformations": transformations})
    return found


def _voxel_um(scale: Scale) -> list[float]:
    """(z, y, x)."""
    return [round(length / 1000, 9) for length in reversed(scale.resolution_nm)]


def _array(path: Path, level: int, mode: Any) -> Any:
    """Any, as zarr's own types do not know that an array of numbers gives arrays of numbers."""
    return _zarr().open_array(store=path, path=str(level), mode=mode, zarr_format=3)


def _zarr() -> Any:
    """The library, on one core, as the scheduler counts processes. Of all that start only those that export wait for
    it, a quarter of a second."""
    import zarr
    import zarr.codecs

    zarr.config.set({"async.concurrency": 1, "threading.max_workers": 1})
    return zarr
