"""A made-up stained section in bright field, for tests: what is tissue on it is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

CREAM = (243, 238, 224)
"""The colour of the glass in the middle of its light: red, green, blue."""
VIOLET = (0.75, 1.0, 0.35)
"""How much of red, green and blue the stain takes, against green."""
PIXEL_UM = 20.0


@dataclass(frozen=True)
class Stained:
    """image : (rows, columns, 3) uint8. truth : (rows, columns) bool, the tissue with the ventricles that it encloses.
    bay : the ventricle that is open to the glass, and no tissue."""

    image: NDArray[np.uint8]
    truth: NDArray[np.bool_]
    bay: NDArray[np.bool_]


def stained(
    *,
    depth: float = 0.5,
    glass: tuple[int, int, int] = CREAM,
    stain: tuple[float, float, float] = VIOLET,
    shadow: NDArray[np.float32] | None = None,
    uneven: float = 0.1,
    turn_rad: float = 0.0,
    shift_um: tuple[float, float] = (0.0, 0.0),
    shape: tuple[int, int] = (320, 420),
    dirt: bool = True,
    seed: int = 0,
) -> Stained:
    """An oval of 5.6 x 4 mm with layers, an enclosed ventricle, one open to the glass, and dust and a hair beside it.

    depth : optical density of the stain, 0.05 is hardly seen. stain : how much each colour takes of it. shadow :
    (rows, columns), optical density of more dirt. uneven : share of light that is lost at the corners.
    turn_rad, shift_um : how it lies, about the middle of the picture, positive from x to y; shift as (x, y).
    """
    random = np.random.default_rng(seed)
    rows, columns = shape
    y_um, x_um = ((np.indices(shape) - np.array([(rows - 1) / 2, (columns - 1) / 2])[:, None, None]) * PIXEL_UM).astype(
        np.float32
    )
    moved_x, moved_y = x_um - shift_um[0], y_um - shift_um[1]
    cos, sin = math.cos(turn_rad), math.sin(turn_rad)
    across, down = cos * moved_x + sin * moved_y, cos * moved_y - sin * moved_x  # on the section itself
    out = np.hypot(across / 2800, down / 2000)
    bay = (out < 1) & (np.abs(across - 300) < 180) & (down > 900)
    ventricle = np.hypot((across + 900) / 250, (down - 300) / 500) < 1
    tissue = (out < 1) & ~bay
    layers = 0.75 + 0.25 * np.cos(9 * out) + 0.3 * np.exp(-(((across - 1200) / 300) ** 2 + ((down + 500) / 500) ** 2))
    layers = np.where(out > 0.93, 0.4, layers)  # layer 1 has few cells
    density = np.where(tissue & ~ventricle, depth * layers, 0).astype(np.float32)
    density *= 1 + 0.25 * random.standard_normal(shape, dtype=np.float32)  # cells
    density = np.maximum(cv2.GaussianBlur(density, (0, 0), 0.7), 0)
    shadow = np.zeros(shape, np.float32) if shadow is None else shadow.copy()
    if dirt:
        for _ in range(12):
            at = (int(random.integers(columns)), int(random.integers(rows)))
            cv2.circle(shadow, at, int(random.integers(1, 3)), float(random.uniform(0.3, 1.5)), -1)
        cv2.line(shadow, (columns // 20, rows // 3), (columns // 3, rows // 20), 0.6, 2)
    light = 1 - uneven * ((x_um / x_um.max()) ** 2 + (y_um / y_um.max()) ** 2) / 2 + 0.03 * x_um / x_um.max()
    colours = [level * light * 10 ** -(share * density + shadow) for level, share in zip(glass, stain, strict=True)]
    image = np.stack(colours, axis=-1) + random.normal(0, 2, (*shape, 3))
    return Stained(np.rint(np.clip(image, 0, 255)).astype(np.uint8), tissue | ventricle, bay)
