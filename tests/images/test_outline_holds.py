"""A made-up brain whose outline grows evenly: sections that are turned or shifted are brought back onto its surface."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from chained import FRAME, PIXEL_UM, SHAPE, apart_um, off, sections

from brainstack.errors import BrainstackError
from brainstack.geometry import Matrix
from brainstack.images.outline_holds import Outline, find_outline, outline_holds
from brainstack.images.stack_solving import Hold

COUNT, MIDDLE = 31, 15
DEPTHS_UM = [100.0 * place for place in range(COUNT)]


def tissue(place: int) -> np.ndarray:
    """A lopsided section, which grows by 20 um on each side from one to the next: (rows, columns) bool."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    grown = place * 20 / PIXEL_UM
    mask = ((columns - 199.5) / (100 + grown)) ** 2 + ((rows - 149.5) / (60 + grown)) ** 2 < 1
    return np.asarray(mask | (((columns - 260) / (40 + grown)) ** 2 + ((rows - 180) / (45 + grown)) ** 2 < 1))


def laid(mask: np.ndarray, to_canvas: Matrix) -> np.ndarray:
    size = SHAPE[1], SHAPE[0]
    return np.asarray(cv2.warpAffine(mask.astype(np.uint8), to_canvas[:2], size, flags=cv2.INTER_NEAREST) > 0)


def outlines(true: list[Matrix]) -> dict[int, Outline]:
    return {place: find_outline(laid(tissue(place), matrix), PIXEL_UM) for place, matrix in enumerate(true)}


def held(placed: dict[int, Matrix], found: dict[int, Outline], smoothing_um: float = 800.0) -> dict[int, Hold]:
    holds = outline_holds(placed, found, DEPTHS_UM, FRAME, sigma_um=50.0, smoothing_um=smoothing_um)
    return {one.place: one for one in holds}


def test_of_an_even_brain_the_outline_says_what_is_so() -> None:
    true = sections(COUNT)
    holds = held(dict(enumerate(true)), outlines(true))
    assert len(holds) >= COUNT - 3  # by chance, a good one strays from the others
    assert all(hold.sigma_um == (50.0, 50.0, 50.0) for hold in holds.values())
    assert max(apart_um(hold.matrix, true[place]) for place, hold in holds.items()) < PIXEL_UM / 2


@pytest.mark.parametrize("wrong", [off(x_um=300), off(y_um=-300), off(degrees=4), off(-3, 200, 150)])
def test_a_section_that_lies_wrong_is_brought_back(wrong: Matrix) -> None:
    true = sections(COUNT)
    placed = dict(enumerate(true)) | {MIDDLE: true[MIDDLE] @ wrong}
    hold = held(placed, outlines(true))[MIDDLE]
    assert apart_um(placed[MIDDLE], true[MIDDLE]) > 150
    assert apart_um(hold.matrix, true[MIDDLE]) < 60  # it is one of those through which the surface goes


def test_a_torn_section_is_left_out_and_moves_no_other() -> None:
    true = sections(COUNT)
    found = outlines(true)
    half = laid(tissue(MIDDLE) & (np.arange(SHAPE[1]) < 190), true[MIDDLE])
    holds = held(dict(enumerate(true)), found | {MIDDLE: find_outline(half, PIXEL_UM)})
    assert MIDDLE not in holds
    beside = [apart_um(hold.matrix, true[place]) for place, hold in holds.items() if abs(place - MIDDLE) < 5]
    assert max(beside) < PIXEL_UM / 2


def test_what_drifts_evenly_stays_as_the_pairs_have_it() -> None:
    true = sections(COUNT)
    leaning = {place: matrix @ off(x_um=10 * (place - MIDDLE)) for place, matrix in enumerate(true)}
    holds = held(leaning, outlines(true))
    assert max(apart_um(hold.matrix, leaning[place]) for place, hold in holds.items()) < PIXEL_UM


def test_one_section_or_two_hold_nothing() -> None:
    true = sections(COUNT)
    for places in ([4], [4, 5]):
        placed, found = {at: true[at] @ off(3) for at in places}, outlines(true)
        holds = held(placed, {at: found[at] for at in places})
        assert max((apart_um(one.matrix, placed[at]) for at, one in holds.items()), default=0) < PIXEL_UM / 2
    assert held(dict(enumerate(true)), {}) == {}


def test_an_outline_is_counted_from_the_centre_of_the_canvas_in_micrometres() -> None:
    mask = np.zeros((101, 201), bool)
    mask[20:81, 60:141] = True  # 30 rows and 40 columns on either side of the centre
    mask[2, 2] = True  # a speck
    rims = find_outline(mask, 10.0)
    assert len(rims) == 1
    assert np.abs(rims[0]).max(axis=0) == pytest.approx((400, 300))
    assert math.isclose(np.linalg.norm(np.diff(rims[0], axis=0), axis=1).max(), 50, abs_tol=25)


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(BrainstackError, match="mask of the section is empty"):
        find_outline(np.zeros((10, 10), bool), 10.0)
