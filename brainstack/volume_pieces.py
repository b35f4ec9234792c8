"""The pieces that a channel's volume is made in: slabs of as many sections as a chunk is deep, and, at full resolution,
groups of blocks in each. They follow from the database and the settings, before a pixel is read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brainstack.plan import Plan
    from brainstack.records import Section


def slab_depth(plan: Plan) -> int:
    """Sections in a slab: a chunk is no deeper than the volume."""
    return max(1, min(plan.settings.neuroglancer.chunk_size[2], len(plan.sections)))


def slab_count(plan: Plan) -> int:
    return math.ceil(len(plan.sections) / slab_depth(plan))


def slab_name(number: int) -> str:
    return f"{number:03d}"


def slab_sections(plan: Plan, number: int) -> Sequence[Section]:
    """The slots of a slab, gaps included."""
    depth = slab_depth(plan)
    return plan.sections[number * depth : (number + 1) * depth]


def slab_keys(plan: Plan, number: int) -> list[str]:
    """Keys of the sections in a slab, without gaps."""
    return [section.key for section in slab_sections(plan, number) if not section.gap]


def group_name(number: int) -> str:
    return f"{number:03d}"


def group_count(plan: Plan) -> int:
    """Pieces that a slab is cut into, about as many as it has groups of blocks: the canvas, which is known only later,
    is about as large as the largest scan. Piece i takes the volume's groups i, i + count, ...

    Of all scans, of gaps too: as many when the largest becomes one, as another number makes all pieces again.
    """
    scenes = [scene for slide in plan.slides_in_use.values() for scene in slide.scenes]
    side = plan.settings.neuroglancer.group_px
    across = math.ceil(max((one.width for one in scenes), default=1) / side)
    down = math.ceil(max((one.height for one in scenes), default=1) / side)
    return across * down


def groups_of_piece(number: int, pieces: int, groups: int) -> range:
    """The volume's groups that a piece takes. pieces : how many a slab has. groups : of the volume."""
    return range(number, groups, pieces)
