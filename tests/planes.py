"""Planes of made-up sections, and what renders them."""

from __future__ import annotations

import numpy as np

from brainstack.images.halving import halve_plane
from brainstack.images.plane_pyramid import Render


def section(
    number: int, shape: tuple[int, int], background: tuple[int, ...] = (0,), dtype: str = "uint16"
) -> np.ndarray:
    """Noise on a background: (rows, columns), or (rows, columns, 3) for a background of three numbers."""
    samples = (3,) if len(background) == 3 else ()
    plane = np.empty((*shape, *samples), dtype)
    plane[...] = background if samples else background[0]
    rows, columns = shape[0] // 2, shape[1] // 2
    noise = np.random.default_rng(number).integers(1, 200, (shape[0] - rows, shape[1] - columns, *samples))
    plane[rows:, columns:] = noise
    return plane


def renders(plane: np.ndarray, background: tuple[int, ...] = (0,)) -> Render:
    """Pieces of a plane, as a section's are rendered."""

    def render(top: int, left: int, out: np.ndarray) -> bool:
        out[...] = plane[top : top + out.shape[0], left : left + out.shape[1]]
        return bool((out != np.array(background, plane.dtype)).any())

    return render


def levels_of(plane: np.ndarray, count: int) -> list[np.ndarray]:
    found = [plane]
    while len(found) < count:
        found.append(halve_plane(found[-1]))
    return found
