"""Aligning a stack: from its pairs, and what holds sections to absolute places, to a place and a verdict for each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from brainstack.geometry import Matrix, Shape, inverse, is_mirrored, rigid, rigid_parts, turning
from brainstack.images.alignment_verdicts import PairFit, Verdict, damaged_sections, fits, judged_pairs, judged_sections
from brainstack.images.midline import Midline
from brainstack.images.outline_holds import Outline, outline_holds
from brainstack.images.pair_check import JudgedLoops, Measured, Places, distance_um, judged_loops
from brainstack.images.registration import Registered
from brainstack.images.stack_holds import midline_holds, rebased
from brainstack.images.stack_solving import Frame, Hold, Step, connected, grouped, solve
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
    """What is known before. names : of the sections of the chain, for people. pairs : by places of both. mirrored :
    places of the sections that lie the wrong way up. anchor : the section that stays as it is."""

    names: Sequence[str]
    pairs: Mapping[Places, Registered]
    mirrored: frozenset[int]
    anchor: int
    frame: Frame

    @property
    def count(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Held:
    """What holds sections to absolute places. by_hand : as people said, in the frame in which the anchor stays as it is
    (or in the reference's). reference : in the frame of a reference volume, which is then that of the aligned
    stack, and holds it alone. midlines : axes of symmetry by place, which shall lie in one plane. outlines : by place,
    which shall lie on one smooth surface; depths_um : of all places, where there are outlines."""

    by_hand: Sequence[Hold] = ()
    reference: Sequence[Hold] = ()
    midlines: Mapping[int, Midline] = field(default_factory=dict)
    outlines: Mapping[int, Outline] = field(default_factory=dict)
    depths_um: Sequence[float] = ()


@dataclass(frozen=True)
class AlignedStack:
    """placed : by place in the chain, the map from the aligned frame to the section's canvas, in pixels. residual_um :
    by pair, infinite where the two are mirrored against it, NaN where one has no place. pairs, sections : verdicts; of
    sections by place."""

    placed: Mapping[int, Matrix]
    residual_um: Mapping[Places, float]
    pairs: Mapping[Places, Verdict]
    sections: Sequence[Verdict]


def align_stack(stack: Stack, held: Held, rules: Rules) -> AlignedStack:
    """Place all sections that fitting pairs connect with the anchor, or with one that a person holds, and judge pairs
    and sections.

    Where the anchor is in less than the largest group of sections that pairs connect, the section of that group nearest
    to it stays as it is instead: a bad anchor costs only itself.
    """
    frame, turned = stack.frame, rules.pair_check.turn_mirrored
    matrices = {places: found.matrix(frame.pixel_size_um, frame.shape) for places, found in stack.pairs.items()}
    used = _used(stack, matrices, rules)
    judged = judged_loops(
        used, radius_um=frame.radius_um, pixel_size_um=frame.pixel_size_um, shape=frame.shape,
        settings=rules.pair_check,
    )  # fmt: skip
    solved = _placed(stack, used, judged, held, rules)
    placed = {place: _rounded(matrix, frame.shape) for place, matrix in solved.items()}
    residual_um = {places: _residual_um(matrix, places, placed, frame) for places, matrix in matrices.items()}
    found = [
        _fit(places, one, residual_um[places], judged.open_um[places] if places in judged.doubted else 0.0)
        for places, one in sorted(stack.pairs.items())
    ]
    verdicts = judged_pairs(found, settings=rules.pair_check, elastix=rules.elastix)
    sections = judged_sections(
        stack.names, found, verdicts, placed=set(placed), mirrored=stack.mirrored, turned=turned,
        settings=rules.pair_check,
    )  # fmt: skip
    return AlignedStack(placed, residual_um, verdicts, sections)


def _rounded(matrix: Matrix, shape: Shape) -> Matrix:
    """To a ten-thousandth of a pixel, so that what the solver leaves in the last digits moves no other section."""
    parts = rigid_parts(matrix, shape)
    x_px, y_px = round(parts.shift_x_px, 4), round(parts.shift_y_px, 4)
    return rigid(round(parts.rotation_rad, 7), x_px, y_px, shape, mirrored=parts.mirrored)


def _used(stack: Stack, matrices: Mapping[Places, Matrix], rules: Rules) -> list[Measured]:
    """The pairs that fit, and are mirrored as their sections are."""
    turned = _turned(stack, rules)
    return [
        Measured(*places, matrices[places], found.likeness, by_hand=found.by_hand)
        for places, found in stack.pairs.items()
        if fits(_fit(places, found, 0.0), rules.elastix)
        and is_mirrored(matrices[places]) == ((places[0] in turned) != (places[1] in turned))
    ]


def _turned(stack: Stack, rules: Rules) -> frozenset[int]:
    return stack.mirrored if rules.pair_check.turn_mirrored else frozenset()


def _placed(stack: Stack, used: Sequence[Measured], judged: JudgedLoops, held: Held, rules: Rules) -> dict[int, Matrix]:
    """Neighbours say best how sections lie on each other. Wider pairs, which are bent by what changes in between, are
    asked only where they bridge two neighbours whose own pair is in doubt, or a damaged section, or a person gave them.

    What is left of a damaged section lies somewhere near its right place, so that its pairs may pass for good: off by
    a few pixels each, they would shift all that lies beyond it. They weigh what their loops say.
    """
    frame = stack.frame
    found = [_fit(places, one, 0.0) for places, one in sorted(stack.pairs.items())]
    damaged = set(damaged_sections(stack.count, found, rules.pair_check))
    doubted = judged.doubted | {one.places for one in used if damaged & {*one.places}}
    sure = {one.fixed for one in used if one.reach == 1 and one.places not in doubted}
    asked = [one for one in used if one.reach == 1 or one.by_hand or set(range(*one.places)) - sure]
    steps = [
        Step(*one.places, one.matrix, BY_HAND_UM if one.by_hand else rules.transforms.sigma_um(one.reach))
        for one in asked
    ]
    tree = [step if one.by_hand else _with_doubt(step, judged.open_um[one.places])
            for step, one in zip(steps, asked, strict=True)]  # fmt: skip
    # The tree tells pairs by all that speaks against them; solved are those in doubt only for what they are worth.
    solved = [doubt if one.places in doubted else step
              for step, doubt, one in zip(steps, tree, asked, strict=True)]  # fmt: skip
    anchor, begun = _begun(stack, tree, held.by_hand, _turned(stack, rules))
    if held.reference:
        begun = rebased(begun, held.reference, frame)
        return solve(begun, solved, [*held.by_hand, *held.reference], anchor=anchor, frame=frame)
    across, shape = _shape_holds(begun, held, rules.shape, frame)
    if shape:
        # The whole stack is moved so that the anchor stays as it is: its own axis or outline may be a little off.
        free = solve(begun, solved, shape, anchor=anchor, frame=across)
        motion = inverse(free[anchor]) @ begun[anchor]
        begun = {place: matrix @ motion for place, matrix in free.items()}
        if not held.by_hand:
            return begun
        # What people say bends the stack as it is in shape, and its axes do not pull against them.
        solved = [_as_placed(one, begun) for one in solved if one.fixed in begun and one.moving in begun]
    middle = [Hold(anchor, begun[anchor], (BY_HAND_UM,) * 3)] if _is_free(anchor, held.by_hand) else []
    return solve(begun, solved, [*middle, *held.by_hand], anchor=anchor, frame=frame)


def _as_placed(one: Step, placed: Mapping[int, Matrix]) -> Step:
    """The step that says how its sections are placed."""
    return replace(one, matrix=placed[one.moving] @ inverse(placed[one.fixed]))


def _shape_holds(
    begun: Mapping[int, Matrix], held: Held, settings: ShapeSettings, frame: Frame
) -> tuple[Frame, list[Hold]]:
    """Of midlines and outlines, both about where the pairs alone put the stack: axes of a brain that is not quite
    symmetrical are kept from bending what pairs and outlines agree on. And the frame with shifts across and along the
    plane of the midlines."""
    by_axis_um = settings.midline_rotation_um, settings.midline_shift_um
    across, axes = midline_holds(begun, held.midlines, frame, by_axis_um)
    outlines = outline_holds(
        begun, held.outlines, held.depths_um, frame, sigma_um=settings.outline_um,
        smoothing_um=settings.outline_smoothing_um,
    )  # fmt: skip
    return across, [*axes, *outlines]


def _is_free(anchor: int, by_hand: Sequence[Hold]) -> bool:
    """Whether people hold others, and not the section that stays as it is."""
    return bool(by_hand) and all(one.place != anchor for one in by_hand)


def _with_doubt(one: Step, open_um: float) -> Step:
    """A pair where it is chosen among others: what its loops say goes in as well."""
    doubt_um = UNCHECKED * one.sigma_um if math.isnan(open_um) else open_um
    return replace(one, sigma_um=min(1e6, math.hypot(one.sigma_um, doubt_um)))


def _begun(
    stack: Stack, tree: Sequence[Step], by_hand: Sequence[Hold], turned: frozenset[int]
) -> tuple[int, dict[int, Matrix]]:
    """The section that stays as it is, and the places that follow from it. Sections that no pair connects with it have
    places where a person holds one of them."""
    anchor = _anchor(stack, tree)
    first = turning(0, "flop", stack.frame.shape) if anchor in turned else np.eye(3)
    begun = connected(stack.count, tree, {anchor: first})
    for one in by_hand:
        if one.place not in begun and is_mirrored(one.matrix) == (one.place in turned):
            begun |= connected(stack.count, tree, {one.place: one.matrix})
    return anchor, begun


def _anchor(stack: Stack, tree: Sequence[Step]) -> int:
    """The anchor, or the section nearest to it of the largest group that pairs connect, where that is larger."""
    groups = grouped(stack.count, tree)
    sizes = np.bincount(groups)[groups]
    largest = np.flatnonzero(sizes == sizes.max())
    return int(largest[np.argmin(np.abs(largest - stack.anchor))])


def _fit(places: Places, found: Registered, residual_um: float, open_um: float = 0.0) -> PairFit:
    return PairFit(
        *places,
        found.metric,
        found.overlap,
        found.dice,
        found.likeness,
        residual_um,
        open_um=open_um,
        by_hand=found.by_hand,
        is_same=found.is_same,
        likeness_other=found.likeness_other,
    )


def _residual_um(matrix: Matrix, places: Places, placed: Mapping[int, Matrix], frame: Frame) -> float:
    if not (places[0] in placed and places[1] in placed):
        return math.nan
    around = inverse(placed[places[1]]) @ matrix @ placed[places[0]]
    return distance_um(around, radius_um=frame.radius_um, pixel_size_um=frame.pixel_size_um, shape=frame.shape)
