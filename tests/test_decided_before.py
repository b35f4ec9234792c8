"""Two people decide about one thing: the second is told, and nothing is overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from brainstack.database import create_or_upgrade, open_database
from brainstack.decided_before import DecidedMeanwhileError, about, by_place, version_of
from brainstack.deciding import Change, change_animal, undo_decision
from brainstack.environment import database_url
from brainstack.records import Animal, Channel, Histology, ScanRun, Scene, SlideScan


@pytest.fixture
def animal(data_root: Path) -> str:
    """DK39 with slide 1, which has three scenes."""
    create_or_upgrade(database_url())
    scenes = tuple(Scene(number, number - 1, 100 * number, 0, 90, 90) for number in (1, 2, 3))
    with open_database(database_url()) as database:
        database.add_animal(Animal("DK39"), Histology("DK39"), ScanRun("DK39", "/scans"))
        scan = SlideScan("DK39_slide001.czi", "Gray16", (10, 10), (Channel(1, "DAPI"),), scenes)
        database.take_in_slide("DK39", scan, slide_number=1, rescan=1, file_size=1)
    return "DK39"


def version(scene: int = 0) -> str:
    with open_database(database_url()) as database:
        return version_of(about(database.decided("DK39"), 1, 1, scene))


def qc() -> list[int]:
    with open_database(database_url()) as database:
        return [scene.qc for scene in database.animal_records("DK39").slides[0].scenes]


def bad(scene: int, seen: str | None, person: str, *, verdict: int = 2) -> None:
    change_animal("DK39", Change(slide=1, rescan=1, scene=scene, qc=verdict), person=person, seen=seen)


def test_the_second_is_told_who_decided_what_and_nothing_is_overwritten(animal: str) -> None:
    seen = version(2)
    bad(2, seen, "Ana")
    with pytest.raises(
        DecidedMeanwhileError,
        match=r"^Slide 1, scene 2, is not as you saw it: Ana changed verdict from good to bad at \d\d:\d\d UTC on .*"
        "Nothing was overwritten",
    ):
        bad(2, seen, "Ben", verdict=3)
    assert qc() == [0, 2, 0]
    bad(2, version(2), "Ben", verdict=3)
    assert qc() == [0, 3, 0]


def test_what_others_decided_about_another_scene_is_in_nobodys_way(animal: str) -> None:
    seen = version(3)
    bad(2, version(2), "Ana")
    bad(3, seen, "Ben")
    assert qc() == [0, 2, 2]


def test_the_same_said_by_two_is_no_conflict(animal: str) -> None:
    seen = version(2)
    bad(2, seen, "Ana")
    bad(2, seen, "Ben")
    assert qc() == [0, 2, 0]


def test_a_decision_that_was_taken_back_is_another_state_too(animal: str) -> None:
    bad(2, version(2), "Ana")
    seen = version(2)
    undo_decision("DK39", slide=1, scene=2, person="Cy")
    with pytest.raises(DecidedMeanwhileError, match="Cy took back verdict bad"):
        bad(2, seen, "Ben", verdict=1)
    assert qc() == [0, 0, 0]


def test_a_version_that_never_was_changes_nothing(animal: str) -> None:
    with pytest.raises(DecidedMeanwhileError, match="load it again"):
        bad(2, "7.0", "Ben")
    assert qc() == [0, 0, 0]


def test_a_slide_and_its_scenes_have_versions_of_their_own(animal: str) -> None:
    before = version()
    bad(2, None, "Ana")
    assert version() == before
    change_animal("DK39", Change(slide=1, rescan=1, status="Bad"), person="Ana")
    assert version() != before
    with open_database(database_url()) as database:
        assert set(by_place(database.decided("DK39"))) == {(1, 1, 2), (1, 0, 0)}
