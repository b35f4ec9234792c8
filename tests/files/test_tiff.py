from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from brainstack.errors import BrainstackError
from brainstack.files.tiff import read_tiff, read_tiff_shape, write_tiff, write_tiff_in_strips


def noise(shape: tuple[int, ...], dtype: type = np.uint16) -> np.ndarray:
    return np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape, endpoint=True).astype(dtype)


def in_strips(image: np.ndarray, rows: int) -> Iterator[np.ndarray]:
    return (image[top : top + rows] for top in range(0, len(image), rows))


def write_strips(path: Path, image: np.ndarray, tile_px: int = 32) -> None:
    write_tiff_in_strips(
        path, in_strips(image, tile_px), shape=image.shape, dtype=image.dtype, tile_px=tile_px, pixel_size_um=0.325
    )


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
