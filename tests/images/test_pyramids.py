from __future__ import annotations

import numpy as np
import pytest

from brainstack.images.pyramids import AreaAverage


def shrunk(image: np.ndarray, factor: int, rows: int) -> np.ndarray:
    average = AreaAverage(factor)
    for top in range(0, len(image), rows):
        average.add(image[top : top + rows])
    return average.finish()


def plain(image: np.ndarray, factor: int) -> np.ndarray:
    """The mean of each block, one after the other."""
    tops, lefts = (range(0, side, factor) for side in image.shape)
    means = [[image[top : top + factor, left : left + factor].mean() for left in lefts] for top in tops]
    return np.rint(means).astype(image.dtype)


def test_colours_are_averaged_each_for_itself() -> None:
    image = np.random.default_rng(2).integers(0, 256, (19, 25, 3)).astype(np.uint8)
    small = shrunk(image, 4, rows=5)
    assert small.shape == (5, 7, 3)
    for colour in range(3):
        np.testing.assert_array_equal(small[..., colour], plain(image[..., colour], 4))


@pytest.mark.parametrize("rows", [1, 3, 4, 8, 100])
@pytest.mark.parametrize("shape", [(16, 24), (17, 25), (19, 3), (1, 1), (3, 3)])
@pytest.mark.parametrize("factor", [1, 4, 5, 32])
def test_strips_of_any_height_give_the_mean_of_each_block(factor: int, shape: tuple[int, int], rows: int) -> None:
    image = np.random.default_rng(1).integers(0, 65536, shape).astype(np.uint16)
    np.testing.assert_array_equal(shrunk(image, factor, rows), plain(image, factor))


def test_the_edge_is_the_mean_of_the_pixels_that_are_there() -> None:
    assert shrunk(np.array([[0, 0, 10]], np.uint16), 2, 1).tolist() == [[0, 10]]


def test_means_are_rounded_half_to_even() -> None:
    assert shrunk(np.array([[0, 1, 1, 2]], np.uint8), 2, 1).tolist() == [[0, 2]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_brightest_image_does_not_run_over(dtype: type) -> None:
    white = np.full((64, 64), np.iinfo(dtype).max, dtype)
    found = shrunk(white, 32, 16)
    assert found.dtype == dtype
    assert (found == np.iinfo(dtype).max).all()


def test_a_strip_may_be_overwritten_after_it_was_added() -> None:
    average, strip = AreaAverage(4), np.full((3, 4), 8, np.uint16)
    average.add(strip)
    strip[:] = 0
    average.add(np.full((1, 4), 8, np.uint16))
    assert average.finish().tolist() == [[8]]
