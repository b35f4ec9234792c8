from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from brainstack.images.full_masks import SoftMask, mask_of_every_pixel, mask_region, softened

FACTOR = 32
SIDE = 40
FULL = SIDE * FACTOR
ROWS, COLUMNS = np.mgrid[0:FULL, 0:FULL]
INSIDE = slice(4 * FACTOR, -4 * FACTOR)
"""Far from the edge of the scan, beyond which nobody knows how an outline goes on."""


def thumbnail(truth: np.ndarray) -> np.ndarray:
    """Of each square of FACTOR pixels, whether most of it is tissue."""
    return truth.reshape(SIDE, FACTOR, SIDE, FACTOR).mean(axis=(1, 3)) > 0.5


def full_size(mask: np.ndarray, smoothing_px: float = 1.0) -> np.ndarray:
    rows, columns = mask.shape
    return mask_region(softened(mask, smoothing_px), FACTOR, (0, rows * FACTOR, 0, columns * FACTOR))


def nearest(mask: np.ndarray) -> np.ndarray:
    return mask.repeat(FACTOR, axis=0).repeat(FACTOR, axis=1)


def longest_run(mask: np.ndarray, where: np.ndarray | None = None) -> int:
    """The longest piece of the outline, in pixels, that goes along a row or a column."""
    longest = 0
    for turned, wanted in ((mask, where), (mask.T, None if where is None else where.T)):
        steps = turned[1:] != turned[:-1]
        if wanted is not None:
            steps &= wanted[1:]
        for line in steps[steps.any(axis=1)]:
            ends = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(np.int8), [0]])))
            longest = max(longest, int((ends[1::2] - ends[::2]).max()))
    return longest


@pytest.mark.parametrize("degrees", [20, 30, 45, 60, 115])
def test_the_outline_of_a_slanted_half_plane_is_straight_and_where_it_should_be(degrees: int) -> None:
    """A straight line of that slope has runs of 1 / tan(slope) pixels, three at most."""
    slope = np.deg2rad(degrees)
    distance_px = (COLUMNS - 640.3) * np.sin(slope) - (ROWS - 650.7) * np.cos(slope)
    mask = thumbnail(distance_px < 0)
    found = full_size(mask)
    wrong = (found != (distance_px < 0))[INSIDE, INSIDE]
    assert np.abs(distance_px[INSIDE, INSIDE][wrong]).max() < 0.25 * FACTOR
    assert longest_run(found[INSIDE, INSIDE]) <= 6
    assert longest_run(nearest(mask)[INSIDE, INSIDE]) >= FACTOR


@pytest.mark.parametrize("radius", [5, 12.3, 17])
def test_the_outline_of_a_disk_is_round_and_where_it_should_be(radius: float) -> None:
    """radius : in thumbnail pixels. A circle is straight a while where within 15 degrees of a row or a column."""
    row, column = ROWS - 641, COLUMNS - 633
    distance_px = np.hypot(row, column) - radius * FACTOR
    slanted = np.abs(np.minimum(np.abs(row), np.abs(column)) / np.hypot(row, column).clip(1)) > np.sin(np.deg2rad(15))
    mask = thumbnail(distance_px < 0)
    found = full_size(mask)
    assert np.abs(distance_px[found != (distance_px < 0)]).max() <= 0.5 * FACTOR
    assert longest_run(found, slanted) < FACTOR / 2
    assert longest_run(nearest(mask), slanted) >= FACTOR


def test_an_edge_along_the_pixels_stays_where_it_is() -> None:
    """Between thumbnail pixels 7 and 8 lies the edge between pixels 255 and 256 of the scan: no shift by half."""
    mask = np.zeros((16, 16), bool)
    mask[:, 8:] = True
    np.testing.assert_array_equal(full_size(mask), nearest(mask))


