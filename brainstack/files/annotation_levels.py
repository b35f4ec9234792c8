"""Which annotations a viewer sees from afar, and which only from near: the levels of a layer's spatial index.

A level is a grid of cells, finer than the one before, and each annotation is in one level, in all the cells of it that
it touches. How they are spread is
https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/annotations.md#spatial-index
but for two things: what is taken into a level is decided once for an annotation, not for each of its cells, so that no
annotation is in two levels; and what is taken is the largest share that no cell has too many of, not a share that is so
on average.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainstack.files.morton import Codes, chunk_codes
from brainstack.point_layer import PointLayer

Grid = tuple[int, int, int]
Size = tuple[float, float, float]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MOST_LEVELS = 24
"""The last takes what is left. A cell of the 15th is less than a micrometre across, and no viewer shows more."""

SMALLEST_CELL_UM = 1.0
"""Finer grids tell no points apart that anybody sees apart."""

CELLS_EACH = 8.0
"""Where annotations touch more cells than this on average, they are as large as many cells, and a finer grid would only
write each of them more often."""

CANDIDATES = 1 << 20
"""Pairs of an annotation and a cell that are looked at together: they take about 100 MB."""


@dataclass(frozen=True, eq=False)
class Level:
    """One level. most : annotations that a cell has at most.

    cells : (cells, 3), those that have any, in the order of `codes`. rows : which annotations, cell by cell, in random
    order within a cell. starts : (cells + 1,), where in `rows` each cell begins.
    """

    grid_xyz: Grid
    most: int
    cells: Ints
    codes: Codes
    rows: Ints
    starts: Ints


def levels_of(layer: PointLayer, size_um: Size, *, most_in_cell: int) -> Iterator[Level]:
    """The levels of a layer that fills a volume of this size, from coarse to fine.

    The same layer gives the same levels: chance is drawn from a fixed seed.
    """
    rank = np.random.default_rng(0).permutation(len(layer))
    left, grid = np.arange(len(layer)), (1, 1, 1)
    for number in range(MOST_LEVELS):
        is_last = number == MOST_LEVELS - 1
        level, first_left, touched = _take(layer, left, grid, size_um, rank, len(layer) if is_last else most_in_cell)
        yield level
        left = left[rank[left] >= first_left]
        if not len(left):
            return
        if touched <= CELLS_EACH:
            grid = finer(grid, size_um)


def finer(grid: Grid, size_um: Size) -> Grid:
    """The next grid: along each axis as before or twice as fine, whatever makes its cells most like cubes."""

    def unlikeness(factors: tuple[int, ...]) -> tuple[float, int]:
        sides = [size / (cells * by) for size, cells, by in zip(size_um, grid, factors, strict=True)]
        return max(sides) / min(sides), -sum(factors)

    if max(size / cells for size, cells in zip(size_um, grid, strict=True)) < 2 * SMALLEST_CELL_UM:
        return grid
    best = min(list(itertools.product((1, 2), repeat=3))[1:], key=unlikeness)
    return grid[0] * best[0], grid[1] * best[1], grid[2] * best[2]


def _take(layer: PointLayer, left: Ints, grid: Grid, size_um: Size, rank: Ints, most: int) -> tuple[Level, int, float]:
    """What of the annotations that are left goes into a level, the first rank that does not, and how many cells an
    annotation touches on average."""
    rows, cells = cells_of(layer, left, grid, size_um)
    codes = chunk_codes(grid, *cells.T)
    order = np.lexsort((rank[rows], codes))
    rows, cells, codes = rows[order], cells[order], codes[order]
    starts = np.flatnonzero(np.diff(codes, prepend=codes[:1] + np.uint64(1)))
    counts = np.diff(starts, append=len(codes))
    crowded = starts[counts > most]
    first_left = int(rank[rows[crowded + most]].min()) if len(crowded) else len(layer)
    taken = rank[rows] < first_left
    touched = len(rows) / len(left)
    rows, cells, codes = rows[taken], cells[taken], codes[taken]
    starts = np.flatnonzero(np.diff(codes, prepend=codes[:1] + np.uint64(1)))
    ends = np.append(starts, len(codes))
    return Level(grid, int(np.diff(ends).max()), cells[starts], codes[starts], rows, ends), first_left, touched


def cells_of(layer: PointLayer, left: Ints, grid: Grid, size_um: Size) -> tuple[Ints, Ints]:
    """Each annotation with each cell that it touches. left : which annotations are looked at.

    Returns which annotation, and the cell's x, y, z: (pairs,) and (pairs, 3).
    """
    sides = np.array(size_um) / grid
    if layer.kind == "point":
        return left, _cells_at(layer.first_um[left], sides, grid)
    owners, one, other = _pieces(layer, left)
    low, high = (
        (one - other, one + other) if layer.kind == "ellipsoid" else (np.minimum(one, other), np.maximum(one, other))
    )
    first, last = _cells_at(low, sides, grid), _cells_at(high, sides, grid)
    found = []
    for block in _blocks((last - first + 1).prod(axis=1)):
        pieces, cells = _cells_between(first[block], last[block])
        pieces += block.start
        if layer.kind != "axis_aligned_bounding_box":
            touches = _ellipsoid_touches if layer.kind == "ellipsoid" else _line_touches
            is_touched = touches(one[pieces], other[pieces], cells * sides, sides)
            pieces, cells = pieces[is_touched], cells[is_touched]
        found.append((owners[pieces], cells))
    rows, cells = np.concatenate([rows for rows, _ in found]), np.concatenate([cells for _, cells in found])
    return _without_twins(rows, cells, grid) if layer.kind == "polyline" else (rows, cells)


def _pieces(layer: PointLayer, left: Ints) -> tuple[Ints, Floats, Floats]:
    """Which annotation, and its two places; of a polyline, each of its straight pieces."""
    if layer.kind != "polyline":
        return left, layer.first_um[left], layer.last_um[left]
    counts = layer.starts[left + 1] - layer.starts[left] - 1
    ends = np.cumsum(counts)
    begin = np.repeat(layer.starts[left] - (ends - counts), counts) + np.arange(ends[-1])
    return np.repeat(left, counts), layer.places_um[begin], layer.places_um[begin + 1]


def _cells_at(places_um: Floats, sides_um: Floats, grid: Grid) -> Ints:
    """The cell that each place lies in; the volume's far edges belong to the last cells."""
    return np.clip(np.floor(places_um / sides_um).astype(np.int64), 0, np.array(grid) - 1)


