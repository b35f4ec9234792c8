"""The parts of the made-up brain: where they lie, and how brightly they shine in each channel.

Seen from the front: x to the right, y down, z towards the back, millimetres from the middle of the brain. Nothing is
drawn section by section: every part is a function of all three, so that neighbours resemble each other as true
neighbours do. Curves are those of the right half; the left one mirrors it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from brainstack.demo.drawing import (
    Grid,
    Plane,
    Points,
    distance_mm,
    ellipsoid_depth,
    joined,
    looked_up,
    mirrored,
    mixed,
    smooth_line,
    step,
)

NoiseAt = Callable[[str, float], Plane]
"""Smooth noise by name and by the size of its blobs in millimetres."""

# The cortex from its surface (0) to the white matter (1), light of the cells' nuclei: layer 1 is nearly empty, layers 2
# and 4 are packed, layer 5 is loose.
CORTEX_NUCLEI = (
    (0.0, 0.10, 0.14, 0.22, 0.34, 0.40, 0.50, 0.56, 0.68, 0.76, 0.92, 1.0),
    (0.40, 0.44, 1.20, 0.95, 0.90, 1.20, 1.16, 0.72, 0.70, 0.98, 0.92, 0.60),
)
# The olfactory cortex, below: one packed layer.
OLFACTORY_NUCLEI = (
    (0.0, 0.13, 0.17, 0.24, 0.30, 0.45, 1.0),
    (0.38, 0.42, 1.60, 1.60, 0.85, 0.75, 0.75),
)
LEAF_MM = 0.6
# From the surface of a leaf of the cerebellum to its middle: few cells, then very many, then fibres.
CEREBELLUM_NUCLEI = (
    (0.0, 0.36, 0.42, 0.76, 0.84, 1.0),
    (0.40, 0.45, 1.70, 1.60, 0.50, 0.48),
)
# Fibres: a web below the surface, few above, more and more towards the white matter.
CORTEX_FIBRES = (
    (0.0, 0.05, 0.12, 0.40, 0.52, 0.62, 0.80, 1.0),
    (0.75, 0.70, 0.45, 0.55, 0.85, 0.75, 1.00, 1.50),
)

WHITE_MATTER = (
    *((0.0, -1.95), (0.7, -2.12), (1.6, -2.3), (2.7, -2.05)),
    *((3.55, -1.3), (3.95, -0.2), (3.95, 0.9), (3.5, 1.8)),
)
BASE = ((2.5, 2.5), (2.2, 3.2), (1.6, 4.2))
DENTATE = ((1.75, -1.42), (1.2, -1.5), (0.65, -1.38), (0.38, -1.12), (0.62, -0.92), (1.15, -0.88), (1.7, -0.82))
AMMON = (
    *((1.2, -1.16), (1.75, -1.1), (2.25, -0.86), (2.72, -0.78), (2.98, -1.05)),
    *((2.78, -1.48), (2.2, -1.82), (1.45, -1.95), (0.75, -1.86), (0.35, -1.7)),
)
HIPPOCAMPUS = (
    *((0.16, -1.72), (0.8, -1.98), (1.6, -2.12), (2.5, -1.9), (3.15, -1.3)),
    *((3.1, -0.65), (2.5, -0.5), (1.4, -0.55), (0.4, -0.75)),
)
LATERAL_VENTRICLE = ((3.0, -1.6), (3.38, -1.15), (3.5, -0.55), (3.32, -0.3), (3.24, -0.8), (3.0, -1.25))
FIMBRIA = ((2.5, -0.5), (2.95, -0.55), (3.26, -0.3), (3.05, -0.05), (2.7, -0.2))
CAPSULE = ((3.45, -0.1), (3.1, 0.5), (2.65, 1.1), (2.25, 1.75), (1.95, 2.4))
OPTIC_TRACT = ((2.55, 2.3), (2.2, 2.75), (1.75, 3.05))
HABENULA = ((0.2, -0.62), (0.45, -0.7), (0.6, -0.5), (0.45, -0.25), (0.22, -0.28))
AMYGDALA = ((2.9, 1.25), (3.4, 1.5), (3.3, 2.2), (2.9, 2.35), (2.6, 1.8))
UPPER_THIRD_VENTRICLE = ((0.0, -0.75), (0.14, -0.6), (0.12, -0.3), (0.0, 0.05), (-0.12, -0.3), (-0.14, -0.6))
LOWER_THIRD_VENTRICLE = (
    (0.0, 1.5),
    (0.07, 1.75),
    (0.04, 2.4),
    (0.06, 3.0),
    (0.0, 3.15),
    (-0.06, 3.0),
    (-0.04, 2.4),
    (-0.07, 1.75),
)
# Bundles of fibres that run along the brain: x, y and radius.
BUNDLES = ((0.75, 0.9, 0.13), (0.45, 2.1, 0.13), (0.36, 0.25, 0.08), (1.25, 2.55, 0.16))


@dataclass(frozen=True)
class Slice:
    """A section as it would shine on perfect glass; all planes (rows, columns) float32.

    depth_mm : how far inside the tissue, ventricles included; negative outside. nuclei, fibres, glow : light of the
    three channels where there is tissue, about 1; `glow` is what shines beside the bright cells.
    """

    depth_mm: Plane
    nuclei: Plane
    fibres: Plane
    glow: Plane


def cut(grid: Grid, z_mm: float, noise: NoiseAt) -> Slice:
    """The section at `z_mm` from the middle of the brain, positive towards the back; a mirror image of itself."""
    parts = _Parts(grid, z_mm)
    light = 1.0 - 0.93 * parts.hollow
    glow = (0.45 + 0.06 * noise("glow", 0.5)) * light + 0.1 * parts.white
    return Slice(
        depth_mm=parts.depth,
        nuclei=_nuclei(parts, noise) * light,
        fibres=_fibres(parts, noise) * light,
        glow=np.asarray(glow, np.float32),
    )


class _Parts:
    """Where the parts of one section lie: planes of 0 to 1."""

    def __init__(self, grid: Grid, z_mm: float) -> None:
        self.grid, self.z = grid, z_mm
        self.x, self.y = grid.axes()
        # All curves shrink towards the ends as the brain does.
        self.scale = float(np.sqrt(max(1 - ((z_mm + 0.2) / 5.0) ** 2, 0.12)))
        self.depth = _depth(self.x, self.y, z_mm)
        growth = float(np.clip(0.9 + 0.3 * z_mm, 0.5, 1.3))
        # Bulbs, cerebellum and medulla have neither ventricles of this kind nor a hippocampus.
        forebrain = float(step(z_mm, -3.6, -2.8) * step(z_mm, 3.4, 2.8))
        there = forebrain * float(step(z_mm, -1.6, -1.0))
        self.hippocampus = there * self._both(HIPPOCAMPUS, about=(0.1, -1.9), size=growth)
        self.dentate = there * self._lines(DENTATE, 0.10, about=(0.1, -1.9), size=growth)
        self.ammon = there * self._lines(AMMON, 0.075, about=(0.1, -1.9), size=growth)
        self.inside = self._inside()
        self.cortex_share = self._cortex_share()
        self.white = self._lines(WHITE_MATTER, 0.26) * (1 - self.hippocampus)
        cerebellum = _cerebellum_depth(self.x, self.y, z_mm)
        self.cerebellum = step(cerebellum, -0.02, 0.02)
        self.leaves = _leaves(self.x, self.y, cerebellum) / (LEAF_MM / 2)
        self.fimbria = grid.softened(there * self._both(FIMBRIA), 0.02)
        self.capsule = self._lines(CAPSULE, 0.42)
        # Kernels of cells have no sharp border.
        self.habenula = forebrain * grid.softened(self._both(HABENULA), 0.03)
        self.amygdala = forebrain * grid.softened(self._both(AMYGDALA), 0.1)
        self.hollow, self.lining = (forebrain * plane for plane in self._ventricles())

    def _ventricles(self) -> tuple[Plane, Plane]:
        opened = float(np.clip(1.0 - 0.35 * self.z, 0.3, 1.6))
        lateral = self._curve(LATERAL_VENTRICLE, about=(3.2, -0.9), size=opened)
        outlines = [lateral, mirrored(lateral), self._curve(UPPER_THIRD_VENTRICLE), self._curve(LOWER_THIRD_VENTRICLE)]
        hollow = self._most(self.grid.filled(outline) for outline in outlines)
        lining = self._most(self.grid.stroked(outline, 0.05) for outline in outlines)
        return hollow, lining * (1 - hollow)

    def _inside(self) -> Plane:
        """What the white matter encloses: thalamus, striatum, hypothalamus."""
        half = np.vstack([smooth_line(WHITE_MATTER), BASE]) * self.scale
        return self.grid.filled(np.vstack([half, mirrored(half)[::-1]]))

    def _cortex_share(self) -> Plane:
        """From 0 at the surface of the cortex to 1 at the white matter."""
        to_white = distance_mm(self.inside < 0.5, self.grid)
        outer = np.maximum(self.depth, 0)
        return np.asarray(outer / np.maximum(outer + to_white, 1e-3), np.float32)

    def bundles(self) -> Plane:
        """Fibres that run along the brain."""
        spots = np.array(BUNDLES) * self.scale
        return self.grid.softened(self.grid.dots(np.vstack([spots, spots * (-1, 1, 1)])), 0.03)

    def optic_tract(self) -> Plane:
        return self._lines(OPTIC_TRACT, 0.3)

    def _curve(self, corners: npt.ArrayLike, *, about: tuple[float, float] = (0, 0), size: float = 1.0) -> Points:
        middle = np.array(about)
        return smooth_line((np.asarray(corners) - middle) * size + middle, closed=True) * self.scale

    def _both(self, corners: npt.ArrayLike, *, about: tuple[float, float] = (0, 0), size: float = 1.0) -> Plane:
        outline = self._curve(corners, about=about, size=size)
        return self._most(self.grid.filled(side) for side in (outline, mirrored(outline)))

    def _lines(
        self, corners: npt.ArrayLike, width_mm: float, *, about: tuple[float, float] = (0, 0), size: float = 1.0
    ) -> Plane:
        middle = np.array(about)
        line = smooth_line((np.asarray(corners) - middle) * size + middle) * self.scale
        return self._most(self.grid.stroked(side, width_mm) for side in (line, mirrored(line)))

    def _most(self, planes: Iterable[Plane]) -> Plane:
        return np.asarray(np.maximum.reduce(list(planes)), np.float32)


def _depth(x: Plane, y: Plane, z: float) -> Plane:
    """How far inside the brain, in millimetres: two hemispheres with their fissure, temporal lobes, the base."""
    roof = ellipsoid_depth(x, y, z, middle=(0, -0.35, -0.2), radii=(5.15, 3.3, 5.0))
    lobes = _pair(x, y, z, middle=(3.3, 1.1, 0.2), radii=(1.9, 2.2, 3.4))
    base = ellipsoid_depth(x, y, z, middle=(0, 1.3, 0.6), radii=(2.3, 2.3, 6.0))
    bulbs = _pair(x, y, z, middle=(0.95, 0.5, -4.6), radii=(0.9, 1.2, 1.6))
    body = joined(joined(joined(roof, lobes, 0.5), base, 0.3), bulbs, 0.3)
    gap = 0.015 + 0.11 * step(y, -3.0, -3.9)
    fissure = np.hypot(x, np.maximum(y + 2.1, 0)) - gap
    # The fissure ends where the cerebellum begins.
    return joined(np.minimum(body, fissure), _cerebellum_depth(x, y, z), 0.1)


def _pair(x: Plane, y: Plane, z: float, *, middle: tuple[float, ...], radii: tuple[float, ...]) -> Plane:
    right = ellipsoid_depth(x, y, z, middle=middle, radii=radii)
    left = ellipsoid_depth(x, y, z, middle=(-middle[0], *middle[1:]), radii=radii)
    return np.asarray(np.maximum(right, left), np.float32)


def _cerebellum_depth(x: Plane, y: Plane, z: float) -> Plane:
    return ellipsoid_depth(x, y, z, middle=(0, -0.9, 4.4), radii=(3.6, 2.2, 1.7))


def _leaves(x: Plane, y: Plane, depth: Plane) -> Plane:
    """How far below the folded surface of the cerebellum, in millimetres; its leaves lie one above the other."""
    across = (y + 0.14 * x**2 + 0.07 * np.sin(4 * x)) / LEAF_MM
    aside = LEAF_MM * np.abs(across - np.round(across))
    # Fissures end before the middle, where the leaves hang together.
    return np.asarray(np.minimum(depth, np.hypot(aside, np.maximum(1.1 - np.abs(x), 0) * 0.25)), np.float32)


def _nuclei(parts: _Parts, noise: NoiseAt) -> Plane:
    patches = 1 + 0.05 * noise("cells", 0.12) + 0.06 * noise("groups", 0.3)
    olfactory = step(parts.y, 0.9, 1.5)
    cortex = looked_up(parts.cortex_share, CORTEX_NUCLEI) * (1 - olfactory)
    cortex += looked_up(parts.cortex_share, OLFACTORY_NUCLEI) * olfactory
    deep = 0.72 + 0.09 * np.tanh(2 * noise("kernels", 0.45)) + 0.05 * noise("deep", 0.15)
    light: Plane = (cortex * (1 - parts.inside) + deep * parts.inside) * patches
    light = mixed(light, 0.85 * patches, parts.amygdala)
    light = mixed(light, 0.50 * patches, parts.hippocampus)
    for fibres in (parts.white, parts.capsule * 0.6, parts.fimbria, parts.optic_tract()):
        light = mixed(light, 0.5 * patches, fibres)
    light = mixed(light, 1.3 * patches, parts.habenula)
    light = mixed(light, looked_up(parts.leaves, CEREBELLUM_NUCLEI) * patches, parts.cerebellum)
    surface = np.exp(-((parts.depth / 0.03) ** 2)) * step(noise("pia", 0.6), 0.0, 1.5)
    return np.asarray(light + 1.1 * parts.ammon + 1.7 * parts.dentate + 0.5 * parts.lining + 0.7 * surface, np.float32)


def _fibres(parts: _Parts, noise: NoiseAt) -> Plane:
    threads = noise("threads", 0.05)
    cortex = looked_up(parts.cortex_share, CORTEX_FIBRES)
    deep = 0.80 + 0.10 * noise("fibres", 0.5) + 0.06 * threads
    light: Plane = cortex * (1 - parts.inside) + deep * parts.inside
    light *= 1 + 0.06 * threads
    light = mixed(light, 0.55 * (1 + 0.08 * threads), parts.hippocampus)
    light = light - 0.25 * np.maximum(parts.ammon, parts.dentate)
    light = mixed(light, 1.7 + 0.12 * threads, parts.white)
    light = mixed(light, 1.4 + 0.35 * threads, 0.7 * parts.capsule)
    for part, level in ((parts.fimbria, 1.9), (parts.bundles(), 1.6), (parts.optic_tract(), 2.0)):
        light = mixed(light, level + 0.1 * threads, part)
    light = mixed(light, 0.5 + 1.1 * step(parts.leaves, 0.75, 1.0), parts.cerebellum)
    return np.asarray(np.maximum(light, 0.1), np.float32)
