"""Where a pixel goes: affine maps of the plane as 3x3 float64 matrices, composed before anything is resampled.

A point is (x, y) = (column, row). A pixel's centre has the whole-number coordinate, so that the pixel reaches from -0.5
to 0.5. Shapes are those of arrays: (rows, columns). Angles are radians, positive from x to y: clockwise on the screen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from brainstack.errors import BrainstackError

Matrix = npt.NDArray[np.float64]
Shape = tuple[int, int]

FLIPS = ("none", "flip", "flop")


@dataclass(frozen=True)
class Rigid:
    """A rotation about the centre of a canvas, in radians, and then a shift, in pixels of that canvas. mirrored : the
    canvas is mirrored left-right about its centre before."""

    rotation_rad: float
    shift_x_px: float
    shift_y_px: float
    mirrored: bool = False


def points(matrix: Matrix, xy: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Where the points go. xy : (..., 2), as (x, y). Returns the same shape, float64."""
    at = np.asarray(xy, dtype=np.float64)
    return np.asarray(at @ matrix[:2, :2].T + matrix[:2, 2], dtype=np.float64)


def shift(x_px: float, y_px: float) -> Matrix:
    """The map that adds (x_px, y_px)."""
    return np.array([[1.0, 0.0, x_px], [0.0, 1.0, y_px], [0.0, 0.0, 1.0]])


def rigid(
    rotation_rad: float, shift_x_px: float, shift_y_px: float, canvas_shape: Shape, *, mirrored: bool = False
) -> Matrix:
    """Rotation about the canvas centre ((columns - 1) / 2, (rows - 1) / 2), then the shift.

    mirrored : left-right about the centre, before both.
    """
    centre_x, centre_y = _centre(canvas_shape)
    cos, sin = math.cos(rotation_rad), math.sin(rotation_rad)
    side = -1.0 if mirrored else 1.0
    rotation = np.array([[side * cos, -sin, 0.0], [side * sin, cos, 0.0], [0.0, 0.0, 1.0]])
    to_centre, back = shift(-centre_x, -centre_y), shift(centre_x + shift_x_px, centre_y + shift_y_px)
    return np.asarray(back @ rotation @ to_centre)


def is_mirrored(matrix: Matrix) -> bool:
    """True for a map that turns left into right."""
    return bool(np.linalg.det(matrix[:2, :2]) < 0)


def rigid_parts(matrix: Matrix, canvas_shape: Shape) -> Rigid:
    """What `rigid` makes this matrix of; the rotation lies in (-pi, pi].

    Raises ValueError for a matrix that stretches.
    """
    turn = matrix[:2, :2]
    if not np.allclose(turn @ turn.T, np.eye(2), atol=1e-6):
        raise ValueError(f"Wanted a rotation and a shift, found {matrix.tolist()}.")
    centre = np.array(_centre(canvas_shape))
    moved = points(matrix, centre) - centre
    side = -1.0 if is_mirrored(matrix) else 1.0
    rotation_rad = math.atan2(side * matrix[1, 0], side * matrix[0, 0])
    return Rigid(rotation_rad, float(moved[0]), float(moved[1]), mirrored=side < 0)


def inverse(matrix: Matrix) -> Matrix:
    """The map back."""
    turn = np.linalg.inv(matrix[:2, :2])
    back = np.eye(3)
    back[:2, :2] = turn
    back[:2, 2] = -turn @ matrix[:2, 2]
    return back


def scaling(factor: float) -> Matrix:
    """The map from a picture to the same picture with `factor` times as many pixels: u -> (u + 0.5) factor - 0.5."""
    offset = (factor - 1.0) / 2.0
    return np.array([[factor, 0.0, offset], [0.0, factor, offset], [0.0, 0.0, 1.0]])


