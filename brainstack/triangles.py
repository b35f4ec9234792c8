"""Surfaces made of triangles, and what can be counted of one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Mesh:
    """A surface. vertices : (n, 3) float64, (x, y, z) in micrometres from the outer corner of the volume's first voxel.
    faces : (m, 3) int64, places in `vertices`; seen from outside, counter-clockwise."""

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]

    @property
    def corners(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """The three corners of each triangle, (m, 3) each."""
        first, second, third = (self.vertices[self.faces[:, corner]] for corner in range(3))
        return first, second, third


def volume_um3(mesh: Mesh) -> float:
    """What a closed surface encloses, in cubic micrometres (divergence theorem); negative where it is inside out."""
    middle = mesh.vertices.mean(axis=0) if len(mesh.vertices) else np.zeros(3)
    first, second, third = (corner - middle for corner in mesh.corners)
    return float(np.einsum("ij,ij->", first, np.cross(second, third)) / 6)


def open_edges(mesh: Mesh) -> int:
    """How many edges are not shared by exactly two triangles, once in each direction; 0 for a closed surface."""
    ahead = np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]])
    count = max(len(mesh.vertices), 1)
    there, back = np.sort(ahead[:, 0] * count + ahead[:, 1]), np.sort(ahead[:, 1] * count + ahead[:, 0])
    if np.array_equal(there, back) and (np.diff(there) != 0).all():
        return 0
    found, times = np.unique(there, return_counts=True)
    return int((times != 1).sum() + (~np.isin(found, back)).sum())


def normals(mesh: Mesh) -> NDArray[np.float64]:
    """Outward normals of the triangles, (m, 3), as long as each is large (square micrometres)."""
    first, second, third = mesh.corners
    crossed: NDArray[np.float64] = np.cross(second - first, third - first) / 2
    return crossed


def merged(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> Mesh:
    """The same triangles with vertices at one place made one, and without triangles that are none then.

    vertices : (n, 3). faces : (m, 3).
    """
    unique, place = np.unique(vertices, axis=0, return_inverse=True)
    joined = place.reshape(-1)[faces]
    first, second, third = joined.T
    return Mesh(unique, joined[(first != second) & (second != third) & (third != first)])
