"""Normalized: 8-bit pictures for eyes, with local contrast evened out. Never for measuring."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from brainstack.settings import NormalizedSettings


def normalize(image: NDArray[np.uint8 | np.uint16], settings: NormalizedSettings) -> NDArray[np.uint8]:
    """A section in 8 bit, its brightest `white_share` of pixels white, then CLAHE.

    image : (rows, columns) uint8 or uint16. Returns (rows, columns) uint8. CLAHE: Zuiderveld (1994), as in OpenCV.
    """
    tiles = (settings.clahe_tiles, settings.clahe_tiles)
    clahe = cv2.createCLAHE(clipLimit=settings.clahe_clip, tileGridSize=tiles)
    return np.asarray(clahe.apply(to_8_bit(image, white_level(image, settings.white_share))), np.uint8)


def white_level(image: NDArray[np.uint8 | np.uint16], white_share: float) -> float:
    """The grey value that only a share of `white_share` of all pixels is above; at least 1."""
    counts = np.bincount(image.ravel(), minlength=1)
    below = int(np.searchsorted(np.cumsum(counts), (1 - white_share) * image.size))
    return float(max(1, below))


def to_8_bit(image: NDArray[np.uint8 | np.uint16], white: float) -> NDArray[np.uint8]:
    """Grey values from 0 to `white` spread over 0 to 255; what is brighter is 255."""
    scaled = np.rint(image.astype(np.float32) * np.float32(255 / white))
    return np.asarray(np.minimum(scaled, 255), np.uint8)