def _blocks(counts: Ints) -> Iterator[slice]:
    """Pieces that have not too many candidates together, or one that has."""
    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        before = ends[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(ends, before + CANDIDATES, side="right")))
        yield slice(start, end)
        start = end


def _cells_between(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """All cells of boxes of cells: which box, and the cell."""
    shape = last - first + 1
    counts = shape.prod(axis=1)
    which = np.repeat(np.arange(len(first)), counts)
    number = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    wide, high = shape[which, 0], shape[which, 1]
    within = np.stack([number % wide, number // wide % high, number // (wide * high)], axis=1)
    return which, first[which] + within


def _line_touches(one: Floats, other: Floats, corner: Floats, sides: Floats) -> NDArray[np.bool_]:
    """Whether the line from `one` to `other` has a point in the box: it is in all three of its slabs at one time."""
    way = other - one
    is_along = way == 0
    speed = np.where(is_along, 1.0, way)
    times = np.stack([(corner - one) / speed, (corner + sides - one) / speed])
    never = is_along & ((one < corner) | (one > corner + sides))
    enters = np.where(is_along, 0.0, times.min(axis=0)).max(axis=1)
    leaves = np.where(is_along, 1.0, times.max(axis=0)).min(axis=1)
    return np.asarray((np.maximum(enters, 0) <= np.minimum(leaves, 1)) & ~never.any(axis=1))


def _ellipsoid_touches(middle: Floats, radii: Floats, corner: Floats, sides: Floats) -> NDArray[np.bool_]:
    """Whether the point of the box that is nearest the middle lies in the ellipsoid."""
    away = np.abs(np.clip(middle, corner, corner + sides) - middle)
    return np.asarray((np.where(away == 0, 0.0, away / np.maximum(radii, 1e-12)) ** 2).sum(axis=1) <= 1)


def _without_twins(rows: Ints, cells: Ints, grid: Grid) -> tuple[Ints, Ints]:
    """A polyline touches a cell once, with however many of its pieces."""
    codes = chunk_codes(grid, *cells.T)
    order = np.lexsort((codes, rows))
    rows, cells, codes = rows[order], cells[order], codes[order]
    is_first = np.append(True, (rows[1:] != rows[:-1]) | (codes[1:] != codes[:-1]))
    return rows[is_first], cells[is_first]
