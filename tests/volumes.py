"""Small volumes for tests of what reads them, written as the stages write theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.files.chunks import PlainChunks
from brainstack.files.volume_blocks import BlockWriter
from brainstack.files.volume_info import lay_out, write_info
from brainstack.files.volume_pyramid import finish_pyramid


def write_volume(
    path: Path,
    sections: NDArray[Any],
    *,
    voxel_size_um: tuple[float, float, float],
    chunk_size: tuple[int, int, int],
    levels: int = 1,
) -> None:
    """sections : (z, y, x) or (z, y, x, 3)."""
    layout = lay_out(
        (sections.shape[0], sections.shape[1], sections.shape[2]),
        data_type=sections.dtype.name,
        num_channels=sections.shape[3] if sections.ndim == 4 else 1,
        voxel_size_um=voxel_size_um,
        chunk_size=chunk_size,
        sharded=False,
        largest_plain_chunks=0,
        gzip=False,
        smallest_side_px=1,
    ).first(levels)

    def render(z: int, top: int, left: int, out: NDArray[Any]) -> bool:
        np.copyto(out, sections[z, top : top + out.shape[0], left : left + out.shape[1]])
        return True

    write_info(path, layout, layout.levels_in_block)
    writer = BlockWriter(layout)
    for group in range(layout.groups):
        for block in layout.blocks_of(group):
            for slab in range(layout.slabs):
                writer.write(block, slab, render, PlainChunks(path, layout))
    finish_pyramid(path, layout, layout.levels_in_block)
