"""From what pairs say of two sections to one place for each section: all that is said, solved together.

Pairs of neighbours say it finely, wider pairs less so; a few are wrong. A spanning tree of the best pairs gives each
section a place, bridging what does not fit. Then all pairs move the sections together, least squares with a loss that
grows slowly for what contradicts the rest (Triggs et al. 2000), so that a wrong pair bends nothing.

What holds a section to an absolute place (a midline, a reference, a person) goes in beside the pairs. Corrections are
small rotations and shifts in the frame of the aligned stack, in which rotation and the two shifts part, so that each is
a linear problem of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

from brainstack.geometry import Matrix, Shape, inverse, is_mirrored, rigid, rigid_parts

Numbers = npt.NDArray[np.float64]

ROUNDS = 3
"""Corrections are made so many times: a degree leaves a hundredth of itself to the next round."""


@dataclass(frozen=True)
class Step:
    """What a pair says. fixed, moving : places in the chain. matrix : fixed to moving, in pixels of the cleaned canvas.
    sigma_um : how far off it may well be."""

    fixed: int
    moving: int
    matrix: Matrix
    sigma_um: float


@dataclass(frozen=True)
class Hold:
    """What holds a section to an absolute place. place : in the chain. matrix : from the frame of the aligned stack to
    the section's canvas. sigma_um : of the rotation (at the tissue's radius), and of the shift along the two directions
    of `axis_rad`, which is the angle of the first against x; infinite for what it does not say."""

    place: int
    matrix: Matrix
    sigma_um: tuple[float, float, float]


@dataclass(frozen=True)
class Frame:
    """Lengths and angles. shape : (rows, columns) of the canvas. radius_um : of the tissue about its centre. axis_rad :
    the angle of the first of the two directions in which shifts are solved."""

    shape: Shape
    pixel_size_um: float
    radius_um: float
    axis_rad: float = 0.0

    def moves_um(self, matrix: Matrix) -> Numbers:
        """A rigid map as three lengths: its turn at the tissue's radius, and its shift along both directions."""
        parts = rigid_parts(matrix, self.shape)
        cos, sin = math.cos(self.axis_rad), math.sin(self.axis_rad)
        x_um, y_um = parts.shift_x_px * self.pixel_size_um, parts.shift_y_px * self.pixel_size_um
        return np.array([parts.rotation_rad * self.radius_um, cos * x_um + sin * y_um, cos * y_um - sin * x_um])

    def matrix_of(self, moves_um: Numbers) -> Matrix:
        """The map that `moves_um` takes apart."""
        cos, sin = math.cos(self.axis_rad), math.sin(self.axis_rad)
        first_px, second_px = moves_um[1:] / self.pixel_size_um
        x_px, y_px = cos * first_px - sin * second_px, sin * first_px + cos * second_px
        return rigid(moves_um[0] / self.radius_um, x_px, y_px, self.shape)


def connected(count: int, steps: Sequence[Step], known: Mapping[int, Matrix]) -> dict[int, Matrix]:
    """Places from the surest pairs: a spanning tree by squared sigma, from sections whose places are known.

    known : place -> map from the aligned frame to the section's canvas. Returns the same for all sections that pairs
    connect with those.
    """
    cost = np.full((count, count), np.inf)
    best: dict[tuple[int, int], Step] = {}
    for one in steps:
        if one.sigma_um**2 < cost[one.fixed, one.moving]:
            cost[one.fixed, one.moving] = one.sigma_um**2
            best[one.fixed, one.moving] = one
    rows, columns = np.nonzero(np.isfinite(cost))
    tree = minimum_spanning_tree(coo_array((cost[rows, columns], (rows, columns)), shape=cost.shape).tocsr())
    placed = dict(known)
    for start in known:
        order, before = breadth_first_order(tree, start, directed=False)
        for place in map(int, order[1:]):
            if place in placed:
                continue
            origin = int(before[place])
            if (origin, place) in best:
                placed[place] = best[origin, place].matrix @ placed[origin]
            else:
                placed[place] = inverse(best[place, origin].matrix) @ placed[origin]
    return placed


def grouped(count: int, steps: Sequence[Step]) -> npt.NDArray[np.int64]:
    """Of each section the number of its group: (count,). Pairs connect the sections of a group."""
    ends = [one.fixed for one in steps], [one.moving for one in steps]
    pairs = coo_array((np.ones(len(steps)), ends), shape=(count, count))
    return np.asarray(connected_components(pairs, directed=False)[1], np.int64)


