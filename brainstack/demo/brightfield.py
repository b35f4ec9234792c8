"""A Nissl-stained section as a scanner's colour camera sees it: light that stain and dirt take away. Blue, green, red.

Thionin colours the nuclei and somata of cells blue-violet; fibres stay pale, and glass is nearly white. What a layer
takes away is its optical density, -ln(light through it / light into it); densities add up (Beer and Lambert).
"""

from __future__ import annotations

import math
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from brainstack.demo.drawing import Plane, step
from brainstack.demo.glass import Dirt, Glass, Laid, Picture, Random, enlarged, smooth

Colour = tuple[float, float, float]
"""Of blue, green and red."""

ColourPicture = npt.NDArray[np.uint8]
AnyPicture = Picture | ColourPicture

THIONIN: Colour = (0.38, 1.0, 0.88)
"""Optical density of the stain; its band lies at 600 nm."""
DUST: Colour = (1.0, 0.95, 0.9)
AMBER: Colour = (0.55, 0.25, 0.1)
"""Old mounting medium."""

SECTION_UM = 30.0
NEUROPIL = 0.15
"""Density between the cells."""

# Cells to a cubic millimetre of cortex of density 1, and what one takes away: its peak density times its area.
NEURONS_PER_MM3, NEURON_SIGMA_UM, NEURON_UM2 = 1.3e5, 5.0, 75.0
SMALL_PER_MM3, SMALL_SIGMA_UM, SMALL_UM2 = 1.5e5, 2.6, 24.0

LENS_PX = 0.55
"""Sigma of what lens and camera make of a point, in pixels of the scan, which are chosen to fit it."""


def white_point(random: Random) -> Colour:
    """Empty glass of one slide: a warm white, 0 to 255."""
    level = random.uniform(236, 245)
    return (level - random.uniform(6, 11), level - random.uniform(0.5, 2.5), level)


def stain_density(section: Laid, pixel_size_um: float, random: Random) -> Plane:
    """How dense the stain is, (rows, columns) float32: layers, single cells, neuropil; 0 where there is no tissue."""
    density = np.zeros(section.edge.shape, np.float32)
    left, top, width, height = cv2.boundingRect((section.edge > 0).astype(np.uint8))
    box = np.s_[top : top + height, left : left + width]
    if width:  # a scene may show no section
        density[box] = _density(section.nuclei[box], section.fibres[box], section.glow[box], pixel_size_um, random)
    return density


def _density(nuclei: Plane, fibres: Plane, glow: Plane, pixel_size_um: float, random: Random) -> Plane:
    # What the nuclei shine between the cells is no stain, and glia among fibres are few and small.
    crowding = np.maximum(nuclei - 0.33, 0) * np.float32(1 / 0.67)
    white = step(fibres, 1.05, 1.6)
    granular = step(nuclei, 1.2, 1.9)
    neurons = crowding * (1 - 0.85 * white) * (1 - 0.7 * granular)
    small = crowding * (1 - 0.35 * white) * (1 + 7.0 * granular)
    density = NEUROPIL * step(glow, 0.06, 0.30) * (1 - 0.45 * white) * (0.85 + 0.3 * np.minimum(crowding, 1.5))
    area_um2 = pixel_size_um**2
    for crowd, per_mm3, sigma_um, cell_um2 in (
        (neurons, NEURONS_PER_MM3, NEURON_SIGMA_UM, NEURON_UM2),
        (small, SMALL_PER_MM3, SMALL_SIGMA_UM, SMALL_UM2),
    ):
        cells = _scattered(crowd * np.float32(per_mm3 * SECTION_UM * 1e-9 * area_um2), random)
        sigma_px = float(np.hypot(sigma_um / pixel_size_um, LENS_PX))
        density += cv2.GaussianBlur(cells, (0, 0), sigma_px) * np.float32(cell_um2 / area_um2)
    return np.asarray(density, np.float32)


def _scattered(expected: Plane, random: Random) -> Plane:
    """How many cells each pixel holds where so many are expected; float32, as no two take the stain alike."""
    counts = np.zeros(expected.shape, np.float32)
    there = expected > 1e-4  # most of a scene is glass, and this is the slowest step
    found = random.poisson(expected[there]).astype(np.float32)
    counts[there] = found * random.uniform(0.6, 1.4, len(found)).astype(np.float32)
    return counts


