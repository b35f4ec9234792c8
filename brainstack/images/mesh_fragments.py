"""A surface in several levels of detail, cut into the cells of an octree: what a viewer fetches piece by piece.

A cell of level k is 2**k cells of the finest level a side. In a cell, places are whole numbers from 0 to the highest
that the format has, so that the pieces of neighbours meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainstack.triangles import Mesh

QUANTIZATION_BITS = 16
HIGHEST = 2**QUANTIZATION_BITS - 1

Cell = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Fragment:
    """The triangles in a cell. position : of the cell, (x, y, z), counted in cells of its level. vertices : (n, 3)
    int32 from 0 to HIGHEST. faces : (m, 3). Without any where only finer levels have something there."""

    position: Cell
    vertices: NDArray[np.int32]
    faces: NDArray[np.uint32]


@dataclass(frozen=True, eq=False)
class Octree:
    """origin_nm, cell_nm : (x, y, z) of the octree's corner, and of the finest cells; float32. levels : of each level
    its fragments, the finest first. scales_nm : how long the edges of each level's triangles are."""

    origin_nm: NDArray[np.float32]
    cell_nm: NDArray[np.float32]
    levels: tuple[tuple[Fragment, ...], ...]
    scales_nm: tuple[float, ...]

    @property
    def triangles(self) -> int:
        """Of the finest level; those that are cut count as often as they have parts."""
        return sum(len(one.faces) for one in self.levels[0])


