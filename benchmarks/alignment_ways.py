"""Other ways of registering two sections, beside brainstack's, for benchmarks/alignment.py.

Each takes the fixed and the moving section and returns the matrix from pixels of the fixed one to the moving one's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from alignment_sets import PIXEL_UM, Mask, Placed

from brainstack import geometry
from brainstack.geometry import Matrix
from brainstack.images import elastix
from brainstack.images.levels import pyramid
from brainstack.images.registration_start import refined_start, ring_start
from brainstack.settings import load_settings

SETTINGS = load_settings().elastix


def lab(fixed: Placed, moving: Placed) -> Matrix:
    """The lab's: elastix' translation, then its rigid map as the lab sets it, without masks. Composed exactly, in
    float64; the lab itself adds the two shifts and keeps them in float16, which costs accuracy."""
    import SimpleITK as sitk  # noqa: N813

    rigid = dict(sitk.GetDefaultParameterMap("rigid")) | {
        "AutomaticTransformInitialization": ["true"],
        "AutomaticTransformInitializationMethod": ["GeometricalCenter"],
        "Metric": ["AdvancedMattesMutualInformation"],
        "NumberOfHistogramBins": ["32"],
        "NumberOfResolutions": ["8"],
        "NumberOfSpatialSamples": ["7500"],
        "MaximumNumberOfIterations": ["1200"],
        "MaximumStepLength": ["10"],
        "RequiredRatioOfValidSamples": ["0.05"],
        "NewSamplesEveryIteration": ["true"],
        "FixedImagePyramid": ["FixedSmoothingImagePyramid"],
        "MovingImagePyramid": ["MovingSmoothingImagePyramid"],
    }
    return _elastix(fixed, moving, [dict(sitk.GetDefaultParameterMap("translation")), rigid])


def elastix_default(fixed: Placed, moving: Placed) -> Matrix:
    """elastix' own rigid map, from centre of gravity upon centre of gravity."""
    import SimpleITK as sitk  # noqa: N813

    own = dict(sitk.GetDefaultParameterMap("rigid")) | {
        "AutomaticTransformInitialization": ["true"],
        "AutomaticTransformInitializationMethod": ["CenterOfGravity"],
    }
    return _elastix(fixed, moving, [own])


def _elastix(fixed: Placed, moving: Placed, maps: Sequence[Mapping[str, Any]]) -> Matrix:
    import SimpleITK as sitk  # noqa: N813

    engine = sitk.ElastixImageFilter()
    engine.LogToConsoleOff()
    engine.LogToFileOff()
    engine.SetNumberOfThreads(1)
    engine.SetFixedImage(sitk.GetImageFromArray(fixed.picture.astype(np.float32)))
    engine.SetMovingImage(sitk.GetImageFromArray(moving.picture.astype(np.float32)))
    vector = sitk.VectorOfParameterMap()
    for one in maps:
        parameters = sitk.ParameterMap()
        for name, value in one.items():
            parameters[name] = tuple(value)
        vector.append(parameters)
    engine.SetParameterMap(vector)
    with tempfile.TemporaryDirectory(prefix="elastix_") as folder:
        engine.SetOutputDirectory(folder)
        engine.Execute()
        found = engine.GetTransformParameterMap()
    matrix = np.eye(3)
    for one in found:  # the first is applied first
        if len(one["TransformParameters"]) == 2:
            step = geometry.shift(*map(float, one["TransformParameters"]))
        else:
            step = elastix.from_elastix(one["TransformParameters"], one["CenterOfRotationPoint"])
        matrix = step @ matrix
    return np.asarray(matrix)


def ecc(fixed: Placed, moving: Placed) -> Matrix:
    """A ring of rotations and the enhanced correlation coefficient, coarse to fine, without elastix."""
    _, levels = pyramid(
        fixed.picture, moving.picture, fixed.mask, moving.mask, pixel_size_um=PIXEL_UM, settings=SETTINGS
    )
    return refined_start(levels[1:], ring_start(levels[0], SETTINGS, PIXEL_UM), SETTINGS)


def mean_distance_um(one: Matrix, other: Matrix, mask: Mask) -> float:
    """Mean distance between where the two maps take the mask's pixels, in micrometres."""
    rows, columns = np.nonzero(mask)
    at = np.stack([columns, rows], axis=-1)[::7]
    return float(np.linalg.norm(geometry.points(one, at) - geometry.points(other, at), axis=1).mean()) * PIXEL_UM
