"""Seeded texture that goes on from section to section: smooth noise in three dimensions, made a plane at a time."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np

from brainstack.demo.drawing import Plane


@dataclass(frozen=True)
class SmoothNoise:
    """Gaussian noise of mean 0 and standard deviation 1, whose blobs have the size `sigma_um`.

    extent_um : (width, height) of the plane. sigma_z_um : how far a blob reaches along z.
    name : makes this noise another one than that of the same seed with another name.
    """

    seed: int
    name: str
    extent_um: tuple[float, float]
    sigma_um: float
    sigma_z_um: float

    def at(self, z_um: float, shape: tuple[int, int]) -> Plane:
        """The plane at `z_um`, resampled to (rows, columns) `shape`; float32."""
        step_um = self.sigma_z_um
        nearest = round(z_um / step_um)
        numbers = range(nearest - 3, nearest + 4)
        weights = np.array([np.exp(-0.5 * ((z_um - number * step_um) / self.sigma_z_um) ** 2) for number in numbers])
        weights /= np.sqrt((weights**2).sum())
        small = sum(np.float32(weight) * self._sheet(number) for weight, number in zip(weights, numbers, strict=True))
        rows, columns = shape
        return np.asarray(cv2.resize(np.asarray(small), (columns, rows), interpolation=cv2.INTER_CUBIC), np.float32)

    def _sheet(self, number: int) -> Plane:
        return _sheet(self.seed, self.name, number, self._sheet_shape())

    def _sheet_shape(self) -> tuple[int, int]:
        width_um, height_um = self.extent_um
        # Two pixels a sigma hold a Gaussian blob without loss.
        return max(4, round(2 * height_um / self.sigma_um)), max(4, round(2 * width_um / self.sigma_um))


@functools.lru_cache(maxsize=256)
def _sheet(seed: int, name: str, number: int, shape: tuple[int, int]) -> Plane:
    # Numbers may be negative, seeds may not: 2**20 sheets lie before the first section.
    random = np.random.default_rng([seed, number + 2**20, *name.encode()])
    white = random.standard_normal(shape, dtype=np.float32)
    blurred = cv2.GaussianBlur(white, (0, 0), 2.0, borderType=cv2.BORDER_REFLECT)
    # A Gaussian of sigma 2 px leaves 1 / (2 sqrt(pi) 2) of the standard deviation.
    return np.asarray(blurred * np.float32(4 * np.sqrt(np.pi)), np.float32)
