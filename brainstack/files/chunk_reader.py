"""Reading a volume chunk by chunk, sharded or not, whatever its encoding."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.files.chunk_encoding import decode, decompress
from brainstack.files.morton import chunk_codes
from brainstack.files.shard_files import INDEX, OpenFiles, read_shard_index
from brainstack.files.volume_layout import Bitmap, Scale, VolumeLayout
from brainstack.files.whole import PART

SHARDS_KEPT = 16
"""Shards whose index is kept in memory: 24 bytes a chunk."""


class ChunkReader:
    """Reads chunks of a volume. Used in a `with` block, which closes the shards it has opened."""

    def __init__(self, path: Path, layout: VolumeLayout) -> None:
        """path : the folder of the volume."""
        self.path, self.layout = path, layout
        self._files = OpenFiles()
        self._indexes: dict[Path, NDArray[Any]] = {}

    def read(self, level: int, x: int, y: int, z: int) -> NDArray[Any] | None:
        """The chunk at (x, y, z) of the grid, (channels, z, y, x); None where there is none: it is all zeros.

        Raises BrainstackError where its bytes are not a whole chunk.
        """
        scale = self.layout.scales[level]
        data, source = self._stored(scale, x, y, z)
        if data is None:
            return None
        shape = (self.layout.num_channels, *scale.chunk_shape_zyx(x, y, z))
        try:
            in_gzip = scale.sharding.data_encoding == "gzip" if scale.sharding is not None else source.suffix == ".gz"
            data = decompress(data) if in_gzip else data
            return decode(data, scale.encoding, shape, self.layout.data_type)
        except ValueError as error:
            raise BrainstackError(
                f"Chunk {scale.chunk_name(x, y, z)} in {source} was cut short or damaged: it {error}. "
                "If brainstack made that volume, delete its folder and run the same command again."
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.__exit__(kind, error, trace)

    def _stored(self, scale: Scale, x: int, y: int, z: int) -> tuple[bytes | None, Path]:
        """The bytes of a chunk as they are stored, and the file that they are in."""
        if scale.sharding is not None:
            return self._in_shard(scale, x, y, z)
        plain = self.path / scale.key / scale.chunk_name(x, y, z)
        compressed = plain.with_name(plain.name + ".gz")
        for file in (compressed, plain) if self.layout.gzip else (plain, compressed):
            try:
                return file.read_bytes(), file
            except FileNotFoundError:
                continue
        return None, plain

    def _in_shard(self, scale: Scale, x: int, y: int, z: int) -> tuple[bytes | None, Path]:
        assert scale.sharding is not None
        code = chunk_codes(scale.grid_xyz, np.array([x]), np.array([y]), np.array([z]))
        shard = self.path / scale.key / scale.sharding.shard_name(int(scale.sharding.shards_of(code)[0]))
        index = self._index(shard, scale)
        row = int(np.searchsorted(index["code"], code[0]))
        if row == len(index) or index["code"][row] != code[0]:
            return None, shard
        return self._files.read(shard, int(index["offset"][row]), int(index["size"][row])), shard

    def _index(self, shard: Path, scale: Scale) -> NDArray[Any]:
        assert scale.sharding is not None
        if shard not in self._indexes:
            if len(self._indexes) >= SHARDS_KEPT:
                del self._indexes[next(iter(self._indexes))]
            exists = shard.exists()
            self._indexes[shard] = read_shard_index(shard, scale.sharding) if exists else np.zeros(0, INDEX)
        return self._indexes[shard]


def chunks_there(path: Path, layout: VolumeLayout, level: int) -> tuple[Bitmap, list[str]]:
    """Which chunks of a level there are, a bitmap (z, y, x) of its grid, and what else is in its folder.

    Raises BrainstackError where a shard cannot be read.
    """
    scale = layout.scales[level]
    folder = path / scale.key
    names = sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []
    names = [name for name in names if not name.startswith(PART)]
    return _in_shards(folder, names, scale) if scale.sharding is not None else _in_files(names, scale)


def _in_files(names: list[str], scale: Scale) -> tuple[Bitmap, list[str]]:
    there = np.zeros(scale.grid_xyz[::-1], bool)
    strangers = []
    for name in names:
        place = _place_of(name.removesuffix(".gz"), scale)
        if place is None:
            strangers.append(name)
        else:
            there[place] = True
    return there, strangers


def _place_of(name: str, scale: Scale) -> tuple[int, int, int] | None:
    """(z, y, x) of a chunk by its name; None where it is not one of this scale's."""
    try:
        firsts = [int(part.rpartition("-")[0]) for part in name.split("_")]
        places = [
            divmod(first - offset, length)[0]
            for first, offset, length in zip(firsts, scale.voxel_offset_xyz, scale.chunk_xyz, strict=True)
        ]
    except ValueError:
        return None
    x, y, z = places
    inside = all(0 <= place < count for place, count in zip(places, scale.grid_xyz, strict=True))
    return (z, y, x) if inside and scale.chunk_name(x, y, z) == name else None


def _in_shards(folder: Path, names: list[str], scale: Scale) -> tuple[Bitmap, list[str]]:
    assert scale.sharding is not None
    there = np.zeros(scale.grid_xyz[::-1], bool)
    z, y, x = np.ogrid[: there.shape[0], : there.shape[1], : there.shape[2]]
    codes = chunk_codes(scale.grid_xyz, x, y, z).ravel()
    order = np.argsort(codes)
    shards = {scale.sharding.shard_name(int(shard)) for shard in np.unique(scale.sharding.shards_of(codes))}
    strangers = [name for name in names if name not in shards]
    for name in names:
        if name in shards:
            found = read_shard_index(folder / name, scale.sharding)["code"]
            at = np.minimum(np.searchsorted(codes, found, sorter=order), len(codes) - 1)
            known = codes[order[at]] == found
            there.ravel()[order[at[known]]] = True
            strangers += [f"{name}, chunk number {code}" for code in found[~known].tolist()]
    return there, strangers
