"""Volumes: what is written reads back, whole or not at all, and smaller levels are true to the first."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brainstack.errors import BrainstackError
from brainstack.files import precomputed
from brainstack.files.precomputed import downsample_volume, read_volume_info, write_volume

VOXEL_UM = (10.4, 10.4, 20.0)


def noise(shape: tuple[int, ...], dtype: str = "uint16") -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape).astype(dtype)


def write(path: Path, planes: Any, **changes: Any) -> None:
    planes = list(planes)
    known = next(plane for plane in planes if plane is not None)
    wanted = {
        "shape_zyx": (len(planes), *known.shape[:2]),
        "dtype": known.dtype,
        "voxel_size_um": VOXEL_UM,
        "chunk_size": (32, 32, 4),
        "num_channels": known.shape[2] if known.ndim == 3 else 1,
    }
    write_volume(path, iter(planes), **(wanted | changes))


def read(path: Path, mip: int = 0) -> np.ndarray[Any, Any]:
    """(z, y, x, channels), read by cloud-volume."""
    from cloudvolume import CloudVolume

    volume = CloudVolume(f"file://{path}", mip=mip, progress=False)
    return np.asarray(volume[:, :, :]).transpose(2, 1, 0, 3)


def contents(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def info(path: Path) -> Any:
    return json.loads((path / "info").read_text())


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_sections_of_any_size_read_back_as_they_were(tmp_path: Path, dtype: str) -> None:
    sections = noise((10, 45, 77), dtype)

    write(tmp_path / "data of DK39" / "C1T", sections)

    np.testing.assert_array_equal(read(tmp_path / "data of DK39" / "C1T")[..., 0], sections)
    assert [inside.name for inside in (tmp_path / "data of DK39").iterdir()] == ["C1T"]


def test_an_empty_slot_is_black_and_keeps_its_place(tmp_path: Path) -> None:
    sections = noise((6, 40, 40))

    write(tmp_path / "C1T", [None, sections[1], None, None, sections[4], None])

    back = read(tmp_path / "C1T")[..., 0]
    for number in (0, 2, 3, 5):
        assert not back[number].any()
    np.testing.assert_array_equal(back[[1, 4]], sections[[1, 4]])


def test_an_empty_slot_of_a_volume_in_colour_is_of_the_colour_that_is_given(tmp_path: Path) -> None:
    sections = noise((3, 40, 40, 3), "uint8")

    write(tmp_path / "C1T", [None, sections[1], None], empty=(243, 238, 224))

    back = read(tmp_path / "C1T")
    for number in (0, 2):
        assert (back[number] == (243, 238, 224)).all()
    np.testing.assert_array_equal(back[1], sections[1])


def test_colours_are_three_channels_of_one_volume(tmp_path: Path) -> None:
    sections = noise((5, 40, 33, 3), "uint8")

    write(tmp_path / "C1T", sections)

    np.testing.assert_array_equal(read(tmp_path / "C1T"), sections)
    assert info(tmp_path / "C1T")["num_channels"] == 3


def test_chunks_are_plain_bytes_with_x_running_fastest(tmp_path: Path) -> None:
    sections = noise((3, 8, 16))

    write(tmp_path / "C1T", sections)

    (chunk,) = (tmp_path / "C1T" / "10400_10400_20000").iterdir()
    assert chunk.name == "0-16_0-8_0-3"
    assert chunk.read_bytes() == sections.tobytes()


def test_the_info_says_what_neuroglancer_wants(tmp_path: Path) -> None:
    write(tmp_path / "C1T", noise((3, 50, 70)))

    assert info(tmp_path / "C1T") == {
        "@type": "neuroglancer_multiscale_volume",
        "type": "image",
        "data_type": "uint16",
        "num_channels": 1,
        "scales": [
            {
                "key": "10400_10400_20000",
                "encoding": "raw",
                "resolution": [10400, 10400, 20000],
                "size": [70, 50, 3],
                "voxel_offset": [0, 0, 0],
                "chunk_sizes": [[32, 32, 3]],
            }
        ],
    }


@pytest.mark.parametrize(
    ("voxel_um", "resolution"),
    [
        ((0.325, 0.325, 20.0), [325, 325, 20000]),
        ((20.8, 20.8, 20.0), [20800, 20800, 20000]),  # 20.8 * 1000 is 20800.000000000004
        ((0.3255, 0.3255, 20.0), [325.5, 325.5, 20000]),
    ],
)
def test_lengths_are_exact_to_the_last_digit(tmp_path: Path, voxel_um: Any, resolution: list[float]) -> None:
    write(tmp_path / "C1T", noise((2, 64, 64)), voxel_size_um=voxel_um)
    downsample_volume(tmp_path / "C1T", mips=1)

    first, second = info(tmp_path / "C1T")["scales"]
    assert first["resolution"] == resolution
    assert second["resolution"] == [resolution[0] * 2, resolution[1] * 2, resolution[2]]
    assert read_volume_info(tmp_path / "C1T").voxel_size_um == pytest.approx(voxel_um, rel=1e-12)
    assert read(tmp_path / "C1T", mip=1).shape == (2, 32, 32, 1)


def test_what_a_volume_is_can_be_read(tmp_path: Path) -> None:
    write(tmp_path / "C1T", noise((2, 64, 96)))

    found = read_volume_info(tmp_path / "C1T")

    assert (found.size_xyz, found.data_type, found.num_channels, found.levels) == ((96, 64, 2), "uint16", 1, 1)
    with pytest.raises(BrainstackError, match=r"There is no volume in .*C2T"):
        read_volume_info(tmp_path / "C2T")


@pytest.mark.parametrize(
    ("planes", "sentence"),
    [
        ([np.zeros((8, 8), "u2"), np.zeros((8, 9), "u2")], r"Section 1 for C1T is \(8, 9\) uint16, wanted \(8, 8\)"),
        ([np.zeros((8, 8), "u2"), np.zeros((8, 8), "u1")], r"Section 1 for C1T is \(8, 8\) uint8, wanted .* uint16"),
        ([np.zeros((8, 8, 3), "u2"), None], r"Section 0 for C1T is \(8, 8, 3\) uint16"),
        ([None], "got 1 sections, wanted 2"),
        ([None, None, None], "more than the 2 sections"),
    ],
)
def test_a_wrong_section_is_named_and_nothing_is_left(tmp_path: Path, planes: Any, sentence: str) -> None:
    with pytest.raises(BrainstackError, match=sentence):
        write_volume(
            tmp_path / "C1T",
            iter(planes),
            shape_zyx=(2, 8, 8),
            dtype="uint16",
            voxel_size_um=VOXEL_UM,
            chunk_size=(8, 8, 1),
        )
    assert not list(tmp_path.iterdir())


def test_a_failure_in_the_middle_keeps_the_volume_of_before(tmp_path: Path) -> None:
    def failing() -> Iterator[np.ndarray[Any, Any]]:
        yield from noise((5, 40, 40)) // 2
        raise KeyboardInterrupt

    write(tmp_path / "C1T", noise((8, 40, 40)))
    before = contents(tmp_path)

    with pytest.raises(KeyboardInterrupt):
        write_volume(
            tmp_path / "C1T",
            failing(),
            shape_zyx=(8, 40, 40),
            dtype="uint16",
            voxel_size_um=VOXEL_UM,
            chunk_size=(32, 32, 4),
        )

    assert contents(tmp_path) == before


def test_a_level_is_the_mean_of_four_pixels_without_its_fraction(tmp_path: Path) -> None:
    sections = noise((5, 64, 96))
    write(tmp_path / "C1T", sections)

    assert downsample_volume(tmp_path / "C1T", mips=1) == 1

    four = sections.astype("uint64").reshape(5, 32, 2, 48, 2).sum(axis=(2, 4)) // 4
    np.testing.assert_array_equal(read(tmp_path / "C1T", mip=1)[..., 0], four)
    assert {len(file.suffix) for file in (tmp_path / "C1T").rglob("*") if file.is_file()} == {0}


def test_three_levels_of_a_volume_in_colour_are_means_without_their_fraction(tmp_path: Path) -> None:
    """As in grey, each colour from its own values alone, and all three levels from one sum."""
    sections = noise((3, 256, 320, 3), "uint8")
    write(tmp_path / "C1T", sections)

    assert downsample_volume(tmp_path / "C1T", mips=3) == 3

    for mip, side in ((1, 2), (2, 4), (3, 8)):
        blocks = sections.astype("uint64").reshape(3, 256 // side, side, 320 // side, side, 3)
        np.testing.assert_array_equal(read(tmp_path / "C1T", mip), blocks.sum(axis=(2, 4)) // side**2)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_levels_are_darker_by_less_than_is_said(tmp_path: Path, dtype: str) -> None:
    sections = noise((2, 512, 512), dtype)
    write(tmp_path / "C1T", sections)

    assert downsample_volume(tmp_path / "C1T", mips=4) == 4

    for mip, darker in ((1, 0.375), (2, 0.469), (3, 0.492), (4, 0.867)):
        assert sections.mean() - read(tmp_path / "C1T", mip).mean() == pytest.approx(darker, abs=0.05)


@pytest.mark.parametrize("width", [256, 257, 259, 263, 264, 513])
def test_a_narrow_rest_at_the_border_is_downsampled_too(tmp_path: Path, width: int) -> None:
    sections = np.full((2, 300, width), 1000, "uint16")
    sections[:, :, -1] = 5000
    write(tmp_path / "C1T", sections)

    assert downsample_volume(tmp_path / "C1T", mips=3) == 3

    for mip in (1, 2, 3):
        level = read(tmp_path / "C1T", mip)[..., 0]
        assert level.shape == (2, -(-300 // 2**mip), -(-width // 2**mip))
        assert (level[:, :, :-1] == 1000).all()
        assert (level[:, :, -1] > 1000).all()


def test_no_level_is_smaller_than_a_chunk(tmp_path: Path) -> None:
    write(tmp_path / "wide", noise((2, 70, 300)))
    write(tmp_path / "small", noise((2, 20, 300)))

    assert downsample_volume(tmp_path / "wide", mips=5) == 1
    assert downsample_volume(tmp_path / "small", mips=5) == 0
    assert read_volume_info(tmp_path / "small").levels == 1


def test_colours_are_downsampled_each_for_itself(tmp_path: Path) -> None:
    sections = np.zeros((2, 64, 64, 3), "uint8")
    sections[:] = (10, 100, 200)
    write(tmp_path / "C1T", sections)

    downsample_volume(tmp_path / "C1T", mips=1)

    assert (read(tmp_path / "C1T", mip=1) == (10, 100, 200)).all()


def test_labels_stay_labels(tmp_path: Path) -> None:
    sections = np.full((2, 64, 64), 7, "uint32")
    sections[:, ::4, ::4] = 1000
    write(tmp_path / "labels", sections)
    (tmp_path / "labels" / "info").write_text(json.dumps(info(tmp_path / "labels") | {"type": "segmentation"}))

    downsample_volume(tmp_path / "labels", mips=1)

    assert (read(tmp_path / "labels", mip=1) == 7).all()


def test_the_same_sections_give_the_same_bytes_however_often(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        write(tmp_path / folder / "C1T", noise((5, 130, 140)))
        downsample_volume(tmp_path / folder / "C1T", mips=2)
    once = contents(tmp_path / "first")

    assert downsample_volume(tmp_path / "first" / "C1T", mips=1) == 1
    assert read_volume_info(tmp_path / "first" / "C1T").levels == 2
    assert downsample_volume(tmp_path / "first" / "C1T", mips=2) == 2

    assert contents(tmp_path / "first") == contents(tmp_path / "second") == once


STEPS = ("write_json", "_make_levels", "flush", "_remove_levels")


@pytest.mark.filterwarnings("ignore:.*use of fork")  # from 3.12; the child does not use what other threads held
@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("call", [1, 2, 3])
def test_a_kill_at_any_step_leaves_a_true_volume_that_can_be_finished(tmp_path: Path, name: str, call: int) -> None:
    """A process of its own dies at the call-th use of `name`, as by kill -9: no `finally` runs."""
    path = tmp_path / "C1T"
    write(path, noise((2, 256, 260)))
    downsample_volume(path, mips=2)
    wanted = contents(tmp_path)

    worker = multiprocessing.get_context("fork").Process(target=die_at, args=(path, name, call))
    worker.start()
    worker.join()

    for mip in range(read_volume_info(path).levels):
        read(path, mip)
    assert downsample_volume(path, mips=2) == 2
    assert contents(tmp_path) == wanted


def die_at(path: Path, name: str, call: int) -> None:
    import os

    original = getattr(precomputed, name)
    count = 0

    def dying(*args: Any, **keywords: Any) -> Any:
        nonlocal count
        count += 1
        if count == call:
            os._exit(9)
        return original(*args, **keywords)

    setattr(precomputed, name, dying)
    downsample_volume(path, mips=2)


def test_the_console_and_the_process_are_left_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = multiprocessing.get_start_method()
    write(tmp_path / "C1T", noise((5, 130, 140)))
    downsample_volume(tmp_path / "C1T", mips=2)
    downsample_volume(tmp_path / "C1T", mips=0)

    assert capfd.readouterr() == ("", "")
    assert multiprocessing.get_start_method() == before  # igneous's own queue would force "spawn"
