"""The smaller levels of a volume, each from the one before, a chunk at a time: memory does not grow with the volume."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.files.chunk_encoding import Stored, compress, encode
from brainstack.files.chunk_reader import ChunkReader, chunks_there
from brainstack.files.chunks import PlainChunks
from brainstack.files.morton import Sharding, chunk_codes
from brainstack.files.shard_files import ShardWriter
from brainstack.files.volume_info import read_layout, with_smaller_scales, write_info
from brainstack.files.volume_layout import Bitmap, VolumeLayout
from brainstack.images.halving import halve_volume, most_frequent

Progress = Callable[[int, int], None]
"""(chunks done, chunks in all)."""

Place = tuple[int, int, int]
"""Of a chunk in the grid of its level: (x, y, z)."""

OTHER_COMPRESSIONS = {".br", ".zstd", ".zst", ".xz", ".lzma"}
"""Ways to compress chunk files that cloud-volume has, and brainstack cannot read."""


def finish_pyramid(path: Path, layout: VolumeLayout, first: int, progress: Progress | None = None) -> list[Bitmap]:
    """Make the levels `first` and above, from level `first` - 1, and then write the `info` with all levels.

    path : the folder of the volume. What stood there of these levels is replaced, and `info` names only the levels
    below until all are made. An image's voxels are means (`halve_volume`), those of a segmentation the most frequent
    label (`most_frequent`). Returns which chunks there are, a bitmap (z, y, x) of its grid for each level made.

    Raises BrainstackError where a chunk of the level before is damaged.
    """
    write_info(path, layout, first)
    total, done = sum(scale.chunks for scale in layout.scales[first:]), 0
    bitmaps = []
    for level in range(first, len(layout.scales)):
        bitmap = np.zeros(layout.scales[level].grid_xyz[::-1], bool)
        for place in _make_level(path, layout, level):
            if place is not None:
                bitmap[place[::-1]] = True
            done += 1
            if progress is not None:
                progress(done, total)
        bitmaps.append(bitmap)
    write_info(path, layout)
    return bitmaps


def pyramid_of(path: Path, *, smallest_side_px: int, progress: Progress | None = None) -> list[Bitmap]:
    """Make all smaller levels of a volume from its first, whoever made it; those that it has are replaced.

    The new levels have the first one's encoding, chunks and, where it is sharded, shards. What else its `info` says is
    kept. Returns which chunks there are, for each level, the first included.

    Raises BrainstackError where there is no volume, or one that brainstack cannot read.
    """
    before = read_layout(path)
    first = path / before.scales[0].key
    strange = {file.suffix for file in first.iterdir()} & OTHER_COMPRESSIONS if first.is_dir() else set()
    if strange:
        raise BrainstackError(
            f"Chunks in {first} are compressed as {strange.pop()}, wanted .gz or none. Write the volume anew with the "
            "program that made it, packed by gzip or not at all; with cloud-volume: CloudVolume(..., compress='gzip')."
        )
    layout = with_smaller_scales(before.first(1), smallest_side_px)
    write_info(path, layout, 1)
    for scale in (*before.scales[1:], *layout.scales[1:]):
        _remove_level(path, scale.key, keep=first)
    return [chunks_there(path, layout, 0)[0], *finish_pyramid(path, layout, 1, progress)]


def _remove_level(path: Path, key: str, keep: Path) -> None:
    folder = (path / key).resolve()
    if folder.is_relative_to(path.resolve()) and folder not in (path.resolve(), keep.resolve()):
        shutil.rmtree(folder, ignore_errors=True)


def _make_level(path: Path, layout: VolumeLayout, level: int) -> Iterator[Place | None]:
    """Write the chunks of a level. Yields the place of each as it is written, and None for each that is empty."""
    scale = layout.scales[level]
    with ChunkReader(path, layout) as reader:
        if scale.sharding is None:
            sink = PlainChunks(path, layout)
            for z, y, x in np.ndindex(*scale.grid_xyz[::-1]):
                chunk = _smaller_chunk(reader, layout, level, (x, y, z))
                if chunk is None:
                    sink.leave_out(level, x, y, z)
                else:
                    sink.put(level, x, y, z, chunk)
                yield None if chunk is None else (x, y, z)
        else:
            for shard, places in _places_of_shards(layout, level, scale.sharding):
                made: list[Place | None] = []
                chunks = _stored_chunks(reader, layout, level, places, made)
                _write_shard(path / scale.key / scale.sharding.shard_name(shard), scale.sharding, chunks)
                yield from made


def _places_of_shards(
    layout: VolumeLayout, level: int, sharding: Sharding
) -> Iterator[tuple[int, list[tuple[int, Place]]]]:
    """For each shard of a level its number, and (code, place) of each of its chunks, in the order of codes."""
    grid = layout.scales[level].grid_xyz
    places = np.argwhere(np.ones(grid, bool))
    codes = chunk_codes(grid, *places.T)
    order = np.argsort(codes)
    codes, places = codes[order], places[order]
    shards = sharding.shards_of(codes)
    for shard in np.unique(shards).tolist():
        here = shards == shard
        yield (
            shard,
            [(code, (x, y, z)) for code, (x, y, z) in zip(codes[here].tolist(), places[here].tolist(), strict=True)],
        )


def _stored_chunks(
    reader: ChunkReader,
    layout: VolumeLayout,
    level: int,
    places: list[tuple[int, Place]],
    made: list[Place | None],
) -> Iterator[tuple[int, Stored]]:
    """(code, bytes) of the chunks that are not empty. Adds the place of each to `made`, and None for an empty one."""
    scale = layout.scales[level]
    assert scale.sharding is not None
    for code, (x, y, z) in places:
        chunk = _smaller_chunk(reader, layout, level, (x, y, z))
        made.append(None if chunk is None else (x, y, z))
        if chunk is not None:
            data = encode(chunk, scale.encoding, layout.jpeg_quality)
            yield code, compress(data) if scale.sharding.data_encoding == "gzip" else data


def _write_shard(path: Path, sharding: Sharding, chunks: Iterator[tuple[int, Stored]]) -> None:
    first = next(chunks, None)
    if first is None:
        path.unlink(missing_ok=True)
        return
    with ShardWriter(path, sharding) as out:
        for code, data in chain([first], chunks):
            out.append(code, data)


def _smaller_chunk(reader: ChunkReader, layout: VolumeLayout, level: int, place: Place) -> NDArray[Any] | None:
    """A chunk of a level, (channels, z, y, x), made from the level before. None where it would be all zeros."""
    region = _region_before(reader, layout, level, place)
    if region is None:
        return None
    smaller = (most_frequent if layout.layer_type == "segmentation" else halve_volume)(
        region, layout.scales[level].factor_xyz
    )
    chunk = np.ascontiguousarray(np.moveaxis(smaller, -1, 0) if smaller.ndim == 4 else smaller[None])
    return chunk if chunk.any() else None


def _region_before(reader: ChunkReader, layout: VolumeLayout, level: int, place: Place) -> NDArray[Any] | None:
    """What the level before has of a chunk, (z, y, x) or (z, y, x, channels). None where no chunk of it is there."""
    scale, fine = layout.scales[level], layout.scales[level - 1]
    starts, ends, missing = [], [], []
    for axis in range(3):
        first, end = scale.chunk_range(axis, place[axis])
        factor, offset = scale.factor_xyz[axis], fine.voxel_offset_xyz[axis]
        start = (first + scale.voxel_offset_xyz[axis]) * factor - offset
        starts.append(max(start, 0))
        ends.append(min((end + scale.voxel_offset_xyz[axis]) * factor - offset, fine.size_xyz[axis]))
        missing.append(max(-start, 0))  # 1 where the volume starts at an odd voxel
    samples = (layout.num_channels,) if layout.num_channels > 1 else ()
    shape = [end - start for start, end in zip(starts, ends, strict=True)][::-1]
    region = None
    spans = [
        range(start // length, -(-end // length))
        for start, end, length in zip(starts, ends, fine.chunk_xyz, strict=True)
    ]
    for x in spans[0]:
        for y in spans[1]:
            for z in spans[2]:
                chunk = reader.read(level - 1, x, y, z)
                if chunk is not None:
                    region = np.zeros((*shape, *samples), layout.data_type) if region is None else region
                    _paste(
                        chunk,
                        region,
                        [n * length - s for n, length, s in zip((x, y, z), fine.chunk_xyz, starts, strict=True)],
                    )
    if region is not None and any(missing):
        region = np.pad(region, [*((before, 0) for before in missing[::-1]), *((0, 0) for _ in samples)], mode="edge")
    return region


def _paste(chunk: NDArray[Any], region: NDArray[Any], corner_xyz: list[int]) -> None:
    """Copy what of a chunk (channels, z, y, x) lies inside a region (z, y, x[, channels]); its corner need not."""
    voxels = np.moveaxis(chunk, 0, -1) if region.ndim == 4 else chunk[0]
    to, of = [], []
    for corner, length, room in zip(corner_xyz[::-1], voxels.shape, region.shape, strict=False):
        to.append(slice(max(corner, 0), min(corner + length, room)))
        of.append(slice(max(-corner, 0), min(length, room - corner)))
    region[tuple(to)] = voxels[tuple(of)]
