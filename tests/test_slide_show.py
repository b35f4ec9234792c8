from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console

from brainstack.demo.czi_writer import (
    ChannelSettings,
    SceneSettings,
    Tile,
    metadata_xml,
    picture_attachment,
    write_czi,
)
from brainstack.errors import BrainstackError
from brainstack.slide_content import checksum_of
from brainstack.slide_show import look_at, show, write_pictures

PREVIEW = np.full((8, 5, 3), (250, 120, 10), np.uint8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two scenes, of which the first lies below the second; two channels; a pyramid; a preview."""
    tiles = [
        Tile(np.full((20, 30), 7, np.uint16), 0, top, scene, channel, compression="zstd1")
        for scene, top in ((0, 100), (1, -40))
        for channel in (0, 1)
    ]
    tiles.append(Tile(np.full((10, 15), 7, np.uint16), 0, 100, 0, 0, compression="raw", zoom=2))
    about = metadata_xml(
        channels=[ChannelSettings("DAPI", 2.5), ChannelSettings("[red]")],
        pixel_size_um=(0.325, 0.65),
        pixel_type="Gray16",
        scenes=[SceneSettings("a", centre_um=(1000.0, 2000.5)), SceneSettings("b")],
        acquired_at="2024-03-05T09:30:00Z",
        objective="Plan-Apochromat 20x/0.8",
    )
    path = tmp_path / "DK39_slide001.czi"
    write_czi(path, tiles, metadata=about, attachments=[picture_attachment("SlidePreview", PREVIEW)])
    return path


def shown(path: Path, *, whole: bool = False) -> str:
    console = Console(file=StringIO(), width=160)
    show(look_at(path, whole=whole), console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def rows(text: str) -> list[list[str]]:
    """The cells of each row, and each line of two columns."""
    lines = ([cell.strip() for cell in re.split(r"│|  +", line) if cell.strip()] for line in text.splitlines())
    return [line for line in lines if line]


def test_a_slide_is_shown_with_all_that_it_says(path: Path) -> None:
    text = shown(path)
    assert ["pixels", "Gray16, 0.325 x 0.65 um, which are not square"] in rows(text)
    assert ["taken at", "2024-03-05T09:30:00Z"] in rows(text)
    assert ["objective", "Plan-Apochromat 20x/0.8"] in rows(text)
    assert ["focal planes", "1"] in rows(text)
    assert ["scenes", "2"] in rows(text)
    assert ["compression", "raw (1 tile), zstd1 (4 tiles)"] in rows(text)
    assert ["attachments", "SlidePreview"] in rows(text)


def test_each_scene_is_shown_with_its_places_and_its_tiles(path: Path) -> None:
    text = shown(path)
    assert ["1", "30 x 20", "0, 100", "1000.0, 2000.5", "2", "1"] in rows(text)
    assert ["2", "30 x 20", "0, -40", "not said", "2", "0"] in rows(text)


def test_each_channel_is_shown_with_its_exposure_and_its_name_as_it_is(path: Path) -> None:
    text = shown(path)
    assert ["1", "DAPI", "2.5"] in rows(text)
    assert ["2", "[red]", "not said"] in rows(text)


def test_scenes_in_another_order_than_they_lie_in_are_said(path: Path) -> None:
    assert "scanned in the order 1, 2, but lie, row by row from the left, in the order 2, 1" in shown(path)


def test_the_checksum_of_all_bytes_is_shown_when_asked_for(path: Path) -> None:
    assert checksum_of(path) not in shown(path)
    assert ["checksum", f"{checksum_of(path)} (BLAKE2b, 128 bits)"] in rows(shown(path, whole=True))


def test_label_and_preview_are_written_where_the_slide_has_them(path: Path, tmp_path: Path) -> None:
    (written,) = write_pictures(path, tmp_path / "new" / "folder")
    assert written == tmp_path / "new" / "folder" / "DK39_slide001_preview.png"
    np.testing.assert_array_equal(cv2.imread(str(written))[..., ::-1], PREVIEW)


def test_what_is_no_czi_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.czi").write_text("my slides")
    with pytest.raises(BrainstackError, match=r"notes\.czi is not a CZI file"):
        look_at(tmp_path / "notes.czi")
    with pytest.raises(BrainstackError, match=r"none\.czi is not there"):
        look_at(tmp_path / "none.czi")
