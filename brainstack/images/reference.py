"""Where a section lies on a plane of a reference volume: a place that does not depend on its neighbours."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_fill_holes, distance_transform_edt
from skimage.filters import threshold_otsu

from brainstack.errors import BrainstackError
from brainstack.geometry import Shape
from brainstack.images.levels import Mask, Picture
from brainstack.images.registration import Mirrors, Registered, register_pair
from brainstack.settings import ElastixSettings

Plane = npt.NDArray[np.float32]

SMOOTHING_UM = 50.0
"""The plane's outline is looked for after a blur (sigma) that evens out cells and noise."""
TISSUE_SHARE = 0.3
"""Tissue begins at this share of the way from the background's middle light to the tissue's."""
PIECE_SHARE = 0.05
"""Pieces smaller than this share of the largest are no tissue: bulbs, lobes and torn halves are larger."""
THICK_UM = 500.0
"""A plane with tissue has a piece that a disc of this diameter fits in: blurred noise has none, the ends of a brain do.
"""
RIM_UM = 150.0
"""So far inside the tissue its light is still that of a blurred outline, in a reference of 25 to 50 um voxels."""
GOOD_METRIC = 0.5
"""A fit as good as this needs no second try with the contrast turned round."""


def place_on_reference(
    picture: Picture,
    mask: Mask,
    reference_plane: Picture,
    *,
    pixel_size_um: float,
    reference_pixel_size_um: float,
    settings: ElastixSettings,
    mirrors: Mirrors = "no",
) -> Registered:
    """Takes a point of the reference frame to the section's canvas, both counted from their centres, in micrometres.

    picture : (rows, columns) uint8, uint16 or float32, tissue bright on background 0. mask : bool, True on tissue.
    reference_plane : (rows, columns) of the reference at the section's depth, tissue brighter or darker than its
    background. mirrors : see `register_pair`, whose first section is the reference here, with its centre on the
    canvas' centre.

    elastix does not end it: a reference shows less than thumbnails do, and on a real brain beside a recording of 40 um
    pixels what it found was off by 5.6 um, what it began with by 3.5, at a third of the time.

    Where the contrast inside the tissue is the other way round, as it is between many stains, the reference is turned
    round as well, and the better of both is taken; its metric is that of the contrast taken.

    Raises BrainstackError for a plane without tissue, and as `register_pair` does.
    """
    light, tissue = tissue_of(reference_plane, reference_pixel_size_um)
    factor = reference_pixel_size_um / pixel_size_um
    shape = _common_shape(mask.shape, tissue, factor)
    fixed, share = (_on_canvas(one, factor, shape) for one in (light, tissue.astype(np.float32)))
    fixed_mask = share > 0.5

    def registered(reference: Plane) -> Registered:
        return register_pair(
            np.where(fixed_mask, reference, 0),
            _padded(picture, shape),
            fixed_mask=fixed_mask,
            moving_mask=_padded(mask, shape),
            pixel_size_um=pixel_size_um,
            settings=settings,
            mirrors=mirrors,
            by_elastix=False,
        )

    found = registered(fixed)
    if found.metric >= GOOD_METRIC:
        return found
    other = registered(_turned_round(fixed, fixed_mask, RIM_UM / pixel_size_um))
    return max(found, other, key=lambda one: one.metric)


def tissue_of(plane: Picture, pixel_size_um: float) -> tuple[Plane, Mask]:
    """The light above the plane's background (or below, where that is brighter), and the tissue, filled.

    plane : (rows, columns). Returns the same shape, float32 with 0 outside the tissue, and bool. The threshold begins
    at Otsu's (1979). Raises BrainstackError where there is no tissue.
    """
    plane = np.asarray(plane, np.float32)
    smooth = cv2.GaussianBlur(plane, (0, 0), max(SMOOTHING_UM / pixel_size_um, 0.5))
    if smooth.min() == smooth.max():
        raise BrainstackError(NO_TISSUE)
    threshold = float(threshold_otsu(smooth))
    rim = np.concatenate([smooth[0], smooth[-1], smooth[:, 0], smooth[:, -1]])
    if np.median(rim) > threshold:
        plane, smooth, threshold = -plane, -smooth, -threshold
    bright = smooth > threshold
    background = float(np.median(smooth[~bright]))
    level = background + TISSUE_SHARE * (float(np.median(smooth[bright])) - background)
    mask = _large_pieces(smooth > level)
    if not _is_thick(bright, THICK_UM / pixel_size_um):
        raise BrainstackError(NO_TISSUE)
    return np.where(mask, np.maximum(plane - background, 0), 0).astype(np.float32), mask


NO_TISSUE = "This plane of the reference has no tissue on it; put its spacing or its first section right."


def _is_thick(mask: Mask, diameter_px: float) -> bool:
    """Whether a disc of this diameter fits in somewhere; outside the plane there is no room."""
    depth_px = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)
    return bool(depth_px.max() >= diameter_px / 2)


def _large_pieces(bright: Mask) -> Mask:
    _, labels, parts, _ = cv2.connectedComponentsWithStats(bright.astype(np.uint8))
    pixels = parts[:, cv2.CC_STAT_AREA].copy()
    pixels[0] = 0
    return np.asarray(binary_fill_holes((pixels >= PIECE_SHARE * pixels.max())[labels] & bright), np.bool_)


def _common_shape(shape: Shape, tissue: Mask, factor: float) -> Shape:
    """The canvas, wider by as much on both sides where the reference's tissue would not lie on it."""
    wanted = []
    for side, axis in zip(shape, (1, 0), strict=True):
        at = np.flatnonzero(tissue.any(axis=axis))
        reach = float(np.abs(at - (tissue.shape[1 - axis] - 1) / 2).max() + 0.5) * factor
        wanted.append(side + 2 * max(0, math.ceil(reach - side / 2)))
    return wanted[0], wanted[1]


def _padded(picture: Picture, shape: Shape) -> Picture:
    rows, columns = ((to - at) // 2 for to, at in zip(shape, picture.shape, strict=True))
    return np.pad(picture, ((rows, rows), (columns, columns)))


def _on_canvas(plane: Plane, factor: float, shape: Shape) -> Plane:
    """The plane with `factor` times as many pixels a side, its centre on that of a canvas (rows, columns)."""
    if factor < 1:  # what the canvas' pixels cannot show would come out as noise
        plane = np.asarray(cv2.GaussianBlur(plane, (0, 0), 0.5 / factor))
    to_plane = np.array([[1 / factor, 0, 0], [0, 1 / factor, 0]])
    for axis, (of_plane, of_canvas) in enumerate(zip(plane.shape[::-1], shape[::-1], strict=True)):
        to_plane[axis, 2] = (of_plane - 1) / 2 - (of_canvas - 1) / 2 / factor
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(plane, to_plane, (shape[1], shape[0]), flags=flags))


def _turned_round(light: Plane, mask: Mask, rim_px: float) -> Plane:
    """What was bright in the tissue is dark, and the other way round, over the same range.

    The rim, as light as a blurred outline is, would come out as a bright line: it goes on as the tissue inside it is.
    """
    depth_px = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    core = depth_px > min(rim_px, float(depth_px.max()) / 2)
    dark, bright = (float(level) for level in np.quantile(light[core], (0.01, 0.99)))
    turned = dark + bright - np.clip(light, dark, bright)
    nearest = distance_transform_edt(~core, return_distances=False, return_indices=True)
    return np.where(mask, turned[tuple(nearest)], 0).astype(np.float32)
