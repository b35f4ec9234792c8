"""A made-up section that is its own mirror image, turned and shifted by known amounts, has its axis where it should."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from brainstack import geometry
from brainstack.errors import BrainstackError
from brainstack.images.midline import Midline, find_midline
from brainstack.settings import load_settings

SHAPE = (180, 230)
PIXEL_UM = 40.0
SETTINGS = load_settings().elastix
UPRIGHT = math.pi / 2


def symmetric(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A section whose axis is upright and goes through the canvas centre: (rows, columns) float32, and its mask."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]] - np.array([89.5, 114.5]).reshape(2, 1, 1)
    mask = (columns / 68) ** 2 + (rows / 44) ** 2 < 1
    mask |= ((abs(columns) - 40) / 25) ** 2 + ((rows - 24) / 32) ** 2 < 1
    random = np.random.default_rng(seed)
    light = sum(gaussian_filter(random.standard_normal(SHAPE), sigma) * sigma for sigma in (3, 5, 11))
    light = light + light[:, ::-1]
    return np.where(mask, np.clip(20000 + 7000 * light / light.std(), 500, 65535), 0).astype(np.float32), mask


def laid(to_canvas: np.ndarray, section: tuple[np.ndarray, np.ndarray] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The section where the map takes it, with noise, under a lamp that is stronger on one side."""
    (picture, mask), size = section or symmetric(), (SHAPE[1], SHAPE[0])
    light = cv2.warpAffine(picture, to_canvas[:2], size, flags=cv2.INTER_CUBIC) * np.linspace(0.8, 1.2, SHAPE[1])
    there = cv2.warpAffine(mask.astype(np.uint8), to_canvas[:2], size, flags=cv2.INTER_NEAREST) > 0
    light = light + np.random.default_rng(9).normal(0, 500, SHAPE)
    return np.where(there, np.clip(light, 1, 65535), 0).astype(np.uint16), there


def found_on(section: tuple[np.ndarray, np.ndarray]) -> Midline:
    return find_midline(*section, pixel_size_um=PIXEL_UM, settings=SETTINGS)


def assert_axis(
    found: Midline, angle_rad: float, distance_um: float, *, within_deg: float = 0.2, within_px: float = 0.3
) -> None:
    there = found.facing(angle_rad)
    assert math.degrees(there.angle_rad - angle_rad) == pytest.approx(0, abs=within_deg)
    assert there.distance_um == pytest.approx(distance_um, abs=within_px * PIXEL_UM)


@pytest.mark.parametrize(
    ("degrees", "shift_x_px", "shift_y_px"), [(0, 0, 0), (7, 6.3, -4.6), (-93, 3, 8), (178, -9.5, 3.2), (45, 0, 6)]
)
def test_the_axis_turns_and_shifts_with_the_section(degrees: float, shift_x_px: float, shift_y_px: float):
    angle_rad = UPRIGHT + math.radians(degrees)
    # The axis went through the centre; it now goes through the centre, shifted.
    distance_px = -math.sin(angle_rad) * shift_x_px + math.cos(angle_rad) * shift_y_px
    found = found_on(laid(geometry.rigid(math.radians(degrees), shift_x_px, shift_y_px, SHAPE)))
    assert_axis(found, angle_rad, distance_px * PIXEL_UM)
    assert found.metric > 0.8
    assert found.overlap > 0.95
    assert found.likeness > 0.8


def test_of_two_directions_the_one_near_a_given_angle_is_told():
    axis = Midline(angle_rad=1.5, distance_um=120.0, metric=0.8, overlap=0.9, likeness=0.7)
    assert axis.facing(1.0) == axis
    assert axis.facing(1.5 + math.pi + 0.3).angle_rad == pytest.approx(1.5 + math.pi)
    assert axis.facing(-1.5).angle_rad == pytest.approx(1.5 - math.pi)
    assert axis.facing(-1.5).distance_um == -120.0
    assert axis.facing(-1.5).facing(1.5).distance_um == 120.0


def test_along_the_axis_a_section_may_lie_anywhere():
    near, far = (found_on(laid(geometry.shift(0, by_px))) for by_px in (-10, 15))
    assert_axis(near, far.angle_rad, far.distance_um)


