"""What the thumbnail knows of a piece of the scan: whether there is tissue, its mask, what lies between its pixels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from brainstack.images.full_masks import SURE, Box, Soft
from brainstack.images.upsampling import linear_at


def inside(box: Box, shape: tuple[int, int]) -> Box:
    """What of a box is inside an image of (rows, columns); with nothing in it where none is."""
    top, bottom, left, right = box
    return max(top, 0), min(bottom, shape[0]), max(left, 0), min(right, shape[1])


def has_tissue(soft: Soft, factor: int, box: Box) -> bool:
    """False where nothing in a box of the scan can be inside the mask. soft, factor : as for `mask_region`."""
    if box[0] >= box[1] or box[2] >= box[3]:
        return False
    return bool(_part(soft, factor, box)[0].max() >= 0.5 - SURE)


def soft_range(soft: Soft, factor: int, box: Box) -> tuple[float, float]:
    """Between which values the soft mask is in a box inside the scan; 0 and 0 where the box is empty."""
    top, bottom, left, right = box
    if top >= bottom or left >= right:
        return 0.0, 0.0
    values = _part(soft, factor, box)[0]
    return float(values.min()), float(values.max())


def between_centres(small: NDArray[np.float32], factor: int, box: Box) -> NDArray[np.float32]:
    """A box of the scan of what is known for each pixel of the thumbnail: linear between their centres, and beyond the
    outermost as there.

    small : (rows, columns). Returns (bottom - top, right - left) float32.
    """
    top, bottom, left, right = box
    part, first_row, first_column = _part(small, factor, box)
    rows, columns = ((np.arange(*ends) + 0.5) / factor - 0.5 for ends in ((top, bottom), (left, right)))
    return linear_at(part, rows - first_row, columns - first_column)


def _part(small: Soft, factor: int, box: Box) -> tuple[NDArray[np.float32], int, int]:
    """The thumbnail's pixels whose centres are next to those of the box's pixels on both sides; and where it begins."""
    ends = []
    for start, stop, count in ((box[0], box[1], small.shape[0]), (box[2], box[3], small.shape[1])):
        first = math.floor((start + 0.5) / factor - 0.5)
        last = math.floor((stop - 0.5) / factor - 0.5) + 1
        ends.append((min(max(first, 0), count - 1), min(max(last, 0), count - 1) + 1))
    (top, bottom), (left, right) = ends
    return small[top:bottom, left:right], top, left
