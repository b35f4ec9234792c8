"""Where people want sections to lie, on top of where the pairs put them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from by_hand import plan_of, slide
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.frames import REFERENCE, in_micrometres, kept, said_now
from brainstack.geometry import Matrix, Shape, inverse, is_mirrored, points, rigid, shift, turning
from brainstack.images.cleaning import cleaning_matrix
from brainstack.places_by_hand import check_can_turn, check_edits, edits_in_force, states_by_hand, with_edits
from brainstack.places_now import said_of_places
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


# What the numbers are about, and what becomes of it

PIXEL_UM = 10.0
AT_UM = np.array([[100.0, 150.0], [350.0, 220.0]])
"""Two points of each thumbnail, from its corner."""


def lying(columns: slice = slice(5, 35), *, turns: int = 0, flip: str = "none", canvas: Shape = (60, 60)) -> Matrix:
    """Where a thumbnail of 40 x 40 pixels with tissue in these columns lies on its canvas, in micrometres."""
    mask = np.zeros((40, 40), bool)
    mask[10:30, columns] = True
    return in_micrometres(cleaning_matrix(mask, turns, flip, canvas), PIXEL_UM, canvas)


THEN = lying()
PLACE = AlignmentEdit(
    "place", "b", "", 0.3, 70.0, -20.0, frame="m", placement=kept(THEN), frame_sections=(("m", kept(THEN)),)
)


def on_middle(edit: AlignmentEdit, section: Matrix, middle: Matrix) -> NDArray[np.float64]:
    """Where the points of the section's thumbnail then lie on the thumbnail of the middle one."""
    said = rigid(edit.rotation_rad, edit.shift_x_um, edit.shift_y_um, (1, 1), mirrored=edit.mirrored)
    return points(inverse(middle) @ inverse(said) @ section, AT_UM)


def now(edit: AlignmentEdit, section: Matrix, name: str = "m", **frame: Matrix) -> AlignmentEdit | None:
    return said_now(edit, name=name, lies=frame.get, placed=lambda key: section)


def test_where_nothing_changed_a_place_has_its_own_numbers() -> None:
    assert now(PLACE, THEN, m=THEN) is PLACE


CHANGES: dict[str, tuple[Matrix, Matrix]] = {
    "its mask was mended": (lying(slice(12, 35)), THEN),
    "the middle section's mask was mended": (THEN, lying(slice(12, 35))),
    "the canvas grew by an odd number": (lying(canvas=(75, 81)), lying(canvas=(75, 81))),
    "the animal was turned": (lying(turns=1), lying(turns=1)),
    "the animal was mirrored": (lying(flip="flop"), lying(flip="flop")),
    "the animal was turned and mirrored": (lying(turns=3, flip="flop"), lying(turns=3, flip="flop")),
}
"""Where the section's picture lies on its canvas now, and where the middle one's does."""


@pytest.mark.parametrize("change", CHANGES)
def test_a_section_that_a_person_placed_stays_on_the_middle_one_when(change: str) -> None:
    section, middle = CHANGES[change]
    said = now(PLACE, section, m=middle)
    assert said is not None
    assert (said.kind, said.mirrored) == ("place", False)
    np.testing.assert_allclose(on_middle(said, section, middle), on_middle(PLACE, THEN, THEN), atol=1e-6)


def test_what_nobody_kept_a_picture_of_is_taken_as_it_was_said() -> None:
    said = dataclasses.replace(PLACE, frame="", placement=None, frame_sections=())
    assert now(said, lying(turns=1), "n", m=lying(turns=1)) is said


def test_a_place_goes_over_into_the_frame_of_another_middle_section() -> None:
    """Which lies turned by 0.2 and 50 um to the right on the one before; that has its place by the new one."""
    new_to_old = rigid(0.2, 50.0, 0.0, (1, 1))
    said = now(PLACE, THEN, "n", m=inverse(new_to_old) @ THEN)
    assert said is not None
    assert said.rotation_rad == pytest.approx(0.3 + 0.2)
    wanted = rigid(0.3, 70.0, -20.0, (1, 1)) @ new_to_old
    np.testing.assert_allclose((said.shift_x_um, said.shift_y_um), wanted[:2, 2])


def test_where_the_middle_section_is_gone_the_next_ones_say_where_it_lay() -> None:
    edit = dataclasses.replace(PLACE, frame_sections=(*PLACE.frame_sections, ("c", kept(shift(5, 0) @ THEN))))
    said = now(edit, THEN, "c", c=THEN)
    assert said is not None
    wanted = rigid(0.3, 70.0, -20.0, (1, 1)) @ shift(5, 0)
    np.testing.assert_allclose((said.shift_x_um, said.shift_y_um), wanted[:2, 2])


