from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile

from brainstack.errors import BrainstackError
from brainstack.files.tiff import (
    COMPRESSIONS,
    Compression,
    read_saved_tiff,
    read_tiff,
    read_tiff_shape,
    write_tiff,
    write_tiff_in_strips,
)


def noise(shape: tuple[int, ...], dtype: type = np.uint16) -> np.ndarray:
    return np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape, endpoint=True).astype(dtype)


def in_strips(image: np.ndarray, rows: int) -> Iterator[np.ndarray]:
    return (image[top : top + rows] for top in range(0, len(image), rows))


def write_strips(
    path: Path, image: np.ndarray, tile_px: int = 32, *, channel_name: str = "", compression: Compression = "zlib"
) -> None:
    write_tiff_in_strips(
        path, in_strips(image, tile_px), shape=image.shape, dtype=image.dtype, tile_px=tile_px, pixel_size_um=0.325,
        channel_name=channel_name, compression=compression,
    )  # fmt: skip


def ome_xml(path: Path) -> str:
    """As the bytes of the tag, which no reader has mended."""
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        tag = file.pages[0].tags["ImageDescription"]
        file.filehandle.seek(tag.valueoffset)
        return file.filehandle.read(tag.count).rstrip(b"\0").decode("utf-8")


def ome_pixels(path: Path) -> ElementTree.Element:
    pixels = ElementTree.fromstring(ome_xml(path).encode()).find("{*}Image/{*}Pixels")
    assert pixels is not None
    return pixels


def ome_channel(path: Path) -> dict[str, str]:
    (channel,) = ome_pixels(path).findall("{*}Channel")
    return channel.attrib


def pixel_size_um(path: Path) -> tuple[float, float]:
    """As the tags say it, for any reader."""
    with tifffile.TiffFile(path) as file:
        tags = file.pages[0].tags
        assert tags["ResolutionUnit"].value == tifffile.RESUNIT.CENTIMETER
        across, down = (tags[name].value for name in ("XResolution", "YResolution"))
    return 10_000 * across[1] / across[0], 10_000 * down[1] / down[0]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(31, 47), (1, 1), (40, 30, 3)])
def test_an_image_is_read_as_it_was_written(tmp_path: Path, shape: tuple[int, ...], dtype: type) -> None:
    image = noise(shape, dtype)
    write_tiff(tmp_path / "a.tif", image, 10.4)
    found = read_tiff(tmp_path / "a.tif")
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, image)
    assert read_tiff_shape(tmp_path / "a.tif") == shape[:2]


@pytest.mark.parametrize("shape", [(64, 96), (65, 97), (31, 95), (1, 1), (200, 33)])
def test_strips_become_tiles_whatever_the_edges(tmp_path: Path, shape: tuple[int, int]) -> None:
    image = noise(shape)
    write_strips(tmp_path / "a.tif", image)
    np.testing.assert_array_equal(read_tiff(tmp_path / "a.tif"), image)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.is_bigtiff
        assert file.pages[0].tile == (32, 32)


@pytest.mark.parametrize("um", [0.325, 10.4, 20.0])
def test_the_tags_say_the_pixel_size(tmp_path: Path, um: float) -> None:
    write_tiff(tmp_path / "a.tif", noise((4, 4)), um)
    assert pixel_size_um(tmp_path / "a.tif") == pytest.approx((um, um), rel=1e-6)


def test_the_tags_of_a_scan_say_the_pixel_size(tmp_path: Path) -> None:
    write_strips(tmp_path / "a.tif", noise((40, 40)))
    assert pixel_size_um(tmp_path / "a.tif") == pytest.approx((0.325, 0.325), rel=1e-6)


def test_the_same_image_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.tif", "b.tif"):
        write_tiff(tmp_path / name, noise((40, 40)), 10.4)
        write_strips(tmp_path / f"strips_{name}", noise((40, 70)))
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
    assert (tmp_path / "strips_a.tif").read_bytes() == (tmp_path / "strips_b.tif").read_bytes()


@pytest.mark.parametrize("shape", [(70, 45), (70, 45, 3)])
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_each_compression_comes_back_equal(tmp_path: Path, compression: Compression, shape: tuple[int, ...]) -> None:
    image = noise(shape, np.uint8 if len(shape) == 3 else np.uint16)
    for name in ("a.tif", "b.tif"):
        write_strips(tmp_path / name, image, compression=compression)
    np.testing.assert_array_equal(read_tiff(tmp_path / "a.tif"), image)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_a_compression_is_the_one_that_was_asked_for(tmp_path: Path) -> None:
    found = {}
    for compression in COMPRESSIONS:
        write_strips(tmp_path / "a.tif", noise((64, 64)), compression=compression)
        with tifffile.TiffFile(tmp_path / "a.tif") as file:
            found[compression] = file.pages[0].compression.name
    assert found == {"zlib": "ADOBE_DEFLATE", "zstd": "ZSTD", "lzw": "LZW", "none": "NONE"}