def photographed_in_colour(
    density: Plane, section: Laid, *, glass: Glass, white: Colour, strength: float, random: Random
) -> ColourPicture:
    """What the camera gives: (rows, columns, 3) uint8, blue first.

    density : of the stain. white : of empty glass. strength : how well the section took the stain, about 1.
    """
    stain = _on_glass(density * section.edge, glass.parts, strength, random)
    dirt, amber = _dark(glass.parts, density.shape)
    # The scanner evens the lamp out; a fifth of what it sees without is left, and more by a worse one.
    light = glass.light**glass.difficulty.lamp_left * (1 - glass.difficulty.haze_in_colour * (glass.haze - 1))
    hue = random.normal(0, 0.03)
    picture = np.empty((*density.shape, 3), np.uint8)
    for number, level in enumerate(white):
        taken = stain * (THIONIN[number] * (1 + hue * (number - 1)))
        taken += dirt * DUST[number]
        taken += amber * AMBER[number]
        counts = (level * light) * np.exp(-taken)
        # Some 30,000 electrons make full white.
        counts += random.standard_normal(density.shape, dtype=np.float32) * np.sqrt(counts * np.float32(0.008))
        picture[..., number] = np.clip(counts + 0.5, 0, 255)
    return picture


def _on_glass(density: Plane, dirt: Dirt, strength: float, random: Random) -> Plane:
    """The stain as it came out: patchy, torn, folded, and that of the next section."""
    rows, columns = (max(8, round(size * dirt.step_mm / 0.3)) for size in dirt.torn.shape)
    # A dish stains one side of a section better than the other.
    patches = np.exp(np.float32(0.06) * smooth((rows, columns), 8, random))
    torn = np.clip((dirt.torn - 0.15) / 0.85, 0, 1)
    left = cv2.GaussianBlur(torn, (0, 0), max(0.4, 0.008 / dirt.step_mm))
    if random.random() < 0.2:
        left *= 1 + _fold(left.shape, dirt.step_mm, random)
    shape = density.shape
    stain = density * enlarged(left, shape) * enlarged(strength * patches, shape)
    return np.asarray(stain + enlarged(0.45 * dirt.neighbour, shape), np.float32)


def _fold(shape: tuple[int, int], step_mm: float, random: Random) -> Plane:
    """1 where the section lies double: a narrow crease; pixels of `step_mm`."""
    turns = random.uniform(0, 2 * np.pi) + np.cumsum(random.normal(0, 0.1, 30))
    along = np.stack([np.cos(turns), np.sin(turns)], axis=1) * (0.08 / step_mm)
    start = np.array(shape[::-1]) / 2 + random.uniform(-2.5, 2.5, 2) / step_mm
    line = np.round(start + np.cumsum(along, axis=0)).astype(int).tolist()
    page = np.zeros(shape, np.uint8)
    for piece, (one, other) in enumerate(pairwise(line), start=1):
        # It begins and ends in a point.
        width_mm = 0.09 * math.sin(math.pi * piece / len(line))
        cv2.line(page, one, other, 255, max(1, round(width_mm / step_mm)), cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(page, (0, 0), max(0.5, 0.01 / step_mm)) / np.float32(255), np.float32)


def _dark(dirt: Dirt, shape: tuple[int, ...]) -> tuple[Plane, Plane]:
    """Densities of dust, hairs and the rims of bubbles, and of the amber of old glue."""
    specks = cv2.GaussianBlur(np.minimum(dirt.dust * 0.35, 1.6), (0, 0), 0.012 / dirt.step_mm)
    # A rim bends the light away, and some of it to just inside.
    sigma_px = max(0.5, 0.02 / dirt.step_mm)
    rims, inside = (cv2.GaussianBlur(plane, (0, 0), sigma_px) for plane in (dirt.rims, 1 - dirt.inside))
    return enlarged(specks + 0.9 * rims - 0.1 * inside, shape), enlarged(0.35 * dirt.glue, shape)
