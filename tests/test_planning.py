from __future__ import annotations

from pathlib import Path

import pytest
from by_hand import run_by_hand, write_slide

from brainstack.adding import add_animal
from brainstack.animal_folder import AnimalFolder
from brainstack.errors import BrainstackError
from brainstack.intake import record
from brainstack.planning import list_czi, look, make_plan, progress_of, read_failed, take_in, write_failed
from brainstack.records import Animal, Histology, ScanRun
from brainstack.stamps import Stamps, Step


@pytest.fixture
def folder(data_root: Path, tmp_path: Path) -> AnimalFolder:
    """An animal with two slides whose metadata the database has."""
    czi = tmp_path / "scans"
    for number in (1, 2):
        write_slide(czi / f"DK39_slide00{number}.czi")
    add_animal(Animal("DK39"), Histology("DK39"), ScanRun("DK39", str(czi)), czi)
    folder = AnimalFolder(data_root / "DK39")
    for number in (1, 2):
        record_slide(folder, number)
    take_in("DK39")
    return folder


def record_slide(folder: AnimalFolder, number: int) -> None:
    scenes = [{"number": n, "index": n - 1, "x": 0, "y": 0, "width": 64, "height": 48} for n in (1, 2)]
    channels = [{"number": n, "name": f"stain {n}"} for n in (1, 2)]
    scan = {"file_name": f"DK39_slide00{number}.czi", "pixel_type": "Gray16", "pixel_size_um": [10.0, 10.0],
            "channels": channels, "scenes": scenes}  # fmt: skip
    record(folder, "slide", {"scan": scan, "slide_number": number, "file_size": 1})


def test_the_plan_joins_database_settings_and_slides(folder: AnimalFolder) -> None:
    plan = make_plan("DK39")
    assert list(plan.section) == ["slide001_S1", "slide001_S2", "slide002_S1", "slide002_S2"]
    assert plan.pixel_size_um == 10.0
    assert plan.settings.tifs.thumbnail_factor == 1


def test_an_animals_own_settings_are_on_top(folder: AnimalFolder) -> None:
    folder.settings.write_text("[tifs]\nthumbnail_factor = 2\n")
    assert make_plan("DK39").pixel_size_um == 20.0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("[masks]\nborder_pix = 2\n", "settings.toml .masks.: unknown setting 'border_pix'"),
        ("[masks]\nchannel = 3\n", r"\[masks\] channel = 3, but the slides of DK39 have channels 1, 2"),
        ("[elastix]\nchannel = 9\n", r"\[elastix\] channel = 9"),
        ("[web]\nchannel = 9\n", r"\[web\] channel = 9"),
        ("masks\n", "is not a TOML file"),
    ],
)
def test_settings_that_cannot_be_are_refused(folder: AnimalFolder, settings: str, words: str) -> None:
    folder.settings.write_text(settings)
    with pytest.raises(BrainstackError, match=words):
        make_plan("DK39")


def test_an_unknown_animal_is_refused(folder: AnimalFolder) -> None:
    with pytest.raises(BrainstackError, match=r"no animal 'DK93'.*DK39"):
        make_plan("DK93")


def test_slides_that_are_not_mounted_are_said(folder: AnimalFolder, tmp_path: Path) -> None:
    (tmp_path / "scans").rename(tmp_path / "away")
    with pytest.raises(BrainstackError, match="DK39/czi is not there"):
        make_plan("DK39")


def test_hidden_files_and_other_files_are_no_slides(tmp_path: Path) -> None:
    for name in ("._DK39_slide001.czi", "DK39_slide001.czi", "DK39_slide002.czi.part", "notes.txt"):
        (tmp_path / name).write_text("x")
    assert [file.name for file in list_czi(tmp_path)] == ["DK39_slide001.czi"]


def test_a_slide_whose_suffix_is_in_capitals_is_not_passed_over(tmp_path: Path) -> None:
    for name in ("DK39_slide001.czi", "DK39_slide002.CZI", "._DK39_slide003.CZI"):
        (tmp_path / name).write_text("x")
    with pytest.raises(BrainstackError, match=r"DK39_slide002\.CZI ends in \.CZI; wanted \.czi; rename the file"):
        list_czi(tmp_path)


def test_looking_changes_nothing(folder: AnimalFolder) -> None:
    def everything() -> dict[str, int]:
        return {str(path): path.lstat().st_mtime_ns for path in folder.root.parent.rglob("*")}

    record_slide(folder, 1)
    before = everything()
    look("DK39")
    assert everything() == before


def test_looking_leaves_out_what_failed_in_the_last_run(folder: AnimalFolder) -> None:
    failed = Step("Masks", 0, "slide001_S2")
    write_failed(folder, {failed: "nothing found"})
    plan = look("DK39")
    assert plan.blocked_by(Step("Clean", 1, "slide001_S2")) == failed
    assert progress_of(plan).state(failed) == "failed"


def test_what_is_done_since_it_failed_has_not_failed(folder: AnimalFolder) -> None:
    record_slide(folder, 1)
    plan = make_plan("DK39")
    failed = plan.steps("Meta")[0]
    write_failed(folder, {failed: "cut off"})
    assert look("DK39").failed == {failed}
    run_by_hand(plan, Stamps(folder.stamps), files=True)
    assert look("DK39").failed == frozenset()


def test_failures_are_read_as_they_were_written(folder: AnimalFolder) -> None:
    failed = {Step("Masks", 0, "slide001_S2"): "nothing found", Step("Tifs", 2, "DK39_slide001"): "cut off"}
    write_failed(folder, failed)
    assert read_failed(folder) == failed


def test_a_failure_of_a_stage_that_is_no_more_is_forgotten(folder: AnimalFolder) -> None:
    write_failed(folder, {Step("Masks"): "x", Step("OldStage"): "y"})
    assert read_failed(folder) == {Step("Masks"): "x"}


def test_a_slide_replaced_by_one_of_another_name_is_read_anew(folder: AnimalFolder, tmp_path: Path) -> None:
    (tmp_path / "scans" / "DK39_slide002.czi").rename(tmp_path / "scans" / "again_slide002.czi")
    plan = make_plan("DK39")
    assert list(plan.section) == ["slide001_S1", "slide001_S2"]
    assert [step.item for step in plan.steps("Meta")] == ["DK39_slide001", "again_slide002"]
