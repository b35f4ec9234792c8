"""Made-up stacks with all that goes wrong in real ones: where the sections end up, and what is said of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any

import cv2
import numpy as np
import pytest
from chained import (
    FRAME,
    PIXEL_UM,
    SHAPE,
    apart_um,
    errors_um,
    exact_pairs,
    jittered,
    neighbours_apart_um,
    off,
    registered,
    sections,
    spoilt,
)  # fmt: skip

from brainstack.geometry import Matrix, inverse, is_mirrored, points, rigid, rigid_parts, turning
from brainstack.images.midline import Midline
from brainstack.images.outline_holds import find_outline
from brainstack.images.pair_check import Places
from brainstack.images.registration import Registered
from brainstack.images.stack_alignment import AlignedStack, Held, Rules, Stack, align_stack
from brainstack.images.stack_holds import off_plane
from brainstack.images.stack_solving import Hold
from brainstack.settings import load_settings

SETTINGS = load_settings()
SURE = (2.0, 2.0, 2.0)
FREE = Held()
CENTRE_PX = np.array([(SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2])
ROUNDED_UM = 0.05
"""Places are rounded to a ten-thousandth of a pixel, and a ten-millionth of a radian."""


def aligned(
    count: int, pairs: Mapping[Places, Matrix], held: Held = FREE, *, mirrored: Iterable[int] = (), anchor: int,
    others: Mapping[Places, Mapping[str, Any]] | None = None, turn_mirrored: bool = True,
    shape: Mapping[str, Any] | None = None,
) -> AlignedStack:  # fmt: skip
    """others : of pairs, what differs from a pair that fits well. shape : settings that differ from the shipped."""
    found: dict[Places, Registered] = {
        places: registered(matrix, **((others or {}).get(places, {}))) for places, matrix in pairs.items()
    }
    check = SETTINGS.pair_check.model_copy(update={"turn_mirrored": turn_mirrored})
    rules = Rules(SETTINGS.elastix, check, SETTINGS.transforms, SETTINGS.shape.model_copy(update=dict(shape or {})))
    names = [f"s{place}" for place in range(count)]
    return align_stack(Stack(names, found, frozenset(mirrored), anchor, FRAME), held, rules)


def words(found: AlignedStack) -> dict[str, list[int]]:
    """The places of sections that are not good, by verdict."""
    named: dict[str, list[int]] = {}
    for place, verdict in enumerate(found.sections):
        if verdict.word != "good":
            named.setdefault(verdict.word, []).append(place)
    return named


# Stacks without fault


@pytest.mark.parametrize("count", [1, 2, 40])
def test_exact_pairs_bring_back_the_stack_and_all_is_good(count: int) -> None:
    true = sections(count)
    found = aligned(count, exact_pairs(true), anchor=count // 2)
    assert len(found.placed) == count
    assert max(errors_um(found.placed, true, count // 2).values()) < ROUNDED_UM
    assert words(found) == {}
    assert {verdict.word for verdict in found.pairs.values()} <= {"good"}
    assert all(um < ROUNDED_UM for um in found.residual_um.values())


def test_neighbours_are_believed_before_wide_pairs_that_are_bent() -> None:
    true = sections(30)
    bent = {places: one @ off(x_um=60 * (places[1] - places[0] - 1)) for places, one in exact_pairs(true).items()}
    found = aligned(30, bent, anchor=15)
    assert max(errors_um(found.placed, true, 15).values()) < ROUNDED_UM
    assert found.residual_um[3, 6] == pytest.approx(120, abs=1)
    assert words(found) == {}


def test_the_same_pairs_give_the_same_digits_in_any_order() -> None:
    pairs = spoilt(jittered(exact_pairs(sections(15))), 6)
    mixed = dict(reversed(pairs.items()))
    found, again, other = (aligned(15, one, anchor=7) for one in (pairs, pairs, mixed))
    for place, matrix in found.placed.items():
        assert np.array_equal(matrix, again.placed[place])
        assert np.array_equal(matrix, other.placed[place])
    assert list(found.sections) == list(other.sections)
    assert found.pairs == other.pairs


# Wrong pairs and bad sections


@pytest.mark.parametrize("places", [(0, 1), (11, 12), (12, 13), (22, 23)])
def test_one_wrong_pair_of_neighbours_costs_nothing_but_itself(places: Places) -> None:
    true = sections(24)
    pairs = jittered(exact_pairs(true))
    found = aligned(24, pairs | {places: pairs[places] @ off(30)}, anchor=12)
    whole = aligned(24, pairs, anchor=12)
    across = inverse(whole.placed[places[0]]) @ found.placed[places[0]]
    assert apart_um(across, inverse(whole.placed[places[1]]) @ found.placed[places[1]]) < 40  # what wider pairs know
    assert max(neighbours_apart_um(found.placed, true, range(24))) < 40
    assert found.pairs[places].word == "failed"
    assert sum(verdict.word != "good" for verdict in found.pairs.values()) == 1
    assert words(found) in ({}, {"doubtful": [0]}, {"doubtful": [23]})  # at the end, nobody else beside it says more


@pytest.mark.parametrize("bad", [0, 1, 7, 12, 22, 23])
def test_a_section_all_of_whose_pairs_are_wrong_costs_only_itself(bad: int) -> None:
    """12 is the anchor: all others then lie as it does, which is somehow, but rightly beside each other."""
    true = sections(24)
    found = aligned(24, spoilt(jittered(exact_pairs(true)), bad), anchor=12)
    assert max(neighbours_apart_um(found.placed, true, set(range(24)) - {bad})) < 60
    assert bad in words(found)["doubtful"]
    assert set(words(found)["doubtful"]) - {bad} <= {0, 23}  # which have no neighbour but the bad one


def test_a_damaged_section_whose_pairs_are_a_little_off_shifts_nothing_beyond_it() -> None:
    """Each of its pairs is 2.5 pixels off, which no loop tells from good ones; its likeness does."""
    true = sections(24)
    pairs = jittered(exact_pairs(true))
    for places in pairs:
        if 9 in places:
            pairs[places] = pairs[places] @ off(x_um=100 if places[1] == 9 else 0, y_um=0 if places[1] == 9 else 100)
    unlike = {places: {"likeness": 0.4, "metric": 0.4} for places in pairs if 9 in places}
    found = aligned(24, pairs, anchor=12, others=unlike)
    assert max(neighbours_apart_um(found.placed, true, set(range(24)) - {9})) < 40
    assert words(found) == {"doubtful": [9]}
    alike = aligned(24, pairs, anchor=12)
    assert max(neighbours_apart_um(alike.placed, true, set(range(24)) - {9})) > 80, "what this test is about"


def test_two_bad_sections_side_by_side_are_bridged_where_they_are_less_alike() -> None:
    true = sections(24)
    pairs = spoilt(jittered(exact_pairs(true)), 7, 8)
    unlike = {places: {"likeness": 0.3, "metric": 0.3} for places in pairs if {7, 8} & set(places)}
    found = aligned(24, pairs, anchor=12, others=unlike)
    assert max(neighbours_apart_um(found.placed, true, set(range(24)) - {7, 8})) < 60
    assert words(found) == {"doubtful": [7, 8]}


def test_a_section_that_nothing_fits_on_fails_and_the_others_stay() -> None:
    true = sections(24)
    none = {places: {"metric": -0.2, "likeness": -0.2} for places in exact_pairs(true) if 7 in places}
    found = aligned(24, exact_pairs(true), anchor=12, others=none)
    assert words(found) == {"failed": [7]}
    assert max(errors_um(found.placed, true, 12).values()) < ROUNDED_UM
    assert math.isnan(found.residual_um[6, 7])
    assert found.pairs[6, 7].word == "failed"


def test_an_anchor_that_nothing_fits_on_costs_only_itself() -> None:
    true = sections(24)
    none = {places: {"overlap": 0.1} for places in exact_pairs(true) if 12 in places}
    found = aligned(24, exact_pairs(true), anchor=12, others=none)
    assert words(found) == {"failed": [12]}
    assert np.allclose(found.placed[11], np.eye(3))
    assert max(errors_um(found.placed, true, 11).values()) < ROUNDED_UM


def test_of_a_stack_in_two_the_larger_part_is_kept() -> None:
    pairs = {places: one for places, one in exact_pairs(sections(24)).items() if not places[0] < 14 <= places[1]}
    assert words(aligned(24, pairs, anchor=12)) == {"failed": list(range(14, 24))}
    assert words(aligned(24, pairs, anchor=20)) == {"failed": list(range(14, 24))}


def test_a_part_that_no_pair_connects_is_placed_where_a_person_holds_one_of_it() -> None:
    true = sections(24)
    pairs = {places: one for places, one in exact_pairs(true).items() if not places[0] < 14 <= places[1]}
    there = true[20] @ inverse(true[12])
    found = aligned(24, pairs, Held(by_hand=[Hold(20, there, SURE)]), anchor=12)
    assert words(found) == {}
    assert max(errors_um(found.placed, true, 12).values()) < 1


def test_without_pairs_only_the_anchor_has_a_place() -> None:
    found = aligned(3, {}, anchor=1)
    assert set(found.placed) == {1}
    assert words(found) == {"failed": [0, 2]}


def test_a_pair_that_was_left_out_is_bridged() -> None:
    true = sections(24)
    pairs = {places: one for places, one in exact_pairs(true).items() if places != (7, 8)}
    found = aligned(24, pairs, anchor=12)
    assert max(errors_um(found.placed, true, 12).values()) < ROUNDED_UM
    assert words(found) == {}


# Pairs by hand


@pytest.mark.parametrize("places", [(7, 8), (7, 9)])
def test_a_pair_given_by_hand_is_believed_whatever_the_others_say(places: Places) -> None:
    true = sections(24)
    given = {places: exact_pairs(true)[places] @ off(1, 200, 0)}
    found = aligned(24, exact_pairs(true) | given, anchor=12, others={places: {"by_hand": True}})
    assert found.residual_um[places] < 5
    assert found.pairs[places].word == "good"


def test_a_pair_given_by_hand_as_mirrored_is_believed_where_its_sections_are() -> None:
    true = sections(24, {8})
    given = {(7, 8): exact_pairs(true)[7, 8] @ off(1, 200, 0)}
    pairs = exact_pairs(true) | given
    found = aligned(24, pairs, mirrored={8}, anchor=12, others={(7, 8): {"by_hand": True}})
    assert found.residual_um[7, 8] < 5
    assert found.pairs[7, 8].word == "good"


# Mirrored sections


@pytest.mark.parametrize("mirrored", [{3}, {0}, {23}, {5, 6, 7, 8}, {12}, {12, 13}], ids=str)
def test_mirrored_sections_are_turned_back_and_said(mirrored: set[int]) -> None:
    true = sections(24, mirrored)
    found = aligned(24, exact_pairs(true), mirrored=mirrored, anchor=12)
    assert {place for place, matrix in found.placed.items() if is_mirrored(matrix)} == mirrored
    assert np.allclose(found.placed[12], turning(0, "flop", SHAPE) if 12 in mirrored else np.eye(3))
    assert max(errors_um(found.placed, true, 12).values()) < ROUNDED_UM
    assert words(found) == {"doubtful": sorted(mirrored)}
    assert "turned back" in found.sections[min(mirrored)].reason


def test_mirrored_sections_that_shall_stay_are_bridged_and_said() -> None:
    true = sections(24)
    pairs = exact_pairs(true)
    mirror = {places: one @ rigid(0, 0, 0, SHAPE, mirrored=True) for places, one in pairs.items() if 7 in places}
    found = aligned(24, pairs | mirror, mirrored={7}, anchor=12, turn_mirrored=False)
    assert not any(is_mirrored(matrix) for matrix in found.placed.values())
    assert words(found) == {"failed": [7]}  # no pair says where it lies as it is
    found = aligned(24, pairs, mirrored={7}, anchor=12, turn_mirrored=False)
    assert words(found) == {"doubtful": [7]}
    assert "stays mirrored" in found.sections[7].reason


def test_a_pair_that_is_mirrored_against_its_sections_is_not_used() -> None:
    true = sections(24)
    pairs = exact_pairs(true)
    pairs[7, 8] = pairs[7, 8] @ rigid(0, 0, 0, SHAPE, mirrored=True)
    found = aligned(24, pairs, anchor=12)
    assert max(errors_um(found.placed, true, 12).values()) < ROUNDED_UM
    assert found.residual_um[7, 8] == math.inf
    assert (found.pairs[7, 8].word, found.pairs[7, 8].reason[-8:]) == ("failed", "a mirror")


# Holds


def test_an_anchor_by_hand_stays_and_those_around_it_follow_smoothly() -> None:
    true = sections(25)
    before = aligned(25, exact_pairs(true), anchor=12).placed
    given = Hold(20, before[20] @ off(8, 400, -300), SURE)
    found = aligned(25, exact_pairs(true), Held(by_hand=[given]), anchor=12)
    assert apart_um(found.placed[20], given.matrix) < 2
    assert max(apart_um(found.placed[place], before[place]) for place in range(13)) < 2  # the middle one stays
    turns = [rigid_parts(inverse(before[place]) @ found.placed[place], SHAPE).rotation_rad for place in range(12, 25)]
    assert turns == pytest.approx(np.radians(np.minimum(np.arange(13), 8)), abs=1e-3)
    assert words(found) == {}


def test_the_middle_section_goes_where_a_person_puts_it_and_all_others_with_it() -> None:
    true = sections(25)
    found = aligned(25, exact_pairs(true), Held(by_hand=[Hold(12, off(5, 100, 0), SURE)]), anchor=12)
    assert apart_um(found.placed[12], off(5, 100, 0)) < 0.1
    assert max(errors_um(found.placed, true, 12).values()) < 1


def test_a_reference_gives_the_frame_and_takes_drift_away() -> None:
    true, frame = sections(41), off(70, 900, 300)
    drifting = {(at, at + 1): true[at + 1] @ off(x_um=4) @ inverse(true[at]) for at in range(40)}
    random = np.random.default_rng(0)
    held = [Hold(place, true[place] @ frame @ off(0, *random.normal(0, 20, 2)), (100.0,) * 3) for place in range(41)]
    found = aligned(41, drifting, Held(reference=held), anchor=20)
    plain = aligned(41, drifting, anchor=20)
    assert max(apart_um(found.placed[place], true[place] @ frame) for place in range(41)) < 60
    assert max(errors_um(plain.placed, true, 20).values()) > 60


def axes(true: list[Matrix]) -> dict[int, Midline]:
    """Of sections of a brain whose plane of symmetry is upright and 300 um right of the middle of its canvas."""
    found = {}
    for place, matrix in enumerate(true):
        angle_rad = math.pi / 2 + rigid_parts(matrix, SHAPE).rotation_rad
        foot_px = points(matrix, np.array([CENTRE_PX[0] + 300 / PIXEL_UM, CENTRE_PX[1]])) - CENTRE_PX
        away_px = -math.sin(angle_rad) * foot_px[0] + math.cos(angle_rad) * foot_px[1]
        found[place] = Midline(angle_rad, away_px * PIXEL_UM, 0.9, 0.9, 0.9)
    return found


def leaning(true: list[Matrix]) -> dict[Places, Matrix]:
    """Neighbours that are off by 8 um to the side, and by a twentieth of a degree, each."""
    off_each = off(0.05, x_um=8)
    return {(at, at + 1): true[at + 1] @ off_each @ inverse(true[at]) for at in range(len(true) - 1)}


def test_midlines_take_drift_to_the_side_away_and_the_middle_section_stays_as_it_is() -> None:
    true = sections(41)
    plain = aligned(41, leaning(true), anchor=20)
    found = aligned(41, leaning(true), Held(midlines=axes(true)), anchor=20)
    assert np.array_equal(found.placed[20], np.eye(3))
    worst, better = (max(errors_um(one.placed, true, 20).values()) for one in (plain, found))
    assert worst > 150
    assert better < 0.6 * worst  # a hold of 100 um beside pairs of 8 um reaches over a dozen sections
    assert words(found) == {}


def test_axes_tell_drift_from_jitter() -> None:
    """A stack that leans by 20 um a section, and whose sections lie 15 um to the right and left of that in turn."""
    true = sections(41)
    lean_um, ragged_um = 20.0 * (np.arange(41) - 20), 15.0 * (-1.0) ** np.arange(41)
    placed = {at: true[at] @ off(x_um=lean_um[at] + ragged_um[at]) for at in range(41)}
    found = off_plane(placed, axes(true), FRAME)
    assert found is not None
    assert found.axes == 41
    # Smoothed, a line stays but for its ends: half a bell of sigma 5, the rest repeated, is 2 sections short.
    assert found.drift_um == pytest.approx((np.median(np.abs(lean_um)), 400 - 2 * 20), rel=0.03)
    assert found.jitter_um[0] == pytest.approx(15, rel=0.15)


def test_of_a_few_axes_nothing_is_told() -> None:
    true = sections(4)
    assert off_plane(dict(enumerate(true)), axes(true), FRAME) is None


def test_an_axis_that_is_wrong_bends_the_stack_by_less_than_a_pixel() -> None:
    true = sections(41)
    wrong = axes(true)
    wrong[30] = dataclasses.replace(wrong[30], angle_rad=wrong[30].angle_rad + 0.5, distance_um=900.0)
    found = aligned(41, exact_pairs(true), Held(midlines=wrong), anchor=20)
    assert max(neighbours_apart_um(found.placed, true, range(41))) < PIXEL_UM


def test_beside_midlines_an_anchor_by_hand_stays_and_so_does_the_middle_section() -> None:
    true = sections(41)
    before = aligned(41, leaning(true), Held(midlines=axes(true)), anchor=20).placed
    given = Hold(35, before[35] @ off(2, y_um=200), SURE)
    found = aligned(41, leaning(true), Held(by_hand=[given], midlines=axes(true)), anchor=20)
    assert apart_um(found.placed[35], given.matrix) < 5
    assert max(apart_um(found.placed[place], before[place]) for place in range(21)) < 5


def test_beside_midlines_the_middle_section_goes_where_a_person_puts_it_and_all_others_with_it() -> None:
    true = sections(41)
    held, given = Held(midlines=axes(true)), off(25, 900, -400)
    before = aligned(41, leaning(true), held, anchor=20).placed
    found = aligned(41, leaning(true), dataclasses.replace(held, by_hand=[Hold(20, given, SURE)]), anchor=20).placed
    assert max(apart_um(found[place], before[place] @ given) for place in range(41)) < PIXEL_UM / 4


def test_an_anchor_by_hand_where_it_lies_moves_nothing_beside_midlines() -> None:
    """The axis of the middle section is off by itself: held there by its axis, it would pull the others along."""
    true = sections(41)
    found = axes(true)
    found[20] = dataclasses.replace(found[20], distance_um=found[20].distance_um + 150)
    before = aligned(41, leaning(true), Held(midlines=found), anchor=20).placed
    given = Hold(35, before[35], SURE)
    after = aligned(41, leaning(true), Held(by_hand=[given], midlines=found), anchor=20).placed
    assert max(apart_um(after[place], before[place]) for place in range(41)) < 3


def test_outlines_take_away_what_bends_the_stack_within_their_surface() -> None:
    """Of a brain that grows evenly, eight pairs are off by 30 um each to the right, and the next eight to the left."""
    true, settings = sections(61), {"outline_um": 50.0, "outline_smoothing_um": 3000.0}
    bends = dict.fromkeys(range(20, 28), 30) | dict.fromkeys(range(28, 36), -30)
    bent = {(at, at + 1): true[at + 1] @ off(x_um=bends.get(at, 0)) @ inverse(true[at]) for at in range(60)}
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]] - CENTRE_PX[::-1].reshape(2, 1, 1)
    rims = {}
    for place, matrix in enumerate(true):
        mask = ((columns / (90 + place / 2)) ** 2 + (rows / (60 + place / 4)) ** 2 < 1).astype(np.uint8)
        laid = cv2.warpAffine(mask, matrix[:2], SHAPE[::-1], flags=cv2.INTER_NEAREST) > 0
        rims[place] = find_outline(laid, PIXEL_UM)
    held = Held(outlines=rims, depths_um=[100.0 * at for at in range(61)])
    plain = aligned(61, bent, anchor=50)
    found = aligned(61, bent, held, anchor=50, shape=settings)
    assert np.array_equal(found.placed[50], np.eye(3))
    worst, better = (max(errors_um(one.placed, true, 50).values()) for one in (plain, found))
    assert worst > 230
    assert better < 0.75 * worst