@pytest.mark.parametrize("factor", [1, 3, 32])
@pytest.mark.parametrize("sizes", [(7, 5), (64, 64), (1, 1000)])
def test_blocks_join_without_a_seam(factor: int, sizes: tuple[int, int]) -> None:
    soft = softened(np.random.default_rng(1).random((13, 11)) > 0.4, 1.0)
    shape = 13 * factor - (factor > 1), 11 * factor - 2 * (factor > 1)
    whole, joined = mask_region(soft, factor, (0, shape[0], 0, shape[1])), np.zeros(shape, bool)
    for top in range(0, shape[0], sizes[0]):
        for left in range(0, shape[1], sizes[1]):
            bottom, right = min(top + sizes[0], shape[0]), min(left + sizes[1], shape[1])
            joined[top:bottom, left:right] = mask_region(soft, factor, (top, bottom, left, right))
    np.testing.assert_array_equal(joined, whole)


@pytest.mark.parametrize("value", [True, False])
def test_all_tissue_is_tissue_up_to_the_edge_and_all_glass_is_glass(value: bool) -> None:
    assert (full_size(np.full((5, 4), value)) == value).all()


def test_tissue_that_the_scan_cuts_reaches_its_edge() -> None:
    mask = np.zeros((12, 12), bool)
    mask[:, 4:9] = True
    np.testing.assert_array_equal(full_size(mask), nearest(mask))


def test_a_strip_of_two_pixels_is_kept() -> None:
    mask = np.zeros((12, 12), bool)
    mask[:, 5:7] = True
    assert full_size(mask).sum(axis=1).min() > 1.5 * FACTOR


def test_without_smoothing_and_scale_the_mask_is_the_mask() -> None:
    mask = np.random.default_rng(1).random((9, 8)) > 0.5
    np.testing.assert_array_equal(mask_region(softened(mask, 0.0), 1, (0, 9, 0, 8)), mask)


GENERATOR = np.random.default_rng(0)
SPOTS = gaussian_filter(GENERATOR.random((40, 50)), 2) > 0.5


@pytest.mark.parametrize("smoothing_px", [0.0, 1.0])
@pytest.mark.parametrize("factor", [1, 3, 7, 16, 32])
def test_a_block_is_the_same_as_by_looking_at_every_pixel(factor: int, smoothing_px: float) -> None:
    soft = softened(SPOTS, smoothing_px)
    rows, columns = 40 * factor, 50 * factor
    for _ in range(60):
        top, left = GENERATOR.integers(0, rows), GENERATOR.integers(0, columns)
        bottom, right = GENERATOR.integers(top, rows) + 1, GENERATOR.integers(left, columns) + 1
        box = int(top), int(min(bottom, top + 512)), int(left), int(min(right, left + 512))
        np.testing.assert_array_equal(mask_region(soft, factor, box), mask_of_every_pixel(soft, factor, box))


def test_where_much_is_crossed_and_where_soft_is_one_half_it_is_the_same_too() -> None:
    for soft in (softened(GENERATOR.random((40, 50)) > 0.5, 0.5), np.full((40, 50), 0.5, np.float32)):
        box = (0, 40 * 4, 0, 50 * 4)
        np.testing.assert_array_equal(mask_region(soft, 4, box), mask_of_every_pixel(soft, 4, box))


@pytest.mark.parametrize("smoothing_px", [0.0, 0.7, 1.0, 3.0])
def test_a_soft_mask_is_the_softened_one_and_the_same_wherever_it_is_asked_from(smoothing_px: float) -> None:
    mask = gaussian_filter(GENERATOR.random((150, 230)), 6) > 0.5
    mask[:, :70] = True
    whole, soft = softened(mask, smoothing_px), SoftMask(mask, smoothing_px)
    assert soft.shape == whole.shape
    np.testing.assert_allclose(soft[:, :], whole, atol=1e-6)
    for _ in range(40):
        (top, bottom), (left, right) = (sorted(GENERATOR.integers(0, side + 1, 2)) for side in mask.shape)
        again = SoftMask(mask, smoothing_px)[top:bottom, left:right]
        np.testing.assert_array_equal(again, soft[:, :][top:bottom, left:right])


def test_a_soft_mask_makes_the_mask_that_its_array_makes() -> None:
    soft = SoftMask(SPOTS, 1.0)
    for box in ((0, 40 * 8, 0, 50 * 8), (3, 77, 100, 301)):
        np.testing.assert_array_equal(mask_region(soft, 8, box), mask_region(soft[:, :], 8, box))
        np.testing.assert_array_equal(mask_of_every_pixel(soft, 8, box), mask_region(soft, 8, box))
