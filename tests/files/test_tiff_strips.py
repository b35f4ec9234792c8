"""TIFFs of other programs are checked, and read from top to bottom, however they are kept in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from brainstack.errors import BrainstackError
from brainstack.files import tiff
from brainstack.files.tiff import check_tiff, read_tiff_strips

IMAGE = np.random.default_rng(1).integers(0, 65535, (301, 207)).astype(np.uint16)
WAYS: dict[str, dict[str, Any]] = {
    "one strip": {},
    "one compressed strip": {"compression": "lzw"},
    "tiles": {"tile": (64, 64)},
    "compressed tiles": {"tile": (64, 48), "compression": "zlib", "predictor": True},
    "strips": {"rowsperstrip": 7},
    "compressed strips, as ImageMagick": {"rowsperstrip": 7, "compression": "lzw"},
    "big endian rows, as Bio-Formats": {"byteorder": ">", "bigtiff": True, "rowsperstrip": 1, "compression": "lzw"},
    "big endian, uncompressed": {"byteorder": ">"},
}


@pytest.fixture(params=WAYS, ids=str)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    tifffile.imwrite(tmp_path / "a.tif", IMAGE, **WAYS[request.param])
    return tmp_path / "a.tif"


@pytest.mark.parametrize("rows", [1, 50, 1000])
def test_strips_together_are_the_image(path: Path, rows: int) -> None:
    strips = list(read_tiff_strips(path, rows))

    assert np.array_equal(np.concatenate(strips), IMAGE)
    assert all(len(strip) >= rows for strip in strips[:-1])
    assert strips[0].dtype == np.dtype("=u2")
    assert strips[0].dtype.isnative


def test_shape_and_type_are_told(path: Path) -> None:
    assert check_tiff(path) == ((301, 207), np.uint16)


def test_a_file_that_is_cut_off_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3000])

    with pytest.raises(BrainstackError, match="is no whole TIFF"):
        check_tiff(path)


def test_a_tile_that_was_not_written_is_zero(tmp_path: Path) -> None:
    """Bio-Formats and others leave out tiles without pixels."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((64, 64), np.uint16) + 5, tile=(32, 32), compression="zlib")
    with tifffile.TiffFile(path, mode="r+") as file:
        counts = file.pages.first.tags["TileByteCounts"]
        counts.overwrite([0, *counts.value[1:]])

    (image,) = read_tiff_strips(path, 64)

    assert (image[:32, :32] == 0).all()
    assert (image[32:] == 5).all()


def test_several_images_in_a_file_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((3, 40, 50), np.uint16), photometric="minisblack")

    with pytest.raises(BrainstackError, match="it has 3 images, wanted one"):
        check_tiff(tmp_path / "a.tif")


def test_a_piece_that_does_not_fit_into_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile.imwrite(tmp_path / "a.tif", IMAGE, compression="lzw", rowsperstrip=301)
    monkeypatch.setattr(tiff, "LARGEST_PIECE", 1000)

    with pytest.raises(BrainstackError, match="too large to be read"):
        check_tiff(tmp_path / "a.tif")
