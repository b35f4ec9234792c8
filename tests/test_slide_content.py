from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from by_hand import plan_of, settings_with, slide, write_slide

from brainstack import slide_content
from brainstack.animal_folder import AnimalFolder
from brainstack.demo.czi_writer import ChannelSettings, Tile, metadata_xml, picture_attachment, write_czi
from brainstack.errors import BrainstackError
from brainstack.files.czi import content_signature, read_slide
from brainstack.records import ScanRun, SlideScan
from brainstack.settings import load_settings
from brainstack.slide_content import (
    check_pixel_size,
    check_pixels,
    checksum_of,
    keep_content,
    read_content,
    read_pictures,
)

GIVEN, UNSAID = ScanRun("DK39", "czi", 10.0, resolution_given=True), ScanRun("DK39", "czi", 10.0)
LABEL = np.arange(6 * 9 * 3, dtype=np.uint8).reshape(6, 9, 3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_slide(tmp_path / "DK39_slide007_rescan.czi")
    return tmp_path / "DK39_slide007_rescan.czi"


def write_labelled(path: Path, *pictures: str) -> Path:
    """A CZI with the scanner's photographs of these names."""
    about = metadata_xml(channels=[ChannelSettings("DAPI")], pixel_size_um=(10.0, 10.0), pixel_type="Gray16")
    tile = Tile(np.ones((20, 30), np.uint16), 0, 0)
    write_czi(path, [tile], metadata=about, attachments=[picture_attachment(name, LABEL) for name in pictures])
    return path


def scan_of(pixel_size_um: tuple[float, float] | None) -> SlideScan:
    return SlideScan("DK39_slide007.czi", "Gray16", pixel_size_um, (), ())


# What is read


def test_a_slide_says_its_number_its_rescan_and_its_size(path: Path) -> None:
    content, signature = read_content(path, load_settings(), UNSAID)
    assert (content["slide_number"], content["rescan"]) == (7, 2)
    assert content["file_size"] == path.stat().st_size
    assert content["scan"]["pixel_size_um"] == (10.0, 10.0)
    assert signature == content_signature(path)


def test_the_quick_checksum_is_the_signature(path: Path) -> None:
    content, signature = read_content(path, load_settings(), UNSAID)
    assert (content["checksum_kind"], content["checksum"]) == ("quick", signature)


def test_the_whole_checksum_is_of_each_byte_and_changes_no_signature(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slide_content, "READ_BYTES", 1000)  # several blocks, and a rest
    wanted = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    content, signature = read_content(path, settings_with(slides={"checksum": "whole"}), UNSAID)
    assert (content["checksum_kind"], content["checksum"]) == ("whole", wanted)
    assert signature == content_signature(path) != wanted


def test_one_other_byte_is_another_checksum(path: Path) -> None:
    before = checksum_of(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert checksum_of(path) != before


# Label and preview


def test_label_and_preview_are_kept_as_png(tmp_path: Path) -> None:
    folder = AnimalFolder(tmp_path / "DK39")
    czi = write_labelled(tmp_path / "DK39_slide001.czi", "Label", "SlidePreview", "Thumbnail")
    keep_content(folder, "DK39_slide001", {"scan": {}}, read_pictures(czi))
    for picture in (folder.slide_label("DK39_slide001"), folder.slide_preview("DK39_slide001")):
        assert picture.parent == folder.root / "www" / "slide"
        np.testing.assert_array_equal(cv2.imread(str(picture))[..., ::-1], LABEL)
    assert json.loads(folder.meta("DK39_slide001").read_text())["pictures"] == ["label", "preview"]


def test_a_slide_without_them_has_none_and_that_is_no_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert read_pictures(write_labelled(tmp_path / "a.czi")) == {}
    assert list(read_pictures(write_labelled(tmp_path / "b.czi", "SlidePreview"))) == ["preview"]
    assert caplog.records == []


def test_a_picture_of_a_scan_that_was_replaced_is_removed(tmp_path: Path) -> None:
    folder = AnimalFolder(tmp_path / "DK39")
    keep_content(folder, "s", {}, {"label": LABEL, "preview": LABEL})
    keep_content(folder, "s", {}, {"preview": LABEL})
    assert not folder.slide_label("s").exists()
    assert folder.slide_preview("s").exists()


def test_a_damaged_label_is_said_and_keeps_no_section_from_being_used(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def damaged(_: Path) -> Any:
        raise BrainstackError("x.czi is damaged: its attachment 'Label' is cut off.")

    monkeypatch.setattr(slide_content, "read_slide_pictures", damaged)
    with caplog.at_level(logging.WARNING):
        assert read_pictures(path) == {}
    assert "DK39_slide007_rescan.czi cannot be shown, its sections can be used: x.czi is damaged" in caplog.text
    assert read_content(path, load_settings(), UNSAID)


# The size of pixels


def test_a_slide_that_does_not_say_its_pixel_size_is_refused_until_a_person_does() -> None:
    words = r"does not say how large its pixels are; give it with `brainstack animal set DK39 --pixel-size-um UM`"
    with pytest.raises(BrainstackError, match=words):
        check_pixels(scan_of(None), UNSAID)
    check_pixels(scan_of(None), GIVEN)


def test_pixels_that_are_not_square_are_refused_until_a_person_says_that_they_are() -> None:
    words = (
        r"pixels are 0.65 um wide and 0.325 um high; wanted square ones; scan it again.*animal set DK39 --pixel-size-um"
    )
    with pytest.raises(BrainstackError, match=words):
        check_pixels(scan_of((0.65, 0.325)), UNSAID)
    check_pixels(scan_of((0.65, 0.325)), GIVEN)
    check_pixels(scan_of((0.325, 0.3251)), UNSAID)


def test_a_slide_of_another_scale_than_the_animal_is_refused(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1)])  # of 10 um, as the first CZI said
    check_pixel_size(scan_of((10.0, 10.0)), plan)
    check_pixel_size(scan_of((10.05, 10.05)), plan)
    with pytest.raises(BrainstackError, match="has pixels of 20 um, but the animal's scan has 10 um"):
        check_pixel_size(scan_of((20.0, 20.0)), plan)
    with pytest.raises(BrainstackError, match="does not say how large"):
        check_pixel_size(scan_of(None), plan)


def test_where_a_person_gave_the_size_one_side_must_have_it(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1)], resolution_given=True)
    check_pixel_size(scan_of(None), plan)
    check_pixel_size(scan_of((10.0, 20.0)), plan)
    for other in ((30.0, 20.0), (20.0, 20.0)):
        with pytest.raises(BrainstackError, match="but the animal's scan has 10 um"):
            check_pixel_size(scan_of(other), plan)


def test_what_is_read_of_a_slide_is_checked(tmp_path: Path) -> None:
    write_slide(tmp_path / "slide001.czi", pixel_um=None)
    with pytest.raises(BrainstackError, match="does not say how large its pixels are"):
        read_content(tmp_path / "slide001.czi", load_settings(), UNSAID)
    assert read_content(tmp_path / "slide001.czi", load_settings(), GIVEN)
    assert read_slide(tmp_path / "slide001.czi").pixel_size_um is None
