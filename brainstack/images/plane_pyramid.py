"""A plane too large for memory, with all its smaller levels, block by block.

Each level has half as many rows and columns as the one before (rounded up), by `halve_plane`. A block of a level is
made of the four of the level before, right after these: one block of each level is in memory, however large the plane.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.images.halving import halve_plane

Render = Callable[[int, int, NDArray[Any]], bool]
"""(top, left, out): fills out, (rows, columns) or (rows, columns, 3), with the pixels of the plane from (top, left) on.
False where they are all background; out then need not be filled."""


@dataclass(frozen=True, eq=False)
class Block:
    """A piece of a level. pixels : (rows, columns) or (rows, columns, 3), None where all is background. They are in
    memory that is used again: valid until the next block is asked for."""

    level: int
    top: int
    left: int
    pixels: NDArray[Any] | None


def level_shapes(shape: tuple[int, int], levels: int) -> list[tuple[int, int]]:
    """(rows, columns) of a plane and of its smaller levels, each half as large, rounded up."""
    return [(-(-shape[0] // 2**level), -(-shape[1] // 2**level)) for level in range(levels)]


def levels_until(shape: tuple[int, int], smallest_side_px: int) -> int:
    """How many levels there are until neither side is longer than this."""
    levels = 1
    while max(level_shapes(shape, levels)[-1]) > smallest_side_px:
        levels += 1
    return levels


class PlanePyramid:
    """Makes planes of one size, one after another, in the same memory."""

    def __init__(
        self, shape: tuple[int, int], *, levels: int, block_px: int, dtype: np.dtype[Any], background: tuple[int, ...]
    ) -> None:
        """shape : (rows, columns) of a plane. block_px : side of a block of any level, an even number.
        background : the pixel, one number for each sample, where nothing is."""
        self.shapes = level_shapes(shape, levels)
        self.background = np.array(background if len(background) > 1 else background[0], dtype)
        self._block_px = block_px
        samples = (len(background),) if len(background) > 1 else ()
        self._memory = [
            np.empty((min(block_px, rows), min(block_px, columns), *samples), dtype) for rows, columns in self.shapes
        ]

    def blocks(self, render: Render) -> Iterator[Block]:
        """All blocks of all levels of a plane, each once, and in each level as `halve_plane` makes it of the level
        before as a whole."""
        last = len(self.shapes) - 1
        rows, columns = self.shapes[last]
        for top in range(0, rows, self._block_px):
            for left in range(0, columns, self._block_px):
                yield from self._blocks(last, top, left, render)

    def _blocks(self, level: int, top: int, left: int, render: Render) -> Generator[Block, None, bool]:
        """A block, after those that it is made of. Returns whether there is more than background in it."""
        rows, columns = self.shapes[level]
        side = self._block_px
        pixels = self._memory[level][: min(side, rows - top), : min(side, columns - left)]
        if level == 0:
            is_filled = render(top, left, pixels)
        else:
            is_filled = yield from self._halved(level, top, left, pixels, render)
        yield Block(level, top, left, pixels if is_filled else None)
        return is_filled

    def _halved(
        self, level: int, top: int, left: int, pixels: NDArray[Any], render: Render
    ) -> Generator[Block, None, bool]:
        """Fill a block from the four of the level before, as far as the plane reaches."""
        finer, half, is_filled = self.shapes[level - 1], self._block_px // 2, False
        for down in (0, half):
            for across in (0, half):
                fine_top, fine_left = 2 * (top + down), 2 * (left + across)
                if fine_top >= finer[0] or fine_left >= finer[1]:
                    continue
                part = pixels[down : down + half, across : across + half]
                if (yield from self._blocks(level - 1, fine_top, fine_left, render)):
                    fine = self._memory[level - 1]
                    halve_plane(fine[: finer[0] - fine_top, : finer[1] - fine_left], part)
                    is_filled = True
                else:
                    part[...] = self.background
        return is_filled
