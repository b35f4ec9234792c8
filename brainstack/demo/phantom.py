"""One made-up mouse: its brain, no two halves alike, and its bright cells."""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np
import numpy.typing as npt

from brainstack.demo.anatomy import Slice, cut
from brainstack.demo.drawing import Grid, Plane
from brainstack.demo.noise import SmoothNoise

CANVAS_MM = (15.0, 10.0)
"""Width and height that hold the largest section, turned by 30 degrees and shifted."""

LENGTH_MM = 11.0
"""How long a stack of sections may be; it is cut from the middle of the brain."""

Cells = npt.NDArray[np.float64]

# Where the bright cells lie (middle and spread, x, y, z in millimetres) and how many there are to a cubic millimetre of
# the spread's box: an injection into one side of the cortex, what it reached in the thalamus, and some everywhere.
CELL_GROUPS = (
    ((-3.2, -2.3, 0.1), (0.55, 0.3, 0.5), 2500.0),
    ((1.3, 0.6, 0.2), (0.4, 0.35, 0.6), 1200.0),
    ((3.9, 1.7, -0.2), (0.3, 0.4, 0.6), 900.0),
    ((0.0, 0.0, 0.0), (3.2, 2.2, 2.6), 12.0),
)

VESSELS_PER_MM3 = 5.0
"""How many are cut by a slab of a millimetre; a section shows some hundreds."""


@dataclass(frozen=True)
class Phantom:
    """One made-up animal. seed : which one. grid : what its sections are modelled on."""

    seed: int
    grid: Grid

    def slice(self, z_mm: float) -> Slice:
        """The section at `z_mm` from the middle of the brain, positive towards the back."""
        straight = cut(self.grid, z_mm, lambda name, size_mm: self._noise(name, size_mm, z_mm))
        from_x, from_y = self._bend(z_mm)
        bent = {
            field.name: cv2.remap(
                getattr(straight, field.name), from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
            for field in fields(Slice)
        }
        light = 1 - 0.6 * self._vessels(z_mm)
        return Slice(bent["depth_mm"], *(bent[name] * light for name in ("nuclei", "fibres", "glow")))

    def cells_in(self, piece: Slice, z_mm: float, thickness_mm: float) -> Cells:
        """The bright cells that a section of this thickness shows: (count, 3) as (x, y, z) from the brain's middle."""
        cells = self._cells_mm()
        cells = cells[(z_mm - thickness_mm / 2 <= cells[:, 2]) & (cells[:, 2] < z_mm + thickness_mm / 2)]
        middle = np.array([(self.grid.columns - 1) / 2, (self.grid.rows - 1) / 2])
        columns, rows = np.round(cells[:, :2] / self.grid.pixel_mm + middle).astype(int).T
        on_grid = (columns >= 0) & (columns < self.grid.columns) & (rows >= 0) & (rows < self.grid.rows)
        cells, columns, rows = cells[on_grid], columns[on_grid], rows[on_grid]
        # Not in a ventricle, and not where half a cell would hang out.
        return np.asarray(cells[(piece.depth_mm[rows, columns] > 0.05) & (piece.glow[rows, columns] > 0.2)])

    def _cells_mm(self) -> Cells:
        """All of them, in the order they were made; some lie outside the brain."""
        random = np.random.default_rng([self.seed, 7])
        groups = []
        for middle, spread, per_mm3 in CELL_GROUPS:
            count = random.poisson(per_mm3 * 8 * np.prod(spread))
            groups.append(random.normal(middle, spread, (count, 3)))
        return np.vstack(groups)

    def _vessels(self, z_mm: float) -> Plane:
        """Blood vessels cut across: small dark holes that wander from section to section."""
        random = np.random.default_rng([self.seed, 8])
        count = round(VESSELS_PER_MM3 * CANVAS_MM[0] * CANVAS_MM[1] * LENGTH_MM)
        places = random.uniform(-0.5, 0.5, (count, 3)) * (*CANVAS_MM, LENGTH_MM)
        slopes = random.normal(0, 0.4, (count, 2))
        radii_mm = random.lognormal(-3.9, 0.35, count)
        lengths_mm = random.uniform(0.2, 0.8, count)
        past = z_mm - places[:, 2]
        cut_here = np.abs(past) < lengths_mm / 2
        centres = places[cut_here, :2] + slopes[cut_here] * past[cut_here, np.newaxis]
        # They end in a point.
        taper = np.sqrt(1 - (2 * past[cut_here] / lengths_mm[cut_here]) ** 2)
        return self.grid.dots(np.column_stack([centres, radii_mm[cut_here] * taper]))

    def _bend(self, z_mm: float) -> tuple[Plane, Plane]:
        """The pixel (columns, rows) each one is taken from: no brain is its own mirror image."""
        x, y = self.grid.axes()
        # The left hemisphere is the larger one, and the head is held 2 degrees askew.
        from_x = x * (1.0 + 0.02 * np.tanh(x)) + 0.035 * y + 0.12 * self._noise("bend x", 1.3, z_mm)
        from_y = y - 0.035 * x + 0.12 * self._noise("bend y", 1.3, z_mm)
        columns = from_x / self.grid.pixel_mm + (self.grid.columns - 1) / 2
        rows = from_y / self.grid.pixel_mm + (self.grid.rows - 1) / 2
        return np.asarray(columns, np.float32), np.asarray(rows, np.float32)

    def _noise(self, name: str, size_mm: float, z_mm: float) -> Plane:
        extent_um = (self.grid.columns * self.grid.pixel_mm * 1000, self.grid.rows * self.grid.pixel_mm * 1000)
        noise = SmoothNoise(self.seed, name, extent_um, sigma_um=size_mm * 1000, sigma_z_um=size_mm * 1000)
        return noise.at(z_mm * 1000, (self.grid.rows, self.grid.columns))
