"""Shards: joined of parts and of what stood there, with every chunk that was written and no other."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from block_volumes import by_cloud_volume, noise, of_group, part_of, small_layout, write_blocks

from brainstack.errors import BrainstackError
from brainstack.files import shard_files
from brainstack.files.morton import Sharding
from brainstack.files.shard_files import OpenFiles, ShardWriter
from brainstack.files.sharding import join_group, read_shard_index
from brainstack.files.volume_blocks import BlockRecord
from brainstack.files.volume_info import VolumeLayout, write_info

SHAPE = (10, 150, 203)


def contents(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def join(
    path: Path, layout: VolumeLayout, records: Collection[BlockRecord], slabs: Collection[int] = (0, 1, 2)
) -> None:
    """Join all groups, with the part files of some slabs only."""
    for group in range(layout.groups):
        wanted = of_group(layout, group, records)
        parts = [part_of(path.parent, record.block, record.slab) for record in wanted if record.slab in slabs]
        join_group(path, layout, group, parts, wanted)


def volumes() -> tuple[Any, Any, VolumeLayout]:
    """Sections as they were, the same with the second slab (4 to 7) changed, and their layout; with empty chunks."""
    before = noise(SHAPE)
    before[:4, 64:] = before[:, :, 100:120] = 0
    after = before.copy()
    after[4:8] = after[4:8, ::-1]
    after[4:8, :70, :70] = 0
    return before, after, small_layout(before)


def test_the_box_of_a_shard_is_one_group_s(tmp_path: Path) -> None:
    before, _, layout = volumes()
    records = write_blocks(tmp_path / "C1", layout, before)
    seen: set[Path] = set()

    for group in range(layout.groups):
        wanted = of_group(layout, group, records)
        parts = [part_of(tmp_path, record.block, record.slab) for record in wanted]
        times = {shard: shard.stat().st_mtime_ns for shard in seen}
        join_group(tmp_path / "C1", layout, group, parts, wanted)
        assert times == {shard: shard.stat().st_mtime_ns for shard in seen}
        seen |= set((tmp_path / "C1").rglob("*.shard"))

    assert len(seen) > layout.groups


@pytest.mark.parametrize("slabs_left", [(0, 2), ()])
def test_a_slab_that_was_redone_gives_what_everything_anew_gives(tmp_path: Path, slabs_left: tuple[int, ...]) -> None:
    """Whether the other slabs' part files still are there or not. Chunks that became empty are gone."""
    before, after, layout = volumes()
    for name, voxels in (("redone", before), ("anew", after)):
        join(tmp_path / name / "C1", layout, write_blocks(tmp_path / name / "C1", layout, voxels))
    assert contents(tmp_path / "redone" / "C1") != contents(tmp_path / "anew" / "C1")

    records = [
        *write_blocks(tmp_path / "elsewhere" / "C1", layout, before, slabs=(0, 2)),
        *write_blocks(tmp_path / "redone" / "C1", layout, after, slabs=(1,)),
    ]
    join(tmp_path / "redone" / "C1", layout, records, slabs=(1, *slabs_left))

    assert contents(tmp_path / "redone" / "C1") == contents(tmp_path / "anew" / "C1")
    write_info(tmp_path / "redone" / "C1", layout, layout.levels_in_block)
    np.testing.assert_array_equal(by_cloud_volume(tmp_path / "redone" / "C1", 0)[..., 0], after)


def test_joining_again_without_parts_changes_nothing(tmp_path: Path) -> None:
    before, _, layout = volumes()
    records = write_blocks(tmp_path / "C1", layout, before)
    join(tmp_path / "C1", layout, records)
    wanted = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in (tmp_path / "C1").rglob("*.shard")}

    join(tmp_path / "C1", layout, records, slabs=())

    found = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in (tmp_path / "C1").rglob("*.shard")}
    assert found == wanted


def test_a_shard_that_would_be_empty_is_removed(tmp_path: Path) -> None:
    before, _, layout = volumes()
    join(tmp_path / "C1", layout, write_blocks(tmp_path / "C1", layout, before))
    assert list((tmp_path / "C1").rglob("*.shard"))

    join(tmp_path / "C1", layout, write_blocks(tmp_path / "C1", layout, np.zeros_like(before)))

    assert not list((tmp_path / "C1").rglob("*.shard"))


def test_a_damaged_shard_can_be_made_again(tmp_path: Path) -> None:
    before, _, layout = volumes()
    records = write_blocks(tmp_path / "C1", layout, before)
    join(tmp_path / "C1", layout, records)
    wanted = contents(tmp_path / "C1")
    for shard in (tmp_path / "C1").rglob("*.shard"):
        shard.write_bytes(shard.read_bytes()[:-3])

    with pytest.raises(BrainstackError, match=r"shard was cut short"):
        join(tmp_path / "C1", layout, records, slabs=(1,))
    join(tmp_path / "C1", layout, records)

    assert contents(tmp_path / "C1") == wanted


