"""Clean: the section without its glass, at the animal's gain, turned, on the canvas that all sections share.

Where light is absorbed instead of sent out (colour), there is no gain, and the background is the white of the glass.
"""

from __future__ import annotations

from typing import Any

import cv2
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
            f"The mask is {mask.shape} but the section is {image.shape[:2]}, as (rows, columns); wanted both of one "
            "size; set one of the section's size by `brainstack mask set ANIMAL SECTION FILE`."
        )
    return np.where(mask if image.ndim == 2 else mask[..., None], image, background).astype(image.dtype)


def apply_gain(image: Image, gain: float) -> Image:
    """Every pixel times `gain`, rounded, cut at the type's highest value: one gain for an animal and channel keeps
    the sections' brightness comparable."""
    highest = np.iinfo(image.dtype).max
    return np.minimum(np.rint(image * np.float64(gain)), highest).astype(image.dtype)


def without_background(image: Image, mask: NDArray[np.bool_], *, radius_px: float) -> Image:
    """The section without the slow background inside its tissue, as bright on average as before.

    The background is the lower envelope: the opening of the tissue by a disk, which no cell or layer narrower than the
    disk lifts, smoothed. It is subtracted, as haze and autofluorescence add light: a cell stays as many grey values
    brighter than what is around it, wherever it lies. The background's mean is given back. What falls below 0 is 0.

    image : (rows, columns) uint8 or uint16. mask : (rows, columns) bool, True on tissue. Returns the same shape and
    type; the glass stays as it was.
    """
    flat = np.rint(image - background_haze(image, mask, radius_px))
    return np.where(mask, np.clip(flat, 0, np.iinfo(image.dtype).max), image).astype(image.dtype)


def background_haze(image: Image, mask: NDArray[np.bool_], radius_px: float) -> NDArray[np.float32]:
    """What `without_background` takes from each pixel of the tissue: (rows, columns) float32 in grey values, 0 on
    average over the mask, so below 0 where there is less background than that."""
    below = _background(image, mask, radius_px)
    return np.asarray(below - below[mask].mean(), np.float32)


def _background(image: Image, mask: NDArray[np.bool_], radius_px: float) -> NDArray[np.float32]:
    """The lower envelope inside the mask, (rows, columns) float32: found on pixels an eighth of the radius wide, where
    noise is averaged out and a disk is quick."""
    rows, columns = image.shape
    step = max(1, int(radius_px / 8))
    size = (-(-columns // step), -(-rows // step))
    weight = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(np.where(mask, image, 0).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    inside = weight > 0.5 if (weight > 0.5).any() else weight > 0
    level = total / np.maximum(weight, 1e-6)
    reach = max(1, round(radius_px / step))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    outside = float(level.max()) + 1
    lowest = cv2.erode(np.where(inside, level, outside).astype(np.float32), disk, borderValue=outside)
    opened = cv2.dilate(np.where(lowest < outside, lowest, 0).astype(np.float32), disk, borderValue=0)
    share = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), reach / 2, borderType=cv2.BORDER_CONSTANT)
    smooth = cv2.GaussianBlur(np.where(inside, opened, 0).astype(np.float32), (0, 0), reach / 2,
                              borderType=cv2.BORDER_CONSTANT)  # fmt: skip
    envelope = smooth / np.maximum(share, 1e-6)
    return np.asarray(cv2.resize(envelope, (columns, rows), interpolation=cv2.INTER_LINEAR), np.float32)


def clipped_share(scanned: Image, cleaned: Image, mask: NDArray[np.bool_]) -> float:
    """The share of tissue pixels that cleaning cut off: at the type's highest value now, or at 0, and not before.

    scanned, cleaned : (rows, columns) or (rows, columns, samples), before and after. mask : (rows, columns) bool.
    """
    before, after = scanned[mask], cleaned[mask]
    highest = np.iinfo(cleaned.dtype).max
    cut = ((after == highest) & (before < highest)) | ((after == 0) & (before > 0))
    return float(np.mean(cut.reshape(len(cut), -1).any(axis=1))) if len(cut) else 0.0


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
            f"The tissue is {height} x {width} but the canvas {canvas_shape[0]} x {canvas_shape[1]} (rows x columns), "
            "on which it does not fit; where its mask took in too much, mend that (brainstack review ANIMAL); where "
            "the mask is right, the canvas has to grow."
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
        raise BrainstackError(
            "The mask is all black; wanted tissue in white; paint it (brainstack review ANIMAL), or mark the scene as "
            "bad (brainstack slide ANIMAL SLIDE --scene SCENE --bad WHY)."
        )
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def canvas_shape(boxes: list[tuple[int, int]], margin_px: int) -> tuple[int, int]:
    """The canvas (rows, columns) on which every section fits, however it will be turned by alignment.

    boxes : (rows, columns) of each section's tissue after its quarter turns. margin_px : empty border on each side.
    Both sides are made even, so that the middle of a half-size canvas is in the same place.
    """
    rows, columns = (max(side) + 2 * margin_px for side in zip(*boxes, strict=True))
    return rows + rows % 2, columns + columns % 2
