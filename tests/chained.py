"""Made-up stacks of which the truth is known: sections anywhere on the canvas, and the pairs between them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from brainstack.geometry import Matrix, inverse, rigid, rigid_parts
from brainstack.images.pair_check import Measured, Places, distance_um
from brainstack.images.registration import Registered
from brainstack.images.stack_solving import Frame

SHAPE = (300, 400)
PIXEL_UM = 40.0
RADIUS_UM = 4000.0
FRAME = Frame(SHAPE, PIXEL_UM, RADIUS_UM)
FAR = {"radius_um": RADIUS_UM, "pixel_size_um": PIXEL_UM, "shape": SHAPE}

Pairs = dict[Places, Matrix]


def off(degrees: float = 0.0, x_um: float = 0.0, y_um: float = 0.0) -> Matrix:
    """A small motion, or a large one, about the canvas centre."""
    return rigid(math.radians(degrees), x_um / PIXEL_UM, y_um / PIXEL_UM, SHAPE)


def sections(count: int, mirrored: Iterable[int] = ()) -> list[Matrix]:
    """Where each lies: from the brain to the section's canvas, at any angle."""
    random, flopped = np.random.default_rng(count), set(mirrored)
    return [
        rigid(random.uniform(-3, 3), *random.uniform(-30, 30, 2), SHAPE, mirrored=place in flopped)
        for place in range(count)
    ]


def exact_pairs(true: list[Matrix], reach: int = 3) -> Pairs:
    """All pairs of sections up to `reach` apart, as the truth has them."""
    return {
        (fixed, moving): true[moving] @ inverse(true[fixed])
        for fixed, moving in itertools.combinations(range(len(true)), 2)
        if moving - fixed <= reach
    }


def jittered(pairs: Mapping[Places, Matrix], sigma_um: float = 5.0) -> Pairs:
    """The pairs, each a little off."""
    random = np.random.default_rng(1)
    turn_deg = math.degrees(sigma_um / RADIUS_UM)
    return {places: one @ off(*(random.normal(0, (turn_deg, sigma_um, sigma_um)))) for places, one in pairs.items()}


def spoilt(pairs: Mapping[Places, Matrix], *bad: int) -> Pairs:
    """The pairs, those of the bad sections all wrong, each in its own way."""
    random = np.random.default_rng(sum(bad))
    wrong = {places: off(random.uniform(20, 340), *random.uniform(-1000, 1000, 2)) for places in pairs}
    return {places: one @ wrong[places] if set(places) & set(bad) else one for places, one in pairs.items()}


def measured(pairs: Mapping[Places, Matrix], **others: Any) -> list[Measured]:
    return [Measured(*places, matrix, **({"likeness": 0.8} | others)) for places, matrix in pairs.items()]


def registered(matrix: Matrix, **others: Any) -> Registered:
    """A pair that fits well, but for others."""
    parts = rigid_parts(matrix, SHAPE)
    values: dict[str, Any] = {"metric": 0.8, "likeness": 0.8, "radius_um": RADIUS_UM, "mirrored": parts.mirrored}
    shift_um = parts.shift_x_px * PIXEL_UM, parts.shift_y_px * PIXEL_UM
    return Registered(parts.rotation_rad, *shift_um, **(values | others))


def apart_um(one: Matrix, other: Matrix) -> float:
    """How far apart two maps take tissue, root mean square."""
    return distance_um(inverse(one) @ other, **FAR)


def errors_um(placed: Mapping[int, Matrix], true: list[Matrix], anchor: int) -> dict[int, float]:
    """Of each section that has a place, how far it is from where it lies beside the anchor."""
    brain = inverse(true[anchor]) @ placed[anchor]
    return {place: apart_um(true[place] @ brain, matrix) for place, matrix in placed.items()}


def neighbours_apart_um(placed: Mapping[int, Matrix], true: list[Matrix], good: Iterable[int]) -> Iterator[float]:
    """How far each good section is from where it lies beside the good one before it."""
    for fixed, moving in itertools.pairwise(sorted(good)):
        yield apart_um(placed[moving], true[moving] @ inverse(true[fixed]) @ placed[fixed])
