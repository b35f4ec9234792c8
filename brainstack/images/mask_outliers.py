"""Masks that do not fit the stack: what each should be like, by its neighbours, and which is far from that.

Sections lie on the glass at any angle, anywhere and perhaps mirrored, and at this stage nothing is aligned. So masks
are compared by what none of these changes: the area, and the two axes of the ellipse that has the same second moments.
These three tell a mask that lost a part, holds too much, or has the right area in the wrong place. Perimeter, solidity
and the number of pieces do not take part: a tear or a lobe that comes off changes them on a sound section.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from brainstack.settings import MaskCheckSettings

Mask = NDArray[np.bool_]
Numbers = NDArray[np.float64]

STEP = 1.02
"""Expectations are rounded to powers of this, 2 % apart: an edit of one section then seldom changes what is expected of
another by so much that it is tried again."""


@dataclass(frozen=True)
class MaskShape:
    """A mask in a few numbers that do not change when it is turned, mirrored or moved.

    major_um, minor_um : axes, from end to end, of the ellipse with the same second moments. All 0 for an empty mask.
    """

    area_um2: float = 0.0
    major_um: float = 0.0
    minor_um: float = 0.0
    pieces: int = 0

    def squares(self) -> Numbers:
        """Area and squared axes, (3,) in um2: of a rounded body these change along the stack as a parabola does, also
        at its ends, where lengths fall ever faster."""
        return np.array([self.area_um2, self.major_um**2, self.minor_um**2])


@dataclass(frozen=True)
class Described:
    """A section of the stack. scene : the same for a section and its copies. is_edited : a person made the mask."""

    key: str
    z_um: float
    shape: MaskShape
    scene: str
    is_copy: bool = False
    is_edited: bool = False


@dataclass(frozen=True)
class Expectation:
    """What the neighbours of a section make expected of it: area and squared axes, in um2.

    lowest, highest : between them lies what a sound section may have; a stack that tapers, bends or was cut coarsely
    leaves more room. tolerance : how far beyond them a mask may be, in logarithms of lengths (0.15 is 15 %).
    """

    lowest: tuple[float, float, float]
    expected: tuple[float, float, float]
    highest: tuple[float, float, float]
    tolerance: float

    @property
    def area_um2(self) -> float:
        return self.expected[0]

    def beyond(self, shape: MaskShape) -> float:
        """How far a mask is beyond the natural range, in logarithms of lengths: 0 inside it, infinite when empty."""
        if not shape.area_um2:
            return np.inf
        found = np.log(np.maximum(shape.squares(), 1.0))
        below = np.log(np.maximum(self.lowest, 1.0)) - found
        above = found - np.log(np.maximum(self.highest, 1.0))
        return float(np.maximum(np.maximum(below, above), 0).max() / 2)

    def distance(self, shape: MaskShape) -> float:
        """How far a mask is from what is expected, in logarithms of lengths; infinite when empty."""
        if not shape.area_um2:
            return np.inf
        ratio = np.maximum(shape.squares(), 1.0) / np.maximum(self.expected, 1.0)
        return float(np.abs(np.log(ratio)).max() / 2)

    def fits(self, shape: MaskShape) -> bool:
        return self.beyond(shape) <= self.tolerance

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Expectation:
        lowest, expected, highest = (tuple(content[name]) for name in ("lowest", "expected", "highest"))
        return cls(lowest, expected, highest, content["tolerance"])


def shape_of(mask: Mask, pixel_size_um: float) -> MaskShape:
    """The numbers that a mask is compared by, rounded to whole micrometres.

    mask : (rows, columns) bool. pixel_size_um : side of a pixel in micrometres.
    """
    binary = mask.astype(np.uint8)
    moments = cv2.moments(binary, binaryImage=True)
    if not moments["m00"]:
        return MaskShape()
    down, right, across = (moments[name] / moments["m00"] for name in ("mu02", "mu20", "mu11"))
    # A pixel is a square, not a point: that adds a twelfth of its side squared to each.
    variances = np.linalg.eigvalsh([[right + 1 / 12, across], [across, down + 1 / 12]])
    minor_um, major_um = (round(4 * float(np.sqrt(one)) * pixel_size_um) for one in variances)
    pieces = cv2.connectedComponents(binary, connectivity=8)[0] - 1
    return MaskShape(round(moments["m00"] * pixel_size_um**2), major_um, minor_um, pieces)


def expectations(sections: Sequence[Described], settings: MaskCheckSettings) -> dict[str, Expectation]:
    """What the neighbours make expected of each section: key -> expectation, without sections that too few others
    speak for. Of each, only the others are asked; of these, those with tissue that are no copies.

    sections : in any order; gaps are simply not there, as `z_um` says where each is.
    """
    ranges = {one.key: _range_of(one, sections, settings) for one in sections}
    found = {key: one for key, one in ranges.items() if one is not None}
    beyond = [found[one.key].beyond(one.shape) for one in sections if one.key in found and one.shape.area_um2]
    # Three quarters of a stack are taken for sound: where even they scatter, more is allowed.
    scatter = float(np.quantile(beyond, 0.75)) if beyond else 0.0
    tolerance = max(settings.allowed_share, settings.scatter_factor * scatter)
    return {key: Expectation(one.lowest, one.expected, one.highest, round(tolerance, 2)) for key, one in found.items()}


def is_outlier(section: Described, expected: Expectation | None, others: int, settings: MaskCheckSettings) -> bool:
    """True for a mask to be tried again: far from what is expected of it, and not what a person made."""
    return not section.is_edited and is_far(section, expected, others, settings)


def is_far(section: Described, expected: Expectation | None, others: int, settings: MaskCheckSettings) -> bool:
    """True for a mask that is far from what its neighbours make expected, or empty where they say anything at all.

    others : how many sections speak for it; fewer than `fewest` cannot say which of them is wrong.
    """
    if expected is None:
        return False
    return not section.shape.area_um2 or (others >= settings.fewest and not expected.fits(section.shape))


def evidence_for(section: Described, sections: Sequence[Described]) -> list[Described]:
    """The other sections that say what this one should be: with tissue, no copies, and of another scene."""
    return [one for one in sections if one.shape.area_um2 and not one.is_copy and one.scene != section.scene]


def _range_of(section: Described, sections: Sequence[Described], settings: MaskCheckSettings) -> Expectation | None:
    """What the nearest on both sides make expected, with no tolerance yet."""
    others = evidence_for(section, sections)
    sides = [
        sorted((one for one in others if (one.z_um - section.z_um) * side > 0), key=lambda one: side * one.z_um)
        for side in (-1, 1)
    ]
    count = settings.neighbours
    if not any(sides):
        return None
    is_end = not all(sides)
    near = [one for side in sides for one in side[: 2 * count if is_end else count]]
    apart = [side[:count] for side in sides if side]
    bounds = []
    for place in range(3):
        z_um, values = _series(near, section.z_um, place)
        means = [float(np.median(_series(side, section.z_um, place)[1])) for side in apart]
        bounds.append(_bounds_at_end(z_um, values, count) if is_end else _bounds_between(z_um, values, means))
    lowest, expected, highest = zip(*([_rounded(value) for value in one] for one in bounds), strict=True)
    return Expectation(lowest, expected, highest, 0.0)


def _series(sections: Sequence[Described], from_um: float, place: int) -> tuple[Numbers, Numbers]:
    """Depths from a section's own, in um, and one of the three numbers."""
    z_um = np.array([one.z_um - from_um for one in sections])
    return z_um, np.array([one.shape.squares()[place] for one in sections])