def solve(placed: Mapping[int, Matrix], steps: Iterable[Step], holds: Iterable[Hold], *, anchor: int, frame: Frame) -> (
    dict[int, Matrix]
):  # fmt: skip
    """The places, moved until pairs and holds agree as well as they can.

    placed : where the sections lie to begin with; others are left out, and so are holds that are mirrored against it.
    anchor : stays where it is, as far as no hold says where it is. Returns place -> map from the aligned frame to the
    section's canvas, the same whatever the order of steps.

    Pairs alone tell which of them are wrong: far from where they meet, a loss that gives up on what contradicts the
    rest would rather tear the stack than follow a hold. The holds then pull on pairs that weigh what they were found
    to be worth, with a loss that never gives up.
    """
    places = sorted(placed)
    number = {place: at for at, place in enumerate(places)}
    steps = [one for one in steps if one.fixed in number and one.moving in number]
    holds = [one for one in holds if one.place in number and is_mirrored(one.matrix) == is_mirrored(placed[one.place])]
    said = _Said(
        sorted(steps, key=lambda one: (one.fixed, one.moving, one.sigma_um)), holds, number, number[anchor], frame
    )
    maps = [placed[place] for place in places]
    sigma_um = np.array([one.sigma_um for one in said.steps]).reshape(-1, 1) * np.ones(3)
    alone = replace(said, holds=[])
    for _ in range(ROUNDS):
        maps = alone.moved(maps, sigma_um, "cauchy")
    # At its end, Cauchy's loss counts a pair as so far off. One that is wrong in its rotation is so in its shift too.
    sigma_um = np.hypot(sigma_um, np.linalg.norm(said.step_errors_um(maps), axis=1, keepdims=True))
    for _ in range(ROUNDS if holds else 0):
        maps = said.moved(maps, sigma_um, "soft_l1")
    return dict(zip(places, maps, strict=True))


@dataclass(frozen=True)
class _Said:
    """All that is said of the sections. number : of a section among those that are solved, by its place. anchor : a
    number."""

    steps: Sequence[Step]
    holds: Sequence[Hold]
    number: Mapping[int, int]
    anchor: int
    frame: Frame

    def moved(self, maps: Sequence[Matrix], sigma_um: Numbers, loss: str) -> list[Matrix]:
        """The maps, corrected once. sigma_um : of the steps, (count, 3)."""
        ends = np.array([(self.number[one.fixed], self.number[one.moving]) for one in self.steps], int).reshape(-1, 2)
        held = np.array([self.number[one.place] for one in self.holds], int)
        step_um, hold_um = self.step_errors_um(maps), self._hold_errors_um(maps)
        hold_sigma_um = np.array([one.sigma_um for one in self.holds]).reshape(-1, 3)
        moves = np.stack([
            _corrections(len(maps), ends, step_um[:, way], sigma_um[:, way], held, hold_um[:, way],
                         hold_sigma_um[:, way], self.anchor, loss)
            for way in range(3)
        ], axis=1)  # fmt: skip
        return [one @ self.frame.matrix_of(move) for one, move in zip(maps, moves, strict=True)]

    def step_errors_um(self, maps: Sequence[Matrix]) -> Numbers:
        """Of each step, (count, 3): it takes a point of the aligned frame to the fixed section, the moving one, and
        back."""
        errors = [
            inverse(maps[self.number[one.moving]]) @ one.matrix @ maps[self.number[one.fixed]] for one in self.steps
        ]
        return np.array([self.frame.moves_um(error) for error in errors]).reshape(-1, 3)

    def _hold_errors_um(self, maps: Sequence[Matrix]) -> Numbers:
        pulls = [inverse(maps[self.number[one.place]]) @ one.matrix for one in self.holds]
        return np.array([self.frame.moves_um(pull) for pull in pulls]).reshape(-1, 3)


def _corrections(
    count: int, ends: npt.NDArray[np.int64], step_um: Numbers, step_sigma_um: Numbers, held: npt.NDArray[np.int64],
    hold_um: Numbers, hold_sigma_um: Numbers, anchor: int, loss: str,
) -> Numbers:  # fmt: skip
    """One number for each section, in micrometres: (count,).

    A step's error shrinks as far as its moving section is corrected by it more than its fixed one, a hold's as far as
    its section is. Unknown are the differences from one section to the next: what neighbours say is then nearly one
    row for one unknown, and the problem well conditioned, however long the stack is.
    """
    says = np.isfinite(hold_sigma_um)
    held, hold_um, hold_sigma_um = held[says], hold_um[says], hold_sigma_um[says]
    if not held.size:
        held, hold_um, hold_sigma_um = np.array([anchor]), np.zeros(1), np.full(1, 1e-3)
    rows = np.arange(len(ends) + len(held))
    first, last = rows[: len(ends)], rows[len(ends) :]
    weights = 1 / np.concatenate([step_sigma_um, hold_sigma_um])
    values = np.concatenate([np.ones(len(ends)), -np.ones(len(ends)), np.ones(len(held))])
    where = (np.concatenate([first, first, last]), np.concatenate([ends[:, 1], ends[:, 0], held]))
    of_places = csr_array((values, where), shape=(len(rows), count))
    summed = csr_array(np.tril(np.ones((count, count))))
    jacobian = csr_array(of_places @ summed).multiply(weights[:, np.newaxis]).tocsr()
    target = np.concatenate([step_um, hold_um]) * weights
    found = least_squares(
        lambda unknown: jacobian @ unknown - target, np.zeros(count), jac=lambda _: jacobian, loss=loss,
        tr_solver="lsmr", x_scale=1.0, max_nfev=100,
    )  # fmt: skip
    return np.cumsum(found.x)
