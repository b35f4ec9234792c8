"""Clean: the section without its glass, at the animal's gain, turned, on the canvas that all sections share.

Where light is absorbed instead of sent out (colour), there is no gain, and the background is the white of the glass.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainstack.errors import BrainstackError
from brainstack.geometry import Matrix, placing, shift, turning

Image = NDArray[Any]


def blank_outside(image: Image, mask: NDArray[np.bool_], background: ArrayLike = 0) -> Image:
    """The section with nothing but background outside its mask.

    image : (rows, columns) or (rows, columns, samples). mask : (rows, columns) bool, True on tissue. background : a
    value, or one for each sample.
    Raises BrainstackError where the two are not of one size.
    """
    if image.shape[:2] != mask.shape:
        raise BrainstackError(
            f"The mask is {mask.shape} but the section is {image.shape[:2]}, as (rows, columns); "
            "make the mask again at this scale."
        )
    return np.where(mask if image.ndim == 2 else mask[..., None], image, background).astype(image.dtype)


def apply_gain(image: Image, gain: float) -> Image:
    """Every pixel times `gain`, rounded, cut at the type's highest value: one gain for an animal and channel keeps
    the sections' brightness comparable."""
    highest = np.iinfo(image.dtype).max
    return np.minimum(np.rint(image * np.float64(gain)), highest).astype(image.dtype)


def turn(image: Image, quarter_turns: int, flip: str) -> Image:
    """Quarter turns clockwise, then flip: "none", "flip" (half a turn) or "flop" (mirror left-right)."""
    turned = np.rot90(image, -quarter_turns)
    if flip == "flip":
        turned = np.rot90(turned, 2)
    elif flip == "flop":
        turned = np.fliplr(turned)
    return np.ascontiguousarray(turned)


def place_on_canvas(
    image: Image, mask: NDArray[np.bool_], canvas_shape: tuple[int, int], background: ArrayLike = 0
) -> Image:
    """The section on the canvas, with the middle of its tissue's box in the canvas' middle; the rest is background.

    mask : of the same (rows, columns). canvas_shape : (rows, columns). Only the box of the mask is placed.
    background : a value, or one for each sample.
    Raises BrainstackError where the tissue is larger than the canvas.
    """
    top, bottom, left, right = tissue_box(mask)
    height, width = bottom - top, right - left
    if height > canvas_shape[0] or width > canvas_shape[1]:
        raise BrainstackError(
            f"The tissue is {height} x {width} but the canvas {canvas_shape[0]} x {canvas_shape[1]} (rows x columns); "
            "mend the mask, or let the canvas grow."
        )
    canvas = np.empty(canvas_shape + image.shape[2:], image.dtype)
    canvas[:] = background
    row, column = (canvas_shape[0] - height) // 2, (canvas_shape[1] - width) // 2
    canvas[row : row + height, column : column + width] = image[top:bottom, left:right]
    return canvas


def cleaning_matrix(mask: NDArray[np.bool_], quarter_turns: int, flip: str, canvas_shape: tuple[int, int]) -> Matrix:
    """Where `turn` and then `place_on_canvas` put a section's pixels: (3, 3), from (x, y) of the section to the canvas.

    mask : (rows, columns) of the section as it was scanned.
    """
    top, bottom, left, right = tissue_box(turn(mask, quarter_turns, flip))
    placed = placing((bottom - top, right - left), canvas_shape)
    return placed @ shift(-left, -top) @ turning(quarter_turns, flip, (mask.shape[0], mask.shape[1]))


def tissue_box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """The smallest box that holds all of the mask: top, bottom, left, right; bottom and right are outside."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        raise BrainstackError("The mask is all black; wanted tissue in white; paint it, or mark the scene as bad.")
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def canvas_shape(boxes: list[tuple[int, int]], margin_px: int) -> tuple[int, int]:
    """The canvas (rows, columns) on which every section fits, however it will be turned by alignment.

    boxes : (rows, columns) of each section's tissue after its quarter turns. margin_px : empty border on each side.
    Both sides are made even, so that the middle of a half-size canvas is in the same place.
    """
    rows, columns = (max(side) + 2 * margin_px for side in zip(*boxes, strict=True))
    return rows + rows % 2, columns + columns % 2
