"""Histograms of the tissue: exact counts of grey values inside the mask, and what is read off them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

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
            f"The mask is {mask.shape} but the section is {image.shape[:2]}, as (rows, columns); wanted both of one "
            "size; set one of the section's size by `brainstack mask set ANIMAL SECTION FILE`."
        )
    levels = int(np.iinfo(image.dtype).max) + 1
    if image.ndim == 2:
        return np.bincount(image[mask], minlength=levels).astype(np.int64)
    return np.stack([np.bincount(colour, minlength=levels) for colour in image[mask].T]).astype(np.int64)


def saturated_share(counts: NDArray[np.int64]) -> float:
    """The share of counted pixels that have the type's highest grey value: how bright they were, nobody knows.

    counts : (levels,), or (3, levels) in colour, where the colour with most of them is meant. 0 where none was counted.
    """
    total = counts.sum(axis=-1).max()
    return float(counts[..., -1].max() / total) if total else 0.0


def brightest_level(counts: NDArray[np.int64]) -> int:
    """The highest grey value that was counted, of any colour; 0 where none was. counts : (levels,) or (3, levels)."""
    return int(np.nonzero(counts)[-1].max()) if counts.any() else 0


def quantile_level(counts: NDArray[np.int64], quantile: float) -> int:
    """The smallest grey value that at least a share `quantile` of the counted pixels is at or below.

    Raises BrainstackError where nothing was counted.
    """
    total = int(counts.sum())
    if total == 0:
        raise BrainstackError(
            "No pixel of tissue was counted; wanted masks with tissue in them; mend them: brainstack review ANIMAL"
        )
    return int(np.searchsorted(np.cumsum(counts), quantile * total))


@dataclass(frozen=True)
class MeasuredGain:
    """gain : of a channel. level : the grey value that it takes to the target. left_out : for each section, whether it
    had no say as it is saturated where the gain is measured. is_saturated : True where the level itself is the type's
    highest value, so that nobody knows how bright the channel is.
    """

    gain: float
    level: float
    left_out: tuple[bool, ...]
    is_saturated: bool


def gain_for(sections: Iterable[NDArray[np.int64]], settings: GainSettings, *, name: str) -> MeasuredGain:
    """The factor that takes a channel's bright tissue to `target` of the type's range, rounded to steps of `step`.

    Of each section the `quantile` of its grey values is taken, and of these the middle one (see `channel_level`).

    sections : counts of each, (256,) or (65536,). name : what a sentence calls the channel. Raises BrainstackError for
    a channel that is black, in all of its pixels or at the quantile of each section: no gain makes it brighter.
    """
    levels, together, highest = [], np.zeros(1, np.int64), 0
    for counts in sections:
        levels.append(quantile_level(counts, settings.quantile) if counts.any() else 0)
        together, highest = together + counts, len(counts) - 1
    quantile_level(together, settings.quantile)  # says so where nothing was counted
    if not together[1:].any():
        raise BrainstackError(
            f"{name} is black: each of the {int(together.sum())} pixels of tissue is 0; wanted light; look at its "
            "slide scans: was its lamp or its filter missing? The other channels go on without it."
        )
    if not any(levels):
        raise BrainstackError(
            f"{name} has light in only {together[1:].sum() / together.sum():.2%} of its tissue; wanted more than "
            f"{1 - settings.quantile:.2%}, from where its gain is measured; set [gain] quantile nearer to 1 in the "
            "animal's settings.toml."
        )
    level, left_out = channel_level(np.array(levels), highest)
    gain = rounded_to_steps(settings.target * highest / level, settings.step)
    return MeasuredGain(gain, level, tuple(left_out.tolist()), level >= highest)


def channel_level(levels: NDArray[np.int64], highest: int) -> tuple[float, NDArray[np.bool_]]:
    """How bright a channel is, from a grey value of each of its sections: the middle one, which bad sections among good
    ones do not move.

    Every section has one say, whatever its area: the masks of saturated sections grow into the glass, and with more
    tissue they would have more say than good ones. A black section (0) has none. One that is at the type's highest
    value has none either, as nobody knows how bright it is; left in, it would still move the middle up. But where half
    of the sections or more are, it is the channel that is saturated, and its level is `highest`.

    levels : (sections,), at least one above 0. Returns the level, and which sections were left out as saturated.
    """
    lit, saturated = levels > 0, levels >= highest
    if 2 * np.count_nonzero(saturated) >= np.count_nonzero(lit):
        return float(highest), np.zeros(len(levels), bool)
    return float(np.median(levels[lit & ~saturated])), saturated


def rounded_to_steps(factor: float, step: float) -> float:
    """The power of 1 + `step` that is nearest to a factor above 0."""
    return float((1 + step) ** round(math.log(factor) / math.log1p(step)))


def evening_factors(
    levels: NDArray[np.float64], depths_um: NDArray[np.float64], settings: GainSettings
) -> NDArray[np.float64]:
    """What brings each section's brightness to that of its neighbourhood: the middle one of the sections around it.

    The middle is the weighted median, which a few odd sections do not move; the weight of a section falls with its
    distance along the stack as a Gaussian of sigma `even_um`. The factor is at most `even_limit`, or one by that, and
    rounded to steps of `step`.

    levels : (sections,) float, a grey value of each; one that is 0 (a black section) gets 1 and has no say. depths_um :
    (sections,) float, micrometres. Returns (sections,) float.
    """
    factors = np.ones(len(levels))
    lit = np.flatnonzero(levels > 0)
    for place in lit:
        weights = np.exp(-0.5 * ((depths_um[lit] - depths_um[place]) / settings.even_um) ** 2)
        wanted = weighted_median(levels[lit], weights) / levels[place]
        limited = min(max(wanted, 1 / settings.even_limit), settings.even_limit)
        factors[place] = rounded_to_steps(limited, settings.step)
    return factors


def weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """The value that half of the weight is at or below, between two values where the weight is even: both (count,)."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) - weights[order] / 2
    return float(np.interp(weights.sum() / 2, reached, values[order]))


