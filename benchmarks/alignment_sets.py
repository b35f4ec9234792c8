"""Stacks of sections whose true places are known, for benchmarks/alignment.py: a real brain and the made-up one.

Each section is turned, shifted, lit otherwise, made noisy and dusty, and loses a little tissue here and there. A few
are badly damaged, mirrored or missing. All of them lie on one canvas, as cleaned thumbnails do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import tifffile

from brainstack import geometry
from brainstack.demo.scenes import photograph
from brainstack.demo.slides import phantom_of, plan_animal
from brainstack.geometry import Matrix

CANVAS = (900, 1100)
PIXEL_UM = 40.0 / 3
SPACING_UM = 50.0
PLANES = range(20, 250)
"""Of the real brain: before and behind there is hardly any tissue."""
MADE_UP, MADE_UP_CANVAS = 96, (750, 1126)
"""How many sections the made-up brain has, and its ideal canvas, (rows, columns)."""
ANGLES_DEG = {"any": 180.0, "ten": 10.0}
BRAINS = ("real", "made up")

BADLY_DAMAGED, MISSING, MIRRORED = 0.05, 0.02, 0.02
WORN = 0.15
"""Share of the good sections that lost a piece of up to a twentieth of their tissue."""

Picture = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Placed:
    """A section on the common canvas. picture : (rows, columns) uint16, 0 outside the mask. number : its place in the
    brain; missing ones leave theirs out. to_truth : from the canvas to the true brain's pixels; it mirrors where the
    section is mirrored. state : "good", "damaged" or "mirrored"."""

    number: int
    picture: Picture
    mask: Mask
    to_truth: Matrix
    state: str

    @property
    def z_um(self) -> float:
        return self.number * SPACING_UM


@dataclass(frozen=True)
class Whole:
    """A section before anything befell it. to_truth : from its pixels to the true brain's."""

    picture: npt.NDArray[np.float32]
    mask: Mask
    to_truth: Matrix


def stack_of(brain: str, angles: str, folder: Path, *, seed: int = 0, kept: Path | None = None) -> list[Placed]:
    """A set. folder : with the real brain's planes. kept : a folder that keeps made-up sections between runs."""
    wholes = list(_wholes(brain, folder, kept))
    random = np.random.default_rng([seed, BRAINS.index(brain), list(ANGLES_DEG).index(angles)])
    states = _states(len(wholes), random)
    return [
        _placed(number, whole, state, ANGLES_DEG[angles], random)
        for number, (whole, state) in enumerate(zip(wholes, states, strict=True))
        if state != "missing"
    ]


def _wholes(brain: str, folder: Path, kept: Path | None) -> Iterator[Whole]:
    return real_planes(folder) if brain == "real" else made_up_sections(kept)


REFERENCE_FACTOR = 3
"""Pixels of the canvas to a side of a reference's pixel: 40 um."""


def reference_of(brain: str, folder: Path, *, kept: Path | None = None) -> list[Picture]:
    """A reference volume, a plane for each place in the brain: the true brain as another, coarser recording has it,
    with pixels of 40 um, blurred (sigma 100 um), with noise of its own."""
    random = np.random.default_rng(7)
    planes = []
    for whole in _wholes(brain, folder, kept):
        rows, columns = whole.picture.shape if brain == "real" else MADE_UP_CANVAS
        light = np.where(whole.mask, whole.picture, 0)
        ideal = cv2.warpAffine(light, whole.to_truth[:2], (columns, rows), flags=cv2.INTER_LINEAR)
        blurred = cv2.GaussianBlur(ideal, (0, 0), 100 / PIXEL_UM)
        plane = _shrunk_about_centre(blurred)
        planes.append(plane + random.normal(0, 0.02 * float(plane.max()), plane.shape).astype(np.float32))
    return planes


def _shrunk_about_centre(picture: Picture) -> Picture:
    """Larger pixels, with the centre of the picture on the centre of the small one."""
    rows, columns = (side // REFERENCE_FACTOR for side in picture.shape)
    scale = geometry.shift((picture.shape[1] - 1) / 2, (picture.shape[0] - 1) / 2) @ np.diag([3.0, 3.0, 1.0])
    matrix = scale @ geometry.shift(-(columns - 1) / 2, -(rows - 1) / 2)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(picture, matrix[:2], (columns, rows), flags=flags))