def test_a_thumbnail_is_a_tiff_that_imagej_reads_by_itself(tmp_path: Path) -> None:
    """Neither BigTIFF nor tiled, which its reader refuses; nor zlib with a predictor, which it shows as noise."""
    write_tiff(tmp_path / "a.tif", noise((300, 200)), 10.4)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert not file.is_bigtiff
        assert not file.pages[0].is_tiled
        assert file.pages[0].compression == tifffile.COMPRESSION.LZW


@pytest.mark.parametrize("name", ["DAPI", "AF<488> & \"anti\" 'x'", "µ-opioid α", "&#181;", "日本"])
def test_the_channel_name_is_in_the_ome_xml(tmp_path: Path, name: str) -> None:
    write_strips(tmp_path / "a.tif", noise((40, 40)), channel_name=name)
    write_tiff(tmp_path / "b.tif", noise((40, 40)), 10.4, name)
    for path in (tmp_path / "a.tif", tmp_path / "b.tif"):
        assert ome_channel(path) == {"ID": "Channel:0:0", "Name": name, "SamplesPerPixel": "1"}


@pytest.mark.parametrize("name", ["", "GFP\n", "line\nend\ttab\0bell\a", "µ & <>"])
def test_the_ome_xml_has_no_character_references(tmp_path: Path, name: str) -> None:
    """Bio-Formats replaces "&#" before it parses, and then takes nothing of a text that had it."""
    write_strips(tmp_path / "a.tif", noise((40, 40)), channel_name=name)
    assert not re.search("&#|[\\0-\x1f]", ome_xml(tmp_path / "a.tif"))
    assert ("Name" in ome_channel(tmp_path / "a.tif")) == bool(name)


@pytest.mark.parametrize(("shape", "samples"), [((40, 70), "1"), ((40, 70, 3), "3")])
def test_the_ome_xml_says_size_and_pixel_size(tmp_path: Path, shape: tuple[int, ...], samples: str) -> None:
    write_strips(tmp_path / "a.tif", noise(shape, np.uint8))
    pixels = ome_pixels(tmp_path / "a.tif").attrib
    assert {name: pixels[name] for name in ("SizeX", "SizeY", "SizeC", "Type")} == {
        "SizeX": "70", "SizeY": "40", "SizeC": samples, "Type": "uint8",
    }  # fmt: skip
    assert (pixels["PhysicalSizeX"], pixels["PhysicalSizeXUnit"]) == ("0.325", "µm")
    assert (pixels["PhysicalSizeY"], pixels["PhysicalSizeYUnit"]) == ("0.325", "µm")
    assert ome_channel(tmp_path / "a.tif")["SamplesPerPixel"] == samples


@pytest.mark.parametrize(
    ("strips", "wanted"),
    [
        ([(32, 40)], "found 32 rows, wanted 64"),
        ([], "found 0 rows, wanted 64"),
        ([(32, 40), (32, 40), (1, 40)], "found more than 64 rows"),
        ([(32, 40), (40, 40)], "up to row 72"),
        ([(32, 40), (32, 41)], "41"),
        ([(32, 40), (32, 40, 3)], "3"),
    ],
)
def test_strips_that_do_not_add_up_are_refused(tmp_path: Path, strips: list[tuple[int, ...]], wanted: str) -> None:
    with pytest.raises(ValueError, match=wanted):
        write_tiff_in_strips(
            tmp_path / "a.tif", iter([noise(shape) for shape in strips]), shape=(64, 40), dtype=np.dtype(np.uint16),
            tile_px=32, pixel_size_um=1.0,
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_strips_of_another_type_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="uint8"):
        write_tiff_in_strips(
            tmp_path / "a.tif", iter([noise((32, 40), np.uint8)]), shape=(32, 40), dtype=np.dtype(np.uint16),
            tile_px=32, pixel_size_um=1.0,
        )  # fmt: skip


def test_strips_that_end_too_early_leave_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[np.ndarray]:
        yield noise((32, 40))
        raise RuntimeError("the scan ends here")

    with pytest.raises(RuntimeError, match="the scan ends here"):
        write_tiff_in_strips(
            tmp_path / "a.tif", broken(), shape=(64, 40), dtype=np.dtype(np.uint16), tile_px=32, pixel_size_um=1.0
        )
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(BrainstackError, match=r"a\.tif is not there"):
        read_tiff(tmp_path / "a.tif")


@pytest.mark.parametrize("content", [b"", b"II", b"\x89PNG\r\n\x1a\n" + bytes(100), b"II*\0" + bytes(200), b"x" * 400])
def test_what_is_no_tiff_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(BrainstackError, match=r"a\.tif is no whole TIFF"):
        read_tiff(tmp_path / "a.tif")
    with pytest.raises(BrainstackError, match=r"a\.tif is no whole TIFF"):
        read_tiff_shape(tmp_path / "a.tif")


