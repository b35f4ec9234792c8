from __future__ import annotations

import numpy as np
import pytest

from brainstack.demo.brightfield import THIONIN, photographed_in_colour, stain_density, white_point
from brainstack.demo.glass import Dirt, Glass, Laid

SHAPE = (120, 160)
WHITE = (230.0, 240.0, 244.0)


def plane(level: float) -> np.ndarray:
    return np.full(SHAPE, level, np.float32)


def clean_glass(**dirt: np.ndarray) -> Glass:
    nothing = dict.fromkeys(("dust", "rims", "glue", "neighbour"), plane(0)) | dict.fromkeys(
        ("inside", "torn"), plane(1)
    )
    parts = Dirt(**{**nothing, **dirt}, step_mm=0.01)
    return Glass(plane(1), plane(1), plane(0), plane(1), parts)


def section(nuclei: float = 1.0, fibres: float = 0.8, glow: float = 0.45, edge: float = 1.0) -> Laid:
    return Laid(plane(1), plane(nuclei), plane(fibres), plane(glow), plane(edge))


def picture(density: float, *, glass: Glass | None = None, edge: float = 1.0, seed: int = 3) -> np.ndarray:
    random = np.random.default_rng(seed)
    return photographed_in_colour(
        plane(density), section(edge=edge), glass=glass or clean_glass(), white=WHITE, strength=1.0, random=random
    )


def test_clean_glass_is_white():
    found = picture(0.0)
    assert found.shape == (*SHAPE, 3)
    assert found.dtype == np.uint8
    np.testing.assert_allclose(found.mean(axis=(0, 1)), WHITE, atol=0.2)


def test_densities_add_up():
    """Beer and Lambert: twice the stain takes the same share again."""
    none, once, twice = (picture(density).mean(axis=(0, 1)) for density in (0.0, 0.4, 0.8))
    np.testing.assert_allclose(once / none, twice / once, rtol=0.03)
    # The hue of a section varies by some hundredths.
    np.testing.assert_allclose(-np.log(once / none), 0.4 * np.array(THIONIN), rtol=0.2)


def test_stain_is_blue_violet():
    blue, green, red = picture(0.7).mean(axis=(0, 1))
    assert blue > 1.2 * red > 1.2 * green


def test_a_tear_shows_the_glass_and_a_bubble_leaves_the_stain():
    torn, inside = plane(1), plane(1)
    torn[:60, :] = 0.15
    inside[60:, :] = 0.75
    found = picture(0.8, glass=clean_glass(torn=torn, inside=inside)).astype(float)
    np.testing.assert_allclose(found[:50].mean(axis=(0, 1)), WHITE, atol=1)
    assert found[70:, :, 2].mean() < 140


def test_glass_beside_the_section_has_no_stain():
    np.testing.assert_allclose(picture(0.8, edge=0.0).mean(axis=(0, 1)), WHITE, atol=0.2)
    assert not stain_density(section(edge=0.0), 5.0, np.random.default_rng(1)).any()


@pytest.mark.parametrize("pixel_size_um", [2.0, 5.0, 20.0])
def test_the_stain_of_a_layer_does_not_depend_on_the_pixels_size(pixel_size_um):
    found = stain_density(section(nuclei=1.0), pixel_size_um, np.random.default_rng(1)).mean()
    # 130,000 cells of 75 um2 and 150,000 of 24 um2 to a cubic millimetre, 30 um thick, and what lies between them.
    cells = 30e-9 * (1.3e5 * 75 + 1.5e5 * 24)
    assert found == pytest.approx(cells + 0.15 * 1.15, rel=0.1)


def test_layers_of_cells_are_dark_fibres_pale_and_ventricles_open():
    random = np.random.default_rng(1)
    granules, cortex, loose, fibres, hollow = (
        stain_density(section(*light), 5.0, random).mean()
        for light in ((2.2, 0.5, 0.5), (1.2, 0.5, 0.45), (0.7, 0.6, 0.45), (0.5, 1.8, 0.5), (0.07, 0.1, 0.03))
    )
    assert granules > 1.5 * cortex > 1.5 * 1.3 * loose
    assert loose > 1.5 * fibres > 0
    assert hollow < 0.01


def test_slides_are_a_warm_white_each_another():
    found = {white_point(np.random.default_rng(seed)) for seed in range(20)}
    assert len(found) == 20
    for blue, green, red in found:
        assert 220 < blue < green < red < 250
