"""What a volume looks like on disk: its scales, their chunks and shards, and the blocks that it is written in.

A block is `block_px` x `block_px` pixels of the first level and as many sections as a chunk is deep (a slab). What is
written of a block is nobody else's: its chunks of the first levels lie wholly inside it, and so do the shards of all
slabs' blocks inside a group of blocks. So no two tasks ever write one file.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.files.morton import Sharding

Size = tuple[int, int, int]

LABEL_BLOCK_XYZ = (8, 8, 8)
"""Of the encoding "compressed_segmentation": what everybody uses."""

Bitmap = NDArray[np.bool_]
"""(z, y, x) of a grid of chunks, or (y, x) of a part of it: True where there is one."""


@dataclass(frozen=True)
class Scale:
    """One level of a volume. All triples are (x, y, z); sizes, chunks and offset are in voxels of this level.

    factor_xyz : how many voxels of the level before, along each axis, are one here; (1, 1, 1) for the first.
    encoding : "raw", "jpeg", "png", or in volumes of others what else the format knows.
    sharding : None where each chunk is a file.
    """

    key: str
    size_xyz: Size
    resolution_nm: tuple[float, float, float]
    chunk_xyz: Size
    encoding: str
    sharding: Sharding | None
    factor_xyz: Size = (1, 1, 1)
    voxel_offset_xyz: Size = (0, 0, 0)

    @cached_property
    def grid_xyz(self) -> Size:
        """How many chunks there are along x, y and z."""
        return (
            -(-self.size_xyz[0] // self.chunk_xyz[0]),
            -(-self.size_xyz[1] // self.chunk_xyz[1]),
            -(-self.size_xyz[2] // self.chunk_xyz[2]),
        )

    @property
    def chunks(self) -> int:
        """How many chunks there are in all."""
        across, down, deep = self.grid_xyz
        return across * down * deep

    def chunk_range(self, axis: int, number: int) -> tuple[int, int]:
        """(first voxel, end) of the number-th chunk along an axis (0 is x), counted from the volume's corner."""
        length = self.chunk_xyz[axis]
        return number * length, min((number + 1) * length, self.size_xyz[axis])

    def chunk_shape_zyx(self, x: int, y: int, z: int) -> Size:
        """The shape of a chunk; smaller at the end of the volume."""
        (left, right), (top, bottom), (first, end) = (self.chunk_range(axis, n) for axis, n in enumerate((x, y, z)))
        return end - first, bottom - top, right - left

    def chunk_name(self, x: int, y: int, z: int) -> str:
        """The file of a chunk in the folder of the scale, without .gz: "0-128_128-256_0-64"."""
        ranges = (self.chunk_range(axis, number) for axis, number in enumerate((x, y, z)))
        return "_".join(
            f"{start + offset}-{end + offset}"
            for (start, end), offset in zip(ranges, self.voxel_offset_xyz, strict=True)
        )


