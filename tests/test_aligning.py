from __future__ import annotations

import getpass
import json
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from typing import NoReturn

import pytest
from by_hand import CHANNELS, write_slide
from rich.console import Console
from sqlalchemy import text

from brainstack import aligning
from brainstack.adding import add_animal
from brainstack.aligning import (
    ChangedMeanwhileError,
    Place,
    follow,
    give_pair,
    leave_out,
    place,
    release,
    take_back_pair,
)
from brainstack.alignment_shown import show
from brainstack.database import open_database
from brainstack.database.engine import engine_for
from brainstack.deciding import Change, change_animal, undo_decision
from brainstack.environment import animal_folder, database_url
from brainstack.errors import BrainstackError
from brainstack.frames import seen_of
from brainstack.planning import make_plan
from brainstack.records import AlignmentEdit, Animal, GivenPair, Histology, ScanRun, Scene, SectionAlignment, SlideScan

SECTIONS = tuple(f"slide00{slide}_S{scene}" for slide in (1, 2, 3) for scene in (1, 2))
SCENES = (Scene(1, 0, 0, 0, 64, 48), Scene(2, 1, 100, 0, 64, 48))


@pytest.fixture(autouse=True)
def stack(data_root: Path, tmp_path: Path) -> None:
    """DK39 has three slides with two sections each, that Meta has read."""
    for slide in (1, 2, 3):
        write_slide(tmp_path / "scans" / f"slide00{slide}.czi")
    add_animal(Animal("DK39"), Histology("DK39"), ScanRun("DK39", str(data_root)), tmp_path / "scans")
    with open_database(database_url()) as database:
        for slide in (1, 2, 3):
            scan = SlideScan(f"slide00{slide}.czi", "Gray16", (10.0, 10.0), CHANNELS, SCENES)
            database.take_in_slide("DK39", scan, slide_number=slide, rescan=1, file_size=1)


def mark_as_bad(slide: int, scene: int) -> None:
    with open_database(database_url()) as database:
        database.set_scene_qc("DK39", slide, scene, 2)


def aligned(*others: SectionAlignment) -> None:
    """A run that went well, but for others."""
    good = {key: SectionAlignment(key, 0.0, 10.0, 20.0, False, 0.9, 0.4, 0.95, 3.0, "good") for key in SECTIONS}
    with open_database(database_url()) as database:
        database.take_in_sections("DK39", (good | {one.section: one for one in others}).values())


def edits() -> list[AlignmentEdit]:
    with open_database(database_url()) as database:
        return database.alignment_edits("DK39")


def shown(*, everything: bool = False) -> str:
    written = StringIO()
    show("DK39", Console(file=written, width=200), everything=everything)
    return written.getvalue()


# A place


def test_a_place_is_kept_with_who_said_it_and_is_told() -> None:
    said = place("DK39", "3", Place(math.radians(10), 120.0, -30.0, True), person="anna")
    (edit,) = edits()
    assert (edit.kind, edit.section, edit.other) == ("place", SECTIONS[3], "")
    assert (edit.rotation_rad, edit.shift_x_um, edit.shift_y_um, edit.mirrored) == (math.radians(10), 120, -30, True)
    assert (edit.person, edit.at[:2]) == ("anna", "20")
    assert said == (
        "Set: section 3 (slide002_S2) lies at mirrored, 10.00 degrees, 120.0 um in x and -30.0 um in y, "
        "and the others do not follow it. The next run takes it in."
    )


def test_what_is_not_given_is_as_the_section_lies_now() -> None:
    aligned(SectionAlignment(SECTIONS[2], 0.5, 10.0, 20.0, True, 0.9, 0.4, 0.95, 3.0, "doubtful"))
    said = place("DK39", SECTIONS[2], Place(shift_x_um=60.0), person="anna")
    (edit,) = edits()
    assert (edit.rotation_rad, edit.shift_x_um, edit.shift_y_um, edit.mirrored) == (0.5, 60.0, 20.0, True)
    assert "60.0 um in x and 20.0 um in y" in said
    assert "Before: mirrored, 28.65 degrees, 10.0 um in x and 20.0 um in y." in said


