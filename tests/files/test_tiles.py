"""Tiles of a TIFF, one by one, however it is kept in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from brainstack.errors import BrainstackError
from brainstack.files import tiles
from brainstack.files.tiff import COMPRESSIONS, write_tiff, write_tiff_in_strips
from brainstack.files.tiles import TiledTiff

SHAPE = (301, 208)
GREY = np.random.default_rng(1).integers(0, 65535, SHAPE).astype(np.uint16)
COLOUR = np.random.default_rng(2).integers(0, 255, (*SHAPE, 3)).astype(np.uint8)
WAYS: dict[str, dict[str, Any]] = {
    "one strip": {},
    "one compressed strip": {"compression": "lzw"},
    "tiles": {"tile": (64, 64)},
    "tiles as wide as the image": {"tile": (64, 208)},
    "one large tile": {"tile": (512, 512), "compression": "zstd"},
    "compressed tiles": {"tile": (64, 48), "compression": "zlib", "predictor": True},
    "strips": {"rowsperstrip": 7},
    "compressed strips, as ImageMagick": {"rowsperstrip": 7, "compression": "lzw"},
    "big endian rows, as Bio-Formats": {"byteorder": ">", "bigtiff": True, "rowsperstrip": 1, "compression": "lzw"},
    "big endian tiles": {"byteorder": ">", "tile": (64, 48), "compression": "zlib", "predictor": True},
    "big endian, uncompressed": {"byteorder": ">"},
    **{f"as brainstack, {way}": {"tile": (128, 128), "bigtiff": True, **how} for way, how in COMPRESSIONS.items()},
}


def whole(file: TiledTiff) -> np.ndarray:
    image = np.zeros(file.shape + (() if file.samples == 1 else (3,)), file.dtype)
    down, across = file.tile_shape
    for row in range(-(-file.shape[0] // down)):
        for column in range(-(-file.shape[1] // across)):
            tile = file.read_tile(row, column)
            target = image[row * down : (row + 1) * down, column * across : (column + 1) * across]
            if tile is not None:
                assert tile.shape == target.shape
                target[...] = tile
    return image


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("image", [GREY, GREY.astype(np.uint8), COLOUR], ids=["16 bit", "8 bit", "colour"])
def test_tiles_together_are_the_image(tmp_path: Path, way: str, image: np.ndarray) -> None:
    photometric = "rgb" if image.ndim == 3 else "minisblack"
    tifffile.imwrite(tmp_path / "a.tif", image, photometric=photometric, **WAYS[way])

    with TiledTiff(tmp_path / "a.tif") as file:
        assert file.path == tmp_path / "a.tif"
        assert (file.shape, file.samples, file.dtype) == (SHAPE, image[0, 0].size, image.dtype)
        found = whole(file)

    assert found.dtype == image.dtype
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, image)


def test_brainstacks_own_files_are_read(tmp_path: Path) -> None:
    write_tiff(tmp_path / "a.tif", COLOUR, 0.5)
    strips = iter([GREY[:128], GREY[128:256], GREY[256:]])
    write_tiff_in_strips(
        tmp_path / "b.tif", strips, shape=SHAPE, dtype=GREY.dtype, tile_px=128, pixel_size_um=0.325, channel_name="C"
    )

    with TiledTiff(tmp_path / "a.tif") as colour, TiledTiff(tmp_path / "b.tif") as grey:
        assert grey.tile_shape == (128, 128)
        np.testing.assert_array_equal(whole(colour), COLOUR)
        np.testing.assert_array_equal(whole(grey), GREY)


def test_an_unpacked_image_of_any_width_is_read_in_squares(tmp_path: Path) -> None:
    image = np.random.default_rng(3).integers(0, 255, (600, 2100)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", image)

    with TiledTiff(tmp_path / "a.tif") as file:
        assert file.tile_shape == (512, 512)
        tile = file.read_tile(1, 4)
        assert tile is not None
        np.testing.assert_array_equal(tile, image[512:, 2048:])
        np.testing.assert_array_equal(whole(file), image)


def test_a_tile_that_was_not_written_is_none(tmp_path: Path) -> None:
    """Bio-Formats and others leave out tiles without pixels."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.full((64, 64), 5, np.uint16), tile=(32, 32), compression="zlib")
    with tifffile.TiffFile(path, mode="r+") as written:
        counts = written.pages.first.tags["TileByteCounts"]
        counts.overwrite([0, *counts.value[1:]])

    with TiledTiff(path) as file:
        assert file.read_tile(0, 0) is None
        assert (whole(file)[32:] == 5).all()


