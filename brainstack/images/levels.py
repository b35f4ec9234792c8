"""Two sections side by side at several sizes, and how well the one fits on the other there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from brainstack import geometry
from brainstack.geometry import Matrix
from brainstack.settings import ElastixSettings

Picture = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Light = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Level:
    """Both sections at one size: a pixel of this level is `factor` pixels of the thumbnail a side.

    fixed, moving : (rows, columns) float32, 0 outside the masks. fixed_mask, moving_mask : uint8, 1 on tissue.
    """

    factor: int
    fixed: Light
    moving: Light
    fixed_mask: npt.NDArray[np.uint8]
    moving_mask: npt.NDArray[np.uint8]


def pyramid(
    fixed: Picture,
    moving: Picture,
    fixed_mask: Mask,
    moving_mask: Mask,
    *,
    pixel_size_um: float,
    settings: ElastixSettings,
) -> tuple[Level, list[Level]]:
    """Both sections as they are, and in smaller sizes, coarse to fine."""
    smoothing_px = settings.smoothing_um / pixel_size_um
    full = Level(
        1,
        _light(fixed, fixed_mask, smoothing_px),
        _light(moving, moving_mask, smoothing_px),
        _ones(fixed_mask),
        _ones(moving_mask),
    )
    return full, [shrunk_to(full, factor) for factor in _factors(pixel_size_um, settings)]


DEBRIS = 3.0
"""Light of more than so many times the tissue's median is debris, or counts as no more than that."""


def _light(picture: Picture, mask: Mask, smoothing_px: float) -> Light:
    """The tissue's light, evened and smoothed inside its mask, 1 at its bright end, so that gain does not rule.

    Its bright end is the 99th percentile, but no more than `DEBRIS` times the median: large debris is brighter than
    both.
    """
    evened = _evened(picture, mask)
    middle, bright = (float(level) for level in np.quantile(evened[mask], (0.5, 0.99)))
    bright = min(bright, DEBRIS * middle) or bright or 1.0
    light = np.where(mask, np.minimum(evened / np.float32(bright), 1), 0).astype(np.float32)
    if smoothing_px < 0.3:  # less than a pixel sees
        return light
    share = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), smoothing_px)
    blurred = cv2.GaussianBlur(light, (0, 0), smoothing_px)
    return np.where(mask, blurred / np.maximum(share, 1e-3), 0).astype(np.float32)


LAMP_SAMPLES = 50_000
"""So many pixels of the tissue, or a few more, are enough for a plane."""
DIMMEST = 0.25
"""The plane is nowhere less than this share of the mean light, so that what is divided by stays positive."""


def _evened(picture: Picture, mask: Mask) -> Light:
    """The picture without what is brighter towards one side: divided by the plane that fits the tissue's light best
    (least squares), and its mean as it was.

    A lamp or a stain that is stronger on one side lies still where the section is turned. Two such sections would be
    most alike where their bright sides meet, which may be half a turn from where they belong.
    """
    rows, columns = np.nonzero(mask)
    step = max(1, rows.size // LAMP_SAMPLES)
    rows, columns = rows[::step], columns[::step]
    light = picture[rows, columns].astype(np.float64)
    light = np.minimum(light, DEBRIS * np.median(light))
    mean, middle_row, middle_column = light.mean(), rows.mean(), columns.mean()
    if mean == 0:
        return picture.astype(np.float32)
    length = max(mask.shape)
    terms = np.stack([np.ones(rows.size), (rows - middle_row) / length, (columns - middle_column) / length], axis=1)
    level, down, across = np.linalg.lstsq(terms, light, rcond=None)[0]
    all_rows, all_columns = np.ogrid[: mask.shape[0], : mask.shape[1]]
    plane = level + down / length * (all_rows - middle_row) + across / length * (all_columns - middle_column)
    return np.asarray(picture * (mean / np.maximum(plane, DIMMEST * mean)), np.float32)


def _ones(mask: Mask) -> npt.NDArray[np.uint8]:
    return mask.astype(np.uint8)


def _factors(pixel_size_um: float, settings: ElastixSettings) -> list[int]:
    """Powers of two from the coarse to the fine pixel, at least one."""
    factor, fine = factor_of(settings.coarse_um, pixel_size_um), factor_of(settings.fine_um, pixel_size_um)
    factors = [factor]
    while factor > fine:
        factor //= 2
        factors.append(factor)
    return factors


def factor_of(largest_um: float, pixel_size_um: float) -> int:
    """Pixels of the thumbnail to one no longer than `largest_um`: a power of two, at least 1."""
    return int(2 ** max(0, math.floor(math.log2(largest_um / pixel_size_um))))


def shrunk_to(full: Level, factor: int) -> Level:
    """Means of factor x factor pixels; filled with 0 at the right and below, so that the factor is exact."""
    if factor == 1:
        return full

    def shrunk(picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
        rows, columns = picture.shape
        filled = np.pad(picture, ((0, -rows % factor), (0, -columns % factor)))
        size = (filled.shape[1] // factor, filled.shape[0] // factor)
        return np.asarray(cv2.resize(filled, size, interpolation=cv2.INTER_AREA))

    shares = [shrunk(mask.astype(np.float32)) for mask in (full.fixed_mask, full.moving_mask)]
    return Level(factor, shrunk(full.fixed), shrunk(full.moving), *(_ones(share >= 0.5) for share in shares))


def warped(picture: npt.NDArray[Any], matrix: Matrix, shape: tuple[int, int]) -> npt.NDArray[Any]:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(picture, matrix[:2], (shape[1], shape[0]), flags=flags))


def centroid(mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    rows, columns = np.nonzero(mask)
    return np.array([columns.mean(), rows.mean()])


def likeness(level: Level, matrix: Matrix) -> float:
    """Correlation over all that is tissue in one of the two, so that the outline counts."""
    at_level = geometry.scaled(matrix, 1 / level.factor)
    moving = warped(level.moving, at_level, level.fixed.shape)
    moving_mask = warped(level.moving_mask, at_level, level.fixed.shape)
    either = (level.fixed_mask | moving_mask) > 0
    return _pearson(level.fixed[either], moving[either])


@dataclass(frozen=True)
class Fit:
    """metric : correlation over the tissue that both have. overlap : that tissue as a share of the smaller one's.
    dice : the overlap of both masks, 1 where they are the same (Dice 1945)."""

    metric: float
    overlap: float
    dice: float


def fit_of(level: Level, matrix: Matrix) -> Fit:
    """How well two sections fit on each other. matrix : fixed to moving, in pixels of the thumbnail."""
    at_level = geometry.scaled(matrix, 1 / level.factor)
    moving = warped(level.moving, at_level, level.fixed.shape)
    moving_mask = warped(level.moving_mask, at_level, level.fixed.shape)
    both = (level.fixed_mask & moving_mask) > 0
    shared, sizes = int(both.sum()), (int(level.fixed_mask.sum()), int(level.moving_mask.sum()))
    overlap, dice = shared / max(min(sizes), 1), 2 * shared / max(sum(sizes), 1)
    return Fit(_pearson(level.fixed[both], moving[both]), overlap, dice)


def _pearson(one: Light, other: Light) -> float:
    if one.size < 2 or one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
