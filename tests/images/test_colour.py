"""Stained sections in bright field: what light they take away, the white of the glass, masks and registration."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from stained import CREAM, PIXEL_UM, Stained, stained

from brainstack import geometry
from brainstack.errors import BrainstackError
from brainstack.images.alignment import align
from brainstack.images.cleaning import blank_outside, place_on_canvas
from brainstack.images.colour import absorbed, inverted_luminance, white_point
from brainstack.images.histograms import axis_for, binned, tissue_counts
from brainstack.images.mask_shapes import NoTissueError
from brainstack.images.masks import propose_mask
from brainstack.images.normalizing import normalize
from brainstack.images.paint import mask_from_paint, preview
from brainstack.images.planes import dice, not_scanned
from brainstack.images.registration import register_pair
from brainstack.settings import Settings, load_settings

Mask = NDArray[np.bool_]


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings()


def proposed(section: Stained, settings: Settings) -> Mask:
    return propose_mask(section.image, pixel_size_um=PIXEL_UM, settings=settings.masks)


# Light


def test_what_is_absorbed_adds_up() -> None:
    """Two layers of which each lets half of the light through let a quarter through."""
    half, quarter = absorbed(np.full((1, 1, 3), 127)), absorbed(np.full((1, 1, 3), 63))
    np.testing.assert_allclose(quarter, 2 * half, rtol=1e-6)
    assert absorbed(np.full((1, 1, 3), 255)).max() == 0
    assert absorbed(np.full((1, 1, 3), 254)).max() == pytest.approx(1, abs=0.01)


def test_glass_is_dark_and_tissue_bright_on_inverted_luminance() -> None:
    image = np.array([[CREAM, (255, 255, 255), (0, 0, 0), (243, 138, 224)]], np.uint8)
    light = inverted_luminance(image, CREAM)
    luminance = 0.299 * CREAM[0] + 0.587 * CREAM[1] + 0.114 * CREAM[2]
    np.testing.assert_allclose(light[0], [0, 0, luminance, 58.7], atol=1e-3)


# The white point


def test_the_white_point_is_the_middle_of_the_glass_of_each_colour(settings: Settings) -> None:
    counts = np.zeros((3, 256), np.int64)
    for colour, level in enumerate(CREAM):
        counts[colour, level - 5 : level + 6] = 100
        counts[colour, 20] = 300  # dust
        counts[colour, 255] = 299  # reflections
    assert white_point(counts, settings.white_point) == CREAM


def test_the_white_point_of_a_section_is_that_of_its_glass(settings: Settings) -> None:
    section = stained(uneven=0.0)
    counts = tissue_counts(section.image, ~section.truth)
    np.testing.assert_allclose(white_point(counts, settings.white_point), CREAM, atol=1)


def test_without_glass_there_is_no_white_point(settings: Settings) -> None:
    with pytest.raises(BrainstackError, match=r"No section shows any glass.*mend the masks"):
        white_point(np.zeros((3, 256), np.int64), settings.white_point)


def test_dark_glass_is_no_bright_field(settings: Settings) -> None:
    counts = np.zeros((3, 256), np.int64)
    counts[[0, 1, 2], [6, 17, 10]] = 100
    with pytest.raises(BrainstackError, match=r"glass is dark .red 6, green 17, blue 10.*scan fluorescence in grey"):
        white_point(counts, settings.white_point)


def test_each_colour_is_counted_for_itself() -> None:
    image = np.zeros((2, 3, 3), np.uint8)
    image[...] = (10, 20, 30)
    image[0, 0] = (1, 2, 3)
    counts = tissue_counts(image, np.array([[True, True, False], [True, True, True]]))
    assert counts.shape == (3, 256)
    assert [counts[0, 10], counts[1, 20], counts[2, 30]] == [4, 4, 4]
    assert [counts[0, 1], counts[1, 2], counts[2, 3]] == [1, 1, 1]
    assert counts.sum() == 15


def test_colours_share_bins_of_which_none_is_narrower_than_a_grey_value() -> None:
    counts = np.zeros((3, 256), np.int64)
    counts[[0, 1, 2], [3, 50, 99]] = 7
    together = binned(counts, axis_for(counts, [counts], 1000))
    assert together.shape == (3, 256)
    np.testing.assert_array_equal(together, counts)


# Masks


@pytest.mark.parametrize("depth", [0.05, 0.15, 0.5, 1.5])
def test_the_outline_is_found_however_strong_the_stain(settings: Settings, depth: float) -> None:
    section = stained(depth=depth)
    mask = proposed(section, settings)
    assert mask.shape == section.truth.shape
    assert dice(mask, section.truth) > 0.985


@pytest.mark.parametrize("glass", [CREAM, (255, 255, 255), (200, 180, 140), (215, 230, 240)])
def test_the_outline_is_found_on_glass_of_any_colour(settings: Settings, glass: tuple[int, int, int]) -> None:
    section = stained(glass=glass, depth=0.2)
    assert dice(proposed(section, settings), section.truth) > 0.985


@pytest.mark.parametrize("depth", [0.1, 0.5])
def test_what_is_dark_without_a_colour_is_dirt(settings: Settings, depth: float) -> None:
    """Ink beside the section, larger than a piece of tissue and as dark, and a bubble that touches it."""
    shadow = np.zeros((320, 420), np.float32)
    cv2.circle(shadow, (380, 280), 25, depth, -1)
    cv2.circle(shadow, (52, 190), 22, depth, 4)
    section = stained(depth=depth, shadow=shadow)
    mask = proposed(section, settings)
    assert not mask[(shadow > 0) & ~section.truth & (np.indices(mask.shape)[1] > 300)].any()
    assert not mask[190, 40:60].any()  # inside the bubble
    assert dice(mask, section.truth) > 0.985


def test_glue_of_another_colour_is_dirt(settings: Settings) -> None:
    """Amber along a border, as old mounting medium has it, with an edge as sharp as tissue's."""
    section = stained()
    amber = np.array([10 ** -(0.2 * share) for share in (0.1, 0.4, 1.0)])
    section.image[285:] = np.rint(section.image[285:] * amber)
    mask = proposed(section, settings)
    assert not mask[285:].any()
    assert dice(mask, section.truth) > 0.985


