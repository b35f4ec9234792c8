"""What a slide scanner makes of a section: uneven glass, dust, glue, a stitching grid, noise. Counts of 16 bits."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from brainstack.demo.difficulty import DIFFICULTIES, Difficulty, Span
from brainstack.demo.drawing import Plane

Random = np.random.Generator
Picture = npt.NDArray[np.uint16]

CAMERA_OFFSET = 120.0
"""Counts of the camera without light."""

FIELD_MM = 2.56
"""Side of one field of view: the scanner stitches a scene from such squares."""


@dataclass(frozen=True)
class Look:
    """How one channel shines. tissue, glass : counts. hidden : share of dust and glue seen in it, 0 to 1."""

    name: str
    tissue: float
    glass: float
    dirt: float


LOOKS = (Look("DAPI", 1500, 600, 1.0), Look("GFP", 1100, 400, 0.7), Look("Cy5", 600, 180, 0.3))


@dataclass(frozen=True)
class Laid:
    """A section as it lies in its scene; all planes (rows, columns) float32.

    depth_mm, nuclei, fibres, glow : as in `anatomy.Slice`. edge : how much of the pixel is tissue, 0 to 1.
    """

    depth_mm: Plane
    nuclei: Plane
    fibres: Plane
    glow: Plane
    edge: Plane


@dataclass(frozen=True)
class Dirt:
    """What lies on the glass of one scene, kind by kind; all planes (rows, columns) float32, with pixels of `step_mm`.

    dust, rims, glue, neighbour : of specks and hairs, of the rims of bubbles, of a smear of glue, of the next section:
    0 where there is none. inside, torn : 1, and less inside a bubble and in a tear.
    """

    dust: Plane
    rims: Plane
    glue: Plane
    neighbour: Plane
    inside: Plane
    torn: Plane
    step_mm: float


@dataclass(frozen=True)
class Glass:
    """What lies around the tissue of one scene; all planes (rows, columns) float32.

    haze : light of glass and mounting medium, about 1. light : how evenly the lamp shines, about 1. dirt : light of
    dust, hairs, glue and the rims of bubbles, about 0 to 12. veil : what bubbles and cracks leave of the tissue's
    light. parts : what the last two were made of. difficulty : how uneven all of it is.
    """

    haze: Plane
    light: Plane
    dirt: Plane
    veil: Plane
    parts: Dirt
    difficulty: Difficulty = DIFFICULTIES["easy"]


def make_glass(shape: tuple[int, int], pixel_mm: float, difficulty: Difficulty, random: Random) -> Glass:
    """The glass of one scene of (rows, columns) `shape`."""
    rows, columns = shape
    small = (max(8, round(rows * pixel_mm / 0.1)), max(8, round(columns * pixel_mm / 0.1)))
    haze = _haze(small, difficulty, random)
    light = 1 + 0.07 * _slope(small, random) + 0.05 * smooth(small, 12, random)
    dirt = scattered(shape, pixel_mm, difficulty, random)
    fields = _fields(shape, pixel_mm, difficulty, random)
    return Glass(enlarged(haze, shape), enlarged(light, shape) * fields, *_shining(dirt, shape), dirt, difficulty)


def photographed(tissue: Plane, edge: Plane, *, glass: Glass, look: Look, gain: float, random: Random) -> Picture:
    """The counts the camera gives.

    tissue : light of the section, about 1. edge : how much of the pixel is tissue, 0 to 1. gain : brightness of the
    section. Returns (rows, columns) uint16.
    """
    light = (look.tissue * gain) * tissue * edge * glass.veil
    # The medium above the tissue is as hazy as beside it.
    light += look.glass * glass.haze
    light += (look.tissue * look.dirt) * glass.dirt
    light *= glass.light
    light += CAMERA_OFFSET
    light = np.maximum(light, 0)
    # A photon is about 2 counts; their number varies by its square root.
    light += random.standard_normal(light.shape, dtype=np.float32) * np.sqrt(2 * light)
    return np.asarray(np.clip(light, 0, 65535), np.uint16)


def _haze(shape: tuple[int, int], difficulty: Difficulty, random: Random) -> Plane:
    """Brighter to one side, with wide clouds: in places as bright as faint tissue."""
    haze = 1 + difficulty.haze_slope * _slope(shape, random) + difficulty.haze_clouds * smooth(shape, 18, random)
    return np.asarray(np.maximum(haze, 0.25), np.float32)


def _slope(shape: tuple[int, int], random: Random) -> Plane:
    """From -1 to 1 in some direction."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, size, dtype=np.float32) for size in shape), indexing="ij")
    angle = random.uniform(0, 2 * np.pi)
    return np.asarray((x * np.cos(angle) + y * np.sin(angle)) / np.sqrt(2) * 1.2, np.float32)


