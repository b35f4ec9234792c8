"""Registering two neighbouring sections: how the one lies on the other, as a rotation and a shift."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy import fft

from brainstack import geometry
from brainstack.errors import BrainstackError
from brainstack.geometry import Matrix
from brainstack.settings import ElastixSettings

Picture = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Light = npt.NDArray[np.float32]

_STANDARD_OUTPUT = threading.Lock()


@dataclass(frozen=True)
class Registered:
    """Takes a point of the fixed section's canvas to the moving section's: a rotation about its centre, then a shift.

    rotation_rad : positive from x to y. shift_x_um, shift_y_um : in micrometres. metric : masked correlation after
    registration, 1 is best. start_metric : the same where elastix began.
    """

    rotation_rad: float
    shift_x_um: float
    shift_y_um: float
    metric: float
    start_metric: float


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


def register_pair(
    fixed: Picture,
    moving: Picture,
    *,
    fixed_mask: Mask,
    moving_mask: Mask,
    pixel_size_um: float,
    settings: ElastixSettings,
) -> Registered:
    """How `moving` lies on `fixed`: two neighbouring sections on one common canvas, at any angle to each other.

    fixed, moving : (rows, columns) uint8, uint16 or float32, tissue bright on background 0. fixed_mask, moving_mask :
    bool, True on tissue.

    A ring of rotations is tried on a coarse picture. The best few are refined by the enhanced correlation coefficient
    (Evangelidis and Psarakis 2008), coarse to fine, and elastix (Klein et al. 2010) ends it. What elastix found is kept
    only where its masked correlation is not worse than the start's by more than `allowed_loss`. The same pictures give
    the same digits.

    Raises BrainstackError when a mask is empty or the two do not fit: too little common tissue, or too low a metric.
    Raises ValueError when the four are not of one shape.
    """
    if len({picture.shape for picture in (fixed, moving, fixed_mask, moving_mask)}) > 1:
        raise ValueError(f"The sections are {fixed.shape} and {moving.shape}; wanted both, with masks, on one canvas.")
    for mask, name in ((fixed_mask, "first"), (moving_mask, "second")):
        if not mask.any():
            raise BrainstackError(f"The mask of the {name} section is empty; paint its tissue or make it a gap.")
    if np.array_equal(fixed, moving) and np.array_equal(fixed_mask, moving_mask):  # a copy lies on what it is of
        return Registered(0.0, 0.0, 0.0, 1.0, 1.0)
    full, levels = pyramid(fixed, moving, fixed_mask, moving_mask, pixel_size_um=pixel_size_um, settings=settings)
    matrix = start_of(levels, settings, pixel_size_um)
    judge = _shrunk(full, _factor(settings.metric_um, pixel_size_um))
    start_metric = metric = _checked_metric(judge, matrix, settings)
    refined = elastix(full, matrix, settings, round(settings.border_um / pixel_size_um))
    refined_metric, _ = _fit(judge, refined)
    if refined_metric >= start_metric - settings.allowed_loss:
        matrix, metric = refined, refined_metric
    parts = geometry.rigid_parts(matrix, full.fixed.shape)
    return Registered(
        parts.rotation_rad, parts.shift_x_px * pixel_size_um, parts.shift_y_px * pixel_size_um, metric, start_metric
    )


def measure_pair(
    fixed: Picture,
    moving: Picture,
    *,
    fixed_mask: Mask,
    moving_mask: Mask,
    pixel_size_um: float,
    settings: ElastixSettings,
    by_hand: tuple[float, float, float],
) -> Registered:
    """A transform that a person gave, with the metric it has. by_hand : rotation in radians, shift in x and y in um."""
    rotation_rad, shift_x_um, shift_y_um = by_hand
    full, _ = pyramid(fixed, moving, fixed_mask, moving_mask, pixel_size_um=pixel_size_um, settings=settings)
    judge = _shrunk(full, _factor(settings.metric_um, pixel_size_um))
    shift_px = shift_x_um / pixel_size_um, shift_y_um / pixel_size_um
    metric, _ = _fit(judge, geometry.rigid(rotation_rad, *shift_px, fixed.shape))
    return Registered(rotation_rad, shift_x_um, shift_y_um, metric, metric)


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
    return full, [_shrunk(full, factor) for factor in _factors(pixel_size_um, settings)]


def _checked_metric(level: Level, matrix: Matrix, settings: ElastixSettings) -> float:
    metric, overlap = _fit(level, matrix)
    if overlap < settings.lowest_overlap or metric <= settings.lowest_metric:
        raise BrainstackError(
            f"The two sections do not fit: best correlation {metric:.2f} (wanted above {settings.lowest_metric}) with "
            f"{overlap:.0%} of the smaller one's tissue on the other (wanted {settings.lowest_overlap:.0%}); "
            "look at both, and mend their masks, make one a gap, or align the pair by hand."
        )
    return metric


def _light(picture: Picture, mask: Mask, smoothing_px: float) -> Light:
    """The tissue's light, smoothed inside its mask, 1 at its bright end, so that debris and gain do not rule.

    Its bright end is the 99th percentile, but no more than three times the median: large debris is brighter than both.
    """
    middle, bright = (float(level) for level in np.quantile(picture[mask], (0.5, 0.99)))
    bright = min(bright, 3 * middle) or bright or 1.0
    light = np.where(mask, np.minimum(picture / np.float32(bright), 1), 0).astype(np.float32)
    if smoothing_px < 0.3:  # less than a pixel sees
        return light
    share = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), smoothing_px)
    blurred = cv2.GaussianBlur(light, (0, 0), smoothing_px)
    return np.where(mask, blurred / np.maximum(share, 1e-3), 0).astype(np.float32)


def _ones(mask: Mask) -> npt.NDArray[np.uint8]:
    return mask.astype(np.uint8)


def _factors(pixel_size_um: float, settings: ElastixSettings) -> list[int]:
    """Powers of two from the coarse to the fine pixel, at least one."""
    factor, fine = _factor(settings.coarse_um, pixel_size_um), _factor(settings.fine_um, pixel_size_um)
    factors = [factor]
    while factor > fine:
        factor //= 2
        factors.append(factor)
    return factors


def _factor(largest_um: float, pixel_size_um: float) -> int:
    """Pixels of the thumbnail to one no longer than `largest_um`: a power of two, at least 1."""
    return int(2 ** max(0, math.floor(math.log2(largest_um / pixel_size_um))))


def _shrunk(full: Level, factor: int) -> Level:
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


def start_of(levels: list[Level], settings: ElastixSettings, pixel_size_um: float) -> Matrix:
    """Where elastix begins, in pixels of the thumbnail: the best of a ring of rotations, refined coarse to fine."""
    coarse = levels[0]
    candidates = [_ecc(coarse, matrix, settings) for matrix in _ring(coarse, settings, pixel_size_um)]
    best = max(candidates, key=lambda matrix: _likeness(coarse, matrix))
    for level in levels[1:]:
        best = _ecc(level, best, settings)
    return best


def _ring(level: Level, settings: ElastixSettings, pixel_size_um: float) -> list[Matrix]:
    """The best few of a full circle of rotations, each with its best shift, in pixels of the thumbnail.

    The shift is where the two correlate most, found for all shifts at once by Fourier transform. What is wide and even
    is taken away first: a small section lies equally well anywhere on a large one, but its outline does not.
    """
    reach = 2 * max(level.fixed.shape)
    side = fft.next_fast_len(reach, real=True)
    middle = (side - 1) / 2
    fixed_to_middle = geometry.shift(*(middle - _centroid(level.fixed_mask)))
    middle_to_moving = geometry.shift(*(_centroid(level.moving_mask) - middle))
    blur_px = settings.outline_um / pixel_size_um / level.factor
    fixed = _outlined(_warped(level.fixed, geometry.inverse(fixed_to_middle), (side, side)), blur_px)
    spectrum = np.conj(fft.rfft2(fixed))
    scored = []
    for turn in range(settings.ring_steps):
        rotation = geometry.rigid(2 * math.pi * turn / settings.ring_steps, 0, 0, (side, side))
        moving = _outlined(_warped(level.moving, middle_to_moving @ rotation, (side, side)), blur_px)
        likeness = fft.irfft2(spectrum * fft.rfft2(moving), s=(side, side))
        row, column = np.unravel_index(np.argmax(likeness), likeness.shape)
        shift = geometry.shift(*((int(at) + side // 2) % side - side // 2 for at in (column, row)))
        matrix = middle_to_moving @ rotation @ shift @ fixed_to_middle
        scored.append((float(likeness[row, column]), geometry.scaled(matrix, level.factor)))
    return [scored[turn][1] for turn in _peaks([score for score, _ in scored])[: settings.candidates]]


def _peaks(ring: list[float]) -> list[int]:
    """Where the ring is no lower than on both sides, highest first."""
    peaks = [at for at in range(len(ring)) if ring[at] >= max(ring[at - 1], ring[(at + 1) % len(ring)])]
    return sorted(peaks, key=lambda at: (-ring[at], at))


def _outlined(light: Light, blur_px: float) -> Light:
    return np.asarray(light - cv2.GaussianBlur(light, (0, 0), blur_px))


def _centroid(mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    rows, columns = np.nonzero(mask)
    return np.array([columns.mean(), rows.mean()])


def _warped(picture: npt.NDArray[Any], matrix: Matrix, shape: tuple[int, int]) -> npt.NDArray[Any]:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(picture, matrix[:2], (shape[1], shape[0]), flags=flags))


def _ecc(level: Level, matrix: Matrix, settings: ElastixSettings) -> Matrix:
    """The matrix, refined on this level; as it was where the method finds no way on."""
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, settings.ecc_iterations, 1e-5)
    begin = geometry.scaled(matrix, 1 / level.factor)[:2].astype(np.float32)
    try:
        # No masks: glass counts as dark, so that a small section does not slide about on a large one.
        _, found = cv2.findTransformECC(level.fixed, level.moving, begin, cv2.MOTION_EUCLIDEAN, criteria)
    except cv2.error:
        return matrix
    rotation = math.atan2(found[1, 0], found[0, 0])
    refined = geometry.shift(float(found[0, 2]), float(found[1, 2])) @ geometry.rigid(rotation, 0, 0, (1, 1))
    return geometry.scaled(refined, level.factor)


def _widened(mask: npt.NDArray[np.uint8], border_px: int) -> npt.NDArray[np.uint8]:
    if border_px < 1:
        return mask
    return np.asarray(cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * border_px + 1,) * 2)))


def _likeness(level: Level, matrix: Matrix) -> float:
    """Correlation over all that is tissue in one of the two, so that the outline counts."""
    at_level = geometry.scaled(matrix, 1 / level.factor)
    moving = _warped(level.moving, at_level, level.fixed.shape)
    moving_mask = _warped(level.moving_mask, at_level, level.fixed.shape)
    either = (level.fixed_mask | moving_mask) > 0
    return _pearson(level.fixed[either], moving[either])


def _fit(level: Level, matrix: Matrix) -> tuple[float, float]:
    """Correlation over the tissue that both have, and that tissue as a share of the smaller one's."""
    at_level = geometry.scaled(matrix, 1 / level.factor)
    moving = _warped(level.moving, at_level, level.fixed.shape)
    moving_mask = _warped(level.moving_mask, at_level, level.fixed.shape)
    both = (level.fixed_mask & moving_mask) > 0
    smaller = min(int(level.fixed_mask.sum()), int(level.moving_mask.sum()))
    return _pearson(level.fixed[both], moving[both]), int(both.sum()) / max(smaller, 1)


