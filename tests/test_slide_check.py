from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from brainstack.animal_folder import AnimalFolder
from brainstack.demo.czi_writer import ChannelSettings, Tile, metadata_xml, write_czi
from brainstack.errors import BrainstackError
from brainstack.files.czi import read_slide, read_strips
from brainstack.files.tiff import write_tiff
from brainstack.settings import load_settings
from brainstack.slide_check import check_tifs, pixel_checksum, slides_to_check

NAMES = ("slide001_S1_C1.tif", "slide001_S1_C2.tif", "slide001_S2_C1.tif", "slide001_S2_C2.tif")


@pytest.fixture
def animal(tmp_path: Path) -> Any:
    """A slide of two scenes and two channels, and its TIFFs."""
    folder = AnimalFolder(tmp_path / "DK39")
    folder.czi.mkdir(parents=True)
    random = np.random.default_rng(0)
    tiles = [
        Tile(random.integers(1, 2**16, (700, 40), np.uint16), 100 * scene, 0, scene, channel)
        for scene in range(2)
        for channel in range(2)
    ]
    about = metadata_xml(channels=[ChannelSettings("A"), ChannelSettings("B")], pixel_size_um=None, pixel_type="Gray16")
    write_czi(folder.czi / "slide001.czi", tiles, metadata=about)
    for name, tile in zip(NAMES, tiles, strict=True):
        write_tiff(folder.tif(name), tile.pixels, 1.0)
    return SimpleNamespace(folder=folder, settings=load_settings())


def test_tiffs_with_the_pixels_of_their_scan_are_right(animal):
    checked = list(check_tifs(animal, ["slide001"]))
    assert [one.file_name for one in checked] == list(NAMES)
    assert [one.error for one in checked] == ["", "", "", ""]
    assert len({one.checksum for one in checked}) == 4


def test_one_other_pixel_is_found(animal):
    scene = read_slide(animal.folder.czi / "slide001.czi").scenes[1]
    image = np.concatenate(list(read_strips(animal.folder.czi / "slide001.czi", scene, 1, 100)))
    image[650, 39] ^= 1
    write_tiff(animal.folder.tif(NAMES[2]), image, 1.0)
    errors = {one.file_name: one.error for one in check_tifs(animal, ["slide001"]) if one.error}
    assert list(errors) == [NAMES[2]]
    assert "has other pixels" in errors[NAMES[2]]
    assert "than scene 2 of slide001.czi" in errors[NAMES[2]]


def test_what_is_missing_or_damaged_is_told_and_the_rest_is_checked(animal):
    animal.folder.tif(NAMES[0]).unlink()
    animal.folder.tif(NAMES[3]).write_bytes(b"II*\0")
    errors = [one.error for one in check_tifs(animal, ["slide001", "slide002"])]
    assert errors[0].endswith("is not there; luigi --module tasks Tifs --animal DK39 makes it.")
    assert errors[1:3] == ["", ""]
    assert "is no whole TIFF" in errors[3]
    assert "slide002.czi is not there" in errors[4]


@pytest.mark.parametrize("shape", [(30, 20), (30, 20, 3)])
def test_a_checksum_does_not_depend_on_the_strips_but_on_type_and_width(shape):
    image = np.random.default_rng(1).integers(0, 255, shape, np.uint8)
    whole = pixel_checksum([image])
    assert pixel_checksum([image[:7], image[7:8], image[8:]]) == whole
    assert pixel_checksum([image.astype(np.uint16)]) != whole
    assert pixel_checksum([image.reshape(20, 30, *shape[2:])]) != whole


def test_slides_are_named_by_their_files():
    plan: Any = SimpleNamespace(
        folder=AnimalFolder(Path("DK39")), slides_in_use={"slide001": None, "slide002": None}, slides={}, czi_files=()
    )
    assert slides_to_check(plan, []) == ("slide001", "slide002")
    assert slides_to_check(plan, ["slide002.czi"]) == ("slide002",)
    unread = SimpleNamespace(**vars(plan) | {"czi_files": (SimpleNamespace(slide="slide004"),)})
    assert slides_to_check(unread, []) == ("slide001", "slide002", "slide004")
    with pytest.raises(BrainstackError, match=r"DK39 has no TIFFs of a slide 'slide003'; wanted one of slide001, "):
        slides_to_check(plan, ["slide003"])
