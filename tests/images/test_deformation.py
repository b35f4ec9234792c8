"""Tissue stretched by a known field comes back, and what changes steadily along the stack stays."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from brainstack import geometry
from brainstack.images.alignment import align
from brainstack.images.deformation import AlignedSection, Field, coarse, deformation, limited, without_rigid
from brainstack.settings import load_settings

SHAPE = (300, 360)
UM = 20.8
ROWS, COLUMNS = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32)
TISSUE = ((COLUMNS - 180) / 140) ** 2 + ((ROWS - 150) / 105) ** 2 < 1
STRETCH_PX = np.stack([np.sin(2 * np.pi * ROWS / 200), np.cos(2 * np.pi * COLUMNS / 180)], axis=-1)
SETTINGS = load_settings().deformation.model_copy(update={"grid_um": 1000.0})
COMPARING = load_settings().elastix
NOTHING_PX = np.zeros((*SHAPE, 2), np.float32)


def texture(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    noise = [cv2.GaussianBlur(random.standard_normal(SHAPE), (0, 0), sigma) for sigma in (2, 5, 14)]
    return np.asarray(sum(one / one.std() for one in noise), np.float32)


def section(field_px: np.ndarray, seed: int, own: float = 0) -> AlignedSection:
    """The brain, where the field says, with noise and as much texture of its own."""
    at = (field_px + np.stack([COLUMNS, ROWS], axis=-1)).astype(np.float32)
    mask = cv2.remap(TISSUE.astype(np.float32), at, None, cv2.INTER_LINEAR) > 0.5
    light = cv2.remap(20000 + 5000 * texture(0), at, None, cv2.INTER_CUBIC) + own * texture(seed)
    light += np.random.default_rng(seed).normal(0, 500, SHAPE)
    return AlignedSection(np.where(mask, np.clip(light, 1, 65535), 0).astype(np.uint16), mask)


def found(one: AlignedSection, before: AlignedSection, after: AlignedSection) -> Field:
    """In micrometres, at each pixel of the canvas."""
    field = deformation(one, before, after, pixel_size_um=UM, settings=SETTINGS, comparing=COMPARING)
    if field is None:
        return NOTHING_PX
    return np.asarray(cv2.resize(field, SHAPE[::-1], interpolation=cv2.INTER_LINEAR))


def mean_um(field_um: Field) -> float:
    return float(np.linalg.norm(field_um, axis=-1)[TISSUE].mean())


def undone_um(field_px: np.ndarray) -> Field:
    """The field that brings back what `section` made of this one: d(p) = -u(p + d(p)), less its rigid part."""
    undone = -field_px
    for _ in range(20):
        at = (undone + np.stack([COLUMNS, ROWS], axis=-1)).astype(np.float32)
        undone = -cv2.remap(field_px.astype(np.float32), at, None, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
    return without_rigid((undone * UM).astype(np.float32), TISSUE, UM)


def test_a_stretched_section_comes_back_by_more_than_half() -> None:
    true_um = undone_um(2.5 * STRETCH_PX)
    field_um = found(section(2.5 * STRETCH_PX, 3), section(NOTHING_PX, 1), section(NOTHING_PX, 2))
    assert mean_um(true_um) > 40
    assert mean_um(field_um - true_um) < 0.4 * mean_um(true_um)


def test_identical_sections_get_no_field() -> None:
    one = section(NOTHING_PX, 1)
    assert deformation(one, one, one, pixel_size_um=UM, settings=SETTINGS, comparing=COMPARING) is None


def test_a_brain_that_changes_steadily_stays_as_it_is() -> None:
    before, after = section(-STRETCH_PX, 1), section(STRETCH_PX, 2)
    assert mean_um(found(section(NOTHING_PX, 3), before, after)) < 3


def test_what_is_rigid_is_taken_out() -> None:
    matrix = geometry.rigid(0.05, 6, -3, SHAPE)
    at = np.stack([COLUMNS, ROWS], axis=-1)
    field_um = ((geometry.points(matrix, at) - at) * UM).astype(np.float32)
    assert np.abs(without_rigid(field_um, TISSUE, UM)).max() < 0.05


def test_no_tissue_is_moved_further_than_the_limit() -> None:
    field_um = limited((60 * STRETCH_PX).astype(np.float32), 50)
    assert np.linalg.norm(field_um, axis=-1).max() == pytest.approx(50)
    short = (20 * STRETCH_PX).astype(np.float32)
    assert np.array_equal(limited(short, 50), short)


def test_field_and_matrix_are_one_resampling() -> None:
    picture = section(NOTHING_PX, 1).picture
    matrix = geometry.rigid(0.1, 4, 2, SHAPE)
    field_px = coarse((2 * STRETCH_PX).astype(np.float32), 1, SHAPE, 8)
    at = geometry.points(matrix, np.stack([COLUMNS, ROWS], axis=-1) + 2 * STRETCH_PX).astype(np.float32)
    true = cv2.remap(picture, at, None, cv2.INTER_LINEAR).astype(float)
    inside = TISSUE & (cv2.erode(TISSUE.astype(np.uint8), np.ones((31, 31))) > 0)
    assert np.abs(align(picture, matrix, field=field_px) - true)[inside].mean() < 0.005 * 20000


def test_a_field_of_nothing_changes_no_pixel() -> None:
    picture, matrix = section(NOTHING_PX, 1).picture, geometry.shift(3, -2)
    assert np.array_equal(align(picture, matrix, field=np.zeros((5, 6, 2), np.float32)), align(picture, matrix))
