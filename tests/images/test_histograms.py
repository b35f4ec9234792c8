from __future__ import annotations

import numpy as np
import pytest

from brainstack.errors import BrainstackError
from brainstack.images.histograms import (
    Axis,
    axis_for,
    binned,
    brightest_level,
    evening_factors,
    gain_for,
    quantile_level,
    rounded_up,
    saturated_share,
    tissue_counts,
    weighted_median,
)
from brainstack.settings import GainSettings

STEP = 0.01
HALF = GainSettings(quantile=0.5, target=0.5, step=STEP, even_um=0.0, even_quantile=0.5, even_limit=2.5)


def counts_of(*levels: int, size: int = 65536) -> np.ndarray:
    return np.bincount(levels, minlength=size).astype(np.int64)


def test_the_glass_is_not_counted() -> None:
    image = np.array([[1, 2], [2, 9]], np.uint16)
    counts = tissue_counts(image, np.array([[True, True], [True, False]]))
    assert np.flatnonzero(counts).tolist() == [1, 2]
    assert counts[[1, 2]].tolist() == [1, 2]


@pytest.mark.parametrize(("dtype", "levels"), [(np.uint8, 256), (np.uint16, 65536)])
def test_there_is_a_count_for_every_level_of_the_type(dtype: type, levels: int) -> None:
    highest = np.full((1, 1), np.iinfo(dtype).max, dtype)
    counts = tissue_counts(highest, np.ones((1, 1), bool))
    assert counts.shape == (levels,)
    assert counts[-1] == 1


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(BrainstackError, match=r"The mask is \(2, 3\) but the section is \(3, 2\)"):
        tissue_counts(np.zeros((3, 2), np.uint8), np.ones((2, 3), bool))


@pytest.mark.parametrize(("quantile", "level"), [(0.25, 10), (0.26, 20), (0.5, 20), (0.75, 30), (0.99, 40), (1, 40)])
def test_a_quantile_is_the_smallest_level_that_the_share_is_at_or_below(quantile: float, level: int) -> None:
    assert quantile_level(counts_of(10, 20, 30, 40), quantile) == level


def test_a_quantile_of_nothing_is_refused() -> None:
    with pytest.raises(BrainstackError, match="No pixel of tissue was counted"):
        quantile_level(counts_of(), 0.5)


def test_the_gain_takes_the_quantile_to_the_target() -> None:
    assert gain_for(counts_of(100, 1000, 5000), HALF, name="it") * 1000 == pytest.approx(0.5 * 65535, rel=STEP)


def test_the_target_of_8_bit_is_a_share_of_255() -> None:
    assert gain_for(counts_of(51, size=256), HALF, name="it") == pytest.approx(2.5, rel=STEP)


def test_a_hair_more_or_less_light_gives_the_same_gain() -> None:
    """Ten thousand and ten thousand and three levels are within one step, which 10,150 is not."""
    gains = [gain_for(counts_of(level), HALF, name="it") for level in (10_000, 10_003, 10_150)]
    assert gains[0] == gains[1]
    assert gains[0] / gains[2] == pytest.approx(1 + STEP)


def test_a_black_channel_has_no_gain_and_is_named() -> None:
    with pytest.raises(BrainstackError, match=r"^Channel 2 \(GFP\) is black: each of the 3 pixels of tissue is 0"):
        gain_for(counts_of(0, 0, 0), HALF, name="Channel 2 (GFP)")


def test_a_channel_that_is_black_where_its_gain_is_measured_has_none() -> None:
    """One pixel of four is lit, and the gain is to be measured at the middle one."""
    with pytest.raises(BrainstackError, match=r"light in only 25\.00% .* \[gain\] quantile"):
        gain_for(counts_of(0, 0, 0, 9), HALF, name="Channel 2 (GFP)")


# Saturated and black


def test_the_share_of_saturated_pixels_is_that_of_the_highest_value() -> None:
    assert saturated_share(counts_of(1, 2, 65535, 65534)) == 0.25
    assert saturated_share(counts_of(255, size=256)) == 1
    assert saturated_share(counts_of()) == 0


def test_in_colour_the_share_is_that_of_the_worst_colour() -> None:
    colours = np.stack([counts_of(255, 1, size=256), counts_of(1, 1, size=256), counts_of(2, 3, size=256)])
    assert saturated_share(colours) == 0.5


def test_the_brightest_level_is_of_any_colour_and_0_of_nothing() -> None:
    assert brightest_level(counts_of(3, 700)) == 700
    assert brightest_level(np.stack([counts_of(4, size=256), counts_of(9, size=256), counts_of(5, size=256)])) == 9
    assert brightest_level(counts_of(0)) == brightest_level(counts_of()) == 0


