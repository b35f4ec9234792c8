"""`brainstack view`, `state` and `screenshot`, and what they keep."""

from __future__ import annotations

import json
import re
import signal
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from by_hand import write_slide
from calling import Call, caller
from lab import Lab
from volumes import write_volume

from brainstack import browser
from brainstack.database import open_database
from brainstack.environment import database_url
from brainstack.records import Channel, Scene, SlideScan
from brainstack.screenshot import Layout, changed
from brainstack.showing import AnimalsOnDisk


@pytest.fixture
def call(data_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """The command `brainstack`, with an animal of two sections that has no volume yet."""
    monkeypatch.delenv("BRAINSTACK_PUBLIC_URL", raising=False)
    write_slide(tmp_path / "scans" / "DK39_slide001.czi")
    call = caller(monkeypatch, capsys)
    call("animal", "add", "DK39", "--czi", tmp_path / "scans")
    scenes = (Scene(1, 0, 0, 0, 64, 48), Scene(2, 1, 100, 0, 64, 48))
    with open_database(database_url()) as database:
        scan = SlideScan("DK39_slide001.czi", "Gray16", (10.0, 10.0), (Channel(1, "DAPI"),), scenes)
        database.take_in_slide("DK39", scan, slide_number=1, rescan=1, file_size=1)
    return call


@pytest.fixture
def shown(call: Call, data_root: Path) -> Call:
    """The same, with a volume."""
    folder = data_root / "DK39" / "neuroglancer_data" / "C1T"
    sections = np.full((2, 48, 64), 30000, np.uint16)
    write_volume(folder, sections, voxel_size_um=(10.0, 10.0, 20.0), chunk_size=(32, 32, 2))
    return call


def kept(number: int) -> dict[str, object]:
    with open_database(database_url()) as database:
        found: dict[str, object] = json.loads(database.state_of("DK39", number))
    return found


def test_the_state_is_kept_with_the_addresses_that_others_know(
    shown: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BRAINSTACK_PUBLIC_URL", "https://brains.example.org/")
    said = shown("state", "DK39", "--to", tmp_path / "state.json")
    assert said.returncode == 0, said.stderr
    assert "State 1 of the database shows C1 DAPI." in said.stdout
    assert "https://brains.example.org/DK39" in said.stdout.splitlines()
    (layer,) = kept(1)["layers"]
    assert layer["source"] == "precomputed://https://brains.example.org/data/DK39/neuroglancer_data/C1T"
    assert json.loads((tmp_path / "state.json").read_text()) == kept(1)


def test_without_an_address_for_others_it_is_this_computer_s(shown: Call) -> None:
    said = shown("state", "DK39").stdout
    assert "http://127.0.0.1:8090/DK39" in said
    assert "[viewer] public_url" in said
    assert "State 1 of" in shown("state", "DK39").stdout, "it is the same row"


def test_without_a_volume_each_command_says_how_to_make_one(call: Call, tmp_path: Path) -> None:
    for words in (("view", "DK39"), ("state", "DK39"), ("screenshot", "DK39", tmp_path / "x.png")):
        said = call(*words)
        assert said.returncode == 1
        assert "DK39 has no volume yet; make it with" in said.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("x.jpg",), "x.jpg has to end in .png"),
        (("x.png", "--size", "big"), "size was given as 'big'; wanted width and height"),
        (("x.png", "--size", "10x10"), "200 to 8192 pixels each"),
        (("x.png", "--section", "2"), "There is no section 2; the stack has 0 to 1"),
    ],
)
def test_a_picture_that_cannot_be_taken_is_a_sentence(shown: Call, words: tuple[str, ...], sentence: str) -> None:
    said = shown("screenshot", "DK39", *words)
    assert said.returncode == 1
    assert sentence in said.stderr


def test_without_chromium_it_says_what_to_install(shown: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "PROGRAMS", ("no such browser",))
    said = shown("screenshot", "DK39", "x.png")
    assert said.returncode == 1
    assert "chromium is not installed; on Debian: sudo apt-get install chromium" in said.stderr
    assert not Path("x.png").exists()


def test_another_layout_and_section_change_nothing_else() -> None:
    state = {"layout": "4panel", "position": [3.5, 4.5, 5.5], "title": "DK39"}
    assert changed(state, Layout.XY, 12) == {"layout": "xy", "position": [3.5, 4.5, 12.5], "title": "DK39"}
    assert changed(state, Layout.FOUR_PANELS, None) == state


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_a_picture_is_taken_as_large_as_it_was_asked_for(shown: Call, tmp_path: Path) -> None:
    import imagecodecs

    if browser.missing_programs():
        pytest.skip("no browser: apt-get install chromium chromium-driver")
    said = shown("screenshot", "DK39", tmp_path / "x.png", "--size", "400x300", "--layout", "xy")
    assert said.returncode == 0, said.stderr
    picture = imagecodecs.png_decode((tmp_path / "x.png").read_bytes())
    assert picture.shape[:2] == (300, 400)
    assert picture[180, 190].min() > 100, "the volume is grey"


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_a_layer_that_is_damaged_is_named(shown: Call, data_root: Path, tmp_path: Path) -> None:
    if browser.missing_programs():
        pytest.skip("no browser: apt-get install chromium chromium-driver")
    info = {"@type": "neuroglancer_multiscale_volume", "type": "segmentation", "scales": "none"}
    (data_root / "DK39" / "neuroglancer_data" / "nuclei").mkdir()
    (data_root / "DK39" / "neuroglancer_data" / "nuclei" / "info").write_text(json.dumps(info))
    said = shown("screenshot", "DK39", tmp_path / "x.png")
    assert said.returncode == 1
    assert "The viewer cannot load a layer: nuclei: " in said.stderr
    assert not (tmp_path / "x.png").exists()


def test_animals_on_the_disk_are_found_by_name(shown: Call, data_root: Path) -> None:
    (data_root / "DK40").mkdir()
    animals = AnimalsOnDisk(data_root)
    assert list(animals) == ["DK39"]
    assert len(animals) == 1
    assert animals["DK39"].folder == data_root / "DK39" / "neuroglancer_data"
    assert animals["DK39"].state()["title"] == "DK39"
    for name in ("DK40", "DK41", "", ".", "..", "../data/DK39", "/etc", "x\0y"):
        assert name not in animals, name


def test_view_serves_an_animal_and_keeps_its_state(shown: Call, data_root: Path) -> None:
    process = Lab(data_root).start("brainstack", "view", "DK39", "--port", "0")
    try:
        assert process.stdout
        link = re.search(r"http://\S+/", process.stdout.readline())
        assert link
        with urllib.request.urlopen(f"{link[0]}DK39/state.json") as answer:
            assert json.load(answer)["title"] == "DK39"
        with urllib.request.urlopen(link[0]) as page:
            assert b"<title>neuroglancer</title>" in page.read()
    finally:
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=20)
    assert (process.returncode, error) == (0, "")
    assert f"{link[0]}data/DK39/neuroglancer_data/C1T" in str(kept(1)["layers"])
