"""Polygons that people drew: filled, interpolated, and refused where they are none."""

from __future__ import annotations

import numpy as np
import pytest

from brainstack.errors import BrainstackError
from brainstack.images.outlines import DrawnStructure, check_outline, filled, label_plane

SQUARE = np.array([(2, 3), (7, 3), (7, 9), (2, 9)]) - 0.5


def circle(x: float, y: float, radius: float) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    return np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1)


def test_a_square_fills_the_pixels_inside() -> None:
    mask = filled([SQUARE], (12, 10))
    assert mask[3:9, 2:7].all()
    assert mask.sum() == 30


def test_a_circle_has_its_area_and_its_middle() -> None:
    mask = filled([circle(60.3, 50.7, 40)], (100, 120))
    assert mask.sum() == pytest.approx(np.pi * 40**2, rel=0.005)
    np.testing.assert_allclose(np.argwhere(mask).mean(axis=0), (50.7, 60.3), atol=0.05)


def test_a_box_of_the_plane_is_filled_as_the_plane_is() -> None:
    whole = filled([circle(60.3, 50.7, 40)], (100, 120))
    np.testing.assert_array_equal(filled([circle(60.3, 50.7, 40)], (50, 70), (30, 20)), whole[30:80, 20:90])


def test_two_outlines_of_a_section_are_both_filled() -> None:
    both = filled([circle(20, 20, 8), circle(26, 20, 8)], (40, 50))
    assert both[20, 13:34].all()


@pytest.mark.parametrize("corners", [[(5, 5)], [(5, 5), (9, 9)], [(5, 5), (9, 9), (9, 9), (5, 5)]])
def test_fewer_than_three_corners_are_no_polygon(corners: list[tuple[int, int]]) -> None:
    with pytest.raises(BrainstackError, match="wanted 3 or more"):
        check_outline(np.array(corners, float), "Polygon 1 of 7N_L")


@pytest.mark.parametrize(
    "corners",
    [
        [(0, 0), (10, 10), (10, 0), (0, 10)],  # a bow tie
        [(0, 0), (10, 0), (10, 10), (5, 0), (0, 10)],  # touches its first line
        [(0, 0), (10, 0), (10, 5), (4, 5), (4, -3), (0, 5)],
    ],
)
def test_a_polygon_that_crosses_itself_is_refused(corners: list[tuple[int, int]]) -> None:
    with pytest.raises(BrainstackError, match=r"Polygon 1 of 7N_L crosses itself: .*draw it without a loop"):
        check_outline(np.array(corners, float), "Polygon 1 of 7N_L")


def test_sound_polygons_pass() -> None:
    for outline in (SQUARE, SQUARE[::-1], circle(5, 5, 3), np.array([(0, 0), (9, 0), (9, 9), (5, 2.0), (0, 9)])):
        check_outline(outline, "a polygon")


def test_sections_between_are_interpolated_on_the_way() -> None:
    """A circle that moves 8 pixels and grows from 6 to 10: half-way it is 4 pixels on, with a radius of 8."""
    drawn = DrawnStructure(5, {2: [circle(20, 20, 6)], 6: [circle(28, 20, 10)]})
    planes = {slot: label_plane([drawn], slot, (40, 50)) for slot in range(9)}
    assert [bool(planes[slot].any()) for slot in range(9)] == [False] * 2 + [True] * 5 + [False] * 2
    middle = planes[4] == 5
    assert middle.sum() == pytest.approx(np.pi * 8**2, rel=0.08)
    np.testing.assert_allclose(np.argwhere(middle).mean(axis=0), (20, 24), atol=0.2)


def test_structures_that_overlap_leave_the_last() -> None:
    low, high = (DrawnStructure(label, {0: [SQUARE]}) for label in (1, 2))
    assert set(np.unique(label_plane([low, high], 0, (12, 12)))) == {0, 2}


def test_an_outline_beyond_the_canvas_is_cut() -> None:
    plane = label_plane([DrawnStructure(3, {0: [circle(0, 0, 10)]})], 0, (20, 20))
    assert plane.sum() / 3 == pytest.approx(np.pi * 100 / 4, rel=0.12)  # its quarter, with half a pixel's border