def test_a_second_nudge_goes_on_from_the_first_without_a_run_between() -> None:
    aligned()
    place("DK39", "2", Place(rotation_rad=0.25), person="anna")
    place("DK39", "2", Place(shift_y_um=-5.0), person="bo")
    place("DK39", "2", Place(mirrored=True), person="bo")
    (edit,) = edits()
    assert (edit.rotation_rad, edit.shift_x_um, edit.shift_y_um, edit.mirrored) == (0.25, 10.0, -5.0, True)
    assert edit.person == "bo"


def test_an_anchor_without_numbers_holds_a_section_where_it_lies() -> None:
    aligned()
    said = place("DK39", "2", Place(), anchor=True, person="anna")
    (edit,) = edits()
    assert (edit.kind, edit.shift_x_um, edit.shift_y_um) == ("anchor", 10.0, 20.0)
    assert "and the sections around it follow" in said


def test_of_a_section_that_lies_nowhere_yet_the_other_numbers_are_0() -> None:
    place("DK39", "0", Place(shift_x_um=5.0), person="anna")
    (edit,) = edits()
    assert (edit.rotation_rad, edit.shift_x_um, edit.shift_y_um, edit.mirrored) == (0.0, 5.0, 0.0, False)


def test_a_section_that_lies_nowhere_cannot_be_held_there() -> None:
    with pytest.raises(BrainstackError, match=r"section 0 \(slide001_S1\) was not aligned yet.*give --rotation-deg"):
        place("DK39", "0", Place(), anchor=True, person="anna")
    with pytest.raises(BrainstackError, match="was not aligned yet"):
        place("DK39", "0", Place(mirrored=True), person="anna")
    aligned(SectionAlignment(SECTIONS[0], 0.0, 0.0, 0.0, False, None, None, None, None, "failed", "No pair fits."))
    with pytest.raises(BrainstackError, match="could not be aligned, so that it has no place to keep"):
        place("DK39", "0", Place(), anchor=True, person="anna")
    assert edits() == []


def test_rotations_are_kept_within_half_a_turn() -> None:
    place("DK39", "0", Place(rotation_rad=math.radians(370)), person="anna")
    assert edits()[0].rotation_rad == pytest.approx(math.radians(10))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Place(rotation_rad=math.nan), "The rotation was given as nan"),
        (Place(rotation_rad=math.inf), "The rotation was given as inf"),
        (Place(shift_x_um=math.nan), "The shift in x was given as nan; wanted micrometres from -20000 to 20000"),
        (Place(shift_x_um=20_001.0), "The shift in x was given as 20001"),
        (Place(shift_y_um=-math.inf), "The shift in y was given as -inf"),
    ],
)
def test_a_number_that_cannot_be_is_refused(given: Place, words: str) -> None:
    with pytest.raises(BrainstackError, match=words):
        place("DK39", "0", given, person="anna")
    assert edits() == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("6", "no section '6'; wanted a key such as slide001_S1 or a number from 0 to 5"),
        ("slide009_S1", "no section 'slide009_S1'"),
        ("-1", "no section '-1'"),
        ("1", "Section 1 of DK39 is marked as bad and has no image"),
    ],
)
def test_a_section_that_is_not_there_or_a_gap_is_refused(name: str, words: str) -> None:
    mark_as_bad(1, 2)
    for refused in (
        lambda: place("DK39", name, Place(0.0, 0.0, 0.0), person="anna"),
        lambda: follow("DK39", name, "2", person="anna"),
        lambda: follow("DK39", "2", name, person="anna"),
        lambda: leave_out("DK39", name, "2", person="anna"),
        lambda: leave_out("DK39", "2", name, person="anna"),
    ):
        with pytest.raises(BrainstackError, match=words):
            refused()
    assert edits() == []


@pytest.mark.parametrize("person", ["", "  ", "x" * 101])
def test_a_person_has_a_name_that_fits_its_column(person: str) -> None:
    with pytest.raises(BrainstackError, match="--by was given as"):
        place("DK39", "0", Place(0.0, 0.0, 0.0), person=person)
    assert edits() == []


def test_a_computer_that_does_not_know_the_user_asks_for_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> NoReturn:
        raise KeyError("getpwuid(): uid not found: 4242")

    monkeypatch.setattr(getpass, "getuser", nobody)
    with pytest.raises(BrainstackError, match="say it with --by"):
        aligning.user()


# Following a neighbour


