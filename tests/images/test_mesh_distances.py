"""How far surfaces are apart, where it is known."""

from __future__ import annotations

import numpy as np
import pytest

from brainstack.images.mesh_distances import distance
from brainstack.triangles import Mesh


def cube(side: float) -> Mesh:
    """Of twelve large triangles, about the origin."""
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * side / 2
    faces = [
        *((0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1)),
        *((2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3)),
    ]
    return Mesh(corners.astype(np.float64), np.array(faces))


def test_a_surface_is_nowhere_from_itself() -> None:
    assert distance(cube(100), cube(100), samples=500).largest_um == pytest.approx(0, abs=1e-9)


def test_a_larger_cube_is_half_the_difference_away() -> None:
    found = distance(cube(100), cube(120), samples=2000)
    assert found.largest_um == pytest.approx(np.sqrt(3) * 10)  # at the corners
    assert found.mean_um == pytest.approx(10, rel=0.1)
    assert found.mean_um <= found.most_um <= found.largest_um


def test_a_cube_that_was_moved_is_as_far_as_it_was_moved() -> None:
    moved = Mesh(cube(100).vertices + np.array((30, 0, 0)), cube(100).faces)
    assert distance(cube(100), moved, samples=2000).largest_um == pytest.approx(30)
