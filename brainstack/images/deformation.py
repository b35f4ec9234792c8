"""Tissue that stretched: a smooth deformation of an aligned section, onto the mean of its two aligned neighbours.

It cannot bend the brain. Nothing is chained: each section looks only at neighbours that are aligned rigidly, on both
sides, so that what changes steadily along the stack is in the mean as it is in the section. What is a rotation and a
shift over all tissue is taken out again, and the rest is limited.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from brainstack.geometry import Shape
from brainstack.images.elastix import EngineError, deform
from brainstack.images.levels import Level, Mask, Picture, factor_of, fit_of, pyramid, shrunk_to
from brainstack.settings import DeformationSettings, ElastixSettings

Field = npt.NDArray[np.float32]
"""(rows, columns, 2): how far to go from a point of the aligned canvas, in x and y, in micrometres, to where the
rigidly aligned section has what belongs there. A picture of the whole canvas with larger pixels."""

PARAMETERS: dict[str, Any] = {
    "Registration": "MultiMetricMultiResolutionRegistration",
    "Transform": "BSplineTransform",
    "HowToCombineTransforms": "Compose",
    # A correlation, as neighbours are in one channel; and what it costs to bend the grid (Rueckert et al. 1999).
    "Metric": ["AdvancedNormalizedCorrelation", "TransformBendingEnergyPenalty"],
    "Metric0Weight": 1.0,
    "FinalGridSpacingInPhysicalUnits": 1.0,  # of the unit of length, which is the grid's spacing
    "NumberOfResolutions": 2,
    "GridSpacingSchedule": [2, 1],
    "ImagePyramidSchedule": [2, 2, 1, 1],
    "FixedImagePyramid": "FixedSmoothingImagePyramid",
    "MovingImagePyramid": "MovingSmoothingImagePyramid",
    "Optimizer": "AdaptiveStochasticGradientDescent",
    "AutomaticParameterEstimation": True,
    "MaximumNumberOfIterations": 200,
    "ImageSampler": "RandomCoordinate",
    "NewSamplesEveryIteration": True,
    "NumberOfSpatialSamples": 4096,
    "NumberOfSamplesForExactGradient": 4096,
    "RequiredRatioOfValidSamples": 0.05,
    "RandomSeed": 1,  # the same section gives the same digits
    "Interpolator": "LinearInterpolator",
    "Resampler": "DefaultResampler",
    "ResampleInterpolator": "FinalLinearInterpolator",
    "DefaultPixelValue": 0,
    "ErodeMask": False,
    "WriteResultImage": False,
    "WriteIterationInfo": False,
}
"""elastix' own (its manual, chapter 4)."""


@dataclass(frozen=True)
class AlignedSection:
    """picture : (rows, columns) on the aligned canvas, tissue bright on 0. mask : bool, True on tissue."""

    picture: Picture
    mask: Mask


def deformation(
    section: AlignedSection,
    before: AlignedSection,
    after: AlignedSection,
    *,
    pixel_size_um: float,
    settings: DeformationSettings,
    comparing: ElastixSettings,
) -> Field | None:
    """The field that makes a section fit the mean of its neighbours; None where it makes it no better, or elastix gives
    up.

    pixel_size_um : of the aligned canvas. comparing : how pictures of sections are smoothed.
    """
    level = _level(section, before, after, pixel_size_um, settings, comparing)
    if np.array_equal(level.fixed, level.moving):
        return None
    pixel_um = level.factor * pixel_size_um
    own = {"Metric1Weight": settings.stiffness}
    either = level.fixed_mask | level.moving_mask
    around = (cv2.distanceTransform(1 - either, cv2.DIST_L2, 3) <= comparing.border_um / pixel_um).astype(np.uint8)
    try:
        found = deform(
            level.fixed, level.moving, around, spacing=pixel_um / settings.grid_um, parameters=PARAMETERS | own
        )
    except EngineError:
        return None
    tissue = level.fixed_mask > 0
    field_um = limited(without_rigid(found * settings.grid_um, tissue, pixel_um), settings.largest_um)
    gain = _metric(level, field_um / pixel_um) - _metric(level, np.zeros_like(field_um))
    if gain <= settings.least_gain:
        return None
    canvas_shape = section.mask.shape[0], section.mask.shape[1]
    return coarse(field_um, level.factor, canvas_shape, settings.grid_um / 4 / pixel_size_um)


def without_rigid(field_um: Field, tissue: Mask, pixel_um: float) -> Field:
    """The field less what of it is a rotation and a shift over the tissue: least squares (Kabsch 1976)."""
    rows, columns = np.indices(tissue.shape)
    at = np.stack([columns, rows], axis=-1) * pixel_um
    to = at + field_um
    middle, middle_to = at[tissue].mean(axis=0), to[tissue].mean(axis=0)
    x, y = (at[tissue] - middle).T
    to_x, to_y = (to[tissue] - middle_to).T
    angle = np.arctan2((x * to_y - y * to_x).sum(), (x * to_x + y * to_y).sum())
    back = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.asarray((to - middle_to) @ back.T + middle - at, np.float32)


def limited(field_um: Field, largest_um: float) -> Field:
    """The field, no longer anywhere than so many micrometres."""
    length = np.linalg.norm(field_um, axis=-1, keepdims=True)
    return np.asarray(field_um * np.minimum(1, largest_um / np.maximum(length, 1e-6)), np.float32)


def coarse(field_um: Field, factor: int, shape: Shape, step_px: float) -> Field:
    """The field as a picture of the canvas, whose pixels are about `step_px` of the canvas' a side.

    field_um : on pixels that are `factor` of the canvas' a side, reaching beyond it at the right and below where its
    sides are no multiple. shape : of the canvas.
    """
    size = (field_um.shape[1] * factor, field_um.shape[0] * factor)
    fine = cv2.resize(field_um, size, interpolation=cv2.INTER_LINEAR)[: shape[0], : shape[1]]
    rows, columns = (max(1, round(side / max(step_px, 1))) for side in shape)
    return np.asarray(cv2.resize(fine, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)


def _level(
    section: AlignedSection,
    before: AlignedSection,
    after: AlignedSection,
    pixel_size_um: float,
    settings: DeformationSettings,
    comparing: ElastixSettings,
) -> Level:
    """fixed : the mean of both neighbours, each as bright as the other. moving : the section."""
    sides = [
        pyramid(one.picture, section.picture, one.mask, section.mask, pixel_size_um=pixel_size_um, settings=comparing)[
            0
        ]
        for one in (before, after)
    ]
    mean = np.asarray((sides[0].fixed + sides[1].fixed) / 2, np.float32)
    level = replace(sides[0], fixed=mean, fixed_mask=sides[0].fixed_mask | sides[1].fixed_mask)
    return shrunk_to(level, factor_of(settings.pixel_um, pixel_size_um))


def _metric(level: Level, field_px: Field) -> float:
    """Masked correlation, after the field."""
    rows, columns = np.indices(level.fixed.shape)
    at = (field_px + np.stack([columns, rows], axis=-1)).astype(np.float32)
    moving, mask = (cv2.remap(one, at, None, cv2.INTER_LINEAR) for one in (level.moving, level.moving_mask))
    return fit_of(replace(level, factor=1, moving=moving, moving_mask=mask), np.eye(3)).metric
