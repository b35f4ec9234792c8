"""Proposed masks against made-up sections whose outline is known, and on real slides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pylibCZIrw import czi
from skimage.filters import threshold_otsu

from brainstack.errors import BrainstackError
from brainstack.images.masks import propose_mask
from brainstack.images.planes import dice
from brainstack.settings import MasksSettings, load_settings

Array = NDArray[Any]
SLIDES = Path(__file__).parents[3] / "shared" / "data" / "slides_abba"
GLASS, TISSUE = 40.0, 200.0


@pytest.fixture(scope="module")
def settings() -> MasksSettings:
    return load_settings().masks


@dataclass(frozen=True)
class Slide:
    """A made-up scene of 8 x 6 mm with one oval of tissue; `light` is what lies above the glass."""

    pixel_size_um: float
    rows_um: Array
    columns_um: Array
    light: Array
    truth: Array

    def within(self, row_um: float, column_um: float, *, radius_um: float) -> Array:
        return np.asarray(np.hypot(self.rows_um - row_um, self.columns_um - column_um) < radius_um)

    def scanned(self, *, vignetting: float = 0.2, seed: int = 1) -> Array:
        """uint16, as a scanner gives it: glass, darker corners, a stitching grid, the lens's blur, noise."""
        across = np.hypot(self.rows_um - 3000, self.columns_um - 4000) / 5000
        grid = ((self.rows_um % 900) / 900 - 0.5) ** 2 + ((self.columns_um % 1300) / 1300 - 0.5) ** 2
        shade = (1 - vignetting * across**2) * (1 - 0.15 * grid)
        blurred = cv2.GaussianBlur(GLASS + self.light, (0, 0), 12 / self.pixel_size_um)
        noise = np.random.default_rng(seed).normal(0, 3, blurred.shape)
        return np.rint(np.clip(blurred * shade + noise, 0, 65535)).astype(np.uint16)


def oval(
    *, pixel_size_um: float = 20.0, brightness: float = 1.0, centre_um: tuple[float, float] = (3000, 4000)
) -> Slide:
    """Tissue 4 x 5.6 mm with a darker rim like layer 1, grain like nuclei, and a ventricle."""
    shape = (round(6000 / pixel_size_um), round(8000 / pixel_size_um))
    rows_um, columns_um = (np.indices(shape) + 0.5) * pixel_size_um
    out = np.hypot((rows_um - centre_um[0]) / 2000, (columns_um - centre_um[1]) / 2800)
    ventricle = np.hypot((rows_um - centre_um[0]) / 700, (columns_um - centre_um[1] - 600) / 200) < 1
    grain = 1 + 0.2 * np.random.default_rng(0).normal(size=shape)
    light = TISSUE * brightness * grain * np.where(out > 0.95, 0.4, 1.0)
    return Slide(
        pixel_size_um, rows_um, columns_um, light=np.where((out < 1) & ~ventricle, light, 0), truth=np.asarray(out < 1)
    )


def with_light(slide: Slide, where: Array, light: float | Array, *, tissue: bool = False) -> Slide:
    return Slide(
        slide.pixel_size_um,
        slide.rows_um,
        slide.columns_um,
        light=np.where(where, light, slide.light),
        truth=slide.truth | where if tissue else slide.truth,
    )


def with_more_light(slide: Slide, light: Array) -> Slide:
    """`light` on top of what is there, which is no tissue."""
    return Slide(slide.pixel_size_um, slide.rows_um, slide.columns_um, slide.light + light, slide.truth)


def proposed(slide: Slide, settings: MasksSettings, **light: float) -> Array:
    return propose_mask(slide.scanned(**light), pixel_size_um=slide.pixel_size_um, settings=settings)


@pytest.mark.parametrize("pixel_size_um", [10.4, 20.0, 41.0])
def test_the_outline_of_an_oval_is_found_at_every_pixel_size(settings: MasksSettings, pixel_size_um: float) -> None:
    slide = oval(pixel_size_um=pixel_size_um)
    mask = proposed(slide, settings)
    assert mask.dtype == np.bool_
    assert mask.shape == slide.truth.shape
    assert dice(mask, slide.truth) > 0.985


def test_a_ventricle_is_inside_the_mask(settings: MasksSettings) -> None:
    slide = oval()
    ventricle = slide.truth & (slide.light == 0)
    assert ventricle.any()
    assert proposed(slide, settings)[ventricle].all()


