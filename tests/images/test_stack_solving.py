"""Made-up stacks come back; wrong pairs bend nothing; what holds a section pulls the others with it, smoothly."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from chained import FRAME, PIXEL_UM, SHAPE, Pairs, apart_um, errors_um, exact_pairs, jittered, off, sections, spoilt

from brainstack.geometry import Matrix, inverse, rigid, rigid_parts
from brainstack.images.stack_solving import Frame, Hold, Step, connected, grouped, solve

EXACT_UM = 1e-3


def steps_of(pairs: Pairs) -> list[Step]:
    return [Step(*places, matrix, (8.0, 30.0, 60.0)[places[1] - places[0] - 1]) for places, matrix in pairs.items()]


def solved(
    count: int, steps: list[Step], holds: Sequence[Hold] = (), *, anchor: int = 0, frame: Frame = FRAME
) -> dict[int, Matrix]:
    return solve(connected(count, steps, {anchor: np.eye(3)}), steps, holds, anchor=anchor, frame=frame)


def moves_um(before: dict[int, Matrix], after: dict[int, Matrix], way: int, frame: Frame = FRAME) -> list[float]:
    """How far each section was moved: 0 for the rotation, at the tissue's radius, 1 and 2 for the shifts."""
    return [float(frame.moves_um(inverse(before[place]) @ after[place])[way]) for place in sorted(before)]


# Frames


@pytest.mark.parametrize("axis_rad", [0.0, 0.6, -2.0, math.pi / 2])
def test_three_lengths_are_the_map_and_the_map_three_lengths(axis_rad: float) -> None:
    frame, matrix = Frame(SHAPE, PIXEL_UM, 4000.0, axis_rad), off(7, 300, -120)
    turn_um, first_um, second_um = frame.moves_um(matrix)
    assert turn_um == pytest.approx(math.radians(7) * 4000)
    assert math.hypot(first_um, second_um) == pytest.approx(math.hypot(300, 120))
    assert np.allclose(frame.matrix_of(frame.moves_um(matrix)), matrix)


def test_the_first_direction_is_that_of_the_axis() -> None:
    along_y = Frame(SHAPE, PIXEL_UM, 4000.0, math.pi / 2)
    assert along_y.moves_um(off(y_um=100)) == pytest.approx([0, 100, 0])
    assert along_y.moves_um(off(x_um=100)) == pytest.approx([0, 0, -100])


# A place to begin with


def test_a_tree_takes_the_surest_pairs_and_goes_round_what_does_not_fit() -> None:
    true = sections(6)
    pairs = spoilt(exact_pairs(true), 3)
    steps = [Step(*places, one, 3000.0 if 3 in places else 30.0) for places, one in pairs.items()]
    errors = errors_um(connected(6, steps, {0: true[0]}), true, 0)
    assert max(um for place, um in errors.items() if place != 3) < 1e-6
    assert errors[3] > 100


def test_of_two_that_say_the_same_pair_the_surer_counts() -> None:
    steps = [Step(0, 1, off(x_um=5), 8.0), Step(0, 1, off(x_um=1), 2.0), Step(0, 1, off(x_um=9), 80.0)]
    assert np.allclose(connected(2, steps, {0: np.eye(3)})[1], off(x_um=1))


def test_what_no_pair_connects_has_no_place_and_what_is_known_stays() -> None:
    true = sections(6)
    pairs = {places: one for places, one in exact_pairs(true, 1).items() if places != (2, 3)}
    assert set(connected(6, steps_of(pairs), {1: true[1]})) == {0, 1, 2}
    both = connected(6, steps_of(pairs), {1: true[1], 4: np.eye(3)})
    assert set(both) == set(range(6))
    assert np.array_equal(both[4], np.eye(3))
    assert np.allclose(both[3], true[3] @ inverse(true[4]))


def test_groups_are_what_pairs_connect() -> None:
    pairs = {places: one for places, one in exact_pairs(sections(6), 1).items() if places != (2, 3)}
    assert grouped(6, steps_of(pairs)).tolist() == [0, 0, 0, 1, 1, 1]
    assert grouped(3, []).tolist() == [0, 1, 2]


# Pairs


