"""A block of a volume: its sections are rendered, halved level by level, cut into chunks and put where they belong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.files.chunks import Sink
from brainstack.files.volume_layout import Bitmap, VolumeLayout, empty_bitmaps
from brainstack.images.halving import halve_plane

Render = Callable[[int, int, int, NDArray[Any]], bool]
"""(z, top, left, out): fills out, (rows, columns) or (rows, columns, 3), with the pixels of section z from (top, left)
of the first level. False where they are all empty; out then need not be filled."""


@dataclass(frozen=True, eq=False)
class BlockRecord:
    """Which chunks of a block there are, so that a lost one can be told from an empty one.

    block : (x, y). written : for each level that blocks write, (chunks down, chunks across) bool.
    written_bytes : what they take on disk, for each level.
    """

    block: tuple[int, int]
    slab: int
    written: tuple[Bitmap, ...]
    written_bytes: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """For a file; `from_json` reads it."""
        levels = [
            bitmap_to_json(level) | {"bytes": size}
            for level, size in zip(self.written, self.written_bytes, strict=True)
        ]
        return {"block": list(self.block), "slab": self.slab, "levels": levels}

    @staticmethod
    def from_json(content: dict[str, Any]) -> BlockRecord:
        """Raises KeyError or ValueError for what `to_json` has not made."""
        x, y = content["block"]
        return BlockRecord(
            block=(x, y),
            slab=content["slab"],
            written=tuple(bitmap_from_json(level) for level in content["levels"]),
            written_bytes=tuple(level["bytes"] for level in content["levels"]),
        )


class BlockWriter:
    """Writes blocks one after another, in the same memory: that of one block of all levels, and of a chunk."""

    def __init__(self, layout: VolumeLayout, empty: tuple[int, ...] = (0,)) -> None:
        """empty : the pixel, one number for each channel, where a section holds nothing."""
        self.layout = layout
        self.empty = np.array(empty, layout.data_type)
        width, height, depth = layout.scales[0].size_xyz
        rows, columns = min(layout.block_px, height), min(layout.block_px, width)
        samples = (layout.num_channels,) if layout.num_channels > 1 else ()
        self._levels = [
            np.empty(
                (min(layout.slab_depth, depth), -(-rows >> level), -(-columns >> level), *samples), layout.data_type
            )
            for level in range(layout.levels_in_block)
        ]
        self._chunk = np.empty(int(np.prod(layout.scales[0].chunk_xyz)) * layout.num_channels, layout.data_type)

    def write(self, block: tuple[int, int], slab: int, render: Render, sink: Sink) -> BlockRecord:
        """Render the sections of a block and put its chunks, of all the levels that a block writes, into `sink`.

        block : (x, y). Chunks of zeros are left out. Who gives the sink closes it.
        """
        top, bottom, left, right = self.layout.block_box(block)
        first, end = self.layout.slab_range(slab)
        levels = [
            memory[: end - first, : -(-(bottom - top) >> level), : -(-(right - left) >> level)]
            for level, memory in enumerate(self._levels)
        ]
        filled = [self._fill(levels, z, first + z, top, left, render) for z in range(end - first)]
        nothing = not any(filled) and not self.empty.any()
        written, sizes = [], []
        for level, voxels in enumerate(levels):
            bitmap, size = self._put_chunks(voxels, level, block, slab, sink, nothing)
            written.append(bitmap)
            sizes.append(size)
        return BlockRecord(block, slab, tuple(written), tuple(sizes))

    def _fill(self, levels: list[NDArray[Any]], z: int, section: int, top: int, left: int, render: Render) -> bool:
        """Make a section of all levels. False where it is empty."""
        if not render(section, top, left, levels[0][z]):
            for level in levels:
                level[z] = self.empty if level.ndim == 4 else self.empty[0]
            return False
        for level, coarser in pairwise(levels):
            halve_plane(level[z], coarser[z])
        return True

    def _put_chunks(
        self, voxels: NDArray[Any], level: int, block: tuple[int, int], slab: int, sink: Sink, nothing: bool
    ) -> tuple[Bitmap, int]:
        first_y, end_y, first_x, end_x = self.layout.chunks_of_block(level, block)
        width, height, _ = self.layout.scales[level].chunk_xyz
        written = np.zeros((end_y - first_y, end_x - first_x), bool)
        size = 0
        for y, x in np.ndindex(*written.shape):
            piece = voxels[:, y * height : (y + 1) * height, x * width : (x + 1) * width]
            chunk = None if nothing else self._contiguous(piece)
            if chunk is not None and chunk.any():
                written[y, x] = True
                size += sink.put(level, first_x + x, first_y + y, slab, chunk)
            else:
                sink.leave_out(level, first_x + x, first_y + y, slab)
        return written, size

    def _contiguous(self, piece: NDArray[Any]) -> NDArray[Any]:
        """A copy (z, y, x) or (channels, z, y, x) of a piece (z, y, x) or (z, y, x, channels), in memory used again."""
        ordered = np.moveaxis(piece, -1, 0) if piece.ndim == 4 else piece
        chunk = self._chunk[: piece.size].reshape(ordered.shape)
        np.copyto(chunk, ordered)
        return chunk


def chunks_written(layout: VolumeLayout, records: Iterable[BlockRecord]) -> list[Bitmap]:
    """Which chunks the records say are there: a bitmap (z, y, x) of its grid for each level that blocks write."""
    bitmaps = empty_bitmaps(layout, layout.levels_in_block)
    for record in records:
        for level, (bitmap, written) in enumerate(zip(bitmaps, record.written, strict=True)):
            first_y, end_y, first_x, end_x = layout.chunks_of_block(level, record.block)
            bitmap[record.slab, first_y:end_y, first_x:end_x] = written
    return bitmaps


def bitmap_to_json(bitmap: Bitmap) -> dict[str, Any]:
    """Which chunks there are, for a file; `bitmap_from_json` reads it."""
    return {"chunks": list(bitmap.shape), "written": np.packbits(bitmap).tobytes().hex()}


def bitmap_from_json(content: dict[str, Any]) -> Bitmap:
    """Raises KeyError or ValueError for what `bitmap_to_json` has not made."""
    shape, bits = content["chunks"], np.frombuffer(bytes.fromhex(content["written"]), np.uint8)
    return np.unpackbits(bits, count=int(np.prod(shape))).reshape(shape).astype(bool)
