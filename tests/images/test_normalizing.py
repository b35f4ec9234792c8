from __future__ import annotations

import numpy as np
import pytest

from brainstack.images.normalizing import normalize, to_8_bit, white_level
from brainstack.settings import NormalizedSettings, load_settings


def test_white_is_the_level_that_only_the_share_is_above() -> None:
    image = np.arange(1000, dtype=np.uint16).reshape(20, 50)
    level = white_level(image, 0.1)
    assert level == 899
    assert (image > level).mean() == 0.1


def test_white_is_the_brightest_pixel_when_none_may_be_above() -> None:
    assert white_level(np.array([[3, 500], [7, 9]], np.uint16), 0) == 500


def test_a_black_section_stays_black() -> None:
    black = np.zeros((40, 30), np.uint16)
    assert white_level(black, 0.001) == 1
    assert not to_8_bit(black, 1).any()


def test_white_becomes_255_and_half_of_it_128() -> None:
    image = np.array([[0, 500, 1000, 4000]], np.uint16)
    assert to_8_bit(image, 1000).tolist() == [[0, 128, 255, 255]]


def test_8_bit_with_white_255_is_left_as_it_is() -> None:
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(to_8_bit(image, 255), image)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(61, 47), (3, 200), (1, 1)])
def test_a_section_of_any_size_is_normalized(dtype: type, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 200, shape).astype(dtype)
    before = image.copy()
    found = normalize(image, load_settings().normalized)
    assert found.shape == shape
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(image, before)


def test_faint_structure_is_raised_where_the_section_is_dark() -> None:
    image = np.zeros((128, 128), np.uint16)
    image[:64] = 20_000
    image[64:] = 500
    image[64::4, ::4] = 700
    settings = NormalizedSettings(clahe_clip=5.0, clahe_tiles=8, white_share=0.001)
    plain = to_8_bit(image, white_level(image, settings.white_share))[80:].astype(int)
    local = normalize(image, settings)[80:].astype(int)
    assert np.ptp(local) > 2 * np.ptp(plain)
