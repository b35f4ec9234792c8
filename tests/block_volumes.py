"""Volumes to test with: written block by block from an array, and read by others."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from brainstack.files.chunks import PartFile, PlainChunks
from brainstack.files.sharding import join_group
from brainstack.files.volume_blocks import BlockRecord, BlockWriter, Render, chunks_written
from brainstack.files.volume_info import VolumeLayout, lay_out, write_info
from brainstack.files.volume_layout import Bitmap
from brainstack.files.volume_pyramid import finish_pyramid

Voxels = np.ndarray[Any, Any]


def small_layout(voxels: Voxels, **changes: Any) -> VolumeLayout:
    """Of an array (z, y, x[, channels]), so small that it has several blocks, groups, slabs and levels."""
    wanted = {
        "data_type": voxels.dtype.name,
        "num_channels": voxels.shape[3] if voxels.ndim == 4 else 1,
        "voxel_size_um": (1, 1, 8),
        "chunk_size": (16, 16, 4),
        "largest_plain_chunks": 0,
        "gzip": False,
        "block_px": 64,
        "group_px": 128,
        "smallest_side_px": 16,
    }
    return lay_out(voxels.shape[:3], **(wanted | changes))


def noise(shape: tuple[int, ...], dtype: str = "uint16") -> Voxels:
    """Any value that there is, but no zeros."""
    return np.random.default_rng(1).integers(1, np.iinfo(dtype).max, shape, endpoint=True).astype(dtype)


def from_array(voxels: Voxels) -> Render:
    """Renders sections that are the planes of an array; those without a voxel are empty."""

    def render(z: int, top: int, left: int, out: Voxels) -> bool:
        out[...] = voxels[z, top : top + out.shape[0], left : left + out.shape[1]]
        return bool(out.any())

    return render


def part_of(folder: Path, block: tuple[int, int], slab: int) -> Path:
    """Where `write_blocks` keeps the part file of a block."""
    return folder / "parts" / f"{block[0]}_{block[1]}_{slab}"


def write_blocks(
    path: Path,
    layout: VolumeLayout,
    voxels: Voxels,
    slabs: Collection[int] | None = None,
    empty: tuple[int, ...] = (0,),
) -> list[BlockRecord]:
    """Write all blocks of some slabs (None: of all), as chunk files or as part files beside the volume."""
    writer, records = BlockWriter(layout, empty), []
    for group in range(layout.groups):
        for block in layout.blocks_of(group):
            for slab in range(layout.slabs) if slabs is None else slabs:
                if layout.is_sharded:
                    with PartFile(part_of(path.parent, block, slab), layout, token="a test") as part:
                        records.append(writer.write(block, slab, from_array(voxels), part))
                else:
                    records.append(writer.write(block, slab, from_array(voxels), PlainChunks(path, layout)))
    return records


def of_group(layout: VolumeLayout, group: int, records: Collection[BlockRecord]) -> list[BlockRecord]:
    """The records of the blocks of a group."""
    blocks = layout.blocks_of(group)
    return [record for record in records if record.block in blocks]


def write_volume(path: Path, layout: VolumeLayout, voxels: Voxels) -> list[Bitmap]:
    """Write a whole volume with all its levels. Returns which chunks there are."""
    records = write_blocks(path, layout, voxels)
    if layout.is_sharded:
        for group in range(layout.groups):
            wanted = of_group(layout, group, records)
            parts = [part_of(path.parent, record.block, record.slab) for record in wanted]
            join_group(path, layout, group, parts, wanted)
    write_info(path, layout, layout.levels_in_block)
    made = chunks_written(layout, records)
    if layout.levels_in_block < len(layout.scales):
        made += finish_pyramid(path, layout, layout.levels_in_block)
    return made


def by_cloud_volume(path: Path, level: int) -> Voxels:
    """(z, y, x, channels)."""
    from cloudvolume import CloudVolume

    volume = CloudVolume(f"file://{path}", mip=level, progress=False, fill_missing=True)
    return np.asarray(volume[:, :, :]).transpose(2, 1, 0, 3)


READ_BY_TENSORSTORE = """
import sys, numpy, tensorstore
path, out, levels = sys.argv[1], sys.argv[2], int(sys.argv[3])
def read(level):
    spec = {"driver": "neuroglancer_precomputed", "kvstore": f"file://{path}", "scale_index": level}
    return tensorstore.open(spec, read=True, open=True).result().read().result().transpose(2, 1, 0, 3)
numpy.savez(out, *[read(level) for level in range(levels)])
"""


def by_tensorstore(path: Path, levels: int) -> list[Voxels]:
    """(z, y, x, channels) of each level. In a process of its own: one where tensorstore ran cannot fork any more."""
    out = path.parent / "by_tensorstore.npz"
    subprocess.run([sys.executable, "-c", READ_BY_TENSORSTORE, str(path), str(out), str(levels)], check=True)
    with np.load(out) as arrays:
        read = [arrays[f"arr_{level}"] for level in range(levels)]
    out.unlink()
    return read
