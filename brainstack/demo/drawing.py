"""Curves and surfaces of the made-up brain, put on a grid of pixels. Lengths are millimetres, y points down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.interpolate import make_interp_spline

Plane = npt.NDArray[np.floating[Any]]
Points = npt.NDArray[np.float64]

SUBPIXEL_BITS = 4


@dataclass(frozen=True)
class Grid:
    """The pixels a section is modelled on. The brain's middle is the grid's."""

    rows: int
    columns: int
    pixel_mm: float

    def axes(self) -> tuple[Plane, Plane]:
        """x as (1, columns) and y as (rows, 1), millimetres, float32."""
        x = (np.arange(self.columns, dtype=np.float32) - (self.columns - 1) / 2) * self.pixel_mm
        y = (np.arange(self.rows, dtype=np.float32) - (self.rows - 1) / 2) * self.pixel_mm
        return x[np.newaxis, :].astype(np.float32), y[:, np.newaxis].astype(np.float32)

    def filled(self, outline_mm: Points) -> Plane:
        """1 inside the closed outline (count, 2), 0 outside, in between on its edge; float32."""
        page = np.zeros((self.rows, self.columns), np.uint8)
        cv2.fillPoly(page, [self._pixels(outline_mm)], 255, cv2.LINE_AA, SUBPIXEL_BITS)
        return np.asarray(page / np.float32(255), np.float32)

    def softened(self, plane: Plane, sigma_mm: float) -> Plane:
        """The plane through a Gaussian of this sigma."""
        return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma_mm / self.pixel_mm), np.float32)

    def stroked(self, line_mm: Points, width_mm: float) -> Plane:
        """A band about 1 along the line (count, 2) that fades over `width_mm` (twice the sigma); float32."""
        page = np.zeros((self.rows, self.columns), np.uint8)
        width_px = width_mm / self.pixel_mm
        thick = max(1, round(width_px))
        cv2.polylines(page, [self._pixels(line_mm)], False, 255, thick, cv2.LINE_AA, SUBPIXEL_BITS)
        band = cv2.GaussianBlur(page, (0, 0), max(0.6, width_px / 4))
        return np.asarray(band / np.float32(255), np.float32)

    def dots(self, spots_mm: npt.NDArray[np.float64]) -> Plane:
        """1 inside each spot (count, 3) of x, y and radius, 0 elsewhere; float32."""
        page = np.zeros((self.rows, self.columns), np.uint8)
        scale = 2**SUBPIXEL_BITS
        centres = self._pixels(spots_mm[:, :2])
        for (x, y), radius_mm in zip(centres.tolist(), spots_mm[:, 2], strict=True):
            radius = round(radius_mm / self.pixel_mm * scale)
            cv2.circle(page, (x, y), radius, 255, -1, cv2.LINE_AA, SUBPIXEL_BITS)
        return np.asarray(page / np.float32(255), np.float32)

    def _pixels(self, points_mm: Points) -> npt.NDArray[np.int32]:
        middle = np.array([(self.columns - 1) / 2, (self.rows - 1) / 2])
        return np.asarray(np.round((points_mm / self.pixel_mm + middle) * 2**SUBPIXEL_BITS), np.int32)


def ellipsoid_depth(x: Plane, y: Plane, z: float, *, middle: tuple[float, ...], radii: tuple[float, ...]) -> Plane:
    """How far inside the ellipsoid, in millimetres, negative outside; right near its surface.

    middle, radii : x, y, z. After Inigo Quilez, "Ellipsoid - distance" (2008).
    """
    across, down, along = (x - middle[0]) / radii[0], (y - middle[1]) / radii[1], (z - middle[2]) / radii[2]
    reach = np.sqrt(across**2 + down**2 + along**2)
    slope = np.sqrt((across / radii[0]) ** 2 + (down / radii[1]) ** 2 + (along / radii[2]) ** 2)
    return np.asarray(reach * (1 - reach) / np.maximum(slope, 1e-6), np.float32)


def joined(one: Plane, other: Plane, blend_mm: float) -> Plane:
    """The depth in the union of two bodies, with the crease between them filled over `blend_mm`."""
    near = np.maximum(blend_mm - np.abs(one - other), 0) / blend_mm
    return np.asarray(np.maximum(one, other) + near * near * (blend_mm / 4), np.float32)


def step(values: Plane | float, start: float, end: float) -> Plane:
    """0 up to `start`, 1 from `end`, smooth between them; `end` may be the smaller one."""
    share = np.clip((np.asarray(values, np.float32) - start) / (end - start), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def smooth_line(corners: npt.ArrayLike, *, closed: bool = False) -> Points:
    """A smooth curve through the corners (count, 2), as 200 points; back to the first one where `closed`."""
    points = np.asarray(corners, np.float64)
    if closed:
        points = np.vstack([points, points[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    spline = make_interp_spline(along, points, k=3, bc_type="periodic" if closed else "natural")
    return np.asarray(spline(np.linspace(0, along[-1], 200)), np.float64)


def mirrored(points: Points) -> Points:
    """The same curve on the other side of the midline."""
    return np.asarray(points * np.array([-1.0, 1.0]))


def distance_mm(outside: npt.NDArray[np.bool_], grid: Grid) -> Plane:
    """How far each pixel is from where `outside` is False, in millimetres; float32."""
    steps = cv2.distanceTransform(outside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(steps * grid.pixel_mm, np.float32)


def mixed(below: Plane, above: Plane | float, share: Plane) -> Plane:
    """`above` painted over `below`, by a share of 0 to 1."""
    return np.asarray(below + (above - below) * share, np.float32)


def looked_up(values: Plane, table: tuple[tuple[float, ...], tuple[float, ...]]) -> Plane:
    """The table (places, heights) at values of 0 to 1, with straight lines between its places; float32."""
    heights = np.interp(np.linspace(0, 1, 1025), *table).astype(np.float32)
    return np.asarray(heights[(np.clip(values, 0, 1) * 1024).astype(np.int32)], np.float32)
