"""Cells: the squares that a canvas is interpolated in, each from its own window of the scan.

They lie on a grid that starts at the canvas' origin, whatever block they are needed for, so that a mosaic of any blocks
is the same, byte for byte. Coordinates inside a cell are small, so that OpenCV's float32 is exact to 1e-4 pixel and its
limit of 32,767 is far. A cell's window fits into the cache, which a large block's does not after a quarter turn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from brainstack.geometry import Matrix, points
from brainstack.images.full_masks import Box
from brainstack.images.upsampling import linear_at

CELL_PX = 512
"""A cell's side."""

Interpolation = Literal["nearest", "linear", "cubic"]

INTERPOLATIONS: dict[Interpolation, int] = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
}


@dataclass(frozen=True, eq=False)
class CoarseMap:
    """Where the pixels of a cell come from, where there is a field: linear between the points of a coarse grid.

    x, y : (rows, columns) float32, of points of the cell's window. rows, columns : (CELL_PX,) float64, where in these
    the rows and columns of the cell are.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    rows: NDArray[np.float64]
    columns: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cell:
    """top, left : its first pixel on the canvas.
    window : the box of the scan that it is made of, which may reach beyond the scan.
    to_window : 2x3, from the cell's pixels, (x, y), to those of the window; or a coarse map.
    """

    top: int
    left: int
    window: Box
    to_window: NDArray[np.float64] | CoarseMap


def cell_starts(start: int, stop: int) -> range:
    """Where cells begin, along a side, that have anything of start .. stop."""
    return range(start // CELL_PX * CELL_PX, stop, CELL_PX)


def cell_at(
    top: int,
    left: int,
    to_scan: Matrix,
    field_px: NDArray[np.float32] | None = None,
    canvas_shape: tuple[int, int] | None = None,
) -> Cell:
    """The cell that begins at (top, left), as `rendering.Placement` has the others."""
    (x_of_x, x_of_y, x_start), (y_of_x, y_of_y, y_start) = to_scan[:2].tolist()
    first_x = x_of_x * left + x_of_y * top + x_start
    first_y = y_of_x * left + y_of_y * top + y_start
    along_x, along_y = _reach(x_of_x, x_of_y), _reach(y_of_x, y_of_y)
    if field_px is None or canvas_shape is None:
        window = _window((first_x, first_y), along_x, along_y)
        matrix = [[x_of_x, x_of_y, first_x - window[2]], [y_of_x, y_of_y, first_y - window[0]]]
        return Cell(top, left, window, np.array(matrix))
    moves, on_canvas, rows, columns = _moves(field_px, canvas_shape, top, left)
    moves = moves @ to_scan[:2, :2].T
    along_x, along_y = ((reach[0] + one.min(), reach[1] + one.max())
                        for reach, one in zip((along_x, along_y), np.moveaxis(moves, -1, 0), strict=True))  # fmt: skip
    window = _window((first_x, first_y), along_x, along_y)
    # The matrix is linear between points of the field as the field is: one interpolation of both.
    coarse = (points(to_scan, on_canvas) + moves - (window[2], window[0])).astype(np.float32)
    return Cell(top, left, window, CoarseMap(coarse[..., 0], coarse[..., 1], rows, columns))


def fill_cell(cell: Cell, scan: NDArray[Any], interpolation: Interpolation, out: NDArray[Any]) -> None:
    """Interpolate a cell. scan : the pixels of its window. out : (CELL_PX, CELL_PX) or (CELL_PX, CELL_PX, 3)."""
    if scan.ndim == 2:
        _interpolate(cell, scan, interpolation, out)
    else:  # OpenCV 5 is twice as quick with four samples as with three
        four = _interpolate(cell, cv2.cvtColor(scan, cv2.COLOR_RGB2RGBA), interpolation, None)
        cv2.cvtColor(four, cv2.COLOR_RGBA2RGB, dst=out)


def _interpolate(
    cell: Cell, scan: NDArray[Any], interpolation: Interpolation, out: NDArray[Any] | None
) -> NDArray[Any]:
    flag, move = INTERPOLATIONS[interpolation], cell.to_window
    if isinstance(move, CoarseMap):
        # Two maps, not one of two samples: with that, OpenCV is slower.
        x, y = (linear_at(one, move.rows, move.columns) for one in (move.x, move.y))
        return np.asarray(cv2.remap(scan, x, y, flag, dst=out))
    return np.asarray(cv2.warpAffine(scan, move, (CELL_PX, CELL_PX), dst=out, flags=flag | cv2.WARP_INVERSE_MAP))


def _reach(of_x: float, of_y: float) -> tuple[float, float]:
    """From the first pixel of a cell, how far a coordinate of the scan goes down and up in the cell."""
    steps = of_x * (CELL_PX - 1), of_y * (CELL_PX - 1)
    return sum(min(step, 0.0) for step in steps), sum(max(step, 0.0) for step in steps)


def _window(first: tuple[float, float], along_x: tuple[float, float], along_y: tuple[float, float]) -> Box:
    """The box of the scan around a cell, with what cubic interpolation needs, and one pixel more on each side: no
    border of OpenCV's is ever seen. first : where the cell's first pixel is, (x, y)."""
    left, right = math.floor(first[0] + along_x[0]) - 2, math.floor(first[0] + along_x[1]) + 4
    top, bottom = math.floor(first[1] + along_y[0]) - 2, math.floor(first[1] + along_y[1]) + 4
    return top, bottom, left, right


def _moves(
    field_px: NDArray[np.float32], canvas_shape: tuple[int, int], top: int, left: int
) -> tuple[NDArray[np.float64], ...]:
    """The part of a field that a cell needs, (rows, columns, 2); where its pixels' centres are on the canvas, alike;
    and where in it the rows and the columns of the cell are. Beyond the canvas the field goes on as at the edge."""
    numbers, centres, inside = [], [], []
    for count, length, start in zip(field_px.shape[:2], canvas_shape, (top, left), strict=True):
        at = (np.arange(start, start + CELL_PX) + 0.5) * count / length - 0.5
        first = math.floor(at[0])
        around = np.arange(first, math.floor(at[-1]) + 2)
        numbers.append(np.clip(around, 0, count - 1))
        centres.append((around + 0.5) * length / count - 0.5)
        inside.append(at - first)
    on_canvas = np.stack(np.meshgrid(centres[1], centres[0]), axis=-1)
    return field_px[np.ix_(*numbers)].astype(np.float64), on_canvas, inside[0], inside[1]