def test_a_section_follows_its_neighbour() -> None:
    said = follow("DK39", "2", SECTIONS[3], person="anna")
    (edit,) = edits()
    assert (edit.kind, edit.section, edit.other, edit.person) == ("follow", SECTIONS[2], SECTIONS[3], "anna")
    assert said == "Set: section 2 (slide002_S1) lies as section 3 (slide002_S2). The next run takes it in."


def test_a_section_cannot_follow_itself() -> None:
    with pytest.raises(BrainstackError, match=r"section 2 \(slide002_S1\) cannot follow itself"):
        follow("DK39", "2", SECTIONS[2], person="anna")


def test_sections_cannot_follow_each_other_in_a_ring() -> None:
    follow("DK39", "1", "2", person="anna")
    follow("DK39", "2", "3", person="anna")
    for last in ("2", "3"):
        with pytest.raises(BrainstackError, match=r"itself follows section .*brainstack align release DK39 slide00"):
            follow("DK39", last, "1", person="anna")
    follow("DK39", "2", "4", person="anna")  # instead of 3
    follow("DK39", "3", "1", person="anna")
    assert [(edit.section, edit.other) for edit in edits()] == [
        (SECTIONS[1], SECTIONS[2]), (SECTIONS[2], SECTIONS[4]), (SECTIONS[3], SECTIONS[1]),
    ]  # fmt: skip


