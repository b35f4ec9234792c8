"""Smaller copies whose sides were rounded another way lie on the scan as brainstack's do."""

from __future__ import annotations

import numpy as np
import pytest

from brainstack.images.fitting import fit_factor, fit_rounding


def test_a_copy_of_the_right_size_is_left_as_it_is() -> None:
    small = np.arange(12).reshape(3, 4)

    assert fit_rounding(small, scan_shape=(96, 128), factor=32) is small
    assert fit_rounding(small, scan_shape=(70, 100), factor=32) is small


def test_a_size_that_no_rounding_gives_is_left_as_it_is() -> None:
    small = np.zeros((3, 6))

    assert fit_rounding(small, scan_shape=(96, 128), factor=32) is small


@pytest.mark.parametrize(("rows", "columns"), [(33, 65), (47, 79), (63, 33)])
def test_an_edge_stays_at_its_place_on_the_scan(rows: int, columns: int) -> None:
    """A scan that is white from column 320 on, made smaller by 32 to sides rounded down."""
    scan_shape = (rows + 960, columns + 960)
    lab = np.zeros((scan_shape[0] // 32, scan_shape[1] // 32), np.uint8)
    lab[:, round(320 * lab.shape[1] / scan_shape[1]) :] = 255

    fitted = fit_rounding(lab, scan_shape=scan_shape, factor=32)

    assert fitted.shape == (-(-scan_shape[0] // 32), -(-scan_shape[1] // 32))
    assert abs(int(np.argmax(fitted[0])) - 10) <= 1, "half a pixel of the copy, and half of this"
    assert (fitted == fitted[0]).all()


def test_colours_are_kept() -> None:
    assert fit_rounding(np.ones((2, 2, 3)), scan_shape=(70, 70), factor=32).shape == (3, 3, 3)


@pytest.mark.parametrize(("own", "factor"), [(16, 32), (32, 16), (10, 32), (32, 10)])
def test_a_mask_made_at_another_factor_keeps_its_place_on_the_scan(own: int, factor: int) -> None:
    """A scan that is white from column 320 on."""
    small = np.zeros((-(-500 // own), -(-700 // own)), np.uint8)
    small[:, 320 // own :] = 255

    fitted = fit_factor(small, scan_shape=(500, 700), factor=factor)

    assert fitted.shape == (-(-500 // factor), -(-700 // factor))
    assert np.array_equal(fitted[0] > 0, (np.arange(fitted.shape[1]) + 0.5) * factor >= 320)


def test_a_mask_of_a_size_that_no_factor_gives_is_left_as_it_is() -> None:
    small = np.zeros((33, 44))

    assert fit_factor(small, scan_shape=(500, 700), factor=32) is small