def test_a_ventricle_behind_a_thin_wall_is_inside_the_mask(settings: MasksSettings) -> None:
    slide = oval()
    column_um = slide.columns_um
    opening = slide.within(1000, 4000, radius_um=500) & slide.truth  # a bay cut into the upper edge ...
    wall = opening & (slide.rows_um < 1100)  # ... but for a wall of about 100 um
    slide = with_light(slide, opening & ~wall, 0)
    slide = with_light(slide, wall, TISSUE)
    assert proposed(slide, settings)[opening & (np.abs(column_um - 4000) < 200)].all()


@pytest.mark.parametrize("brightness", [30.0, 1.0, 0.15])
def test_faint_and_bright_sections_have_the_same_outline(settings: MasksSettings, brightness: float) -> None:
    slide = oval(brightness=brightness)
    assert dice(proposed(slide, settings), slide.truth) > 0.97


def test_strong_vignetting_changes_nothing(settings: MasksSettings) -> None:
    slide = oval(brightness=0.3)
    assert dice(proposed(slide, settings, vignetting=0.6), slide.truth) > 0.97


def test_a_cloud_three_quarters_as_bright_as_tissue_is_still_glass(settings: MasksSettings) -> None:
    slide = oval()
    # In the mounting medium, wide and without an edge, over glass and tissue alike.
    cloud = 0.75 * TISSUE * np.exp(-((slide.rows_um / 2500) ** 2) - (slide.columns_um / 3500) ** 2)
    clouded = Slide(slide.pixel_size_um, slide.rows_um, slide.columns_um, slide.light + cloud, slide.truth)
    assert dice(proposed(clouded, settings), slide.truth) > 0.98


def test_the_thick_rim_of_a_bubble_is_no_piece_of_tissue(settings: MasksSettings) -> None:
    slide = oval()
    rim = np.abs(np.hypot(slide.rows_um - 700, slide.columns_um - 7200) - 450) < 60
    assert not proposed(with_light(slide, rim, TISSUE), settings)[slide.within(700, 7200, radius_um=400)].any()


def test_a_faint_piece_beside_a_bright_section_is_kept(settings: MasksSettings) -> None:
    slide = oval(centre_um=(3000, 3000))
    grain = 1 + 0.2 * np.random.default_rng(2).normal(size=slide.light.shape)
    slide = with_light(slide, slide.within(3000, 6900, radius_um=500), TISSUE * 0.5 * grain, tissue=True)
    mask = proposed(slide, settings)
    assert mask[slide.within(3000, 6900, radius_um=400)].all()
    assert dice(mask, slide.truth) > 0.985


def test_dust_hair_a_bubble_and_glue_on_the_glass_are_left_out(settings: MasksSettings) -> None:
    slide = oval()
    from_bubble_um = np.hypot(slide.rows_um - 600, slide.columns_um - 7200)
    slide = with_light(slide, np.abs(from_bubble_um - 400) < 25, TISSUE)
    slide = with_light(slide, np.abs(slide.columns_um - 2500) < 30, TISSUE)  # a hair, over the tissue too
    slide = with_light(slide, slide.within(400, 700, radius_um=40), 50 * TISSUE)
    slide = with_light(slide, slide.within(5500, 700, radius_um=400), 20 * TISSUE)
    mask = proposed(slide, settings)
    far = cv2.dilate(slide.truth.astype(np.uint8), np.ones((21, 21), np.uint8)) == 0
    assert not mask[far].any()
    assert dice(mask, slide.truth) > 0.985


def test_dust_on_the_edge_of_the_tissue_bites_no_hole_into_it(settings: MasksSettings) -> None:
    slide = oval()
    slide = with_light(slide, slide.within(1030, 4000, radius_um=60), 30 * TISSUE)
    mask = proposed(slide, settings)
    assert mask[slide.truth & slide.within(1030, 4000, radius_um=300)].mean() > 0.97


def test_tissue_cut_by_the_edge_of_the_scan_reaches_it(settings: MasksSettings) -> None:
    slide = oval(centre_um=(3000, 2000))
    mask = proposed(slide, settings)
    assert mask[150, 0]
    assert dice(mask, slide.truth) > 0.98


def test_what_was_not_scanned_is_not_tissue_and_makes_no_halo(settings: MasksSettings) -> None:
    slide = oval()
    image = slide.scanned()
    image[:40] = 0
    image[:, -50:] = 0
    mask = propose_mask(image, pixel_size_um=20.0, settings=settings)
    assert dice(mask, slide.truth) > 0.985


