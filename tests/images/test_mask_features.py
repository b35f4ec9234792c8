"""What a pixel looks like does not depend on the lamp, on where it is, or on how much glass there is around."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from textured import MASKS, PIXEL_UM, SHAPE, section

from brainstack.images.mask_features import Features, close_to, features

SIGMAS_UM = (40.0, 80.0)


def features_of(image: np.ndarray, **others: float) -> Features:
    return features(image, **{"pixel_size_um": PIXEL_UM} | others, settings=MASKS, sigmas_um=SIGMAS_UM)


def inner(found: Features) -> np.ndarray:
    """Without the border, which is told by what is beyond."""
    return found.values[40:-40, 40:-40]


def test_there_is_a_number_for_each_pixel_and_name() -> None:
    found = features_of(section(1)[0])

    assert found.values.shape == (*SHAPE, len(found.names))
    assert found.values.dtype == np.float32
    assert np.isfinite(found.values).all()
    assert len(set(found.names)) == len(found.names)
    assert "slope, 80 um" in found.names


def test_they_are_at_the_working_scale_whatever_the_size_of_a_pixel() -> None:
    image = section(1)[0]
    fine = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)

    assert features_of(fine, pixel_size_um=PIXEL_UM / 2).values.shape == features_of(image).values.shape


@pytest.mark.parametrize("gain", [0.25, 4])
def test_a_brighter_lamp_changes_nothing(gain: float) -> None:
    image = section(1)[0].astype(np.float64)
    dim, bright = (features_of(np.rint(image * one).astype(np.uint16)) for one in (1, gain))

    assert np.quantile(np.abs(dim.values - bright.values), 0.99) < 0.1  # levels are whole numbers


def test_another_place_in_the_image_changes_nothing() -> None:
    image = section(1)[0]
    before, after = features_of(image), features_of(np.roll(image, (7, 5), axis=(0, 1)))

    assert (
        np.quantile(np.abs(np.roll(inner(before), (7, 5), axis=(0, 1))[10:, 10:] - inner(after)[10:, 10:]), 0.99) < 0.1
    )


def test_more_glass_around_changes_little() -> None:
    image = section(1)[0]
    random = np.random.default_rng(9)
    wide = np.rint(400 + 12 * random.standard_normal((SHAPE[0] + 80, SHAPE[1] + 80))).astype(np.uint16)
    wide[40:-40, 40:-40] = image
    before, after = inner(features_of(image)), inner(features_of(wide))[40:-40, 40:-40]

    spread = before.std(axis=(0, 1))
    assert (np.median(np.abs(before - after), axis=(0, 1)) < 0.1 * spread).all()


def test_the_light_of_dust_is_felt_no_farther_where_it_is_ten_times_as_bright() -> None:
    bright, brighter = section(1)[0], section(1)[0]
    bright[30:33, 130:133] = 6500  # four times the tissue
    brighter[30:33, 130:133] = 65000
    before, after = features_of(bright), features_of(brighter)

    rows, columns = np.indices(SHAPE)
    around = np.hypot(rows - 31, columns - 131) > 8  # 160 um, twice the widest filter
    light = [place for place, name in enumerate(before.names) if name.startswith("light")]
    difference = np.abs(before.values - after.values)[around][:, light].max(axis=0)
    assert (difference < 0.25 * before.values[..., light].std(axis=(0, 1))).all()


def test_haze_that_is_brighter_than_tissue_is_glass_as_it_is_smooth() -> None:
    image = section(1)[0]
    rows, columns = np.indices(SHAPE)
    haze = 4000 * np.exp(-(np.square(rows - 180) + np.square(columns - 30)) / (2 * 25**2))
    above = features_of(np.rint(image + haze).astype(np.uint16)).light.above

    assert above[180, 30] < 0.25 * haze[180, 30]  # by its slopes, all of it is light


def test_colour_has_the_hue_of_what_is_absorbed() -> None:
    glass = np.full((*SHAPE, 3), 240, np.uint8)
    red, blue = glass.copy(), glass.copy()
    cv2.circle(red, (100, 100), 60, (230, 120, 120), -1)
    cv2.circle(blue, (100, 100), 60, (120, 120, 230), -1)
    of_red, of_blue = (features_of(one) for one in (red, blue))

    hue = of_red.names.index("hue 0")
    assert of_red.values[100, 100, hue] < 0.5 < 1.2 < of_blue.values[100, 100, hue]  # red lets red pass


def test_near_the_outline_is_on_both_sides_of_it() -> None:
    mask = np.zeros((20, 40), bool)
    mask[:, 20:] = True

    assert np.flatnonzero(close_to(mask, 3.5)[10]).tolist() == [17, 18, 19, 20, 21, 22]
