"""Where the refinement of a pair begins: a ring of rotations on a coarse picture, then ever finer ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from scipy import fft
from scipy.optimize import minimize

from brainstack import geometry
from brainstack.geometry import Matrix
from brainstack.images.levels import Level, Light, centroid, likeness, warped
from brainstack.settings import ElastixSettings

TURNED_COST = 0.12
"""How much more alike two sections must be half a turn from how they lie on their slides (correlation): neighbours 50
um apart are by 0.3 and more; sections half a millimetre apart, near the end of a brain, are as alike either way."""


def ring_start(coarse: Level, settings: ElastixSettings, pixel_size_um: float) -> Matrix:
    """The best of a full circle of rotations, refined on this level, in pixels of the thumbnail: fixed to moving.

    Of two that are about as good, the one that turns the section less, as most are mounted alike.
    """
    candidates = [_climbed(coarse, matrix) for matrix in _ring(coarse, settings, pixel_size_um)]
    return max(candidates, key=lambda matrix: likeness(coarse, matrix) - TURNED_COST * _turn(matrix))


def _turn(matrix: Matrix) -> float:
    """From 0 for no turn to 1 for half a turn."""
    return float(1 - matrix[0, 0]) / 2


def refined_start(levels: Sequence[Level], start: Matrix, settings: ElastixSettings) -> Matrix:
    """A start, refined on one level after the other, where that makes the two more alike."""
    for level in levels:
        start = max(start, _ecc(level, start, settings), key=lambda matrix: likeness(level, matrix))
    return start


def _climbed(level: Level, start: Matrix) -> Matrix:
    """The start, moved to where the two are most alike (Nelder and Mead 1965): from the next of ten degrees the
    gradient that ECC follows may point elsewhere."""
    shape = level.fixed.shape
    radius_px = max(shape) / 4  # a turn that moves the rim of the tissue by a pixel counts as one
    at_level = geometry.scaled(start, 1 / level.factor)

    def moved(by: npt.NDArray[np.float64]) -> Matrix:
        turned = at_level @ geometry.rigid(by[0] / radius_px, by[1], by[2], shape)
        return geometry.scaled(turned, level.factor)

    corners = np.array([[0.0, 0.0, 0.0], [3.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]])
    found = minimize(
        lambda by: -likeness(level, moved(by)),
        corners[0],
        method="Nelder-Mead",
        options={"initial_simplex": corners, "maxfev": 80, "xatol": 0.1, "fatol": 1e-3},
    )
    return moved(found.x)


def _ring(level: Level, settings: ElastixSettings, pixel_size_um: float) -> list[Matrix]:
    """The best few of a full circle of rotations, and none, each with its best shift, in pixels of the thumbnail.

    The shift is where the two correlate most, found for all shifts at once by Fourier transform. What is wide and even
    is taken away first: a small section lies equally well anywhere on a large one, but its outline does not.
    """
    reach = 2 * max(level.fixed.shape)
    side = fft.next_fast_len(reach, real=True)
    middle = (side - 1) / 2
    fixed_to_middle = geometry.shift(*(middle - centroid(level.fixed_mask)))
    middle_to_moving = geometry.shift(*(centroid(level.moving_mask) - middle))
    blur_px = settings.outline_um / pixel_size_um / level.factor
    fixed = _outlined(warped(level.fixed, geometry.inverse(fixed_to_middle), (side, side)), blur_px)
    spectrum = np.conj(fft.rfft2(fixed))
    scored = []
    for turn in range(settings.ring_steps):
        rotation = geometry.rigid(2 * math.pi * turn / settings.ring_steps, 0, 0, (side, side))
        moving = _outlined(warped(level.moving, middle_to_moving @ rotation, (side, side)), blur_px)
        likeness = fft.irfft2(spectrum * fft.rfft2(moving), s=(side, side))
        row, column = np.unravel_index(np.argmax(likeness), likeness.shape)
        shift = geometry.shift(*((int(at) + side // 2) % side - side // 2 for at in (column, row)))
        matrix = middle_to_moving @ rotation @ shift @ fixed_to_middle
        scored.append((float(likeness[row, column]), geometry.scaled(matrix, level.factor)))
    best = _peaks([score for score, _ in scored])[: settings.candidates]
    return [scored[turn][1] for turn in dict.fromkeys([*best, 0])]


def _peaks(ring: list[float]) -> list[int]:
    """Where the ring is no lower than on both sides, highest first."""
    peaks = [at for at in range(len(ring)) if ring[at] >= max(ring[at - 1], ring[(at + 1) % len(ring)])]
    return sorted(peaks, key=lambda at: (-ring[at], at))


def _outlined(light: Light, blur_px: float) -> Light:
    return np.asarray(light - cv2.GaussianBlur(light, (0, 0), blur_px))


def _ecc(level: Level, matrix: Matrix, settings: ElastixSettings) -> Matrix:
    """The matrix, refined on this level; as it was where the method finds no way on."""
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, settings.ecc_iterations, 1e-5)
    begin = geometry.scaled(matrix, 1 / level.factor)[:2].astype(np.float32)
    try:
        # No masks: glass counts as dark, so that a small section does not slide about on a large one.
        _, found = cv2.findTransformECC(level.fixed, level.moving, begin, cv2.MOTION_EUCLIDEAN, criteria)
    except cv2.error:
        return matrix
    rotation = math.atan2(found[1, 0], found[0, 0])
    refined = geometry.shift(float(found[0, 2]), float(found[1, 2])) @ geometry.rigid(rotation, 0, 0, (1, 1))
    return geometry.scaled(refined, level.factor)
