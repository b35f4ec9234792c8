"""What is said of pairs and sections, and in which words."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

from brainstack.images.alignment_verdicts import PairFit, Verdict, damaged_sections, fits, judged_pairs, judged_sections
from brainstack.settings import load_settings

SETTINGS, ELASTIX = load_settings().pair_check, load_settings().elastix
FITTING = PairFit(3, 4, metric=0.8, overlap=0.95, dice=0.95, likeness=0.8, residual_um=2.0)
COUNT = 30
NAMES = [f"s{place}" for place in range(COUNT)]


def stack(change: Callable[[PairFit], dict[str, Any]] = lambda one: {}, reach: int = 3) -> list[PairFit]:
    """All pairs of a stack that fits, each a little otherwise, but for changes."""
    random = np.random.default_rng(0)
    pairs = []
    for fixed in range(COUNT):
        for moving in range(fixed + 1, min(fixed + 1 + reach, COUNT)):
            less = 0.05 * (moving - fixed)
            dice, likeness = random.normal((0.97 - less / 5, 0.85 - less), (0.005, 0.01))
            one = PairFit(fixed, moving, 0.8, 0.95, float(dice), float(likeness), 2.0)
            pairs.append(dataclasses.replace(one, **change(one)))
    return pairs


def judged(pairs: list[PairFit]) -> dict[tuple[int, int], Verdict]:
    return judged_pairs(pairs, settings=SETTINGS, elastix=ELASTIX)


def said(pairs: list[PairFit], *, missing: Iterable[int] = (), mirrored: Iterable[int] = (), turned: bool = True) -> (
    dict[int, Verdict]
):  # fmt: skip
    """The verdicts of sections that are not good."""
    found = judged_sections(
        NAMES, pairs, judged(pairs), placed=set(range(COUNT)) - set(missing), mirrored=frozenset(mirrored),
        turned=turned, settings=SETTINGS,
    )  # fmt: skip
    assert len(found) == COUNT
    return {place: verdict for place, verdict in enumerate(found) if verdict != Verdict("good")}


# Pairs


@pytest.mark.parametrize(
    ("changes", "fit"),
    [
        ({}, True),
        ({"overlap": ELASTIX.lowest_overlap}, True),
        ({"overlap": 0.29}, False),
        ({"metric": -0.1, "likeness": 0.0}, False),
        ({"metric": 0.0, "likeness": 0.6}, True),  # tissue without texture, told by its outline
        ({"metric": 0.1, "likeness": -0.2}, True),
        ({"metric": -0.5, "likeness": -0.5, "overlap": 0.0, "by_hand": True}, True),
    ],
)
def test_two_sections_fit_that_share_tissue_and_are_more_alike_than_not(changes: dict[str, Any], fit: bool) -> None:
    assert fits(dataclasses.replace(FITTING, **changes), ELASTIX) is fit


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Verdict("good")),
        ({"overlap": 0.1}, Verdict("failed", "correlation 0.80 with 10% of tissue in common")),
        ({"metric": -0.05, "likeness": 0.0}, Verdict("failed", "correlation -0.05 with 95% of tissue in common")),
        ({"residual_um": 100.0}, Verdict("good")),
        ({"residual_um": 340.2}, Verdict("failed", "off what the others say by 340 um")),
        ({"residual_um": math.inf}, Verdict("failed", "off what the others say by a mirror")),
        ({"residual_um": math.nan}, Verdict("good")),  # of its sections that is told
        ({"moving": 5, "residual_um": 340.2}, Verdict("good")),  # wide pairs are bent
        ({"moving": 5, "residual_um": 600.0}, Verdict("failed", "off what the others say by 600 um")),
        ({"open_um": 1234.0}, Verdict("doubtful", "its loops stay open by 1234 um")),
        ({"open_um": 1234.0, "residual_um": 340.2}, Verdict("failed", "off what the others say by 340 um")),
    ],
)
def test_a_pair_is_judged_by_what_contradicts_it(changes: dict[str, Any], verdict: Verdict) -> None:
    (found,) = judged([dataclasses.replace(FITTING, **changes)]).values()
    assert found == verdict


def test_a_pair_far_less_alike_than_those_nearby_is_doubtful_and_says_so() -> None:
    found = judged(stack(lambda one: {"likeness": 0.4} if one.places == (9, 10) else {}))
    (places,) = (at for at, verdict in found.items() if verdict.word != "good")
    assert places == (9, 10)
    assert found[places].word == "doubtful"
    assert found[places].reason == "likeness 0.40, pairs nearby 0.50 or more"


def test_a_pair_is_compared_with_those_nearby_of_its_reach() -> None:
    """Far from it the brain may be much more alike, and wide pairs are less so everywhere."""
    assert set(judged(stack(lambda one: {"likeness": 0.9 - 0.02 * one.fixed - 0.2 * one.reach})).values()) == {
        Verdict("good")
    }


def test_nothing_is_said_of_nothing() -> None:
    assert judged([]) == {}
    found = judged_sections(
        "ab", [], {}, placed={0, 1}, mirrored=frozenset(), turned=True, settings=SETTINGS
    )  # fmt: skip
    assert found == [Verdict("good")] * 2
    assert damaged_sections(0, [], SETTINGS) == {}


# Sections


def test_of_a_stack_that_fits_all_sections_are_good() -> None:
    assert said(stack()) == {}


def test_a_section_without_a_place_failed() -> None:
    assert said(stack(), missing={7}, mirrored={7}) == {7: Verdict("failed", "no section near it fits on it")}


@pytest.mark.parametrize(
    ("turned", "words"),
    [(True, "it was turned back"), (False, "it stays mirrored, as [pair_check] turn_mirrored says")],
)
def test_a_mirrored_section_is_doubtful_and_what_was_done_is_said(turned: bool, words: str) -> None:
    sentence = f"it seems to be mirrored on its slide; {words}"
    assert said(stack(), mirrored={7}, turned=turned) == {7: Verdict("doubtful", sentence)}


def test_two_sections_with_one_image_are_doubtful() -> None:
    found = said(stack(lambda one: {"is_same": True} if one.places == (7, 8) else {}))
    sentence = "its image is one and the same as that of"
    assert found == {7: Verdict("doubtful", f"{sentence} s8"), 8: Verdict("doubtful", f"{sentence} s7")}


def test_a_section_with_one_good_neighbour_is_good() -> None:
    assert said(stack(lambda one: {"residual_um": 900.0} if one.places == (7, 8) else {})) == {}


def test_a_section_both_of_whose_neighbours_contradict_is_doubtful_with_both_reasons_and_their_names() -> None:
    found = said(stack(lambda one: {"residual_um": 900.0} if one.places in ((7, 8), (8, 9)) else {}))
    said_of = [f"its pair with {name}: off what the others say by 900 um" for name in ("s7", "s9")]
    assert found == {8: Verdict("doubtful", "; ".join(said_of))}


def test_where_no_neighbour_s_pair_is_there_the_nearest_ones_count() -> None:
    pairs = [one for one in stack() if not (8 in one.places and one.reach == 1)]
    assert said(pairs) == {}
    pairs = [dataclasses.replace(one, residual_um=900.0) if 8 in one.places else one for one in pairs]
    assert set(said(pairs)) == {8}


@pytest.mark.parametrize("bad", [0, 11, COUNT - 1])
def test_a_section_less_like_those_around_it_than_they_are_is_told_by_how_much(bad: int) -> None:
    pairs = stack(lambda one: {"dice": one.dice - 0.2} if bad in one.places else {})
    outline = damaged_sections(COUNT, pairs, SETTINGS)
    assert list(outline) == [bad]
    assert outline[bad][:70] == "its outline is less like those around it than they are like each other"
    assert float(outline[bad].split()[-1]) == pytest.approx(0.2, abs=0.03)
    pairs = stack(lambda one: {"likeness": one.likeness - 0.5} if bad in one.places else {})
    light = damaged_sections(COUNT, pairs, SETTINGS)
    assert list(light) == [bad]
    assert light[bad].startswith("it is less like the sections around it than they are like each other, by 0.")


def test_a_good_section_between_two_damaged_ones_is_not_one_itself() -> None:
    pairs = stack(lambda one: {"likeness": one.likeness - 0.5} if {10, 12} & set(one.places) else {})
    assert sorted(damaged_sections(COUNT, pairs, SETTINGS)) == [10, 12]


def test_a_run_of_damaged_sections_is_found() -> None:
    bad = {10, 11, 12}
    pairs = stack(lambda one: {"likeness": one.likeness - 0.5} if bad & set(one.places) else {})
    assert sorted(damaged_sections(COUNT, pairs, SETTINGS)) == sorted(bad)


def test_anatomy_that_changes_fast_damages_nothing() -> None:
    """Towards the end of the brain all sections are less alike."""
    pairs = stack(lambda one: {"likeness": one.likeness - 0.03 * max(0, one.fixed - 15) * one.reach / 2})
    assert damaged_sections(COUNT, pairs, SETTINGS) == {}


def test_sections_without_pairs_are_compared_with_nothing() -> None:
    pairs = [one for one in stack() if not {7, 8} & set(one.places)]
    assert damaged_sections(COUNT, pairs, SETTINGS) == {}


def test_the_order_of_pairs_does_not_matter() -> None:
    pairs = stack(lambda one: {"likeness": 0.2} if 9 in one.places else {})
    assert damaged_sections(COUNT, pairs, SETTINGS) == damaged_sections(COUNT, pairs[::-1], SETTINGS)
    assert judged(pairs) == judged(pairs[::-1])


# Whether anything confirms a section's place


def few(*pairs: PairFit, count: int) -> list[Verdict]:
    """The verdicts of a short stack, all placed."""
    return judged_sections(
        NAMES[:count], pairs, judged([*pairs]), placed=set(range(count)), mirrored=frozenset(), turned=True,
        settings=SETTINGS,
    )  # fmt: skip


def test_a_section_whose_wider_pairs_contradict_the_places_of_its_neighbours_is_doubtful() -> None:
    """The pairs with the sections beside it are what its place follows from: they always agree with it."""
    wide = ((6, 8), (5, 8), (8, 10))
    pairs = stack(lambda one: {"residual_um": 900.0} if one.places in wide else {})
    sentence = "3 of its 4 pairs with sections further away do not confirm its place"
    assert said(pairs) == {8: Verdict("doubtful", sentence)}


def test_a_section_beside_bad_ones_is_not_doubted_for_pairs_with_these() -> None:
    bad = {6, 10}
    pairs = stack(lambda one: {"residual_um": 900.0} if bad & set(one.places) else {})
    assert set(said(pairs)) == bad


def test_a_stack_in_which_nothing_agrees_but_what_was_solved_has_no_good_section() -> None:
    pairs = stack(lambda one: {} if one.reach == 1 else {"residual_um": 3000.0})
    assert set(said(pairs)) == set(range(COUNT))


def test_of_two_sections_that_are_alike_it_is_only_said_that_nothing_else_confirms_them() -> None:
    found = few(dataclasses.replace(FITTING, fixed=0, moving=1), count=2)
    assert found == [Verdict("good", f"only its pair with {name} says where it lies") for name in ("s1", "s0")]


def test_of_two_sections_that_are_little_alike_both_are_doubtful() -> None:
    """Two discs of unrelated noise reach 0.40 to 0.46, as their outlines are the same."""
    found = few(dataclasses.replace(FITTING, fixed=0, moving=1, likeness=0.4, metric=0.25), count=2)
    sentence = "only its pair with {} says where it lies, and the two are little alike (0.40)"
    assert found == [Verdict("doubtful", sentence.format(name)) for name in ("s1", "s0")]


def test_a_pair_that_a_person_gave_is_enough() -> None:
    given = dataclasses.replace(FITTING, fixed=0, moving=1, likeness=0.1, metric=0.1, by_hand=True)
    assert few(given, count=2) == [Verdict("good")] * 2


def test_sections_that_are_little_alike_are_good_where_wider_pairs_confirm_them() -> None:
    """Sections of a real brain some 400 um apart have a likeness of 0.1 to 0.4."""
    assert said(stack(lambda one: {"likeness": one.likeness - 0.65})) == {}


@pytest.mark.parametrize("others", [{}, {"likeness_other": None}])
def test_sections_that_are_as_alike_mirrored_show_nothing_but_an_outline(others: dict[str, Any]) -> None:
    """Discs without texture. A pair that was tried again knows nothing of its other state."""
    pairs = stack(lambda one: {"likeness_other": one.likeness - 0.005} | (others if one.fixed % 2 else {}))
    found = said(pairs)
    assert set(found) == set(range(COUNT))
    assert found[3].reason.startswith("it is as like the sections around it mirrored as it is")


def test_sections_that_are_a_little_less_alike_mirrored_are_told_apart() -> None:
    assert said(stack(lambda one: {"likeness_other": one.likeness - 0.05})) == {}


def test_brains_that_are_little_alike_are_as_much_so_mirrored() -> None:
    """Coronal sections far apart, whose halves are alike."""
    assert said(stack(lambda one: {"likeness": one.likeness - 0.65, "likeness_other": one.likeness - 0.64})) == {}


def test_where_a_stack_falls_apart_the_sections_on_both_sides_are_doubtful() -> None:
    pairs = stack(lambda one: {"residual_um": 900.0} if one.fixed <= 14 < one.moving else {})
    sentence = "no good pair connects its side of the stack with that of {}, which may lie otherwise"
    found = said(pairs)
    assert (found[14].reason, found[15].reason) == (sentence.format("s15"), sentence.format("s14"))
    assert set(found) == {14, 15}


def test_where_damaged_sections_part_a_stack_those_beside_them_are_doubtful() -> None:
    bad = {14, 15, 16}
    pairs = stack(lambda one: {"overlap": 0.1} if bad & set(one.places) else {})
    assert set(said(pairs)) == {13, *bad, 17}


def test_a_bad_first_section_parts_nothing() -> None:
    assert set(said(stack(lambda one: {"overlap": 0.1} if 0 in one.places else {}))) == {0}


def test_of_a_mirrored_section_whose_pairs_contradict_each_other_both_are_said() -> None:
    pairs = stack(lambda one: {"residual_um": 900.0} if 8 in one.places and one.reach > 1 else {})
    found = said(pairs, mirrored={8})[8]
    assert found.reason.startswith("it seems to be mirrored on its slide; it was turned back; 4 of its 4 pairs")