def test_ink_on_the_section_takes_nothing_away_from_it(settings: Settings) -> None:
    shadow = np.zeros((320, 420), np.float32)
    cv2.circle(shadow, (150, 120), 8, 0.8, -1)
    cv2.circle(shadow, (210, 60), 6, 0.8, -1)  # on its edge
    section = stained(shadow=shadow)
    mask = proposed(section, settings)
    assert mask[(shadow > 0) & section.truth].mean() > 0.97
    assert dice(mask, section.truth) > 0.985


def test_a_stain_without_a_colour_is_tissue(settings: Settings) -> None:
    section = stained(stain=(1.0, 1.0, 1.0))
    assert dice(proposed(section, settings), section.truth) > 0.98


def test_uneven_light_is_no_tissue(settings: Settings) -> None:
    section = stained(uneven=0.5, depth=0.15)
    assert dice(proposed(section, settings), section.truth) > 0.98


def test_a_ventricle_is_inside_where_tissue_encloses_it_and_outside_where_it_is_open(settings: Settings) -> None:
    section = stained()
    mask = proposed(section, settings)
    enclosed = section.truth & (section.image.min(axis=2) > 200)
    assert enclosed.sum() > 500
    assert mask[enclosed].mean() > 0.99
    assert mask[section.bay].mean() < 0.2  # all but its rim


def test_what_was_not_scanned_is_pure_white_and_no_tissue(settings: Settings) -> None:
    section = stained(uneven=0.3)
    section.image[:, :70] = 255
    section.image[:40] = 255
    outside = np.zeros(section.truth.shape, bool)
    outside[:, :70] = outside[:40] = True
    np.testing.assert_array_equal(not_scanned(section.image), outside)
    assert dice(proposed(section, settings), section.truth & ~outside) > 0.98


def test_glass_as_white_as_can_be_is_glass(settings: Settings) -> None:
    section = stained(glass=(255, 255, 255), uneven=0.0, dirt=False)
    section.image[~section.truth] = 255
    assert not not_scanned(section.image).any()
    assert dice(proposed(section, settings), section.truth) > 0.98


def test_empty_glass_has_no_tissue(settings: Settings) -> None:
    with pytest.raises(NoTissueError):
        proposed(stained(depth=0.0), settings)


# Pictures for people


