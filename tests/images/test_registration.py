"""Made-up tissue, moved by a known rotation and shift, comes back to where it was."""

import math
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from brainstack import geometry
from brainstack.errors import BrainstackError
from brainstack.images import elastix, registration
from brainstack.images.alignment_verdicts import PairFit, fits
from brainstack.images.levels import pyramid
from brainstack.images.registration import Registered, measure_pair, register_pair
from brainstack.records import GivenPair
from brainstack.settings import ElastixSettings, load_settings

SHAPE = (240, 300)
PIXEL_UM = 40.0
SETTINGS = load_settings().elastix


def tissue(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A lopsided section with structure inside, (rows, columns) uint16, and its mask."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    mask = ((columns - 150) / 95) ** 2 + ((rows - 120) / 62) ** 2 < 1
    mask |= ((columns - 205) / 40) ** 2 + ((rows - 150) / 45) ** 2 < 1
    random = np.random.default_rng(seed)
    light = sum(gaussian_filter(random.standard_normal(SHAPE), sigma) * sigma for sigma in (2, 5, 11))
    light = 20000 + 9000 * light / light.std()
    return np.where(mask, np.clip(light, 500, 65535), 0).astype(np.uint16), mask


def moved(picture: np.ndarray, mask: np.ndarray, to_moving: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The section and its mask where the map takes them, with other noise and light."""
    size = (SHAPE[1], SHAPE[0])
    light = cv2.warpAffine(picture, to_moving[:2], size, flags=cv2.INTER_CUBIC) * 0.7
    light = light + np.random.default_rng(9).normal(0, 500, SHAPE)
    moved_mask = cv2.warpAffine(mask.astype(np.uint8), to_moving[:2], size, flags=cv2.INTER_NEAREST) > 0
    return np.where(moved_mask, np.clip(light, 1, 65535), 0).astype(np.uint16), moved_mask


def register(
    fixed: tuple[np.ndarray, np.ndarray],
    moving: tuple[np.ndarray, np.ndarray],
    pixel_size_um: float = PIXEL_UM,
    settings: ElastixSettings = SETTINGS,
    **others: Any,
) -> Registered:
    return register_pair(
        fixed[0],
        moving[0],
        fixed_mask=fixed[1],
        moving_mask=moving[1],
        pixel_size_um=pixel_size_um,
        settings=settings,
        **others,
    )


def is_fit(found: Registered, settings: ElastixSettings = SETTINGS) -> bool:
    return fits(PairFit(0, 1, found.metric, found.overlap, found.dice, found.likeness, 0.0), settings)


def error_px(found: Registered, true: np.ndarray, mask: np.ndarray) -> float:
    """Mean distance over the tissue between where its pixels go and where they should."""
    estimate = found.matrix(PIXEL_UM, SHAPE)
    rows, columns = np.nonzero(mask)
    at = np.stack([columns, rows], axis=-1)
    return float(np.linalg.norm(geometry.points(estimate, at) - geometry.points(true, at), axis=1).mean())


@pytest.mark.parametrize(
    ("degrees", "shift_x_px", "shift_y_px"), [(0, 0, 0), (6, 9.3, -5.6), (-95, 4, 12), (178, -14.5, 3.2)]
)
def test_a_section_at_any_angle_is_found(degrees: float, shift_x_px: float, shift_y_px: float):
    fixed = tissue()
    true = geometry.rigid(math.radians(degrees), shift_x_px, shift_y_px, SHAPE)
    found = register(fixed, moved(*fixed, true))
    assert error_px(found, true, fixed[1]) < 0.2
    assert found.metric > 0.95
    assert min(found.overlap, found.dice, found.likeness) > 0.95
    assert is_fit(found)
    assert (found.mirrored, found.is_same, found.engine_error) == (False, False, "")


def test_rotation_and_shift_are_those_of_the_truth():
    fixed = tissue()
    found = register(fixed, moved(*fixed, geometry.rigid(0.25, 7, -4, SHAPE)))
    assert found.rotation_rad == pytest.approx(0.25, abs=0.002)
    assert (found.shift_x_um, found.shift_y_um) == pytest.approx((7 * PIXEL_UM, -4 * PIXEL_UM), abs=0.2 * PIXEL_UM)


def test_half_a_section_finds_its_place_on_the_whole():
    picture, mask = tissue()
    true = geometry.rigid(0.3, 5, 9, SHAPE)
    half = mask & (np.arange(SHAPE[1]) > 140)
    found = register((picture, mask), moved(np.where(half, picture, 0), half, true))
    assert error_px(found, true, mask) < 0.5


def test_bright_debris_does_not_rule():
    picture, mask = tissue()
    true = geometry.rigid(0.1, -3, 2, SHAPE)
    other, other_mask = moved(picture, mask, true)
    other = other.copy()
    other[150:170, 190:215] = 65535
    found = register((picture // 8, mask), (np.where(other < 65535, other // 8, other), other_mask))
    assert error_px(found, true, mask) < 0.3


def test_eight_bit_sections_are_registered_too():
    picture, mask = tissue()
    true = geometry.rigid(0.1, -3, 2, SHAPE)
    other, other_mask = moved(picture, mask, true)
    found = register(((picture >> 8).astype(np.uint8), mask), ((other >> 8).astype(np.uint8), other_mask))
    assert error_px(found, true, mask) < 0.2


def test_the_same_pair_gives_the_same_digits():
    fixed = tissue()
    moving = moved(*fixed, geometry.rigid(-0.2, 3, 3, SHAPE))
    assert register(fixed, moving) == register(fixed, moving)


def test_a_pair_prints_nothing_and_leaves_no_file(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    register(tissue(), moved(*tissue(), geometry.shift(2, 0)))
    os.write(1, b"the console is back")
    assert capfd.readouterr() == ("the console is back", "")
    assert not list(tmp_path.iterdir())


def test_the_sections_themselves_are_not_changed():
    fixed, moving = tissue(), tissue()
    register(fixed, moving)
    assert all(np.array_equal(now, before) for now, before in zip((*fixed, *moving), tissue() * 2, strict=True))


def test_what_elastix_made_worse_is_not_kept(monkeypatch: pytest.MonkeyPatch):
    fixed = tissue()
    true = geometry.rigid(0.1, 4, 4, SHAPE)
    moving = moved(*fixed, true)
    monkeypatch.setattr(registration, "refine", lambda level, start, *others: start @ geometry.shift(6, 0))
    found = register(fixed, moving)
    assert error_px(found, true, fixed[1]) < 0.5
    assert found == register(fixed, moving, by_elastix=False)


def test_how_two_sections_lie_on_their_canvas_is_measured_too():
    """A shift of a whole cell leaves them alike in outline only; with none they are as alike as they will be."""
    fixed = tissue()
    assert register(fixed, moved(*fixed, geometry.shift(0, 0))).metric_before > 0.95
    assert register(fixed, moved(*fixed, geometry.rigid(1.5, 20, 9, SHAPE))).metric_before < 0.3


def test_two_pictures_that_are_one_and_the_same_lie_on_each_other_and_say_so():
    found = register(tissue(), tissue())
    assert found.is_same
    assert np.array_equal(found.matrix(PIXEL_UM, SHAPE), np.eye(3))


# Mirrored


def upside_down(fixed: tuple[np.ndarray, np.ndarray]) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """The section mounted upside down, and the map to it."""
    true = geometry.rigid(0.4, 6, -3, SHAPE, mirrored=True)
    return moved(*fixed, true), true


def test_a_section_that_is_mirrored_is_found_where_that_may_be():
    fixed = tissue()
    moving, true = upside_down(fixed)
    found = register(fixed, moving, mirrors="try")
    assert found.mirrored
    assert error_px(found, true, fixed[1]) < 0.2
    assert found.likeness_other is not None
    assert found.likeness > found.likeness_other + 0.1


def test_a_section_that_is_not_mirrored_is_not_taken_for_one():
    fixed = tissue()
    found = register(fixed, moved(*fixed, geometry.rigid(0.4, 6, -3, SHAPE)), mirrors="try")
    assert not found.mirrored
    assert found.likeness_other is not None
    assert found.likeness > found.likeness_other + 0.1


@pytest.mark.parametrize(("mirrors", "mirrored"), [("no", False), ("yes", True)])
def test_where_the_state_is_known_the_other_one_is_not_tried(mirrors: str, mirrored: bool):
    fixed = tissue()
    moving, true = upside_down(fixed)
    found = register(fixed, moving, mirrors=mirrors, by_elastix=False)
    assert found.mirrored == mirrored
    assert found.likeness_other is None
    assert (error_px(found, true, fixed[1]) < 1) == mirrored


# From other starts


def test_of_several_starts_the_one_that_makes_the_two_most_alike_wins(monkeypatch: pytest.MonkeyPatch):
    """The ring's own is off by half a section; one of the others is near, the other mirrors and does not count."""
    fixed = tissue()
    true = geometry.rigid(0.3, 5, -4, SHAPE)
    moving = moved(*fixed, true)
    monkeypatch.setattr(registration, "ring_start", lambda *_: geometry.rigid(2.0, 60, 40, SHAPE))
    near, mirrored = true @ geometry.rigid(0.03, 2, 1, SHAPE), geometry.rigid(0, 0, 0, SHAPE, mirrored=True)
    assert error_px(register(fixed, moving), true, fixed[1]) > 10
    assert error_px(register(fixed, moving, starts=[mirrored, near]), true, fixed[1]) < 0.2


# By hand


def test_a_pair_given_by_hand_is_measured_where_it_was_given():
    fixed = tissue()
    moving = moved(*fixed, geometry.rigid(0.1, 4, 4, SHAPE))
    images = {"fixed_mask": fixed[1], "moving_mask": moving[1], "pixel_size_um": PIXEL_UM, "settings": SETTINGS}
    right, wrong = (
        measure_pair(fixed[0], moving[0], **images, by_hand=GivenPair(rotation_rad, 4 * PIXEL_UM, 4 * PIXEL_UM))
        for rotation_rad in (0.1, 0.9)
    )
    assert (right.rotation_rad, right.shift_x_um, right.shift_y_um) == (0.1, 160, 160)
    assert right.metric > 0.95
    assert wrong.metric < 0.6


# What cannot be registered


def test_two_different_brains_are_registered_somehow_and_do_not_fit():
    picture, mask = tissue(seed=1)
    found = register(tissue(), (picture[::-1], mask[::-1]))
    assert not is_fit(found, SETTINGS.model_copy(update={"lowest_metric": 0.6}))


@pytest.mark.parametrize("empty", [0, 1])
def test_an_empty_mask_is_refused(empty: int):
    pair = [tissue(), tissue()]
    pair[empty] = (pair[empty][0], np.zeros(SHAPE, dtype=bool))
    with pytest.raises(BrainstackError, match=f"mask of the {('first', 'second')[empty]} section is empty"):
        register(*pair)


def test_sections_on_two_canvases_are_refused():
    picture, mask = tissue()
    with pytest.raises(ValueError, match="on one canvas"):
        register((picture, mask), (picture[:-1], mask[:-1]))


def test_a_black_section_does_not_fit():
    picture, mask = tissue()
    found = register((picture, mask), (np.zeros_like(picture), mask))
    assert (found.metric, found.likeness) == (0, 0)
    assert not is_fit(found)


def test_what_elastix_refuses_is_said_in_a_sentence():
    settings = SETTINGS.model_copy(update={"rigid": SETTINGS.rigid | {"Metric": "NoSuchMetric"}})
    picture, mask = tissue()
    moving = (np.roll(picture, 2, axis=0), np.roll(mask, 2, axis=0))
    found = register((picture, mask), moving, settings=settings)
    assert re.match(r"elastix could not register .* config/rigid\.toml", found.engine_error)
    assert error_px(found, geometry.shift(0, 2), mask) < 1  # as it was begun


def test_the_centre_of_rotation_counts_in_elastix_words():
    # A quarter turn about (10, 20) leaves that point; then it is shifted by (1, 2).
    matrix = elastix.from_elastix((str(math.pi / 2), "1", "2"), ("10", "20"))
    assert np.allclose(geometry.points(matrix, [(10, 20), (15, 20)]), [(11, 22), (11, 27)])


def test_elastix_stays_where_two_equal_sections_begin():
    picture, mask = tissue()
    full, _ = pyramid(picture, picture, mask, mask, pixel_size_um=PIXEL_UM, settings=SETTINGS)
    found = elastix.refine(full, np.eye(3), SETTINGS, 4)
    corners = np.array([(0, 0), (299, 0), (0, 239), (299, 239)])
    assert np.abs(geometry.points(found, corners) - corners).max() < 0.2


def test_the_parameters_of_elastix_come_with_the_settings_and_an_animals_own_on_top(tmp_path: Path):
    own = tmp_path / "settings.toml"
    own.write_text("[elastix.rigid]\nMaximumNumberOfIterations = 7\n", encoding="utf-8")
    rigid = load_settings(own).elastix.rigid
    assert rigid["MaximumNumberOfIterations"] == 7
    assert rigid["Transform"] == SETTINGS.rigid["Transform"] == "EulerTransform"
