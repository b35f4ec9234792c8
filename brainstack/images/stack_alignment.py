"""Aligning a stack: from its pairs, and what holds sections to absolute places, to a place and a verdict for each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from brainstack.geometry import Matrix, inverse, is_mirrored, turning
from brainstack.images.alignment_verdicts import PairFit, Verdict, fits, judged_pairs, judged_sections
from brainstack.images.midline import Midline
from brainstack.images.pair_check import Measured, Places, distance_um, doubtful, loops, typical
from brainstack.images.registration import Registered
from brainstack.images.stack_holds import midline_holds, rebased
from brainstack.images.stack_solving import Frame, Hold, Step, connected, solve
from brainstack.settings import ElastixSettings, PairCheckSettings, ShapeSettings, TransformsSettings

BY_HAND_UM = 0.5
"""Sigma of a pair that a person gave."""
UNCHECKED = 3.0
"""A pair that is in no loop counts as so many times as far off as one that is."""


@dataclass(frozen=True)
class Rules:
    """The settings that say how pairs are used and judged."""

    elastix: ElastixSettings
    pair_check: PairCheckSettings
    transforms: TransformsSettings
    shape: ShapeSettings


@dataclass(frozen=True)
class Stack:
    """What is known before. count : sections in the chain. pairs : by places of both. mirrored : places of the sections
    that lie the wrong way up. anchor : the section that stays as it is."""

    count: int
    pairs: Mapping[Places, Registered]
    mirrored: frozenset[int]
    anchor: int
    frame: Frame


@dataclass(frozen=True)
class Held:
    """What holds sections to absolute places. by_hand : as people said, in the frame in which the anchor stays as it is
    (or in the reference's). reference : in the frame of a reference volume, which is then that of the aligned
    stack. midlines : axes of symmetry by place, which shall lie in one plane."""

    by_hand: Sequence[Hold] = ()
    reference: Sequence[Hold] = ()
    midlines: Mapping[int, Midline] = field(default_factory=dict)


@dataclass(frozen=True)
class AlignedStack:
    """placed : by place in the chain, the map from the aligned frame to the section's canvas, in pixels. residual_um :
    by pair, infinite where it has none. pairs, sections : verdicts; of sections by place."""

    placed: Mapping[int, Matrix]
    residual_um: Mapping[Places, float]
    pairs: Mapping[Places, Verdict]
    sections: Sequence[Verdict]


def align_stack(stack: Stack, held: Held, rules: Rules) -> AlignedStack:
    """Place all sections that fitting pairs connect with the anchor, and judge pairs and sections."""
    frame, turned = stack.frame, rules.pair_check.turn_mirrored
    matrices = {places: found.matrix(frame.pixel_size_um, frame.shape) for places, found in stack.pairs.items()}
    placed = _placed(stack, matrices, held, rules)
    residual_um = {places: _residual_um(matrix, places, placed, frame) for places, matrix in matrices.items()}
    found = [_fit(places, one, residual_um[places]) for places, one in stack.pairs.items()]
    verdicts = judged_pairs(found, settings=rules.pair_check, elastix=rules.elastix)
    sections = judged_sections(
        stack.count, found, verdicts, placed=set(placed), mirrored=stack.mirrored, turned=turned,
        settings=rules.pair_check,
    )  # fmt: skip
    return AlignedStack(placed, residual_um, verdicts, sections)


def _placed(stack: Stack, matrices: Mapping[Places, Matrix], held: Held, rules: Rules) -> dict[int, Matrix]:
    """Neighbours say best how sections lie on each other. Wider pairs, which are bent by what changes in between, are
    asked only where they bridge two neighbours whose own pair is in doubt."""
    frame = stack.frame
    turned = stack.mirrored if rules.pair_check.turn_mirrored else frozenset[int]()
    used = [
        Measured(*places, matrices[places], found.likeness, by_hand=found.by_hand)
        for places, found in stack.pairs.items()
        if fits(_fit(places, found, 0.0), rules.elastix)
        and is_mirrored(matrices[places]) == ((places[0] in turned) != (places[1] in turned))
    ]
    openings = loops(used, radius_um=frame.radius_um, pixel_size_um=frame.pixel_size_um, shape=frame.shape)
    open_um = {places: typical(list(each.values())) for places, each in openings.items()}
    doubted = doubtful(used, open_um, rules.pair_check)
    sure = [one for one in used if one.reach == 1 and one.places not in doubted]
    bridged = set(range(stack.count - 1)) - {one.fixed for one in sure}
    steps = [
        Step(*one.places, one.matrix, BY_HAND_UM if one.by_hand else rules.transforms.sigma_um(one.reach))
        for one in used
        if one.reach == 1 or bridged & set(range(*one.places))
    ]
    tree = [replace(one, sigma_um=_with_doubt(one, open_um[one.fixed, one.moving])) for one in steps]
    first = turning(0, "flop", frame.shape) if stack.anchor in turned else np.eye(3)
    begun = connected(stack.count, tree, {stack.anchor: first})
    if held.reference:
        begun, middle = rebased(begun, held.reference, frame), []
    else:
        middle = [Hold(stack.anchor, begun[stack.anchor], (BY_HAND_UM,) * 3)] if held.by_hand else []
    shape = rules.shape
    across, axes = midline_holds(begun, held.midlines, frame, (shape.midline_rotation_um, shape.midline_shift_um))
    holds = [*middle, *held.by_hand, *held.reference, *axes]
    return solve(begun, steps, holds, anchor=stack.anchor, frame=across)


def _with_doubt(one: Step, open_um: float) -> float:
    """Sigma of a pair where it is chosen among others: what its loops say goes in as well."""
    if one.sigma_um == BY_HAND_UM:
        return one.sigma_um
    return min(1e6, math.hypot(one.sigma_um, UNCHECKED * one.sigma_um if math.isnan(open_um) else open_um))


def _fit(places: Places, found: Registered, residual_um: float) -> PairFit:
    return PairFit(
        *places,
        found.metric,
        found.overlap,
        found.dice,
        found.likeness,
        residual_um,
        by_hand=found.by_hand,
        is_same=found.is_same,
    )


def _residual_um(matrix: Matrix, places: Places, placed: Mapping[int, Matrix], frame: Frame) -> float:
    if not set(places) <= set(placed):
        return math.inf
    around = inverse(placed[places[1]]) @ matrix @ placed[places[0]]
    return distance_um(around, radius_um=frame.radius_um, pixel_size_um=frame.pixel_size_um, shape=frame.shape)
