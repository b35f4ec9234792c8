"""Blocks: what is rendered is in the volume, at all levels, and what is empty is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from block_volumes import by_cloud_volume, from_array, noise, small_layout, write_blocks, write_volume

from brainstack.files.chunks import PlainChunks
from brainstack.files.volume_blocks import BlockRecord, BlockWriter, chunks_written
from brainstack.files.volume_info import lay_out, write_info
from brainstack.images.halving import halve_volume

Array = np.ndarray[Any, Any]


class Kept:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.chunks: dict[tuple[int, int, int, int], Array] = {}
        self.empty: list[tuple[int, int, int, int]] = []

    def put(self, level: int, x: int, y: int, z: int, chunk: Array) -> int:
        assert chunk.flags.c_contiguous
        self.chunks[level, x, y, z] = chunk.copy()
        return 10

    def leave_out(self, level: int, x: int, y: int, z: int) -> None:
        self.empty.append((level, x, y, z))


@pytest.mark.parametrize("sharded", [True, False])
@pytest.mark.parametrize(
    ("shape", "dtype"), [((9, 150, 203), "uint16"), ((9, 150, 203), "uint8"), ((5, 70, 90, 3), "uint8")]
)
def test_every_level_of_a_volume_is_the_half_of_the_one_before(
    tmp_path: Path, sharded: bool, shape: tuple[int, ...], dtype: str
) -> None:
    voxels = noise(shape, dtype)
    layout = small_layout(voxels, sharded=sharded)

    write_volume(tmp_path / "C1", layout, voxels)

    wanted = voxels.reshape(*shape[:3], -1)
    for level, scale in enumerate(layout.scales):
        wanted = halve_volume(wanted, scale.factor_xyz) if level else wanted
        np.testing.assert_array_equal(by_cloud_volume(tmp_path / "C1", level), wanted)


def test_the_mean_of_every_level_is_that_of_the_first(tmp_path: Path) -> None:
    voxels = noise((16, 256, 256), "uint8")
    layout = small_layout(voxels, voxel_size_um=(1, 1, 4), smallest_side_px=64)
    assert [scale.factor_xyz[2] for scale in layout.scales] == [1, 1, 1]

    write_volume(tmp_path / "C1", layout, voxels)

    for level in range(len(layout.scales)):
        assert by_cloud_volume(tmp_path / "C1", level).mean() == pytest.approx(voxels.mean(), abs=0.05)


def test_a_block_renders_its_own_box_of_each_section_once() -> None:
    layout = small_layout(np.zeros((10, 150, 200), "uint16"))
    asked = []

    def render(z: int, top: int, left: int, out: Array) -> bool:
        asked.append((z, top, left, out.shape))
        return False

    BlockWriter(layout).write((3, 2), 2, render, Kept())

    assert asked == [(8, 128, 192, (22, 8)), (9, 128, 192, (22, 8))]


def test_a_block_without_a_pixel_is_left_out_at_all_levels() -> None:
    layout = small_layout(np.zeros((8, 150, 200), "uint16"))
    sink = Kept()

    record = BlockWriter(layout).write((0, 0), 0, lambda *_: False, sink)

    assert not sink.chunks
    assert sorted(sink.empty) == [
        (level, x, y, 0) for level in range(3) for x in range(4 >> level) for y in range(4 >> level)
    ]
    assert not any(level.any() for level in record.written)
    assert record.written_bytes == (0, 0, 0)


def test_a_section_without_a_pixel_hides_nothing_of_the_block_before() -> None:
    """The memory is used again: what the renderer leaves undone must not show the last block."""
    layout = small_layout(np.zeros((4, 64, 128), "uint16"))
    writer, sink = BlockWriter(layout), Kept()
    writer.write((0, 0), 0, from_array(noise((4, 64, 128))), Kept())

    writer.write((1, 0), 0, lambda z, top, left, out: z == 2 and not out.fill(7), sink)  # type: ignore[func-returns-value]

    chunk = sink.chunks[0, 4, 0, 0]
    assert (chunk[2] == 7).all()
    assert not chunk[[0, 1, 3]].any()
    assert not sink.chunks[1, 2, 0, 0][[0, 1, 3]].any()


def test_only_chunks_of_zeros_are_left_out() -> None:
    voxels = np.zeros((4, 64, 64), "uint16")
    voxels[1, 20, 40] = 4
    layout, sink = small_layout(voxels), Kept()

    record = BlockWriter(layout).write((0, 0), 0, from_array(voxels), sink)

    assert set(sink.chunks) == {(0, 2, 1, 0), (1, 1, 0, 0)}  # 4, 1, and a quarter, which is rounded to nothing
    assert [np.argwhere(level).tolist() for level in record.written] == [[[1, 2]], [[0, 1]], []]
    assert record.written_bytes == (10, 10, 0)


def test_glass_is_written_where_a_reader_would_show_black(tmp_path: Path) -> None:
    glass = (240, 230, 220)
    layout = small_layout(np.zeros((4, 64, 100, 3), "uint8"), sharded=False)

    def render(z: int, top: int, left: int, out: Array) -> bool:
        out[...] = 100
        return z != 1 and left == 0

    writer, sink = BlockWriter(layout, empty=glass), PlainChunks(tmp_path / "C1", layout)
    records = [writer.write((x, 0), 0, render, sink) for x in (0, 1)]
    write_info(tmp_path / "C1", layout, layout.levels_in_block)

    assert all(level.all() for record in records for level in record.written)
    for level in range(layout.levels_in_block):
        read = by_cloud_volume(tmp_path / "C1", level)
        assert (read[1] == glass).all()
        assert (read[0, :, 64 >> level :] == glass).all()
        assert (read[0, :, : 64 >> level] == 100).all()


def test_a_record_is_read_as_it_was_written() -> None:
    voxels = noise((4, 150, 203))
    voxels[:, :40, :40] = 0
    record = BlockWriter(small_layout(voxels)).write((0, 0), 0, from_array(voxels), Kept())

    back = BlockRecord.from_json(json.loads(json.dumps(record.to_json())))

    assert (back.block, back.slab, back.written_bytes) == (record.block, record.slab, record.written_bytes)
    for one, other in zip(back.written, record.written, strict=True):
        np.testing.assert_array_equal(one, other)


def test_records_together_say_what_there_is(tmp_path: Path) -> None:
    voxels = np.zeros((10, 150, 203), "uint16")
    voxels[9, 149, 202] = voxels[4, 0, 0] = 5000
    layout = small_layout(voxels, sharded=False)

    bitmaps = chunks_written(layout, write_blocks(tmp_path, layout, voxels))

    assert [np.argwhere(bitmap).tolist() for bitmap in bitmaps] == [
        [[1, 0, 0], [2, 9, 12]],
        [[1, 0, 0], [2, 4, 6]],
        [[1, 0, 0], [2, 2, 3]],
    ]


def test_the_memory_of_a_block_is_what_is_said() -> None:
    """2048 x 2048 x 64 of 16 bit and four levels above: 4/3 of 537 MB; a smaller volume takes less."""
    wanted = {
        "data_type": "uint16",
        "num_channels": 1,
        "voxel_size_um": (0.325, 0.325, 20.0),
        "chunk_size": (128, 128, 64),
        "largest_plain_chunks": 0,
        "gzip": False,
    }
    for shape, megabytes in (((440, 39500, 74500), 716 + 2.1), ((3, 100, 200), 0.2 + 2.1)):
        writer = BlockWriter(lay_out(shape, **wanted))  # type: ignore[arg-type]
        total = sum(level.nbytes for level in writer._levels) + writer._chunk.nbytes
        assert total / 1e6 == pytest.approx(megabytes, abs=1)
