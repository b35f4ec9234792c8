"""Meta: a slide that can be used is read, one that cannot is refused with what to do."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from by_hand import write_slide
from lab import Lab

from brainstack.adding import add_animal
from brainstack.animal_folder import AnimalFolder
from brainstack.database import open_database
from brainstack.demo.czi_writer import ChannelSettings, Tile, metadata_xml, picture_attachment, write_czi
from brainstack.environment import database_url
from brainstack.plan import Plan
from brainstack.planning import make_plan, progress_of, take_in
from brainstack.records import Animal, Histology, ScanRun, Slide
from brainstack.stages import STAGES
from brainstack.stamps import Step
from tasks import current
from tasks.meta import Meta

GLASS = np.full((8, 5, 3), (250, 120, 10), np.uint8)


def write_scan(path: Path, *pictures: str) -> Path:
    """A slide of one scene, with the scanner's photographs of these names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    about = metadata_xml(channels=[ChannelSettings("DAPI", 2.5)], pixel_size_um=(10.0, 10.0), pixel_type="Gray16")
    tile = Tile(np.ones((20, 30), np.uint16), -7, 4)
    write_czi(path, [tile], metadata=about, attachments=[picture_attachment(name, GLASS) for name in pictures])
    return path


@pytest.fixture
def czi(tmp_path: Path) -> Path:
    return write_scan(tmp_path / "scans" / "DK39_slide001.czi", "Label", "SlidePreview")


@pytest.fixture
def folder(data_root: Path, czi: Path) -> AnimalFolder:
    add_animal(Animal("DK39"), Histology("DK39"), ScanRun("DK39", str(czi.parent)), czi.parent)
    return AnimalFolder(data_root / "DK39")


STEP = Step("Meta", 0, "DK39_slide001")


def run_meta() -> Plan:
    """Meta of the slide, as a run makes it where it is not done, and what it recorded taken in."""
    current.set_plan("DK39", make_plan("DK39"))
    task = Meta(animal="DK39", slide="DK39_slide001")
    if not task.complete():
        task.run()
    return take_in("DK39")[0]


def is_done(plan: Plan) -> bool:
    return progress_of(plan).is_done(STEP)


def slide_in_database() -> Slide:
    with open_database(database_url()) as database:
        (slide,) = database.animal_records("DK39").slides
    return slide


def test_a_slide_is_known_with_its_pictures_and_done(folder: AnimalFolder) -> None:
    plan = run_meta()
    assert is_done(plan)
    slide = slide_in_database()
    assert slide.pictures == ("label", "preview")
    assert (slide.pixel_type, slide.channels[0].exposure_ms) == ("Gray16", 2.5)
    assert (slide.scenes[0].x, slide.scenes[0].y) == (-7, 4)
    outputs = STAGES["Meta"].outputs(plan, STEP)
    assert outputs[1:] == [folder.slide_label("DK39_slide001"), folder.slide_preview("DK39_slide001")]
    assert all(path.exists() for path in outputs)


def test_a_picture_that_is_gone_is_made_again(folder: AnimalFolder) -> None:
    folder_picture = folder.slide_preview("DK39_slide001")
    run_meta()
    folder_picture.unlink()
    assert not is_done(make_plan("DK39"))
    assert is_done(run_meta())
    assert folder_picture.exists()


def test_a_scan_without_pictures_takes_the_place_of_one_with_them(folder: AnimalFolder, czi: Path) -> None:
    run_meta()
    write_scan(czi)
    plan = run_meta()
    assert is_done(plan)
    assert not folder.slide_label("DK39_slide001").exists()
    assert not folder.slide_preview("DK39_slide001").exists()
    assert slide_in_database().pictures == ()


def test_another_kind_of_checksum_is_computed_and_nothing_behind_it_is_made_again(folder: AnimalFolder) -> None:
    first = progress_of(run_meta())
    folder.settings.write_text('[slides]\nchecksum = "whole"\n[tifs]\nthumbnail_factor = 1\n')
    assert not is_done(make_plan("DK39"))
    second = progress_of(run_meta())
    kept = json.loads(folder.meta("DK39_slide001").read_text())
    assert kept["checksum_kind"] == "whole"
    tifs = Step("Tifs", 1, "DK39_slide001")
    assert second.plan.ingredients(tifs, second.stamps) == first.plan.ingredients(tifs, first.stamps)


def test_a_slide_read_by_an_earlier_brainstack_is_read_again_and_nothing_behind_it(
    folder: AnimalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its stamp speaks of version 1, and the database does not know where its scenes lie."""
    with monkeypatch.context() as earlier:
        earlier.setitem(STAGES, "Meta", replace(STAGES["Meta"], version=1, settings=()))
        first = progress_of(run_meta())
    with sqlite3.connect(database_url().removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE slide_czi_to_tif SET x = NULL, y = NULL")
    connection.close()
    assert not is_done(make_plan("DK39"))
    second = progress_of(run_meta())
    assert (slide_in_database().scenes[0].x, slide_in_database().scenes[0].y) == (-7, 4)
    tifs = Step("Tifs", 1, "DK39_slide001")
    assert second.plan.ingredients(tifs, second.stamps) == first.plan.ingredients(tifs, first.stamps)


def test_a_slide_without_a_pixel_size_is_refused_until_a_person_gives_it(new_lab: Lab) -> None:
    """From the command line: refused with the command that mends it, which then does."""
    write_slide(new_lab.folder.czi / "DEMO_ID_0001_slide003.czi", pixel_um=None, channels=3)
    refused = new_lab.luigi("Meta")
    assert refused.returncode != 0
    said = " ".join((refused.stderr + refused.stdout).split())
    sentence = (
        "DEMO_ID_0001_slide003.czi does not say how large its pixels are; "
        "give it with `brainstack animal set DEMO --pixel-size-um UM`."
    )
    assert sentence in said
    assert "Traceback" not in said
    with open_database(new_lab.url) as database:
        records = database.animal_records("DEMO")
    assert len(records.slides) == 2
    size_um = str(records.scan_run.resolution_um)
    assert new_lab.brainstack("animal", "set", "DEMO", "--pixel-size-um", size_um).returncode == 0
    again = new_lab.luigi("Meta")
    assert again.returncode == 0, again.stderr
    with open_database(new_lab.url) as database:
        assert len(database.animal_records("DEMO").slides) == 3
