"""Label volumes that Neuroglancer reads: written plane by plane in the memory of a slab, and read again box by box."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.files.chunk_reader import ChunkReader
from brainstack.files.chunks import PartFile, PlainChunks
from brainstack.files.sharding import join_group
from brainstack.files.volume_blocks import BlockRecord, BlockWriter
from brainstack.files.volume_info import read_layout, with_smaller_scales, write_info
from brainstack.files.volume_layout import Scale, Size, VolumeLayout
from brainstack.files.volume_pyramid import finish_pyramid

CHUNK = (64, 64, 64)
"""What a viewer fetches at once; compressed labels take a few kilobytes then."""

BLOCK_PX, GROUP_PX = 1024, 16384
"""A block of a slab takes 0.3 GB of 32 bits."""

LARGEST_IN_MEMORY = 1 << 30
"""Bytes of a slab of planes; a larger one is on the disk."""

FEW_LABELS = 1 << 16
"""Labels up to this are counted by their number."""

ReadPlane = Callable[[int], NDArray[Any]]
"""Gives a plane (rows, columns) of labels by its number."""


def lay_out_labels(
    shape_zyx: Size,
    *,
    is_wide: bool,
    voxel_um: tuple[float, float, float],
    voxel_offset_xyz: Size = (0, 0, 0),
    largest_plain_chunks: int,
    smallest_side_px: int,
    others: dict[str, Any] | None = None,
) -> VolumeLayout:
    """The layout of a label volume and of its smaller levels.

    is_wide : labels of 64 bits; else of 32. voxel_um : (x, y, z). voxel_offset_xyz : of its corner, in its voxels.
    largest_plain_chunks : with more in all levels they are kept in shards. others : what else its `info` says.
    """
    size = shape_zyx[2], shape_zyx[1], shape_zyx[0]
    x_nm, y_nm, z_nm = (_plain(round(length * 1000, 6)) for length in voxel_um)
    key = f"{x_nm}_{y_nm}_{z_nm}"
    first = Scale(key, size, (x_nm, y_nm, z_nm), CHUNK, "compressed_segmentation", None,
                  voxel_offset_xyz=voxel_offset_xyz)  # fmt: skip
    plain = VolumeLayout(
        scales=(first,),
        data_type="uint64" if is_wide else "uint32",
        num_channels=1,
        levels_in_block=1,
        block_px=BLOCK_PX,
        group_px=GROUP_PX,
        gzip=False,
        layer_type="segmentation",
        others=others or {},
    )
    levels = with_smaller_scales(plain, smallest_side_px)
    if sum(scale.chunks for scale in levels.scales) > largest_plain_chunks:
        levels = with_smaller_scales(with_shards(plain), smallest_side_px)
    # Smaller levels are made from the whole of the one before, as the most frequent label is counted there.
    return replace(levels, levels_in_block=1)


def _plain(length: float) -> float:
    return int(length) if length == int(length) else length


def with_shards(layout: VolumeLayout) -> VolumeLayout:
    """The same with its first level in shards."""
    from brainstack.files.morton import sharding_for

    first = layout.scales[0]
    across = (layout.block_px // first.chunk_xyz[0], layout.block_px // first.chunk_xyz[1])
    return replace(layout, scales=(replace(first, sharding=sharding_for(first.grid_xyz, across, "gzip")),))


def write_labels(path: Path, layout: VolumeLayout, read: ReadPlane) -> Counter[int]:
    """Write a label volume with all its levels; those behind the first have the most frequent label.

    path : its folder, new. read : each plane is asked for once, in order. Returns how many voxels each label but 0 has.
    Raises BrainstackError where there is none.
    """
    counts: Counter[int] = Counter()
    writer, records = BlockWriter(layout), []
    with tempfile.TemporaryDirectory(dir=path, prefix=".part-") as scratch:
        for slab in range(layout.slabs):
            with _slab(layout, slab, read, Path(scratch), counts) as planes:
                records += _write_slab(path, layout, slab, planes, writer, Path(scratch))
                del planes  # before the next slab is there
        if not counts:
            raise BrainstackError("It has no label but 0: nothing is marked in it; look at what was drawn or exported.")
        if layout.is_sharded:
            _join(path, layout, records, Path(scratch))
    write_info(path, layout, 1)
    finish_pyramid(path, layout, 1)
    return counts


@contextmanager
def _slab(
    layout: VolumeLayout, slab: int, read: ReadPlane, scratch: Path, counts: Counter[int]
) -> Iterator[NDArray[Any]]:
    """The planes of a slab, (z, y, x), in memory or on the disk. Counts their labels."""
    first, end = layout.slab_range(slab)
    width, height, _ = layout.scales[0].size_xyz
    shape, dtype = (end - first, height, width), np.dtype(layout.data_type)
    file = scratch / "planes"
    is_large = int(np.prod(shape)) * dtype.itemsize > LARGEST_IN_MEMORY
    planes = np.memmap(file, dtype, "w+", shape=shape) if is_large else np.empty(shape, dtype)
    for z in range(first, end):
        plane = read(z)
        if plane.shape != shape[1:]:
            raise BrainstackError(
                f"Plane {z} of the labels is {plane.shape[1]} x {plane.shape[0]} pixels, wanted "
                f"{width} x {height}, as the others are; save all at one size."
            )
        planes[z - first] = plane
        _count(plane, counts)
    yield planes
    del planes
    file.unlink(missing_ok=True)


def _count(plane: NDArray[Any], counts: Counter[int]) -> None:
    highest = int(plane.max(initial=0))
    if highest == 0:
        return
    if highest < FEW_LABELS:
        numbers = np.bincount(plane.ravel().astype(np.intp, copy=False))
        numbers[0] = 0
        labels = np.flatnonzero(numbers)
        times = numbers[labels]
    else:
        labels, times = np.unique(plane[plane != 0], return_counts=True)
    counts.update(dict(zip(labels.tolist(), times.tolist(), strict=True)))


def _write_slab(
    path: Path, layout: VolumeLayout, slab: int, planes: NDArray[Any], writer: BlockWriter, scratch: Path
) -> list[BlockRecord]:
    first, _ = layout.slab_range(slab)

    def render(z: int, top: int, left: int, out: NDArray[Any]) -> bool:
        out[...] = planes[z - first, top : top + out.shape[0], left : left + out.shape[1]]
        return bool(out.any())

    records = []
    for block in (block for group in range(layout.groups) for block in layout.blocks_of(group)):
        if layout.is_sharded:
            with PartFile(_part(scratch, block, slab), layout, token="labels") as part:
                records.append(writer.write(block, slab, render, part))
        else:
            records.append(writer.write(block, slab, render, PlainChunks(path, layout)))
    return records


def _part(scratch: Path, block: tuple[int, int], slab: int) -> Path:
    return scratch / f"{block[0]}_{block[1]}_{slab}"


def _join(path: Path, layout: VolumeLayout, records: list[BlockRecord], scratch: Path) -> None:
    for group in range(layout.groups):
        blocks = set(layout.blocks_of(group))
        wanted = [record for record in records if record.block in blocks]
        join_group(path, layout, group, [_part(scratch, one.block, one.slab) for one in wanted], wanted)


class LabelReader:
    """Reads boxes of one level of a label volume, whoever wrote it. Used in a `with` block."""

    def __init__(self, path: Path, level: int = 0) -> None:
        """Raises BrainstackError where there is no label volume, or it has no such level."""
        self.layout = read_layout(path)
        if self.layout.layer_type != "segmentation":
            raise BrainstackError(f"{path} is an image, wanted a volume of labels.")
        if not 0 <= level < len(self.layout.scales):
            raise BrainstackError(
                f"{path} was asked for level {level}, and has 0 to {len(self.layout.scales) - 1}; choose one of these."
            )
        self._level, self._chunks = level, ChunkReader(path, self.layout)

    @property
    def scale(self) -> Scale:
        return self.layout.scales[self._level]

    @property
    def shape_zyx(self) -> Size:
        width, height, depth = self.scale.size_xyz
        return depth, height, width

    @property
    def voxel_um(self) -> tuple[float, float, float]:
        """(x, y, z)."""
        x, y, z = self.scale.resolution_nm
        return x / 1000, y / 1000, z / 1000

    @property
    def offset_um(self) -> tuple[float, float, float]:
        """(x, y, z) of its outer corner."""
        x, y, z = (voxels * um for voxels, um in zip(self.scale.voxel_offset_xyz, self.voxel_um, strict=True))
        return x, y, z

    def read(self, box: tuple[slice, slice, slice]) -> NDArray[Any] | None:
        """The labels of a box (z, y, x) inside the volume; None where all are 0."""
        region: NDArray[Any] | None = None
        lengths = self.scale.chunk_xyz[::-1]
        spans = [range(one.start // length, -(-one.stop // length)) for one, length in zip(box, lengths, strict=True)]
        for z in spans[0]:
            for y in spans[1]:
                for x in spans[2]:
                    chunk = self._chunks.read(self._level, x, y, z)
                    if chunk is None:
                        continue
                    if region is None:
                        region = np.zeros([one.stop - one.start for one in box], self.layout.data_type)
                    to, of = [], []
                    for number, length, one, there in zip((z, y, x), lengths, box, chunk.shape[1:], strict=True):
                        start = number * length
                        first, end = max(start, one.start), min(start + there, one.stop)
                        to.append(slice(first - one.start, end - one.start))
                        of.append(slice(first - start, end - start))
                    region[tuple(to)] = chunk[0][tuple(of)]
        return region

    def __enter__(self) -> LabelReader:
        return self

    def __exit__(self, *error: object) -> None:
        self._chunks.__exit__(*error)  # type: ignore[arg-type]
