"""Maps that mirror: what a section that lies the wrong way up on its slide goes through."""

import math

import numpy as np
import pytest

from brainstack import geometry

SHAPE = (30, 41)
ANGLES = [0.0, 0.3, -2.5, math.pi / 2, 3.1]


def test_a_mirror_alone_is_the_flop():
    assert np.allclose(geometry.rigid(0, 0, 0, SHAPE, mirrored=True), geometry.turning(0, "flop", SHAPE))


def test_a_mirrored_bright_pixel_lies_where_numpy_puts_it():
    picture = np.zeros(SHAPE)
    picture[4, 33] = 1
    (row,), (column,) = np.nonzero(np.fliplr(picture))
    assert geometry.points(geometry.rigid(0, 0, 0, SHAPE, mirrored=True), (33, 4)).tolist() == [column, row]


@pytest.mark.parametrize("angle", ANGLES)
def test_the_mirror_comes_before_rotation_and_shift(angle: float):
    flop = geometry.turning(0, "flop", SHAPE)
    assert np.allclose(
        geometry.rigid(angle, 12.25, -3.5, SHAPE, mirrored=True), geometry.rigid(angle, 12.25, -3.5, SHAPE) @ flop
    )


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("angle", ANGLES)
def test_the_parts_are_those_it_was_made_of(angle: float, mirrored: bool):
    parts = geometry.rigid_parts(geometry.rigid(angle, 12.25, -3.5, SHAPE, mirrored=mirrored), SHAPE)
    assert (parts.rotation_rad, parts.shift_x_px, parts.shift_y_px) == pytest.approx((angle, 12.25, -3.5))
    assert parts.mirrored is mirrored


def test_two_mirrors_are_none():
    one, other = (geometry.rigid(angle, 1, 2, SHAPE, mirrored=True) for angle in (0.4, -1.0))
    assert geometry.is_mirrored(one)
    assert not geometry.is_mirrored(other @ one)
    assert geometry.is_mirrored(other @ one @ geometry.inverse(other))


def test_a_mirror_is_its_own_inverse_where_nothing_is_shifted():
    mirror = geometry.rigid(0.7, 0, 0, SHAPE, mirrored=True)
    assert np.allclose(mirror @ mirror, np.eye(3))


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_map_that_is_enlarged_stays_what_it_is(mirrored: bool):
    small = geometry.rigid(0.3, 3, 4, SHAPE, mirrored=mirrored)
    large = (SHAPE[0] * 32, SHAPE[1] * 32)
    assert np.allclose(geometry.scaled(small, 32), geometry.rigid(0.3, 96, 128, large, mirrored=mirrored))


@pytest.mark.parametrize("stretched", [np.diag([1.01, 1, 1]), np.diag([-1.01, 1, 1]), np.diag([0.0, 1, 1])])
def test_what_stretches_has_no_parts(stretched: np.ndarray):
    with pytest.raises(ValueError, match="rotation and a shift"):
        geometry.rigid_parts(stretched, SHAPE)
