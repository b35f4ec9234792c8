from __future__ import annotations

import numpy as np
import pytest

from brainstack.errors import BrainstackError
from brainstack.images.histograms import (
    Axis,
    axis_for,
    beyond,
    binned,
    brightest_level,
    evening_factors,
    gain_for,
    quantile_level,
    rounded_up,
    saturated_share,
    tabled,
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


def gain_of(*sections: np.ndarray, settings: GainSettings = HALF) -> float:
    return gain_for(sections, settings, name="it").gain


def test_the_gain_takes_the_quantile_to_the_target() -> None:
    assert gain_of(counts_of(100, 1000, 5000)) * 1000 == pytest.approx(0.5 * 65535, rel=STEP)


def test_the_target_of_8_bit_is_a_share_of_255() -> None:
    assert gain_of(counts_of(51, size=256)) == pytest.approx(2.5, rel=STEP)


def test_the_gain_is_that_of_the_middle_section_however_much_tissue_each_has() -> None:
    sections = [counts_of(*[1000] * 3), counts_of(*[2000] * 5), counts_of(*[9000] * 900)]
    assert gain_of(*sections) * 2000 == pytest.approx(0.5 * 65535, rel=STEP)


def unlike(count: int) -> list[np.ndarray]:
    """Good sections, 0.75 to 1.25 times as bright as the middle one, whose bright tissue is at 3000."""
    random = np.random.default_rng(3)
    scales = np.linspace(0.75, 1.25, count)
    levels = random.uniform(0.1, 1, 2000)  # its 99 % quantile is at 0.991
    return [counts_of(*(3000 * scale * levels / 0.991).astype(int)) for scale in random.permutation(scales)]


def spoiled(share: float) -> np.ndarray:
    """A section of ten times the tissue, as its mask grew into the glass, with this share of it saturated."""
    return counts_of(*[65535] * round(20_000 * share), *[20_000] * round(20_000 * (1 - share)))


SHIPPED = GainSettings(quantile=0.99, target=0.46, step=STEP, even_um=0.0, even_quantile=0.5, even_limit=2.5)


@pytest.mark.parametrize("bad", [1, 20, 40, 48])
@pytest.mark.parametrize("share", [0.05, 1.0])
def test_nearly_half_of_the_sections_saturated_leave_the_gain_within_a_step(bad: int, share: float) -> None:
    """Of a hundred, replaced at random. By hand: the middle one's bright tissue is at 3000."""
    sections = unlike(101)
    assert gain_of(*sections, settings=SHIPPED) == pytest.approx(0.46 * 65535 / 3000, rel=1.5 * STEP)
    good = gain_of(*sections[bad:], settings=SHIPPED)
    found = gain_for([*[spoiled(share)] * bad, *sections[bad:]], SHIPPED, name="it")
    assert found.gain == good
    assert found.left_out == (*[True] * bad, *[False] * (101 - bad))
    assert not found.is_saturated


def test_saturated_sections_spread_over_the_stack_do_not_move_the_gain_by_more_than_a_step() -> None:
    """Every second one of 40 % of a stack whose brightness changes from end to end."""
    sections = [counts_of(*[round(2000 * 2 ** (place / 100))] * 50) for place in range(101)]
    mixed = [spoiled(1.0) if place % 5 in (1, 3) else one for place, one in enumerate(sections)]
    ratio = gain_of(*mixed, settings=SHIPPED) / gain_of(*sections, settings=SHIPPED)
    assert 1 / (1 + 1.01 * STEP) <= ratio <= 1 + 1.01 * STEP


def test_black_sections_have_no_say_in_the_gain() -> None:
    sections = unlike(61)
    assert gain_of(*sections, *[counts_of(0, 0, 0)] * 40, settings=SHIPPED) == gain_of(*sections, settings=SHIPPED)


def test_a_channel_of_saturated_sections_says_so_and_goes_on() -> None:
    found = gain_for([spoiled(1.0), spoiled(0.5), *unlike(2)], SHIPPED, name="it")
    assert found.is_saturated
    assert found.gain == pytest.approx(0.46, rel=STEP)
    assert not any(found.left_out)


def test_few_saturated_pixels_do_not_leave_a_section_out() -> None:
    found = gain_for([counts_of(*[3000] * 995, *[65535] * 5)], SHIPPED, name="it")
    assert found.left_out == (False,)
    assert found.level == 3000


def test_a_hair_more_or_less_light_gives_the_same_gain() -> None:
    """Ten thousand and ten thousand and three levels are within one step, which 10,150 is not."""
    gains = [gain_of(counts_of(level)) for level in (10_000, 10_003, 10_150)]
    assert gains[0] == gains[1]
    assert gains[0] / gains[2] == pytest.approx(1 + STEP)


def test_a_black_channel_has_no_gain_and_is_named() -> None:
    with pytest.raises(BrainstackError, match=r"^Channel 2 \(GFP\) is black: each of the 3 pixels of tissue is 0"):
        gain_for([counts_of(0, 0), counts_of(0)], HALF, name="Channel 2 (GFP)")


def test_a_channel_that_is_black_where_its_gain_is_measured_has_none() -> None:
    """One pixel of four is lit, and the gain is to be measured at the middle one."""
    with pytest.raises(BrainstackError, match=r"light in only 25\.00% .* \[gain\] quantile"):
        gain_for([counts_of(0, 0, 0, 9)], HALF, name="Channel 2 (GFP)")


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
    assert axis_for(counts, [counts], 250).end == 1000
    assert axis_for(counts, [counts], 250, reach=2100).end == 3000
    assert axis_for(counts, [counts], 256, reach=1e9).end == 65536


@pytest.mark.parametrize("reach", [900, 2100, 14_000, 1e9])
@pytest.mark.parametrize("bins", [7, 250, 256])
def test_bins_are_of_one_width_and_no_more_than_asked_for(reach: float, bins: int) -> None:
    counts = counts_of(*range(1000))
    axis = axis_for(counts, [counts], bins, reach=reach)
    assert set(np.diff(axis.edges)) == {axis.bin_width}
    assert axis.edges[-1] == axis.end > reach or axis.end >= 65536
    assert len(axis.edges) - 1 <= bins


def test_a_few_hot_pixels_do_not_stretch_the_axis() -> None:
    counts = counts_of(*range(1000)) * 100
    counts[65535] = 3
    axis = axis_for(counts, [counts], 250)
    assert axis.end == 1000
    assert binned(counts, axis)[-1] == 400
    assert beyond(counts, axis) == 3


def test_a_section_that_changes_a_little_leaves_the_axis() -> None:
    random = np.random.default_rng(1)
    sections = [counts_of(*random.integers(100, 9500, 5000)) for _ in range(20)]
    before = axis_for(np.sum(sections, axis=0), sections, 256, reach=14_000)
    sections[7] = counts_of(*random.integers(100, 9700, 4000))
    assert axis_for(np.sum(sections, axis=0), sections, 256, reach=14_100) == before


def test_a_table_counts_each_pixel_once_and_the_saturated_ones_apart() -> None:
    counts = counts_of(0, 9, 10, 25, 29, 30, 31, 65534, 65535, 65535)
    starts, rows = tabled(counts, Axis(30, 10, 1))
    assert starts.tolist() == [0, 10, 20, 30, 65535]
    assert rows.tolist() == [2, 1, 2, 3, 2]


def test_a_table_of_a_whole_type_has_the_highest_value_in_its_last_row_only() -> None:
    colours = np.stack([counts_of(254, 255, 255, size=256)] * 3)
    starts, rows = tabled(colours, axis_for(colours, [colours], 128))
    assert starts[-2:].tolist() == [254, 255]
    assert rows[:, -2:].tolist() == [[1, 2]] * 3
    starts, rows = tabled(colours, axis_for(colours, [colours], 256))
    assert starts.tolist() == list(range(256))
    assert rows[:, -2:].tolist() == [[1, 2]] * 3


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
    axis = Axis(-(-3000 // width) * width, width, 1)
    assert len(axis.edges) - 1 <= bins
    expected, _ = np.histogram(levels, axis.edges)
    np.testing.assert_array_equal(binned(counts, axis), expected)


def test_binning_nothing_gives_empty_bins() -> None:
    axis = axis_for(counts_of(), [counts_of()], 4)
    assert binned(counts_of(), axis).tolist() == [0, 0, 0, 0]
