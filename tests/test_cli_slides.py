from __future__ import annotations

import getpass
from pathlib import Path

import pytest
from by_hand import write_slide
from calling import Call, caller

from brainstack.database import open_database
from brainstack.environment import database_url
from brainstack.records import AlignmentEdit, Channel, Scene, Slide, SlideScan
from brainstack.stack import scans_in_use


@pytest.fixture
def call(data_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    return caller(monkeypatch, capsys)


@pytest.fixture
def animal(call: Call, tmp_path: Path) -> str:
    """DK39 with slide 1 (four scenes) and slide 2, scanned twice (two scenes, one scene)."""
    folder = tmp_path / "scans"
    for name in ("slide001", "slide002", "slide002_rescan2"):
        write_slide(folder / f"DK39_{name}.czi")
    assert call("animal", "add", "DK39", "--czi", folder).returncode == 0
    scans = (("slide001", 1, 1, 4), ("slide002", 2, 1, 2), ("slide002_rescan2", 2, 2, 1))
    with open_database(database_url()) as database:
        for name, number, rescan, count in scans:
            scenes = tuple(Scene(scene, scene - 1, 100 * scene, 0, 90, 90) for scene in range(1, count + 1))
            scan = SlideScan(f"DK39_{name}.czi", "Gray16", (10, 10), (Channel(1, "DAPI"),), scenes)
            database.take_in_slide("DK39", scan, slide_number=number, rescan=rescan, file_size=1)
    return "DK39"


def slides() -> tuple[Slide, ...]:
    with open_database(database_url()) as database:
        return database.animal_records("DK39").slides


def test_a_scene_is_marked_as_bad_with_the_reason_and_it_is_taken_back(call: Call, animal: str) -> None:
    before = slides()
    said = call("slide", animal, 1, "--scene", 3, "--bad", "folded")
    assert said.stdout == "slide 1, scene 3: verdict good -> bad\n"
    assert slides()[0].scenes[2].qc == 2
    listed = call("slides", animal).stdout
    assert "3 bad (folded): a gap" in listed
    history = call("slides", animal, "--history").stdout
    assert getpass.getuser() in history
    assert "folded" in history
    back = call("slide", animal, 1, "--scene", 3, "--undo", "--by", "Ana")
    assert back.stdout == "taken back: slide 1, scene 3: verdict bad -> good\n"
    assert slides() == before
    assert "by Ana" in call("slide", animal, 1, "--history").stdout


@pytest.mark.parametrize(
    ("words", "qc", "replicates"),
    [
        (["--good"], 0, 0),
        (["--focus", "blurred"], 1, 0),
        (["--bad", "torn"], 2, 0),
        (["--gap"], 2, 0),
        (["--focus", "blurred", "--gap"], 1, 0),
        (["--end"], 3, 0),
        (["--bad", "torn", "--replicate", "2"], 2, 2),
        (["--replicate", "1"], 0, 1),
    ],
)
def test_what_a_scene_can_be(call: Call, animal: str, words: list[str], qc: int, replicates: int) -> None:
    assert call("slide", animal, 1, "--scene", 2, *words).returncode == 0
    scene = slides()[0].scenes[1]
    assert (scene.qc, scene.replicates) == (qc, replicates)


def test_a_scene_is_dropped_and_kept_after_all(call: Call, animal: str) -> None:
    assert call("slide", animal, 1, "--scene", 2, "--drop", "--why", "dust").returncode == 0
    assert [scene.number for scene in slides()[0].scenes] == [1, 3, 4]
    assert call("slide", "set", animal, 1, "--scene", 2, "--keep").returncode == 0
    assert [scene.number for scene in slides()[0].scenes] == [1, 2, 3, 4]


def test_a_slide_is_bad_and_good_again(call: Call, animal: str) -> None:
    assert call("slide", animal, 1, "--bad", "glass broken").stdout == "slide 1: status Good -> Bad\n"
    assert "glass broken" in call("slides", animal).stdout
    assert call("slide", animal, 1, "--status", "Good").stdout == "slide 1: status Bad -> Good\n"
    assert call("slide", animal, 1, "--good").stdout == "It is so already; nothing was changed.\n"


def test_order_place_and_a_later_scan_that_adds(call: Call, animal: str) -> None:
    assert call("slide", animal, 1, "--scene", 4, "--order", 1).stdout == "slide 1: scene_order - -> 4,1,2,3\n"
    assert call("slide", animal, 2, "--rescan", 2, "--adds").stdout == (
        "slide 2 (scan 2): rescan_use replaces -> adds\n"
    )
    moved = call("slide", animal, 1, "--scene", 2, "--after", "slide002_S1")
    assert moved.stdout == "slide 1, scene 2: moved_after - -> slide002_S1\n"
    listed = call("slides", animal).stdout
    assert "adds scenes to the scan before" in listed
    assert "2, moved behind slide002_S1" in listed
    assert call("slide", animal, 1, "--scene", 2, "--after", "back").stdout.endswith("slide002_S1 -> -\n")


def test_a_decision_is_taken_back_by_its_number(call: Call, animal: str) -> None:
    call("animal", "set", animal, "--rotation", 1, "--why", "upside down", "--by", "Zoë")
    call("slide", animal, 1, "--bad", "broken")
    assert "upside down" in call("slides", animal, "--history").stdout
    assert call("slides", animal, "--undo", 1).stdout == "taken back: the animal: rotation 1 -> 0\n"
    assert slides()[0].status == "Bad"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["1", "--good", "--bad", "x"], "--good and --bad were given at once"),
        (["1", "--scene", "1", "--drop", "--end"], "--end and --drop were given at once"),
        (["1", "--focus", "x"], "give it with --scene"),
        (["1", "--scene", "1", "--gap", "--replicate", "2"], "an empty slot, or copies in it"),
        (["2", "--rescan", "2", "--adds", "--replaces"], "--adds and --replaces"),
        (["1", "--scene", "9", "--bad", "x"], "has 4 scenes, but not scene 9"),
        (["1", "--scene", "1", "--after", "slide009_S1"], "no section 'slide009_S1'"),
        (["1", "--scene", "1", "--after", "slide001_S1"], "behind itself"),
        (["1"], "Of the slide nothing was said"),
        (["1", "--undo"], "nothing was decided of slide 1"),
        (["2", "--bad", "x"], "with --rescan"),
        (["1", "--bad", "x", "--by", " "], "wanted a name"),
    ],
)
def test_what_cannot_be_said_is_refused_and_changes_nothing(
    call: Call, animal: str, words: list[str], says: str
) -> None:
    before = slides()
    refused = call("slide", animal, *words)
    assert refused.returncode == 1
    assert says in refused.stderr
    assert slides() == before


