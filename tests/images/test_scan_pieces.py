from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from brainstack.images.full_masks import mask_region, softened
from brainstack.images.scan_pieces import between_centres, has_tissue, inside, soft_range

GENERATOR = np.random.default_rng(0)
SPOTS = gaussian_filter(GENERATOR.random((40, 50)), 2) > 0.5


@pytest.mark.parametrize("factor", [1, 3, 32])
def test_no_tissue_is_told_from_the_thumbnail_alone(factor: int) -> None:
    soft = softened(SPOTS, 1.0)
    empty = 0
    for _ in range(300):
        top, left = (int(GENERATOR.integers(0, side * factor - 1)) for side in SPOTS.shape)
        box = top, min(top + factor * 2, 40 * factor), left, min(left + factor * 2, 50 * factor)
        mask = mask_region(soft, factor, box)
        assert has_tissue(soft, factor, box) or not mask.any()
        lowest, _ = soft_range(soft, factor, box)
        assert lowest <= 0.501 or mask.all()
        empty += not has_tissue(soft, factor, box)
    assert empty > 20


def test_an_empty_box_has_no_tissue() -> None:
    assert not has_tissue(np.ones((4, 4), np.float32), 8, inside((-20, -3, 5, 9), (32, 32)))


def test_a_slope_is_a_slope_between_centres_and_goes_on_level() -> None:
    small = np.arange(5, dtype=np.float32)[np.newaxis] * 8 + np.zeros((3, 1), np.float32)
    found = between_centres(small, 4, (0, 12, 0, 20))
    expected = np.clip(2 * np.arange(20) - 3.0, 0, 32)  # the first centre is at 1.5
    np.testing.assert_allclose(found, np.broadcast_to(expected, (12, 20)), atol=1e-4)
    np.testing.assert_allclose(between_centres(small, 4, (3, 9, 7, 13)), found[3:9, 7:13], atol=1e-4)
