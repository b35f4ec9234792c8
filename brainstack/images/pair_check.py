"""Which registered pairs contradict the others: sections that are mirrored, and loops that do not close.

Three sections have three pairs. Going from the first to the second to the third must end where the pair of the first
and the third ends; where it does not, one of the three is wrong. Of a wrong pair all loops stay open, of a good one
only those with a wrong pair in them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from brainstack.geometry import Matrix, Shape, inverse, is_mirrored, rigid_parts
from brainstack.settings import PairCheckSettings

Places = tuple[int, int]

NOTHING_SAID: Mapping[int, bool] = MappingProxyType({})


@dataclass(frozen=True)
class Measured:
    """A pair as it was registered. fixed, moving : places of both in the chain. matrix : fixed to moving, in pixels of
    the cleaned canvas; it mirrors where the two seem to be mirrored against each other. likeness, likeness_other :
    correlation in this state and in the other one, None where that was not tried. by_hand : a person gave it."""

    fixed: int
    moving: int
    matrix: Matrix
    likeness: float = 1.0
    likeness_other: float | None = None
    by_hand: bool = False

    @property
    def places(self) -> Places:
        return self.fixed, self.moving

    @property
    def reach(self) -> int:
        return self.moving - self.fixed


@dataclass(frozen=True)
class Request:
    """A pair that is to be registered again. mirrored : the state it must have. starts : where to begin as well."""

    mirrored: bool
    starts: tuple[Matrix, ...] = ()


@dataclass(frozen=True)
class Checked:
    """mirrored : places of the sections that lie the wrong way up. requests : by places of the pair. open_um : how far
    the loops of each pair are from closing; NaN where it is in none."""

    mirrored: frozenset[int]
    requests: Mapping[Places, Request] = field(default_factory=dict)
    open_um: Mapping[Places, float] = field(default_factory=dict)


def check_pairs(
    count: int, pairs: Sequence[Measured], *, radius_um: float, pixel_size_um: float, shape: Shape,
    settings: PairCheckSettings, states: Mapping[int, bool] = NOTHING_SAID,
) -> Checked:  # fmt: skip
    """What is wrong with the pairs of `count` sections, and what to try again.

    states : see `mirrored_sections`. radius_um : of the tissue about the canvas centre, which makes a length of an
    angle. shape : (rows, columns) of the cleaned canvas.
    """
    mirrored = mirrored_sections(count, pairs, states)
    turned = mirrored if settings.turn_mirrored else frozenset[int]()
    wanted = {one.places: (one.fixed in turned) != (one.moving in turned) for one in pairs}
    right = [one for one in pairs if is_mirrored(one.matrix) == wanted[one.places]]
    judged = judged_loops(right, radius_um=radius_um, pixel_size_um=pixel_size_um, shape=shape, settings=settings)
    known = {one.places: one.matrix for one in right if one.places not in judged.doubted}
    by_hand = {one.places for one in pairs if one.by_hand}
    again = ({one.places for one in pairs} - set(judged.open_um) | judged.doubted) - by_hand
    requests = {places: Request(wanted[places], _starts(places, known)) for places in again}
    requests = {
        places: request
        for places, request in requests.items()
        if request.starts or wanted[places] != is_mirrored(_matrix_of(pairs, places))
    }
    return Checked(mirrored, requests, judged.open_um)


def _matrix_of(pairs: Iterable[Measured], places: Places) -> Matrix:
    return next(one.matrix for one in pairs if one.places == places)


# Mirrored sections


MIRRORED_COST = 0.08
"""How much more alike its neighbours must make a mirrored section, in sum: few are, and where nothing tells, none is.
The pairs of a mirrored one, 50 um apart, say 0.6 and more together."""
TELLING = 0.5
"""A pair of sections less alike than this has as much less of a say. Neighbours 50 um apart reach 0.5 and more; those
half a millimetre apart 0.2, and are at random up to 0.1 more alike in the wrong state."""
BY_HAND_VOTE = 1e6
"""What a person says outweighs all that the pairs of a stack can say together, each at most 2."""


def mirrored_sections(
    count: int, pairs: Sequence[Measured], states: Mapping[int, bool] = NOTHING_SAID
) -> frozenset[int]:
    """Places of the sections that lie the wrong way up, as the pairs and people say.

    states : whether a section is mirrored, by place, where a person said so.

    Each pair says how much more alike its two sections are in one state than in the other. Those states are chosen that
    agree most with all pairs together: exactly, along the stack, over all states of as many sections as pairs reach
    (Viterbi 1967). Most sections are the right way up. A pair that is less alike than those nearby in either state has
    no vote: its right place was found in neither. A pair that a person gave is believed, whatever its likeness.
    """
    votes: dict[int, dict[int, float]] = {}  # of each section, by how far before it the other one is
    lost = unlike(pairs, LOST)
    for one in pairs:
        if vote := _vote(one, is_lost=one.places in lost):
            votes.setdefault(one.moving, {})[one.reach] = -vote if is_mirrored(one.matrix) else vote
    costs = np.full(count, MIRRORED_COST)
    for place, is_so in states.items():
        costs[place] = -BY_HAND_VOTE if is_so else BY_HAND_VOTE
    return frozenset(map(int, np.flatnonzero(_states(costs, votes))))


def _vote(one: Measured, *, is_lost: bool) -> float:
    """How much a pair speaks for the state that it is in; 0 where it cannot tell."""
    if one.by_hand:
        return BY_HAND_VOTE
    if one.likeness_other is None or is_lost:
        return 0.0
    return (one.likeness - one.likeness_other) * min(1.0, max(0.0, one.likeness) / TELLING)


def _states(costs: npt.NDArray[np.float64], votes: Mapping[int, Mapping[int, float]]) -> npt.NDArray[np.bool_]:
    """Which sections are mirrored: (count,) bool. costs : (count,), of each being so. A state is a number of as many
    bits as votes reach sections, the lowest for the newest section, 1 where it is mirrored."""
    count, window = len(costs), max((reach for each in votes.values() for reach in each), default=1)
    numbers = np.arange(2**window)
    new = numbers & 1
    # What a state can come from: the same without its newest section, and with one more at the old end.
    origins = np.stack([numbers >> 1, (numbers >> 1) | 2 ** (window - 1)])
    # Before the first section, none is mirrored.
    score = np.where(numbers == new, -costs[:1].sum() * new, -np.inf)
    before = np.zeros((count, len(numbers)), int)
    for place in range(1, count):
        total = score[origins] - costs[place] * new
        for reach, vote in votes.get(place, {}).items():
            total += np.where((origins >> (reach - 1)) & 1 == new, vote, -vote)
        best = np.argmax(total, axis=0)
        score, before[place] = total[best, numbers], origins[best, numbers]
    found = np.zeros(count, bool)
    state = int(np.argmax(score))
    for place in range(count - 1, -1, -1):
        found[place] = state & 1
        state = before[place, state]
    return found


# Loops


def loops(
    pairs: Iterable[Measured], *, radius_um: float, pixel_size_um: float, shape: Shape
) -> dict[Places, dict[int, float]]:
    """Of each pair, by the third section's place, how far that loop is from closing, in micrometres: the root mean
    square over tissue of that radius."""
    matrices = {one.places: one.matrix for one in pairs}
    found: dict[Places, dict[int, float]] = {places: {} for places in matrices}
    ends: dict[int, list[int]] = {}
    for fixed, moving in matrices:
        ends.setdefault(fixed, []).append(moving)
    for (first, second), step in matrices.items():
        for third in ends.get(second, []):
            if (first, third) in matrices:
                round_trip = inverse(matrices[first, third]) @ matrices[second, third] @ step
                opening_um = distance_um(round_trip, radius_um=radius_um, pixel_size_um=pixel_size_um, shape=shape)
                found[first, second][third] = found[second, third][first] = found[first, third][second] = opening_um
    return found


def distance_um(matrix: Matrix, *, radius_um: float, pixel_size_um: float, shape: Shape) -> float:
    """How far a map moves tissue of that radius about the canvas centre, root mean square; infinite for a mirror."""
    if is_mirrored(matrix):
        return math.inf
    parts = rigid_parts(matrix, shape)
    shift_um = math.hypot(parts.shift_x_px, parts.shift_y_px) * pixel_size_um
    return math.hypot(shift_um, 2 * math.sin(abs(parts.rotation_rad) / 2) * radius_um)


def typical(openings_um: Sequence[float]) -> float:
    """The lower median: what most loops of a pair are within, if less than half of them have another wrong pair."""
    return sorted(openings_um)[(len(openings_um) - 1) // 2] if openings_um else math.nan


@dataclass(frozen=True)
class JudgedLoops:
    """open_um : how far the loops of each pair are from closing; NaN where none tells. doubted : pairs that are open
    wider than they should be."""

    open_um: Mapping[Places, float]
    doubted: frozenset[Places]


def judged_loops(
    pairs: Sequence[Measured], *, radius_um: float, pixel_size_um: float, shape: Shape, settings: PairCheckSettings
) -> JudgedLoops:
    """How far the loops of each pair are from closing, and which are in doubt.

    A pair that is open and unlike is wrong for sure, and no loop that it is in tells about another: a pair that bridges
    two bad sections side by side is in no loops but theirs.
    """
    found = loops(pairs, radius_um=radius_um, pixel_size_um=pixel_size_um, shape=shape)
    open_um = {places: typical(list(each.values())) for places, each in found.items()}
    wrong = doubtful(pairs, open_um, settings) & unlike(pairs)
    for places in open_um.keys() - wrong:
        telling = [um for third, um in found[places].items() if not _sides(places, third) & wrong]
        open_um[places] = typical(telling)
    return JudgedLoops(open_um, frozenset(doubtful(pairs, open_um, settings) | wrong))


def _sides(places: Places, third: int) -> set[Places]:
    """The other two pairs of a loop."""
    return {(min(place, third), max(place, third)) for place in places}


NEARBY = 12
"""A pair is compared with those of so many sections before and behind it."""


LOST = 0.1
"""A pair whose likeness is so far below that of pairs nearby may have missed its right place."""
UNLIKE, GROSSLY = 0.25, 5.0
"""A pair whose likeness is less than this below that of pairs nearby is right: where its loops stay open, it is the
wider pairs that what changes in between has bent. But not where they are open by so many times `allowed_um`, whatever
those nearby are: where no pair of a stack is right, all are alike in that. Loops of 450 pairs of whole neighbours of a
mouse brain, 50 um apart, are open by up to 101 um, those of 20 sections some 400 um apart by up to 480 um."""


def unlike(pairs: Iterable[Measured], by: float = UNLIKE) -> set[Places]:
    """Pairs whose two sections are less alike, by so much, than those of the pairs of the same reach nearby."""
    found = set()
    for same in _by_reach(pairs):
        fixed, alike = np.array([one.fixed for one in same]), np.array([one.likeness for one in same])
        for one in same:
            if one.likeness < np.median(alike[np.abs(fixed - one.fixed) <= NEARBY]) - by:
                found.add(one.places)
    return found


def doubtful(pairs: Iterable[Measured], open_um: Mapping[Places, float], settings: PairCheckSettings) -> set[Places]:
    """Pairs whose loops are wider open than those of the pairs of the same reach nearby, by so many times their scatter
    and by `allowed_um`, and whose sections are less alike; and all that are far wider open than is allowed."""
    known = [one for one in pairs if one.places in open_um and not one.by_hand]
    less_alike, found = unlike(known), set()
    for same in _by_reach(known):
        fixed, opened = np.array([one.fixed for one in same]), np.array([open_um[one.places] for one in same])
        for one in same:
            near = np.abs(fixed - one.fixed) <= NEARBY
            limit_um = high_limit(opened[near & np.isfinite(opened)], settings.scatter_factor, settings.allowed_um)
            widest_um = GROSSLY * settings.allowed_um
            if open_um[one.places] > (min(limit_um, widest_um) if one.places in less_alike else widest_um):
                found.add(one.places)
    return found


def _by_reach(pairs: Iterable[Measured]) -> list[list[Measured]]:
    found: dict[int, list[Measured]] = {}
    for one in pairs:
        found.setdefault(one.reach, []).append(one)
    return list(found.values())


def high_limit(values: npt.NDArray[np.float64], factor: float, allowed: float) -> float:
    """Median and so many times the scatter, which is the median absolute deviation as a standard deviation (Rousseeuw
    and Croux 1993), or `allowed` above it where that is more."""
    if not values.size:
        return allowed
    middle = float(np.median(values))
    return middle + max(allowed, factor * 1.4826 * float(np.median(np.abs(values - middle))))


def _starts(places: Places, known: Mapping[Places, Matrix], at_most: int = 2) -> tuple[Matrix, ...]:
    """Where a pair would lie by way of a third section, over pairs that are not in doubt; the nearest ones first."""
    fixed, moving = places
    found: list[Matrix] = []
    for via in sorted({place for pair in known for place in pair}, key=lambda place: abs(2 * place - fixed - moving)):
        if via in places or len(found) == at_most:
            continue
        first, second = _way(known, fixed, via), _way(known, via, moving)
        if first is not None and second is not None:
            found.append(second @ first)
    return tuple(found)


def _way(known: Mapping[Places, Matrix], start: int, end: int) -> Matrix | None:
    if (start, end) in known:
        return known[start, end]
    return inverse(known[end, start]) if (end, start) in known else None
