"""What people decided is said as they would say it."""

from __future__ import annotations

import pytest

from brainstack.report.plain_words import change_in_words, decision_in_words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("its scene is marked as bad tissue (qc 2)", "its scene is marked as bad tissue"),
        ("its scene is to be copied 1 times", "a copy of it fills the place behind it, where a section is missing"),
        (
            "its scene is to be copied 3 times",
            "copies of it fill the 3 places behind it, where sections are missing",
        ),
        ("its mask was made by a person", "its mask was made by a person"),
    ],
)
def test_codes_of_the_command_line_are_left_out(line: str, words: str) -> None:
    assert decision_in_words(line) == words


@pytest.mark.parametrize(
    ("what", "old", "new", "words"),
    [
        ("verdict", "good", "bad", "the section is: good → bad tissue"),
        ("replicates", "0", "1", "places behind it that it fills too, as sections are missing there: 0 → 1"),
        ("moved_after", "", "slide001_S2", "it comes: where it lies on its slide → behind slide001_S2"),
        ("moved_after", "slide001_S2", "first", "it comes: behind slide001_S2 → before all others"),
        ("turns", "", "1 flop",
         "how it is turned: as all pictures → 1 quarter turn clockwise, then mirrored left-right"),
        ("turns", "2 none", "", "how it is turned: 2 quarter turns clockwise → as all pictures"),
        ("side_sectioned_first", "ASC", "DESC",
         "slide 1 holds: the first section of the stack → the last section of the stack"),
        ("contrast 2", "", "100,4000",
         "channel 2, grey values shown from black to white: as computed → 100 to 4000"),
        ("scene_order", "", "3,1,2", "order of its sections: as the settings say → 3,1,2"),
        ("some_new_thing", "", "x", "some new thing: – → x"),
    ],
)  # fmt: skip
def test_a_decision_is_in_words(what: str, old: str, new: str, words: str) -> None:
    assert change_in_words(what, old, new) == words