def _pearson(one: Light, other: Light) -> float:
    if one.size < 2 or one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def elastix(level: Level, start: Matrix, settings: ElastixSettings, border_px: int) -> Matrix:
    """The start, refined by elastix: the one place that knows it, so that another engine can stand here.

    level : of the thumbnail itself. start : in its pixels, fixed to moving. Samples are taken where one of the
    two is tissue at the start and `border_px` around it, so that both outlines count.
    SimpleITK is imported here because it takes a second and only this needs it. elastix insists on a folder to write
    to, a temporary one. What it finds comes after the start and turns about its own centre of rotation.
    Raises BrainstackError where elastix gives up.
    """
    with warnings.catch_warnings():
        # Where warnings are errors, the one that its SWIG classes give ends the whole process.
        warnings.simplefilter("ignore", DeprecationWarning)
        import SimpleITK as sitk  # noqa: N813

    engine = sitk.ElastixImageFilter()
    engine.LogToConsoleOff()
    engine.LogToFileOff()
    engine.SetNumberOfThreads(1)
    engine.SetFixedImage(sitk.GetImageFromArray(level.fixed))
    engine.SetMovingImage(sitk.GetImageFromArray(level.moving))
    either = level.fixed_mask | _warped(level.moving_mask, start, level.fixed.shape)
    engine.SetFixedMask(sitk.GetImageFromArray(_widened(either, border_px)))
    parameters = sitk.ParameterMap()
    for name, value in settings.rigid.items():
        parameters[name] = _elastix_words(value)
    engine.SetParameterMap(parameters)
    with tempfile.TemporaryDirectory(prefix="elastix_") as folder:
        engine.SetOutputDirectory(folder)
        start_file = Path(folder) / "start.txt"
        start_file.write_text(_elastix_start(start, level.fixed.shape), encoding="ascii")
        engine.SetInitialTransformParameterFileName(str(start_file))
        try:
            with _quiet():
                engine.Execute()
        except RuntimeError as error:
            raise BrainstackError(
                "elastix could not register the two sections; look at both, mend their masks or make one a gap, and "
                "where no pair works, put config/rigid.toml right."
            ) from error
        (found,) = engine.GetTransformParameterMap()
    return from_elastix(found["TransformParameters"], found["CenterOfRotationPoint"]) @ start


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No standard output: elastix prints "Writing image ..." there from C++, whatever its settings say."""
    with _STANDARD_OUTPUT:
        sys.stdout.flush()
        kept = os.dup(1)
        try:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), 1)
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)


def from_elastix(parameters: tuple[str, ...], centre: tuple[str, ...]) -> Matrix:
    """The matrix of an EulerTransform: rotation about its centre, then the shift; angle, x and y in that order."""
    angle, shift_x, shift_y = map(float, parameters)
    centre_x, centre_y = map(float, centre)
    about = geometry.shift(centre_x, centre_y)
    return geometry.shift(shift_x, shift_y) @ about @ geometry.rigid(angle, 0, 0, (1, 1)) @ geometry.inverse(about)


def _elastix_start(matrix: Matrix, shape: tuple[int, int]) -> str:
    """elastix' file of a rigid transform; a pixel is one unit long and the first pixel's centre is at 0."""
    parts = geometry.rigid_parts(matrix, (1, 1))
    return "\n".join(
        (
            '(Transform "EulerTransform")',
            "(NumberOfParameters 3)",
            f"(TransformParameters {parts.rotation_rad!r} {parts.shift_x_px!r} {parts.shift_y_px!r})",
            "(CenterOfRotationPoint 0 0)",
            '(InitialTransformParametersFileName "NoInitialTransform")',
            '(HowToCombineTransforms "Compose")',
            "(FixedImageDimension 2)",
            "(MovingImageDimension 2)",
            f"(Size {shape[1]} {shape[0]})",
            "(Index 0 0)",
            "(Spacing 1 1)",
            "(Origin 0 0)",
            "(Direction 1 0 0 1)",
            "",
        )
    )


def _elastix_words(value: Any) -> tuple[str, ...]:
    """A value of rigid.toml as elastix wants it: words; true and false are not capitalised."""
    values = value if isinstance(value, list | tuple) else (value,)
    return tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in values)
