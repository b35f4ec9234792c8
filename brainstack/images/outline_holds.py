"""The tissue's outline as a smooth surface along the stack: what holds sections that have neither an axis of symmetry
nor a reference.

A section that is turned or shifted against those around it leaves the surface that they have together. What drifts
slowly does not leave it; and where the brain's own shape bends, a smooth surface cuts the bend short and bends the
stack instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from brainstack.errors import BrainstackError
from brainstack.geometry import Matrix, inverse, points
from brainstack.images.pair_check import high_limit
from brainstack.images.stack_solving import Frame, Hold

Numbers = npt.NDArray[np.float64]
Outline = Sequence[Numbers]
"""Of each piece the points of its outer rim, (count, 2): x and y in micrometres from the centre of the canvas."""

POINT_UM = 50.0
"""From point to point along the rim."""
PIECE_SHARE = 0.05
"""Pieces smaller than this share of the largest do not count."""
DISTANCE_PX_UM = 100.0
"""Distances to outlines are kept on pixels of this size, and interpolated between."""
STRAYING_UM = 40.0
"""Points of the rim that lie further than this from the surface count ever less (Cauchy's loss): there the shape
changes, or tissue is lost."""
STRAYING_SHARE = 0.9
STRAYING_FACTOR = 4.0
"""A section is left out where this quantile of its rim's distances from the surface is larger than that of most, by so
many times the scatter."""
FITS = 20
"""Each is reweighted so many times. Of the real brain's sections half then lie within 0.2 um of where more would take
them; single ones, whose rim fits in two ways, are still on their way, by up to 140 um."""
ROUNDS = 2
"""The first finds the sections that are left out."""


def find_outline(mask: npt.NDArray[np.bool_], pixel_size_um: float) -> list[Numbers]:
    """mask : (rows, columns) bool, True on tissue. Raises BrainstackError where it is empty."""
    rims = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    if not rims:
        raise BrainstackError("The mask of the section is empty; paint its tissue or make it a gap.")
    areas = [cv2.contourArea(rim) for rim in rims]
    step = max(1, round(POINT_UM / pixel_size_um))
    centre = np.array([(mask.shape[1] - 1) / 2, (mask.shape[0] - 1) / 2])
    return [
        (rim[::step, 0] - centre) * pixel_size_um
        for rim, area in zip(rims, areas, strict=True)
        if area >= PIECE_SHARE * max(areas)
    ]


def outline_holds(
    placed: Mapping[int, Matrix], outlines: Mapping[int, Outline], depths_um: Sequence[float], frame: Frame, *,
    sigma_um: float, smoothing_um: float,
) -> list[Hold]:  # fmt: skip
    """Holds that turn and shift each section until its outline lies on the smooth surface of those around it.

    placed : by place in the chain, from the aligned frame to the section's canvas, to begin with. depths_um : of all
    places. sigma_um : of the rotation, at the tissue's radius, and of both shifts. smoothing_um : along the stack, as
    the sigma of a local line (Cleveland 1979) through signed distances to the outlines, positive inside: their zero is
    the surface. Damaged sections, whose outline strays from it, are left out of it and not held.
    """
    places = [place for place in sorted(placed) if place in outlines]
    if not places:
        return []
    rims = [_in_aligned_frame(outlines[place], placed[place], frame) for place in places]
    corner = np.floor(np.min([rim.min(axis=0) for one in rims for rim in one], axis=0)) - 2 * DISTANCE_PX_UM
    far = np.max([rim.max(axis=0) for one in rims for rim in one], axis=0) + 2 * DISTANCE_PX_UM
    columns, rows = np.ceil((far - corner) / DISTANCE_PX_UM).astype(int) + 1
    on_pixels = [[(rim - corner) / DISTANCE_PX_UM for rim in one] for one in rims]
    distances_um = np.array([_signed_distance_um(one, (rows, columns)) for one in on_pixels])
    points_of = [(np.concatenate(px), np.concatenate(um)) for px, um in zip(on_pixels, rims, strict=True)]
    depth_um = np.array([depths_um[place] for place in places], float)
    counts = np.ones(len(places))
    moves, straying = np.zeros((len(places), 3)), np.zeros(len(places))
    for _ in range(ROUNDS):
        weights = np.array([_weights(depth_um, at, counts, smoothing_um) for at in range(len(places))], np.float32)
        surfaces_um = (weights @ distances_um.reshape(len(places), -1)).reshape(distances_um.shape)
        for at in range(len(places)):
            moves[at], straying[at] = _onto(surfaces_um[at], distances_um[at], *points_of[at], frame.radius_um)
        counts = (straying <= high_limit(straying, STRAYING_FACTOR, 0.0)).astype(float)
    return [
        Hold(place, placed[place] @ inverse(frame.matrix_of(move)), (sigma_um,) * 3)
        for place, move, count in zip(places, moves, counts, strict=True)
        if count
    ]


def _in_aligned_frame(outline: Outline, matrix: Matrix, frame: Frame) -> list[Numbers]:
    """In micrometres from the centre of the aligned frame."""
    centre = np.array([(frame.shape[1] - 1) / 2, (frame.shape[0] - 1) / 2])
    to_aligned = inverse(matrix)
    return [(points(to_aligned, rim / frame.pixel_size_um + centre) - centre) * frame.pixel_size_um for rim in outline]


def _signed_distance_um(rims: Sequence[Numbers], shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """rims : in pixels. (rows, columns), positive inside."""
    inside = np.zeros(shape, np.uint8)
    cv2.fillPoly(inside, [np.round(rim * 16).astype(np.int32) for rim in rims], 1, shift=4)
    to_rim = cv2.distanceTransform(inside, cv2.DIST_L2, 5) - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    return np.asarray(to_rim * DISTANCE_PX_UM, np.float32)


def _weights(depth_um: Numbers, at: int, counts: Numbers, smoothing_um: float) -> Numbers:
    """What each section counts at the depth of one, of a line through those around it: (count,), of sum 1."""
    away = (depth_um - depth_um[at]) / smoothing_um
    root = np.exp(-(away**2) / 4) * counts
    line = np.stack([np.ones_like(away), away], axis=1) * root[:, np.newaxis]
    return np.asarray(np.linalg.pinv(line)[0] * root)


def _onto(
    smooth_um: npt.NDArray[Any], own_um: npt.NDArray[Any], at_px: Numbers, at_um: Numbers, radius_um: float
) -> tuple[Numbers, float]:
    """The turn (as a length at the radius) and the shift that take points of a rim onto the surface, in micrometres:
    (3,); and how far from it they are then, as `STRAYING_SHARE` has it.

    smooth_um, own_um : distances to the surface and to the rim itself, which are 0 a part of a pixel beside it.
    """
    smooth, own, down, across = (_read(plane, at_px) for plane in (smooth_um, own_um, *np.gradient(smooth_um)))
    off_um = smooth - own
    steep = np.maximum(np.hypot(down, across), 1e-6)
    across, down = across / steep, down / steep
    turning = (at_um[:, 0] * down - at_um[:, 1] * across) / radius_um
    by_move = np.stack([turning, across, down], axis=1)
    move: Numbers = np.zeros(3)
    left_um: Numbers = off_um
    for _ in range(FITS):  # reweighted least squares (Holland and Welsch 1977): three unknowns need no more
        weights = 1 / (1 + (left_um / STRAYING_UM) ** 2)
        weighted = by_move * weights[:, np.newaxis]
        move = -np.asarray(np.linalg.lstsq(weighted.T @ by_move, weighted.T @ off_um, rcond=None)[0], float)
        left_um = off_um + by_move @ move
    return move, float(np.quantile(np.abs(left_um), STRAYING_SHARE))


def _read(plane: npt.NDArray[Any], at_px: Numbers) -> Numbers:
    columns, rows = (at_px[np.newaxis, :, way].astype(np.float32) for way in (0, 1))
    return np.asarray(cv2.remap(plane.astype(np.float32), columns, rows, cv2.INTER_LINEAR)[0], np.float64)
