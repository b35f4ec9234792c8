"""NeuroglancerMesh: outlines that people drew, filled section by section, and between the sections that have one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.images.shape_interpolation import Between

Outline = NDArray[np.float64]
"""(corners, 2): (x, y) in pixels of an array, whose centres are whole numbers. The last is joined to the first."""

MARGIN_PX = 2


def check_outline(outline: Outline, name: str) -> None:
    """Raise BrainstackError for one that has no inside, or crosses itself. name : what it is called."""
    corners = _without_repeats(outline)
    if len(corners) < 3:
        raise BrainstackError(f"{name} has {len(corners)} corners in different places, wanted 3 or more; draw it anew.")
    crossing = _crossing(corners)
    if crossing is not None:
        first, second = (corners[place].round(1).tolist() for place in crossing)
        raise BrainstackError(
            f"{name} crosses itself: its line from corner {crossing[0]} at {first} runs through that from corner "
            f"{crossing[1]} at {second} (pixels); draw it without a loop."
        )


def _without_repeats(outline: Outline) -> Outline:
    """Without corners on the one before, and a last one on the first."""
    kept = np.any(outline != np.roll(outline, 1, axis=0), axis=1)
    return outline[kept] if kept.any() else outline[:1]


def _crossing(corners: Outline) -> tuple[int, int] | None:
    """The starts of two lines, not neighbours, that cross or touch; None where none do."""
    starts, ends = corners, np.roll(corners, -1, axis=0)
    count = len(corners)
    for place in range(count - 2):
        # Of the others that come behind, but for the next, and for the last where this is the first.
        rest = np.arange(place + 2, count - (place == 0))
        if len(rest) == 0:
            continue
        a, b, c, d = starts[place], ends[place], starts[rest], ends[rest]
        one, two = _side(a, b, c), _side(a, b, d)
        three, four = _side(c, d, a), _side(c, d, b)
        crossed = (one * two < 0) & (three * four < 0)
        touching = (
            ((one == 0) & _within(a, b, c)) | ((two == 0) & _within(a, b, d))
            | ((three == 0) & _within(c, d, a)) | ((four == 0) & _within(c, d, b))
        )  # fmt: skip
        if (crossed | touching).any():
            return place, int(rest[(crossed | touching).argmax()])
    return None


def _side(start: Outline, end: Outline, point: Outline) -> NDArray[np.float64]:
    """On which side of the line from start to end a point lies; 0 on it."""
    way, to = end - start, point - start
    side = way[..., 0] * to[..., 1] - way[..., 1] * to[..., 0]
    return np.asarray(np.where(np.abs(side) < 1e-9, 0.0, np.sign(side)))


def _within(start: Outline, end: Outline, point: Outline) -> NDArray[np.bool_]:
    """Whether a point lies in the box of a line."""
    low, high = np.minimum(start, end), np.maximum(start, end)
    return np.asarray(((point >= low - 1e-9) & (point <= high + 1e-9)).all(axis=-1))


def filled(outlines: Sequence[Outline], shape: tuple[int, int], corner: tuple[int, int] = (0, 0)) -> NDArray[np.bool_]:
    """The pixels whose middle is inside of any of the outlines. shape : (rows, columns). corner : (row, column) of the
    first pixel."""
    mask = np.zeros(shape, bool)
    for outline in outlines:
        mask |= _inside(outline - (corner[1], corner[0]), shape)
    return mask


def _inside(outline: Outline, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels with an odd number of the outline's lines to their left."""
    rows, columns = shape
    crossings = np.zeros((rows, columns + 1), np.uint16)
    for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        top, bottom = (max(math.ceil(y), 0) for y in sorted((y0, y1)))
        row = np.arange(top, min(bottom, rows))
        if len(row):
            at = np.ceil(x0 + (row - y0) / (y1 - y0) * (x1 - x0))
            np.add.at(crossings, (row, np.clip(at, 0, columns).astype(int)), 1)
    return np.asarray(np.cumsum(crossings[:, :-1], axis=1) % 2 == 1)


@dataclass
class DrawnStructure:
    """A structure as people drew it. sections : slot -> its outlines there."""

    label: int
    sections: Mapping[int, Sequence[Outline]]
    _masks: dict[int, NDArray[np.bool_]] = field(default_factory=dict, repr=False)
    _between: tuple[tuple[int, int], Between] | None = field(default=None, repr=False)

    def box(self, shape: tuple[int, int]) -> tuple[slice, slice]:
        """What of a plane (rows, columns) it can touch."""
        corners = np.concatenate([outline for some in self.sections.values() for outline in some])
        low = np.maximum(np.floor(corners.min(axis=0)).astype(int) - MARGIN_PX, 0)
        high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1 + MARGIN_PX, shape[::-1])
        return slice(low[1], max(high[1], low[1])), slice(low[0], max(high[0], low[0]))

    def mask(self, slot: int, shape: tuple[int, int]) -> tuple[tuple[slice, slice], NDArray[np.bool_]] | None:
        """What it fills of a slot: a box of the plane, and the mask of that. None before its first section, and behind
        its last."""
        slots = sorted(self.sections)
        if not slots[0] <= slot <= slots[-1]:
            return None
        box = self.box(shape)
        if slot in self.sections:
            return box, self._drawn(slot, box)
        before = max(one for one in slots if one < slot)
        after = min(one for one in slots if one > slot)
        if self._between is None or self._between[0] != (before, after):
            self._between = (before, after), Between(self._drawn(before, box), self._drawn(after, box))
        return box, self._between[1].distance_px((slot - before) / (after - before)) > 0

    def _drawn(self, slot: int, box: tuple[slice, slice]) -> NDArray[np.bool_]:
        if slot not in self._masks:
            if len(self._masks) > 1:  # only neighbours are mixed
                self._masks.pop(min(self._masks))
            shape = (box[0].stop - box[0].start, box[1].stop - box[1].start)
            self._masks[slot] = filled(self.sections[slot], shape, (box[0].start, box[1].start))
        return self._masks[slot]


def label_plane(
    structures: Sequence[DrawnStructure], slot: int, shape: tuple[int, int], dtype: str = "uint32"
) -> NDArray[np.uint32]:
    """The labels of a slot, (rows, columns); of structures that overlap, the last counts."""
    plane = np.zeros(shape, dtype)
    for one in structures:
        found = one.mask(slot, shape)
        if found is not None:
            box, mask = found
            plane[box][mask] = one.label
    return plane
