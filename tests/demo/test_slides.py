from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from pylibCZIrw import czi as pylibczi

from brainstack.demo import make_animal, stain_of
from brainstack.demo.slide_pictures import Overview, draw_label
from brainstack.demo.truth import Truth, mask_path

SMALL = {"sections": 5, "width_px": 750, "height_px": 500}


@pytest.fixture(scope="module")
def fluorescent(tmp_path_factory) -> Truth:
    return make_animal(tmp_path_factory.mktemp("fluorescent"), **SMALL)


@pytest.fixture(scope="module")
def stained(tmp_path_factory) -> Truth:
    return make_animal(tmp_path_factory.mktemp("stained"), stain="nissl", **SMALL)


def read(path: Path, scene: int, channel: int = 0, zoom: float = 1.0) -> np.ndarray:
    """(rows, columns, 1 or 3), colours blue first."""
    with pylibczi.open_czi(str(path)) as reader:
        box = reader._stats.sceneBoundingBoxes[scene].boundingBoxLayer0
        roi = (box.x, box.y, box.w, box.h)
        return reader.read(roi=roi, plane={"C": channel}, scene=scene, zoom=zoom)


def metadata_of(path: Path) -> ElementTree.Element:
    with pylibczi.open_czi(str(path)) as reader:
        return ElementTree.fromstring(reader.raw_metadata)


def colours_of(truth: Truth, key: str) -> tuple[np.ndarray, np.ndarray]:
    """The section's colours as float, blue first, and its true mask, both as thumbnails."""
    section = truth.section(key)
    picture = read(truth.folder / "czi" / f"{section.slide}.czi", section.scene - 1)
    mask = truth.mask(key)
    return cv2.resize(picture, mask.shape[::-1], interpolation=cv2.INTER_AREA).astype(float), mask


# The Nissl stain ------------------------------------------------------------------------------------------------------


def test_both_stains_show_the_same_sections_laid_in_the_same_way(fluorescent, stained):
    assert stained.sections == fluorescent.sections
    assert (stained.stain, fluorescent.stain) == ("nissl", "fluorescence")
    for section in stained.sections:
        ours, theirs = (mask_path(truth.folder, section).read_bytes() for truth in (stained, fluorescent))
        assert ours == theirs
    np.testing.assert_array_equal(stained.cells_um(), fluorescent.cells_um())


def test_the_folder_says_its_stain(fluorescent, stained, tmp_path):
    assert [stain_of(folder) for folder in (fluorescent.folder, stained.folder, tmp_path)] == [
        *("fluorescence", "nissl", None)
    ]


def test_a_stained_slide_has_one_channel_in_colour(stained):
    assert stained.channel_names == ("Brightfield",)
    with pylibczi.open_czi(str(stained.czi_files[0])) as reader:
        assert reader.pixel_types == {0: "Bgr24"}
        assert len(reader.scenes_bounding_rectangle) == 4
    image = metadata_of(stained.czi_files[0]).find("Metadata/Information/Image")
    assert image.findtext("PixelType") == "Bgr24"
    assert [channel.get("Name") for channel in image.findall("Dimensions/Channels/Channel")] == ["Brightfield"]


def test_glass_is_nearly_white_and_tissue_blue_violet(stained):
    for section in stained.sections:
        picture, mask = colours_of(stained, section.key)
        far = cv2.erode((~mask).astype(np.uint8), np.ones((5, 5))) > 0
        inside = cv2.erode(mask.astype(np.uint8), np.ones((5, 5))) > 0
        blue, green, red = np.median(picture[far], axis=0)
        assert 215 < blue < green < red < 250
        blue, green, red = np.median(picture[inside], axis=0)
        assert blue - 10 > red > green > 60


def test_slides_differ_a_little_in_their_white(stained):
    first, second = (np.median(colours_of(stained, key)[0], axis=(0, 1)) for key in ("slide001_S1", "slide002_S1"))
    assert 0 < np.abs(first - second).max() < 12


def test_labelled_cells_are_dark(stained):
    darker = []
    cells = stained.cells_um()
    for section in stained.sections:
        path = stained.folder / "czi" / f"{section.slide}.czi"
        red = np.ascontiguousarray(read(path, section.scene - 1)[..., 2])
        around = cv2.medianBlur(red, 7).astype(float)
        for cell in cells[cells[:, 2] == section.z_um]:
            x, y, _ = section.to_scene() @ [*(cell[:2] / stained.pixel_size_um), 1]
            darker.append(around[round(y), round(x)] - red[round(y), round(x)])
    assert len(darker) > 30
    assert np.median(darker) > 5


