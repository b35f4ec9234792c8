"""Normalized: 8-bit pictures for eyes, with local contrast evened out. Never for measuring."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from brainstack.settings import NormalizedSettings


def normalize(image: NDArray[np.uint8 | np.uint16], settings: NormalizedSettings) -> NDArray[np.uint8]:
    """A section in 8 bit, its brightest `white_share` of pixels white, then CLAHE.

    image : (rows, columns) uint8 or uint16, or (rows, columns, 3) uint8, of which the lightness (CIE L*) is evened out
    and the hue stays. Returns the same shape, uint8. CLAHE: Zuiderveld (1994), as in OpenCV.
    """
    tiles = (settings.clahe_tiles, settings.clahe_tiles)
    clahe = cv2.createCLAHE(clipLimit=settings.clahe_clip, tileGridSize=tiles)
    bright = to_8_bit(image, white_level(image, settings.white_share))
    if bright.ndim == 2:
        return np.asarray(clahe.apply(bright), np.uint8)
    lightness, *hue = cv2.split(cv2.cvtColor(bright, cv2.COLOR_RGB2LAB))
    return np.asarray(cv2.cvtColor(cv2.merge([clahe.apply(lightness), *hue]), cv2.COLOR_LAB2RGB), np.uint8)


def white_level(image: NDArray[np.uint8 | np.uint16], white_share: float) -> float:
    """The grey value that only a share of `white_share` of all pixels is above; at least 1."""
    counts = np.bincount(image.ravel(), minlength=1)
    below = int(np.searchsorted(np.cumsum(counts), (1 - white_share) * image.size))
    return float(max(1, below))


def to_8_bit(image: NDArray[np.uint8 | np.uint16], white: float, black: float = 0) -> NDArray[np.uint8]:
    """Grey values from `black` to `white` spread over 0 to 255; what is darker is 0, what is brighter is 255."""
    scaled = np.rint((image.astype(np.float32) - np.float32(black)) * np.float32(255 / (white - black)))
    return np.asarray(np.clip(scaled, 0, 255), np.uint8)


def scene_picture(thumbnail: NDArray[np.uint8 | np.uint16], white_share: float) -> NDArray[np.uint8]:
    """What a person sees of a scene: 8 bit, with its brightest share of pixels white; a colour scan as it is."""
    if thumbnail.ndim == 3:
        return np.asarray(thumbnail, np.uint8)
    return to_8_bit(thumbnail, white_level(thumbnail, white_share))
