"""Planes of a volume come out of files as they went in, and between two planes there is their mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from brainstack.errors import BrainstackError
from brainstack.files.reference import Reference, open_reference

VOLUME = np.random.default_rng(4).integers(0, 60000, (11, 6, 7)).astype(np.uint16)


def opened(path: Path) -> Reference:
    return open_reference(path, spacing_um=50.0, pixel_size_um=25.0)


def pages(path: Path, **how: object) -> Path:
    tifffile.imwrite(path, VOLUME, **how)
    return path


def folder(path: Path, volume: np.ndarray = VOLUME) -> Path:
    path.mkdir()
    for number, plane in enumerate(volume):
        tifffile.imwrite(path / f"plane_{number}.tif", plane)
    (path / "notes.txt").write_text("not a plane", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "how",
    [{}, {"compression": "zlib"}, {"imagej": True}, {"imagej": True, "truncate": True}, {"photometric": "minisblack"}],
)
def test_the_pages_of_a_tiff_are_planes(tmp_path: Path, how: dict[str, object]):
    volume = opened(pages(tmp_path / "volume.tif", **how))
    assert volume.count == 11
    for number in (0, 4, 10):
        plane = volume.plane(50.0 * number)
        assert plane.dtype == np.float32
        np.testing.assert_array_equal(plane, VOLUME[number])


def test_the_files_of_a_folder_are_planes_in_the_order_of_their_numbers(tmp_path: Path):
    volume = opened(folder(tmp_path / "planes"))  # plane_10 would come before plane_2 by letters
    assert volume.count == 11
    for number in (2, 10):
        np.testing.assert_array_equal(volume.plane(50.0 * number), VOLUME[number])


@pytest.mark.parametrize("make", [pages, folder])
def test_between_two_planes_there_is_their_mean(tmp_path: Path, make):
    volume = opened(make(tmp_path / "volume.tif"))
    np.testing.assert_allclose(volume.plane(110.0), 0.8 * VOLUME[2] + 0.2 * VOLUME[3], rtol=1e-6)


def test_a_plane_reaches_half_of_the_spacing(tmp_path: Path):
    volume = opened(pages(tmp_path / "volume.tif"))
    assert [volume.reaches(z_um) for z_um in (-25.1, -24.9, 250, 524.9, 525.1)] == [False, True, True, True, False]
    np.testing.assert_array_equal(volume.plane(-24.9), VOLUME[0])
    np.testing.assert_array_equal(volume.plane(524.9), VOLUME[10])


@pytest.mark.parametrize("z_um", [-26.0, 526.0, float("nan")])
def test_a_depth_outside_the_volume_is_refused(tmp_path: Path, z_um: float):
    volume = opened(pages(tmp_path / "volume.tif"))
    with pytest.raises(BrainstackError, match="11 planes, from 0 to 500 um, wanted one at"):
        volume.plane(z_um)


def test_only_the_planes_asked_for_are_read(tmp_path: Path):
    planes = folder(tmp_path / "planes")
    (planes / "plane_7.tif").write_bytes(b"no picture")
    volume = opened(planes)
    np.testing.assert_array_equal(volume.plane(300.0), VOLUME[6])
    with pytest.raises(BrainstackError, match=r"plane_7\.tif is no whole TIFF"):
        volume.plane(301.0)


def test_of_colours_the_mean_is_taken(tmp_path: Path):
    colours = np.zeros((2, 6, 7, 3), np.uint8)
    colours[1] = (30, 60, 120)
    tifffile.imwrite(tmp_path / "volume.tif", colours, photometric="rgb")
    volume = opened(tmp_path / "volume.tif")
    assert volume.count == 2
    np.testing.assert_array_equal(volume.plane(50.0), np.full((6, 7), 70, np.float32))


def test_one_picture_is_a_volume_of_one_plane(tmp_path: Path):
    tifffile.imwrite(tmp_path / "plane.tif", VOLUME[0])
    volume = opened(tmp_path / "plane.tif")
    assert volume.count == 1
    np.testing.assert_array_equal(volume.plane(0.0), VOLUME[0])


def test_planes_of_two_sizes_are_refused(tmp_path: Path):
    planes = folder(tmp_path / "planes")
    tifffile.imwrite(planes / "plane_3.tif", VOLUME[3, :-1])
    with pytest.raises(BrainstackError, match=r"plane 2 is \(6, 7\) and plane 3 is \(5, 7\)"):
        opened(planes).plane(120.0)


def test_what_is_not_there_is_said(tmp_path: Path):
    with pytest.raises(BrainstackError, match="is not there; wanted a TIFF of many pages, or a folder"):
        opened(tmp_path / "nothing.tif")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BrainstackError, match="has no TIFF in it"):
        opened(tmp_path / "empty")
    (tmp_path / "text.tif").write_text("no picture", encoding="utf-8")
    with pytest.raises(BrainstackError, match="is no whole TIFF"):
        opened(tmp_path / "text.tif")
