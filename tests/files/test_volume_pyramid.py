"""Smaller levels: of a volume of ours, and of any other."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from block_volumes import by_cloud_volume, by_tensorstore, noise, small_layout, write_blocks, write_volume

from brainstack.errors import BrainstackError
from brainstack.files import volume_pyramid
from brainstack.files.volume_info import read_layout, write_info
from brainstack.files.volume_pyramid import finish_pyramid, pyramid_of
from brainstack.images.halving import halve_volume, most_frequent

Array = np.ndarray[Any, Any]


def contents(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def by_others(
    path: Path,
    voxels: Array,
    *,
    encoding: str = "raw",
    layer_type: str = "image",
    compress: Any = "gzip",
    offset: tuple[int, int, int] = (0, 0, 0),
    members: dict[str, Any] | None = None,
) -> None:
    """Write (z, y, x) or (z, y, x, channels) as cloud-volume does, with nothing but the first level."""
    from cloudvolume import CloudVolume

    info = CloudVolume.create_new_info(
        num_channels=voxels.shape[3] if voxels.ndim == 4 else 1,
        layer_type=layer_type,
        data_type=voxels.dtype.name,
        encoding=encoding,
        resolution=(1000, 1000, 2500),
        voxel_offset=offset,
        volume_size=voxels.shape[2::-1],
        chunk_size=(32, 32, 8),
    )
    volume = CloudVolume(f"file://{path}", info=info | (members or {}), progress=False, compress=compress)
    volume.commit_info()
    volume[:, :, :] = np.asfortranarray(voxels.T if voxels.ndim == 3 else voxels.transpose(2, 1, 0, 3))


def check_levels(path: Path, voxels: Array, smaller: Any = halve_volume) -> None:
    wanted = voxels.reshape(*voxels.shape[:3], -1)
    for level, scale in enumerate(read_layout(path).scales):
        wanted = smaller(wanted, scale.factor_xyz) if level else wanted
        np.testing.assert_array_equal(by_cloud_volume(path, level), wanted)


@pytest.mark.parametrize("sharded", [True, False])
def test_the_rest_of_a_pyramid_is_made_from_the_last_level_of_the_blocks(tmp_path: Path, sharded: bool) -> None:
    voxels = noise((40, 150, 203))
    voxels[:, 40:] = 0
    layout = small_layout(voxels, sharded=sharded, voxel_size_um=(1, 1, 2.5), smallest_side_px=8)
    assert layout.levels_in_block == 2
    assert [scale.factor_xyz[2] for scale in layout.scales] == [1, 1, 2, 2, 2, 2]
    write_blocks(tmp_path / "C1", layout, voxels)

    made = write_volume(tmp_path / "C1", layout, voxels)

    check_levels(tmp_path / "C1", voxels)
    assert [bitmap.shape for bitmap in made] == [scale.grid_xyz[::-1] for scale in layout.scales]
    assert not made[2][:, 2:].any()
    assert made[2][:, :1].all()


@pytest.mark.parametrize("sharded", [True, False])
def test_making_them_again_gives_the_same_bytes_and_removes_what_became_empty(tmp_path: Path, sharded: bool) -> None:
    voxels, part = noise((10, 150, 203)), noise((10, 150, 203))
    part[:, 60:] = 0
    layout = small_layout(voxels, sharded=sharded, smallest_side_px=8)
    write_volume(tmp_path / "one" / "C1", layout, voxels)
    write_volume(tmp_path / "two" / "C1", layout, part)

    write_volume(tmp_path / "one" / "C1", layout, part)

    assert contents(tmp_path / "one" / "C1") == contents(tmp_path / "two" / "C1")


def test_until_all_levels_are_made_the_info_names_those_that_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voxels = noise((10, 150, 203))
    layout = small_layout(voxels, smallest_side_px=8)
    write_volume(tmp_path / "C1", layout, voxels)
    wanted = contents(tmp_path / "C1")

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(volume_pyramid, "_write_shard", killed)
    with pytest.raises(KeyboardInterrupt):
        finish_pyramid(tmp_path / "C1", layout, layout.levels_in_block)
    assert read_layout(tmp_path / "C1").scales == layout.scales[: layout.levels_in_block]
    monkeypatch.undo()
    finish_pyramid(tmp_path / "C1", layout, layout.levels_in_block)

    assert contents(tmp_path / "C1") == wanted


def test_progress_counts_every_chunk(tmp_path: Path) -> None:
    voxels = noise((10, 150, 203))
    for sharded in (True, False):
        layout = small_layout(voxels, sharded=sharded, smallest_side_px=8)
        write_volume(tmp_path / str(sharded), layout, voxels)
        told: list[tuple[int, int]] = []

        finish_pyramid(tmp_path / str(sharded), layout, 1, lambda done, total: told.append((done, total)))  # noqa: B023

        total = sum(scale.chunks for scale in layout.scales[1:])
        assert told == [(number, total) for number in range(1, total + 1)]


def test_a_damaged_chunk_of_the_level_before_is_named(tmp_path: Path) -> None:
    voxels = noise((10, 150, 203))
    layout = small_layout(voxels, sharded=False, smallest_side_px=8)
    write_volume(tmp_path / "C1", layout, voxels)
    chunk = tmp_path / "C1" / layout.scales[2].key / "16-32_0-16_0-4"
    chunk.write_bytes(chunk.read_bytes()[:-1])

    with pytest.raises(
        BrainstackError, match=r"Chunk 16-32_0-16_0-4 in .* was cut short or damaged: it holds 2047 bytes"
    ):
        finish_pyramid(tmp_path / "C1", layout, 3)


def test_memory_does_not_grow_with_the_volume(tmp_path: Path) -> None:
    peaks = []
    for width in (256, 2048):
        voxels = noise((16, 256, width))
        layout = small_layout(voxels, voxel_size_um=(1, 1, 1), block_px=128, chunk_size=(64, 64, 16))
        write_volume(tmp_path / str(width), layout, voxels)
        tracemalloc.start()
        finish_pyramid(tmp_path / str(width), layout, 1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < peaks[0] * 1.3 + 100_000


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64", "float32"])
@pytest.mark.parametrize("compress", ["gzip", False])
def test_an_image_of_others_gets_means(tmp_path: Path, dtype: str, compress: str | bool) -> None:
    voxels = noise((19, 70, 131), "uint8").astype(dtype) * 3
    by_others(tmp_path / "C1", voxels, compress=compress)

    made = pyramid_of(tmp_path / "C1", smallest_side_px=32)

    check_levels(tmp_path / "C1", voxels)
    assert [scale.factor_xyz for scale in read_layout(tmp_path / "C1").scales] == [
        (1, 1, 1),
        (2, 2, 1),
        (2, 2, 2),
        (2, 2, 2),
    ]
    assert [bitmap.shape for bitmap in made] == [scale.grid_xyz[::-1] for scale in read_layout(tmp_path / "C1").scales]
    assert made[0].all()
    suffixes = {file.suffix for file in (tmp_path / "C1").rglob("0-*")}
    assert suffixes == ({".gz"} if compress else {""})


@pytest.mark.parametrize(
    ("encoding", "dtype"),
    [
        *(("raw", dtype) for dtype in ("uint8", "uint16", "uint32", "uint64")),
        *(("compressed_segmentation", dtype) for dtype in ("uint32", "uint64")),  # it knows no others
    ],
)
def test_labels_stay_labels(tmp_path: Path, encoding: str, dtype: str) -> None:
    labels = np.random.default_rng(1).choice(np.array([0, 5, 9, np.iinfo(dtype).max], dtype), (19, 70, 131))
    by_others(
        tmp_path / "labels",
        labels,
        encoding=encoding,
        layer_type="segmentation",
        members={"mesh": "mesh", "segment_properties": "names"},
    )

    pyramid_of(tmp_path / "labels", smallest_side_px=32)

    check_levels(tmp_path / "labels", labels, most_frequent)
    info = json.loads((tmp_path / "labels" / "info").read_text())
    assert (info["mesh"], info["segment_properties"], info["type"]) == ("mesh", "names", "segmentation")


def test_a_sharded_volume_of_others_stays_sharded(tmp_path: Path) -> None:
    """Its own sharding has raw indexes and raw chunks."""
    voxels = noise((16, 64, 128))
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": f"file://{tmp_path / 'C1'}",
        "multiscale_metadata": {"type": "image", "data_type": "uint16", "num_channels": 1},
        "scale_metadata": {
            "size": [128, 64, 16],
            "encoding": "raw",
            "chunk_size": [32, 32, 8],
            "resolution": [1000, 1000, 2500],
            "sharding": {
                "@type": "neuroglancer_uint64_sharded_v1",
                "hash": "identity",
                "preshift_bits": 1,
                "minishard_bits": 1,
                "shard_bits": 2,
                "minishard_index_encoding": "raw",
                "data_encoding": "raw",
            },
        },
        "create": True,
    }
    np.save(tmp_path / "voxels.npy", voxels)
    code = f"""
