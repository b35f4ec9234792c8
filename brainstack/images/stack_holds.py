"""What holds a stack to a shape from outside: the brain's plane of symmetry, or a reference volume.

What neighbours say drifts: a few micrometres a pair become hundreds along the stack. An absolute place of each section,
however roughly known, keeps that from growing, while neighbours go on saying how sections lie on each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from brainstack.geometry import Matrix, inverse, points, rigid
from brainstack.images.midline import Midline
from brainstack.images.stack_solving import Frame, Hold


def midline_holds(
    placed: Mapping[int, Matrix], midlines: Mapping[int, Midline], frame: Frame, sigma_um: tuple[float, float]
) -> tuple[Frame, list[Hold]]:
    """Holds that turn and shift each section until its axis of symmetry lies in one plane: the median of all of them.

    placed : by place in the chain, from the aligned frame to the section's canvas, to begin with. sigma_um : of the
    rotation, at the tissue's radius, and of the shift across the plane; along it the axis says nothing. Returns the
    frame with shifts across and along the plane, and the holds.
    """
    (turn_rad, distance_um), lines = _plane_and_lines(placed, midlines, frame)
    if not lines:
        return frame, []
    across = replace(frame, axis_rad=turn_rad + math.pi / 2)
    holds = []
    for place, (angle_rad, off_um) in lines.items():
        by_px = (off_um - distance_um) / frame.pixel_size_um
        x_px, y_px = -math.sin(angle_rad) * by_px, math.cos(angle_rad) * by_px
        onto_plane = rigid(angle_rad - turn_rad, x_px, y_px, frame.shape)
        holds.append(Hold(place, placed[place] @ onto_plane, (*sigma_um, math.inf)))
    return across, holds


SMOOTH_SECTIONS = 5.0
"""Drift is what is left of an error once it is smoothed along the stack by so many sections (sigma); jitter is the
rest."""
FEWEST_AXES = 5


@dataclass(frozen=True)
class OffPlane:
    """How far a stack leaves its plane of symmetry, of all sections whose axis is known: in rotation (at the tissue's
    radius) and across the plane, in micrometres. drift_um, jitter_um : median and largest."""

    axes: int
    drift_um: tuple[float, float]
    jitter_um: tuple[float, float]


def off_plane(placed: Mapping[int, Matrix], midlines: Mapping[int, Midline], frame: Frame) -> OffPlane | None:
    """placed, midlines : as in `midline_holds`. None where there are too few axes."""
    (turn_rad, distance_um), lines = _plane_and_lines(placed, midlines, frame)
    if len(lines) < FEWEST_AXES:
        return None
    off_um, known = np.zeros((max(lines) + 1, 2)), np.zeros((max(lines) + 1, 1))
    for place, (angle_rad, away_um) in lines.items():
        off_um[place] = (angle_rad - turn_rad) * frame.radius_um, away_um - distance_um
        known[place] = 1
    there = known[:, 0] > 0
    weights = gaussian_filter1d(known, SMOOTH_SECTIONS, axis=0, mode="nearest")[there]
    slow_um = gaussian_filter1d(off_um, SMOOTH_SECTIONS, axis=0, mode="nearest")[there] / weights
    drift_um, jitter_um = (np.linalg.norm(one, axis=1) for one in (slow_um, off_um[there] - slow_um))
    return OffPlane(len(lines), _median_and_largest(drift_um), _median_and_largest(jitter_um))


def _median_and_largest(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    return float(np.median(values)), float(values.max())


def _plane_and_lines(
    placed: Mapping[int, Matrix], midlines: Mapping[int, Midline], frame: Frame
) -> tuple[tuple[float, float], dict[int, tuple[float, float]]]:
    """The median axis, and each that is known by its place with the direction nearer to that one's: angle and distance,
    as in `_line`."""
    lines = {place: _line(one, placed[place], frame) for place, one in midlines.items() if place in placed}
    if not lines:
        return (0.0, 0.0), {}
    plane = _median_line(np.array([*lines.values()]))
    return plane, {place: _facing(*line, plane[0]) for place, line in lines.items()}


def _line(one: Midline, matrix: Matrix, frame: Frame) -> tuple[float, float]:
    """The axis in the aligned frame: its angle, and its distance from the centre in um along (-sin, cos)."""
    centre = np.array([(frame.shape[1] - 1) / 2, (frame.shape[0] - 1) / 2])
    along = np.array([math.cos(one.angle_rad), math.sin(one.angle_rad)])
    nearest = centre + one.distance_um / frame.pixel_size_um * np.array([-along[1], along[0]])
    start, end = points(inverse(matrix), np.array([nearest, nearest + along]))
    angle_rad = math.atan2(end[1] - start[1], end[0] - start[0])
    normal = np.array([-math.sin(angle_rad), math.cos(angle_rad)])
    return angle_rad, float(normal @ (start - centre)) * frame.pixel_size_um


def _facing(angle_rad: float, distance_um: float, towards_rad: float) -> tuple[float, float]:
    """The same line with the direction, of its two, that is nearer to another."""
    half_turns = round((towards_rad - angle_rad) / math.pi)
    return angle_rad + half_turns * math.pi, -distance_um if half_turns % 2 else distance_um


def _median_line(lines: npt.NDArray[np.float64]) -> tuple[float, float]:
    """lines : (count, 2), angle and distance. Directions are doubled to be averaged, as a line has two."""
    middle_rad = math.atan2(np.sin(2 * lines[:, 0]).sum(), np.cos(2 * lines[:, 0]).sum()) / 2
    facing = np.array([_facing(angle, distance, middle_rad) for angle, distance in lines])
    return float(np.median(facing[:, 0])), float(np.median(facing[:, 1]))


def rebased(placed: Mapping[int, Matrix], holds: Sequence[Hold], frame: Frame) -> dict[int, Matrix]:
    """The same places in the frame that the holds are about: the whole stack moved by the pull that most agree with.

    placed : as in `midline_holds`. Without holds it stays.
    """
    pulls = [inverse(placed[one.place]) @ one.matrix for one in holds if one.place in placed]
    if not pulls:
        return dict(placed)
    moves = np.array([frame.moves_um(pull) for pull in pulls])
    turns = moves[:, :1] / frame.radius_um
    apart = 2 * np.abs(np.sin((turns - turns.T) / 2)) * frame.radius_um
    apart += np.hypot(*(moves[:, way, np.newaxis] - moves[:, way] for way in (1, 2)))
    best = pulls[int(np.argmin(np.median(apart, axis=1)))]
    return {place: matrix @ best for place, matrix in placed.items()}
