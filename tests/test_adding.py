from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from by_hand import write_slide

from brainstack.adding import add_animal, factor_for, known_animals
from brainstack.animal_folder import AnimalFolder
from brainstack.database import open_database
from brainstack.deciding import Change, change_animal
from brainstack.demo.czi_writer import ChannelSettings, Tile, metadata_xml, write_czi
from brainstack.environment import database_url
from brainstack.errors import BrainstackError
from brainstack.records import Animal, AnimalRecords, Channel, Histology, ScanRun, Scene, SlideScan
from brainstack.settings import load_settings


@pytest.fixture
def czi(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    for number in (1, 2):
        write_slide(folder / f"DK39_slide00{number}.czi")
    return folder


@pytest.fixture
def folder(data_root: Path) -> AnimalFolder:
    return AnimalFolder(data_root / "DK39")


def add(czi: Path, name: str = "DK39", factor: int | None = None, **scan_run: object) -> list[str]:
    run = ScanRun(name, str(czi), **scan_run)  # type: ignore[arg-type]
    return add_animal(Animal(name), Histology(name), run, czi, factor)


def records(name: str = "DK39") -> AnimalRecords:
    with open_database(database_url()) as database:
        return database.animal_records(name)


def refused(czi: Path, words: str, folder: AnimalFolder, name: str = "DK39", **others: object) -> None:
    """Adding raises this, and nothing of the animal is left."""
    with pytest.raises(BrainstackError, match=words):
        add(czi, name, **others)
    assert known_animals() == []
    assert not folder.root.exists()
    assert [path.name for path in folder.root.parent.iterdir()] == ["brainstack.db"]


def test_an_animal_is_known_has_its_folder_and_a_link_to_its_slides(czi: Path, folder: AnimalFolder) -> None:
    said = add(czi)
    assert known_animals() == ["DK39"]
    assert folder.czi.is_symlink()
    assert folder.czi.resolve() == czi
    assert said[0] == "DK39: 2 slides; channels 1 DAPI, 2 GFP; 10 um a pixel, thumbnails 10 um a pixel (1/1)."
    assert "luigi --module tasks Animal --animal DK39" in said[1]


def test_the_thumbnail_factor_of_the_animal_is_written_where_it_differs(czi: Path, folder: AnimalFolder) -> None:
    add(czi)
    assert load_settings(folder.settings).tifs.thumbnail_factor == 1
    assert "micrometres" not in folder.settings.read_text()


def test_no_settings_are_written_where_none_differ(czi: Path, folder: AnimalFolder) -> None:
    add(czi, factor=32)
    assert not folder.settings.exists()


@pytest.mark.parametrize(("pixel_um", "factor"), [(0.325, 32), (0.65, 16), (5, 2), (10.4, 1), (20, 1), (0.1, 128)])
def test_thumbnails_are_about_ten_micrometres_a_pixel(pixel_um: float, factor: int) -> None:
    assert factor_for(pixel_um) == factor


def test_a_given_pixel_size_comes_before_the_files(czi: Path, folder: AnimalFolder) -> None:
    assert "0.325 um a pixel" in add(czi, resolution_um=0.325)[0]
    assert records().scan_run.resolution_um == 0.325


def test_slides_that_do_not_say_their_pixel_size_need_one(tmp_path: Path, folder: AnimalFolder) -> None:
    write_slide(tmp_path / "scans" / "slide001.czi", pixel_um=None)
    refused(tmp_path / "scans", "give --pixel-size-um", folder)
    assert add(tmp_path / "scans", resolution_um=0.65)


def test_slides_whose_pixels_are_not_square_need_a_size(tmp_path: Path, folder: AnimalFolder) -> None:
    about = metadata_xml(channels=[ChannelSettings("DAPI")], pixel_size_um=(0.65, 0.325), pixel_type="Gray16")
    (tmp_path / "scans").mkdir()
    write_czi(tmp_path / "scans" / "slide001.czi", [Tile(np.ones((20, 30), np.uint16), 0, 0)], metadata=about)
    refused(tmp_path / "scans", "0.65 um wide and 0.325 um high; .* give --pixel-size-um", folder)
    assert add(tmp_path / "scans", resolution_um=0.65)


def test_who_gave_the_pixel_size_is_kept(czi: Path, folder: AnimalFolder) -> None:
    add(czi)
    assert not records().scan_run.resolution_given
    change_animal("DK39", Change(pixel_size_um=10.0))
    assert records().scan_run.resolution_given
    add(czi, "DK40", resolution_um=0.65)
    assert records("DK40").scan_run.resolution_given


@pytest.mark.parametrize("size", [0.0, -1.0, float("nan"), float("inf")])
def test_a_pixel_size_that_cannot_be_is_refused(czi: Path, folder: AnimalFolder, size: float) -> None:
    refused(czi, "resolution_um", folder, resolution_um=size)


@pytest.mark.parametrize("name", ["", "../DK39", "a/b", ".hidden", "x" * 21])
def test_a_name_that_cannot_be_a_folder_is_refused(czi: Path, folder: AnimalFolder, name: str) -> None:
    refused(czi, "cannot be the name of an animal", folder, name=name)


def test_a_name_that_is_taken_is_refused_and_the_animal_stays(czi: Path, folder: AnimalFolder) -> None:
    add(czi)
    with pytest.raises(BrainstackError, match="DK39 is in the database already"):
        add(czi, resolution_um=3.0)
    assert records().scan_run.resolution_um is None


def test_a_folder_of_the_animal_with_other_slides_is_refused(czi: Path, folder: AnimalFolder) -> None:
    folder.czi.mkdir(parents=True)
    with pytest.raises(BrainstackError, match="DK39/czi is there already"):
        add(czi)
    assert known_animals() == []
    assert not folder.settings.exists()


def test_settings_with_another_factor_are_left_and_named(czi: Path, folder: AnimalFolder) -> None:
    folder.root.mkdir()
    folder.settings.write_text("[tifs]\nthumbnail_factor = 4\n")
    with pytest.raises(BrainstackError, match=r"set \[tifs\] thumbnail_factor = 1 in it"):
        add(czi)
    assert known_animals() == []
    assert not folder.czi.is_symlink()


def test_the_animals_own_pattern_for_names_counts(czi: Path, folder: AnimalFolder) -> None:
    for file in sorted(czi.iterdir()):
        file.rename(file.with_name(file.name.replace("slide", "objekttraeger")))
    folder.root.mkdir()
    folder.settings.write_text(
        "[slides]\nname_pattern = 'objekttraeger(?P<number>[0-9]+)'\n[tifs]\nthumbnail_factor = 1\n"
    )
    assert add(czi)


def test_slides_already_in_the_animals_folder_stay_there(czi: Path, folder: AnimalFolder) -> None:
    shutil.copytree(czi, folder.czi)
    add(folder.root / ".." / "DK39" / "czi")
    assert not folder.czi.is_symlink()
    assert len(list(folder.czi.iterdir())) == 2


# Changes


def taken_in(czi: Path) -> None:
    add(czi)
    with open_database(database_url()) as database:
        scan = SlideScan("DK39_slide001.czi", "Gray16", (10, 10), (Channel(1, "DAPI"),), (Scene(1, 0, 0, 0, 9, 9),))
        database.take_in_slide("DK39", scan, slide_number=1, rescan=1, file_size=1)


@pytest.mark.usefixtures("data_root")
def test_each_change_is_kept(czi: Path) -> None:
    taken_in(czi)
    change_animal("DK39", Change("DESC", 25.0, 1, "flop", 0.5, slide=1, status="Bad", scene=1, qc=2))
    after = records()
    assert after.histology.side_sectioned_first == "DESC"
    assert after.histology.section_thickness_um == 25.0
    assert (after.scan_run.rotation, after.scan_run.flip) == (1, "flop")
    assert after.scan_run.resolution_um == 0.5
    assert after.slides[0].status == "Bad"
    assert after.slides[0].scenes[0].qc == 2
    change_animal("DK39", Change(slide=1, scene=1, replicates=2, order=1, rescan=1))
    assert records().slides[0].scenes[0].replicates == 2
    change_animal("DK39", Change(slide=1, scene=1, dropped=True))
    assert records().slides[0].scenes == ()


def crossed(czi: Path) -> None:
    """An animal with a slide whose second scene lies to the left of the first, and the third below both."""
    add(czi)
    scenes = (Scene(1, 0, 50, 0, 9, 9), Scene(2, 1, 0, 0, 9, 9), Scene(3, 2, 0, 50, 9, 9))
    scan = SlideScan("DK39_slide001.czi", "Gray16", (10, 10), (Channel(1, "DAPI"),), scenes)
    with open_database(database_url()) as database:
        database.take_in_slide("DK39", scan, slide_number=1, rescan=1, file_size=1)


def places() -> list[int | None]:
    return [scene.order for scene in records().slides[0].scenes]


@pytest.mark.usefixtures("data_root")
def test_all_scenes_of_a_slide_are_put_in_order_at_once(czi: Path) -> None:
    crossed(czi)
    change_animal("DK39", Change(slide=1, scene_order="position"))
    assert places() == [2, 1, 3]
    change_animal("DK39", Change(slide=1, scene_order="scan"))
    assert places() == [1, 2, 3]
    change_animal("DK39", Change(slide=1, scene_order="settings"))
    assert places() == [None, None, None]


def test_a_scene_is_moved_from_the_place_that_the_settings_give_it(czi: Path, folder: AnimalFolder) -> None:
    crossed(czi)
    folder.settings.write_text('[slides]\nscene_order = "position"\n')
    change_animal("DK39", Change(slide=1, scene=3, order=1))  # of 2, 1, 3
    assert places() == [3, 2, 1]
    change_animal("DK39", Change(slide=1, scene=3, order=3))
    assert places() == [None, None, None]


@pytest.mark.usefixtures("data_root")
def test_a_slide_read_before_places_were_kept_is_to_be_read_again(czi: Path) -> None:
    crossed(czi)
    engine = sqlite3.connect(database_url().removeprefix("sqlite:///"))
    with engine:
        engine.execute("UPDATE slide_czi_to_tif SET x = NULL, y = NULL")
    engine.close()
    with pytest.raises(BrainstackError, match=r"before the places .* luigi --module tasks Meta --animal DK39"):
        change_animal("DK39", Change(slide=1, scene_order="position"))


@pytest.mark.usefixtures("data_root")
def test_what_is_not_named_stays(czi: Path) -> None:
    add(czi, rotation=3, flip="flip")
    change_animal("DK39", Change(rotation=1))
    assert (records().scan_run.rotation, records().scan_run.flip) == (1, "flip")
    change_animal("DK39", Change(flip="none"))
    assert (records().scan_run.rotation, records().scan_run.flip) == (1, "none")


@pytest.mark.usefixtures("data_root")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change(), "Nothing to change"),
        (Change(status="Bad"), "with --slide"),
        (Change(scene=1, qc=1), "with --slide"),
        (Change(slide=1), "Of the slide nothing was said"),
        (Change(rescan=2), "with --slide"),
        (Change(slide=1, rescan=1), "Of the slide nothing was said"),
        (Change(slide=1, scene=1), "Of the scene nothing was said"),
        (Change(scene_order="scan"), "with --slide"),
        (Change(slide=1, scene=1, order=1, scene_order="scan"), "wanted one of the two"),
        (Change(slide=7, scene_order="position"), "no slide 7"),
        (Change(slide=1, rescan=2, scene_order="position"), r"has the rescans 1 \(DK39_slide001.czi\)"),
        (Change(slide=1, qc=1), "number there with --scene"),
        (Change(slide=1, order=1), "number there with --scene"),
        (Change(slide=1, scene=1, qc=1, dropped=True), "wanted one"),
        (Change(slide=1, scene=1, qc=0, dropped=False), "wanted one"),
        (Change(slide=1, scene=1, replicates=1, dropped=True), "wanted one"),
        (Change(slide=1, scene=1, replicates=-1), "wanted 0 to 20"),
        (Change(slide=1, scene=1, replicates=21), "21 copies of scene 1 of slide 1 were asked for"),
        (Change(slide=1, scene=1, order=2), "which has 1 scenes; wanted 1 to 1"),
        (Change(slide=1, scene=5, order=1), "not scene 5"),
        (Change(slide=1, rescan=2, status="Bad"), r"has the rescans 1 \(DK39_slide001.czi\); say which"),
        (Change(slide=1, status="bad"), "slide_status is 'bad'; wanted one of Good, Bad"),
        (Change(slide=7, status="Bad"), "no slide 7"),
        (Change(slide=1, scene=5, qc=1), "not scene 5"),
        (Change(section_thickness_um=0.0), "above 0"),
        (Change(section_thickness_um=float("inf")), "above 0"),
        (Change(pixel_size_um=float("inf")), "above 0"),
        (Change(pixel_size_um=-1.0), "above 0"),
    ],
)
def test_a_change_that_cannot_be_is_refused(czi: Path, change: Change, words: str) -> None:
    taken_in(czi)
    before = records()
    with pytest.raises(BrainstackError, match=words):
        change_animal("DK39", change)
    assert records() == before


@pytest.mark.usefixtures("data_root")
def test_of_two_changes_one_of_which_cannot_be_none_is_kept(czi: Path) -> None:
    taken_in(czi)
    before = records()
    with pytest.raises(BrainstackError):
        change_animal("DK39", Change(side_sectioned_first="DESC", slide=7, status="Bad"))
    assert records() == before
