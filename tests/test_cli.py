from __future__ import annotations

import getpass
import math
from pathlib import Path

import pytest
from by_hand import write_slide
from calling import Call, Called, caller

from brainstack.animal_folder import AnimalFolder
from brainstack.database import open_database
from brainstack.environment import database_url
from brainstack.planning import make_plan
from brainstack.records import AlignmentEdit, AnimalRecords, Channel, GivenPair, Scene, SlideScan


@pytest.fixture
def call(data_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """The command `brainstack` with these words, not in a terminal."""

    return caller(monkeypatch, capsys)


@pytest.fixture
def czi(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    for number in (1, 2):
        write_slide(folder / f"DK39_slide00{number}.czi")
    return folder


def records() -> AnimalRecords:
    with open_database(database_url()) as database:
        return database.animal_records("DK39")


def refused(called: Called, *words: str) -> None:
    """Exit status 1, and one line that says what is wrong."""
    assert called.returncode == 1
    (line,) = called.stderr.splitlines()
    assert line.startswith("brainstack: ")
    for word in words:
        assert word in line


def test_an_animal_is_added_with_all_that_is_said_of_it(call: Call, czi: Path) -> None:
    called = call(
        "animal", "add", "DK39", "--czi", czi, "--side-sectioned-first", "DESC", "--section-thickness-um", "25",
        "--rotation", "3", "--flip", "flop", "--orientation", "coronal", "--counterstain", "NtB",
        "--pixel-size-um", "0.65", "--thumbnail-factor", "8",
    )  # fmt: skip
    assert called.returncode == 0
    assert called.stderr == ""
    assert "nothing was said" not in called.stdout
    assert "2 slides; channels 1 DAPI, 2 GFP; 0.65 um a pixel, thumbnails 5.2 um a pixel (1/8)" in called.stdout
    histology, scan_run = records().histology, records().scan_run
    assert (histology.side_sectioned_first, histology.section_thickness_um) == ("DESC", 25.0)
    assert (histology.orientation, histology.counterstain) == ("coronal", "NtB")
    assert (scan_run.rotation, scan_run.flip, scan_run.resolution_um) == (3, "flop", 0.65)
    assert scan_run.slide_folder_path == str(czi)


def test_what_was_not_said_has_a_default_and_is_told(call: Call, czi: Path) -> None:
    called = call("animal", "add", "DK39", "--czi", czi)
    assert called.returncode == 0
    said = [line for line in called.stdout.splitlines() if "nothing was said" in line]
    assert [line.partition(" (nothing")[0].rpartition(": ")[2] for line in said] == [
        "ASC", "20", "0", "none", "sagittal",
    ]  # fmt: skip
    assert records().histology.section_thickness_um == 20.0


def test_the_folder_of_slides_may_be_given_from_here(call: Call, czi: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(czi.parent)
    assert call("animal", "add", "DK39", "--czi", "scans").returncode == 0
    assert records().scan_run.slide_folder_path == str(czi)


def test_animals_are_listed(call: Call, czi: Path) -> None:
    assert call("animal", "list").stdout == ""
    for name in ("DK40", "DK39"):
        call("animal", "add", name, "--czi", czi)
    assert call("animal", "list").stdout == "DK39\nDK40\n"


def test_a_missing_folder_of_slides(call: Call, tmp_path: Path) -> None:
    refused(call("animal", "add", "DK39", "--czi", tmp_path / "nowhere"), "nowhere is no folder", "*.czi")


def test_an_empty_folder_of_slides(call: Call, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused(call("animal", "add", "DK39", "--czi", tmp_path / "empty"), "has no .czi file", "put them there")


def test_a_name_that_is_taken(call: Call, czi: Path) -> None:
    call("animal", "add", "DK39", "--czi", czi)
    refused(call("animal", "add", "DK39", "--czi", czi), "DK39 is in the database already", "another name")


def test_a_name_that_leaves_the_data_root(call: Call, czi: Path, data_root: Path) -> None:
    refused(call("animal", "add", "../DK39", "--czi", czi), "cannot be the name of an animal")
    assert not (data_root.parent / "DK39").exists()


def test_two_slides_with_one_number(call: Call, czi: Path) -> None:
    write_slide(czi / "again_slide002.czi")
    refused(call("animal", "add", "DK39", "--czi", czi), "DK39_slide002.czi and again_slide002.czi", "number 2")


def test_a_slide_without_a_number(call: Call, czi: Path) -> None:
    write_slide(czi / "DK39_7.czi")
    refused(call("animal", "add", "DK39", "--czi", czi), "DK39_7.czi: no slide number", "rename the file")


@pytest.mark.parametrize("content", [b"", b"no scan at all", bytes(5000)])
def test_a_slide_that_is_no_czi(call: Call, czi: Path, content: bytes) -> None:
    (czi / "DK39_slide001.czi").write_bytes(content)
    refused(call("animal", "add", "DK39", "--czi", czi), "DK39_slide001.czi")


@pytest.mark.parametrize("words", [("--section-thickness-um", "0"), ("--pixel-size-um", "-1")])
def test_a_length_that_cannot_be(call: Call, czi: Path, words: tuple[str, str]) -> None:
    refused(call("animal", "add", "DK39", "--czi", czi, *words), "above 0")
    assert call("animal", "list").stdout == ""


@pytest.mark.parametrize(
    "words", [("--rotation", "4"), ("--flip", "over"), ("--side-sectioned-first", "asc"), ("--thumbnail-factor", "0")]
)
def test_an_option_that_cannot_be_says_how_to_use_it(call: Call, czi: Path, words: tuple[str, str]) -> None:
    called = call("animal", "add", "DK39", "--czi", czi, *words)
    assert called.returncode == 2
    assert words[0] in called.stderr
    assert "Traceback" not in called.stderr


def test_a_data_root_that_cannot_be_written(call: Call, czi: Path, data_root: Path) -> None:
    """A file stands where the folder should be: as good as no permission, and also for root."""
    data_root.rmdir()
    data_root.write_text("")
    refused(call("animal", "add", "DK39", "--czi", czi), str(data_root))
    refused(call("animal", "list"), str(data_root))
    refused(call("status", "DK39"), str(data_root))


def test_a_data_root_below_a_file(call: Call, czi: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data_root / "file").write_text("")
    monkeypatch.setenv("BRAINSTACK_DATA_ROOT", str(data_root / "file" / "data"))
    refused(call("animal", "add", "DK39", "--czi", czi), "file")


def test_a_file_where_the_animals_folder_should_be(call: Call, czi: Path, data_root: Path) -> None:
    (data_root / "DK39").write_text("")
    refused(call("animal", "add", "DK39", "--czi", czi), "DK39")
    assert call("animal", "list").stdout == ""


def test_a_slide_is_shown_without_any_animal_or_database(call: Call, czi: Path, data_root: Path) -> None:
    called = call("slide", "show", czi / "DK39_slide001.czi", "--checksum", "--pictures", czi.parent / "pictures")
    assert called.returncode == 0
    for words in ("DK39_slide001.czi", "10 x 10 um", "64 x 48", "DAPI", "BLAKE2b"):
        assert words in called.stdout
    assert "DK39_slide001.czi has no label and no preview; nothing was written." in called.stdout
    assert list(data_root.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no scan at all", bytes(5000)])
def test_showing_what_is_no_slide(call: Call, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.czi").write_bytes(content)
    refused(call("slide", "show", tmp_path / "a.czi"), "a.czi")
    refused(call("slide", "show", tmp_path / "b.czi"), "b.czi is not there")


def test_the_order_of_the_scenes_of_a_slide_is_said_in_one_of_three_ways(call: Call, czi: Path) -> None:
    call("animal", "add", "DK39", "--czi", czi)
    assert call("animal", "set", "DK39", "--slide", "1", "--scene-order", "left").returncode == 2
    refused(call("animal", "set", "DK39", "--scene-order", "scan"), "give its number with --slide")


def test_an_unknown_setting_of_the_animal(call: Call, czi: Path, data_root: Path) -> None:
    call("animal", "add", "DK39", "--czi", czi)
    AnimalFolder(data_root / "DK39").settings.write_text("[elastix]\nborder_pix = 2\n")
    refused(call("status", "DK39"), "settings.toml", "border_pix", "Did you mean 'border_um'?")
    refused(call("view", "DK39"), "settings.toml", "border_pix")


def test_the_status_of_an_unknown_animal(call: Call, czi: Path) -> None:
    call("animal", "add", "DK39", "--czi", czi)
    refused(call("status", "DK93"), "no animal 'DK93'", "Did you mean DK39?")


def test_the_status_where_nothing_was_ever_added(call: Call) -> None:
    refused(call("status", "DK39"), "There is no database", "'brainstack animal add' makes it")


def test_the_status_of_a_new_animal(call: Call, czi: Path) -> None:
    call("animal", "add", "DK39", "--czi", czi)
    called = call("status", "DK39")
    assert called.returncode == 0
    assert "DK39: 2 slides, 0 sections" in called.stdout
    assert "1 of 1 stages to begin" in called.stdout


def test_a_view_before_there_is_a_volume(call: Call, czi: Path) -> None:
    call("animal", "add", "DK39", "--czi", czi)
    refused(call("view", "DK39"), "DK39 has no volume yet", "luigi --module tasks Animal --animal DK39")


def test_a_view_of_an_unknown_animal(call: Call) -> None:
    refused(call("view", "DK39"), "There is no database", "'brainstack animal add' makes it")


def test_a_change_is_kept(call: Call, czi: Path) -> None:
    call("animal", "add", "DK39", "--czi", czi)
    called = call("animal", "set", "DK39", "--flip", "flop", "--section-thickness-um", "30")
    assert called.returncode == 0
    assert records().scan_run.flip == "flop"
    assert records().histology.section_thickness_um == 30.0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Nothing to change was given"),
        (("--status", "Bad"), "give its number with --slide"),
        (("--slide", "1"), "Of the slide nothing was said"),
        (("--slide", "1", "--scene", "2"), "Of the scene nothing was said"),
        (("--slide", "1", "--drop"), "number there with --scene"),
        (("--slide", "1", "--scene", "2", "--keep", "--qc", "0"), "wanted one"),
        (("--slide", "77", "--status", "Bad"), "no slide 77 in the database"),
        (("--pixel-size-um", "0"), "above 0"),
    ],
)
def test_a_change_that_says_half_of_something(call: Call, czi: Path, words: tuple[str, ...], sentence: str) -> None:
    call("animal", "add", "DK39", "--czi", czi)
    refused(call("animal", "set", "DK39", *words), sentence)


def test_a_change_of_an_unknown_animal(call: Call) -> None:
    refused(call("animal", "set", "DK39", "--rotation", "1"), "no animal 'DK39'")


def test_where_things_are_is_told_without_the_password(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINSTACK_DATABASE_URL", "mysql+pymysql://lab:se:cr@et@server/brains")
    called = call("where")
    assert "database: mysql+pymysql://lab:***@server/brains" in called.stdout
    assert "et@" not in called.stdout


def test_a_made_up_animal_that_is_there_is_left_alone(call: Call, czi: Path) -> None:
    call("animal", "add", "DEMO", "--czi", czi)
    called = call("demo")
    assert called.returncode == 0
    assert "DEMO is there already" in called.stdout


@pytest.mark.parametrize("words", [(), ("animal",), ("align",)])
def test_without_a_command_the_help_is_shown(call: Call, words: tuple[str, ...]) -> None:
    called = call(*words)
    assert "Usage: brainstack" in called.stdout + called.stderr


def test_nothing_can_be_approved_before_it_was_made(call: Call, czi: Path) -> None:
    call("animal", "add", "DK39", "--czi", czi)
    refused(call("approve", "DK39", "canvas"), "Canvas of DK39 was not made yet", "luigi --module tasks Canvas")
    assert "canvas: not approved" in call("approve", "DK39", "--show").stdout
    assert call("approve", "DK39", "canvas", "--release").stdout == "No canvas was approved; nothing changed.\n"
    assert call("approve", "DK39", "shoes").returncode == 2


def test_why_wants_a_section_that_is_there(call: Call, czi: Path) -> None:
    call("animal", "add", "DK39", "--czi", czi)
    refused(call("status", "DK39", "--why", "3"), "slides of DK39 were not read yet")


# The alignment


@pytest.fixture
def stack(call: Call, czi: Path) -> Call:
    """The command, with an animal of two slides with two sections each."""
    call("animal", "add", "DK39", "--czi", czi)
    scenes = (Scene(1, 0, 0, 0, 64, 48), Scene(2, 1, 100, 0, 64, 48))
    with open_database(database_url()) as database:
        for number in (1, 2):
            scan = SlideScan(f"DK39_slide00{number}.czi", "Gray16", (10.0, 10.0), (Channel(1, "DAPI"),), scenes)
            database.take_in_slide("DK39", scan, slide_number=number, rescan=1, file_size=1)
    return call


def test_a_section_is_placed_as_an_anchor_by_a_person(stack: Call) -> None:
    called = stack(
        "align", "place", "DK39", "2", "--rotation-deg", "-90", "--shift-x-um", "-12.5", "--shift-y-um", "3",
        "--mirrored", "--anchor", "--by", "anna",
    )  # fmt: skip
    assert (called.returncode, called.stderr) == (0, "")
    assert called.stdout.startswith("Set: section 2 (slide002_S1) lies at mirrored, -90.00 degrees, -12.5 um in x")
    (edit,) = records().alignment_edits
    wanted = AlignmentEdit("anchor", "slide002_S1", "", -math.pi / 2, -12.5, 3.0, True, "anna", edit.at)
    assert edit == wanted


def test_a_pair_is_given_by_hand_as_mirrored_or_as_it_lies(stack: Call) -> None:
    called = stack("animal", "pair", "DK39", "1", "2", "--rotation-deg", "90", "--shift-x-um", "-12.5", "--mirrored")
    assert (called.returncode, called.stderr) == (0, "")
    stack("animal", "pair", "DK39", "2", "3", "--shift-y-um", "4")
    assert make_plan("DK39").by_hand == {
        "slide001_S2..slide002_S1": GivenPair(math.pi / 2, -12.5, 0.0, mirrored=True),
        "slide002_S1..slide002_S2": GivenPair(0.0, 0.0, 4.0, mirrored=False),
    }
    stack("animal", "pair", "DK39", "1", "2", "--as-they-lie")
    assert not make_plan("DK39").by_hand["slide001_S2..slide002_S1"].mirrored


@pytest.mark.parametrize("words", [(), ("--mirrored",), ("--as-they-lie", "--rotation-deg", "3")])
def test_a_pair_is_not_given_without_a_number_or_a_word_for_none(stack: Call, words: tuple[str, ...]) -> None:
    refused(stack("animal", "pair", "DK39", "1", "2", *words), "Wanted --rotation-deg, --shift-x-um or --shift-y-um")
    assert make_plan("DK39").by_hand == {}


def test_who_gave_a_pair_is_kept_and_it_is_taken_back(stack: Call) -> None:
    stack("animal", "pair", "DK39", "1", "2", "--as-they-lie", "--by", "anna")
    assert [one.person for one in records().pairs_by_hand] == ["anna"]
    assert "registers this pair again" in stack("animal", "pair", "DK39", "1", "2", "--release").stdout
    assert records().pairs_by_hand == ()


def test_the_user_of_the_computer_is_who_said_it(stack: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "bo")
    stack("align", "place", "DK39", "0", "--rotation-deg", "5")
    stack("align", "follow", "DK39", "1", "0")
    stack("align", "leave-out", "DK39", "3", "1")
    said = records().alignment_edits
    assert [(one.kind, one.section, one.other, one.mirrored, one.person) for one in said] == [
        ("place", "slide001_S1", "", False, "bo"),
        ("follow", "slide001_S2", "slide001_S1", False, "bo"),
        ("leave_out", "slide002_S2", "slide001_S2", False, "bo"),
    ]


def test_what_was_said_of_the_alignment_is_shown_and_taken_back(stack: Call) -> None:
    stack("align", "follow", "DK39", "1", "0", "--by", "anna")
    stack("align", "leave-out", "DK39", "1", "3", "--by", "anna")
    called = stack("align", "show", "DK39", "--all")
    assert "section 1 (slide001_S2) lies as section 0 (slide001_S1) (anna, " in called.stdout
    assert stack("align", "release", "DK39", "1").stdout.startswith("Released: section 1 (slide001_S2).")
    assert stack("align", "release", "DK39", "1", "3").stdout.startswith("Released: the pair of section 1")
    assert records().alignment_edits == ()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("place", "DK39", "7", "--rotation-deg", "1"), "no section '7'"),
        (("place", "DK39", "1", "--anchor"), "was not aligned yet"),
        (("place", "DK39", "1", "--shift-y-um", "inf"), "The shift in y was given as inf"),
        (("follow", "DK39", "1", "1"), "cannot follow itself"),
        (("leave-out", "DK39", "1", "1"), "no pair"),
        (("release", "DK39", "slide007_S1"), "no section 'slide007_S1'"),
        (("show", "DK93"), "no animal 'DK93'"),
    ],
)
def test_what_cannot_be_said_of_the_alignment(stack: Call, words: tuple[str, ...], sentence: str) -> None:
    refused(stack("align", *words), sentence)
    assert records().alignment_edits == ()
