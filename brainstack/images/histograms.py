"""Histograms of the tissue: exact counts of grey values inside the mask, and what is read off them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.settings import GainSettings


def tissue_counts(image: NDArray[np.uint8 | np.uint16], mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many pixels of tissue have each grey value; the glass is not counted.

    image : (rows, columns) uint8 or uint16, or (rows, columns, 3) uint8. mask : (rows, columns) bool, True on tissue.
    Returns (256,) or (65536,); of a colour image (3, 256), for red, green and blue.
    """
    if image.shape[:2] != mask.shape:
        raise BrainstackError(
            f"The mask is {mask.shape} but the section is {image.shape[:2]}, as (rows, columns); "
            "make the mask again at this scale."
        )
    levels = int(np.iinfo(image.dtype).max) + 1
    if image.ndim == 2:
        return np.bincount(image[mask], minlength=levels).astype(np.int64)
    return np.stack([np.bincount(colour, minlength=levels) for colour in image[mask].T]).astype(np.int64)


def quantile_level(counts: NDArray[np.int64], quantile: float) -> int:
    """The smallest grey value that at least a share `quantile` of the counted pixels is at or below.

    Raises BrainstackError where nothing was counted.
    """
    total = int(counts.sum())
    if total == 0:
        raise BrainstackError("No pixel of tissue was counted; wanted a mask with tissue in it; mend the masks.")
    return int(np.searchsorted(np.cumsum(counts), quantile * total))


def gain_for(counts: NDArray[np.int64], settings: GainSettings) -> float:
    """The factor that takes the `quantile` of the counted grey values to `target` of the type's range.

    It is rounded to steps of `step`, a share. counts : (256,) or (65536,), of all sections of a channel. A channel that
    is black there is left as it is: 1.
    """
    level = quantile_level(counts, settings.quantile)
    if not level:
        return 1.0
    exact = settings.target * (len(counts) - 1) / level
    steps = round(math.log(exact) / math.log1p(settings.step))
    return float((1 + settings.step) ** steps)


def binned(counts: NDArray[np.int64], bins: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Counts added up in `bins` bins from 0 to the highest grey value that occurs, for a picture.

    counts : (levels,), or (3, levels) of the three colours, which share their bins and have no more of them than grey
    values. Returns (bins,) or (3, bins) counts and (bins + 1,) edges in grey values.
    """
    highest = int(np.nonzero(counts)[-1].max()) if counts.any() else 1
    bins = bins if counts.ndim == 1 else min(bins, highest + 1)  # a line would fall to 0 between them
    edges = np.linspace(0, highest + 1, bins + 1)
    places = np.minimum((np.arange(highest + 1) * bins) // (highest + 1), bins - 1)

    def together(levels: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(places, weights=levels[: highest + 1], minlength=bins).astype(np.int64)

    return together(counts) if counts.ndim == 1 else np.stack([together(colour) for colour in counts]), edges
