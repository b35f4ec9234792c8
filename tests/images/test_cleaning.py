from __future__ import annotations

import itertools

import numpy as np
import pytest

from brainstack.errors import BrainstackError
from brainstack.geometry import points
from brainstack.images.cleaning import (
    apply_gain,
    blank_outside,
    canvas_shape,
    cleaning_matrix,
    clipped_share,
    place_on_canvas,
    tissue_box,
    turn,
    without_background,
)


def mask_with(shape: tuple[int, int], rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[rows, columns] = True
    return mask


# Blank


def test_a_full_mask_changes_nothing() -> None:
    image = np.arange(12, dtype=np.uint16).reshape(3, 4)
    np.testing.assert_array_equal(blank_outside(image, np.ones((3, 4), bool)), image)


def test_the_glass_becomes_0_and_the_argument_stays() -> None:
    image = np.full((2, 2), 7, np.uint16)
    found = blank_outside(image, np.array([[True, False], [False, True]]))
    assert found.tolist() == [[7, 0], [0, 7]]
    assert found.dtype == np.uint16
    assert image.min() == 7


def test_a_colour_image_is_blanked_in_all_samples() -> None:
    found = blank_outside(np.full((1, 2, 3), 9, np.uint8), np.array([[True, False]]))
    assert found.tolist() == [[[9, 9, 9], [0, 0, 0]]]


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(BrainstackError, match=r"The mask is \(2, 3\) but the section is \(3, 2\)"):
        blank_outside(np.zeros((3, 2), np.uint8), np.ones((2, 3), bool))


# Gain


def test_a_gain_of_1_changes_nothing() -> None:
    image = np.array([[0, 1, 65535]], np.uint16)
    np.testing.assert_array_equal(apply_gain(image, 1.0), image)


@pytest.mark.parametrize(("dtype", "highest"), [(np.uint8, 255), (np.uint16, 65535)])
def test_a_gain_rounds_and_cuts_at_the_types_highest_value(dtype: type, highest: int) -> None:
    found = apply_gain(np.array([[0, 1, 2, highest]], dtype), 1.5)
    assert found.tolist() == [[0, 2, 3, highest]]
    assert found.dtype == dtype


# What is cut off


def test_what_the_gain_saturates_is_counted_and_what_was_saturated_is_not() -> None:
    scanned = np.array([[100, 200, 255, 255]], np.uint8)
    mask = np.array([[True, True, True, False]])
    assert clipped_share(scanned, apply_gain(scanned, 1.0), mask) == 0
    assert clipped_share(scanned, apply_gain(scanned, 2.0), mask) == pytest.approx(1 / 3)
    assert clipped_share(scanned, apply_gain(scanned, 3.0), mask) == pytest.approx(2 / 3)


def test_what_becomes_black_is_counted_too() -> None:
    scanned = np.array([[0, 1, 2, 3]], np.uint8)
    assert clipped_share(scanned, apply_gain(scanned, 0.4), np.ones((1, 4), bool)) == 0.25


def test_of_no_tissue_nothing_is_cut_off() -> None:
    assert clipped_share(np.ones((2, 2), np.uint8), np.ones((2, 2), np.uint8), np.zeros((2, 2), bool)) == 0


# Background

ROWS, COLUMNS = np.mgrid[:200, :300]
DISK = (ROWS - 100) ** 2 + (COLUMNS - 150) ** 2 < 90**2


def with_cells(tissue: np.ndarray) -> np.ndarray:
    """Small bright cells, each 500 above what is around it."""
    cells = (ROWS % 20 < 3) & (COLUMNS % 20 < 3) & DISK
    return np.where(cells, tissue + 500, tissue)


def test_even_tissue_stays_as_it_is_and_so_does_the_glass() -> None:
    image = np.where(DISK, with_cells(np.full(DISK.shape, 1000.0)), 77).astype(np.uint16)
    flat = without_background(image, DISK, radius_px=40)
    np.testing.assert_array_equal(flat[~DISK], 77)
    np.testing.assert_allclose(flat.astype(int), image, atol=1)


def test_a_slow_background_is_taken_away_and_its_mean_and_the_cells_stay() -> None:
    slope = 1000 + 4.0 * (COLUMNS - 150)
    image = np.where(DISK, with_cells(slope), 0).astype(np.uint16)
    flat = without_background(image, DISK, radius_px=30)
    left, right = (DISK & (abs(COLUMNS - column) < 5) & (ROWS % 20 > 3) for column in (100, 200))
    assert abs(image[left].mean() - image[right].mean()) == pytest.approx(400, rel=0.05)
    assert abs(flat[left].mean() - flat[right].mean()) < 60
    assert flat[DISK].mean() == pytest.approx(image[DISK].mean(), rel=0.005)
    cell, beside = (100, 200), (110, 210)
    assert int(flat[cell]) - int(flat[beside]) == pytest.approx(500 - 40, abs=40)  # the slope between them is 40


def test_bright_structures_narrower_than_the_disk_are_no_background() -> None:
    stripe = DISK & (abs(COLUMNS - 150) < 15)
    image = np.where(DISK, 1000 + 800 * stripe, 0).astype(np.uint16)
    flat = without_background(image, DISK, radius_px=40).astype(int)
    assert np.median(flat[stripe]) - np.median(flat[DISK & ~stripe]) == pytest.approx(800, abs=20)


def test_the_background_of_8_bit_stays_8_bit() -> None:
    image = np.where(DISK, 200 - (COLUMNS // 3), 0).astype(np.uint8)
    assert without_background(image, DISK, radius_px=30).dtype == np.uint8


# Turn

PICTURE = np.array([[1, 2, 3], [4, 5, 6]], np.uint16)


@pytest.mark.parametrize(
    ("turns", "flip", "expected"),
    [
        (0, "none", [[1, 2, 3], [4, 5, 6]]),
        (1, "none", [[4, 1], [5, 2], [6, 3]]),
        (2, "none", [[6, 5, 4], [3, 2, 1]]),
        (3, "none", [[3, 6], [2, 5], [1, 4]]),
        (0, "flip", [[6, 5, 4], [3, 2, 1]]),
        (0, "flop", [[3, 2, 1], [6, 5, 4]]),
        (1, "flop", [[1, 4], [2, 5], [3, 6]]),
    ],
)
def test_turns_are_clockwise_and_the_mirror_comes_last(turns: int, flip: str, expected: list[list[int]]) -> None:
    assert turn(PICTURE, turns, flip).tolist() == expected


# Canvas


def test_the_middle_of_the_tissue_comes_to_the_middle_of_the_canvas() -> None:
    mask = mask_with((10, 12), slice(1, 5), slice(2, 8))
    placed = place_on_canvas(np.where(mask, 9, 1).astype(np.uint8), mask, (20, 30))
    assert tissue_box(placed > 0) == (8, 12, 12, 18)
    assert set(np.unique(placed)) == {0, 9}


def test_tissue_as_large_as_the_canvas_fits() -> None:
    mask = np.ones((4, 6), bool)
    assert place_on_canvas(mask.astype(np.uint8), mask, (4, 6)).all()


@pytest.mark.parametrize("shape", [(3, 6), (4, 5)])
def test_tissue_larger_than_the_canvas_is_refused(shape: tuple[int, int]) -> None:
    mask = np.ones((4, 6), bool)
    with pytest.raises(BrainstackError, match="The tissue is 4 x 6 but the canvas"):
        place_on_canvas(mask.astype(np.uint8), mask, shape)


def test_a_mask_without_tissue_is_refused() -> None:
    with pytest.raises(BrainstackError, match="all black"):
        tissue_box(np.zeros((4, 4), bool))


def test_a_colour_image_is_placed_in_all_samples() -> None:
    mask = np.ones((2, 2), bool)
    assert place_on_canvas(np.ones((2, 2, 3), np.uint8), mask, (4, 4)).sum() == 12


@pytest.mark.parametrize(("turns", "flip"), list(itertools.product(range(4), ("none", "flip", "flop"))))
def test_the_matrix_says_where_every_pixel_of_the_tissue_goes(turns: int, flip: str) -> None:
    shape, canvas = (9, 14), (17, 20)
    mask = mask_with(shape, slice(1, 7), slice(3, 12))
    matrix = cleaning_matrix(mask, turns, flip, canvas)
    for row, column in np.argwhere(mask):
        image = np.zeros(shape, np.uint8)
        image[row, column] = 1
        placed = place_on_canvas(turn(image, turns, flip), turn(mask, turns, flip), canvas)
        assert np.argwhere(placed)[:, ::-1].tolist() == [points(matrix, (column, row)).tolist()]


def test_the_canvas_holds_the_largest_side_of_every_section_with_its_margin() -> None:
    assert canvas_shape([(100, 40), (60, 80)], 10) == (120, 100)


def test_the_sides_of_the_canvas_are_even() -> None:
    assert canvas_shape([(101, 33)], 1) == (104, 36)