def test_an_animal_without_slides_says_how_they_are_read(call: Call, tmp_path: Path) -> None:
    write_slide(tmp_path / "scans" / "DK40_slide001.czi")
    call("animal", "add", "DK40", "--czi", tmp_path / "scans")
    assert "luigi --module tasks Meta --animal DK40" in call("slides", "DK40").stdout
    assert "Nothing was decided" in call("slides", "DK40", "--history").stdout


def test_a_scan_is_still_shown_by_its_file(call: Call, tmp_path: Path) -> None:
    write_slide(tmp_path / "DK40_slide001.czi")
    assert "scenes" in call("slide", "show", tmp_path / "DK40_slide001.czi").stdout


def test_a_scene_is_turned_by_itself_and_as_the_animal_again(call: Call, animal: str) -> None:
    call("animal", "set", animal, "--flip", "flop")
    said = call("slide", animal, 1, "--scene", 3, "--rotation", 1)
    assert said.stdout == "slide 1, scene 3: turns as the animal -> 1 quarter turn clockwise, mirrored\n"
    assert slides()[0].scenes[2].turns == (1, "flop")
    call("slide", animal, 1, "--scene", 3, "--flip", "none")
    assert slides()[0].scenes[2].turns == (1, "none")
    assert "3, turned by itself (1 quarter turn clockwise)" in call("slides", animal).stdout
    call("slide", animal, 1, "--scene", 3, "--as-animal")
    assert slides()[0].scenes[2].turns is None
    assert "wanted one of the two" in call("slide", animal, 1, "--scene", 3, "--as-animal", "--rotation", 1).stderr
    assert "--scene" in call("slide", animal, 1, "--rotation", 1).stderr
    assert "'left'" in call("slide", animal, 1, "--scene", 3, "--flip", "left").stderr


