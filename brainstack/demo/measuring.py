"""How near a result comes to the made-up animal's truth."""

from __future__ import annotations

import numpy as np

from brainstack.demo.truth import Truth
from brainstack.geometry import Matrix, inverse, points, scaled


def pair_error_px(truth: Truth, fixed: str, moving: str, found: Matrix) -> float:
    """Mean distance, over the tissue of the fixed section, between where a pixel is put and where it belongs.

    found : (3, 3), takes a point of the fixed section's thumbnail to the moving section's, as scanned. Returns
    thumbnail pixels.
    """
    true = scaled(truth.pair_matrix(fixed, moving), 1 / truth.thumbnail_factor)
    tissue = np.argwhere(truth.mask(fixed))[:, ::-1].astype(np.float64)
    return float(np.linalg.norm(points(found, tissue) - points(true, tissue), axis=1).mean())


def as_scanned(pair: Matrix, fixed_cleaning: Matrix, moving_cleaning: Matrix) -> Matrix:
    """A pair's map between cleaned images as a map between the thumbnails before they were turned and placed."""
    return inverse(moving_cleaning) @ pair @ fixed_cleaning