# For pictures and tables

ROUND = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
"""An axis ends at one of these times a power of ten."""
ALL_BUT_FEW = 0.9999
"""Share of the tissue that an axis shows; the few pixels beyond it are counted apart."""


@dataclass(frozen=True)
class Axis:
    """What the histograms of an animal share. end : first grey value beyond the last bin, a multiple of the width.
    bin_width : in grey values, a whole number. tallest : pixels at the top of the picture.
    """

    end: int
    bin_width: int
    tallest: int

    @property
    def edges(self) -> NDArray[np.int64]:
        """(bins + 1,): the first grey value of each bin, and `end`."""
        return np.arange(0, self.end + 1, self.bin_width, dtype=np.int64)


def axis_for(counts: NDArray[np.int64], sections: Iterable[NDArray[np.int64]], bins: int, *, reach: float = 0) -> Axis:
    """One axis for the histograms of all sections, rounded up so coarsely that a change of one seldom moves it.

    counts : of all sections of all channels together, (levels,), or (3, levels) in colour, which is always shown whole.
    sections : of each one of each channel. bins : at most so many. reach : a grey value that the axis has to hold,
    where the type does.
    """
    end = counts.shape[-1]
    if counts.ndim == 1:
        brightest = quantile_level(counts, ALL_BUT_FEW) if counts.any() else 0
        end = min(end, rounded_up(max(brightest, math.ceil(reach)) + 1))
    width = -(-end // bins)
    axis = Axis(-(-end // width) * width, width, 1)
    tallest = max((int(binned(one, axis).max()) for one in sections), default=1)
    return replace(axis, tallest=10 ** math.ceil(math.log10(max(tallest, 2))))


def rounded_up(number: float) -> int:
    """The next of ROUND, times a power of ten: at least 10."""
    power = 10 ** max(1, math.floor(math.log10(number)))
    return next((int(one * power) for one in ROUND if one * power >= number), 10 * power)


def binned(counts: NDArray[np.int64], axis: Axis) -> NDArray[np.int64]:
    """Counts added up in the bins of an axis; those beyond its end are in none.

    counts : (levels,), or (3, levels) of the three colours. Returns (bins,) or (3, bins).
    """
    return np.asarray(np.add.reduceat(counts[..., : axis.end], axis.edges[:-1], axis=-1), np.int64)


def beyond(counts: NDArray[np.int64], axis: Axis) -> int:
    """How many pixels are brighter than the axis shows, in colour of all colours together."""
    return int(counts[..., axis.end :].sum())


def tabled(counts: NDArray[np.int64], axis: Axis) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The counts as a table without gaps: a row for each bin, one for what is beyond the axis, and one for the type's
    highest value, which is in no other row.

    Returns the first grey value of each row, (rows,), and (rows,) or (3, rows).
    """
    highest = counts.shape[-1] - 1
    starts = np.append(axis.edges[axis.edges < highest], highest)
    return starts, np.asarray(np.add.reduceat(counts, starts, axis=-1), np.int64)
