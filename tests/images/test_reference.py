"""A section cut from a made-up reference, turned and shifted by known amounts, is found on its plane."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from brainstack import geometry
from brainstack.errors import BrainstackError
from brainstack.images.reference import place_on_reference, tissue_of
from brainstack.images.registration import Registered
from brainstack.settings import load_settings

SHAPE = (180, 220)
PIXEL_UM = 40.0
SETTINGS = load_settings().elastix
TRUE = geometry.rigid(0.3, 9.0, -6.0, SHAPE)


def tissue() -> tuple[np.ndarray, np.ndarray]:
    """A lopsided section with structure inside, (rows, columns) float32 of 5000 to 60000, and its mask."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    mask = ((columns - 110) / 68) ** 2 + ((rows - 90) / 46) ** 2 < 1
    mask |= ((columns - 150) / 28) ** 2 + ((rows - 112) / 32) ** 2 < 1
    random = np.random.default_rng(0)
    light = sum(gaussian_filter(random.standard_normal(SHAPE), sigma) * sigma for sigma in (3, 5, 11))
    light = np.clip(24000 + 8000 * light / light.std(), 5000, 60000)
    return np.where(mask, light, 0).astype(np.float32), mask


def section(to_section: np.ndarray = TRUE) -> tuple[np.ndarray, np.ndarray]:
    """It and its mask where the map takes them, darker and with noise."""
    (picture, mask), size = tissue(), (SHAPE[1], SHAPE[0])
    light = 0.6 * cv2.warpAffine(picture, to_section[:2], size, flags=cv2.INTER_CUBIC)
    there = cv2.warpAffine(mask.astype(np.uint8), to_section[:2], size, flags=cv2.INTER_NEAREST) > 0
    light = light + np.random.default_rng(9).normal(0, 400, SHAPE)
    return np.where(there, np.clip(light, 1, 65535), 0).astype(np.uint16), there


def reference(background: float = 300.0) -> np.ndarray:
    """The plane as another microscope sees it: blurred, with a background that is not black, and noise of its own."""
    light = cv2.GaussianBlur(tissue()[0], (0, 0), 2) + background
    return np.asarray(light + np.random.default_rng(3).normal(0, 60, SHAPE), np.float32)


def placed(plane: np.ndarray, plane_um: float = PIXEL_UM, to_section: np.ndarray = TRUE) -> Registered:
    picture, mask = section(to_section)
    mirrors = "yes" if geometry.is_mirrored(to_section) else "no"
    return place_on_reference(
        picture, mask, plane, pixel_size_um=PIXEL_UM, reference_pixel_size_um=plane_um, settings=SETTINGS,
        mirrors=mirrors,
    )  # fmt: skip


def error_px(found: Registered, true: np.ndarray = TRUE) -> float:
    """Mean distance over the tissue between where its pixels go and where they should."""
    rows, columns = np.nonzero(tissue()[1])
    at = np.stack([columns, rows], axis=-1)
    estimate = found.matrix(PIXEL_UM, SHAPE)
    return float(np.linalg.norm(geometry.points(estimate, at) - geometry.points(true, at), axis=1).mean())


def test_a_section_is_found_on_its_plane():
    found = placed(reference())
    assert error_px(found) < 0.3
    assert found.rotation_rad == pytest.approx(0.3, abs=0.01)
    assert (found.shift_x_um, found.shift_y_um) == pytest.approx((9 * PIXEL_UM, -6 * PIXEL_UM), abs=0.3 * PIXEL_UM)
    assert found.metric > 0.9


@pytest.mark.parametrize("plane_um", [20.0, 80.0])
def test_finer_and_coarser_planes_lie_centre_on_centre(plane_um: float):
    # Both are 8800 x 7200 um, so that the centres of the two are the same place.
    plane = cv2.resize(reference(), None, fx=PIXEL_UM / plane_um, fy=PIXEL_UM / plane_um, interpolation=cv2.INTER_AREA)
    assert error_px(placed(plane, plane_um)) < 0.4


def test_a_plane_far_larger_than_the_canvas_is_not_cut_off():
    # 40 columns on the right and 40 rows below move the plane's centre, and so all of its frame, by 20.
    plane = np.pad(reference(), ((0, 40), (0, 40)), constant_values=300)
    to_section = TRUE @ geometry.shift(20, 20)
    assert error_px(placed(plane), to_section) < 0.4
    beyond = np.pad(reference(), ((0, 260), (0, 260)), constant_values=300)
    assert error_px(placed(beyond), TRUE @ geometry.shift(130, 130)) < 0.4


def test_contrast_may_be_the_other_way_round_in_the_tissue():
    light, mask = tissue()
    plane = cv2.GaussianBlur(np.where(mask, 65000 - light, 0).astype(np.float32), (0, 0), 2)
    found = placed(plane)
    assert error_px(found) < 0.4
    assert found.metric > 0.8


def test_tissue_may_be_darker_than_its_background():
    found = placed(70000 - reference())
    assert error_px(found) < 0.4


def test_a_mirrored_section_is_found_as_one():
    true = geometry.rigid(0.3, 9.0, -6.0, SHAPE, mirrored=True)
    found = placed(reference(), to_section=true)
    assert found.mirrored
    assert error_px(found, true) < 0.4


@pytest.mark.parametrize("sigma", [0.0, 100.0])
def test_a_plane_without_tissue_is_refused(sigma: float):
    plane = 500 + np.random.default_rng(2).normal(0, 1, SHAPE) * sigma
    with pytest.raises(BrainstackError, match="has no tissue on it"):
        placed(plane)


def test_an_empty_mask_is_refused():
    picture, mask = section()
    with pytest.raises(BrainstackError, match="mask of the second section is empty"):
        place_on_reference(
            picture, np.zeros_like(mask), reference(), pixel_size_um=PIXEL_UM, reference_pixel_size_um=PIXEL_UM,
            settings=SETTINGS,
        )  # fmt: skip


def test_tissue_is_filled_and_has_no_specks():
    plane = np.random.default_rng(1).normal(100, 5, (120, 160)).astype(np.float32)
    cv2.circle(plane, (80, 60), 40, 600, -1)
    cv2.circle(plane, (80, 60), 12, 100, -1)  # a ventricle
    cv2.circle(plane, (8, 8), 3, 600, -1)  # dust
    disc = cv2.circle(np.zeros_like(plane), (80, 60), 40, 1, -1) > 0
    light, mask = tissue_of(plane, 40.0)
    assert np.count_nonzero(mask ^ disc) < 0.05 * np.count_nonzero(disc)
    assert np.count_nonzero(mask[:20, :20]) == 0
    assert np.median(light[40:50, 70:90]) == pytest.approx(500, abs=15)
    assert light[~mask].max() == 0


def test_the_plane_itself_is_not_changed():
    plane = reference()
    before = plane.copy()
    tissue_of(plane, PIXEL_UM)
    tissue_of(70000 - plane, PIXEL_UM)
    np.testing.assert_array_equal(plane, before)


def test_a_place_is_a_place_about_both_centres():
    """A section that lies nearly as its plane does. On the very pixels of the plane, as no scan is, it alone is not
    interpolated: half a pixel beside them it is smoother, as the plane is."""
    near = geometry.rigid(0.01, 0.5, 0.5, SHAPE)
    found = placed(reference(), to_section=near)
    assert error_px(found, near) < 0.3
    assert math.degrees(found.rotation_rad) == pytest.approx(math.degrees(0.01), abs=0.3)
    assert (found.shift_x_um, found.shift_y_um) == pytest.approx((20, 20), abs=0.3 * PIXEL_UM)
