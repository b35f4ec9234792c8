"""Polygons of the database: sorted by structure and section, or refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from labelled import circle, drawn

from brainstack.annotations import Voxel
from brainstack.errors import BrainstackError
from brainstack.images.outlines import label_plane
from brainstack.labels import labels_of, name_of
from brainstack.points import AnnotationSession, Point, Structure
from brainstack.polygons import drawn_structures

VOXEL = Voxel(10.4, 10.4, 20.0)
PLANE = 70, 80
TABLE = (Structure("7N_L", "", 7), Structure("7N_R", "", 7), Structure("SC", "", 18))


def structures(*sessions: AnnotationSession) -> list:
    labels = labels_of([name_of(one) for one in sessions], TABLE)
    return drawn_structures(sessions, labels, VOXEL, (10, *PLANE))


def test_polygons_fill_their_sections() -> None:
    left = drawn("7N_L", circle(20, 20, 8, VOXEL, 2) + circle(20, 20, 8, VOXEL, 4, 1))
    right = drawn("7N_R", circle(50, 20, 8, VOXEL, 3))
    other = drawn("SC", circle(35, 50, 5, VOXEL, 3))
    found = structures(left, right, other)
    assert [one.label for one in found] == [7, 7, 18]
    plane = label_plane(found, 3, (70, 80))
    assert set(np.unique(plane)) == {0, 7, 18}
    np.testing.assert_allclose(np.argwhere(plane == 18).mean(axis=0), (50, 35), atol=0.1)
    assert label_plane(found, 2, (70, 80))[20, 20] == 7
    assert label_plane(found, 2, (70, 80))[20, 50] == 0


def test_a_polygon_of_one_point_is_refused() -> None:
    with pytest.raises(BrainstackError, match=r"Polygon 0 of SC, session 0, in section 3 has 1 corners"):
        structures(drawn("SC", [VOXEL.from_array((5, 5, 3))]))


def test_a_polygon_that_crosses_itself_is_refused() -> None:
    corners = [VOXEL.from_array((x, y, 3)) for x, y in ((0, 0), (9, 9), (9, 0), (0, 9))]
    corners = [replace(one, order=order) for order, one in enumerate(corners)]
    with pytest.raises(BrainstackError, match="crosses itself"):
        structures(drawn("SC", corners))


def test_a_polygon_in_two_sections_is_refused() -> None:
    corners = circle(20, 20, 8, VOXEL, 3)
    corners[5] = replace(corners[5], z_um=corners[5].z_um + 20)
    with pytest.raises(BrainstackError, match="lies in more than one section"):
        structures(drawn("SC", corners))


def test_a_polygon_beyond_the_stack_is_refused() -> None:
    with pytest.raises(BrainstackError, match="in section 10; wanted one from 0 to 9"):
        structures(drawn("SC", circle(20, 20, 8, VOXEL, 10)))


def test_a_corner_on_the_border_of_a_section_belongs_to_its_polygon() -> None:
    corners = [Point(one.x_um, one.y_um, 60.0 + 20.0 * (order == 0), 0, order) for order, one in
               enumerate(circle(20, 20, 8, VOXEL, 3))]  # fmt: skip
    assert list(structures(drawn("SC", corners))[0].sections) == [3]


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [(-9, 20, "at x from"), (88, 20, "at x from"), (20, -9, "at y from"), (20, 78.5, "at y from")],
)
def test_a_polygon_beside_the_images_is_refused(x: float, y: float, said: str) -> None:
    with pytest.raises(BrainstackError, match=f"Polygon 0 of SC, .* in section 3 lies beside the images, {said}"):
        structures(drawn("SC", circle(x, y, 8, VOXEL, 3)))


@pytest.mark.parametrize(("x", "y"), [(-7, 20), (86, 20), (20, -7), (20, 76)])
def test_what_lies_beside_the_images_is_cut_off(x: float, y: float) -> None:
    found = structures(drawn("SC", circle(x, y, 8, VOXEL, 3)))
    assert 0 < (label_plane(found, 3, PLANE) == 18).sum() < 0.2 * np.pi * 8**2
