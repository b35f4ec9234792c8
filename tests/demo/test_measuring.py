from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from brainstack.demo.measuring import as_scanned, pair_error_px
from brainstack.demo.truth import SectionTruth, Truth, make_matrix, write_mask
from brainstack.geometry import points, rigid, scaled, shift
from brainstack.images.cleaning import cleaning_matrix, place_on_canvas

FACTOR = 4


@pytest.fixture
def truth(tmp_path: Path) -> Truth:
    """Two sections of 80 x 60 pixels, turned and shifted, with a square of tissue."""
    sections = tuple(
        SectionTruth(
            f"slide001_S{order + 1}", "slide001", order + 1, order, 50.0 * order, 80, 60, turn, by, 1.0,
            make_matrix((80, 60), (80, 60), turn, by),
        )
        for order, (turn, by) in enumerate([(0.0, (0.0, 0.0)), (0.3, (8.0, -4.0))])
    )  # fmt: skip
    truth = Truth(tmp_path, 1.0, 50.0, (80, 60), FACTOR, ("DAPI",), sections)
    for section in sections:
        mask = np.zeros((15, 20), bool)
        mask[5:10, 5:15] = True
        write_mask(tmp_path, section, mask)
    return truth


def true_pair(truth: Truth) -> np.ndarray:
    return scaled(truth.pair_matrix("slide001_S1", "slide001_S2"), 1 / FACTOR)


def test_the_truth_has_no_error(truth: Truth) -> None:
    assert pair_error_px(truth, "slide001_S1", "slide001_S2", true_pair(truth)) == pytest.approx(0, abs=1e-12)


def test_a_shift_is_an_error_of_its_length_in_thumbnail_pixels(truth: Truth) -> None:
    found = shift(3, 4) @ true_pair(truth)
    assert pair_error_px(truth, "slide001_S1", "slide001_S2", found) == pytest.approx(5)


def test_a_rotation_is_an_error_that_grows_with_the_distance(truth: Truth) -> None:
    mask = truth.mask("slide001_S1")
    found = true_pair(truth) @ rigid(0.1, 0, 0, mask.shape)
    middle = (np.array(mask.shape[::-1]) - 1) / 2
    away = np.linalg.norm(np.argwhere(mask)[:, ::-1] - middle, axis=1)
    expected = 2 * math.sin(0.05) * away.mean()
    assert pair_error_px(truth, "slide001_S1", "slide001_S2", found) == pytest.approx(expected)


def test_a_pair_of_cleaned_images_is_led_back_to_the_scans() -> None:
    """A pixel of the fixed scan goes to its canvas, to the moving canvas, and back to the moving scan."""
    canvas, masks = (30, 40), [np.zeros((12, 16), bool) for _ in range(2)]
    masks[0][2:8, 3:9] = True
    masks[1][4:10, 6:12] = True
    cleaning = [cleaning_matrix(mask, turns, "flop", canvas) for mask, turns in zip(masks, (1, 2), strict=True)]
    pair = shift(1, -1)
    found = as_scanned(pair, *cleaning)
    at = points(pair, points(cleaning[0], (4, 5)))
    np.testing.assert_allclose(points(cleaning[1], points(found, (4, 5))), at, atol=1e-12)
    assert place_on_canvas(masks[0], masks[0], canvas).sum() == 36
