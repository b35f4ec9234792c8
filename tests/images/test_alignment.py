"""One resampling, against scipy's."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

from brainstack import geometry
from brainstack.images.alignment import align

SHAPE = (180, 230)


def section(dtype: type) -> np.ndarray:
    noise = gaussian_filter(np.random.default_rng(0).random(SHAPE), 2)
    share = (noise - noise.min()) / np.ptp(noise)
    return (share * np.iinfo(dtype).max).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_identity_changes_no_pixel(dtype: type):
    assert np.array_equal(align(section(dtype), np.eye(3)), section(dtype))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_rotation_samples_where_scipy_does(dtype: type):
    matrix = geometry.rigid(0.3, 12.3, -7.7, SHAPE)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    at = geometry.points(matrix, np.stack([columns, rows], axis=-1))
    picture = section(dtype)
    true = map_coordinates(picture.astype(float), [at[..., 1], at[..., 0]], order=1, mode="grid-constant")
    aligned = align(picture, matrix)
    assert aligned.dtype == dtype
    # Half a step of the type, and what a coordinate wrong by 0.001 pixel does where neighbours differ most.
    steepest = np.abs(np.diff(picture.astype(float), axis=1)).max()
    assert np.abs(aligned - true).max() <= 0.5 + 0.001 * steepest + 1e-6


def test_a_whole_shift_moves_pixels_and_leaves_background():
    picture = section(np.uint16)
    aligned = align(picture, geometry.shift(3, -2), background=7)
    assert np.array_equal(aligned[2:, :-3], picture[:-2, 3:])
    assert (aligned[:2] == 7).all()
    assert (aligned[:, -3:] == 7).all()


def test_colours_move_together():
    grey = section(np.uint8)
    matrix = geometry.rigid(-0.2, 5.5, 0, SHAPE)
    coloured = align(np.dstack([grey, grey // 2, grey]), matrix, background=255)
    assert coloured.shape == (*SHAPE, 3)
    assert np.array_equal(coloured[..., 0], align(grey, matrix, background=255))
    assert (coloured[0, 0] == 255).all() or (coloured[-1, 0] == 255).all()


def test_the_section_itself_is_not_changed():
    picture = section(np.uint16)
    before = picture.copy()
    align(picture, geometry.shift(5, 5))
    assert np.array_equal(picture, before)
