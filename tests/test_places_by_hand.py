"""Where people want sections to lie, on top of where the pairs put them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from by_hand import plan_of, slide

from brainstack.errors import BrainstackError
from brainstack.geometry import Matrix, inverse, is_mirrored, points, rigid, shift, turning
from brainstack.places_by_hand import check_edits, edits_in_force, states_by_hand, with_edits
from brainstack.plan import Plan
from brainstack.records import AlignmentEdit
from brainstack.stamps import Step

SHAPE = (4, 10)
FLOP = turning(0, "flop", SHAPE)
PLACED = {"a": shift(1, 0), "b": shift(2, 0), "c": shift(3, 0)}


def with_said(*edits: AlignmentEdit, placed: Mapping[str, Matrix] = PLACED) -> dict[str, float]:
    """How far right each section then lies."""
    found = with_edits(placed, edits, rigid_of=lambda edit: shift(edit.shift_x_um, 0), mirrored=(), shape=SHAPE)
    return {key: float(matrix[0, 2]) for key, matrix in found.items()}


def plan_with(root: Path, *edits: AlignmentEdit) -> Plan:
    """Sections slide001_S1 and _S2, slide002_S1 and _S2."""
    plan = plan_of(root, [slide(1), slide(2)])
    return dataclasses.replace(plan, records=dataclasses.replace(plan.records, alignment_edits=edits))


def test_without_a_word_sections_lie_where_the_pairs_put_them() -> None:
    assert with_said() == {"a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize("kind", ["place", "anchor"])
def test_a_place_moves_its_section_and_no_other(kind: str) -> None:
    assert with_said(AlignmentEdit(kind, "b", shift_x_um=7.0)) == {"a": 1, "b": 7, "c": 3}


def test_a_place_is_also_had_by_a_section_that_fits_on_none() -> None:
    assert with_said(AlignmentEdit("place", "d", shift_x_um=7.0)) == {"a": 1, "b": 2, "c": 3, "d": 7}


def test_a_section_that_follows_lies_as_its_neighbour_wherever_that_is_placed() -> None:
    follow, place = AlignmentEdit("follow", "a", "b"), AlignmentEdit("place", "b", shift_x_um=7.0)
    assert with_said(follow) == {"a": 2, "b": 2, "c": 3}
    assert with_said(follow, place) == with_said(place, follow) == {"a": 7, "b": 7, "c": 3}


def test_sections_may_follow_one_after_the_other() -> None:
    follows = AlignmentEdit("follow", "a", "b"), AlignmentEdit("follow", "b", "c")
    assert with_said(*follows) == with_said(*reversed(follows)) == {"a": 3, "b": 3, "c": 3}


def followed(placed: Mapping[str, Matrix], *mirrored: str) -> Matrix:
    """Where section a lies, which follows b."""
    edits = [AlignmentEdit("follow", "a", "b")]
    return with_edits(placed, edits, rigid_of=lambda edit: shift(0, 0), mirrored=mirrored, shape=SHAPE)["a"]


def test_a_section_that_follows_one_of_the_other_state_keeps_its_own() -> None:
    """Its picture, mirrored on its canvas, lies as the neighbour's: column 0 of it is where column 9 of that is."""
    upright = rigid(0.3, 2, 1, SHAPE)
    at, ends = np.array([[0.0, 2.0], [9.0, 2.0]]), np.array([[9.0, 2.0], [0.0, 2.0]])
    found = followed({"b": upright}, "a")
    assert is_mirrored(found)
    np.testing.assert_allclose(points(inverse(found), at), points(inverse(upright), ends))
    np.testing.assert_allclose(followed({"b": FLOP @ upright}, "b"), upright)  # mirrored is only the neighbour


def test_a_section_that_follows_one_of_its_own_state_lies_just_as_that() -> None:
    upright = rigid(0.3, 2, 1, SHAPE)
    np.testing.assert_array_equal(followed({"b": upright}), upright)
    np.testing.assert_array_equal(followed({"b": FLOP @ upright}, "a", "b"), FLOP @ upright)


def test_whether_an_anchor_is_mirrored_speaks_for_others_and_a_place_for_itself(tmp_path: Path) -> None:
    said = (
        AlignmentEdit("anchor", "slide001_S2", mirrored=True),
        AlignmentEdit("anchor", "slide002_S1"),
        AlignmentEdit("place", "slide002_S2", mirrored=True),
        AlignmentEdit("anchor", "slide009_S1", mirrored=True),  # which is gone
    )
    assert states_by_hand(plan_with(tmp_path, *said)) == {1: True, 2: False}


def test_what_follows_a_section_that_has_no_place_has_none() -> None:
    assert with_said(AlignmentEdit("follow", "a", "d")) == {"b": 2, "c": 3}


def test_a_pair_that_is_left_out_places_nothing() -> None:
    assert with_said(AlignmentEdit("leave_out", "b", "a")) == {"a": 1, "b": 2, "c": 3}


def test_sections_that_follow_in_a_ring_are_refused_by_name(tmp_path: Path) -> None:
    one, other = (
        AlignmentEdit("follow", *keys) for keys in (("slide001_S1", "slide001_S2"), ("slide001_S2", "slide001_S1"))
    )
    check_edits(plan_with(tmp_path, one))
    with pytest.raises(
        BrainstackError, match=r"slide001_S1, slide001_S2 follow each other.*align release DK39 slide001"
    ):
        check_edits(plan_with(tmp_path, one, other))


def test_what_is_said_of_a_section_that_is_gone_is_without_effect(tmp_path: Path) -> None:
    """As `brainstack align show` says: the section keeps the place that its pairs give it."""
    there = AlignmentEdit("place", "slide001_S2")
    gone = AlignmentEdit("follow", "slide001_S1", "slide009_S1"), AlignmentEdit("place", "slide009_S2")
    assert edits_in_force(plan_with(tmp_path, there, *gone)) == [there]


def test_what_is_said_of_a_section_that_failed_waits_for_it(tmp_path: Path) -> None:
    follow = AlignmentEdit("follow", "slide001_S1", "slide002_S2")
    plan = plan_with(tmp_path, follow)
    assert edits_in_force(plan) == [follow]
    assert edits_in_force(plan.without([Step("Masks", 0, "slide002_S2")])) == []


def test_of_what_only_leads_into_a_ring_nothing_is_asked(tmp_path: Path) -> None:
    follows = [("slide001_S1", "slide001_S2"), ("slide001_S2", "slide002_S1"), ("slide002_S1", "slide001_S2")]
    with pytest.raises(BrainstackError, match=r"sections slide001_S2, slide002_S1 follow .*release DK39 slide001_S2"):
        check_edits(plan_with(tmp_path, *(AlignmentEdit("follow", *keys) for keys in follows)))
