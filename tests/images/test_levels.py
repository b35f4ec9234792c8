"""A lamp that is stronger on one side says nothing of how a section lies; answers known from how it was made."""

import math

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from brainstack import geometry
from brainstack.images.levels import Level, likeness, pyramid
from brainstack.images.registration import register_pair
from brainstack.settings import load_settings

SHAPE = (180, 240)
PIXEL_UM = 50.0
SETTINGS = load_settings().elastix.model_copy(update={"smoothing_um": 0.0})

Picture = np.ndarray


def oval() -> Picture:
    """The outline of tissue that is the same from half a turn away."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return ((columns - 119.5) / 75) ** 2 + ((rows - 89.5) / 50) ** 2 < 1


def structured(mask: Picture) -> Picture:
    light = gaussian_filter(np.random.default_rng(3).standard_normal(SHAPE), 4)
    return np.where(mask, 20000 * (1 + 0.1 * light / light.std()), 0)


def lit(picture: Picture, across: float, down: float = 0.0) -> Picture:
    """The picture under a lamp that is so much stronger at the right and at the bottom, weaker at the left and top."""
    rows, columns = (np.linspace(-1, 1, side) for side in SHAPE)
    return (picture * (1 + across * columns + down * rows[:, np.newaxis])).astype(np.uint16)


def full_level(fixed: Picture, moving: Picture, mask: Picture) -> Level:
    return pyramid(fixed, moving, mask, mask, pixel_size_um=PIXEL_UM, settings=SETTINGS)[0]


def test_light_that_only_the_lamp_makes_uneven_is_even():
    mask = oval()
    mask[:60, :100] = False  # its middle is not the canvas'
    level = full_level(lit(20000.0 * mask, 0.5, -0.3), lit(9000.0 * mask, -0.4), mask)
    for light in (level.fixed, level.moving):
        assert light[mask] == pytest.approx(1, abs=1e-3)
        assert not light[~mask].any()


def test_one_section_under_two_lamps_is_one_section():
    mask = oval()
    picture = structured(mask)
    assert likeness(full_level(lit(picture, 0.5), lit(picture, -0.5), mask), np.eye(3)) > 0.98


def test_a_lamp_that_leaves_one_side_dark_makes_no_light_negative_or_endless():
    mask = oval()
    dark = np.where(np.arange(SHAPE[1]) > 150, 20000 * mask, 10 * mask).astype(np.uint16)
    light = full_level(dark, dark, mask).fixed
    assert np.isfinite(light).all()
    assert light.min() >= 0
    assert light.max() == 1


@pytest.mark.parametrize("picture", [np.zeros(SHAPE, np.uint16), np.full(SHAPE, 700, np.uint16)])
def test_tissue_without_texture_gets_none(picture: Picture):
    mask = oval()
    light = full_level(picture, picture, mask).fixed[mask]
    assert light.min() == light.max()


def test_one_pixel_of_tissue_is_light():
    mask = np.zeros(SHAPE, bool)
    mask[20, 30] = True
    assert full_level(np.where(mask, 500, 0), np.where(mask, 500, 0), mask).fixed[20, 30] == 1


def test_two_sections_are_not_laid_with_their_bright_sides_upon_each_other():
    """The outline fits from half a turn away as well, and there both lamps shine from the same side."""
    mask = oval()
    true = geometry.rigid(math.radians(20), 4, -3, SHAPE)
    size = (SHAPE[1], SHAPE[0])
    turned = cv2.warpAffine(structured(mask), true[:2], size, flags=cv2.INTER_CUBIC)
    turned_mask = cv2.warpAffine(mask.astype(np.uint8), true[:2], size, flags=cv2.INTER_NEAREST) > 0
    found = register_pair(
        lit(structured(mask), 0.5), lit(np.where(turned_mask, turned, 0), -0.5), fixed_mask=mask,
        moving_mask=turned_mask, pixel_size_um=PIXEL_UM, settings=SETTINGS, by_elastix=False,
    )  # fmt: skip
    rows, columns = np.nonzero(mask)
    at = np.stack([columns, rows], axis=-1)
    apart = geometry.points(found.matrix(PIXEL_UM, SHAPE), at) - geometry.points(true, at)
    assert np.linalg.norm(apart, axis=1).mean() < 0.5
