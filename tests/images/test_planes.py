"""Masks are compared by what they have in common."""

from __future__ import annotations

import numpy as np
import pytest

from brainstack.images.planes import dice


def test_dice_of_equal_masks_is_1_and_of_masks_apart_0() -> None:
    one = np.array([True, True, False, False])
    assert dice(one, one) == 1
    assert dice(one, ~one) == 0


def test_dice_is_twice_the_common_part_over_both() -> None:
    assert dice(np.array([True, True, False]), np.array([False, True, False])) == pytest.approx(2 / 3)


def test_two_empty_masks_are_the_same() -> None:
    assert dice(np.zeros(3, bool), np.zeros(3, bool)) == 1