@pytest.mark.parametrize(("row", "column"), [(-1, 0), (0, -1), (5, 0), (0, 4)])
def test_a_tile_that_there_is_not_is_an_index_error(tmp_path: Path, row: int, column: int) -> None:
    tifffile.imwrite(tmp_path / "a.tif", GREY, tile=(64, 64))
    with TiledTiff(tmp_path / "a.tif") as file, pytest.raises(IndexError):
        file.read_tile(row, column)


@pytest.mark.parametrize("how", [{"tile": (64, 64), "compression": "zstd"}, {"rowsperstrip": 100}, {}], ids=str)
def test_of_a_file_that_was_cut_short_it_is_said_how_much_is_missing(tmp_path: Path, how: dict[str, Any]) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.concatenate([GREY, GREY, GREY]), **how)
    path.write_bytes(path.read_bytes()[:-20_000])

    with TiledTiff(path) as file:
        assert file.read_tile(0, 0) is not None
        with pytest.raises(BrainstackError, match=r"a\.tif was cut short: of the \d+ bytes of its tile .* are there"):
            whole(file)


def test_the_bytes_that_are_missing_are_counted(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", GREY[:100, :50])
    (tmp_path / "a.tif").write_bytes((tmp_path / "a.tif").read_bytes()[:-250])

    with (
        TiledTiff(tmp_path / "a.tif") as file,
        pytest.raises(BrainstackError, match=r"of the 10000 bytes of its tile \(0, 0\) 9750 are there"),
    ):
        file.read_tile(0, 0)


@pytest.mark.parametrize("compression", ["zstd", "zlib", "lzw"])
def test_a_tile_that_cannot_be_decoded_is_named(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GREY, tile=(64, 64), compression=compression)
    with tifffile.TiffFile(path) as written:
        offset, count = (values[5] for values in (written.pages.first.dataoffsets, written.pages.first.databytecounts))
    data = bytearray(path.read_bytes())
    data[offset : offset + count] = b"\xff" * count
    path.write_bytes(data)

    with TiledTiff(path) as file:
        assert file.read_tile(1, 0) is not None
        with pytest.raises(BrainstackError, match=r"Tile \(1, 1\) of .*a\.tif cannot be decoded"):
            file.read_tile(1, 1)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(BrainstackError, match="is not there"):
        TiledTiff(tmp_path / "a.tif")


@pytest.mark.parametrize("content", [b"", b"no TIFF at all", b"II*\x00\x08\x00\x00\x00\xff"])
def test_what_is_no_tiff_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(BrainstackError, match="is no whole TIFF"):
        TiledTiff(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("image", "how", "said"),
    [
        (np.zeros((3, 40, 50), np.uint16), {"photometric": "minisblack"}, "has 3 images, wanted one"),
        (np.zeros((40, 50, 4), np.uint8), {"photometric": "rgb", "extrasamples": ["unassalpha"]}, "wanted .rows, col"),
        (np.zeros((3, 40, 50), np.uint8), {"photometric": "rgb", "planarconfig": "separate"}, "wanted .rows, columns"),
        (np.zeros((40, 50), np.float32), {}, "pixels of 32 bits .float32., wanted whole numbers of 8 or 16"),
        (np.zeros((40, 50), np.int16), {}, "wanted whole numbers of 8 or 16"),
        (np.zeros((40, 48), bool), {}, "pixels of 1 bits"),
    ],
)  # fmt: skip
def test_images_of_another_kind_are_refused(tmp_path: Path, image: np.ndarray, how: dict[str, Any], said: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", image, **how)
    with pytest.raises(BrainstackError, match=said):
        TiledTiff(tmp_path / "a.tif")


def test_a_piece_that_does_not_fit_into_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile.imwrite(tmp_path / "a.tif", GREY, compression="lzw", rowsperstrip=301)
    tifffile.imwrite(tmp_path / "b.tif", GREY, tile=(64, 64), compression="lzw")
    monkeypatch.setattr(tiles, "LARGEST_PIECE", 100_000)

    TiledTiff(tmp_path / "b.tif").close()
    with pytest.raises(BrainstackError, match=r"pieces of 301 rows x 208 columns, too large to be read; save it in"):
        TiledTiff(tmp_path / "a.tif")
