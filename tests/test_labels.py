"""What labels are called."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from neuroglancer_schemas import check_by_schema

from brainstack.errors import BrainstackError
from brainstack.files.segment_properties import read_segments, write_segment_properties
from brainstack.labels import FIRST_FREE, Segment, default_color, labels_of, segments_of
from brainstack.points import Structure

TABLE = (
    Structure("7N_L", "Facial motor nucleus, left", 7, "#112233"),
    Structure("7N_R", "Facial motor nucleus, right", 7, "#112233"),
    Structure("SC", "Superior colliculus", 18),
    Structure("new", "Nobody gave it a label"),
)


def test_labels_are_called_as_the_table_of_structures_says() -> None:
    found = segments_of([18, 7, 99], TABLE)
    assert found == [
        Segment(7, "7N", "Facial motor nucleus", "#112233"),
        Segment(18, "SC", "Superior colliculus"),
        Segment(99, "99"),
    ]


def test_a_table_of_a_person_comes_first() -> None:
    assert segments_of([7], TABLE, [Segment(7, "perifacial")]) == [Segment(7, "perifacial")]


def test_a_name_used_twice_is_refused() -> None:
    with pytest.raises(BrainstackError, match="calls both label 7 and label 18 '7N'"):
        segments_of([7, 18], TABLE, [Segment(18, "7N")])


def test_both_sides_share_a_label_and_one_alone_keeps_its_name() -> None:
    both = labels_of(["7N_L", "7N_R"], TABLE)
    assert {one.label for one in both.values()} == {7}
    assert {one.name for one in both.values()} == {"7N"}
    assert labels_of(["7N_L"], TABLE)["7N_L"].name == "7N_L"


def test_structures_without_a_label_get_a_free_one() -> None:
    found = labels_of(["new", "SC", "other"], TABLE)
    assert [found[name].label for name in ("SC", "new", "other")] == [18, FIRST_FREE, FIRST_FREE + 1]


def test_a_label_stays_when_something_new_is_drawn() -> None:
    before = labels_of(["septum", "new"], TABLE)
    after = labels_of(["septum", "new", "area", "SC"], TABLE)
    assert [before[name].label for name in ("septum", "new")] == [FIRST_FREE, FIRST_FREE + 1]
    assert [after[name].label for name in ("septum", "new", "area")] == [FIRST_FREE, FIRST_FREE + 1, FIRST_FREE + 2]


def test_a_free_label_is_that_of_no_structure() -> None:
    """Also of one that nobody drew yet."""
    table = (*TABLE, Structure("late", "", FIRST_FREE))
    assert labels_of(["new"], table)["new"].label == FIRST_FREE + 1
    assert labels_of(["new", "late"], table)["new"].label == FIRST_FREE + 1


def test_colours_are_colours_and_differ() -> None:
    colors = [default_color(label) for label in range(1, 60)]
    assert all(re.fullmatch("#[0-9a-f]{6}", color) for color in colors)
    assert len(set(colors)) == len(colors)


def test_names_are_written_and_read(tmp_path: Path) -> None:
    segments = [Segment(7, "7N", "Facial motor nucleus", "#112233"), Segment(2**40, "other")]
    write_segment_properties(tmp_path / "segment_properties", segments, {7: 0.5, 2**40: 1.25})
    check_by_schema(json.loads((tmp_path / "segment_properties" / "info").read_text()), "segment_properties")
    found = read_segments(tmp_path)
    assert [(one.label, one.name, one.description) for one in found] == [
        (7, "7N", "Facial motor nucleus"), (2**40, "other", ""),
    ]  # fmt: skip
    assert found[0].color == "#112233"
    assert read_segments(tmp_path / "nowhere") == []
