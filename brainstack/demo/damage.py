"""What befalls a section before it lies on its slide: torn in two, opened, hardly there, with a piece beside it.

All of it is done to the section itself, so that the truth knows it: `depth_mm` stays how far inside the tissue a pixel
is, ventricles and what opens them included.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields, replace

import cv2
import numpy as np
import numpy.typing as npt

from brainstack.demo.anatomy import OLFACTORY_NUCLEI, Slice
from brainstack.demo.difficulty import Difficulty
from brainstack.demo.drawing import Plane, looked_up
from brainstack.demo.glass import Random, smooth

SMALL_MM = 0.05
"""Places are looked for on pixels no smaller than this."""
HOLLOW = 0.15
"""Nuclei of a ventricle shine less than this."""
PIECE_RADII_MM = (0.45, 1.0)
"""Of a piece that lies beside the section, such as an olfactory bulb."""


def damaged(
    piece: Slice,
    spots_px: npt.NDArray[np.float64],
    *,
    flaws: Sequence[str],
    difficulty: Difficulty,
    upright_rad: float,
    pixel_mm: float,
    random: Random,
) -> tuple[Slice, npt.NDArray[np.float64]]:
    """The section after what `flaws` names, and where its spots (count, 2) of x and y lie now.

    piece : in its scene, planes of one shape. upright_rad : by how much its midline is turned.
    """
    if "grazed" in flaws:
        piece = _grazed(piece, random)
    if "opened" in flaws:
        piece = _opened(piece, difficulty.mouth_mm, pixel_mm, random)
    if "torn" in flaws:
        piece, spots_px = _torn(piece, spots_px, upright_rad, pixel_mm, random)
    if "piece" in flaws:
        piece = _with_piece(piece, pixel_mm, random)
    return piece, spots_px


def _grazed(piece: Slice, random: Random) -> Slice:
    """Only where the knife went deepest: a tenth of the section, without any ventricle."""
    inside = piece.depth_mm > 0
    if not inside.any():
        return piece
    missed_mm = float(np.quantile(piece.depth_mm[inside], random.uniform(0.75, 0.93)))
    light = {name: np.maximum(getattr(piece, name), least) for name, least in _LEAST.items()}
    return replace(piece, depth_mm=piece.depth_mm - np.float32(missed_mm), **light)


_LEAST = {"nuclei": np.float32(0.6), "fibres": np.float32(0.5), "glow": np.float32(0.4)}
"""Light where there is tissue and no ventricle."""


def _opened(piece: Slice, mouth_mm: tuple[float, float], pixel_mm: float, random: Random) -> Slice:
    """A slit goes from a ventricle to the nearest glass; what the tissue once enclosed still belongs to it."""
    step = max(1, round(SMALL_MM / pixel_mm))
    depth, nuclei = (cv2.resize(plane, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
                     for plane in (piece.depth_mm, piece.nuclei))  # fmt: skip
    hollows = ((nuclei < HOLLOW) & (depth > 0.1)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(hollows, connectivity=8)
    large = [one for one in range(1, count) if stats[one, cv2.CC_STAT_AREA] * (step * pixel_mm) ** 2 > 0.03]
    glass = np.argwhere(depth <= 0)
    if not large or not len(glass):
        return piece
    hollow = np.argwhere(labels == random.choice(large))
    start = hollow[np.argmin(depth[tuple(hollow.T)])]
    end = glass[np.argmin(((glass - start) ** 2).sum(axis=1))]
    end = end + (end - start) / max(float(np.hypot(*(end - start))), 1.0) * 3  # out of the soft edge
    slit = np.ones(piece.depth_mm.shape, np.float32)
    one, other = (np.round((place[::-1] + 0.5) * step).astype(int).tolist() for place in (start, end))
    cv2.line(slit, one, other, 0.05, max(1, round(random.uniform(*mouth_mm) / pixel_mm)), cv2.LINE_AA)
    return replace(piece, nuclei=piece.nuclei * slit, fibres=piece.fibres * slit, glow=piece.glow * slit)


def _torn(
    piece: Slice, spots_px: npt.NDArray[np.float64], upright_rad: float, pixel_mm: float, random: Random
) -> tuple[Slice, npt.NDArray[np.float64]]:
    """One hemisphere lies apart, moved outwards and a little turned. The tear passes beside the third ventricle."""
    rows, columns = np.nonzero(piece.depth_mm > 0)
    if not len(rows):
        return piece, spots_px
    middle = np.array([columns.mean(), rows.mean()])
    side = random.choice((-1.0, 1.0))
    across = side * np.array([math.cos(upright_rad), math.sin(upright_rad)])
    off_mm, wave_mm, wave = random.uniform(0.35, 0.8), random.uniform(0.03, 0.1), random.uniform(1, 3)

    def beyond_mm(x: Plane, y: Plane) -> Plane:
        along = ((y - middle[1]) * across[0] - (x - middle[0]) * across[1]) * pixel_mm
        aside = ((x - middle[0]) * across[0] + (y - middle[1]) * across[1]) * pixel_mm
        return np.asarray(aside - off_mm - wave_mm * np.sin(wave * along), np.float32)

    y, x = np.indices(piece.depth_mm.shape, np.float32)
    beyond = beyond_mm(np.asarray(x), np.asarray(y))
    turn = math.radians(random.uniform(-5, 5))
    shift_px = across * (random.uniform(0.5, 0.9) / pixel_mm)
    pivot = middle + across * (2.5 / pixel_mm)
    cos, sin = math.cos(turn), math.sin(turn)
    linear = np.array([[cos, -sin], [sin, cos]])
    matrix = np.column_stack([linear, pivot + shift_px - linear @ pivot])
    off = replace(piece, depth_mm=np.minimum(piece.depth_mm, beyond))
    moved = Slice(**{
        field.name: cv2.warpAffine(getattr(off, field.name), matrix, piece.depth_mm.shape[::-1],
                                   borderValue=-1.0 if field.name == "depth_mm" else 0.0)
        for field in fields(Slice)
    })  # fmt: skip
    gone = beyond_mm(spots_px[:, 0], spots_px[:, 1]) > 0
    moved_spots = spots_px @ linear.T + matrix[:, 2]
    return (
        _both(replace(piece, depth_mm=np.minimum(piece.depth_mm, -beyond)), moved),
        np.where(gone[:, np.newaxis], moved_spots, spots_px),
    )


def _with_piece(piece: Slice, pixel_mm: float, random: Random) -> Slice:
    """An oval piece with one layer of packed cells, where there is room beside the section."""
    rows, columns = piece.depth_mm.shape
    radii = random.uniform(*PIECE_RADII_MM, 2)
    angle = random.uniform(0, np.pi)
    step = max(1, round(SMALL_MM / pixel_mm))
    small = cv2.resize(piece.depth_mm, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
    free_mm = cv2.distanceTransform(np.pad((small <= 0).astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    room = np.argwhere(free_mm * (step * pixel_mm) > radii.max() + 0.25)
    if not len(room):
        return piece
    row, column = (random.choice(room) + 0.5) * step
    y, x = np.indices((rows, columns), np.float32)
    x, y = (x - np.float32(column)) * np.float32(pixel_mm), (y - np.float32(row)) * np.float32(pixel_mm)
    cos, sin = math.cos(angle), math.sin(angle)
    reach = np.hypot((x * cos + y * sin) / radii[0], (y * cos - x * sin) / radii[1])
    depth = np.asarray((1 - reach) * radii.min(), np.float32)
    patches = 1 + 0.06 * cv2.resize(smooth((rows // step + 8, columns // step + 8), 3, random), (columns, rows))
    nuclei = looked_up(np.clip(depth / radii.min(), 0, 1), OLFACTORY_NUCLEI) * patches
    return _both(piece, Slice(depth, np.asarray(nuclei, np.float32),
                              np.full_like(depth, 0.7), np.full_like(depth, 0.45)))  # fmt: skip


def _both(one: Slice, other: Slice) -> Slice:
    """Two pieces that lie beside each other."""
    nearer = other.depth_mm > one.depth_mm
    return Slice(**{
        field.name: np.where(nearer, getattr(other, field.name), getattr(one, field.name)) for field in fields(Slice)
    })  # fmt: skip
