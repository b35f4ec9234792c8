"""Colour: stained sections in bright field, which take light away instead of sending it out.

Colour images are (rows, columns, 3) uint8, red, green and blue. Their background is white: the light that passes the
glass. What was never scanned is pure white.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.images.histograms import quantile_level
from brainstack.settings import WhitePointSettings

PURE_WHITE = 255
DARK = 128
"""Glass below this luminance is none that light passes: half of pure white, where scanners set it to nine tenths."""
LUMINANCE = (0.299, 0.587, 0.114)
"""How bright red, green and blue are to the eye: ITU-R BT.601, as in most programs that turn colour into grey."""


def absorbed(image: NDArray[Any]) -> NDArray[np.float32]:
    """How much light each pixel takes away, by Beer and Lambert: it adds up where stain, dust and dirty glass lie on
    each other, and is proportional to the stain.

    image : (rows, columns, 3), grey values from 0 to 255, of any type. Returns the same shape, float32: 0 for pure
    white, and 1 for the first grey level below it; 1414 for black.
    """
    levels = np.maximum(image.astype(np.float32), 0) + 1
    return np.asarray(255 * np.log(np.float32(256) / levels), np.float32)


def white_point(glass_counts: NDArray[np.int64], settings: WhitePointSettings) -> tuple[int, int, int]:
    """The colour of the glass: of each of the three colours the grey value that the `quantile` of the glass has.

    glass_counts : (3, 256), how many pixels of glass have each grey value, of all sections of an animal.
    Raises BrainstackError where no glass was counted, or it is dark.
    """
    if not glass_counts.any():
        raise BrainstackError(
            "No section shows any glass, from which the white point is measured; wanted masks with glass around the "
            "tissue; mend the masks."
        )
    red, green, blue = (quantile_level(counts, settings.quantile) for counts in glass_counts)
    if np.dot(LUMINANCE, (red, green, blue)) < DARK:
        raise BrainstackError(
            f"The glass is dark (red {red}, green {green}, blue {blue}); wanted colour scans of bright field, whose "
            "glass is nearly white; scan fluorescence in grey, or mend the masks where they leave out the tissue."
        )
    return red, green, blue


def inverted_luminance(image: NDArray[np.uint8], white: Sequence[int]) -> NDArray[np.float32]:
    """A colour section as if it shone: how much darker than the glass it is, 0 where it is as bright or brighter.

    image : (rows, columns, 3) uint8. white : the colour of the glass. Returns (rows, columns) float32, from 0 to the
    luminance of `white`.
    """
    weights = np.array(LUMINANCE, np.float32)
    return np.asarray(np.maximum(np.float32(np.dot(weights, white)) - image @ weights, 0), np.float32)