def scaled(matrix: Matrix, factor: float) -> Matrix:
    """The same map between pictures that both have `factor` times as many pixels a side.

    From a thumbnail that is 1/32 of the scan to the scan, the factor is 32.
    """
    return scaling(factor) @ matrix @ inverse(scaling(factor))


def compose_to_middle(pairs: Sequence[Matrix], anchor: int) -> list[Matrix]:
    """For each section, the map from the aligned canvas to that section's canvas: what resampling needs.

    pairs : pair i takes points of section i (fixed) to section i + 1 (moving). anchor : number of the section whose
    canvas is the aligned canvas, so that its own map is the identity. Returns one matrix more than there are pairs.
    Raises ValueError for an anchor outside the stack.
    """
    if not 0 <= anchor <= len(pairs):
        raise ValueError(f"The anchor is section {anchor}, but the sections are 0 to {len(pairs)}.")
    placed = compose_from({anchor: np.eye(3)}, pairs)
    return [placed[number] for number in range(len(pairs) + 1)]


def compose_from(known: Mapping[int, Matrix], pairs: Sequence[Matrix | None]) -> dict[int, Matrix]:
    """The same maps where some are known and stay as they are: each other section follows the nearest known one.

    known : section's number -> its map. pairs : as for `compose_to_middle`, None where there is none. Returns the maps
    of all sections that pairs connect with a known one.
    """
    placed = dict(known)
    newest = sorted(known)
    while newest:
        added = []
        for number in newest:
            after = pairs[number] if number < len(pairs) else None
            if after is not None and number + 1 not in placed:
                placed[number + 1] = after @ placed[number]
                added.append(number + 1)
            before = pairs[number - 1] if number > 0 else None
            if before is not None and number - 1 not in placed:
                placed[number - 1] = inverse(before) @ placed[number]
                added.append(number - 1)
        newest = added
    return placed


def turned_shape(shape: Shape, quarter_turns: int) -> Shape:
    """The shape after so many quarter turns."""
    rows, columns = shape
    return (columns, rows) if quarter_turns % 2 else (rows, columns)


def turning(quarter_turns: int, flip: str, shape: Shape) -> Matrix:
    """From pixels of a picture to those of the turned picture: quarter turns clockwise first, then the flip.

    shape : of the picture before it is turned. flip : "none", "flip" (half a turn) or "flop" (mirror left-right).
    Moves pixel centres as `np.rot90(picture, -quarter_turns)` does, and then `np.rot90(.., 2)` or `np.fliplr`.
    Raises ValueError for another flip.
    """
    if flip not in FLIPS:
        raise ValueError(f"A flip is one of {', '.join(FLIPS)}, found '{flip}'.")
    turns = quarter_turns + 2 * (flip == "flip")
    matrix = np.eye(3)
    for turn in range(turns % 4):
        rows, _ = turned_shape(shape, turn)
        matrix = np.array([[0.0, -1.0, rows - 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]) @ matrix
    if flip == "flop":
        _, columns = turned_shape(shape, quarter_turns)
        matrix = np.array([[-1.0, 0.0, columns - 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]) @ matrix
    return matrix


def placing(shape: Shape, canvas_shape: Shape) -> Matrix:
    """From pixels of a picture to those of a canvas that holds it in its middle: a whole-number shift.

    Where the rows or columns left over are odd in number, the one more is below or on the right. Raises BrainstackError
    for a picture larger than its canvas.
    """
    (rows, columns), (canvas_rows, canvas_columns) = shape, canvas_shape
    if rows > canvas_rows or columns > canvas_columns:
        raise BrainstackError(
            f"The section is {columns} x {rows} pixels and does not fit its canvas of "
            f"{canvas_columns} x {canvas_rows}; make the canvas larger."
        )
    return shift((canvas_columns - columns) // 2, (canvas_rows - rows) // 2)


def _centre(canvas_shape: Shape) -> tuple[float, float]:
    rows, columns = canvas_shape
    return (columns - 1) / 2, (rows - 1) / 2
