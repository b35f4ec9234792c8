from __future__ import annotations

import base64
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from brainstack.files.miniatures import jpeg_uri, read_picture
from brainstack.images.miniatures import added_up, fitted, outlines
from brainstack.report.pictures import PictureBox, Wanted


def decoded(uri: str) -> np.ndarray:
    kind, _, content = uri.partition(",")
    assert kind == "data:image/jpeg;base64"
    return cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """A PNG whose left half is black, and whose right half white."""
    path = tmp_path / "scene.png"
    picture = np.zeros((200, 400), np.uint8)
    picture[:, 200:] = 255
    cv2.imwrite(str(path), picture)
    return path


def box_in(folder: Path) -> PictureBox:
    return PictureBox(folder, folder / "kept.json")


def test_a_picture_is_as_small_as_wanted_and_has_the_same_shape(tmp_path: Path, scene: Path) -> None:
    (picture,) = box_in(tmp_path).make([Wanted(scene, 100)])
    assert (picture.width, picture.height) == (100, 50)
    small = decoded(picture.uri)
    assert small[:, :45].max() < 10
    assert small[:, 55:].min() > 245


def test_a_picture_is_never_made_larger() -> None:
    assert fitted(np.zeros((30, 20), np.uint8), 100).shape == (30, 20)


def test_sixteen_bit_are_spread_to_eight() -> None:
    image = np.full((100, 100), 500, np.uint16)
    image[:, 50:] = 1000
    assert np.unique(fitted(image, 100)).tolist() == [128, 255]


def test_colours_stay_what_they_are(tmp_path: Path) -> None:
    red = np.zeros((40, 40, 3), np.uint8)
    red[..., 0] = 200
    path = tmp_path / "red.tif"
    tifffile.imwrite(path, red, photometric="rgb")
    assert read_picture(path)[0, 0].tolist() == [200, 0, 0]
    blue_green_red = decoded(jpeg_uri(red))[20, 20]
    assert blue_green_red[2] > 190
    assert max(blue_green_red[:2]) < 10


def test_an_outline_runs_around_the_mask_and_its_holes(tmp_path: Path) -> None:
    """A square from 100 to 300 with a hole from 150 to 200, on a miniature of a quarter of the size."""
    mask = np.zeros((400, 400), np.uint8)
    mask[100:300, 100:300] = 255
    mask[150:200, 150:200] = 0
    lines = sorted(outlines(mask, (100, 100)), key=lambda one: np.ptp(one))
    assert len(lines) == 2
    for line, (low, high) in zip(lines, ((37.5, 50), (25, 75)), strict=True):
        assert np.allclose([line.min(), line.max()], [low, high], atol=1)


def test_an_empty_mask_has_no_outline() -> None:
    assert outlines(np.zeros((40, 40), np.uint8), (10, 10)) == []


def test_what_has_no_file_or_a_damaged_one_is_a_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"")
    torn = tmp_path / "torn.tif"
    torn.write_bytes(b"II*\0")
    none, lost, first, second = box_in(tmp_path).make([
        Wanted(None, 100, missing="Not made yet."),
        Wanted(tmp_path / "gone.png", 100, missing="It is gone."),
        Wanted(broken, 100),
        Wanted(torn, 100),
    ])  # fmt: skip
    assert [one.uri for one in (none, lost, first, second)] == [""] * 4
    assert (none.missing, lost.missing) == ("Not made yet.", "It is gone.")
    assert "broken.png is no picture, or damaged" in first.missing
    assert "torn.tif" in second.missing


def test_a_picture_is_made_once_and_again_when_its_file_is_another(tmp_path: Path, scene: Path) -> None:
    box = box_in(tmp_path)
    first = box.make([Wanted(scene, 100)])
    box.keep()
    kept = (tmp_path / "kept.json").read_text()

    again = box_in(tmp_path)
    assert again.make([Wanted(scene, 100)]) == first
    again.keep()
    assert (tmp_path / "kept.json").read_text() == kept

    cv2.imwrite(str(scene), np.zeros((100, 100), np.uint8))
    (other,) = box_in(tmp_path).make([Wanted(scene, 100)])
    assert (other.width, other.height) == (100, 100)


def test_what_was_kept_by_another_version_or_torn_is_not_used(tmp_path: Path, scene: Path) -> None:
    for content in ("", "{", '{"format": 1, "pictures": {}}', "[]"):
        (tmp_path / "kept.json").write_text(content)
        (picture,) = box_in(tmp_path).make([Wanted(scene, 100)])
        assert picture.width == 100


def test_channels_are_added_in_their_colours() -> None:
    dim, bright = np.full((2, 2), 100, np.uint16), np.full((2, 2), 1000, np.uint16)
    added = added_up([bright, dim], [(0, 1000), (0, 200)], ["#ff0000", "#00ff00"])
    assert added[0, 0].tolist() == [255, 128, 0]
    assert added_up([bright, bright], [(0, 1000), (0, 1000)], ["#ff0000", "#ff0000"])[0, 0].tolist() == [255, 0, 0]
