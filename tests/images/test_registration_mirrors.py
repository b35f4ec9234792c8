"""Mirrored pairs, what is measured of a pair, and what it is without elastix; answers known from how it was made."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from brainstack import geometry
from brainstack.errors import BrainstackError
from brainstack.geometry import Matrix
from brainstack.images import registration
from brainstack.images.elastix import EngineError
from brainstack.images.levels import Level, factor_of, fit_of, likeness, pyramid, shrunk_to
from brainstack.images.registration import Registered, measure_pair, register_pair
from brainstack.records import GivenPair
from brainstack.settings import load_settings

SETTINGS = load_settings().elastix
SHAPE = (180, 240)
PIXEL_UM = 50.0

Section = tuple[NDArray[Any], NDArray[Any]]


def section() -> Section:
    """A lopsided section with structure inside, and its mask."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    mask = ((columns - 115) / 70) ** 2 + ((rows - 88) / 45) ** 2 < 1
    mask |= ((columns - 160) / 30) ** 2 + ((rows - 112) / 32) ** 2 < 1
    random = np.random.default_rng(0)
    light = sum(gaussian_filter(random.standard_normal(SHAPE), sigma) * sigma for sigma in (2, 5, 11))
    light = np.clip(20000 + 9000 * light / light.std(), 500, 65535)
    return np.where(mask, light, 0).astype(np.uint16), mask


def moved(fixed: Section, matrix: Matrix) -> Section:
    """The section where the map takes it, in other light."""
    size = (SHAPE[1], SHAPE[0])
    light = cv2.warpAffine(fixed[0], matrix[:2], size, flags=cv2.INTER_CUBIC) * 0.7
    mask = cv2.warpAffine(fixed[1].astype(np.uint8), matrix[:2], size, flags=cv2.INTER_NEAREST) > 0
    light = light + np.random.default_rng(9).normal(0, 300, SHAPE)
    return np.where(mask, np.clip(light, 1, 65535), 0).astype(np.uint16), mask


def of(fixed: Section, moving: Section) -> dict[str, Any]:
    return {
        "fixed": fixed[0], "moving": moving[0], "fixed_mask": fixed[1], "moving_mask": moving[1],
        "pixel_size_um": PIXEL_UM, "settings": SETTINGS,
    }  # fmt: skip


def error_px(found: Registered, true: Matrix, mask: NDArray[Any]) -> float:
    rows, columns = np.nonzero(mask)
    at = np.stack([columns, rows], axis=-1)
    apart = geometry.points(found.matrix(PIXEL_UM, SHAPE), at) - geometry.points(true, at)
    return float(np.linalg.norm(apart, axis=1).mean())


# Mirrored


@pytest.mark.parametrize("degrees", [0, -70, 175])
def test_a_mirrored_section_is_found_at_any_angle_and_the_other_state_fits_less(degrees: float) -> None:
    fixed = section()
    true = geometry.rigid(math.radians(degrees), 6.5, -4.25, SHAPE, mirrored=True)
    found = register_pair(**of(fixed, moved(fixed, true)), mirrors="try")
    assert found.mirrored
    assert error_px(found, true, fixed[1]) < 0.3
    assert found.likeness_other is not None
    assert found.likeness > 0.9 > 0.7 > found.likeness_other


def test_a_mirrored_pair_says_rotation_and_shift_after_the_mirror() -> None:
    fixed = section()
    moving = moved(fixed, geometry.rigid(0.25, 7, -4, SHAPE, mirrored=True))
    found = register_pair(**of(fixed, moving), mirrors="yes", by_elastix=False)
    assert found.rotation_rad == pytest.approx(0.25, abs=0.01)
    assert (found.shift_x_um, found.shift_y_um) == pytest.approx((350, -200), abs=25)
    assert found.likeness_other is None  # which was not tried


def test_both_states_are_told_apart_the_same_way_round() -> None:
    """How much more alike the right state makes two sections is the same for a section and its mirror image."""
    fixed = section()
    found = [
        register_pair(**of(fixed, moved(fixed, geometry.rigid(0, 4, 2, SHAPE, mirrored=mirrored))), mirrors="try")
        for mirrored in (False, True)
    ]
    assert [one.mirrored for one in found] == [False, True]
    more = [one.likeness - (one.likeness_other or 0.0) for one in found]
    assert more[0] == pytest.approx(more[1], abs=0.1)


