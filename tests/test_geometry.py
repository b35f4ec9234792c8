"""Answers known by reasoning, and by what numpy does to an array with one bright pixel."""

import itertools
import math

import numpy as np
import pytest

from brainstack import geometry
from brainstack.errors import BrainstackError

SHAPE = (30, 41)


def test_four_quarter_turns_are_the_identity():
    rows, columns = SHAPE
    turn, back = geometry.turning(1, "none", (rows, columns)), geometry.turning(1, "none", (columns, rows))
    assert np.array_equal(back @ turn @ back @ turn, np.eye(3))


def test_four_turns_at_once_are_none():
    assert np.array_equal(geometry.turning(4, "none", SHAPE), np.eye(3))


@pytest.mark.parametrize("flip", geometry.FLIPS)
@pytest.mark.parametrize("quarter_turns", range(4))
def test_turning_moves_a_bright_pixel_as_numpy_does(quarter_turns: int, flip: str):
    picture = np.zeros(SHAPE)
    picture[4, 33] = 1
    turned = np.rot90(picture, -quarter_turns)
    turned = {"none": turned, "flip": np.rot90(turned, 2), "flop": np.fliplr(turned)}[flip]
    (row,), (column,) = np.nonzero(turned)
    assert geometry.points(geometry.turning(quarter_turns, flip, SHAPE), (33, 4)).tolist() == [column, row]
    assert geometry.turned_shape(SHAPE, quarter_turns) == turned.shape


def test_an_unknown_flip_is_refused():
    with pytest.raises(ValueError, match="none, flip, flop, found 'mirror'"):
        geometry.turning(0, "mirror", SHAPE)


def test_placing_moves_a_bright_pixel_as_copying_into_the_middle_does():
    picture, canvas = np.zeros(SHAPE), np.zeros((40, 50))
    picture[0, 0] = 1
    canvas[5:35, 4:45] = picture
    (row,), (column,) = np.nonzero(canvas)
    assert geometry.points(geometry.placing(SHAPE, canvas.shape), (0, 0)).tolist() == [column, row]


def test_a_section_larger_than_its_canvas_is_refused():
    with pytest.raises(BrainstackError, match="41 x 30 pixels and does not fit its canvas of 60 x 20"):
        geometry.placing(SHAPE, (20, 60))


def test_a_rotation_leaves_the_canvas_centre_where_it_is():
    assert np.allclose(geometry.points(geometry.rigid(0.7, 0, 0, SHAPE), (20, 14.5)), (20, 14.5))


def test_a_positive_rotation_is_clockwise_on_the_screen():
    right_of_the_centre, below_the_centre = (30, 14.5), (20, 24.5)
    quarter = geometry.rigid(math.pi / 2, 0, 0, SHAPE)
    assert np.allclose(geometry.points(quarter, right_of_the_centre), below_the_centre)


def test_a_quarter_turn_of_a_square_is_a_rotation_about_its_centre():
    assert np.allclose(geometry.turning(1, "none", (9, 9)), geometry.rigid(math.pi / 2, 0, 0, (9, 9)))


def test_the_rotation_comes_before_the_shift():
    half_turn = geometry.rigid(math.pi, 3, 0, SHAPE)
    assert np.allclose(geometry.points(half_turn, (21, 14.5)), (22, 14.5))


def test_the_parts_of_a_rigid_map_are_those_it_was_made_of():
    parts = geometry.rigid_parts(geometry.rigid(-2.5, 12.25, -3.5, SHAPE), SHAPE)
    assert np.allclose((parts.rotation_rad, parts.shift_x_px, parts.shift_y_px), (-2.5, 12.25, -3.5))


def test_the_parts_of_a_map_that_mirrors_say_so():
    made = geometry.rigid(-2.5, 12.25, -3.5, SHAPE, mirrored=True)
    parts = geometry.rigid_parts(made, SHAPE)
    assert parts.mirrored
    assert np.allclose((parts.rotation_rad, parts.shift_x_px, parts.shift_y_px), (-2.5, 12.25, -3.5))
    assert geometry.is_mirrored(made)
    assert not geometry.is_mirrored(made @ made)


def test_a_mirror_is_a_flop_about_the_canvas_centre_before_the_rotation():
    flop = geometry.turning(0, "flop", SHAPE)
    assert np.allclose(geometry.rigid(0, 0, 0, SHAPE, mirrored=True), flop)
    assert np.allclose(geometry.rigid(0.7, 3, -4, SHAPE, mirrored=True), geometry.rigid(0.7, 3, -4, SHAPE) @ flop)


def test_a_map_that_stretches_has_no_rigid_parts():
    with pytest.raises(ValueError, match="rotation and a shift"):
        geometry.rigid_parts(geometry.scaling(2), SHAPE)


