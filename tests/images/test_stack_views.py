"""What the pictures of a stack from the side and from above show, and where."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from brainstack.images.alignment_plots import png
from brainstack.images.stack_views import Slab, StackViews, resized, slab_of, stack_views, views_figure
from brainstack.report.alignment import VIEWS_PX


def test_a_slab_is_the_mean_of_the_middle_columns_and_rows() -> None:
    """Of 100 columns three are 3 %: those from 48 to 50; of 200 rows six: from 97 to 102."""
    rows, columns = np.indices((200, 100))
    slab = slab_of((100 * rows + columns).astype(np.uint16))
    np.testing.assert_allclose(slab.side, 100 * np.arange(200) + 49)
    np.testing.assert_allclose(slab.top, 100 * 99.5 + np.arange(100))


def test_what_is_beside_the_slab_does_not_count() -> None:
    image = np.full((200, 100), 7, np.uint16)
    image[:, :48] = image[:, 51:] = 65535
    np.testing.assert_array_equal(slab_of(image).side, 7)


def test_bright_pixels_do_not_overflow() -> None:
    slab = slab_of(np.full((2000, 1000), 65535, np.uint16))
    assert set(slab.side) == set(slab.top) == {65535.0}


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (9, 16)])
def test_of_a_tiny_canvas_the_slab_is_one_pixel(shape: tuple[int, int]) -> None:
    image = np.arange(math.prod(shape), dtype=np.uint8).reshape(shape)
    slab = slab_of(image)
    np.testing.assert_array_equal(slab.side, image[:, (shape[1] - 1) // 2])
    np.testing.assert_array_equal(slab.top, image[(shape[0] - 1) // 2])


def test_sections_are_columns_at_their_number_and_gaps_are_dark() -> None:
    slabs = [(number, Slab(np.full(4, number, np.float32), np.full(6, 10 * number, np.float32))) for number in (1, 4)]
    views = stack_views(iter(slabs), (4, 6), 6)
    np.testing.assert_array_equal(views.side, np.tile([0, 1, 0, 0, 4, 0], (4, 1)))
    np.testing.assert_array_equal(views.top, np.tile([0, 10, 0, 0, 40, 0], (6, 1)))


def test_no_more_than_one_slab_is_held_while_the_next_is_made() -> None:
    made: list[weakref.ref[np.ndarray]] = []

    def one_by_one() -> Iterator[tuple[int, Slab]]:
        for number in range(5):
            assert sum(slab() is not None for slab in made) <= 1
            slab = slab_of(np.ones((4, 6)))
            made.append(weakref.ref(slab.side))
            yield number, slab
            del slab

    stack_views(one_by_one(), (4, 6), 5)
    assert len(made) == 5


@pytest.mark.parametrize("columns", [30, 31, 47, 5])
def test_a_resized_view_gives_each_section_its_share_and_no_light_to_another(columns: int) -> None:
    """Three sections, the middle one a gap: the first has a third of the width, and so has the gap."""
    shown = resized(np.tile(np.array([6, 0, 3], np.float32), (8, 1)), 4, columns)
    assert shown.shape == (4, columns)
    assert shown.mean() == pytest.approx(3, rel=1e-5)
    left, right = math.ceil(columns / 3), math.floor(2 * columns / 3)
    np.testing.assert_allclose(shown[:, : columns // 3], 6, rtol=1e-5)
    np.testing.assert_allclose(shown[:, left:right], 0, atol=1e-5)
    np.testing.assert_allclose(shown[:, math.ceil(2 * columns / 3) :], 3, rtol=1e-5)


def test_a_view_of_more_sections_than_pixels_leaves_none_out() -> None:
    stripes = np.tile(np.arange(1000) % 2, (4, 1)).astype(np.float32)
    np.testing.assert_allclose(resized(stripes, 4, 250), 0.5, atol=1e-5)


def panels(figure: Figure) -> list[Axes]:
    """From the side before and after, from above before and after."""
    return [axes for axes in figure.axes if axes.images]


def views_of(levels: list[int], canvas: tuple[int, int]) -> StackViews:
    slabs = [(number, slab_of(np.full(canvas, level))) for number, level in enumerate(levels) if level]
    return stack_views(slabs, canvas, len(levels))


def test_views_have_one_grey_scale_and_lengths_in_millimetres() -> None:
    """Pixels of 10 um; sections 50 um apart, of which the third is a gap."""
    before, after = views_of([10, 20, 0, 30], (100, 200)), views_of([10, 20, 0, 30], (80, 160))
    figure = views_figure(before, after, pixel_size_um=10.0, thickness_um=50.0, title="")
    shown = panels(figure)
    assert {axes.images[0].get_clim() for axes in shown} == {(0, 30)}
    np.testing.assert_allclose([axes.get_xlim() for axes in shown], [(-0.025, 0.175)] * 4)
    extents = [axes.images[0].get_extent()[2:] for axes in shown]
    np.testing.assert_allclose(extents, [(1, 0), (0.8, 0), (2, 0), (1.6, 0)])
    np.testing.assert_allclose([axes.get_ylim() for axes in shown], [(1, 0), (1, 0), (2, 0), (2, 0)])


def test_lengths_across_the_stack_have_one_scale_in_all_views() -> None:
    before, after = views_of([1, 2, 3], (90, 250)), views_of([1, 2, 3], (100, 220))
    figure = views_figure(before, after, pixel_size_um=10.0, thickness_um=50.0, title="")
    px_per_mm = [axes.get_window_extent().height / axes.get_ylim()[0] for axes in panels(figure)]
    np.testing.assert_allclose(px_per_mm, px_per_mm[0], rtol=0.005)


def test_each_view_has_a_quarter_to_itself_and_its_words() -> None:
    """So that the report can part them, which knows the size that such a picture has."""
    views = views_of([10, 20, 30], (300, 100))
    figure = views_figure(views, views, pixel_size_um=10.0, thickness_um=50.0, title="DK39, channel 1: a long title")
    pixels = cv2.imdecode(np.frombuffer(png(figure), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert pixels.shape == VIEWS_PX
    for quarter in (cell for half in np.vsplit(pixels, 2) for cell in np.hsplit(half, 2)):
        edges = np.concatenate(
            [quarter[:3].ravel(), quarter[-3:].ravel(), quarter[:, :3].ravel(), quarter[:, -3:].ravel()]
        )
        assert edges.min() == 255
        assert quarter.min() == 0


def test_a_gap_is_dark_in_the_picture_itself() -> None:
    """The middle of the panel, read back from the pixels of the figure, is the third of five sections."""
    views = views_of([10, 10, 0, 10, 10], (100, 200))
    figure = views_figure(views, views, pixel_size_um=10.0, thickness_um=50.0, title="")
    pixels = cv2.imdecode(np.frombuffer(png(figure), np.uint8), cv2.IMREAD_GRAYSCALE)
    for axes in panels(figure):
        box = axes.get_window_extent()
        row = pixels[round(len(pixels) - (box.y0 + box.y1) / 2)]
        at = [round(box.x0 + box.width * (place + 0.5) / 5) for place in range(5)]
        assert row[at].tolist() == [255, 255, 0, 255, 255]
