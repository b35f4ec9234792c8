"""Which pairs and sections of an aligned stack can be trusted: good, doubtful or failed, and why.

How alike two sections are is judged beside the animal's other pairs of the same reach nearby, as anatomy makes some
parts of a brain harder to register than others. Whether pairs agree is judged for itself: of a stack in which nothing
fits, all pairs are equally bad.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from brainstack.images.pair_check import GROSSLY, NEARBY, Places, high_limit
from brainstack.settings import ElastixSettings, PairCheckSettings

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PairFit:
    """What is known of a registered pair. residual_um : how far the alignment takes the tissue from where the pair
    does; infinite where the pair is mirrored against it, NaN where one of the two has no place. open_um : how far its
    loops are from closing, 0 where they are no further than they may be. likeness_other : the likeness in the other
    state, mirrored or not, None where that was not tried."""

    fixed: int
    moving: int
    metric: float
    overlap: float
    dice: float
    likeness: float
    residual_um: float
    open_um: float = 0.0
    by_hand: bool = False
    is_same: bool = False
    likeness_other: float | None = None

    @property
    def places(self) -> Places:
        return self.fixed, self.moving

    @property
    def reach(self) -> int:
        return self.moving - self.fixed


@dataclass(frozen=True)
class Verdict:
    """word : of records.VERDICTS. reason : one sentence of what was found; of what is good, what to know, or ""."""

    word: str
    reason: str = ""


GOOD = Verdict("good")


def fits(one: PairFit, settings: ElastixSettings) -> bool:
    """Whether two sections have enough tissue in common, and are more alike than not. Tissue without any texture is
    told by its outline alone."""
    if one.by_hand:
        return True
    return one.overlap >= settings.lowest_overlap and max(one.metric, one.likeness) > settings.lowest_metric


def judged_pairs(
    pairs: Sequence[PairFit], *, settings: PairCheckSettings, elastix: ElastixSettings
) -> dict[Places, Verdict]:
    """Failed: it does not fit, or the alignment contradicts it. Doubtful: it contradicts other pairs, or is far less
    alike than pairs nearby. What changes between two sections bends wide pairs, so that more is allowed them."""
    lowest = _lowest_likeness(pairs, settings)
    found = {}
    for one in pairs:
        if not fits(one, elastix):
            verdict = Verdict("failed", f"correlation {one.metric:.2f} with {one.overlap:.0%} of tissue in common")
        elif one.residual_um > settings.allowed_um * (1 if one.reach == 1 else GROSSLY):
            verdict = Verdict("failed", f"off what the others say by {_length(one.residual_um)}")
        elif one.open_um > 0:
            verdict = Verdict("doubtful", f"its loops stay open by {_length(one.open_um)}")
        elif one.likeness < lowest[one.places] and not one.by_hand:
            verdict = Verdict("doubtful", f"likeness {one.likeness:.2f}, pairs nearby {lowest[one.places]:.2f} or more")
        else:
            verdict = GOOD
        found[one.places] = verdict
    return found


def _lowest_likeness(pairs: Sequence[PairFit], settings: PairCheckSettings) -> dict[Places, float]:
    """Of each pair the likeness that pairs of the same reach nearby have, less what is allowed."""
    found = {}
    for reach in {one.reach for one in pairs}:
        same = [one for one in pairs if one.reach == reach]
        fixed, values = np.array([one.fixed for one in same]), np.array([one.likeness for one in same])
        for one in same:
            near = values[np.abs(fixed - one.fixed) <= NEARBY]
            found[one.places] = _low_limit(near, settings.damage_factor, settings.damaged_light)
    return found


def _low_limit(values: Numbers, factor: float, allowed: float) -> float:
    return -high_limit(-values, factor, allowed)


def judged_sections(
    names: Sequence[str], pairs: Sequence[PairFit], verdicts: Mapping[Places, Verdict], *, placed: set[int],
    mirrored: frozenset[int], turned: bool, settings: PairCheckSettings,
) -> list[Verdict]:  # fmt: skip
    """By place in the chain. Failed: no pair says where it lies. Doubtful: it is mirrored, none of its pairs with the
    sections beside it is good, the other pairs do not confirm these, or it is less like those around it than they are
    like each other. names : of all sections of the chain."""
    unlike, parted = damaged_sections(len(names), pairs, settings), parted_sections(names, pairs, verdicts, placed)
    found = []
    for place in range(len(names)):
        own = [one for one in pairs if place in one.places]
        doubts = [
            _unfitting(place, own, verdicts, names), _unconfirmed(place, own, verdicts, names),
            parted.get(place, ""), unlike.get(place, ""),
        ]  # fmt: skip
        doubt = next(filter(None, doubts), "")
        if place not in placed:
            found.append(Verdict("failed", "no section near it fits on it"))
        elif place in mirrored:
            now = "it was turned back" if turned else "it stays mirrored, as [pair_check] turn_mirrored says"
            words = f"it seems to be mirrored on its slide; {now}"
            found.append(Verdict("doubtful", f"{words}; {doubt}" if doubt else words))
        elif copies := [_other(one, place, names) for one in own if one.is_same]:
            found.append(Verdict("doubtful", f"its image is one and the same as that of {' and '.join(copies)}"))
        elif doubt:
            found.append(Verdict("doubtful", doubt))
        else:
            found.append(Verdict("good", _alone(place, own, names)))
    return found


def _other(one: PairFit, place: int, names: Sequence[str]) -> str:
    """The name of a pair's other section."""
    return names[one.moving if place == one.fixed else one.fixed]


# What speaks for a section's place


