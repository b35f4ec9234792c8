"""What a pixel looks like, in numbers that are comparable between sections: for learning masks from people.

As in ilastik, each number is the answer of a filter at one of several widths. None depends on where in the image a
pixel is, or on how bright the lamp was: light is measured above the glass, in multiples of the section's own noise and
of its own tissue.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from brainstack.images.mask_grain import Grain, grain_of
from brainstack.images.mask_light import Light, light_above_glass, looks_like_tissue
from brainstack.images.planes import Image, Mask, Plane, at_working_scale, grown
from brainstack.settings import MasksSettings

VERSION = 2
"""Raise it when the features of the same image come out otherwise: models trained on others are then refused."""

FAINT = 0.1
"""Share of the tissue's light below which the logarithm goes over into a straight line: glass and tissue that fades."""
BRIGHTEST = 4.0
"""Light counts as at most this many times the tissue's, and grain as at most the tissue's light: dust and debris shine
a hundred times brighter, and in wide means would make tissue of the glass around them."""


@dataclass(frozen=True)
class Features:
    """The features of one image, at the working scale, and what they were made from.

    values : (rows, columns, features) float32. names : of the features. light : of the image above its glass.
    grain : of the image.
    """

    values: NDArray[np.float32]
    names: tuple[str, ...]
    light: Light
    grain: Grain


def features(image: Image, *, pixel_size_um: float, settings: MasksSettings, sigmas_um: Sequence[float]) -> Features:
    """The features of a section's thumbnail.

    image : as `propose_mask` takes it: (rows, columns) uint8 or uint16 in fluorescence, (rows, columns, 3) uint8 in
    colour. pixel_size_um : side of a pixel of it in micrometres. sigmas_um : the widths of the filters (sigma of a
    Gaussian, micrometres).
    """
    planes, scanned = at_working_scale(image, pixel_size_um / settings.working_um)
    grain = grain_of(image, scanned, pixel_size_um=pixel_size_um, settings=settings)
    # What is smooth is glass, however bright its haze. In colour steps between fields blur the grain: it cannot tell.
    smooth = scanned & ~grown(grain.rough, settings.grain_spread_um / settings.working_um)
    is_told = len(planes) == 1 and grain.core.any() and smooth.any()
    light = light_above_glass(planes, scanned, settings, surely_glass=smooth if is_told else None)
    raw = np.asarray(sum(planes) / len(planes), np.float32)
    found = dict(_all(raw, light, settings, [one / settings.working_um for one in sigmas_um]))
    found["grain over glass"] = _logarithm(grain.strength, 1.0)
    return Features(np.stack(list(found.values()), axis=-1), tuple(found), light, grain)


def _all(raw: Plane, light: Light, settings: MasksSettings, sigmas_px: list[float]) -> Iterator[tuple[str, Plane]]:
    """Name and plane of each feature of the light and of its grain at the working scale."""
    level = _level(light, settings)
    noise = max(light.noise, level * 1e-3)
    above = np.minimum(light.above, BRIGHTEST * level)
    over_noise = np.arcsinh(above / noise)
    over_tissue = np.arcsinh(above / (FAINT * level))
    yield "light over noise", over_noise
    yield "light over tissue", over_tissue
    for number, colour in enumerate(light.colours if len(light.colours) > 1 else ()):
        hue = colour / np.maximum(np.mean(light.colours, axis=0), 3 * noise)
        yield f"hue {number}", blurred(np.asarray(hue, np.float32), sigmas_px[0] / 2)
    grain = np.minimum(np.abs(raw - blurred(raw, 1)), level)
    for sigma_px in sigmas_px:
        um = f"{sigma_px * settings.working_um:g} um"
        yield f"light over noise, {um}", blurred(over_noise, sigma_px)
        for name, plane in _shapes(over_tissue, sigma_px):
            yield f"{name}, {um}", plane
        rough = blurred(grain, sigma_px)
        yield f"grain over glass, {um}", _logarithm(rough, float(np.quantile(rough[light.scanned], 0.05)))
        over_light = rough / np.maximum(blurred(above, sigma_px), noise)
        yield f"grain over light, {um}", _logarithm(over_light, 1e-3)


def _level(light: Light, settings: MasksSettings) -> float:
    """How bright the tissue is: the median of what looks like it, or of all that was scanned."""
    bright = looks_like_tissue(light, settings)
    return max(float(np.median(light.above[bright if bright.any() else light.scanned])), 1e-3)


def _shapes(plane: Plane, sigma_px: float) -> Iterator[tuple[str, Plane]]:
    """Level, slope, blobs, ridges and direction of a plane at one width, all in the plane's own unit."""
    smooth = blurred(plane, sigma_px)
    down, right = _slope(smooth, 0, 1) * sigma_px, _slope(smooth, 1, 0) * sigma_px
    bend = sigma_px**2
    xx, xy, yy = (_slope(smooth, *order) * bend for order in ((2, 0), (1, 1), (0, 2)))
    yield "light over tissue", smooth
    yield "slope", np.asarray(cv2.magnitude(down, right), np.float32)
    yield "Laplacian", xx + yy
    yield from zip(("Hessian, larger", "Hessian, smaller"), _eigenvalues(xx, xy, yy), strict=True)
    tensor = (blurred(one, sigma_px) for one in (right * right, right * down, down * down))
    for name, plane in zip(("structure, larger", "structure, smaller"), _eigenvalues(*tensor), strict=True):
        yield name, np.sqrt(np.maximum(plane, 0))


def _eigenvalues(xx: Plane, xy: Plane, yy: Plane) -> tuple[Plane, Plane]:
    """Of the symmetric matrix of each pixel, the larger first."""
    middle, half = (xx + yy) / 2, np.sqrt(np.square((xx - yy) / 2) + np.square(xy))
    return middle + half, middle - half


def _slope(plane: Plane, dx: int, dy: int) -> Plane:
    """Derivative of the order (dx, dy), in units a pixel."""
    scale = {(1, 0): 1 / 8, (0, 1): 1 / 8, (2, 0): 1 / 4, (0, 2): 1 / 4, (1, 1): 1 / 4}[dx, dy]
    return np.asarray(cv2.Sobel(plane, cv2.CV_32F, dx, dy, ksize=3, scale=scale, borderType=cv2.BORDER_REPLICATE))


def _logarithm(plane: NDArray[Any], unit: float) -> Plane:
    return np.asarray(np.log(np.maximum(plane / max(unit, 1e-6), 1e-3)), np.float32)


def blurred(plane: Plane, sigma_px: float) -> Plane:
    """A Gaussian mean, (rows, columns) float32; the plane goes on outside as its edge is."""
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE), np.float32)


def close_to(mask: Mask, distance_px: float) -> Mask:
    """Pixels that are nearer to the outline of a mask than `distance_px`, on either side: (rows, columns) bool."""
    to_tissue, to_glass = (
        cv2.distanceTransform(side.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5) for side in (~mask, mask)
    )
    return np.asarray(to_tissue + to_glass < distance_px)