def _states(count: int, random: np.random.Generator) -> list[str]:
    """What each section is. Damaged ones may be neighbours, mirrored ones lie apart, the ends are whole."""
    states = ["good"] * count
    chosen = random.permutation(np.arange(2, count - 2))
    for state, share in (("damaged", BADLY_DAMAGED), ("mirrored", MIRRORED), ("missing", MISSING)):
        for _ in range(max(1, round(share * count))):
            states[chosen[0]], chosen = state, chosen[1:]
    return states


def real_planes(folder: Path) -> Iterator[Whole]:
    """Planes of a light-sheet microscope, enlarged to the canvas' pixels; the true brain is the stack as it is."""
    files = sorted(folder.glob("*.tif"))
    for number in PLANES:
        plane = tifffile.imread(files[number]).astype(np.float32)
        picture = cv2.resize(plane, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
        yield Whole(picture, _tissue(picture), np.eye(3))


def made_up_sections(kept: Path | None) -> Iterator[Whole]:
    """The made-up animal, as it lies on its slides; the true brain is its ideal canvas."""
    truth = plan_animal(
        Path(), MADE_UP, MADE_UP_CANVAS[::-1], seed=1, spacing_um=SPACING_UM, stain="fluorescence", difficulty="easy"
    )
    truth = replace(truth, thumbnail_factor=1)
    phantom = phantom_of(truth, 1)
    for section in truth.sections:
        file = kept / f"{section.key}.npz" if kept else None
        if file and file.is_file():
            with np.load(file) as arrays:
                picture, mask = arrays["picture"], arrays["mask"]
        else:
            found = photograph(section, truth, phantom)
            picture, mask = found.pictures[0], found.mask
        if file and not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            np.savez(file, picture=picture, mask=mask)
        yield Whole(picture.astype(np.float32), mask, geometry.inverse(section.to_scene()))


def _tissue(picture: npt.NDArray[np.float32]) -> Mask:
    smooth = cv2.GaussianBlur(picture, (0, 0), 4)
    bright = (smooth > 0.25 * np.quantile(smooth, 0.9)).astype(np.uint8)
    _, labels, parts, _ = cv2.connectedComponentsWithStats(bright)
    largest = (labels == 1 + np.argmax(parts[1:, cv2.CC_STAT_AREA])).astype(np.uint8)
    return cv2.morphologyEx(largest, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8)) > 0


# What befalls a section


def _placed(number: int, whole: Whole, state: str, largest_deg: float, random: np.random.Generator) -> Placed:
    """On the canvas, its middle near the canvas' middle, as cleaning lays it down, at a random angle."""
    turn_rad = math.radians(random.uniform(-largest_deg, largest_deg))
    rows, columns = np.nonzero(whole.mask)
    middle = np.array([(columns.min() + columns.max()) / 2, (rows.min() + rows.max()) / 2])
    centre = np.array([(CANVAS[1] - 1) / 2, (CANVAS[0] - 1) / 2])
    onto = geometry.rigid(turn_rad, *(random.normal(0, 200, 2) / PIXEL_UM).clip(-30, 30), CANVAS)
    onto = onto @ geometry.shift(*(centre - middle))
    if state == "mirrored":
        onto = geometry.turning(0, "flop", CANVAS) @ onto
    picture = _lit(_warped(whole.picture, onto, cv2.INTER_LINEAR), random)
    mask = _warped(whole.mask.astype(np.uint8), onto, cv2.INTER_NEAREST) > 0
    if state == "damaged":
        picture, mask = _damaged(picture, mask, random)
    elif random.random() < WORN:
        mask = mask & ~_blob(mask, random.uniform(0.01, 0.05), random)
    picture = _dusty(picture, random)
    light = np.where(mask, np.clip(picture, 0, 65535), 0).astype(np.uint16)
    return Placed(number, light, mask, whole.to_truth @ geometry.inverse(onto), state)


def _warped(picture: Picture, matrix: Matrix, flags: int) -> Picture:
    return np.asarray(cv2.warpAffine(picture, matrix[:2], (CANVAS[1], CANVAS[0]), flags=flags))