def octree(levels: Sequence[Mesh]) -> Octree:
    """Cut the levels of a surface, the finest first, into the cells of an octree whose coarsest level is one cell."""
    low = np.min([level.vertices.min(axis=0) for level in levels], axis=0)
    high = np.max([level.vertices.max(axis=0) for level in levels], axis=0)
    origin = _at_most(np.floor(low * 1000))
    across = 2 ** (len(levels) - 1)
    cell = -_at_most(-np.ceil((high * 1000 - origin) / across + 1))  # what ends at the far side is inside too
    found: list[dict[Cell, Fragment]] = []
    for level, mesh in enumerate(levels):
        fragments = _fragments(mesh, origin.astype(np.float64), cell.astype(np.float64) * 2**level, is_halved=level > 0)
        if found:  # a viewer comes from the coarser to the finer
            for x, y, z in found[-1]:
                fragments.setdefault((x // 2, y // 2, z // 2), _nothing((x // 2, y // 2, z // 2)))
        found.append(fragments)
    return Octree(
        origin, cell, tuple(tuple(one.values()) for one in found), tuple(edge_length_um(one) * 1000 for one in levels)
    )


def _at_most(numbers: NDArray[np.float64]) -> NDArray[np.float32]:
    """The highest of 32 bits that are not above: beyond 16.8 mm the nearest may be a nanometre more."""
    nearest = numbers.astype(np.float32)
    return np.where(nearest > numbers, np.nextafter(nearest, np.float32(-np.inf)), nearest)


def edge_length_um(mesh: Mesh) -> float:
    """The mean length of the edges."""
    first, second, third = mesh.corners
    edges = [np.linalg.norm(a - b, axis=1) for a, b in ((first, second), (second, third), (third, first))]
    return float(np.mean(edges))


def _fragments(
    mesh: Mesh, origin: NDArray[np.float64], cell: NDArray[np.float64], *, is_halved: bool
) -> dict[Cell, Fragment]:
    """The fragments of a level. is_halved : no triangle may go across the middle of a cell, where finer cells end."""
    parts = 2 if is_halved else 1
    triangles = ((mesh.vertices * 1000 - origin) / cell)[mesh.faces]
    for axis in range(3):
        triangles = _cut(triangles, axis, 1 / parts)
    cells = np.floor(triangles.mean(axis=1)).astype(np.int64)
    order = np.lexsort(cells.T)
    cells, triangles = cells[order], triangles[order]
    starts = np.flatnonzero(np.any(np.diff(cells, axis=0, prepend=cells[:1] - 1) != 0, axis=1))
    found = {}
    for start, end in zip(starts, [*starts[1:], len(cells)], strict=True):
        x, y, z = cells[start].tolist()
        corners = (triangles[start:end] - cells[start]).reshape(-1, 3)
        places = np.clip(np.rint(corners * HIGHEST), 0, HIGHEST)
        fragment = _fragment((x, y, z), places.astype(np.int64))
        if len(fragment.faces):
            found[x, y, z] = fragment
    return found


def _fragment(position: Cell, corners: NDArray[np.int64]) -> Fragment:
    """corners : (3 m, 3), of one triangle after the other. Those at one place become one."""
    keys, place = np.unique(corners @ (1, 1 << QUANTIZATION_BITS, 1 << 2 * QUANTIZATION_BITS), return_inverse=True)
    faces = place.reshape(-1, 3)
    first, second, third = faces.T
    faces = faces[(first != second) & (second != third) & (third != first)]
    vertices = np.stack([keys >> shift * QUANTIZATION_BITS & HIGHEST for shift in range(3)], axis=1)
    return Fragment(position, vertices.astype(np.int32), faces.astype(np.uint32))


Triangles = NDArray[np.float64]
"""(m, 3, 3): of each its three corners, of each x, y and z."""


def _cut(triangles: Triangles, axis: int, step: float) -> Triangles:
    """The triangles, cut wherever they cross a plane at a multiple of `step` along an axis."""
    done = []
    while len(triangles):
        along = triangles[:, :, axis]
        plane = (np.floor(along.min(axis=1) / step) + 1) * step
        crossing = along.max(axis=1) > plane
        done.append(triangles[~crossing])
        triangles, plane = triangles[crossing], plane[crossing]
        below, triangles = _cut_once(triangles, axis, plane)
        done.append(below)
    return np.concatenate(done)


def _cut_once(triangles: Triangles, axis: int, plane: NDArray[np.float64]) -> tuple[Triangles, Triangles]:
    """What of triangles that all cross their plane lies below it, and what above."""
    side = np.sign(triangles[:, :, axis] - plane[:, np.newaxis])
    has_on = (side == 0).any(axis=1)
    # The corner that is alone on its side comes first; or the one that is on the plane.
    alone = np.where(has_on[:, np.newaxis], side == 0, side == -np.sign(side.sum(axis=1))[:, np.newaxis])
    order = (alone.argmax(axis=1)[:, np.newaxis] + np.arange(3)) % 3
    ordered = np.take_along_axis(triangles, order[:, :, np.newaxis], axis=1)
    side = np.take_along_axis(side, order, axis=1)
    on, other = ordered[has_on], ordered[~has_on]
    first, second, third = on[:, 0], on[:, 1], on[:, 2]
    middle = _crossing(second, third, axis, plane[has_on])
    halves = [(_triangle(first, second, middle), side[has_on, 1]), (_triangle(first, middle, third), side[has_on, 2])]
    lone, left, right = other[:, 0], other[:, 1], other[:, 2]
    one, two = (_crossing(lone, end, axis, plane[~has_on]) for end in (left, right))
    tip = side[~has_on, 0]
    halves.append((_triangle(lone, one, two), tip))
    halves += [(_triangle(one, left, right), -tip), (_triangle(one, right, two), -tip)]
    below = np.concatenate([part[where < 0] for part, where in halves])
    above = np.concatenate([part[where > 0] for part, where in halves])
    return below, above


def _triangle(*corners: NDArray[np.float64]) -> Triangles:
    return np.stack(corners, axis=1)


def _crossing(
    one: NDArray[np.float64], other: NDArray[np.float64], axis: int, plane: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Where edges cross planes; to the last digit the same for both triangles that share an edge."""
    swapped = (one[:, axis] > other[:, axis])[:, np.newaxis]
    low, high = np.where(swapped, other, one), np.where(swapped, one, other)
    share = (plane - low[:, axis]) / (high[:, axis] - low[:, axis])
    at = low + (high - low) * share[:, np.newaxis]
    at[:, axis] = plane
    return np.asarray(at)


def _nothing(position: Cell) -> Fragment:
    return Fragment(position, np.zeros((0, 3), np.int32), np.zeros((0, 3), np.uint32))
