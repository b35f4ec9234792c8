"""NeuroglancerMesh: skeletons, the middle lines of labels, where they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import skeletonize

AHEAD = [step for step in product((-1, 0, 1), repeat=3) if step > (0, 0, 0)]
"""Of the 26 voxels around one, those that come behind it."""


@dataclass(frozen=True, eq=False)
class Skeleton:
    """vertices : (n, 3) float64, (z, y, x) in voxels, whose middles are whole numbers. edges : (m, 2)."""

    vertices: NDArray[np.float64]
    edges: NDArray[np.int64]


def skeletons(labels: NDArray[Any]) -> Iterator[tuple[int, Skeleton]]:
    """(label, its skeleton) of each label but 0, in order. labels : (z, y, x) of whole numbers.

    Thinning after Lee, Kashyap and Chu (1994). A label that is a point is one vertex.
    """
    known, numbers = np.unique(labels, return_inverse=True)
    numbers = numbers.reshape(labels.shape) + (1 if known[0] != 0 else 0)
    for label, box in zip(known[known != 0].tolist(), ndimage.find_objects(numbers), strict=True):
        thin = skeletonize(np.pad(labels[box] == label, 1))
        yield label, _connected(thin, np.array([one.start for one in box]) - 1)


def _connected(thin: NDArray[np.bool_], corner: NDArray[np.int64]) -> Skeleton:
    """The voxels that are left, each joined to those around it. thin : with a frame of nothing."""
    places = np.argwhere(thin)
    number = np.full(thin.shape, -1)
    number[tuple(places.T)] = np.arange(len(places))
    edges = []
    for step in AHEAD:
        other = number[tuple((places + step).T)]
        edges.append(np.stack([np.flatnonzero(other >= 0), other[other >= 0]], axis=1))
    return Skeleton((places + corner).astype(np.float64), np.concatenate(edges))