def test_a_scene_that_was_placed_by_hand_is_not_turned_under_its_place(call: Call, animal: str) -> None:
    with open_database(database_url()) as database:
        database.add_alignment_edit(animal, AlignmentEdit("place", "slide001_S3", rotation_rad=3.14))
    said = call("slide", animal, 1, "--scene", 3, "--rotation", 2)
    assert said.returncode == 1
    assert "take that back first: brainstack align release DK39 slide001_S3" in said.stderr
    assert slides()[0].scenes[2].turns is None
    assert call("slide", animal, 1, "--scene", 3, "--flip", "none").returncode == 0, "it is turned so already"
    with open_database(database_url()) as database:
        database.release_alignment_edit(animal, "slide001_S3")
    assert call("slide", animal, 1, "--scene", 3, "--rotation", 2).returncode == 0


def test_the_order_of_scenes_is_given_by_their_numbers(call: Call, animal: str) -> None:
    call("slide", animal, 1, "--scene-order", "3,1,2,4")
    assert [scene.order for scene in slides()[0].scenes] == [2, 3, 1, 4]
    for wrong in ("3,1,2", "3,1,2,2", "3,1,2,4,x", "1,2,3,4,4"):
        assert "wanted each of 1, 2, 3, 4 once" in call("slide", animal, 1, "--scene-order", wrong).stderr


def test_the_scan_that_is_used_is_chosen(call: Call, animal: str) -> None:
    call("slide", animal, 2, "--rescan", 2, "--adds")
    call("slide", animal, 2, "--rescan", 1, "--use")
    assert [(one.rescan, one.status, one.rescan_use) for one in slides()[1:]] == [
        (1, "Good", "replaces"),
        (2, "Good", "adds"),
    ]
    call("slide", animal, 2, "--rescan", 2, "--use")
    assert [one.rescan for one in scans_in_use(slides()) if one.number == 2] == [2]
    call("slide", animal, 2, "--rescan", 1, "--use")
    assert [one.rescan for one in scans_in_use(slides()) if one.number == 2] == [1]
    assert "wanted one of: 1, 2" in call("slide", animal, 2, "--rescan", 5, "--use").stderr


def test_a_verdict_is_said_again_with_another_reason(call: Call, animal: str) -> None:
    call("slide", animal, 1, "--scene", 3, "--bad", "folded")
    assert call("slide", animal, 1, "--scene", 3, "--bad", "folded").stdout.startswith("It is so already")
    assert call("slide", animal, 1, "--scene", 3, "--bad", "torn").stdout == "slide 1, scene 3: verdict bad -> bad\n"
    assert "3 bad (torn)" in call("slides", animal).stdout
    call("slide", animal, 1, "--scene", 3, "--undo")
    assert "3 bad (folded)" in call("slides", animal).stdout


def test_the_last_that_a_person_decided_is_taken_back_and_nobody_elses(call: Call, animal: str) -> None:
    call("slide", animal, 1, "--scene", 1, "--bad", "folded", "--by", "Ana")
    call("slide", animal, 1, "--scene", 2, "--end", "--by", "Ana")
    call("slide", animal, 1, "--scene", 3, "--bad", "torn", "--by", "Ben")
    assert call("slides", animal, "--undo-last", "--by", "Ana").stdout.startswith("taken back: slide 1, scene 2:")
    assert call("slides", animal, "--undo-last", "--by", "Ana").stdout.startswith("taken back: slide 1, scene 1:")
    assert "Ana decided nothing" in call("slides", animal, "--undo-last", "--by", "Ana").stderr
    assert [scene.qc for scene in slides()[0].scenes] == [0, 0, 2, 0]
