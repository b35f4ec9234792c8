"""Masks that neighbours help to find must be there in the section's own image."""

from __future__ import annotations

import numpy as np
import pytest
from textured import MASKS, PIXEL_UM, section

from brainstack.images.mask_outliers import Expectation, shape_of
from brainstack.images.mask_retry import Seen, better_mask, parts_of
from brainstack.images.planes import dice


def expected_of(mask: np.ndarray) -> Expectation:
    area_um2, major, minor = (float(one) for one in shape_of(mask, PIXEL_UM).squares())
    squares = (area_um2, major, minor)
    return Expectation(squares, squares, squares, 0.13)


def glass() -> np.ndarray:
    return np.rint(400 + 12 * np.random.default_rng(5).standard_normal((220, 260))).astype(np.uint16)


def test_a_mask_that_holds_a_smear_too_is_mended() -> None:
    image, true = section(77)
    found = np.asarray(image > 800)

    better = better_mask(image, found, expected_of(true), pixel_size_um=PIXEL_UM, settings=MASKS)

    assert better is not None
    assert dice(better, true) > 0.95


@pytest.mark.parametrize("picture", [glass(), np.zeros((220, 260), np.uint16), np.full((220, 260), 400, np.uint16)])
def test_glass_alone_is_not_mended_even_where_a_mask_would_fit(picture: np.ndarray) -> None:
    _, true = section(77)

    assert not Seen(picture, PIXEL_UM, MASKS).speaks_for(true)
    assert better_mask(picture, true[::-1], expected_of(true), pixel_size_um=PIXEL_UM, settings=MASKS) is None


def test_a_piece_within_tissue_is_no_mask() -> None:
    """A scan that tissue fills has no glass, so that nothing in it is brighter and rougher than what is around it."""
    image, true = section(77)
    rows, columns = (slice(int(where.min()) + 20, int(where.max()) - 20) for where in np.nonzero(true))
    filled = np.tile(image[rows, columns], (3, 3))[:220, :220]
    piece = np.zeros(filled.shape, bool)
    piece[60:160, 60:160] = True

    assert not Seen(filled, PIXEL_UM, MASKS).speaks_for(piece)


def test_a_mask_of_all_that_was_scanned_has_no_glass_to_be_compared_with() -> None:
    image, _ = section(77)

    assert not Seen(image, PIXEL_UM, MASKS).speaks_for(np.ones(image.shape, bool))


def test_the_section_itself_is_spoken_for_and_a_smear_as_faint_as_the_noise_is_not() -> None:
    image, true = section(77)
    noisy = glass()
    noisy[true] += 6  # half a sigma of the noise

    assert Seen(image, PIXEL_UM, MASKS).speaks_for(true)
    assert not Seen(noisy, PIXEL_UM, MASKS).speaks_for(true)


def test_lobes_that_a_bridge_joins_are_parted() -> None:
    mask = np.zeros((100, 220), bool)
    mask[20:80, 20:80] = mask[20:80, 140:200] = mask[48:52, 80:140] = True
    left = np.zeros_like(mask)
    left[20:80, 20:80] = True

    assert max(dice(one, left) for one in parts_of(mask, PIXEL_UM, MASKS)) > 0.9