ALIKE = 0.5
"""A pair that no other confirms is believed where its sections are as alike as this: neighbours 50 um apart reach 0.5
and more, discs of unrelated noise 0.45."""
EITHER_WAY = 0.01
"""Sections that are alike, but by no more than this more so than where one is mirrored, show nothing but an outline.
Of a real brain's neighbours that are as alike as `ALIKE`, the least is 0.05."""

ONLY = "only its pair with {} says where it lies"


def _unfitting(place: int, own: Sequence[PairFit], verdicts: Mapping[Places, Verdict], names: Sequence[str]) -> str:
    """What is wrong with all of a section's pairs with those beside it, "" where one of these is good."""
    beside = _beside(own)
    if not beside or any(verdicts[one.places].word == "good" for one in beside):
        return ""
    return "; ".join(f"its pair with {_other(one, place, names)}: {verdicts[one.places].reason}" for one in beside)


def _unconfirmed(place: int, own: Sequence[PairFit], verdicts: Mapping[Places, Verdict], names: Sequence[str]) -> str:
    """Why the pairs of a section do not confirm its place, "" where they do, or a person gave one.

    Places are solved from the pairs with the sections beside, which agree with themselves; what tells is the wider
    ones. Where there are none, it is how alike the sections are.
    """
    if any(one.by_hand for one in own):
        return ""
    beside = _beside(own)
    wider = [one for one in own if one not in beside]
    silent = [one for one in wider if verdicts[one.places].word == "failed" or one.open_um > 0]
    if 2 * len(silent) > len(wider):
        return f"{len(silent)} of its {len(wider)} pairs with sections further away do not confirm its place"
    best = max(beside, key=lambda one: one.likeness, default=None)
    if best and not wider and best.likeness < ALIKE:
        return f"{ONLY.format(_other(best, place, names))}, and the two are little alike ({best.likeness:.2f})"
    tried = [one for one in own if one.likeness_other is not None and one.likeness >= ALIKE]
    if tried and all(one.likeness - (one.likeness_other or 0.0) < EITHER_WAY for one in tried):
        return "it is as like the sections around it mirrored as it is: nothing but its outline tells how it is turned"
    return ""


def _alone(place: int, own: Sequence[PairFit], names: Sequence[str]) -> str:
    """What to know of a good section of which a single pair speaks."""
    return ONLY.format(_other(own[0], place, names)) if len(own) == 1 and not own[0].by_hand else ""


def _beside(own: Sequence[PairFit]) -> list[PairFit]:
    """Of a section's pairs those with the nearest sections."""
    nearest = min((one.reach for one in own), default=1)
    return [one for one in own if one.reach == nearest]


def parted_sections(
    names: Sequence[str], pairs: Sequence[PairFit], verdicts: Mapping[Places, Verdict], placed: set[int]
) -> dict[int, str]:
    """Where the stack falls apart: the two sections on either side, each of which fits on others of its side, between
    which no good pair leads across; and the sentence. Where there is no pair at all, a person said where they lie."""
    good = [one.places for one in pairs if verdicts[one.places].word == "good"]
    fitting = sorted({place for places in good for place in places} & placed)
    found: dict[int, str] = {}
    for before, behind in pairwise(fitting):
        between = any(one.fixed < behind and one.moving > before for one in pairs)
        if between and not any(fixed <= before and moving >= behind for fixed, moving in good):
            for place, other in ((before, behind), (behind, before)):
                found[place] = (
                    f"no good pair connects its side of the stack with that of {names[other]}, which may lie otherwise"
                )
    return found


BESIDE = 4
"""A section is compared with so many on either side."""


def damaged_sections(count: int, pairs: Sequence[PairFit], settings: PairCheckSettings) -> dict[int, str]:
    """Sections that are far less like those around them than these are like each other, in light or in outline, and the
    sentence.

    What each pair has is compared with what is usual for its reach nearby. A section's own is that of its best pair, so
    that a good section beside damaged ones is told by the others; it is compared with those of the sections around, as
    anatomy changes faster in some parts of a brain.
    """
    outline = _below(count, pairs, {one.places: one.dice for one in pairs})
    light = _below(count, pairs, {one.places: one.likeness for one in pairs})
    found = {
        place: f"its outline is less like those around it than they are like each other, by {by:.2f}"
        for place, by in _outliers(outline, settings.damage_factor, settings.damaged_outline).items()
    }
    return found | {
        place: f"it is less like the sections around it than they are like each other, by {by:.2f}"
        for place, by in _outliers(light, settings.damage_factor, settings.damaged_light).items()
    }


def _below(count: int, pairs: Sequence[PairFit], values: Mapping[Places, float]) -> Numbers:
    """How far each section is below those around it, in a value that its pairs have: (count,), NaN where none is
    known."""
    below = {}
    for reach in {one.reach for one in pairs}:
        same = [one.places for one in pairs if one.reach == reach]
        fixed, level = np.array([places[0] for places in same]), np.array([values[places] for places in same])
        for places, value in zip(same, level, strict=True):
            below[places] = float(np.median(level[np.abs(fixed - places[0]) <= NEARBY])) - value
    own = np.array([
        min((below[one.places] for one in pairs if place in one.places), default=math.nan) for place in range(count)
    ])  # fmt: skip
    beside = [[*own[max(0, place - BESIDE) : place], *own[place + 1 : place + 1 + BESIDE]] for place in range(count)]
    usual = np.array([_median([value for value in around if math.isfinite(value)]) for around in beside])
    return np.asarray(own - usual, np.float64)


def _outliers(below: Numbers, factor: float, allowed: float) -> dict[int, float]:
    known = below[np.isfinite(below)]
    limit = high_limit(known, factor, allowed) if known.size else math.inf
    return {int(place): float(below[place]) for place in np.flatnonzero(below > limit)}


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else math.nan


def _length(um: float) -> str:
    return "a mirror" if math.isinf(um) else f"{um:.0f} um"