def test_a_place_whose_frame_is_not_known_any_more_does_not_count() -> None:
    assert now(PLACE, THEN, "n", n=THEN) is None


@pytest.mark.parametrize(
    ("frame", "words"),
    [("slide009_S1", "when section slide009_S1 was the middle one, and where that lies now is not known: look at it"),
     (f"{REFERENCE} a", "when a reference volume held the stack")],
)  # fmt: skip
def test_and_is_said_to_be_doubtful(tmp_path: Path, frame: str, words: str) -> None:
    lost = dataclasses.replace(PLACE, section="slide001_S2", frame=frame, frame_sections=(("gone", kept(THEN)),))
    follow = AlignmentEdit("follow", "slide001_S1", "slide002_S1")
    plan = plan_with(tmp_path, lost, follow)
    edits, doubts = said_of_places(plan, "slide002_S1", lambda key: None, lambda key: THEN)
    assert edits == [follow]
    assert [*doubts] == ["slide001_S2"]
    assert words in doubts["slide001_S2"]


def test_a_place_in_one_reference_stays_whatever_the_sections_do() -> None:
    said = dataclasses.replace(PLACE, frame=f"{REFERENCE} a")
    assert now(said, THEN, f"{REFERENCE} a", m=shift(99, 0) @ THEN) is said
    moved = now(said, THEN, f"{REFERENCE} b", m=shift(99, 0) @ THEN)
    assert moved is not None
    assert moved.shift_x_um != said.shift_x_um


def test_a_section_that_follows_keeps_its_tissue_there_when_a_mask_is_mended() -> None:
    """Its picture lies 3 further right on its canvas than then, the other's 5 further down."""
    found = with_edits(
        {"b": shift(2, 1)}, [AlignmentEdit("follow", "a", "b")], rigid_of=lambda edit: np.eye(3), mirrored=(),
        slips_of=lambda edit: (shift(3, 0), inverse(shift(0, 5))), shape=SHAPE,
    )  # fmt: skip
    np.testing.assert_allclose(found["a"][:2, 2], (2 + 3, 1 - 5))


# Pairs, and sections that change their order


def swapped(plan: Plan) -> Plan:
    """The two sections of the first slide have changed their order."""
    slides = (slide(1, order={1: 2, 2: 1}), slide(2))
    return dataclasses.replace(plan, records=dataclasses.replace(plan.records, slides=slides))


def test_a_pair_that_is_left_out_stays_so_when_its_sections_change_their_order(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, AlignmentEdit("leave_out", "slide001_S2", "slide001_S1"))
    assert plan.left_out == {"slide001_S1..slide001_S2"}
    assert swapped(plan).chain[:2] == ("slide001_S2", "slide001_S1")
    assert swapped(plan).left_out == {"slide001_S2..slide001_S1"}


@pytest.mark.parametrize("is_mirrored_pair", [False, True])
def test_a_pair_given_by_hand_is_turned_round_when_its_sections_change_their_order(
    tmp_path: Path, is_mirrored_pair: bool
) -> None:
    said = AlignmentEdit("pair", "slide001_S2", "slide001_S1", 0.5, 30.0, -40.0, is_mirrored_pair)
    plan = plan_with(tmp_path)
    plan = dataclasses.replace(plan, records=dataclasses.replace(plan.records, pairs_by_hand=(said,)))
    (there,), (back,) = plan.by_hand.values(), swapped(plan).by_hand.values()
    assert [*swapped(plan).by_hand] == ["slide001_S2..slide001_S1"]
    both = [rigid(one.rotation_rad, one.shift_x_um, one.shift_y_um, (1, 1), mirrored=one.mirrored)
            for one in (there, back)]  # fmt: skip
    np.testing.assert_allclose(both[0] @ both[1], np.eye(3), atol=1e-9)


# Turning the animal


@pytest.mark.parametrize(
    ("said", "command"),
    [(AlignmentEdit("place", "b"), "align release DK39 b"), (AlignmentEdit("anchor", "b"), "align release DK39 b"),
     (AlignmentEdit("pair", "b", "a"), "animal pair DK39 a b --release")],
)  # fmt: skip
def test_an_animal_is_not_turned_under_places_of_which_no_picture_is_known(said: AlignmentEdit, command: str) -> None:
    with pytest.raises(BrainstackError, match=command):
        check_can_turn("DK39", [said])
    check_can_turn("DK39", [dataclasses.replace(said, placement=kept(THEN)), AlignmentEdit("follow", "b", "a")])
