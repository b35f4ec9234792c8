"""How far an aligned stack is from the truth, for benchmarks/alignment.py: jitter and drift apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from alignment_sets import CANVAS, PIXEL_UM, Placed
from alignment_ways import mean_distance_um
from scipy.ndimage import gaussian_filter1d

from brainstack import geometry
from brainstack.geometry import Matrix
from brainstack.images.stack_holds import SMOOTH_SECTIONS

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class StackErrors:
    """By section, in micrometres: root mean square over its tissue. whole : after the best single rigid motion of the
    stack; drift, jitter : its two parts. beside : of whole sections but the first, as `neighbours_um` says."""

    whole: Numbers
    drift: Numbers
    jitter: Numbers
    beside: Numbers


def stack_errors(sections: Sequence[Placed], placed: Mapping[int, Matrix]) -> StackErrors:
    """placed : by place in `sections`, from the aligned frame to the section's canvas; those left out are not judged.

    The aligned frame is moved onto the true brain by one rotation and shift, chosen so that the sections' tissue lies
    as near to its true place as it can (Kabsch 1976).
    """
    points, truths = [], []
    for place, matrix in sorted(placed.items()):
        rows, columns = np.nonzero(sections[place].mask[::16, ::16])
        on_canvas = np.stack([columns, rows], axis=-1) * 16.0
        points.append(geometry.points(geometry.inverse(matrix), on_canvas))
        truths.append(geometry.points(sections[place].to_truth, on_canvas))
    motion = best_rigid(np.concatenate(points), np.concatenate(truths))
    # What is wrong with a section is a small rigid motion of the true brain: as three lengths it can be smoothed.
    centre = np.concatenate(truths).mean(axis=0)
    wrong, radii = [], []
    for at, true in zip(points, truths, strict=True):
        error = best_rigid(geometry.points(motion, at), true)
        moved = geometry.points(error, centre) - centre
        radii.append(np.sqrt(np.mean(np.sum((true - centre) ** 2, axis=1))))
        wrong.append([np.arctan2(error[1, 0], error[0, 0]) * radii[-1], *moved])
    lengths_um = np.array(wrong) * PIXEL_UM
    whole_ones = np.array([[sections[place].state != "damaged"] for place in sorted(placed)], float)
    weights = gaussian_filter1d(whole_ones, SMOOTH_SECTIONS, axis=0, mode="nearest")
    slow = gaussian_filter1d(lengths_um * whole_ones, SMOOTH_SECTIONS, axis=0, mode="nearest") / weights
    whole = np.array([
        np.sqrt(np.mean(np.sum((geometry.points(motion, at) - true) ** 2, axis=1))) * PIXEL_UM
        for at, true in zip(points, truths, strict=True)
    ])  # fmt: skip
    jitter, beside = np.linalg.norm(lengths_um - slow, axis=1), neighbours_um(sections, placed)
    return StackErrors(whole, np.linalg.norm(slow, axis=1), jitter, beside)


def neighbours_um(sections: Sequence[Placed], placed: Mapping[int, Matrix]) -> Numbers:
    """How far each whole section of the aligned stack lies from where it should beside the whole one before it, across
    damaged ones too: (count,), the mean distance over the tissue, in micrometres."""
    whole = [place for place in sorted(placed) if sections[place].state != "damaged"]
    return np.array([
        mean_distance_um(
            placed[moving] @ geometry.inverse(placed[fixed]),
            geometry.inverse(sections[moving].to_truth) @ sections[fixed].to_truth, sections[fixed].mask,
        )
        for fixed, moving in pairwise(whole)
    ])  # fmt: skip


def best_rigid(points: Numbers, onto: Numbers) -> Matrix:
    """The rotation and shift that take points nearest to others, least squares: 3 x 3. Both are (count, 2)."""
    from_middle, to_middle = points.mean(axis=0), onto.mean(axis=0)
    a, b = points - from_middle, onto - to_middle
    turn = np.arctan2(np.sum(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]), np.sum(a * b))
    rotation = geometry.rigid(float(turn), 0, 0, (1, 1))
    return np.asarray(geometry.shift(*to_middle) @ rotation @ geometry.shift(*-from_middle))


def centre_radius_um(sections: Sequence[Placed]) -> float:
    """The tissue's radius about the canvas centre, root mean square, the median of the sections."""
    radii = []
    for section in sections:
        rows, columns = np.nonzero(section.mask[::8, ::8])
        away = np.hypot(rows * 8 - (CANVAS[0] - 1) / 2, columns * 8 - (CANVAS[1] - 1) / 2)
        radii.append(np.sqrt(np.mean(away**2)))
    return float(np.median(radii)) * PIXEL_UM
