"""Aligning: one resampling takes a cleaned section onto the aligned canvas."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from brainstack.errors import BrainstackError
from brainstack.geometry import Matrix, inverse, points
from brainstack.images.cells import INTERPOLATIONS, Interpolation

Picture = npt.NDArray[Any]

LARGEST_GROWTH = 4.0
"""An aligned canvas with so many times the area of the cleaned one comes from a transform that cannot be."""


@dataclass(frozen=True)
class Box:
    """A canvas in the coordinates of another: its top left pixel there, and its (rows, columns)."""

    left: int
    top: int
    shape: tuple[int, int]


def aligned_canvas(sections: Iterable[tuple[str, npt.NDArray[np.bool_], Matrix]], margin_px: int) -> Box:
    """The smallest canvas that holds the tissue of all sections after alignment, with a margin on each side.

    sections : of each its key, its mask (rows, columns) on the cleaned canvas, and the matrix that takes points of the
    middle section's canvas to it. Returns the box in the middle section's coordinates, with even sides.
    Raises BrainstackError for a section that lies impossibly far out.
    """
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    for key, mask, matrix in sections:
        outline = points(inverse(matrix), _outline(mask))
        low, high = np.minimum(low, outline.min(axis=0)), np.maximum(high, outline.max(axis=0))
        if np.prod(high - low) > LARGEST_GROWTH * mask.size:
            raise BrainstackError(
                f"Section {key} would lie far off the stack; its pair with a neighbour cannot be right: "
                "look at both, and mend their masks or mark one as bad."
            )
    left, top = (int(side) for side in np.floor(low) - margin_px)
    right, bottom = (int(side) for side in np.ceil(high) + 1 + margin_px)
    return Box(left, top, (bottom - top + (bottom - top) % 2, right - left + (right - left) % 2))


def beyond_px(mask: npt.NDArray[np.bool_], matrix: Matrix, canvas_shape: tuple[int, int]) -> float:
    """How far the tissue of a section reaches beyond the aligned canvas, in pixels; 0 where it lies inside.

    mask : (rows, columns) on the cleaned canvas. matrix : takes points of the aligned canvas to it.
    """
    at = points(inverse(matrix), _outline(mask))
    last = np.array([canvas_shape[1] - 1, canvas_shape[0] - 1])
    return float(max(0.0, (-at).max(), (at - last).max()))


def _outline(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """The first and last pixel of tissue in each row, (n, 2) as (x, y): nothing of the mask lies outside them."""
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1)
    last = mask.shape[1] - 1 - mask[rows, ::-1].argmax(axis=1)
    return np.stack([np.concatenate([first, last]), np.concatenate([rows, rows])], axis=1).astype(np.float64)


def align(
    cleaned: Picture,
    matrix: Matrix,
    *,
    canvas_shape: tuple[int, int] | None = None,
    background: npt.ArrayLike = 0,
    field: npt.NDArray[np.float32] | None = None,
    interpolation: Interpolation = "linear",
) -> Picture:
    """The section on the aligned canvas, resampled once. interpolation : "nearest", "linear" or "cubic".

    cleaned : (rows, columns) or (rows, columns, 3), uint8 or uint16, on the common canvas. matrix : 3x3, takes points
    of the aligned canvas to `cleaned`. canvas_shape : (rows, columns) of the aligned canvas, `cleaned`'s when left out.
    background : the value where the section does not reach, or one for each of three. Returns the canvas with the
    section, of the same dtype. field : (any rows, any columns, 2), a smooth deformation before the matrix: how far to
    go from a point of the aligned canvas, in x and y, in its pixels; a picture of all that canvas on larger pixels.
    Coordinates are float32 inside OpenCV 5 (4 rounds them to 1/32 pixel): exact to 0.001 pixel.
    """
    rows, columns = canvas_shape or cleaned.shape[:2]
    flag = INTERPOLATIONS[interpolation]
    value = tuple(np.broadcast_to(background, 3).astype(float).tolist())
    if field is not None:
        at = points(matrix, _moved(field, (rows, columns))).astype(np.float32)
        return np.asarray(cv2.remap(cleaned, at, None, flag, None, cv2.BORDER_CONSTANT, value))
    warped = cv2.warpAffine(
        cleaned,
        matrix[:2].astype(np.float64),
        (columns, rows),
        flags=flag | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=value,
    )
    return np.asarray(warped)


def _moved(field: npt.NDArray[np.float32], shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Where each pixel of the canvas is after the field, (rows, columns, 2) as (x, y)."""
    fine = cv2.resize(field.astype(np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    rows, columns = np.indices(shape)
    return np.asarray(fine + np.stack([columns, rows], axis=-1), np.float64)
