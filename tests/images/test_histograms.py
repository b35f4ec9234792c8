from __future__ import annotations

import numpy as np
import pytest

from brainstack.errors import BrainstackError
from brainstack.images.histograms import binned, gain_for, quantile_level, tissue_counts
from brainstack.settings import GainSettings

STEP = 0.01
HALF = GainSettings(quantile=0.5, target=0.5, step=STEP)


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
    assert gain_for(counts_of(100, 1000, 5000), HALF) * 1000 == pytest.approx(0.5 * 65535, rel=STEP)


def test_the_target_of_8_bit_is_a_share_of_255() -> None:
    assert gain_for(counts_of(51, size=256), HALF) == pytest.approx(2.5, rel=STEP)


def test_a_hair_more_or_less_light_gives_the_same_gain() -> None:
    """Ten thousand and ten thousand and three levels are within one step, which 10,150 is not."""
    gains = [gain_for(counts_of(level), HALF) for level in (10_000, 10_003, 10_150)]
    assert gains[0] == gains[1]
    assert gains[0] / gains[2] == pytest.approx(1 + STEP)


def test_a_black_channel_is_left_as_it_is() -> None:
    assert gain_for(counts_of(0, 0, 0), HALF) == 1.0


@pytest.mark.parametrize("bins", [1, 7, 256, 1000])
def test_binning_loses_no_pixel_and_puts_each_between_its_edges(bins: int) -> None:
    levels = np.random.default_rng(1).integers(0, 3000, 500)
    counts, edges = binned(counts_of(*levels), bins)
    assert counts.sum() == 500
    expected, _ = np.histogram(levels, edges)
    np.testing.assert_array_equal(counts, expected)
    assert edges[0] == 0
    assert edges[-1] == levels.max() + 1


def test_binning_nothing_gives_empty_bins() -> None:
    counts, edges = binned(counts_of(), 4)
    assert counts.tolist() == [0, 0, 0, 0]
    assert len(edges) == 5