def _bounds_between(z_um: Numbers, values: Numbers, means: Sequence[float]) -> tuple[float, float, float]:
    """Lowest, expected, highest of a section with neighbours on both sides.

    The medians of either side hold a taper and a step between them, and a line and a parabola what bends; all bear one
    wrong neighbour in three.
    """
    line, bent = _line(z_um, values)[0], _parabola(z_um, values)
    between = [*means, line]
    return min(*between, bent), float(np.clip(bent, min(between), 1.5 * max(between))), max(*between, bent)


def _bounds_at_end(z_um: Numbers, values: Numbers, count: int) -> tuple[float, float, float]:
    """Lowest, expected, highest of a section at an end of the stack, by those on its one side, nearest first.

    Brains end round, ever faster: a line through the nearest, and one through twice as many, with as much room as each
    rises or falls over `count` of them, and a parabola.
    """
    reach_um = float(np.abs(z_um)[:count].max())
    lines = [_line(z_um[:some], values[:some]) for some in (count, 2 * count)]
    bent = _parabola(z_um, values)
    lows, highs = ([line + side * abs(slope) * reach_um for line, slope in lines] for side in (-1, 1))
    middle = float(np.median([*(line for line, _ in lines), bent]))
    expected = float(np.clip(middle, values.min() / 4, 1.5 * values.max()))  # no line may run below nothing
    return max(min(*lows, bent), 0.0), expected, max(*highs, bent, expected)


def _line(z_um: Numbers, values: Numbers) -> tuple[float, float]:
    """The value at depth 0, and the slope, of the line through the points. Theil (1950), Sen (1968): medians of all
    pairs, which three in ten wrong points do not move."""
    pairs = [(one, other) for one, other in itertools.combinations(range(len(values)), 2) if z_um[one] != z_um[other]]
    slopes = [(values[other] - values[one]) / (z_um[other] - z_um[one]) for one, other in pairs]
    slope = float(np.median(slopes)) if slopes else 0.0
    return float(np.median(values - slope * z_um)), slope


def _parabola(z_um: Numbers, values: Numbers) -> float:
    """The value at depth 0 of the parabola with the least sum of distances: it passes through three of the points."""
    triples = [list(one) for one in itertools.combinations(range(len(values)), 3) if len(set(z_um[list(one)])) == 3]
    if len(values) < 4 or not triples:
        return _line(z_um, values)[0]
    terms = np.vander(z_um / np.abs(z_um).max(), 3)
    fits = [np.linalg.solve(terms[triple], values[triple]) for triple in triples]
    best = min(fits, key=lambda fit: float(np.abs(terms @ fit - values).sum()))
    return float(best[-1])


def _rounded(value: float) -> float:
    """To the nearest power of STEP; 0 for what is less than a square micrometre."""
    if value < 1:
        return 0.0
    return float(f"{STEP ** round(np.log(value) / np.log(STEP)):.4g}")