def test_a_start_that_is_mirrored_is_one_for_a_mirrored_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    fixed = section()
    true = geometry.rigid(1.0, 5, -3, SHAPE, mirrored=True)
    images = of(fixed, moved(fixed, true))
    monkeypatch.setattr(registration, "ring_start", lambda *_: geometry.rigid(2.5, 50, 30, SHAPE))
    near, other = true @ geometry.rigid(0.02, 1, 1, SHAPE), geometry.rigid(1.0, 5, -3, SHAPE)
    lost = register_pair(**images, mirrors="yes", starts=[other], by_elastix=False)
    found = register_pair(**images, mirrors="yes", starts=[other, near], by_elastix=False)
    assert error_px(lost, true, fixed[1]) > 10
    assert error_px(found, true, fixed[1]) < 0.5


# What is measured


def level(fixed: NDArray[Any], moving: NDArray[Any]) -> Level:
    light = [one.astype(np.float32) for one in (fixed, moving)]
    return Level(1, light[0], light[1], (fixed > 0).astype(np.uint8), (moving > 0).astype(np.uint8))


def square(left: int, width: int = 20) -> NDArray[Any]:
    """Tissue with a slope of light in x."""
    picture = np.zeros((60, 80))
    picture[20:40, left : left + width] = 1 + np.arange(width)
    return picture


def test_two_sections_that_are_one_fit_wholly() -> None:
    fit = fit_of(level(square(30), square(30)), np.eye(3))
    assert (fit.metric, fit.overlap, fit.dice) == pytest.approx((1, 1, 1))
    assert likeness(level(square(30), square(30)), np.eye(3)) == pytest.approx(1)


def test_half_a_square_beside_has_half_of_all_shares() -> None:
    fit = fit_of(level(square(30), square(40)), np.eye(3))
    assert (fit.overlap, fit.dice) == pytest.approx((0.5, 0.5))
    shifted = fit_of(level(square(30), square(40)), geometry.shift(10, 0))
    assert shifted == fit_of(level(square(30), square(30)), np.eye(3))


def test_a_small_section_on_a_large_one_overlaps_wholly_but_has_another_outline() -> None:
    fit = fit_of(level(square(30), square(30, width=10)), np.eye(3))
    assert (fit.metric, fit.overlap) == pytest.approx((1, 1))
    assert fit.dice == pytest.approx(2 * 10 / 30)
    assert likeness(level(square(30), square(30, width=10)), np.eye(3)) < 0.2  # the rest is tissue on glass


def test_what_has_no_tissue_in_common_has_no_correlation() -> None:
    fit = fit_of(level(square(5), square(50)), np.eye(3))
    assert (fit.metric, fit.overlap, fit.dice) == (0, 0, 0)
    assert fit_of(level(square(30) > 0, square(30) > 0), np.eye(3)).metric == 0  # nor what has no texture


def test_factors_are_powers_of_two_within_what_is_asked() -> None:
    assert [factor_of(um, 10.0) for um in (5, 10, 19, 20, 39.9, 80)] == [1, 1, 1, 2, 2, 8]


def test_a_shrunk_level_is_means_and_fits_as_the_whole() -> None:
    whole = level(square(30), square(40))
    half = shrunk_to(whole, 2)
    assert half.fixed.shape == (30, 40)
    assert half.fixed[12, 15] == pytest.approx(1.5)
    assert fit_of(half, geometry.shift(10, 0)).dice == pytest.approx(1)  # matrices are in pixels of the thumbnail
    odd = shrunk_to(level(np.ones((5, 7)), np.ones((5, 7))), 4)
    assert odd.fixed.shape == (2, 2)
    assert odd.fixed_mask.tolist() == [[1, 1], [0, 0]]  # a quarter of a pixel is no tissue