@pytest.mark.parametrize("count", [1, 2, 40])
def test_exact_pairs_bring_back_the_stack_exactly(count: int) -> None:
    true = sections(count)
    for anchor in {0, count // 2, count - 1}:
        placed = solved(count, steps_of(exact_pairs(true)), anchor=anchor)
        assert len(placed) == count
        assert np.allclose(placed[anchor], np.eye(3), atol=1e-9)
        assert max(errors_um(placed, true, anchor).values()) < 1e-6


def test_exact_pairs_bring_back_the_stack_from_a_wrong_start() -> None:
    true = sections(12)
    begun = {place: true[place] @ off(0.5 * place, 20 * place, -10 * place) for place in range(12)}
    placed = solve(begun, steps_of(exact_pairs(true)), [], anchor=0, frame=FRAME)
    assert max(errors_um(placed, true, 0).values()) < EXACT_UM


def test_mirrored_sections_come_back_too() -> None:
    true = sections(12, mirrored={0, 4, 5, 6, 7})
    placed = solved(12, steps_of(exact_pairs(true)))
    assert max(errors_um(placed, true, 0).values()) < 1e-6


def test_where_pairs_disagree_the_surer_one_has_more_to_say() -> None:
    """Three sections on a line: two steps of sigma 8, and one of 30 over both that says 2 um more."""
    steps = [Step(0, 1, np.eye(3), 8.0), Step(1, 2, np.eye(3), 8.0), Step(0, 2, off(x_um=2), 30.0)]
    (_, first, second) = moves_um(dict.fromkeys(range(3), np.eye(3)), solved(3, steps), 1)
    shared = 2 * 2 * 8**2 / (2 * 8**2 + 30**2)  # as springs: what the two give way
    assert second == pytest.approx(shared, rel=0.02)
    assert first == pytest.approx(shared / 2, rel=0.02)


@pytest.mark.parametrize("places", [(0, 1), (11, 12), (22, 23)])
def test_one_wrong_pair_bends_nothing(places: tuple[int, int]) -> None:
    """Off by 30 degrees: each section stays, but for what the pair would have told about its own two."""
    pairs = jittered(exact_pairs(sections(24)))
    wrong, without = ([step for step in steps_of(pairs) if (step.fixed, step.moving) != places] for _ in range(2))
    wrong.append(Step(*places, pairs[places] @ off(30), 2000.0))
    placed = solved(24, wrong, anchor=12)
    assert max(apart_um(placed[place], matrix) for place, matrix in solved(24, without, anchor=12).items()) < 2


def test_a_wrong_pair_that_was_not_begun_with_is_told_by_the_others_alone() -> None:
    true = sections(24)
    pairs = exact_pairs(true)
    pairs[11, 12] = pairs[11, 12] @ off(30)
    begun = {place: matrix @ off(0.02, 5, -5) for place, matrix in enumerate(true)}
    placed = solve(begun, steps_of(pairs), [], anchor=12, frame=FRAME)
    assert max(errors_um(placed, true, 12).values()) < 10


def test_a_stack_that_was_begun_along_a_wrong_pair_follows_it() -> None:
    """Known, and why loops choose what it begins with: far from where most meet, the loss sees no way there."""
    true = sections(10)
    pairs = exact_pairs(true)
    pairs[0, 1] = pairs[0, 1] @ off(30)
    begun = {0: true[0]} | {place: true[place] @ off(30) for place in range(1, 10)}
    placed = solve(begun, steps_of(pairs), [], anchor=0, frame=FRAME)
    assert min(um for place, um in errors_um(placed, true, 0).items() if place) > 1000


def test_what_is_not_connected_is_left_out() -> None:
    pairs = {places: one for places, one in exact_pairs(sections(6), 1).items() if places != (2, 3)}
    hold = Hold(5, np.eye(3), (2.0, 2.0, 2.0))
    assert set(solved(6, steps_of(pairs), [hold])) == {0, 1, 2}


def test_neither_the_order_of_pairs_nor_the_time_of_day_changes_a_digit() -> None:
    steps = steps_of(spoilt(jittered(exact_pairs(sections(15))), 6))
    holds = [Hold(14, off(1, 50, 0), (2.0, 2.0, 2.0))]
    mixed = [steps[at] for at in np.random.default_rng(3).permutation(len(steps))]
    first, again, other = (solved(15, one, holds) for one in (steps, steps, mixed))
    for place, matrix in first.items():
        assert np.array_equal(matrix, again[place])
        assert np.array_equal(matrix, other[place])


# Holds


STRAIGHT = [Step(place, place + 1, np.eye(3), 8.0) for place in range(40)]
SURE = (2.0, 2.0, 2.0)


@pytest.mark.parametrize("pull_um", [5.0, 100.0, 1000.0, -8000.0])
@pytest.mark.parametrize("way", [0, 1, 2])
def test_between_two_held_sections_the_stack_moves_evenly_however_far(way: int, pull_um: float) -> None:
    pull = FRAME.matrix_of(np.eye(3)[way] * pull_um)
    holds = [Hold(0, np.eye(3), SURE), Hold(20, pull, SURE)]
    straight = dict.fromkeys(range(41), np.eye(3))
    moved = moves_um(straight, solved(41, STRAIGHT, holds), way)
    even = pull_um * np.minimum(np.arange(41) / 20, 1)  # beyond the last that is held, all go with it
    assert moved == pytest.approx(even, abs=max(2.0, 0.005 * abs(pull_um)))


def test_rotation_and_shift_at_once_arrive_where_they_are_held() -> None:
    true, pull = sections(31), off(40, 2000, -1500)
    begun = solved(31, steps_of(exact_pairs(true)))
    placed = solved(31, steps_of(exact_pairs(true)), [Hold(0, np.eye(3), SURE), Hold(30, begun[30] @ pull, SURE)])
    assert apart_um(placed[30], begun[30] @ pull) < 2
    assert apart_um(placed[0], begun[0]) < 2
    assert rigid_parts(inverse(begun[15]) @ placed[15], SHAPE).rotation_rad == pytest.approx(math.radians(20), rel=0.02)


def test_one_held_section_takes_the_whole_stack_along() -> None:
    moved = moves_um(dict.fromkeys(range(41), np.eye(3)), solved(41, STRAIGHT, [Hold(20, off(x_um=500), SURE)]), 1)
    assert moved == pytest.approx([500] * 41, abs=0.01)


def test_holds_that_know_little_take_drift_away_and_keep_what_neighbours_say() -> None:
    """Neighbours drift 5 um a pair, 200 um in all; each section's absolute place is known to within 100 um or so."""
    drifting = [Step(place, place + 1, off(x_um=5), 8.0) for place in range(40)]
    random = np.random.default_rng(0)
    holds = [Hold(place, off(x_um=random.normal(0, 30)), (100.0,) * 3) for place in range(41)]
    placed = moves_um(dict.fromkeys(range(41), np.eye(3)), solved(41, drifting, holds), 1)
    assert np.ptp(placed) < 120
    assert np.abs(np.diff(placed)).max() < 8


def test_an_absolute_place_that_is_wrong_is_outvoted_by_the_others() -> None:
    holds = [Hold(place, off(x_um=3000 if place == 20 else 0), (100.0,) * 3) for place in range(41)]
    moved = moves_um(dict.fromkeys(range(41), np.eye(3)), solved(41, STRAIGHT, holds), 1)
    assert np.abs(moved).max() < 10


def test_what_is_infinitely_unsure_says_nothing() -> None:
    only_turn = Hold(40, off(2, 700, -300), (2.0, math.inf, math.inf))
    straight = dict.fromkeys(range(41), np.eye(3))
    placed = solved(41, STRAIGHT, [Hold(0, np.eye(3), (2.0, math.inf, math.inf)), only_turn])
    turns = [rigid_parts(matrix, SHAPE).rotation_rad for matrix in placed.values()]
    assert turns == pytest.approx(np.linspace(0, math.radians(2), 41), abs=1e-3)
    assert moves_um(straight, placed, 1) == pytest.approx([0] * 41, abs=0.5)
    nothing = solved(41, STRAIGHT, [Hold(40, off(2, 700, -300), (math.inf,) * 3)])
    assert max(apart_um(matrix, np.eye(3)) for matrix in nothing.values()) < EXACT_UM


def test_a_hold_across_an_axis_leaves_what_lies_along_it() -> None:
    frame = Frame(SHAPE, PIXEL_UM, 4000.0, math.radians(30))
    pull = frame.matrix_of(np.array([0.0, 90.0, 400.0]))
    placed = solved(41, STRAIGHT, [Hold(40, pull, (math.inf, 2.0, math.inf))], frame=frame)
    straight = dict.fromkeys(range(41), np.eye(3))
    assert moves_um(straight, placed, 1, frame) == pytest.approx([90] * 41, abs=0.1)
    assert moves_um(straight, placed, 2, frame) == pytest.approx([0] * 41, abs=0.1)


def test_a_wrong_pair_does_not_tear_where_a_hold_pulls() -> None:
    """Wider pairs hold on to each other there, as the wrong one has nothing to say: they give way, but all of them."""
    true = sections(21)
    pairs = exact_pairs(true)
    before = solved(21, steps_of(pairs))
    wrong = pairs | {(10, 11): pairs[10, 11] @ off(30)}
    holds = [Hold(0, before[0], SURE), Hold(20, before[20] @ off(x_um=100), SURE)]
    placed = solve(before, steps_of(wrong), holds, anchor=0, frame=FRAME)
    moved = moves_um(before, placed, 1)
    assert np.all(np.diff(moved) > 0)
    assert np.diff(moved).max() < 50


def test_a_hold_that_is_mirrored_against_its_section_pulls_nothing() -> None:
    mirrored = Hold(40, rigid(0.3, 5, 5, SHAPE, mirrored=True), SURE)
    placed = solved(41, STRAIGHT, [mirrored])
    assert max(apart_um(matrix, np.eye(3)) for matrix in placed.values()) < EXACT_UM