@pytest.mark.parametrize("stain", ["fluorescence", "nissl"])
def test_the_same_arguments_give_the_same_bytes(tmp_path, stain):
    first, again, other = (
        make_animal(tmp_path / name, sections=1, width_px=300, height_px=200, stain=stain, seed=seed)
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    contents = [truth.czi_files[0].read_bytes() for truth in (first, again, other)]
    assert contents[0] == contents[1] != contents[2]


def test_a_stain_that_is_not_known_is_refused(tmp_path):
    with pytest.raises(ValueError, match="one of fluorescence, nissl, found 'golgi'"):
        make_animal(tmp_path, stain="golgi")


# What a scanner adds --------------------------------------------------------------------------------------------------


def test_a_pyramid_holds_the_averages_of_the_scan(tmp_path):
    truth = make_animal(tmp_path, sections=1, width_px=1100, height_px=300)
    whole = read(truth.czi_files[0], 0)[..., 0].astype(float)
    rows, columns = (size // 4 * 4 for size in whole.shape)
    for factor in (2, 4):
        found = read(truth.czi_files[0], 0, zoom=1 / factor)[: rows // factor, : columns // factor, 0]
        blocks = whole[:rows, :columns].reshape(rows // factor, factor, columns // factor, factor)
        # Each level is rounded.
        np.testing.assert_allclose(found, blocks.mean(axis=(1, 3)), atol=1.01)


def test_a_slide_says_how_and_where_it_was_scanned(fluorescent):
    about = metadata_of(fluorescent.czi_files[0])
    image = about.find("Metadata/Information/Image")
    exposures = [float(one.text) / 1e6 for one in image.findall("Dimensions/Channels/Channel/ExposureTime")]
    assert exposures == [12, 150, 300]
    assert about.find("Metadata/Information/Instrument/Objectives/Objective").get("Name")
    with pylibczi.open_czi(str(fluorescent.czi_files[0])) as reader:
        boxes = [reader._stats.sceneBoundingBoxes[scene].boundingBoxLayer0 for scene in range(4)]
        middles_px = np.array([(box.x + box.w / 2, box.y + box.h / 2) for box in boxes])
    scenes = image.findall("Dimensions/S/Scenes/Scene")
    assert [scene.get("Index") for scene in scenes] == ["0", "1", "2", "3"]
    middles_um = np.array([[float(one) for one in scene.findtext("CenterPosition").split(",")] for scene in scenes])
    # The stage and the pixels count in the same direction, from different points.
    np.testing.assert_allclose(np.diff(middles_um, axis=0), 20.0 * np.diff(middles_px, axis=0), atol=0.01)


def test_slides_were_scanned_one_after_another(fluorescent):
    times = [
        metadata_of(path).findtext("Metadata/Information/Image/AcquisitionDateAndTime")
        for path in fluorescent.czi_files
    ]
    assert all(one < other for one, other in pairwise(times))


@pytest.mark.parametrize("which", ["fluorescent", "stained"])
def test_label_and_preview_are_attached(which, request, tmp_path):
    truth = request.getfixturevalue(which)
    content = truth.czi_files[1].read_bytes()
    (directory,) = struct.unpack_from("<q", content, 104)
    (count,) = struct.unpack_from("<i", content, directory + 32)
    names = []
    for number in range(count):
        position, name = struct.unpack_from("<12xq28x80s", content, directory + 288 + 128 * number)
        names.append(name.rstrip(b"\0").decode())
        (size,) = struct.unpack_from("<q", content, position + 32)
        path = tmp_path / f"{names[-1]}.czi"
        path.write_bytes(content[position + 288 :][:size])
    assert names == ["Label", "SlidePreview"]
    with pylibczi.open_czi(str(tmp_path / "Label.czi")) as reader:
        label = reader.read()[..., ::-1]
    np.testing.assert_array_equal(label, draw_label("DEMO_ID_0001_slide002", truth.channel_names))
    with pylibczi.open_czi(str(tmp_path / "SlidePreview.czi")) as reader:
        preview = reader.read()
    assert preview.shape[0] >= 500
    assert preview.shape[1] >= 1000
    assert preview.std() > 5


def test_labels_of_two_slides_differ():
    one, other = (draw_label(f"DEMO_ID_0001_slide00{number}", ["DAPI"]) for number in (1, 2))
    assert one.shape == other.shape == (480, 480, 3)
    assert (one != other).any()


def test_the_preview_shows_a_scene_where_it_lies():
    overview = Overview(pixel_size_um=10.0, stain="nissl")
    red_on_white = np.full((1000, 1500, 3), 240, np.uint8)
    red_on_white[200:800, 300:1200] = (0, 0, 200)  # blue is stored first
    overview.add(red_on_white, -2000, 0)
    page = overview.draw()
    assert page.shape == (500, 1000, 3)
    # The middle of the slide is that of the page; 5 pixels of the scan make one of the preview.
    expected = np.full((500, 1000, 3), 240, np.uint8)
    expected[250 + 40 : 250 + 160, 100 + 60 : 100 + 240] = (200, 0, 0)
    np.testing.assert_array_equal(page, expected)