@pytest.mark.parametrize("left", [0.02, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("kind", ["strips", "plain"])
def test_a_damaged_tiff_is_said(tmp_path: Path, left: float, kind: str) -> None:
    path = tmp_path / "a.tif"
    if kind == "strips":
        write_strips(path, noise((100, 100)))
    else:
        write_tiff(path, noise((100, 100)), 1.0)
    content = path.read_bytes()
    path.write_bytes(content[: int(left * len(content))])
    with pytest.raises(BrainstackError, match=r"a\.tif is no whole TIFF"):
        read_tiff(path)


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "packbits"])
def test_what_painting_programs_write_is_read(tmp_path: Path, compression: str | None) -> None:
    image = noise((30, 20, 3), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="rgb", compression=compression)
    np.testing.assert_array_equal(read_tiff(tmp_path / "a.tif"), image)


# What other programs save


def saved(tmp_path: Path, image: np.ndarray, **how: object) -> np.ndarray:
    tifffile.imwrite(tmp_path / "a.tif", image, **how)
    return read_saved_tiff(tmp_path / "a.tif")


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "packbits"])
@pytest.mark.parametrize("shape", [(30, 20), (30, 20, 3), (30, 20, 4)])
def test_a_plain_picture_is_read_as_it_is(tmp_path: Path, compression: str | None, shape: tuple[int, ...]) -> None:
    image = noise(shape, np.uint8)
    kind = "minisblack" if len(shape) == 2 else "rgb"
    np.testing.assert_array_equal(saved(tmp_path, image, photometric=kind, compression=compression), image)


def test_a_colour_map_becomes_rgb(tmp_path: Path) -> None:
    colours = np.zeros((3, 256), np.uint16)
    colours[:, 7] = 65535
    colours[:, 9] = (65535, 160 * 257, 0)
    image = np.array([[0, 7], [9, 7]], np.uint8)
    wanted = [[[0, 0, 0], [255, 255, 255]], [[255, 160, 0], [255, 255, 255]]]
    assert saved(tmp_path, image, photometric="palette", colormap=colours).tolist() == wanted


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535), (np.bool_, 1)])
def test_white_as_zero_is_turned_round(tmp_path: Path, dtype: type, white: int) -> None:
    image = np.array([[0, white, white], [0, 0, white]], dtype)
    assert saved(tmp_path, image, photometric="miniswhite").tolist() == [[white, 0, 0], [white, white, 0]]


def test_planes_of_colour_become_channels(tmp_path: Path) -> None:
    image = noise((3, 30, 20), np.uint8)
    got = saved(tmp_path, image, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(got, np.moveaxis(image, 0, -1))


def test_layers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BrainstackError, match=r"a\.tif has 2 layers or pages, wanted one; flatten"):
        saved(tmp_path, noise((2, 30, 20, 3), np.uint8), photometric="rgb")


def test_a_small_copy_beside_the_picture_is_no_layer(tmp_path: Path) -> None:
    image = noise((30, 20), np.uint8)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(image)
        file.write(image[::2, ::2], subfiletype=1)
    np.testing.assert_array_equal(read_saved_tiff(tmp_path / "a.tif"), image)


@pytest.mark.parametrize(("compression", "name"), [("jpeg", "JPEG"), ("jpeg2000", "JPEG 2000")])
def test_packing_that_changes_colours_is_refused(tmp_path: Path, compression: str, name: str) -> None:
    with pytest.raises(BrainstackError, match=rf"a\.tif is packed by {name}, which changes the colours; save .* LZW"):
        saved(tmp_path, noise((64, 64, 3), np.uint8), photometric="rgb", compression=compression)


@pytest.mark.parametrize("orientation", [2, 3, 6])
def test_a_picture_to_be_turned_is_refused(tmp_path: Path, orientation: int) -> None:
    with pytest.raises(BrainstackError, match=rf"to be turned or mirrored \(its Orientation is {orientation}\)"):
        saved(tmp_path, noise((30, 20), np.uint8), extratags=[(274, 3, 1, orientation, True)])


def test_other_colours_than_rgb_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BrainstackError, match="has its colours as CIELAB, wanted RGB or grey"):
        saved(tmp_path, noise((30, 20, 3), np.uint8), photometric="cielab")


@pytest.mark.parametrize("left", [0.02, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("compression", [None, "lzw"])
def test_a_saved_picture_that_is_cut_off_is_said(tmp_path: Path, left: float, compression: str | None) -> None:
    path = tmp_path / "a.tif"
    saved(tmp_path, noise((100, 100)), compression=compression)
    path.write_bytes(path.read_bytes()[: int(left * path.stat().st_size)])
    with pytest.raises(BrainstackError, match=r"a\.tif is no whole TIFF"):
        read_saved_tiff(path)
