"""DifferentMesh: how far one surface is from another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from brainstack.triangles import Mesh, normals

SAMPLES = 10_000
NEAREST = 20
"""Triangles whose distance to a point is measured, those on which the nearest seeds lie: their middles, ..."""

SEEDS_A_SAMPLE = 4
"""... and so many random points for each that is measured, so that large triangles have many."""


@dataclass(frozen=True)
class Distance:
    """How far surfaces are apart, in micrometres, both ways: on average, 95 % of them at most, and at most (the
    Hausdorff distance, as far as samples find it)."""

    mean_um: float
    most_um: float
    largest_um: float


def distance(one: Mesh, other: Mesh, *, samples: int = SAMPLES) -> Distance:
    """Between two surfaces, from random points of each (the same ones each time) to the triangles of the other."""
    ways = ((one, other), (other, one))
    both = np.concatenate([_to_surface(_points_on(start, samples)[0], end, samples) for start, end in ways])
    return Distance(float(both.mean()), float(np.quantile(both, 0.95)), float(both.max()))


def _points_on(mesh: Mesh, count: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Random points, as many on each triangle as it is large, and the corners of each; and the triangle of each."""
    random = np.random.default_rng(1)
    areas = np.linalg.norm(normals(mesh), axis=1)
    chosen = random.choice(len(areas), count, p=areas / areas.sum())
    first, second, third = (corner[chosen] for corner in mesh.corners)
    u, v = random.random((2, count, 1))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    inside = first + u * (second - first) + v * (third - first)
    some = random.permutation(len(mesh.faces))[:count]
    corners = np.concatenate([corner[some] for corner in mesh.corners])
    return np.concatenate([inside, corners]), np.concatenate([chosen, np.tile(some, 3)])


def _to_surface(points: NDArray[np.float64], mesh: Mesh, samples: int) -> NDArray[np.float64]:
    """How far each point is from the nearest triangle, of those that points near it lie on."""
    first, second, third = mesh.corners
    more, of = _points_on(mesh, SEEDS_A_SAMPLE * samples)
    seeds = np.concatenate([(first + second + third) / 3, more])
    triangles = np.concatenate([np.arange(len(mesh.faces)), of])
    count = min(NEAREST, len(seeds))
    _, near = cKDTree(seeds).query(points, k=count)
    nearest = np.full(len(points), np.inf)
    for column in triangles[near.reshape(len(points), count)].T:
        nearest = np.minimum(nearest, _to_triangle(points, first[column], second[column], third[column]))
    return nearest


def _to_triangle(
    points: NDArray[np.float64], first: NDArray[np.float64], second: NDArray[np.float64], third: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far each point is from a triangle of its own: from its plane where it lies over it, else from an edge."""
    normal = np.cross(second - first, third - first)
    length = np.linalg.norm(normal, axis=1)
    over = np.ones(len(points), bool)
    edges = np.full(len(points), np.inf)
    for start, end in ((first, second), (second, third), (third, first)):
        over &= _dot(np.cross(end - start, points - start), normal) >= 0
        edges = np.minimum(edges, _to_edge(points, start, end))
    above = np.abs(_dot(points - first, normal)) / np.maximum(length, 1e-12)
    return np.where(over & (length > 0), above, edges)


def _to_edge(points: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    along = end - start
    share = np.clip(_dot(points - start, along) / np.maximum(_dot(along, along), 1e-12), 0, 1)
    return np.asarray(np.linalg.norm(points - start - share[:, np.newaxis] * along, axis=1))


def _dot(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.einsum("ij,ij->i", one, other))
