"""Shards of a group of blocks, made of the blocks' part files and of the shards that stand there.

A shard's box lies inside one column of blocks, or one group, so that no two tasks write one file. Chunks are copied as
they are stored; to redo a slab is to make its parts, and to join again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.files.chunks import TABLE, read_part
from brainstack.files.morton import Codes, chunk_codes
from brainstack.files.shard_files import INDEX, OpenFiles, ShardWriter, read_shard_index
from brainstack.files.volume_blocks import BlockRecord, chunks_written
from brainstack.files.volume_layout import Bitmap, Scale, VolumeLayout

__all__ = ["join_group", "read_shard_index"]


@dataclass(frozen=True, eq=False)
class _Chunks:
    """Chunks in the order of their codes. places : (chunks, 3), their x, y, z."""

    codes: Codes
    places: NDArray[np.int64]

    def __getitem__(self, which: NDArray[Any]) -> _Chunks:
        return _Chunks(self.codes[which], self.places[which])


@dataclass(frozen=True, eq=False)
class _Parts:
    """The chunks of one level in part files, in the order of their codes. rows : of `TABLE`. file : number in paths."""

    paths: Sequence[Path]
    codes: Codes
    rows: NDArray[Any]
    file: NDArray[np.int64]


def join_group(
    path: Path, layout: VolumeLayout, group: int, parts: Sequence[Path], wanted: Collection[BlockRecord]
) -> None:
    """Write the shards of a group, of all the levels that blocks write; each is whole, or what it was before.

    parts : part files of blocks of this group. What a part file says of a chunk counts; chunks that none of them speaks
        of are copied from the shards that stand there. A shard that nothing is in is removed.
    wanted : the records of all blocks of the group, of all slabs. The chunks that they list go in, and no others.

    Raises BrainstackError where a record is missing, a part file is not whole, or a wanted chunk is nowhere.
    """
    _check_records(layout, group, wanted)
    bitmaps = chunks_written(layout, wanted)
    tables = [read_part(part)[0] for part in parts]
    for level in range(layout.levels_in_block):
        chunks, are_wanted = _chunks_of_group(layout, group, level, bitmaps[level])
        at_level = _parts_of_level(layout.scales[level], level, parts, tables)
        _join_level(path, layout.scales[level], chunks, are_wanted, at_level)


def _check_records(layout: VolumeLayout, group: int, wanted: Collection[BlockRecord]) -> None:
    expected = {(block, slab) for block in layout.blocks_of(group) for slab in range(layout.slabs)}
    found = {(record.block, record.slab) for record in wanted}
    if found != expected or len(wanted) != len(expected):
        missing = sorted(expected - found)[:3]
        raise BrainstackError(
            f"Group {group} has the records of {len(found & expected)} blocks, wanted {len(expected)}"
            f"{f' (missing, among others: {missing})' if missing else ''}. Delete the volume's folder and run the "
            "same command again."
        )


def _chunks_of_group(layout: VolumeLayout, group: int, level: int, bitmap: Bitmap) -> tuple[_Chunks, NDArray[np.bool_]]:
    """All chunks that a group has room for, and which of them are wanted."""
    first_y, end_y, first_x, end_x = layout.chunks_of_group(level, group)
    inside = bitmap[:, first_y:end_y, first_x:end_x]
    places = np.argwhere(np.ones_like(inside))[:, ::-1] + (first_x, first_y, 0)
    codes = chunk_codes(layout.scales[level].grid_xyz, *places.T)
    order = np.argsort(codes)
    return _Chunks(codes[order], places[order]), inside.ravel()[order]


def _parts_of_level(scale: Scale, level: int, paths: Sequence[Path], tables: Sequence[NDArray[Any]]) -> _Parts:
    of_level = [table[table["level"] == level] for table in tables]
    rows = np.concatenate([np.zeros(0, TABLE), *of_level])
    file = np.repeat(np.arange(len(paths)), [len(table) for table in of_level])
    codes = chunk_codes(scale.grid_xyz, rows["x"], rows["y"], rows["z"])
    order = np.argsort(codes, kind="stable")
    codes, rows, file = codes[order], rows[order], file[order]
    twice = np.flatnonzero(codes[1:] == codes[:-1])
    if len(twice):
        one, other = paths[file[twice[0]]], paths[file[twice[0] + 1]]
        raise BrainstackError(
            f"The part files {one} and {other} hold the same chunk. Delete both, and run the same command again: "
            "they are made again."
        )
    return _Parts(paths, codes, rows, file)


def _join_level(path: Path, scale: Scale, chunks: _Chunks, wanted: NDArray[np.bool_], parts: _Parts) -> None:
    assert scale.sharding is not None
    shards = scale.sharding.shards_of(chunks.codes)
    shards_of_parts = scale.sharding.shards_of(parts.codes)
    starts = np.flatnonzero(np.diff(shards, prepend=shards[:1] + np.uint64(1)))
    for start, end in zip(starts, [*starts[1:], len(shards)], strict=True):
        shard = path / scale.key / scale.sharding.shard_name(int(shards[start]))
        inside = chunks[np.arange(start, end)[wanted[start:end]]]
        if not len(inside.codes):
            shard.unlink(missing_ok=True)
        else:
            _join_shard(shard, scale, inside, parts, is_touched=bool((shards_of_parts == shards[start]).any()))


def _join_shard(path: Path, scale: Scale, wanted: _Chunks, parts: _Parts, *, is_touched: bool) -> None:
    assert scale.sharding is not None
    in_parts = _find(parts.codes, wanted.codes)
    # Not looked at where the parts have everything: so a damaged shard can be made again.
    is_needed = path.exists() and (in_parts < 0).any()
    old = read_shard_index(path, scale.sharding) if is_needed else np.zeros(0, INDEX)
    if not is_touched and np.array_equal(old["code"], wanted.codes):
        return
    in_old = _find(old["code"], wanted.codes)
    with OpenFiles() as files, ShardWriter(path, scale.sharding) as out:
        for code, place, row, old_row in zip(wanted.codes.tolist(), wanted.places, in_parts, in_old, strict=True):
            if row >= 0 and parts.rows["size"][row]:
                source, found = parts.paths[parts.file[row]], parts.rows[row]
            elif row < 0 <= old_row:
                source, found = path, old[old_row]
            else:
                where = f"{parts.paths[parts.file[row]]} has it empty" if row >= 0 else f"it is not in {path}"
                raise BrainstackError(
                    f"Chunk {scale.chunk_name(*place.tolist())} of {path.parent} was lost: its block's record has it, "
                    f"but {where}. Delete the volume's folder and run the same command again."
                )
            out.append_from(code, files, source, int(found["offset"]), int(found["size"]))


def _find(codes: Codes, wanted: Codes) -> NDArray[np.int64]:
    """Where each wanted code is in sorted codes; -1 where it is not."""
    if not len(codes):
        return np.full(len(wanted), -1)
    at = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
    return np.where(codes[at] == wanted, at, -1)