def test_the_inverse_takes_points_back():
    matrix = geometry.rigid(0.3, 5, -8, SHAPE)
    assert np.allclose(geometry.inverse(matrix) @ matrix, np.eye(3), atol=1e-12)


def test_scaling_takes_a_pixel_to_the_middle_of_the_pixels_it_becomes():
    assert geometry.points(geometry.scaling(32), (0, 2)).tolist() == [15.5, 79.5]


def test_scaled_takes_the_edge_of_a_picture_to_the_edge():
    # A shift by one thumbnail pixel is a shift by 32 pixels; a rotation about the centre stays one about the centre.
    assert np.allclose(geometry.scaled(geometry.shift(1, -2), 32), geometry.shift(32, -64))
    large = (SHAPE[0] * 32, SHAPE[1] * 32)
    assert np.allclose(geometry.scaled(geometry.rigid(0.2, 3, 4, SHAPE), 32), geometry.rigid(0.2, 96, 128, large))


def test_scaling_and_composing_may_change_places():
    one, other = geometry.rigid(0.4, 3, -2, SHAPE), geometry.rigid(-1.1, 0.5, 7, SHAPE)
    assert np.allclose(geometry.scaled(one @ other, 32), geometry.scaled(one, 32) @ geometry.scaled(other, 32))


def test_scaling_forth_and_back_changes_nothing():
    matrix = geometry.rigid(0.4, 3, -2, SHAPE)
    assert np.allclose(geometry.scaled(geometry.scaled(matrix, 32), 1 / 32), matrix)


def test_a_scaled_map_samples_where_the_averaged_picture_lies():
    # Four quarter-size pixels make one: their mean position is where scaling puts it, for a turned picture as well.
    turn, small = geometry.turning(1, "none", (8, 12)), geometry.turning(1, "none", (2, 3))
    four = geometry.points(turn, [(x, y) for x in range(4, 8) for y in range(4)]).mean(axis=0)
    assert np.allclose(four, geometry.points(geometry.scaling(4), geometry.points(small, (1, 0))))


def test_the_anchor_stays_and_its_neighbours_follow_their_pairs():
    pairs = [geometry.shift(1, 0), geometry.shift(10, 0), geometry.shift(100, 0)]
    to_section = geometry.compose_to_middle(pairs, 1)
    assert [matrix[0, 2] for matrix in to_section] == [-1, 0, 10, 110]


def test_composed_maps_differ_between_neighbours_by_their_pair():
    pairs = [geometry.rigid(angle, 3 * angle, 1, SHAPE) for angle in (0.1, -0.4, 2.0, 0.3)]
    to_section = geometry.compose_to_middle(pairs, 2)
    for pair, fixed, moving in zip(pairs, to_section, to_section[1:], strict=False):
        assert np.allclose(moving, pair @ fixed)


def test_one_section_alone_is_its_own_anchor():
    assert np.array_equal(geometry.compose_to_middle([], 0), [np.eye(3)])


def test_an_anchor_outside_the_stack_is_refused():
    with pytest.raises(ValueError, match="section 2, but the sections are 0 to 1"):
        geometry.compose_to_middle([np.eye(3)], 2)


def test_known_maps_stay_and_the_others_follow_the_nearest() -> None:
    pairs = [geometry.shift(number + 1.0, 0.0) for number in range(4)]
    known = {0: geometry.shift(100.0, 0.0), 4: geometry.shift(200.0, 0.0)}
    placed = geometry.compose_from(known, pairs)
    assert {number: matrix[0, 2] for number, matrix in placed.items()} == {0: 100, 1: 101, 2: 103, 3: 196, 4: 200}


def test_what_no_pair_connects_has_no_map() -> None:
    assert set(geometry.compose_from({1: np.eye(3)}, [None, geometry.shift(1.0, 0.0), None])) == {1, 2}


def test_four_hundred_pairs_compose_without_a_millionth_of_a_pixel_lost():
    shape = (1200, 2300)
    random = np.random.default_rng(0)
    places = [geometry.rigid(random.uniform(-3, 3), *random.uniform(-500, 500, 2), shape) for _ in range(401)]
    pairs = [moving @ geometry.inverse(fixed) for fixed, moving in itertools.pairwise(places)]
    corners = [(0, 0), (2299, 0), (0, 1199), (2299, 1199)]
    for place, matrix in zip(places, geometry.compose_to_middle(pairs, 200), strict=True):
        true = geometry.points(place @ geometry.inverse(places[200]), corners)
        assert np.abs(geometry.points(matrix, corners) - true).max() < 1e-6


def test_points_keep_the_shape_of_what_came_in():
    assert geometry.points(np.eye(3), np.zeros((4, 5, 2))).shape == (4, 5, 2)