def test_glass_clipped_to_zero_is_glass(settings: MasksSettings) -> None:
    slide = oval()
    image = np.maximum(slide.scanned().astype(np.int32) - round(GLASS) - 5, 0).astype(np.uint16)
    assert np.median(image[:40]) == 0
    assert dice(propose_mask(image, pixel_size_um=20.0, settings=settings), slide.truth) > 0.98


def test_a_strip_of_the_neighbouring_section_at_the_edge_is_left_out(settings: MasksSettings) -> None:
    slide = oval()
    strip = (slide.rows_um > 5750) & (np.abs(slide.columns_um - 5000) < 1200)
    mask = proposed(with_light(slide, strip, TISSUE), settings)
    assert not mask[strip].any()


def test_eight_bits_give_the_mask_of_sixteen(settings: MasksSettings) -> None:
    slide = oval()
    image = slide.scanned()
    small = np.clip(image, 0, 255).astype(np.uint8)
    sixteen = propose_mask(image, pixel_size_um=20.0, settings=settings)
    assert dice(propose_mask(small, pixel_size_um=20.0, settings=settings), sixteen) > 0.99


def test_the_image_is_not_changed(settings: MasksSettings) -> None:
    image = oval().scanned()
    before = image.copy()
    propose_mask(image, pixel_size_um=20.0, settings=settings)
    assert np.array_equal(image, before)


@pytest.mark.parametrize("vignetting", [0.0, 0.6])
def test_bare_glass_with_dust_is_an_error_that_says_what_to_do(settings: MasksSettings, vignetting: float) -> None:
    slide = oval(brightness=0.0)
    slide = with_light(slide, slide.within(3000, 3000, radius_um=60), 3000)
    with pytest.raises(BrainstackError, match=r"No tissue was found: .* um2, .* um2; .* mark the scene as bad\."):
        proposed(slide, settings, vignetting=vignetting)


def test_a_scan_that_tissue_fills_is_an_error_that_says_so(settings: MasksSettings) -> None:
    grain = cv2.GaussianBlur(np.random.default_rng(1).standard_normal((300, 400)), (0, 0), 1)
    image = np.rint(np.clip(3000 + 1800 * grain, 1, 65535)).astype(np.uint16)
    with pytest.raises(BrainstackError, match="where tissue fills the whole scan there is no glass to tell it from"):
        propose_mask(image, pixel_size_um=20.0, settings=settings)


@pytest.mark.parametrize("level", [0, 7, 65535])
def test_an_image_of_one_value_has_no_tissue(settings: MasksSettings, level: int) -> None:
    with pytest.raises(BrainstackError, match="No tissue was found"):
        propose_mask(np.full((200, 300), level, np.uint16), pixel_size_um=20.0, settings=settings)


def test_otsus_threshold_does_worse(settings: MasksSettings) -> None:
    slide = oval(brightness=0.5)
    slide = with_light(slide, slide.within(400, 700, radius_um=100), 50 * TISSUE)
    image = slide.scanned()
    plain = image > threshold_otsu(image)
    assert dice(proposed(slide, settings), slide.truth) > dice(plain, slide.truth) + 0.1


@pytest.mark.real_data
@pytest.mark.skipif(not SLIDES.is_dir(), reason="the real slides are not in ../shared/data")
@pytest.mark.parametrize("channel", [0, 1])
def test_masks_of_real_sections_have_a_brains_area_and_stay_on_the_scan(settings: MasksSettings, channel: int) -> None:
    count = 0
    for path in sorted(SLIDES.glob("*.czi")):
        with czi.open_czi(str(path)) as slide:
            for scene in slide.scenes_bounding_rectangle:
                image = slide.read(plane={"C": channel}, scene=scene)[..., 0]
                mask = propose_mask(image, pixel_size_um=20.0, settings=settings)
                area_mm2 = mask.sum() * 0.02**2
                assert 10 < area_mm2 < 50, f"{path.name} scene {scene}: {area_mm2:.1f} mm2"
                assert mask[image == 0].mean() < 0.01  # what was not scanned
                border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
                assert not border.any(), f"{path.name} scene {scene}"
                count += 1
    assert count == 20


# What lies on the glass and what befell the section, kind by kind -----------------------------------------------------


