from __future__ import annotations

import numpy as np
import pytest

from brainstack.images.upsampling import linear_at

COARSE = np.random.default_rng(0).random((7, 9)).astype(np.float32)


def test_at_centres_it_is_the_picture_itself() -> None:
    np.testing.assert_array_equal(linear_at(COARSE, np.arange(7.0), np.arange(9.0)), COARSE)


def test_between_them_it_is_linear_and_beyond_the_outermost_as_there() -> None:
    rows, columns = np.linspace(-2, 8, 41), np.linspace(-1.7, 10.1, 63)
    down = np.array([np.interp(rows, np.arange(7), column) for column in COARSE.T]).T
    expected = np.array([np.interp(columns, np.arange(9), row) for row in down])
    np.testing.assert_allclose(linear_at(COARSE, rows, columns), expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 1)])
def test_a_single_row_or_column_is_everywhere(shape: tuple[int, int]) -> None:
    found = linear_at(np.full(shape, 3, np.float32), np.array([-1.0, 0.3, 9.0]), np.array([0.0, 7.5]))
    np.testing.assert_array_equal(found, np.full((3, 2), 3))
