"""What is smooth is no tissue, however bright, and what is grainy is, however the haze lies: on made-up sections."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from brainstack.images.mask_grain import along_edge, grain_of, without_smooth, without_smooth_fields
from brainstack.images.masks import propose_mask
from brainstack.images.planes import dice, not_scanned
from brainstack.settings import MasksSettings, load_settings

PIXEL_UM = 20.0
SHAPE = (300, 400)
GLASS, TISSUE = 300.0, 600.0

Plane = NDArray[Any]
Mask = NDArray[np.bool_]


@pytest.fixture(scope="module")
def settings() -> MasksSettings:
    return load_settings().masks


def disk(row: float, column: float, radius_px: float) -> Mask:
    rows, columns = np.indices(SHAPE)
    return np.asarray(np.hypot(rows - row, columns - column) < radius_px)


def scanned(tissue: Mask, smooth_light: Plane, *, seed: int = 1) -> NDArray[np.uint16]:
    """Cells make the tissue grainy by a third of its light; photons make all of it noisy."""
    random = np.random.default_rng(seed)
    cells = 1 + cv2.GaussianBlur(random.standard_normal(SHAPE), (0, 0), 0.8)
    light = GLASS + smooth_light + TISSUE * tissue * np.maximum(cells, 0)
    light = cv2.GaussianBlur(light, (0, 0), 0.6)
    return np.asarray(random.poisson(light), np.uint16)


def proposed(image: NDArray[np.uint16], settings: MasksSettings) -> Mask:
    return propose_mask(image, pixel_size_um=PIXEL_UM, settings=settings)


def test_only_tissue_is_rough_and_a_wide_field_of_it_is_core(settings: MasksSettings) -> None:
    section, smear = disk(150, 130, 70), disk(150, 300, 50)
    image = scanned(section, TISSUE * smear)
    grain = grain_of(image, ~not_scanned(image), pixel_size_um=PIXEL_UM, settings=settings)
    assert grain.core[disk(150, 130, 60)].all()
    assert not grain.core[disk(150, 300, 50)].any()
    assert np.median(grain.strength[disk(150, 300, 40)]) < 1.3
    # The mean over 60 um, and again, reaches that far beyond the section.
    assert not grain.core[~disk(150, 130, 70 + 3 * 60 / PIXEL_UM * 2)].any()


def test_glass_alone_has_no_core(settings: MasksSettings) -> None:
    image = scanned(np.zeros(SHAPE, np.bool_), np.zeros(SHAPE))
    grain = grain_of(image, ~not_scanned(image), pixel_size_um=PIXEL_UM, settings=settings)
    assert not grain.core.any()


def test_a_smear_that_touches_the_section_is_left_out(settings: MasksSettings) -> None:
    section = disk(150, 130, 70)
    smear = (disk(150, 300, 50) | (np.abs(np.indices(SHAPE)[0] - 150) < 5) & (np.indices(SHAPE)[1] > 130)) & ~section
    mask = proposed(scanned(section, TISSUE * smear), settings)
    assert not mask[disk(150, 300, 45)].any()
    assert dice(mask, section) > 0.97


def test_a_smear_wider_than_any_bridge_is_cut_off_where_the_grain_ends(settings: MasksSettings) -> None:
    section = disk(150, 130, 70)
    rows, columns = np.indices(SHAPE)
    smear = (np.abs(rows - 150) < 40) & (columns > 130) & (columns < 330) & ~section
    mask = proposed(scanned(section, TISSUE * smear), settings)
    assert not mask[:, 260:].any()
    assert dice(mask, section) > 0.93


def test_a_section_in_haze_as_bright_as_itself_is_found(settings: MasksSettings) -> None:
    section = disk(150, 200, 60)
    columns = np.indices(SHAPE)[1]
    haze = TISSUE * np.exp(-np.square((columns - 240) / 90))
    assert dice(proposed(scanned(section, haze), settings), section) > 0.95


def test_what_lies_flat_along_the_edge_is_the_neighbours(settings: MasksSettings) -> None:
    rows, columns = np.indices(SHAPE)
    strip = (rows > 285) & (columns > 60) & (columns < 340)
    section = disk(130, 200, 80)
    all_scanned = np.ones(SHAPE, np.bool_)
    assert along_edge(strip | section, all_scanned, settings)[strip].all()
    assert not along_edge(strip | section, all_scanned, settings)[section].any()
    mask = proposed(scanned(strip | section, np.zeros(SHAPE)), settings)
    assert not mask[strip].any()
    assert dice(mask, section) > 0.97


def test_a_section_that_the_scan_cuts_is_not_the_neighbours(settings: MasksSettings) -> None:
    section = disk(0, 200, 120)
    assert not along_edge(section, np.ones(SHAPE, np.bool_), settings).any()
    assert dice(proposed(scanned(section, np.zeros(SHAPE)), settings), section) > 0.97


def test_a_section_as_smooth_as_glass_is_found_by_its_light(settings: MasksSettings) -> None:
    """Such as one out of focus."""
    section = disk(150, 200, 80)
    image = scanned(np.zeros(SHAPE, np.bool_), TISSUE * section)
    grain = grain_of(image, ~not_scanned(image), pixel_size_um=PIXEL_UM, settings=settings)
    assert not grain.core.any()
    assert dice(proposed(image, settings), section) > 0.97


def test_grain_takes_nothing_from_a_mask_that_is_all_tissue(settings: MasksSettings) -> None:
    section = disk(150, 200, 80)
    image = scanned(section, np.zeros(SHAPE))
    grain = grain_of(image, ~not_scanned(image), pixel_size_um=PIXEL_UM, settings=settings)
    assert np.array_equal(without_smooth(section, grain, settings), section)
    assert np.array_equal(without_smooth_fields(section, grain, settings), section)


def test_a_black_image_has_no_grain(settings: MasksSettings) -> None:
    image = np.zeros(SHAPE, np.uint16)
    grain = grain_of(image, ~not_scanned(image), pixel_size_um=PIXEL_UM, settings=settings)
    assert not grain.rough.any()
    assert (grain.strength == 1).all()
