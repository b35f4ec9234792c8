"""OME-TIFF, against the schema, and read back by two readers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import ome_types
import pytest
import tifffile
from planes import levels_of, renders, section

from brainstack.errors import BrainstackError
from brainstack.files.ome_tiff import OmeTiffLayout, write_section, write_stack
from brainstack.files.ome_xml import OmeChannel, ome_xml, signed_rgba
from brainstack.files.tiff import Compression

SHAPE = (150, 101)
GREY = OmeTiffLayout(
    shape=SHAPE, levels=4, dtype="uint16", background=(0,),
    channels=(OmeChannel("GFP <1>", "#00ff00"), OmeChannel("Cy5\n", "#6699ff")), pixel_size_um=0.325, section_um=20,
    tile_px=16, block_px=64,
)  # fmt: skip
GLASS = (240, 235, 233)
COLOUR = replace(GREY, dtype="uint8", background=GLASS, channels=(OmeChannel("thionin"),))


def written(path: Path, layout: OmeTiffLayout, planes: list[np.ndarray]) -> Path:
    write_section(path, layout, (renders(one, layout.background) for one in planes), "DK39 slide001_S1")
    return path


def grey_section(number: int) -> list[np.ndarray]:
    return [section(10 * number + channel, SHAPE) for channel in range(2)]


@pytest.mark.parametrize("compression", get_args(Compression))
def test_a_section_is_read_back_with_its_levels(tmp_path: Path, compression: Compression) -> None:
    planes = grey_section(1)
    path = written(tmp_path / "one.ome.tif", replace(GREY, compression=compression), planes)
    with tifffile.TiffFile(path) as file:
        (series,) = file.series
        assert series.keyframe.is_tiled
        assert len(series.levels) == 4
        for level, found in enumerate(series.levels):
            wanted = [levels_of(plane, level + 1)[-1] for plane in planes]
            np.testing.assert_array_equal(found.asarray(), wanted)


def test_another_reader_finds_the_same(tmp_path: Path) -> None:
    """OpenCV reads by libtiff, and pages but not what is below them."""
    planes = grey_section(1)
    path = written(tmp_path / "one.ome.tif", GREY, planes)
    read, found = cv2.imreadmulti(str(path), flags=cv2.IMREAD_UNCHANGED)
    assert read
    np.testing.assert_array_equal(found, planes)


def test_a_section_in_colour_is_read_back(tmp_path: Path) -> None:
    plane = section(3, SHAPE, GLASS, "uint8")
    path = written(tmp_path / "one.ome.tif", COLOUR, [plane])
    with tifffile.TiffFile(path) as file:
        for level, found in enumerate(file.series[0].levels):
            np.testing.assert_array_equal(found.asarray(), levels_of(plane, level + 1)[-1])
    np.testing.assert_array_equal(cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), cv2.COLOR_BGR2RGB), plane)


@pytest.mark.parametrize("layout", [GREY, COLOUR], ids=["grey", "colour"])
def test_a_stack_has_all_sections_and_background_where_none_is(tmp_path: Path, layout: OmeTiffLayout) -> None:
    sections = [
        [
            section(10 * number + channel, SHAPE, layout.background, layout.dtype)
            for channel in range(len(layout.channels))
        ]
        for number in range(2)
    ]
    files = [written(tmp_path / f"{number}.ome.tif", layout, one) for number, one in enumerate(sections)]
    gap = np.empty_like(sections[0][0])
    gap[...] = layout.background if layout.samples > 1 else 0
    path = tmp_path / "stack.ome.tif"

    write_stack(path, layout, [files[0], None, files[1]], "DK39")

    planes = np.array([sections[0], [gap] * len(layout.channels), sections[1]])
    with tifffile.TiffFile(path) as file:
        for level, found in enumerate(file.series[0].levels):
            wanted = [[levels_of(plane, level + 1)[-1] for plane in one] for one in planes]
            np.testing.assert_array_equal(found.asarray(), np.squeeze(wanted))
    _, pages = cv2.imreadmulti(str(path), flags=cv2.IMREAD_UNCHANGED)
    shown = planes[..., ::-1] if layout.samples > 1 else planes  # OpenCV has blue first
    np.testing.assert_array_equal(pages, shown.reshape(-1, *planes.shape[2:]))


def test_units_and_names_are_in_it_as_the_schema_wants_them(tmp_path: Path) -> None:
    files = [written(tmp_path / f"{number}.ome.tif", GREY, grey_section(number)) for number in range(3)]
    write_stack(tmp_path / "stack.ome.tif", GREY, files, "DK39 aligned")
    with tifffile.TiffFile(tmp_path / "stack.ome.tif") as file:
        xml = file.ome_metadata
        assert file.pages[0].tags["ImageDescription"].value.isascii() is False  # the unit is written as it is
    (image,) = ome_types.from_xml(xml, validate=True).images
    pixels = image.pixels
    assert image.name == "DK39 aligned"
    assert (pixels.size_x, pixels.size_y, pixels.size_z, pixels.size_c) == (101, 150, 3, 2)
    assert (pixels.physical_size_x, pixels.physical_size_y, pixels.physical_size_z) == (0.325, 0.325, 20)
    units = pixels.physical_size_x_unit, pixels.physical_size_y_unit, pixels.physical_size_z_unit
    assert [unit.value for unit in units] == ["µm"] * 3
    assert [(one.name, one.color.as_hex(format="long")) for one in pixels.channels] == [
        ("GFP <1>", "#00ff00"), ("Cy5", "#6699ff"),
    ]  # fmt: skip


def test_a_channel_in_colour_has_three_samples(tmp_path: Path) -> None:
    path = written(tmp_path / "one.ome.tif", COLOUR, [section(3, SHAPE, GLASS, "uint8")])
    with tifffile.TiffFile(path) as file:
        pixels = ome_types.from_xml(file.ome_metadata, validate=True).images[0].pixels
    assert (pixels.size_c, [one.samples_per_pixel for one in pixels.channels]) == (3, [3])


def test_each_level_says_how_large_its_pixels_are(tmp_path: Path) -> None:
    """For programs that know nothing of OME."""
    path = written(tmp_path / "one.ome.tif", GREY, grey_section(1))
    with tifffile.TiffFile(path) as file:
        for level, page in enumerate([file.pages[0], *file.pages[0].pages]):
            wide, unit = page.tags["XResolution"].value, page.tags["ResolutionUnit"].value
            assert unit == tifffile.RESUNIT.CENTIMETER
            assert 10_000 * wide[1] / wide[0] == pytest.approx(0.325 * 2**level)


def test_a_file_that_a_stack_is_not_made_of_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "one.ome.tif", replace(GREY, shape=(100, 101)), [one[:100] for one in grey_section(1)])
    with pytest.raises(BrainstackError, match=r"one\.ome\.tif has 2 pages with levels of \[\(100, 101\)"):
        write_stack(tmp_path / "stack.ome.tif", GREY, [path], "DK39")
    assert not (tmp_path / "stack.ome.tif").exists()


def test_a_section_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(top: int, left: int, out: np.ndarray) -> bool:
        raise BrainstackError("the tile is gone")

    with pytest.raises(BrainstackError, match="the tile is gone"):
        write_section(tmp_path / "one.ome.tif", GREY, [renders(grey_section(1)[0]), fail], "DK39")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("color", "number"), [("#ffffff", -1), ("#000000", 255), ("#ff0000", -16776961)])
def test_colours_are_counted_as_ome_does(color: str, number: int) -> None:
    assert signed_rgba(color) == number


def test_there_is_no_character_reference_in_what_bio_formats_reads() -> None:
    xml = ome_xml((1, 2, 3), dtype="uint8", pixel_size_um=1, channels=[OmeChannel("a\tb\x00c")], section_um=2)
    assert "&#" not in xml
    assert ome_types.from_xml(xml, validate=True).images[0].pixels.channels[0].name == "a b c"
