"""NeuroglancerMesh, DifferentMesh: the surfaces of labels, block by block, and each with coarser copies.

Blocks share the voxels where they meet, so that their surfaces meet in the same points: joined, those of a label are as
closed as if it had been meshed at once. zmesh makes them (marching cubes of many labels) and simplifies them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import zmesh
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.triangles import Mesh, open_edges

Size = tuple[int, int, int]
ReadRegion = Callable[[tuple[slice, slice, slice]], NDArray[Any] | None]
"""Gives the labels of a box (z, y, x) inside the volume; None where all are 0."""

Piece = tuple[NDArray[np.int32], NDArray[np.uint32]]
"""A label's surface in one block: (n, 3) vertices, (x, y, z) in half voxels from the volume's corner; (m, 3) faces. All
blocks of all labels are kept until the last is meshed: 18 bytes a triangle."""

HALF = 2
"""The surface goes through points half-way between voxels: twice their coordinates are whole numbers."""

LONGEST_UM = 2.0**20
"""A longer surface is none of a brain: 32 bits hold it to 0.06 um."""

FEWEST_TRIANGLES = 4

ROUNDS = 40
"""Of collapsing edges; few are left to collapse after twenty."""

TRIES = 4
"""To simplify a surface, each with half the error, until it stays closed."""


def label_meshes(
    shape_zyx: Size, read: ReadRegion, *, voxel_um: tuple[float, float, float], offset_um: tuple[float, float, float],
    block: int = 512,
) -> Iterator[tuple[int, Mesh]]:  # fmt: skip
    """(label, its surface) of each label but 0, in order; closed, also where the volume ends.

    shape_zyx : of the volume. voxel_um, offset_um : (x, y, z), the latter of its outer corner. block : voxels a side
    that are meshed at once. The surface lies half-way between the middles of voxels, where their faces are.
    """
    pieces: dict[int, list[Piece]] = defaultdict(list)
    for first in np.ndindex(*(-(-length // block) for length in shape_zyx)):
        for label, piece in block_surfaces(shape_zyx, read, [place * block for place in first], block):
            pieces[label].append(piece)
    for label in sorted(pieces):
        at = _joined(pieces.pop(label))
        yield label, Mesh(at.vertices / HALF * np.array(voxel_um) + np.array(offset_um), at.faces)


def block_surfaces(shape: Size, read: ReadRegion, start: Sequence[int], block: int) -> Iterator[tuple[int, Piece]]:
    """(label, its surface) of one block, which begins at `start` (z, y, x).

    It takes in one voxel of each next block, and a frame of nothing where the volume ends.
    """
    ends = [min(one + block + 1, length) for one, length in zip(start, shape, strict=True)]
    region = read((slice(start[0], ends[0]), slice(start[1], ends[1]), slice(start[2], ends[2])))
    if region is None:
        return
    before = [int(one == 0) for one in start]
    frame = [(int(one == 0), int(end == length)) for one, end, length in zip(start, ends, shape, strict=True)]
    mesher = zmesh.Mesher((HALF, HALF, HALF))
    mesher.mesh(np.pad(region, frame).T, close=False)
    for label in sorted(mesher.ids()):
        mesh = mesher.get(label, normals=False, reduction_factor=0, voxel_centered=False)
        mesher.erase(label)
        # zmesh counts from the middle of the block's first voxel; half a voxel more is its corner.
        corner = [HALF * (one - frame_) + 1 for one, frame_ in zip(start, before, strict=True)][::-1]
        vertices = np.rint(mesh.vertices).astype(np.int32) + np.array(corner, np.int32)
        yield int(label), (vertices, mesh.faces.astype(np.uint32))


def _joined(pieces: list[Piece]) -> Mesh:
    """One surface of those of all blocks."""
    corners = np.concatenate([vertices for vertices, _ in pieces])
    starts = np.cumsum([0, *(len(vertices) for vertices, _ in pieces[:-1])])
    faces = np.concatenate([some.astype(np.int64) + start for (_, some), start in zip(pieces, starts, strict=True)])
    low = corners.min(axis=0)
    spans = (corners.max(axis=0) - low + 1).tolist()
    keys = np.ravel_multi_index(tuple((corners - low).T), spans)
    unique, place = np.unique(keys, return_inverse=True)
    vertices = np.stack(np.unravel_index(unique, spans), axis=1) + low
    return Mesh(vertices.astype(np.float64), place[faces])


def simplified(mesh: Mesh, error_um: float) -> Mesh:
    """With as few triangles as can be had while the surface moves by no more than about this; 0 leaves it as it is.

    Edges are collapsed whose quadric error (Garland and Heckbert 1997) is below the square of it. A closed surface
    stays closed: where it would not, as where two sheets touch, the error is halved.
    """
    if len(mesh.faces) <= FEWEST_TRIANGLES:
        return mesh
    origin, was_closed = _origin(mesh), not open_edges(mesh)
    for error in (error_um / 2**tries for tries in range(TRIES if error_um else 0)):
        # The threshold is alpha * (round + K) ** aggressiveness: here the same in each round.
        found = zmesh.simplify_fqmr(
            _for_zmesh(mesh, origin), target_count=FEWEST_TRIANGLES, alpha=error**2, aggressiveness=0, K=1,
            max_iterations=ROUNDS,
        )  # fmt: skip
        fewer = _from_zmesh(found, origin)
        if len(fewer.faces) >= FEWEST_TRIANGLES and not (was_closed and open_edges(fewer)):
            return fewer
    return mesh


def coarser(mesh: Mesh, triangles: int) -> Mesh:
    """With about so many triangles, whatever the error."""
    origin = _origin(mesh)
    target = max(triangles, FEWEST_TRIANGLES)
    fewer = _from_zmesh(zmesh.simplify_fqmr(_for_zmesh(mesh, origin), target_count=target), origin)
    return fewer if len(fewer.faces) >= FEWEST_TRIANGLES else mesh


def levels_of_detail(mesh: Mesh, *, most: int, triangles: int) -> list[Mesh]:
    """The surface, and coarser and coarser copies, each with a quarter of the triangles: until one has no more than
    `triangles`, or there are `most` of them."""
    levels = [mesh]
    while len(levels) < most and len(levels[-1].faces) > triangles:
        fewer = coarser(levels[-1], len(levels[-1].faces) // 4)
        if len(fewer.faces) > 0.7 * len(levels[-1].faces):
            break
        levels.append(fewer)
    return levels


def _origin(mesh: Mesh) -> NDArray[np.float64]:
    """A whole number of micrometres, near which 32 bits are exact. Raises BrainstackError for a surface too long."""
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    if (high - low).max() > LONGEST_UM:
        raise BrainstackError(
            f"A label is {(high - low).max() / 1000:,.0f} mm long; wanted up to {LONGEST_UM / 1000:,.0f}; look at the "
            "voxel size of its volume."
        )
    return np.asarray(np.floor(low))


def _for_zmesh(mesh: Mesh, origin: NDArray[np.float64]) -> zmesh.Mesh:
    return zmesh.Mesh((mesh.vertices - origin).astype(np.float32), mesh.faces.astype(np.uint32), None)


def _from_zmesh(mesh: zmesh.Mesh, origin: NDArray[np.float64]) -> Mesh:
    return Mesh(mesh.vertices.astype(np.float64) + origin, mesh.faces.astype(np.int64))
