"""Miniatures: images made small for a page, and the outline of a mask on one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from brainstack.images.normalizing import to_8_bit, white_level

WHITE_SHARE = 0.001
"""The brightest share of pixels that becomes white where an image has more than 8 bit."""
QUARTER = 4
WITHIN_PX = 0.6
"""How far an outline may be from the mask's, in pixels of the miniature: less than is seen."""
STEPS_IN_PX = 4
"""Of a pixel of the miniature so many of the mask's a side are looked at."""


def fitted(image: NDArray[Any], side_px: int) -> NDArray[np.uint8]:
    """An image so small that its longer side has `side_px` pixels, each the mean of what it covers; never larger.

    image : (rows, columns) or (rows, columns, 3), uint8 or uint16. Returns uint8.
    """
    rows, columns = small_shape(image.shape, side_px)
    if min(image.shape[0] // rows, image.shape[1] // columns) >= 2 * QUARTER:
        image = _quarter(image)
    is_small = (rows, columns) == image.shape[:2]
    picture = image if is_small else cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)
    in_8_bit = picture if picture.dtype == np.uint8 else to_8_bit(picture, white_level(picture, WHITE_SHARE))
    return np.asarray(in_8_bit, np.uint8)


def _quarter(image: NDArray[Any]) -> NDArray[Any]:
    """A quarter as wide and high: means of whole pixels, which OpenCV takes a fifth of the time for. The last three
    rows and columns at most go: less than half a pixel of what is made of it."""
    rows, columns = (length // QUARTER for length in image.shape[:2])
    whole = image[: rows * QUARTER, : columns * QUARTER]
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA))


def small_shape(shape: tuple[int, ...], side_px: int) -> tuple[int, int]:
    """(rows, columns) of the miniature of an image of this shape."""
    factor = min(1.0, side_px / max(shape[:2]))
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def outlines(mask: NDArray[Any], shape: tuple[int, int]) -> list[NDArray[np.float64]]:
    """The edges of what is not 0 in a mask, holes too, on a miniature of this shape.

    mask : (rows, columns). Returns closed lines, (corners, 2) of (x, y), from the miniature's top left corner.
    """
    step = max(1, mask.shape[0] // (STEPS_IN_PX * shape[0]))
    found, _ = cv2.findContours((mask[::step, ::step] > 0).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    scale = np.array([shape[1] / mask.shape[1], shape[0] / mask.shape[0]])
    lines = []
    for contour in found:
        small = ((contour[:, 0, :] * step + 0.5) * scale).astype(np.float32)
        line = cv2.approxPolyDP(small[:, None, :], WITHIN_PX, closed=True)[:, 0, :]
        if len(line) > 2:
            lines.append(np.asarray(line, np.float64))
    return lines


def added_up(
    planes: Sequence[NDArray[Any]], contrasts: Sequence[tuple[float, float]], colours: Sequence[str]
) -> NDArray[np.uint8]:
    """Channels on top of each other, as the viewer adds them. planes : each (rows, columns), of one shape. contrasts :
    the grey values that are black and full. colours : of full, such as "#6699ff". Returns (rows, columns, 3)."""
    total = np.zeros((*planes[0].shape, 3), np.float32)
    for plane, (black, full), colour in zip(planes, contrasts, colours, strict=True):
        share = np.clip((plane.astype(np.float32) - black) / max(full - black, 1e-6), 0, 1)
        total += share[..., None] * np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)], np.float32)
    return np.asarray(np.minimum(total, 255).round(), np.uint8)