def _lit(picture: Picture, random: np.random.Generator) -> npt.NDArray[np.float32]:
    """Its own brightness, a lamp that is stronger on one side, and the camera's noise."""
    rows, columns = CANVAS
    slope = random.uniform(-0.15, 0.15, 2)
    lamp = 1 + slope[0] * np.linspace(-1, 1, columns)[np.newaxis] + slope[1] * np.linspace(-1, 1, rows)[:, np.newaxis]
    light = picture * lamp * random.uniform(0.7, 1.3)
    noise = random.normal(0, 0.02 * float(np.quantile(picture, 0.99)), CANVAS)
    return np.asarray(light + noise, np.float32)


def _dusty(picture: npt.NDArray[np.float32], random: np.random.Generator) -> npt.NDArray[np.float32]:
    """Up to ten bright specks."""
    dusty, bright = picture.copy(), float(picture.max())
    for _ in range(random.integers(0, 11)):
        at = int(random.integers(CANVAS[1])), int(random.integers(CANVAS[0]))
        cv2.circle(dusty, at, int(random.integers(1, 6)), bright, -1)
    return dusty


def _blob(mask: Mask, share: float, random: np.random.Generator) -> Mask:
    """A piece with a wavy outline at the rim of the tissue, of about this share of it: (rows, columns) bool."""
    rows, columns = np.nonzero(mask & ~(cv2.erode(mask.astype(np.uint8), np.ones((3, 3))) > 0))
    at = random.integers(rows.size)
    away = np.hypot(*np.ogrid[-rows[at] : CANVAS[0] - rows[at], -columns[at] : CANVAS[1] - columns[at]])
    wavy = cv2.GaussianBlur(random.normal(0, 1, CANVAS).astype(np.float32), (0, 0), 15)
    distance = away * (1 + 0.25 * wavy / wavy.std())
    return np.asarray(distance < np.quantile(distance[mask], share))


Damage = Callable[[Picture, Mask, np.random.Generator], tuple[Picture, Mask]]


def _torn_off(picture: Picture, mask: Mask, random: np.random.Generator) -> tuple[Picture, Mask]:
    """A third to a half of the tissue is gone."""
    return picture, mask & ~_blob(mask, random.uniform(0.35, 0.5), random)


def _slid(picture: Picture, mask: Mask, random: np.random.Generator) -> tuple[Picture, Mask]:
    """A third to a half of the tissue lies a millimetre or two away, turned."""
    piece = _blob(mask, random.uniform(0.35, 0.5), random)
    angle_rad = random.choice((-1, 1)) * math.radians(random.uniform(10, 30))
    way_rad, way_px = random.uniform(0, 2 * math.pi), random.uniform(1000, 2000) / PIXEL_UM
    moved = geometry.rigid(angle_rad, way_px * math.cos(way_rad), way_px * math.sin(way_rad), CANVAS)
    there = _warped((piece & mask).astype(np.uint8), moved, cv2.INTER_NEAREST) > 0
    laid = np.where(there, _warped(picture, moved, cv2.INTER_LINEAR), picture)
    return laid, np.asarray((mask & ~piece) | there)


def _smeared(picture: Picture, mask: Mask, random: np.random.Generator) -> tuple[Picture, Mask]:
    """Folded and smeared: pixels come from up to a millimetre away, and fine structure is gone."""
    shifts = [cv2.GaussianBlur(random.normal(0, 1, CANVAS).astype(np.float32), (0, 0), 60) for _ in range(2)]
    rows, columns = np.indices(CANVAS, np.float32)
    by = [shift / np.abs(shift).max() * 1000 / PIXEL_UM for shift in shifts]
    places = columns + by[0], rows + by[1]
    laid = cv2.remap(cv2.GaussianBlur(picture, (0, 0), 8), *places, cv2.INTER_LINEAR)
    return laid, cv2.remap(mask.astype(np.uint8), *places, cv2.INTER_NEAREST) > 0


DAMAGES: tuple[Damage, ...] = (_torn_off, _slid, _smeared)


def _damaged(picture: Picture, mask: Mask, random: np.random.Generator) -> tuple[Picture, Mask]:
    return DAMAGES[int(random.integers(len(DAMAGES)))](picture, mask, random)