def test_glue_along_the_edge_of_the_scan_is_no_tissue(settings: MasksSettings) -> None:
    slide = oval()
    glue = 1.2 * TISSUE / (1 + np.exp((5600 - slide.rows_um) / 100))  # rises over 400 um, to the edge
    sticky = with_more_light(slide, glue)
    mask = proposed(sticky, settings)
    assert not mask[-10:].any()
    assert dice(mask, slide.truth) > 0.97


def test_a_soft_smear_beside_the_section_is_no_tissue(settings: MasksSettings) -> None:
    slide = oval()
    away_um = np.abs(slide.columns_um - 700)
    smear = 0.25 * TISSUE / (1 + np.exp((away_um - 350) / 60)) * (np.abs(slide.rows_um - 3000) < 2000)
    mask = proposed(with_more_light(slide, smear), settings)
    assert not mask[slide.columns_um < 1100].any()
    assert dice(mask, slide.truth) > 0.97


def test_two_halves_of_a_torn_section_are_both_tissue(settings: MasksSettings) -> None:
    slide = oval()
    tear = np.abs(slide.columns_um - 3800) < 150
    light, truth = np.where(tear, 0, slide.light), slide.truth & ~tear
    torn = Slide(slide.pixel_size_um, slide.rows_um, slide.columns_um, light, truth)
    mask = proposed(torn, settings)
    assert not mask[tear & slide.within(3000, 3800, radius_um=1500) & (np.abs(slide.columns_um - 3800) < 80)].any()
    assert dice(mask, truth) > 0.975


def test_a_ventricle_open_to_the_outside_through_a_slit_is_inside_the_mask(settings: MasksSettings) -> None:
    slide = oval()
    ventricle = slide.truth & (slide.light == 0)
    slit = (np.abs(slide.columns_um - 4600) < 30) & (slide.rows_um < 3000)
    mask = proposed(with_light(slide, slit, 0), settings)
    assert mask[ventricle].all()


@pytest.mark.parametrize("step", [0.03, 0.07])
def test_steps_between_the_fields_of_a_scan_are_no_tissue(settings: MasksSettings, step: float) -> None:
    slide = oval()
    fields = (slide.rows_um // 2000).astype(int) + (slide.columns_um // 2000).astype(int)
    uneven = slide.scanned() * (1 + step * (-1.0) ** fields)
    mask = propose_mask(np.rint(uneven).astype(np.uint16), pixel_size_um=20.0, settings=settings)
    assert dice(mask, slide.truth) > 0.985


def test_steps_between_the_fields_of_a_colour_scan_are_no_tissue(settings: MasksSettings) -> None:
    """They are grey, and the stain has a colour, however faint it is."""
    slide = oval()
    density = 0.25 * (slide.light > 0)
    fields = (slide.rows_um // 2000).astype(int) + (slide.columns_um // 2000).astype(int)
    lamp = 1 + 0.04 * (-1.0) ** fields
    through = [238 * lamp * np.exp(-density * taken) for taken in (0.88, 1.0, 0.38)]
    noise = np.random.default_rng(1).normal(0, 1.5, (*density.shape, 3))
    picture = np.clip(np.rint(np.stack(through, axis=-1) + noise), 0, 254).astype(np.uint8)
    mask = propose_mask(picture, pixel_size_um=20.0, settings=settings)
    far = cv2.dilate(slide.truth.astype(np.uint8), np.ones((21, 21), np.uint8)) == 0
    assert not mask[far].any()
    assert dice(mask, slide.truth) > 0.98


def test_a_large_bubble_is_no_piece_of_tissue(settings: MasksSettings) -> None:
    slide = oval(centre_um=(3000, 3000))
    rim = np.abs(np.hypot(slide.rows_um - 3000, slide.columns_um - 7000) - 800) < 60
    assert not proposed(with_light(slide, rim, TISSUE), settings)[slide.columns_um > 6000].any()


def test_a_sliver_of_a_section_is_found(settings: MasksSettings) -> None:
    slide = oval(brightness=0.0)
    sliver = np.hypot((slide.rows_um - 3000) / 300, (slide.columns_um - 4000) / 700) < 1
    light = np.where(sliver, TISSUE, 0)
    nearly_empty = Slide(slide.pixel_size_um, slide.rows_um, slide.columns_um, light, sliver)
    assert dice(proposed(nearly_empty, settings), sliver) > 0.95
