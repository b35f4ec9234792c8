"""What one process has resident at most with sections of a size: FullClean, FullAlignment, a group of blocks."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
from full_resolution_scans import CHANNEL, Sections, Size
from full_resolution_ways import Bench, Found, counted

from brainstack.files.chunks import PartFile
from brainstack.files.volume_blocks import BlockWriter
from brainstack.images.threads import use_one_thread

BLOCKS = 3
SECTION_BAR_MB, GROUP_BAR_MB = 1000, 1500


def clean(bench: Bench) -> Found:
    """FullClean of a section, all but the plan."""
    return _section(bench, "full_cleaned")


def alignment(bench: Bench) -> Found:
    """FullAlignment of a section."""
    return _section(bench, "full_aligned")


def _section(bench: Bench, kind: str) -> Found:
    sections, found = Sections(bench.size, bench.folder), Found()
    step = SimpleNamespace(item=sections.keys[0], channel=CHANNEL)
    to_cleaned = np.eye(3) if kind == "full_cleaned" else None
    with counted(found):
        sections.full._write(sections.plan, step, kind, to_cleaned, bench.size.thumbnail)
    (bench.folder / f"{kind}.tif").unlink()
    return found


def group(bench: Bench, sections: int) -> Found:
    """What FullImage does, slab after slab, with the first of a group's blocks: the memory is used again for others."""
    layout, found = bench.size.layout(sharded=True, sections=sections), Found()
    stack = Sections(bench.size, bench.folder, sections=sections)
    across, down = layout.blocks_xy
    with counted(found):
        use_one_thread()
        writer = BlockWriter(layout)
        for slab in range(layout.slabs):
            with stack.opened(range(*layout.slab_range(slab))) as opened:
                for number in range(BLOCKS):
                    block = (across // 2 - number) % across, down // 2
                    with PartFile(bench.parts / f"{block[0]}_{slab}", layout, "") as sink:
                        writer.write(block, slab, opened.render, sink)
    return found


MEMORY: dict[str, tuple[Callable[[Bench], Found], int]] = {
    "FullClean of a section": (clean, SECTION_BAR_MB),
    "FullAlignment of a section": (alignment, SECTION_BAR_MB),
    "a group of blocks, 64 sections": (lambda bench: group(bench, 64), GROUP_BAR_MB),
    "a group of blocks, 128 sections": (lambda bench: group(bench, 128), GROUP_BAR_MB),
}
"""What is measured, and how many MB (10^6 bytes) it may take."""


def fits(size: Size) -> bool:
    """Whether the bars are for sections of this size."""
    return size.name == "real"
