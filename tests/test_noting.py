"""Problems that people note: open, closed with what was done, open again."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest
from by_hand import write_slide
from calling import caller

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
    noting.reopen("DK39", 1, person="anna")
    assert (one().completed, one().fix, one().closed_by, one().closed_at) == (False, "glued", "", "")
    with pytest.raises(BrainstackError, match="open already"):
        noting.reopen("DK39", 1, person="bo")


def test_each_closing_and_each_reopening_is_kept_with_who_when_and_what_was_done() -> None:
    for entry in ("torn", "too dark"):
        noting.note("DK39", entry, person="anna")
    noting.done("DK39", 1, "glued", person="bo")
    noting.reopen("DK39", 1, person="anna")
    noting.done("DK39", 1, "scanned again", person="cleo")
    untouched, closed = noting.histories("DK39")
    assert untouched.changes == ()
    assert [(said.is_closed, said.person, said.fix) for said in closed.changes] == [
        (True, "bo", "glued"), (False, "anna", ""), (True, "cleo", "scanned again"),
    ]  # fmt: skip
    day = closed.note.at[:10]
    assert all(said.at[:10] == day for said in closed.changes)
    assert noting.listed("DK39", everything=True) == [
        f"1: the animal: torn (anna, {day})",
        f"   done: glued (bo, {day})",
        f"   open again (anna, {day})",
        f"   done: scanned again (cleo, {day})",
        f"2: the animal: too dark (anna, {day})",
    ]
    noting.reopen("DK39", 1, person="bo")
    noting.done("DK39", 1, "", person="bo")
    assert noting.listed("DK39", everything=True)[5] == f"   done (bo, {day})"


def test_the_commands_keep_who_closed_a_note_and_who_opened_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    call = caller(monkeypatch, capsys)
    noting.note("DK39", "torn", person="anna")
    assert call("journal", "done", "DK39", 1, "--fix", "glued", "--by", "bo").returncode == 0
    assert call("journal", "reopen", "DK39", 1, "--by", "Zoë").returncode == 0
    assert call("journal", "done", "DK39", 1, "--fix", "scanned again").returncode == 0
    assert call("journal", "reopen", "DK39", 1).returncode == 0
    day, user = one().at[:10], getpass.getuser()
    assert call("journal", "list", "DK39").stdout.splitlines() == [
        f"1: the animal: torn (anna, {day})",
        f"   done: glued (bo, {day})",
        f"   open again (Zoë, {day})",
        f"   done: scanned again ({user}, {day})",
        f"   open again ({user}, {day})",
    ]
    assert "wanted a name of 1 to" in call("journal", "reopen", "DK39", 1, "--by", " ").stderr


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
    seen = noting.version_of(one())
    noting.reopen("DK39", 1, person="bo", seen=seen)
    with pytest.raises(NoteChangedError, match=r"bo opened it again. Nothing was overwritten"):
        noting.done("DK39", 1, "thrown away", person="anna", seen=seen)


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