@dataclass(frozen=True)
class VolumeLayout:
    """All of a volume but its voxels.

    levels_in_block : how many of the first levels a block writes itself: those whose chunks lie wholly inside blocks,
        and whose sections are not halved. 0 in volumes of others, which no block writes.
    block_px, group_px : sides at the first level. A group is a square of blocks whose shards one task joins.
    gzip : chunks that are files are compressed, and called .gz.
    jpeg_quality : 1 to 100, where the encoding is "jpeg".
    layer_type : "image" or "segmentation".
    others : what else the file `info` says, of meshes and names of labels, by the words that it uses.
    """

    scales: tuple[Scale, ...]
    data_type: str
    num_channels: int
    levels_in_block: int
    block_px: int
    group_px: int
    gzip: bool
    jpeg_quality: int | None = None
    layer_type: str = "image"
    others: dict[str, Any] = field(default_factory=dict)

    @property
    def slab_depth(self) -> int:
        """Sections of a slab: as many as a chunk is deep."""
        return self.scales[0].chunk_xyz[2]

    @property
    def slabs(self) -> int:
        """How many slabs there are."""
        return self.scales[0].grid_xyz[2]

    @property
    def is_sharded(self) -> bool:
        """Whether many chunks share a file."""
        return self.scales[0].sharding is not None

    @property
    def blocks_xy(self) -> tuple[int, int]:
        """How many blocks there are across and down."""
        width, height, _ = self.scales[0].size_xyz
        return -(-width // self.block_px), -(-height // self.block_px)

    @property
    def groups_xy(self) -> tuple[int, int]:
        """How many groups there are across and down."""
        width, height, _ = self.scales[0].size_xyz
        return -(-width // self.group_px), -(-height // self.group_px)

    @property
    def groups(self) -> int:
        """How many groups there are, numbered row by row."""
        across, down = self.groups_xy
        return across * down

    def slab_range(self, slab: int) -> tuple[int, int]:
        """(first section, end) of a slab."""
        return self.scales[0].chunk_range(2, slab)

    def block_box(self, block: tuple[int, int]) -> tuple[int, int, int, int]:
        """(top, bottom, left, right) of a block at the first level, cut at the volume's end."""
        return self._box(block, self.block_px)

    def blocks_of(self, group: int) -> list[tuple[int, int]]:
        """The blocks (x, y) of a group, row by row."""
        side, (blocks_across, blocks_down) = self.group_px // self.block_px, self.blocks_xy
        down, across = divmod(group, self.groups_xy[0])
        return [
            (x, y)
            for y in range(down * side, min((down + 1) * side, blocks_down))
            for x in range(across * side, min((across + 1) * side, blocks_across))
        ]

    def chunks_of_block(self, level: int, block: tuple[int, int]) -> tuple[int, int, int, int]:
        """(first, end) down, then (first, end) across, of the chunks of a block at one of the levels it writes."""
        return self._chunks_in(level, self.block_box(block))

    def chunks_of_group(self, level: int, group: int) -> tuple[int, int, int, int]:
        """As `chunks_of_block`, of a group."""
        down, across = divmod(group, self.groups_xy[0])
        return self._chunks_in(level, self._box((across, down), self.group_px))

    def first(self, levels: int) -> VolumeLayout:
        """The same volume with its first `levels` scales only."""
        return replace(self, scales=self.scales[:levels], levels_in_block=min(levels, self.levels_in_block))

    def info(self, levels: int | None = None) -> dict[str, Any]:
        """The content of the file `info`, with the first `levels` scales. None: with all."""
        info = {
            "@type": "neuroglancer_multiscale_volume",
            "type": self.layer_type,
            "data_type": self.data_type,
            "num_channels": self.num_channels,
            "scales": [self._scale_info(scale) for scale in self.scales[:levels]],
        }
        if self.levels_in_block:
            info["brainstack"] = {
                "block_px": self.block_px,
                "group_px": self.group_px,
                "levels_in_block": self.levels_in_block,
                "gzip": self.gzip,
            }
        return info | self.others

    def _scale_info(self, scale: Scale) -> dict[str, Any]:
        info: dict[str, Any] = {
            "key": scale.key,
            "size": list(scale.size_xyz),
            "resolution": list(scale.resolution_nm),
            "voxel_offset": list(scale.voxel_offset_xyz),
            "chunk_sizes": [list(scale.chunk_xyz)],
            "encoding": scale.encoding,
        }
        if scale.encoding == "jpeg" and self.jpeg_quality is not None:
            info["jpeg_quality"] = self.jpeg_quality
        if scale.encoding == "compressed_segmentation":
            info["compressed_segmentation_block_size"] = list(LABEL_BLOCK_XYZ)
        if scale.sharding is not None:
            info["sharding"] = scale.sharding.to_json()
        return info

    def _box(self, place: tuple[int, int], side: int) -> tuple[int, int, int, int]:
        width, height, _ = self.scales[0].size_xyz
        left, top = place[0] * side, place[1] * side
        return top, min(top + side, height), left, min(left + side, width)

    def _chunks_in(self, level: int, box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
        """The box starts at a chunk of this level: blocks are made so."""
        top, bottom, left, right = box
        chunk_x, chunk_y, _ = (length << level for length in self.scales[level].chunk_xyz)
        return top // chunk_y, -(-bottom // chunk_y), left // chunk_x, -(-right // chunk_x)


def empty_bitmaps(layout: VolumeLayout, levels: int | None = None) -> list[Bitmap]:
    """For each of the first `levels` scales (None: all), a bitmap (z, y, x) of its grid of chunks, all False."""
    return [np.zeros(scale.grid_xyz[::-1], bool) for scale in layout.scales[:levels]]