@pytest.mark.parametrize("what", ["part", "half a part", "chunk", "record", "twice"])
def test_what_was_lost_is_an_error_and_no_shard_is_touched(tmp_path: Path, what: str) -> None:
    before, _, layout = volumes()
    records = of_group(layout, 0, write_blocks(tmp_path / "C1", layout, before))
    parts = [part_of(tmp_path, record.block, record.slab) for record in records]
    sentence = {
        "part": r"Chunk 0-16_0-16_0-4 of .*1000_1000_8000 was lost: its block's record .* but it is not in .*shard",
        "half a part": "0_0_0 is not a whole part file",
        "chunk": r"Chunk 112-128_16-32_0-4 of .* was lost: .* but .*1_0_0 has it empty",
        "record": r"Group 0 has the records of 11 blocks, wanted 12 \(missing, among others: \[\(\(0, 0\), 0\)\]\)",
        "twice": "0_0_0 and .*again hold the same chunk",
    }[what]
    if what == "part":
        parts.remove(part_of(tmp_path, (0, 0), 0))
    elif what == "half a part":
        parts[0].write_bytes(parts[0].read_bytes()[:-100])
    elif what == "chunk":
        (block,) = (record for record in records if (record.block, record.slab) == ((1, 0), 0))
        changed = before.copy()
        changed[:4, 16:32, 112:128] = 0
        write_blocks(tmp_path / "C1", layout, changed)
        assert block.written[0][1, 3]
    elif what == "record":
        records = records[1:]
    else:
        parts.append(parts[0].rename(tmp_path / "again"))
        write_blocks(tmp_path / "C1", layout, before)

    with pytest.raises(BrainstackError, match=sentence):
        join_group(tmp_path / "C1", layout, 0, parts, records)
    shards = list((tmp_path / "C1").rglob("*"))
    assert [file for file in shards if file.name.startswith(".part-")] == []


def test_a_chunk_that_no_record_lists_does_not_go_in(tmp_path: Path) -> None:
    before, _, layout = volumes()
    records = write_blocks(tmp_path / "C1", layout, before)
    without = [level.copy() for level in records[0].written]
    without[0][:] = False

    join(tmp_path / "C1", layout, [replace(records[0], written=tuple(without)), *records[1:]])

    write_info(tmp_path / "C1", layout, layout.levels_in_block)
    read = by_cloud_volume(tmp_path / "C1", 0)[..., 0]
    assert not read[:4, :64, :64].any()
    np.testing.assert_array_equal(read[4:], before[4:])


@pytest.mark.parametrize("call", [1, 7, 40])
def test_a_failure_in_the_middle_keeps_whole_shards(tmp_path: Path, call: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after, layout = volumes()
    path = tmp_path / "C1"
    join(path, layout, write_blocks(path, layout, before))
    old = contents(path)
    records = write_blocks(path, layout, after)
    count = 0
    original = shard_files._copy

    def failing(*arguments: int) -> int:
        nonlocal count
        count += 1
        if count == call:
            raise OSError(28, "No space left on device")
        return original(*arguments)

    monkeypatch.setattr(shard_files, "_copy", failing)
    with pytest.raises(OSError, match="No space left"):
        join(path, layout, records)
    between = contents(path)
    monkeypatch.setattr(shard_files, "_copy", original)
    join(path, layout, records)
    new = contents(path)

    assert set(between) == set(old) | set(between)
    assert all(between[name] in (old.get(name), new.get(name)) for name in between)
    assert new != old


def test_bytes_are_copied_where_the_system_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, _, layout = volumes()
    records = write_blocks(tmp_path / "C1", layout, before)
    join(tmp_path / "C1", layout, records)
    wanted = contents(tmp_path / "C1")

    def refused(*_: int) -> int:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "copy_file_range", refused)
    for shard in (tmp_path / "C1").rglob("*.shard"):
        shard.unlink()
    join(tmp_path / "C1", layout, records)

    assert contents(tmp_path / "C1") == wanted


SHARDING = Sharding(preshift_bits=2, minishard_bits=2, shard_bits=3, data_encoding="raw")


def test_the_index_of_a_shard_says_where_its_chunks_are(tmp_path: Path) -> None:
    chunks = {code: bytes([code]) * (10 + code) for code in (0, 1, 3, 9, 10, 15)}
    with ShardWriter(tmp_path / "0.shard", SHARDING) as out:
        for code, data in chunks.items():
            out.append(code, data)

    index = read_shard_index(tmp_path / "0.shard", SHARDING)

    data = (tmp_path / "0.shard").read_bytes()
    assert index["code"].tolist() == list(chunks)
    for row in index:
        assert data[row["offset"] : row["offset"] + row["size"]] == chunks[int(row["code"])]


@pytest.mark.parametrize("keep", [0, 10, 64, 100, -1])
def test_a_shard_that_was_cut_short_is_named(tmp_path: Path, keep: int) -> None:
    with ShardWriter(tmp_path / "0.shard", SHARDING) as out:
        for code in range(10):
            out.append(code, bytes(20))
    data = (tmp_path / "0.shard").read_bytes()
    (tmp_path / "0.shard").write_bytes(data[:keep])

    with pytest.raises(BrainstackError, match=r"0\.shard was cut short: \d+ bytes wanted, \d+ found"):
        read_shard_index(tmp_path / "0.shard", SHARDING)


def test_a_part_that_is_shorter_than_its_table_says_is_named(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(bytes(10))

    with (
        pytest.raises(BrainstackError, match="part was cut short: 12 bytes wanted, 10 found"),
        OpenFiles() as files,
        ShardWriter(tmp_path / "0.shard", SHARDING) as out,
    ):
        out.append_from(0, files, tmp_path / "part", 2, 10)
    assert [file.name for file in tmp_path.iterdir()] == ["part"]


def test_more_files_can_be_read_than_may_be_open(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / str(number)).write_bytes(bytes([number]) * 3)

    with OpenFiles(most=3) as files:
        read = [files.read(tmp_path / str(number % 10), 1, 2) for number in range(25)]
        assert len(files._open) == 3

    assert read == [bytes([number % 10]) * 2 for number in range(25)]
    assert not files._open
