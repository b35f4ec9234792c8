"""Loops and votes of made-up stacks, of which it is known what is wrong."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from chained import FAR, RADIUS_UM, SHAPE, exact_pairs, jittered, measured, off, sections, spoilt

from brainstack.geometry import is_mirrored, rigid, scaled
from brainstack.images.pair_check import (
    Checked,
    Measured,
    check_pairs,
    distance_um,
    high_limit,
    judged_loops,
    loops,
    mirrored_sections,
    typical,
)  # fmt: skip
from brainstack.settings import load_settings

SETTINGS = load_settings().pair_check


def checked(pairs: list[Measured], count: int, **changes: object) -> Checked:
    return check_pairs(count, pairs, settings=SETTINGS.model_copy(update=changes), **FAR)


def voted(count: int, mirrored: set[int], strength: float = 0.3, reach: int = 3) -> list[Measured]:
    """Pairs that are more alike, by that much, in the state that is right."""
    pairs = exact_pairs(sections(count, mirrored), reach)
    return measured(pairs, likeness_other=0.8 - strength)


# Lengths


def test_what_moves_nothing_is_no_distance_and_a_mirror_is_infinite():
    assert distance_um(np.eye(3), **FAR) == 0
    assert distance_um(rigid(0, 0, 0, SHAPE, mirrored=True), **FAR) == math.inf


def test_a_distance_is_the_root_mean_square_over_a_ring_of_tissue():
    turn, shift = off(degrees=60), off(x_um=300, y_um=-400)
    assert distance_um(turn, **FAR) == pytest.approx(RADIUS_UM)  # the chord of 60 degrees is the radius
    assert distance_um(shift, **FAR) == pytest.approx(500)
    assert distance_um(shift @ turn, **FAR) == pytest.approx(math.hypot(500, RADIUS_UM))


def test_a_distance_is_the_same_on_smaller_pixels():
    matrix = off(5, 300, -40)
    smaller = {"radius_um": RADIUS_UM, "pixel_size_um": FAR["pixel_size_um"] / 4, "shape": (1200, 1600)}
    assert distance_um(scaled(matrix, 4), **smaller) == pytest.approx(distance_um(matrix, **FAR))


def test_the_lower_median_is_one_of_the_numbers_and_nothing_is_not_a_number():
    assert [typical(one) for one in ([3.0], [9.0, 1.0], [9.0, 1.0, 5.0], [1.0, math.inf])] == [3, 1, 5, 1]
    assert math.isnan(typical([]))


def test_a_limit_is_what_is_allowed_above_the_median_or_the_scatter_where_that_is_more():
    assert high_limit(np.array([1.0, 1.0, 1.0]), 6.0, 100.0) == 101
    assert high_limit(np.array([0.0, 100.0, 200.0]), 6.0, 100.0) == pytest.approx(100 + 6 * 148.26)
    assert high_limit(np.array([]), 6.0, 100.0) == 100


# Loops


def test_loops_of_a_stack_close():
    found = loops(measured(exact_pairs(sections(6, mirrored={2, 3}))), **FAR)
    assert set(found[1, 2]) == {0, 3, 4}
    assert max(um for each in found.values() for um in each.values()) < 1e-6


def test_a_wrong_pair_opens_its_loops_by_as_much_as_it_is_wrong_and_no_other():
    pairs = exact_pairs(sections(8))
    pairs[3, 4] = pairs[3, 4] @ off(x_um=700)
    found = loops(measured(pairs), **FAR)
    assert list(found[3, 4].values()) == pytest.approx([700] * 4)
    assert found[2, 3][4] == pytest.approx(700)
    assert found[2, 3][1] < 1e-6


def test_of_pairs_in_no_loop_nothing_is_known():
    judged = judged_loops(measured(exact_pairs(sections(5), reach=1)), settings=SETTINGS, **FAR)
    assert all(math.isnan(um) for um in judged.open_um.values())
    assert not judged.doubted
    assert judged_loops([], settings=SETTINGS, **FAR).open_um == {}


@pytest.mark.parametrize("wrong", [(0, 1), (7, 8), (18, 19), (7, 9), (7, 10)])
def test_a_wrong_pair_is_in_doubt_and_no_other(wrong: tuple[int, int]):
    pairs = jittered(exact_pairs(sections(20)))
    pairs[wrong] = pairs[wrong] @ off(30)
    assert judged_loops(measured(pairs), settings=SETTINGS, **FAR).doubted == {wrong}


@pytest.mark.parametrize("bad", [0, 1, 9, 19])
def test_all_pairs_of_a_section_that_is_wrong_are_in_doubt_and_no_other(bad: int):
    pairs = spoilt(jittered(exact_pairs(sections(20))), bad)
    doubted = judged_loops(measured(pairs), settings=SETTINGS, **FAR).doubted
    assert doubted == {places for places in pairs if bad in places}


def test_a_pair_that_bridges_two_bad_sections_is_not_doubted_for_loops_that_are_only_theirs():
    pairs = spoilt(jittered(exact_pairs(sections(20))), 8, 9)
    likeness = {places: 0.3 if {8, 9} & set(places) else 0.8 for places in pairs}
    said = [Measured(*places, matrix, likeness[places]) for places, matrix in pairs.items()]
    judged = judged_loops(said, settings=SETTINGS, **FAR)
    assert judged.doubted == {places for places in pairs if {8, 9} & set(places)}
    assert math.isnan(judged.open_um[7, 10])


def test_pairs_as_alike_as_others_are_right_where_wider_ones_are_bent():
    """Open by twice what is allowed: the neighbours, whose likeness is as that of others, are not in doubt."""
    pairs = exact_pairs(sections(20))
    pairs[7, 8] = pairs[7, 8] @ off(x_um=200)
    alike, unlike_ = measured(pairs), measured(pairs)
    unlike_ = [dataclasses.replace(one, likeness=0.5) if one.places == (7, 8) else one for one in unlike_]
    assert not judged_loops(alike, settings=SETTINGS, **FAR).doubted
    assert judged_loops(unlike_, settings=SETTINGS, **FAR).doubted == {(7, 8)}


def test_a_pair_given_by_hand_is_not_in_doubt_and_not_tried_again():
    pairs = exact_pairs(sections(20))
    pairs[7, 8] = pairs[7, 8] @ off(30)
    said = [dataclasses.replace(one, by_hand=one.places == (7, 8)) for one in measured(pairs)]
    assert (7, 8) not in checked(said, 20).requests


# What is tried again


def test_a_stack_without_fault_is_left_alone():
    found = checked(measured(jittered(exact_pairs(sections(20)))), 20)
    assert (found.mirrored, dict(found.requests)) == (frozenset(), {})
    assert max(found.open_um.values()) < 30


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_stack_without_loops_has_nothing_to_check(count: int):
    found = checked(measured(exact_pairs(sections(count))), count)
    assert (found.mirrored, dict(found.requests)) == (frozenset(), {})


def test_a_wrong_pair_is_tried_again_from_where_the_others_say_that_it_lies():
    true = exact_pairs(sections(20))
    pairs = true | {(7, 8): true[7, 8] @ off(30)}
    found = checked(measured(pairs), 20)
    ((places, request),) = found.requests.items()
    assert places == (7, 8)
    assert not request.mirrored
    assert len(request.starts) == 2
    assert all(np.allclose(start, true[7, 8]) for start in request.starts)


def test_a_pair_that_is_mirrored_against_what_others_say_is_tried_again_the_right_way_up():
    true = exact_pairs(sections(20, mirrored={8}))
    said = voted(20, {8})
    wrong = true[7, 8] @ rigid(0.1, 3, 4, SHAPE, mirrored=True)
    said = [
        dataclasses.replace(one, matrix=wrong, likeness=0.31, likeness_other=0.3) if one.places == (7, 8) else one
        for one in said
    ]
    found = checked(said, 20)
    ((places, request),) = found.requests.items()
    assert (found.mirrored, places, request.mirrored) == ({8}, (7, 8), True)
    assert all(np.allclose(start, true[7, 8]) for start in request.starts)


def test_where_mirrored_sections_stay_their_pairs_are_tried_again_as_they_lie():
    found = checked(voted(20, {8}), 20, turn_mirrored=False)
    assert found.mirrored == {8}
    assert set(found.requests) == {places for places in exact_pairs(sections(20)) if 8 in places}
    assert not any(request.mirrored for request in found.requests.values())
    assert not any(is_mirrored(start) for request in found.requests.values() for start in request.starts)


def test_starts_lead_only_over_pairs_that_are_not_in_doubt():
    true = exact_pairs(sections(20))
    pairs = spoilt(true, 8)
    for places, request in checked(measured(pairs), 20).requests.items():
        assert 8 in places
        assert request.starts == ()  # there is no way to it: nothing to try
    both = true | {places: true[places] @ off(degrees) for places, degrees in (((7, 8), 30), ((7, 9), 80))}
    for places, request in checked(measured(both), 20).requests.items():
        assert all(np.allclose(start, true[places]) for start in request.starts)


def test_the_order_of_pairs_does_not_matter():
    pairs = measured(spoilt(jittered(exact_pairs(sections(20, {3}))), 11), likeness_other=0.5)
    there, back = checked(pairs, 20), checked(pairs[::-1], 20)
    assert there.mirrored == back.mirrored
    assert there.open_um == back.open_um
    assert there.requests.keys() == back.requests.keys()
    for places, request in there.requests.items():
        assert np.array_equal(request.starts, back.requests[places].starts)


# Mirrored sections


@pytest.mark.parametrize("count", [10, 60])
@pytest.mark.parametrize("reach", [1, 3, 6])
@pytest.mark.parametrize(
    "mirrored",
    [set(), {4}, {0}, {0, 1}, {2, 3, 4, 5}, {5}, {1, 3, 8}],
    ids=["none", "one", "the first", "the first two", "a run of four", "another", "three"],
)
def test_sections_that_lie_the_wrong_way_up_are_found(count: int, reach: int, mirrored: set[int]):
    assert mirrored_sections(count, voted(count, mirrored, reach=reach)) == mirrored


@pytest.mark.parametrize("mirrored", [{59}, {56, 57, 58, 59}, {30}])
def test_they_are_found_at_the_end_and_in_the_middle(mirrored: set[int]):
    assert mirrored_sections(60, voted(60, mirrored)) == mirrored


def test_where_nothing_tells_no_section_is_mirrored():
    pairs = measured(exact_pairs(sections(20)))
    assert mirrored_sections(20, pairs) == frozenset()  # the other state was never tried
    assert mirrored_sections(20, [dataclasses.replace(one, likeness_other=0.8) for one in pairs]) == frozenset()
    assert mirrored_sections(5, []) == mirrored_sections(0, []) == frozenset()


def test_a_damaged_section_that_votes_at_random_turns_no_other():
    random = np.random.default_rng(0)
    for seed in range(20):
        votes = voted(20, {4})
        for at, one in enumerate(votes):
            if 9 in one.places:
                votes[at] = dataclasses.replace(one, likeness=0.3, likeness_other=0.3 + random.normal(0, 0.1))
        assert mirrored_sections(20, votes) - {9} == {4}, seed


def test_of_a_pair_given_by_hand_the_state_is_believed_and_not_the_likeness():
    """Given as mirrored, though they are more alike as they are: the fewer, on one side of it, lie the wrong way up."""
    upright, flopped = exact_pairs(sections(20))[7, 8], exact_pairs(sections(20, {8}))[7, 8]
    for matrix, found in ((upright, frozenset()), (flopped, frozenset(range(8)))):
        given = Measured(7, 8, matrix, likeness=0.1, likeness_other=0.9, by_hand=True)
        pairs = [given if one.places == (7, 8) else one for one in voted(20, set(), reach=1)]
        assert mirrored_sections(20, pairs) == found


def test_a_pair_given_by_hand_as_mirrored_turns_the_one_of_the_two_that_no_other_pair_holds():
    """Of the first section nothing else is known: it is the one that is mirrored."""
    true = exact_pairs(sections(20, {0}))
    pairs = [one for one in voted(20, {0}) if 0 not in one.places]
    assert mirrored_sections(20, [*pairs, Measured(0, 1, true[0, 1], by_hand=True)]) == {0}


def test_an_anchor_that_people_say_is_mirrored_is_and_so_are_those_that_fit_on_it_as_they_are():
    """Only the pair of 11 and 12 was lost: nothing tells which side of it lies the wrong way up but the anchor."""
    parted = [one for one in voted(24, set()) if not one.fixed <= 11 < one.moving]
    assert mirrored_sections(24, parted, {14: True}) == set(range(12, 24))
    assert mirrored_sections(24, parted, {14: True, 3: True}) == set(range(24))
    assert mirrored_sections(24, parted, {14: False}) == frozenset()


def test_an_anchor_outweighs_what_its_pairs_say():
    """Six pairs say that 8 is mirrored, or that it is not; all others fit on each other as they are."""
    assert mirrored_sections(200, voted(200, {8}), {8: False, 100: False}) == frozenset()
    assert mirrored_sections(200, voted(200, set()), {8: True, 100: False}) == {8}
    assert mirrored_sections(1, [], {0: True}) == {0}


def test_pairs_of_an_anchor_are_tried_again_in_the_state_that_it_has():
    said = measured(exact_pairs(sections(200)), likeness_other=0.5)
    found = check_pairs(200, said, settings=SETTINGS, states={8: True, 100: False}, **FAR)
    assert set(found.requests) == {places for places in exact_pairs(sections(200)) if 8 in places}
    assert all(request.mirrored for request in found.requests.values())


def test_of_two_sections_one_is_mirrored_against_the_other():
    assert len(mirrored_sections(2, voted(2, {1}))) == 1


# Stacks in which hardly a pair is right


def test_where_no_loop_closes_all_pairs_are_in_doubt_though_all_are_alike_in_that():
    random = np.random.default_rng(0)
    wrong = {
        places: one @ off(random.uniform(20, 340), *random.uniform(-1000, 1000, 2))
        for places, one in exact_pairs(sections(30)).items()
    }
    doubted = judged_loops(measured(wrong), settings=SETTINGS, **FAR).doubted
    assert sum(moving - fixed == 1 for fixed, moving in doubted) >= 27  # two loops of a pair may close by chance


def test_of_three_sections_whose_loop_stays_open_all_pairs_are_in_doubt():
    """One of the three is wrong, and nothing tells which."""
    pairs = exact_pairs(sections(3))
    pairs[0, 1] = pairs[0, 1] @ off(60, 500)
    assert judged_loops(measured(pairs), settings=SETTINGS, **FAR).doubted == set(pairs)


def test_loops_of_sections_far_apart_may_all_be_open_by_as_much_as_those_of_a_real_brain_are():
    """20 sections of a brain, some 400 um apart, have neighbours whose loops are open by up to 480 um."""
    random = np.random.default_rng(0)
    bent = {places: one @ off(random.normal(0, 2)) for places, one in exact_pairs(sections(20)).items()}
    judged = judged_loops(measured(bent, likeness=0.15), settings=SETTINGS, **FAR)
    assert np.median([um for places, um in judged.open_um.items() if places[1] - places[0] == 1]) > 100
    assert not judged.doubted