import numpy, tensorstore
store = tensorstore.open({spec!r}).result()
store[...] = numpy.load({str(tmp_path / "voxels.npy")!r}).T[..., None]
"""
    subprocess.run([sys.executable, "-c", code], check=True)

    pyramid_of(tmp_path / "C1", smallest_side_px=32)

    layout = read_layout(tmp_path / "C1")
    assert all(scale.sharding is not None for scale in layout.scales)
    check_levels(tmp_path / "C1", voxels)
    for level, found in enumerate(by_tensorstore(tmp_path / "C1", len(layout.scales))):
        np.testing.assert_array_equal(found, by_cloud_volume(tmp_path / "C1", level))


def test_a_volume_that_starts_elsewhere_stays_in_its_place(tmp_path: Path) -> None:
    """A voxel covers those at whole multiples of 2, so that an odd start shifts nothing by half a voxel."""
    voxels = noise((10, 61, 90))
    by_others(tmp_path / "C1", voxels, offset=(7, -3, 4))

    pyramid_of(tmp_path / "C1", smallest_side_px=64)

    scale = read_layout(tmp_path / "C1").scales[1]
    assert (scale.voxel_offset_xyz, scale.size_xyz, scale.factor_xyz) == ((3, -2, 4), (46, 31, 10), (2, 2, 1))
    padded = np.pad(voxels, ((0, 0), (1, 0), (1, 0)), mode="edge")
    np.testing.assert_array_equal(by_cloud_volume(tmp_path / "C1", 1)[..., 0], halve_volume(padded, (2, 2, 1)))


def test_colours_of_others_are_halved_each_for_itself(tmp_path: Path) -> None:
    voxels = noise((9, 70, 61, 3), "uint8")
    by_others(tmp_path / "C1", voxels)

    pyramid_of(tmp_path / "C1", smallest_side_px=32)

    check_levels(tmp_path / "C1", voxels)


@pytest.mark.parametrize("sharded", [True, False])
def test_a_volume_of_ours_gets_the_levels_that_it_had(tmp_path: Path, sharded: bool) -> None:
    voxels = noise((10, 150, 203))
    layout = small_layout(voxels, sharded=sharded, smallest_side_px=16)
    write_volume(tmp_path / "C1", layout, voxels)
    wanted = contents(tmp_path / "C1")
    stranger = tmp_path / "C1" / layout.scales[3].key / "0-999_0-999_0-999"
    stranger.write_text("from another layout")

    pyramid_of(tmp_path / "C1", smallest_side_px=16)

    assert read_layout(tmp_path / "C1") == layout
    levels = [scale.key for scale in layout.scales]
    assert {Path(name).parts[0] for name in contents(tmp_path / "C1")} == {*levels, "info"}
    assert not stranger.exists()
    assert contents(tmp_path / "C1") == wanted
    pyramid_of(tmp_path / "C1", smallest_side_px=64)
    assert len(read_layout(tmp_path / "C1").scales) == 3
    assert sorted(file.name for file in (tmp_path / "C1").iterdir()) == sorted([*levels[:3], "info"])


def test_the_first_level_is_never_removed(tmp_path: Path) -> None:
    voxels = noise((10, 150, 203))
    layout = small_layout(voxels, sharded=False)
    write_volume(tmp_path / "C1", layout, voxels)
    info = layout.info()
    info["scales"][1]["key"] = "../other/level"
    info["scales"][2]["key"] = info["scales"][0]["key"]
    (tmp_path / "C1" / "info").write_text(json.dumps(info))
    (tmp_path / "other" / "level").mkdir(parents=True)

    pyramid_of(tmp_path / "C1", smallest_side_px=16)

    check_levels(tmp_path / "C1", voxels)
    assert (tmp_path / "other" / "level").is_dir()


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    by_others(tmp_path / "C1", noise((8, 64, 64)), compress="br")
    write_info(tmp_path / "C2", small_layout(noise((8, 64, 64))))
    info = json.loads((tmp_path / "C2" / "info").read_text())
    info["scales"][0]["sharding"]["hash"] = "murmurhash3_x86_128"
    (tmp_path / "C2" / "info").write_text(json.dumps(info))

    with pytest.raises(BrainstackError, match=r"are compressed as \.br, wanted \.gz"):
        pyramid_of(tmp_path / "C1", smallest_side_px=32)
    with pytest.raises(BrainstackError, match="murmurhash3"):
        pyramid_of(tmp_path / "C2", smallest_side_px=32)
    with pytest.raises(BrainstackError, match="There is no volume in"):
        pyramid_of(tmp_path / "C3", smallest_side_px=32)
