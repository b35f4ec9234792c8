"""Problems that people note: open, closed with what was done, open again."""

from __future__ import annotations

from pathlib import Path

import pytest
from by_hand import write_slide

from brainstack import noting
from brainstack.adding import add_animal
from brainstack.errors import BrainstackError
from brainstack.noting import NoteChangedError
from brainstack.records import Animal, Histology, ScanRun


@pytest.fixture(autouse=True)
def animal(data_root: Path, tmp_path: Path) -> None:
    write_slide(tmp_path / "scans" / "slide001.czi")
    add_animal(Animal("DK39"), Histology("DK39"), ScanRun("DK39", str(data_root)), tmp_path / "scans")


def one() -> noting.JournalEntry:
    (found,) = noting.notes("DK39")
    return found


def test_a_problem_has_its_place_on_the_section() -> None:
    noting.note("DK39", " torn ", section="slide001_S1", channel=2, mark_um=(1200.5, 800.0), person="anna")
    assert (one().entry, one().mark_um, one().person) == ("torn", (1200.5, 800.0), "anna")
    assert noting.listed("DK39")[0].startswith("1: slide001_S1, channel 2, at 1200, 800 um: torn (anna, ")


def test_it_is_closed_by_somebody_with_what_was_done_and_opened_again() -> None:
    noting.note("DK39", "torn", person="anna")
    noting.done("DK39", 1, "glued", person="bo")
    assert (one().completed, one().fix, one().closed_by, bool(one().closed_at)) == (True, "glued", "bo", True)
    assert "; done: glued (bo, " in noting.listed("DK39", everything=True)[0]
    noting.reopen("DK39", 1)
    assert (one().completed, one().fix, one().closed_by, one().closed_at) == (False, "glued", "", "")
    assert noting.listed("DK39")[0].endswith("; open again, was done: glued")
    with pytest.raises(BrainstackError, match="open already"):
        noting.reopen("DK39", 1)


def test_what_is_open_comes_first_and_the_latest_before() -> None:
    for entry in ("first", "second", "third"):
        noting.note("DK39", entry, person="anna")
    noting.done("DK39", 3, "")
    assert [found.entry for found in noting.notes("DK39")] == ["second", "first", "third"]


def test_the_second_of_two_people_is_told() -> None:
    noting.note("DK39", "torn", person="anna")
    seen = noting.version_of(one())
    noting.done("DK39", 1, "glued", person="anna", seen=seen)
    with pytest.raises(NoteChangedError, match=r"anna closed it: glued. Nothing was overwritten"):
        noting.done("DK39", 1, "thrown away", person="bo", seen=seen)
    assert one().fix == "glued"


@pytest.mark.parametrize(
    ("entry", "section", "mark", "words"),
    [
        ("  ", "", None, "An empty note"),
        ("x" * 4001, "", None, "A note of 4001 letters"),
        ("torn", "", (1.0, 2.0), "from the top left corner of the section"),
        ("torn", "slide001_S1", (-1.0, 2.0), "The mark was given as -1, 2"),
        ("torn", "slide001_S1", (1.0, float("nan")), "The mark was given as 1, nan"),
        ("torn", "slide001_S1", (1.0, float("inf")), "The mark was given as 1, inf"),
    ],
)
def test_what_cannot_be_is_not_noted(entry: str, section: str, mark: tuple[float, float] | None, words: str) -> None:
    with pytest.raises(BrainstackError, match=words):
        noting.note("DK39", entry, section=section, mark_um=mark, person="anna")
    assert noting.notes("DK39") == []


@pytest.mark.parametrize("number", [0, 7])
def test_a_note_that_there_is_not_is_named(number: int) -> None:
    with pytest.raises(BrainstackError, match=f"no note {number}; `brainstack journal list DK39 --all`"):
        noting.reopen("DK39", number)