def test_levels_go_from_coarse_to_fine_and_light_is_even() -> None:
    picture, mask = section()
    _, levels = pyramid(picture, picture // 3, mask, mask, pixel_size_um=10.0, settings=SETTINGS)
    factors = [one.factor for one in levels]
    assert factors == sorted(factors, reverse=True) == [16, 8, 4, 2]
    assert np.allclose(levels[-1].fixed, levels[-1].moving, atol=1e-3)


def test_a_pair_says_how_wide_its_tissue_is() -> None:
    """The root mean square radius of a disc about its middle is its radius by the root of two."""
    rows, columns = np.mgrid[:181, :241]
    disc = (rows - 90) ** 2 + (columns - 120) ** 2 <= 60**2
    picture = np.where(disc, 1000 + rows, 0).astype(np.uint16)
    found = register_pair(**of((picture, disc), (picture.copy(), disc.copy())))
    assert found.is_same
    assert found.radius_um == pytest.approx(60 / math.sqrt(2) * PIXEL_UM, rel=0.01)


# Without elastix, and where it gives up


def refuse(*_: object) -> Matrix:
    raise EngineError("elastix could not")


def test_without_elastix_it_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "refine", refuse)
    fixed = section()
    true = geometry.rigid(0.2, 3, -2, SHAPE)
    found = register_pair(**of(fixed, moved(fixed, true)), by_elastix=False)
    assert found.engine_error == ""
    assert error_px(found, true, fixed[1]) < 0.5


def test_where_elastix_gives_up_the_pair_is_as_it_was_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    fixed = section()
    images = of(fixed, moved(fixed, geometry.rigid(0.2, 3, -2, SHAPE)))
    without = register_pair(**images, by_elastix=False)
    monkeypatch.setattr(registration, "refine", refuse)
    found = register_pair(**images)
    assert found.engine_error == "elastix could not"
    assert found.matrix(PIXEL_UM, SHAPE).tolist() == without.matrix(PIXEL_UM, SHAPE).tolist()
    assert found.metric == without.metric


# By hand


def test_a_pair_given_by_hand_is_kept_to_the_last_digit_and_says_so() -> None:
    fixed = section()
    given = GivenPair(0.1, 200.0, 200.0)
    found = measure_pair(**of(fixed, moved(fixed, geometry.rigid(0.1, 4, 4, SHAPE))), by_hand=given)
    assert (found.rotation_rad, found.shift_x_um, found.shift_y_um, found.by_hand) == (0.1, 200.0, 200.0, True)
    assert min(found.metric, found.dice, found.likeness) > 0.9
    assert found.metric_before < found.metric


def test_a_pair_given_by_hand_as_mirrored_is_measured_as_one_and_the_other_state_fits_less() -> None:
    fixed = section()
    true = geometry.rigid(0.4, 4, -6, SHAPE, mirrored=True)
    images = of(fixed, moved(fixed, true))
    right, wrong = (measure_pair(**images, by_hand=GivenPair(0.4, 200.0, -300.0, one)) for one in (True, False))
    assert (right.mirrored, wrong.mirrored) == (True, False)
    np.testing.assert_allclose(right.matrix(PIXEL_UM, SHAPE), true)
    assert (right.rotation_rad, right.shift_x_um, right.shift_y_um) == (0.4, 200.0, -300.0)
    assert min(right.metric, right.dice, right.likeness) > 0.9 > 0.7 > wrong.likeness
    assert right.metric_before == wrong.metric_before  # as they lie on their canvas, mirrored or not


@pytest.mark.parametrize("empty", ["fixed_mask", "moving_mask"])
def test_by_hand_too_an_empty_mask_is_refused_in_a_sentence(empty: str) -> None:
    images = of(section(), section())
    with pytest.raises(BrainstackError, match="section is empty; paint its tissue or make it a gap"):
        measure_pair(**(images | {empty: np.zeros(SHAPE, bool)}), by_hand=GivenPair(0.0, 0.0, 0.0))
    with pytest.raises(ValueError, match="on one canvas"):
        measure_pair(**(images | {empty: np.ones((5, 5), bool)}), by_hand=GivenPair(0.0, 0.0, 0.0))