def test_a_mirrored_section_has_the_mirrored_axis():
    true = geometry.rigid(0.2, 5, 3, SHAPE)
    angle_rad = UPRIGHT + 0.2
    distance_um = (-math.sin(angle_rad) * 5 + math.cos(angle_rad) * 3) * PIXEL_UM
    mirrored = found_on(laid(geometry.turning(0, "flop", SHAPE) @ true))
    # x turns round: so does the angle; of the two normals it is then the other that is told.
    assert_axis(mirrored, -angle_rad, distance_um)


def test_a_torn_off_piece_hardly_moves_the_axis():
    picture, mask = symmetric()
    torn = mask.copy()
    torn[100:, 150:] = False
    found = found_on(laid(geometry.rigid(0.3, 4, -2, SHAPE), (np.where(torn, picture, 0), torn)))
    angle_rad = UPRIGHT + 0.3
    assert_axis(found, angle_rad, (-math.sin(angle_rad) * 4 - math.cos(angle_rad) * 2) * PIXEL_UM, within_deg=0.7)
    assert 0.6 < found.overlap < 0.95


def test_a_bright_part_on_one_side_does_not_rule():
    # Where a brain is cut askew, the next lobe comes up on one side first.
    (picture, mask), lobe = symmetric(), np.zeros(SHAPE, np.uint8)
    cv2.ellipse(lobe, (192, 75), (9, 26), 0, 0, 360, 1, -1)
    both = mask | (lobe > 0)
    found = found_on(laid(geometry.rigid(-0.2, 0, 0, SHAPE), (np.where(lobe > 0, 60000, picture), both)))
    assert_axis(found, UPRIGHT - 0.2, 0.0, within_deg=0.7, within_px=0.7)


@pytest.mark.parametrize("pixel_um", [50.0, 60.0, 90.0])  # their finest pictures are coarser than the metric's
def test_thumbnails_of_coarse_pixels_have_an_axis_too(pixel_um: float):
    section = laid(geometry.rigid(0.3, 0, 0, SHAPE))
    found = find_midline(*section, pixel_size_um=pixel_um, settings=SETTINGS)
    assert math.degrees(found.facing(UPRIGHT + 0.3).angle_rad - UPRIGHT - 0.3) == pytest.approx(0, abs=0.3)
    assert found.likeness > 0.8


def test_a_section_that_is_not_like_its_mirror_image_says_so():
    picture, mask = symmetric()
    other, _ = symmetric(seed=1)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    lopsided = mask & (columns + 2 * rows > 190) & (columns - rows < 80)
    picture = np.where(lopsided, np.where(columns < 115, picture, other), 0).astype(np.float32)
    found = found_on(laid(np.eye(3), (picture, lopsided)))
    assert found.likeness < 0.5


def test_the_same_section_gives_the_same_digits():
    section = laid(geometry.rigid(-0.2, 3, 3, SHAPE))
    assert found_on(section) == found_on(section)


def test_eight_bits_do_as_well():
    picture, mask = laid(geometry.rigid(0.1, 0, 0, SHAPE))
    assert_axis(found_on(((picture >> 8).astype(np.uint8), mask)), UPRIGHT + 0.1, 0.0)


def test_the_section_itself_is_not_changed():
    section = laid(np.eye(3))
    found_on(section)
    assert all(np.array_equal(now, before) for now, before in zip(section, laid(np.eye(3)), strict=True))


def test_tissue_of_one_pixel_has_an_axis_through_it():
    mask = np.zeros(SHAPE, bool)
    mask[40, 50] = True
    found = found_on((mask.astype(np.uint16) * 1000, mask))
    assert math.isfinite(found.distance_um)
    assert math.isfinite(found.likeness)


def test_what_has_no_axis_is_refused():
    picture, mask = laid(np.eye(3))
    with pytest.raises(BrainstackError, match="mask of the section is empty"):
        found_on((picture, np.zeros_like(mask)))
    with pytest.raises(BrainstackError, match="black inside its mask"):
        found_on((np.zeros_like(picture), mask))
    with pytest.raises(ValueError, match="on one canvas"):
        found_on((picture, mask[:-1]))
