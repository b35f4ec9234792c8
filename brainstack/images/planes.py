"""Planes and masks of a section: brought to a working scale, grown, shrunk and blurred, with nothing lost at the edge,
and compared.

Shapes are (rows, columns), lengths pixels.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from brainstack.images.colour import PURE_WHITE, absorbed

Image = NDArray[np.uint8] | NDArray[np.uint16]
Mask = NDArray[np.bool_]
Plane = NDArray[np.float32]


# --- scale ------------------------------------------------------------------------------------------------------------


def at_working_scale(image: Image, scale: float) -> tuple[tuple[Plane, ...], Mask]:
    """The light of the image with `scale` times as many pixels a side, a plane for each of its colours, and where it
    was scanned: (rows, columns) float32, bool."""
    rows, columns = image.shape[:2]
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    outside_px = not_scanned(image)
    plane = np.asarray(cv2.resize(image.astype(np.float32), size, interpolation=how), np.float32)
    # A pixel that is partly outside the scan is darker than it should be, and scanners write a brighter last line.
    outside = cv2.resize(outside_px.astype(np.float32), size, interpolation=how) > 0
    scanned = ~grown(outside, 1) if outside.any() else ~outside
    return (plane,) if plane.ndim == 2 else tuple(np.moveaxis(absorbed(plane), -1, 0)), scanned


def at_scale_of(image: Image, mask: Mask) -> Mask:
    rows, columns = image.shape[:2]
    share = cv2.resize(mask.astype(np.float32), (columns, rows), interpolation=cv2.INTER_LINEAR)
    return np.asarray(share > 0.5)


def not_scanned(image: Image) -> Mask:
    """Fields of exact zeros, in colour of pure white, with straight edges: a scene's box holds more than its tiles.

    Glass that a scanner clipped has ragged edges, and is glass. Returns (rows, columns) bool.
    """
    empty = image == 0 if image.ndim == 2 else (image == PURE_WHITE).all(axis=2)
    zero = np.asarray(cv2.morphologyEx(empty.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)))
    steps = [np.diff(zero, axis=1) != 0, np.diff(zero, axis=0) != 0]
    run_px = 15  # longer than what a round edge runs straight, shorter than a scanner's tile on any thumbnail
    lines = [np.ones((run_px, 1), np.uint8), np.ones((1, run_px), np.uint8)]
    straight = sum(
        int(cv2.morphologyEx(step.astype(np.uint8), cv2.MORPH_OPEN, line).sum())
        for step, line in zip(steps, lines, strict=True)
    )
    edge = sum(int(step.sum()) for step in steps)
    return zero.astype(bool) if edge and straight > edge / 2 else np.zeros_like(zero, bool)


# --- shape ------------------------------------------------------------------------------------------------------------


def _disk(radius_px: float) -> NDArray[np.uint8]:
    reach = int(np.ceil(radius_px))
    row, column = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return np.asarray(row**2 + column**2 <= (radius_px + 0.3) ** 2, np.uint8)


def _morphed(mask: Mask, how: int, kernel: NDArray[np.uint8], *, outside: int) -> Mask:
    """OpenCV's morphology with the mask continued by `outside`, or by its own edge where that is -1."""
    margin = max(kernel.shape)
    border = cv2.BORDER_REPLICATE if outside < 0 else cv2.BORDER_CONSTANT
    wide = cv2.copyMakeBorder(mask.astype(np.uint8), margin, margin, margin, margin, border, value=max(outside, 0))
    done = cv2.morphologyEx(wide, how, kernel)
    return np.asarray(done[margin:-margin, margin:-margin] > 0)


def opened(mask: Mask, radius_px: float) -> Mask:
    return _morphed(mask, cv2.MORPH_OPEN, _disk(radius_px), outside=-1)


def closed(mask: Mask, radius_px: float) -> Mask:
    return _morphed(mask, cv2.MORPH_CLOSE, _disk(radius_px), outside=0)


def grown(mask: Mask, radius_px: float) -> Mask:
    return _morphed(mask, cv2.MORPH_DILATE, _disk(radius_px), outside=0)


def shrunk(mask: Mask, radius_px: float) -> Mask:
    return _morphed(mask, cv2.MORPH_ERODE, _disk(radius_px), outside=0)


def within(mask: Mask, scanned: Mask, radius_px: float) -> Mask:
    """The pixels of a mask that are farther than that from what was scanned beside it; the scan's edge is no rim."""
    return np.asarray(mask & ~grown(scanned & ~mask, radius_px))


def surrounded(regions: Mask, tissue: Mask, *, share: float) -> Mask:
    """Those connected regions that have more than `share` of their rim in tissue; the rim is one pixel wide."""
    count, labels = cv2.connectedComponents(regions.astype(np.uint8), connectivity=4)
    beside = cv2.dilate(labels.astype(np.float32), np.ones((3, 3), np.uint8)).astype(np.intp)
    rim = (beside > 0) & ~regions
    rim_px = np.bincount(beside[rim], minlength=count)
    tissue_px = np.bincount(beside[rim & tissue], minlength=count)
    inside = tissue_px > share * rim_px
    inside[0] = False
    return np.asarray(inside[labels])


def divided(mask: Mask, cores: Mask) -> Mask:
    """The mask without what lies between two of its cores, nearer to neither: each pixel goes to the nearest core, and
    those on the border to none."""
    _, labels = cv2.distanceTransformWithLabels(
        (~cores).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_CCOMP
    )
    plain = labels.astype(np.float32)
    border = cv2.dilate(plain, np.ones((3, 3), np.uint8)) != plain
    return np.asarray(mask & ~border)


# --- light ------------------------------------------------------------------------------------------------------------


def blurred_inside(plane: Plane, inside: Mask, sigma_px: float) -> Plane:
    """A Gaussian mean over the pixels `inside` only, (rows, columns) float32."""
    weight = blurred(inside.astype(np.float32), sigma_px)
    total = blurred(np.where(inside, plane, 0).astype(np.float32), sigma_px)
    return np.asarray(total / np.maximum(weight, 1e-6), np.float32)


def blurred(plane: Plane, sigma_px: float) -> Plane:
    """A Gaussian mean with zeros around the plane; large sigmas at a smaller scale."""
    step = max(1, int(sigma_px / 4))
    rows, columns = plane.shape
    size = (-(-columns // step), -(-rows // step))
    small = cv2.resize(plane, size, interpolation=cv2.INTER_AREA) if step > 1 else plane
    blurred = cv2.GaussianBlur(small, (0, 0), sigma_px / step, borderType=cv2.BORDER_CONSTANT)
    whole = cv2.resize(blurred, (columns, rows), interpolation=cv2.INTER_LINEAR) if step > 1 else blurred
    return np.asarray(whole, np.float32)


# --- likeness ---------------------------------------------------------------------------------------------------------


def dice(one: Mask, other: Mask) -> float:
    """Overlap of two masks of one shape: 1 for the same mask, 0 for nothing in common. Dice (1945)."""
    both = np.count_nonzero(one) + np.count_nonzero(other)
    return 2 * float(np.count_nonzero(one & other)) / both if both else 1.0
