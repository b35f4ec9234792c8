"""What the pictures of an alignment show, and where."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Text

from brainstack.images.alignment_plots import (
    LOOKS,
    SQUARE,
    STRIP,
    pairs_figure,
    png,
    shifts_figure,
    similarity_figure,
)
from brainstack.images.stack_views import slab_of, stack_views, views_figure
from brainstack.records import PairTransform, SectionAlignment


def section(key: str, verdict: str = "good", *, by_hand: bool = False, **numbers: float) -> SectionAlignment:
    values = {"rotation_rad": 0.0, "shift_x_um": 0.0, "shift_y_um": 0.0} | numbers
    return SectionAlignment(
        section=key, mirrored=False, metric=0.9, metric_before=0.5, overlap=1.0, residual_um=2.0, verdict=verdict,
        by_hand=by_hand, **values,
    )  # fmt: skip


def pair(fixed: str, moving: str, verdict: str = "good", residual_um: float | None = 5.0) -> PairTransform:
    return PairTransform(
        fixed, moving, 0.0, 0.0, 0.0, metric=0.8, metric_before=0.3, overlap=0.9, residual_um=residual_um,
        verdict=verdict,
    )  # fmt: skip


def marks(axes: Axes, word: str) -> list[tuple[float, float]]:
    """Where the values with the look of a word are drawn."""
    return [at for line in _lines(axes, word) if line.get_transform() == axes.transData for at in _points(line)]


def at_bottom(axes: Axes, word: str) -> list[float]:
    """The section numbers that are marked with a look at the bottom of the panel, without a value."""
    lines = [line for line in _lines(axes, word) if line.get_transform() != axes.transData]
    return [number for line in lines for number, height in _points(line) if height < 0.1]


def _lines(axes: Axes, word: str) -> list[Line2D]:
    return [line for line in axes.lines if (line.get_marker(), line.get_color()) == LOOKS[word][:0:-1]]


def _points(line: Line2D) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)]


def size_of(picture: bytes) -> tuple[int, int]:
    """(width, height) as the PNG says."""
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


def a_stack(count: int, reach: int = 3) -> tuple[list[SectionAlignment], list[PairTransform], dict[str, int]]:
    keys = [f"s{number}" for number in range(count)]
    pairs = [pair(one, other) for place, one in enumerate(keys) for other in keys[place + 1 : place + 1 + reach]]
    return [section(key) for key in keys], pairs, {key: number for number, key in enumerate(keys)}


def all_pictures(count: int) -> dict[str, bytes]:
    sections, pairs, numbers = a_stack(count)
    slabs = [(number, slab_of(np.full((12, 20), number + 1, np.uint16))) for number in range(count)]
    views = stack_views(slabs, (12, 20), count)
    figures = {
        "shifts": shifts_figure(sections, numbers, "shifts"),
        "similarity": similarity_figure(sections, pairs, numbers, "similarity"),
        "pairs": pairs_figure(sections, pairs, numbers, "pairs"),
        "views": views_figure(views, views, pixel_size_um=10.0, thickness_um=20.0, title="views"),
    }
    return {name: png(figure) for name, figure in figures.items()}


# All of them


def test_the_same_numbers_give_the_same_bytes_without_dates_or_versions() -> None:
    first, second = all_pictures(9), all_pictures(9)
    assert first == second
    for picture in first.values():
        assert not {word for word in (b"tIME", b"Software", b"Creation") if word in picture}


@pytest.mark.parametrize("count", [1, 2, SQUARE + 1])
def test_every_stack_has_all_pictures_1600_pixels_wide(count: int) -> None:
    for picture in all_pictures(count).values():
        width, height = size_of(picture)
        assert width == 1600
        assert 300 < height < 1600


def test_a_stack_of_which_nothing_could_be_aligned_has_pictures_too() -> None:
    sections = [section(key, "failed") for key in "ab"]
    numbers = {"a": 0, "b": 1}
    bad = [pair("a", "b", "failed", residual_um=None)]
    nothing = stack_views([], (12, 20), 2)
    assert png(shifts_figure(sections, numbers, ""))
    assert png(similarity_figure(sections, bad, numbers, ""))
    assert png(pairs_figure(sections, bad, numbers, ""))
    assert png(views_figure(nothing, nothing, pixel_size_um=10.0, thickness_um=20.0, title=""))


@pytest.mark.parametrize("count", [9, SQUARE + 1])
def test_what_the_report_shows_can_be_read_on_paper(count: int) -> None:
    """On A4, 1600 pixels have 180 mm."""
    sections, pairs, numbers = a_stack(count)
    views = stack_views([(0, slab_of(np.ones((12, 20))))], (12, 20), count)
    for figure in (
        pairs_figure(sections, pairs, numbers, "pairs"),
        views_figure(views, views, pixel_size_um=10.0, thickness_um=20.0, title="views"),
    ):
        png(figure)
        words = [one for one in figure.findobj(Text) if one.get_text() and one.get_visible()]
        printed_pt = [one.get_fontsize() * figure.dpi / 1600 * 180 / 25.4 for one in words]
        assert len(words) > 10
        assert min(printed_pt) > 7


# Shifts


def test_shifts_and_rotation_are_at_their_section_with_the_look_of_its_verdict() -> None:
    sections = [
        section("a", shift_x_um=100.0, shift_y_um=-40.0, rotation_rad=math.radians(3)),
        section("b", "doubtful", shift_x_um=200.0, shift_y_um=-50.0, rotation_rad=math.radians(-4)),
        section("c", by_hand=True, shift_x_um=300.0, shift_y_um=-60.0, rotation_rad=math.radians(5)),
    ]
    x, y, rotation = shifts_figure(sections, {"a": 4, "b": 5, "c": 8}, "").axes
    assert [marks(axes, "good") for axes in (x, y)] == [[(4, 100)], [(4, -40)]]
    assert [marks(axes, "doubtful") for axes in (x, y)] == [[(5, 200)], [(5, -50)]]
    assert [marks(axes, "by hand") for axes in (x, y)] == [[(8, 300)], [(8, -60)]]
    turned = [marks(rotation, word)[0] for word in ("good", "doubtful", "by hand")]
    np.testing.assert_allclose(turned, [(4, 3), (5, -4), (8, 5)])


def test_a_failed_section_has_no_shift_and_stands_at_the_bottom_below_all_others() -> None:
    sections = [section("a", shift_x_um=-500.0), section("b", "failed"), section("c", shift_x_um=700.0)]
    figure = shifts_figure(sections, {"a": 0, "b": 1, "c": 2}, "")
    for axes in figure.axes:
        assert marks(axes, "failed") == []
        assert at_bottom(axes, "failed") == [1]
    axes = figure.axes[0]
    heights = axes.transAxes.inverted().transform(axes.transData.transform([(0, -500), (2, 700)]))[:, 1]
    assert 0.1 < heights[0] < heights[1] < 1


def test_the_legend_counts_each_look_that_occurs() -> None:
    sections = [section("a"), section("b"), section("c", "failed")]
    figure = shifts_figure(sections, {"a": 0, "b": 1, "c": 2}, "")
    assert [text.get_text() for text in figure.legends[0].texts] == ["sections:", "good (2)", "failed (1)"]


# Similarity


def test_pairs_of_neighbours_are_drawn_between_their_sections_and_others_by_their_residual_only() -> None:
    """Number 1 is a gap, so that 0 and 2 are neighbours."""
    sections = [section(key) for key in "abc"]
    pairs = [pair("a", "b"), pair("a", "c", residual_um=8.0), pair("b", "c", "doubtful", residual_um=40.0)]
    likeness, overlap, residual = similarity_figure(sections, pairs, {"a": 0, "b": 2, "c": 3}, "").axes
    assert marks(likeness, "good") == [(1, 0.8)]
    assert marks(overlap, "good") == [(1, 0.9)]
    assert marks(residual, "good") == [(1, 5)]
    assert marks(residual, "doubtful") == [(2.5, 40)]
    before = next(line for line in likeness.lines if line.get_marker() == "_")
    assert _points(before) == [(1, 0.3), (2.5, 0.3)]
    further = [line for line in residual.lines if (line.get_marker(), line.get_markersize()) == (".", 3)]
    assert [_points(line) for line in further] == [[(1.5, 8)]]


def test_a_residual_of_nothing_and_one_that_is_not_known_are_told_apart() -> None:
    sections = [section(key) for key in "abc"]
    pairs = [pair("a", "b", residual_um=0.0), pair("b", "c", "failed", residual_um=None)]
    residual = similarity_figure(sections, pairs, {"a": 0, "b": 1, "c": 2}, "").axes[2]
    assert marks(residual, "good") == [(0.5, 0.1)]
    assert at_bottom(residual, "failed") == [1.5]


# The matrix of pairs


def cells(axes: Axes) -> np.ndarray:
    return np.ma.filled(axes.images[0].get_array(), np.nan)


def test_a_short_stack_has_a_matrix_of_sections_with_failed_pairs_crossed_on_both_sides() -> None:
    sections = [section(key) for key in "abc"]
    pairs = [pair("a", "b", residual_um=7.0), pair("b", "c", "failed", residual_um=900.0)]
    axes = pairs_figure(sections, pairs, {"a": 0, "b": 2, "c": 3}, "").axes[0]
    expected = np.full((4, 4), np.nan)
    expected[0, 2] = expected[2, 0] = 7
    expected[2, 3] = expected[3, 2] = 900
    np.testing.assert_array_equal(cells(axes), expected)
    assert sorted(marks(axes, "failed")) == [(2, 3), (3, 2)]
    assert axes.images[0].get_extent() == [-0.5, 3.5, 3.5, -0.5]


def test_a_long_stack_has_strips_of_section_number_by_distance() -> None:
    """A section beyond the first strip, with a gap behind it: of the sections there are, the next is one apart."""
    count = STRIP + 20
    sections, pairs, numbers = a_stack(count)
    numbers = {key: number + (number > STRIP + 4) for key, number in numbers.items()}
    odd = (f"s{STRIP + 4}", f"s{STRIP + 5}")
    pairs = [pair(*odd, "failed", 70.0) if (one.fixed, one.moving) == odd else one for one in pairs]
    first, second, _ = pairs_figure(sections, pairs, numbers, "").axes
    assert cells(first).shape == (3, STRIP)
    np.testing.assert_array_equal(cells(first), 5)
    assert cells(second)[0, 4] == 70
    assert np.isnan(cells(second)[:, 5]).all()
    assert np.nanmax(cells(second)[1:]) == 5
    assert marks(second, "failed") == [(STRIP + 4, 1)]
    assert marks(first, "failed") == []


def test_pairs_without_residual_or_place_are_white_and_never_a_colour() -> None:
    sections = [section("a"), section("b", "failed")]
    axes = pairs_figure(sections, [pair("a", "b", "failed", residual_um=None)], {"a": 0, "b": 1}, "").axes[0]
    assert np.isnan(cells(axes)).all()
    assert sorted(marks(axes, "failed")) == [(0, 1), (1, 0)]


@pytest.mark.parametrize(("worst", "top"), [(3.0, 100), (100.0, 100), (101.0, 1000), (4000.0, 10_000)])
def test_the_colours_end_at_a_power_of_ten(worst: float, top: float) -> None:
    sections = [section("a"), section("b")]
    axes = pairs_figure(sections, [pair("a", "b", residual_um=worst)], {"a": 0, "b": 1}, "").axes[0]
    assert axes.images[0].get_clim() == (1, top)