def test_of_two_people_who_make_a_ring_at_once_the_second_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have looked at the plan before one of them writes."""
    both_looked, in_transaction = threading.Barrier(2), aligning.run_in_transaction

    def after_both(*work: object) -> object:
        both_looked.wait(timeout=60)
        return in_transaction(*work)  # type: ignore[arg-type]

    monkeypatch.setattr(aligning, "run_in_transaction", after_both)

    def said(names: tuple[str, str]) -> str:
        try:
            return follow("DK39", *names, person="anna")
        except ChangedMeanwhileError as error:
            return str(error)

    with ThreadPoolExecutor(2) as people:
        told = sorted(people.map(said, [("1", "2"), ("2", "1")]))
    assert told[0].startswith("DK39: section")
    assert "itself follows" in told[0]
    assert told[1].startswith("Set: section")
    assert len(edits()) == 1


def test_a_section_is_placed_or_follows_but_not_both() -> None:
    place("DK39", "2", Place(0.0, 1.0, 2.0), person="anna")
    follow("DK39", "2", "3", person="anna")
    assert [edit.kind for edit in edits()] == ["follow"]


# Pairs that are left out


@pytest.mark.parametrize("names", [("1", "3"), ("3", "1"), (SECTIONS[3], "1")])
def test_a_pair_is_left_out_whatever_the_order_of_its_sections(names: tuple[str, str]) -> None:
    said = leave_out("DK39", *names, person="anna")
    (edit,) = edits()
    assert (edit.kind, edit.other, edit.section) == ("leave_out", SECTIONS[1], SECTIONS[3])
    assert said.startswith("Set: the pair of section 1 (slide001_S2) and section 3 (slide002_S2) is left out.")


def test_sections_that_are_far_apart_or_the_same_are_no_pair() -> None:
    with pytest.raises(BrainstackError, match="are 5 apart and no pair; wanted two sections 1 to 3 apart"):
        leave_out("DK39", "0", "5", person="anna")
    with pytest.raises(BrainstackError, match="are 0 apart and no pair"):
        leave_out("DK39", "2", "2", person="anna")
    assert edits() == []


def test_a_gap_between_two_sections_does_not_count() -> None:
    mark_as_bad(1, 2)
    leave_out("DK39", "0", "4", person="anna")
    assert [(edit.other, edit.section) for edit in edits()] == [(SECTIONS[0], SECTIONS[4])]


def in_another_order() -> None:
    """Sections 0 and 1 change places."""
    change_animal("DK39", Change(slide=1, scene=2, order=1), person="anna")


def test_a_pair_that_is_left_out_again_after_its_sections_changed_places_is_said_once() -> None:
    leave_out("DK39", "0", "1", person="anna")
    in_another_order()
    leave_out("DK39", "0", "1", person="bo")
    assert [(edit.other, edit.section, edit.person) for edit in edits()] == [(SECTIONS[1], SECTIONS[0], "bo")]


def test_a_pair_whose_sections_are_far_apart_now_is_shown_to_be_without_effect() -> None:
    aligned()
    leave_out("DK39", "0", "1", person="anna")
    give_pair("DK39", "0", "2", GivenPair(0.1, 0.0, 0.0), person="anna")
    assert "without effect" not in shown()
    change_animal("DK39", Change(slide=1, scene=1, moved_after=SECTIONS[5]), person="anna")
    lines = [line for line in shown().splitlines() if "without effect" in line]
    assert [line.split(": without effect, ")[1] for line in lines] == [
        "as they are 5 apart now, and pairs reach 3", "as they are 4 apart now, and pairs reach 3",
    ]  # fmt: skip


# Pairs that are given by hand


def pairs() -> list[AlignmentEdit]:
    with open_database(database_url()) as database:
        return database.pairs_by_hand("DK39")


def test_a_pair_given_by_hand_is_kept_with_who_said_it_and_shown() -> None:
    aligned()
    said = give_pair("DK39", "1", "2", GivenPair(math.radians(90), 12.0, -3.0, mirrored=True), person="anna")
    (pair,) = pairs()
    assert (pair.other, pair.section, pair.person, pair.at[:2]) == (SECTIONS[1], SECTIONS[2], "anna", "20")
    words = (
        "section 2 (slide002_S1) lies on section 1 (slide001_S2) at mirrored, 90.00 degrees, 12.0 um in x and -3.0 um "
        "in y"
    )
    assert said.startswith(f"Set: {words}. The next run takes this transform")
    assert f"{words} (anna, {pair.at[:10]}" in shown()
    assert edits() == []


def test_a_pair_that_is_taken_back_or_given_anew_stays_as_history() -> None:
    give_pair("DK39", "1", "2", GivenPair(0.1, 0.0, 0.0), person="anna")
    give_pair("DK39", "1", "2", GivenPair(0.2, 0.0, 0.0), person="bo")
    assert [pair.rotation_rad for pair in pairs()] == [0.2]
    assert "registers this pair again" in take_back_pair("DK39", "2", "1", person="cy")
    assert "Nobody had given" in take_back_pair("DK39", "1", "2", person="cy")
    assert pairs() == []
    with engine_for(database_url()) as engine, engine.connect() as connection:
        query = text("SELECT rotation, person, active, released_by FROM alignment_edit ORDER BY id")
        assert connection.execute(query).all() == [(0.1, "anna", 0, "bo"), (0.2, "bo", 0, "cy")]


def test_a_pair_has_the_limits_of_a_place() -> None:
    with pytest.raises(BrainstackError, match="The shift in x was given as 9e\\+08; wanted micrometres from -20000"):
        give_pair("DK39", "1", "2", GivenPair(0.0, 900_000_000.0, 0.0), person="anna")
    with pytest.raises(BrainstackError, match="The rotation was given as nan"):
        give_pair("DK39", "1", "2", GivenPair(math.nan, 0.0, 0.0), person="anna")
    with pytest.raises(BrainstackError, match="no pair in this order"):
        give_pair("DK39", "2", "1", GivenPair(0.1, 0.0, 0.0), person="anna")
    assert pairs() == []


def test_a_pair_of_a_section_that_is_a_gap_now_can_be_taken_back() -> None:
    give_pair("DK39", "1", "2", GivenPair(0.1, 0.0, 0.0), person="anna")
    mark_as_bad(2, 1)
    assert "registers this pair again" in take_back_pair("DK39", SECTIONS[1], SECTIONS[2], person="bo")


# What numbers are about


def ran(*, frame: str = SECTIONS[3], left: float = 0.0) -> None:
    """A run whose small file says where pictures lay. left : all of them, in pixels further right on the canvas."""
    lay = [[1.0, 0.0, left], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    path = animal_folder("DK39").small("transforms")
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = [1.0, 0.0, 10.0 * left, 0.0, 1.0, 0.0]
    content = {
        "placements": dict.fromkeys(SECTIONS, lay), "pixel_size_um": 10.0, "cleaned": [1, 1],
        "frame": {"name": frame, "sections": [[frame, numbers]]},
    }  # fmt: skip
    path.write_text(json.dumps(content))


def test_a_place_is_kept_with_where_pictures_lay_when_it_was_said() -> None:
    place("DK39", "2", Place(shift_x_um=60.0), person="anna")
    assert (edits()[0].frame, edits()[0].placement) == ("", None), "before the first run nothing is known of it"
    ran(left=3.0)
    place("DK39", "2", Place(shift_x_um=60.0), person="anna")
    follow("DK39", "1", "2", person="anna")
    give_pair("DK39", "3", "4", GivenPair(0.1, 0.0, 0.0), person="anna")
    (placed, follows), (pair,) = edits(), pairs()
    assert placed.frame == SECTIONS[3]
    assert placed.placement == (1.0, 0.0, 25.0, 0.0, 1.0, -5.0), "a pixel's middle is half of it from the corner"
    assert placed.frame_sections == ((SECTIONS[3], (1.0, 0.0, 30.0, 0.0, 1.0, 0.0)),)
    for edit, other in ((follows, SECTIONS[2]), (pair, SECTIONS[3])):
        assert (edit.frame, edit.placement, edit.frame_sections) == (
            other, placed.placement, ((other, placed.placement),)
        )  # fmt: skip


def test_a_nudge_goes_on_from_where_the_last_run_took_a_place_that_was_said_of_another_frame() -> None:
    ran()
    place("DK39", "2", Place(0.5, 1.0, 2.0), person="anna")
    place("DK39", "2", Place(shift_x_um=3.0), person="anna")
    assert edits()[0].rotation_rad == 0.5
    ran(frame=SECTIONS[4])
    aligned(SectionAlignment(SECTIONS[2], 0.75, 7.0, 8.0, False, 0.9, 0.4, 0.95, 3.0, "good", by_hand=True))
    place("DK39", "2", Place(shift_x_um=9.0), person="anna")
    (edit,) = edits()
    assert (edit.rotation_rad, edit.shift_x_um, edit.shift_y_um, edit.frame) == (0.75, 9.0, 8.0, SECTIONS[4])


def test_an_anchor_is_not_placed_mirrored_where_nothing_could_follow_it() -> None:
    settings = animal_folder("DK39").settings
    before = settings.read_text() if settings.exists() else ""
    settings.write_text(f"{before}\n[pair_check]\nturn_mirrored = false\n")
    with pytest.raises(BrainstackError, match=r"turn_mirrored is false.*leave --anchor out"):
        place("DK39", "2", Place(0.0, 0.0, 0.0, True), anchor=True, person="anna")
    assert edits() == []
    place("DK39", "2", Place(0.0, 0.0, 0.0, True), person="anna")
    place("DK39", "3", Place(0.0, 0.0, 0.0), anchor=True, person="anna")
    assert len(edits()) == 2


def test_an_animal_is_turned_with_what_was_placed_by_hand_and_not_under_it() -> None:
    """What was said before the first run is not known to be of which picture."""
    place("DK39", "2", Place(0.5, 1.0, 2.0), person="anna")
    for change in (Change(rotation=1), Change(flip="flop")):
        with pytest.raises(BrainstackError, match="slide002_S1 was placed by hand, from its picture as it is turned"):
            change_animal("DK39", change, person="bo")
    change_animal("DK39", Change(rotation=0, flip="none", section_thickness_um=30.0), person="bo")
    ran()
    assert seen_of(make_plan("DK39"), SECTIONS[2])[1] is not None
    place("DK39", "2", Place(0.5, 1.0, 2.0), person="anna")
    change_animal("DK39", Change(rotation=1), person="bo")
    release("DK39", "2", person="anna")
    animal_folder("DK39").small("transforms").unlink()
    place("DK39", "2", Place(0.5, 1.0, 2.0), person="anna")
    with pytest.raises(BrainstackError, match="was placed by hand"):
        undo_decision("DK39", person="bo")
    assert make_plan("DK39").records.scan_run.rotation == 1


# Taking back


def test_what_was_said_of_a_section_is_taken_back() -> None:
    place("DK39", "2", Place(0.0, 1.0, 2.0), person="anna")
    leave_out("DK39", "2", "3", person="anna")
    assert release("DK39", "2", person="bo") == "Released: section 2 (slide002_S1). The next run takes it in."
    assert [edit.kind for edit in edits()] == ["leave_out"]
    said = "Nobody had given section 2 (slide002_S1) a place; nothing changed."
    assert release("DK39", "2", person="bo") == said


def test_a_pair_is_taken_back_in_either_order() -> None:
    leave_out("DK39", "2", "3", person="anna")
    said = release("DK39", "3", "2", person="bo")
    assert said.startswith("Released: the pair of section 3 (slide002_S2) and section 2 (slide002_S1).")
    assert edits() == []
    assert "Nobody had left out the pair" in release("DK39", "2", "3", person="bo")


def test_what_was_said_of_a_section_that_is_gone_or_a_gap_now_can_be_taken_back() -> None:
    place("DK39", "2", Place(0.0, 1.0, 2.0), person="anna")
    place("DK39", "4", Place(0.0, 1.0, 2.0), person="anna")
    mark_as_bad(2, 1)
    with open_database(database_url()) as database:
        database.set_slide_status("DK39", 3, "Bad")
        database.set_scene_dropped("DK39", 3, 1, True)
    assert f"without effect, as {SECTIONS[2]} is not in the stack now" in shown()
    assert release("DK39", SECTIONS[2], person="bo").startswith("Released: section slide002_S1.")
    assert release("DK39", SECTIONS[4], person="bo").startswith("Released: section slide003_S1.")
    assert edits() == []


def test_of_a_section_that_never_was_nothing_is_taken_back() -> None:
    with pytest.raises(BrainstackError, match="no section 'slide009_S1'"):
        release("DK39", "slide009_S1", person="bo")


# What is shown


def test_before_the_first_run_the_next_step_is_told() -> None:
    assert "No section of DK39 was aligned yet; the next run does it: luigi --module tasks Animal" in shown()


DOUBTFUL = SectionAlignment(SECTIONS[1], math.pi / 2, -12.34, 0.0, True, 0.5, 0.1, 0.8, 40.0, "doubtful", "It [turns].")
FAILED = SectionAlignment(SECTIONS[4], 0.0, 0.0, 0.0, False, None, None, None, None, "failed", "No pair fits.", True)


def test_doubtful_and_failed_sections_are_shown_with_their_numbers_and_reasons() -> None:
    aligned(DOUBTFUL, FAILED)
    heading, *table = shown().splitlines()
    assert heading == "DK39: 6 sections aligned: 4 good, 1 doubtful, 1 failed, 1 of them placed by hand"
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in table if "slide" in line]
    assert rows == [
        ["1", SECTIONS[1], "doubtful", "0.100 -> 0.500", "40.0", "90.00 mirrored", "-12.3, 0.0", "", "It [turns]."],
        ["4", SECTIONS[4], "failed", "- -> -", "-", "0.00", "0.0, 0.0", "yes", "No pair fits."],
    ]


def test_all_sections_are_shown_in_the_order_of_the_stack_where_asked_for() -> None:
    aligned(DOUBTFUL)
    lines = [line for line in shown(everything=True).splitlines() if "slide" in line]
    assert [line.split("│")[2].strip() for line in lines] == list(SECTIONS)


def test_no_table_is_shown_where_all_is_well() -> None:
    aligned()
    assert shown() == "DK39: 6 sections aligned: 6 good\n"


def test_sections_that_the_last_run_did_not_know_are_named() -> None:
    with open_database(database_url()) as database:
        database.take_in_sections("DK39", [DOUBTFUL])
    assert f"not aligned yet: {', '.join(key for key in SECTIONS if key != SECTIONS[1])}" in shown()


def test_what_people_said_is_shown_with_who_and_when() -> None:
    aligned()
    with open_database(database_url()) as database:
        for edit in (
            AlignmentEdit("anchor", SECTIONS[0], "", 0.0, 5.0, 0.0, False, "anna", "2024-05-01T10:20:30+00:00"),
            AlignmentEdit("follow", SECTIONS[2], SECTIONS[3], person="bo", at="2024-05-02T10:20:30+00:00"),
            AlignmentEdit("leave_out", SECTIONS[2], SECTIONS[1], person="cy", at="2024-05-03T10:20:30+00:00"),
        ):
            database.add_alignment_edit("DK39", edit)
    assert shown().splitlines()[1:] == [
        "section 0 (slide001_S1) lies at 0.00 degrees, 5.0 um in x and 0.0 um in y, and the sections around it follow "
        "(anna, 2024-05-01 10:20 UTC)",
        "section 2 (slide002_S1) lies as section 3 (slide002_S2) (bo, 2024-05-02 10:20 UTC)",
        "the pair of section 1 (slide001_S2) and section 2 (slide002_S1) is left out (cy, 2024-05-03 10:20 UTC)",
    ]