def test_a_normalized_section_keeps_its_hue_and_gains_contrast(settings: Settings) -> None:
    section = stained(depth=0.1)
    shown = normalize(section.image, settings.normalized)
    assert shown.shape == section.image.shape
    assert shown.dtype == np.uint8
    for image in (section.image, shown):
        tissue = image[section.truth].mean(axis=0)
        assert tissue[1] < tissue[0]  # violet: less green than red
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[section.truth] for image in (section.image, shown)]
    assert grey[1].std() > 2 * grey[0].std()


def test_paint_on_a_preview_in_colour_is_taken_in(settings: Settings) -> None:
    section = stained()
    mask = section.truth
    shown = preview(normalize(section.image, settings.normalized), mask)
    assert not (shown == 255).all(axis=2).any()
    assert not (shown == 0).all(axis=2).any()
    painted = shown.copy()
    painted[5:25, 10:60] = 255
    painted[150:170, 190:210] = 0
    wanted = mask.copy()
    wanted[5:25, 10:60] = True
    wanted[150:170, 190:210] = False
    np.testing.assert_array_equal(mask_from_paint(shown, shown, mask), mask)
    np.testing.assert_array_equal(mask_from_paint(painted, shown, mask), wanted)
    painted[5:25, 10:60] = (20, 200, 40)
    with pytest.raises(BrainstackError, match="other paint than white and black"):
        mask_from_paint(painted, shown, mask)


def test_white_paint_is_seen_on_the_glass_of_a_preview(settings: Settings) -> None:
    section = stained(glass=(255, 255, 255), uneven=0.0)
    shown = preview(normalize(section.image, settings.normalized), section.truth)
    assert shown[~section.truth].max() <= 200


# Clean and align


def test_outside_the_tissue_there_is_nothing_but_the_white_point() -> None:
    section = stained()
    cleaned = blank_outside(section.image, section.truth, CREAM)
    canvas = place_on_canvas(cleaned, section.truth, (400, 500), CREAM)
    assert (canvas[:50] == CREAM).all()
    np.testing.assert_array_equal(cleaned[section.truth], section.image[section.truth])
    tissue = (canvas != CREAM).any(axis=2)
    assert np.count_nonzero(tissue) <= np.count_nonzero(section.truth)
    assert (cleaned[~section.truth] == CREAM).all()


def test_a_turned_section_ends_in_the_white_point_without_a_seam() -> None:
    """An even canvas of the background stays one, whatever is moved in over its border."""
    even = np.full((60, 80, 3), CREAM, np.uint8)
    turned = align(even, geometry.rigid(0.4, 13.3, -7.7, (60, 80)), canvas_shape=(90, 70), background=CREAM)
    assert turned.shape == (90, 70, 3)
    assert (turned == CREAM).all()


# Registration


@pytest.mark.parametrize(
    ("turn_rad", "shift_um", "depth"),
    [(0.3, (240.0, -160.0), 0.5), (2.0, (300.0, 200.0), 0.5), (-0.1, (90.0, 30.0), 0.1)],
)
def test_neighbours_are_registered_by_how_dark_they_are(
    settings: Settings, turn_rad: float, shift_um: tuple[float, float], depth: float
) -> None:
    """The second is stained otherwise, and has other cells and other dust."""
    fixed, moving = stained(seed=1), stained(seed=2, turn_rad=turn_rad, shift_um=shift_um, depth=depth)
    masks = [proposed(one, settings) for one in (fixed, moving)]
    light = [
        inverted_luminance(blank_outside(one.image, mask, CREAM), CREAM)
        for one, mask in zip((fixed, moving), masks, strict=True)
    ]
    found = register_pair(
        *light, fixed_mask=masks[0], moving_mask=masks[1], pixel_size_um=PIXEL_UM, settings=settings.elastix
    )
    shape = fixed.truth.shape
    placed = geometry.rigid(found.rotation_rad, found.shift_x_um / PIXEL_UM, found.shift_y_um / PIXEL_UM, shape)
    true = geometry.rigid(turn_rad, shift_um[0] / PIXEL_UM, shift_um[1] / PIXEL_UM, shape)
    tissue = np.argwhere(fixed.truth)[:, ::-1].astype(float)
    error_px = np.linalg.norm(geometry.points(placed, tissue) - geometry.points(true, tissue), axis=1).mean()
    assert error_px < 0.5
    assert found.metric > 0.9