# Evening out

EVEN = GainSettings(quantile=0.99, target=0.5, step=STEP, even_um=100.0, even_quantile=0.5, even_limit=2.5)
FIVE_UM = np.arange(5) * 20.0


def test_sections_that_are_alike_stay_as_they_are() -> None:
    np.testing.assert_array_equal(evening_factors(np.full(5, 700.0), FIVE_UM, EVEN), 1)


def test_a_dark_section_among_bright_ones_becomes_as_bright() -> None:
    factors = evening_factors(np.array([1000.0, 1000, 500, 1000, 1000]), FIVE_UM, EVEN)
    assert factors[2] == pytest.approx(2, rel=STEP)
    np.testing.assert_array_equal(np.delete(factors, 2), 1)


def test_a_factor_is_limited_both_ways() -> None:
    factors = evening_factors(np.array([1000.0, 1, 1000, 1e5, 1000]), FIVE_UM, EVEN)
    assert factors[[1, 3]].tolist() == pytest.approx([2.5, 1 / 2.5], rel=STEP)


def test_a_black_section_gets_1_and_has_no_say() -> None:
    np.testing.assert_array_equal(evening_factors(np.array([800.0, 0, 800]), FIVE_UM[:3], EVEN), 1)


def test_what_changes_slowly_along_the_brain_stays() -> None:
    """Twice as bright from one end to the other, over ten times the distance that is evened out."""
    depths_um = np.linspace(0, 1000, 51)
    factors = evening_factors(1000 * 2 ** (depths_um / 1000), depths_um, EVEN)
    assert np.abs(np.log(factors[10:-10])).max() < 1.01 * np.log(1 + STEP)


def test_a_weighted_median_lies_where_half_of_the_weight_is() -> None:
    assert weighted_median(np.array([3.0, 1.0, 2.0]), np.ones(3)) == 2
    assert weighted_median(np.array([1.0, 2.0, 9.0]), np.array([0.1, 0.1, 5.0])) == pytest.approx(9, abs=0.3)


# Axes and bins


def test_an_axis_ends_just_beyond_what_it_has_to_hold() -> None:
    counts = counts_of(*range(1000))
    assert axis_for(counts, [counts], 256).end == 1000
    assert axis_for(counts, [counts], 256, reach=2100).end == 3000
    assert axis_for(counts, [counts], 256, reach=1e9).end == 65536


def test_a_few_hot_pixels_do_not_stretch_the_axis() -> None:
    counts = counts_of(*range(1000)) * 100
    counts[65535] = 3
    axis = axis_for(counts, [counts], 256)
    assert axis.end == 1000
    assert binned(counts, axis)[-1] == 400 + 3


def test_a_section_that_changes_a_little_leaves_the_axis() -> None:
    random = np.random.default_rng(1)
    sections = [counts_of(*random.integers(100, 9500, 5000)) for _ in range(20)]
    before = axis_for(np.sum(sections, axis=0), sections, 256, reach=14_000)
    sections[7] = counts_of(*random.integers(100, 9700, 4000))
    assert axis_for(np.sum(sections, axis=0), sections, 256, reach=14_100) == before


def test_the_top_of_an_axis_is_the_next_power_of_ten_above_every_section() -> None:
    low, high = counts_of(5, 5), counts_of(*[7] * 300)
    assert axis_for(low + high, [low, high], 256).tallest == 1000


def test_colour_is_shown_whole() -> None:
    colours = np.stack([counts_of(10, size=256)] * 3)
    assert axis_for(colours, [colours], 256).edges.tolist() == list(range(257))


@pytest.mark.parametrize(("number", "end"), [(1, 10), (10, 10), (11, 15), (15.1, 20), (801, 1000), (8000, 8000)])
def test_an_end_is_rounded_up(number: float, end: int) -> None:
    assert rounded_up(number) == end


@pytest.mark.parametrize(("bins", "width"), [(1, 3000), (7, 429), (256, 12), (5000, 1)])
def test_binning_loses_no_pixel_and_puts_each_between_its_edges(bins: int, width: int) -> None:
    levels = np.random.default_rng(1).integers(0, 3000, 500)
    counts = counts_of(*levels)
    axis = Axis(3000, width, 1)
    assert len(axis.edges) - 1 <= bins
    expected, _ = np.histogram(levels, axis.edges)
    np.testing.assert_array_equal(binned(counts, axis), expected)


def test_binning_nothing_gives_empty_bins() -> None:
    axis = axis_for(counts_of(), [counts_of()], 4)
    assert binned(counts_of(), axis).tolist() == [0, 0, 0, 0]
