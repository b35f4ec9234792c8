"""How a volume is laid out, and the file that says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import referencing
import yaml
from block_volumes import by_cloud_volume, by_tensorstore, noise, small_layout, write_volume

from brainstack.errors import BrainstackError
from brainstack.files.volume_info import VolumeLayout, lay_out, read_layout, read_volume_info, write_info

SCHEMAS = Path(__file__).parents[1] / "data" / "neuroglancer_json_schema"


def channel(shape_zyx: tuple[int, int, int] = (440, 39500, 74500), **changes: Any) -> VolumeLayout:
    """A channel of a real brain."""
    wanted = {
        "data_type": "uint16",
        "num_channels": 1,
        "voxel_size_um": (0.325, 0.325, 20.0),
        "chunk_size": (128, 128, 64),
        "largest_plain_chunks": 20000,
        "gzip": False,
    }
    return lay_out(shape_zyx, **(wanted | changes))


def check_against_the_schema(info: dict[str, Any]) -> None:
    schemas = {name: yaml.safe_load((SCHEMAS / f"{name}.yml").read_text()) for name in ("volume", "sharding")}
    required = schemas["volume"]["properties"]["scales"]["items"]["required"]
    required[required.index("chunk_size")] = "chunk_sizes"  # a slip of the schema: see the README beside it
    registry = referencing.Registry().with_resources(
        (schema["$id"], referencing.Resource.from_contents(schema)) for schema in schemas.values()
    )
    jsonschema.Draft7Validator(schemas["volume"], registry=registry).validate(info)


def test_x_and_y_are_halved_until_a_voxel_is_as_wide_as_deep_then_all_three() -> None:
    layout = channel()

    assert [scale.factor_xyz for scale in layout.scales] == [(1, 1, 1), *[(2, 2, 1)] * 6, *[(2, 2, 2)] * 3]
    assert layout.scales[6].resolution_nm == (20800, 20800, 20000)
    assert layout.scales[7].resolution_nm == (41600, 41600, 40000)
    assert layout.scales[7].size_xyz == (583, 309, 220)
    assert [max(scale.size_xyz[:2]) <= 256 for scale in layout.scales] == [*[False] * 9, True]


def test_a_block_writes_the_levels_whose_chunks_it_holds() -> None:
    layout = channel()

    assert layout.levels_in_block == 5  # 2048 / 2**4 is one chunk of 128
    assert layout.blocks_xy == (37, 20)
    assert (layout.slabs, layout.slab_depth, layout.slab_range(6)) == (7, 64, (384, 440))
    assert layout.block_box((36, 19)) == (38912, 39500, 73728, 74500)


def test_a_level_that_halves_sections_is_not_a_block_s() -> None:
    thumbnails = channel((440, 1235, 2329), voxel_size_um=(10.4, 10.4, 20.0))

    assert [scale.factor_xyz[2] for scale in thumbnails.scales] == [1, 1, 2, 2, 2]
    assert thumbnails.levels_in_block == 2


def test_groups_hold_every_block_once() -> None:
    layout = channel()

    blocks = [block for group in range(layout.groups) for block in layout.blocks_of(group)]

    assert layout.groups_xy == (5, 3)
    assert layout.blocks_of(1)[:2] == [(8, 0), (9, 0)]
    assert sorted(blocks) == [(x, y) for x in range(37) for y in range(20)]
    assert len(layout.blocks_of(14)) == 5 * 4


@pytest.mark.parametrize("level", range(5))
def test_the_chunks_of_blocks_and_of_groups_are_all_chunks(level: int) -> None:
    layout = channel((70, 5000, 18000))
    across, down, _ = layout.scales[level].grid_xyz

    for places, chunks_of in (
        ([(x, y) for x in range(9) for y in range(3)], layout.chunks_of_block),
        (range(layout.groups), layout.chunks_of_group),
    ):
        count = np.zeros((down, across), int)
        for place in places:
            top, bottom, left, right = chunks_of(level, place)  # type: ignore[operator]
            count[top:bottom, left:right] += 1
        assert (count == 1).all()


def test_many_chunks_are_sharded_unless_told_otherwise() -> None:
    small, large = (64, 1000, 1000), (64, 20000, 20000)

    assert not channel(small).is_sharded
    assert channel(large).is_sharded
    assert channel(small, sharded=True).is_sharded
    assert not channel(large, sharded=False).is_sharded
    chunks = sum(scale.chunks for scale in channel(small).scales)
    assert not channel(small, largest_plain_chunks=chunks).is_sharded
    assert channel(small, largest_plain_chunks=chunks - 1).is_sharded


def test_chunk_files_are_never_larger_than_the_volume() -> None:
    assert channel((10, 100, 90), sharded=False).scales[0].chunk_xyz == (90, 100, 10)
    assert channel((10, 100, 90), sharded=True).scales[0].chunk_xyz == (128, 128, 64)


def test_only_raw_chunk_files_are_gz() -> None:
    small = (64, 1000, 1000)

    assert channel(small, gzip=True).gzip
    assert not channel(small, gzip=True, data_type="uint8", encoding="jpeg").gzip
    assert not channel(small, gzip=True, sharded=True).gzip
    sharding = channel(small, sharded=True, encoding="png").scales[0].sharding
    assert sharding is not None
    assert sharding.data_encoding == "raw"


def test_a_chunk_ends_where_the_volume_does() -> None:
    scale = channel((70, 1000, 1000), sharded=False).scales[0]

    assert scale.grid_xyz == (8, 8, 2)
    assert scale.chunk_name(7, 0, 1) == "896-1000_0-128_64-70"
    assert scale.chunk_shape_zyx(7, 0, 1) == (6, 128, 104)


@pytest.mark.parametrize(
    ("voxel_um", "resolution"),
    [
        ((0.325, 0.325, 20.0), [325, 325, 20000]),
        ((20.8, 20.8, 20.0), [20800, 20800, 20000]),  # 20.8 * 1000 is 20800.000000000004
        ((0.3255, 0.3255, 20.0), [325.5, 325.5, 20000]),
    ],
)
def test_lengths_are_exact_to_the_last_digit(tmp_path: Path, voxel_um: Any, resolution: list[float]) -> None:
    layout = channel((10, 1000, 1000), voxel_size_um=voxel_um)
    write_info(tmp_path / "C1", layout)

    first, second = json.loads((tmp_path / "C1" / "info").read_text())["scales"][:2]

    assert first["resolution"] == resolution
    assert first["key"] == "_".join(map(str, resolution))
    assert second["resolution"][:2] == [resolution[0] * 2, resolution[1] * 2]
    assert read_volume_info(tmp_path / "C1").voxel_size_um == pytest.approx(voxel_um, rel=1e-12)


@pytest.mark.parametrize("encoding", ["raw", "jpeg", "png"])
@pytest.mark.parametrize("sharded", [True, False])
@pytest.mark.parametrize("num_channels", [1, 3])
def test_the_info_is_what_neuroglancer_wants(encoding: str, sharded: bool, num_channels: int) -> None:
    layout = channel(encoding=encoding, data_type="uint8", sharded=sharded, num_channels=num_channels)

    check_against_the_schema(json.loads(json.dumps(layout.info())))


def test_the_schema_finds_what_is_wrong() -> None:
    info = channel(sharded=True).info()
    del info["scales"][0]["sharding"]["preshift_bits"]

    with pytest.raises(jsonschema.ValidationError, match="preshift_bits"):
        check_against_the_schema(info)


@pytest.mark.parametrize("changes", [{}, {"sharded": False, "gzip": True}, {"data_type": "uint8", "encoding": "jpeg"}])
def test_a_layout_is_read_as_it_was_written(tmp_path: Path, changes: dict[str, Any]) -> None:
    layout = channel(**changes)
    write_info(tmp_path / "C1", layout)

    assert read_layout(tmp_path / "C1") == layout
    write_info(tmp_path / "C1", layout, 3)
    assert read_layout(tmp_path / "C1").scales == layout.scales[:3]
    found = read_volume_info(tmp_path / "C1")
    assert (found.size_xyz, found.data_type, found.num_channels, found.levels) == (
        (74500, 39500, 440),
        layout.data_type,
        1,
        3,
    )


def test_what_else_an_info_says_is_kept(tmp_path: Path) -> None:
    info = channel().info() | {"type": "segmentation", "mesh": "mesh", "segment_properties": "names"}
    (tmp_path / "info").write_text(json.dumps(info))

    write_info(tmp_path, read_layout(tmp_path))

    assert json.loads((tmp_path / "info").read_text()) == info


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "There is no volume in"),
        ("{", "is not JSON"),
        ("[]", "names no scales"),
        ('{"scales": []}', "names no scales"),
        ('{"scales": [{}]}', "is not the info of a volume"),
    ],
)
def test_what_is_no_volume_is_named(tmp_path: Path, content: str | None, sentence: str) -> None:
    if content is not None:
        (tmp_path / "info").write_text(content)

    with pytest.raises(BrainstackError, match=sentence):
        read_layout(tmp_path)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"shape_zyx": (1, 2**31, 1)}, "2,147,483,648 rows, wanted 1 to 2,147,483,647"),
        ({"shape_zyx": (0, 10, 10)}, "0 sections"),
        ({"encoding": "jpeg"}, "uint16 encoded as jpeg .* holds uint8"),
        ({"encoding": "png", "data_type": "uint32"}, "uint32 encoded as png .* holds uint8 or uint16"),
        ({"encoding": "png", "num_channels": 4}, "4 channels as png"),
        ({"encoding": "gif"}, "'gif' .* wanted one of raw, jpeg, png"),
        ({"encoding": "jpeg", "data_type": "uint8", "chunk_size": (1024, 1024, 64)}, "JPEG cannot hold"),
        ({"chunk_size": (100, 128, 64)}, "Chunks of 100 pixels do not fit into blocks of 2048"),
        ({"chunk_size": (4096, 128, 64)}, "Chunks of 4096 pixels"),
        ({"block_px": 384}, "Groups of 16384 pixels|Chunks of 128 pixels do not fit into blocks of 384"),
        ({"group_px": 1024}, "Groups of 1024 pixels are not 1, 2, 4, 8 ... blocks of 2048"),
    ],
)
def test_what_no_reader_could_read_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BrainstackError, match=sentence):
        channel(**changes)


@pytest.mark.parametrize("sharded", [True, False])
@pytest.mark.parametrize("shape", [(10, 150, 203), (3, 7, 9), (1, 64, 65), (9, 257, 16), (5, 130, 150, 3)])
def test_a_volume_is_read_by_others_as_it_was_written(tmp_path: Path, sharded: bool, shape: tuple[int, ...]) -> None:
    """Odd sizes, several blocks, sides shorter than a chunk, colours."""
    voxels = noise(shape, "uint8" if len(shape) == 4 else "uint16")
    voxels[:, 20:70, 30:] = 0
    layout = small_layout(voxels, sharded=sharded)

    write_volume(tmp_path / "C1", layout, voxels)

    read = by_tensorstore(tmp_path / "C1", len(layout.scales))
    np.testing.assert_array_equal(read[0], voxels.reshape(*shape[:3], -1))
    for level, found in enumerate(read):
        assert found.shape[2::-1] == layout.scales[level].size_xyz
        np.testing.assert_array_equal(found, by_cloud_volume(tmp_path / "C1", level))


def test_chunk_files_that_are_gz_are_read_by_cloud_volume(tmp_path: Path) -> None:
    """tensorstore takes them for chunks that are not there, and reads zeros, so it cannot be asked."""
    voxels = noise((10, 150, 203))
    layout = small_layout(voxels, sharded=False, gzip=True)
    write_volume(tmp_path / "C1", layout, voxels)
    write_volume(tmp_path / "C2", small_layout(voxels, sharded=False), voxels)

    chunks = [file for file in (tmp_path / "C1").rglob("*") if file.is_file() and file.name != "info"]

    assert chunks
    assert all(file.suffix == ".gz" for file in chunks)
    np.testing.assert_array_equal(by_cloud_volume(tmp_path / "C1", 0)[..., 0], voxels)
    for level in range(len(layout.scales)):
        np.testing.assert_array_equal(by_cloud_volume(tmp_path / "C1", level), by_cloud_volume(tmp_path / "C2", level))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("shape", [(5, 70, 50), (5, 70, 50, 3)])
def test_png_loses_nothing(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    """cloud-volume cannot be asked: it reads PNG with a package more only, and of 16 bits only 8."""
    voxels = noise(shape, dtype)
    for name, changes in {
        "png": {"encoding": "png"},
        "raw": {},
        "files": {"encoding": "png", "sharded": False},
    }.items():
        write_volume(tmp_path / name, small_layout(voxels, **changes), voxels)
    levels = len(small_layout(voxels).scales)

    png, raw, files = (by_tensorstore(tmp_path / name, levels) for name in ("png", "raw", "files"))

    np.testing.assert_array_equal(png[0], voxels.reshape(*shape[:3], -1))
    for level in range(levels):
        np.testing.assert_array_equal(png[level], raw[level])
        np.testing.assert_array_equal(png[level], files[level])


@pytest.mark.parametrize("sharded", [True, False])
@pytest.mark.parametrize("colours", [1, 3])
def test_jpeg_is_near_to_what_was_written(tmp_path: Path, sharded: bool, colours: int) -> None:
    """A ramp along each axis: a mix-up of axes or channels would be far off."""
    z, y, x = np.indices((8, 64, 128))
    voxels = np.stack([x + 5 * z, 3 * y + 5 * z, 200 - x], axis=-1).astype("uint8")[..., :colours]
    voxels = voxels[..., 0] if colours == 1 else voxels
    layout = small_layout(voxels, sharded=sharded, encoding="jpeg", jpeg_quality=95)

    write_volume(tmp_path / "C1", layout, voxels)

    # cloud-volume writes pictures of colours as we do, but reads them in another order: see test_chunk_encoding.
    others = [by_cloud_volume(tmp_path / "C1", 0)] if colours == 1 else []
    for found in (by_tensorstore(tmp_path / "C1", 1)[0], *others):
        assert np.abs(found.astype(int) - voxels.reshape(8, 64, 128, -1)).max() <= 12