def smooth(shape: tuple[int, int], sigma_px: float, random: Random) -> Plane:
    """Smooth noise of mean 0 and standard deviation 1."""
    blurred = cv2.GaussianBlur(random.standard_normal(shape, dtype=np.float32), (0, 0), sigma_px)
    return np.asarray((blurred - blurred.mean()) / blurred.std(), np.float32)


def _fields(shape: tuple[int, int], pixel_mm: float, difficulty: Difficulty, random: Random) -> Plane:
    """The stitching grid: each field of view is darker towards its corners, and none as bright as the next."""
    profiles = []
    for size in shape:
        along = (np.arange(size, dtype=np.float32) * pixel_mm / FIELD_MM) % 1.0 - 0.5
        profiles.append(1 - difficulty.vignette * along**2)
    grid = np.asarray(profiles[0][:, np.newaxis] * profiles[1][np.newaxis, :], np.float32)
    if not difficulty.field_steps:
        return grid
    rows, columns = ((np.arange(size) * pixel_mm // FIELD_MM).astype(int) for size in shape)
    steps = np.clip(random.normal(1, difficulty.field_steps, (rows[-1] + 1, columns[-1] + 1)), 0.7, 1.3)
    return np.asarray(grid * steps.astype(np.float32)[np.ix_(rows, columns)], np.float32)


def scattered(shape: tuple[int, int], pixel_mm: float, difficulty: Difficulty, random: Random) -> Dirt:
    """What lies on a scene of (rows, columns) `shape`."""
    # Nothing here is finer than 10 um.
    step_mm = max(pixel_mm, 0.01)
    small = (round(shape[0] * pixel_mm / step_mm), round(shape[1] * pixel_mm / step_mm))
    dust, rims, glue, neighbour = (np.zeros(small, np.float32) for _ in range(4))
    inside, torn = np.ones(small, np.float32), np.ones(small, np.float32)
    for _ in range(random.poisson(difficulty.specks)):
        _speck(dust, step_mm, random)
    for _ in range(random.poisson(difficulty.hairs)):
        _hair(dust, step_mm, random)
    for _ in range(random.poisson(difficulty.bubbles)):
        _bubble(rims, inside, difficulty.bubble_mm, step_mm, random)
    if random.random() < difficulty.glue:
        _glue(glue, random)
    if random.random() < difficulty.crack:
        _crack(torn, step_mm, random)
    if random.random() < difficulty.neighbour:
        _neighbour(neighbour, difficulty.neighbour_mm, step_mm, random)
    if difficulty.smear and random.random() < difficulty.smear:
        _smear(glue, step_mm, random)
    for _ in range(random.poisson(difficulty.debris) if difficulty.debris else 0):
        _debris(dust, step_mm, random)
    return Dirt(dust, rims, glue, neighbour, inside, torn, step_mm)


def _shining(dirt: Dirt, shape: tuple[int, int]) -> tuple[Plane, Plane]:
    """The light of the dirt, and what it leaves of the tissue's; of (rows, columns) `shape`."""
    light = np.where(dirt.rims > 0, dirt.rims, dirt.dust) + dirt.glue + dirt.neighbour
    # A tear goes through a bubble as well.
    veil = np.where(dirt.torn < 1, dirt.torn, dirt.inside)
    return enlarged(cv2.GaussianBlur(light, (0, 0), 0.012 / dirt.step_mm), shape), enlarged(veil, shape)


def enlarged(plane: Plane, shape: tuple[int, ...]) -> Plane:
    """The plane with (rows, columns) `shape`, float32."""
    size = (shape[1], shape[0])
    return np.asarray(cv2.resize(plane.astype(np.float32), size, interpolation=cv2.INTER_LINEAR), np.float32)


def _speck(dirt: Plane, step_mm: float, random: Random) -> None:
    rows, columns = dirt.shape
    at = (int(random.integers(columns)), int(random.integers(rows)))
    radius = np.maximum(1, np.round(random.lognormal(-3.6, 0.6, 2) / step_mm)).astype(int)
    angle, level = random.uniform(0, 180), random.uniform(1.5, 12)
    cv2.ellipse(dirt, at, (int(radius[0]), int(radius[1])), angle, 0, 360, float(level), -1)


def _hair(dirt: Plane, step_mm: float, random: Random) -> None:
    rows, columns = dirt.shape
    turns = np.cumsum(random.normal(0, 0.12, 60)) + random.uniform(0, 2 * np.pi)
    steps = np.stack([np.cos(turns), np.sin(turns)], axis=1) * (0.05 / step_mm)
    line = np.cumsum(steps, axis=0) + random.uniform(0, 1, 2) * (columns, rows)
    level = float(random.uniform(0.8, 2.5))
    cv2.polylines(dirt, [np.round(line).astype(np.int32)], False, level, max(1, round(0.02 / step_mm)))


def _bubble(dirt: Plane, veil: Plane, radius_mm: Span, step_mm: float, random: Random) -> None:
    """A ring that shines, and a dimmer inside. Bubbles lie near the border of the glass, where it was set down."""
    rows, columns = dirt.shape
    along = random.uniform(0, 2 * np.pi)
    at = (round(columns * (0.5 + 0.46 * np.cos(along))), round(rows * (0.5 + 0.46 * np.sin(along))))
    radius = round(random.uniform(*radius_mm) / step_mm)
    cv2.circle(veil, at, radius, 0.75, -1)
    cv2.circle(dirt, at, radius, float(random.uniform(0.5, 1.2)), max(1, round(0.04 / step_mm)))


def _crack(veil: Plane, step_mm: float, random: Random) -> None:
    """A thin tear from somewhere inside outwards."""
    rows, columns = veil.shape
    direction = random.uniform(0, 2 * np.pi)
    turns = direction + np.cumsum(random.normal(0, 0.25, 40))
    steps = np.stack([np.cos(turns), np.sin(turns)], axis=1) * (0.1 / step_mm)
    start = np.array([columns, rows]) / 2 + np.array([np.cos(direction), np.sin(direction)]) * (2.2 / step_mm)
    line = np.round(start + np.cumsum(steps, axis=0)).astype(np.int32)
    cv2.polylines(veil, [line], False, 0.15, max(1, round(0.04 / step_mm)))


def _neighbour(dirt: Plane, reach_mm: tuple[Span, Span], step_mm: float, random: Random) -> None:
    """The rim of the next section, in a corner of the scan."""
    rows, columns = dirt.shape
    piece = np.zeros_like(dirt)
    corner = (int(random.integers(2)) * columns, int(random.integers(2)) * rows)
    size = [round(random.uniform(*reach) / step_mm) for reach in reach_mm]
    cv2.ellipse(piece, corner, size, random.uniform(-20, 20), 0, 360, 0.7, -1)
    dirt += piece * (1 + 0.15 * smooth(dirt.shape, 0.1 / step_mm, random))


def _smear(dirt: Plane, step_mm: float, random: Random) -> None:
    """A faint band across the glass, wiped and forgotten, with an edge that is neither soft nor sharp."""
    rows, columns = dirt.shape
    band = np.zeros_like(dirt)
    start = random.uniform(0, 1, 2) * (columns, rows)
    turns = random.uniform(0, 2 * np.pi) + np.cumsum(random.normal(0, 0.08, 30))
    line = start + np.cumsum(np.stack([np.cos(turns), np.sin(turns)], axis=1), axis=0) * (0.15 / step_mm)
    level = float(random.uniform(0.1, 0.25))
    thick = max(1, round(random.uniform(0.3, 1.0) / step_mm))
    cv2.polylines(band, [np.round(line).astype(np.int32)], False, level, thick)
    dirt += cv2.GaussianBlur(band, (0, 0), random.uniform(0.05, 0.15) / step_mm)


def _debris(dirt: Plane, step_mm: float, random: Random) -> None:
    """A ragged crumb that shines as bright as the camera can tell, with a glow around it."""
    rows, columns = dirt.shape
    at = random.uniform(0, 1, 2) * (columns, rows)
    angles = np.sort(random.uniform(0, 2 * np.pi, 9))
    radii = random.uniform(0.4, 1.0, 9) * (random.uniform(0.06, 0.2) / step_mm)
    corners = at + np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii[:, np.newaxis]
    crumb = np.zeros_like(dirt)
    cv2.fillPoly(crumb, [np.round(corners).astype(np.int32)], 60.0)
    dirt += crumb + np.float32(0.02) * cv2.GaussianBlur(crumb, (0, 0), 0.15 / step_mm)


def _glue(dirt: Plane, random: Random) -> None:
    """A smear along one border, with a soft edge."""
    rows, columns = dirt.shape
    edge = rows * 0.025 * (1 + 0.5 * np.sin(np.linspace(0, random.uniform(3, 9), columns) + random.uniform(0, 6)))
    away = np.arange(rows, dtype=np.float32)[:, np.newaxis] - edge[np.newaxis, :].astype(np.float32)
    smear = np.asarray(1.2 / (1 + np.exp(np.clip(away / (0.008 * rows), -30, 30))), np.float32)
    dirt += smear if random.random() < 0.5 else smear[::-1]
