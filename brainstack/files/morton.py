"""Where a chunk of a sharded volume is kept: the number of the chunk, and the shard and minishard that follow from it.

A chunk's number is its "compressed Morton code": the bits of its place along x, y and z, one of each in turn, left out
where the grid of chunks has no use for them. Chunks that are near one another so have numbers that are.
https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/volume.md
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError

Codes = NDArray[np.uint64]

CHUNK_BITS_OF_MINISHARD = 8
"""256 chunks to a minishard: its index, about 2 kB, is what a viewer fetches before the first of them."""

SHARDING_TYPE = "neuroglancer_uint64_sharded_v1"
MURMUR = "murmurhash3_x86_128"


@dataclass(frozen=True)
class Sharding:
    """How the bits of a chunk's number are used. From the lowest: within a minishard, its minishard, its shard.

    data_encoding, minishard_index_encoding : "gzip" or "raw". is_hashed : the bits are not those of the number, but of
    its MurmurHash, which spreads numbers that lie unevenly.
    """

    preshift_bits: int
    minishard_bits: int
    shard_bits: int
    data_encoding: str
    minishard_index_encoding: str = "gzip"
    is_hashed: bool = False

    def shards_of(self, codes: Codes) -> Codes:
        """The number of the shard of each chunk."""
        shift, mask = self.preshift_bits + self.minishard_bits, (1 << self.shard_bits) - 1
        return _shifted(self._bits_of(codes), shift) & np.uint64(mask)

    def minishards_of(self, codes: Codes) -> NDArray[np.int64]:
        """The number of the minishard, inside its shard, of each chunk."""
        mask = np.uint64((1 << self.minishard_bits) - 1)
        return (_shifted(self._bits_of(codes), self.preshift_bits) & mask).astype(np.int64)

    def _bits_of(self, codes: Codes) -> Codes:
        return murmur_hash(codes) if self.is_hashed else codes

    def shard_name(self, shard: int) -> str:
        """The file of a shard in the folder of its scale."""
        return f"{shard:0{-(-self.shard_bits // 4)}x}.shard"

    def to_json(self) -> dict[str, Any]:
        """As the `info` file has it."""
        return {
            "@type": SHARDING_TYPE,
            "hash": MURMUR if self.is_hashed else "identity",
            "preshift_bits": self.preshift_bits,
            "minishard_bits": self.minishard_bits,
            "shard_bits": self.shard_bits,
            "minishard_index_encoding": self.minishard_index_encoding,
            "data_encoding": self.data_encoding,
        }

    @staticmethod
    def from_json(content: dict[str, Any]) -> Sharding:
        """Raises BrainstackError for a kind of sharding that no volume of images has."""
        found = (content.get("@type"), content.get("hash"))
        if found != (SHARDING_TYPE, "identity"):
            raise BrainstackError(
                f"A volume is sharded by {found[0]} with hash {found[1]}, wanted {SHARDING_TYPE} with hash identity, "
                "or no shards. Write it anew with the program that made it, without `sharding` in its info; "
                "brainstack's own are so with [neuroglancer] format = 'plain'."
            )
        return Sharding(
            preshift_bits=content["preshift_bits"],
            minishard_bits=content["minishard_bits"],
            shard_bits=content["shard_bits"],
            data_encoding=content.get("data_encoding", "raw"),
            minishard_index_encoding=content.get("minishard_index_encoding", "raw"),
        )


def sharding_for(grid_xyz: tuple[int, int, int], across_xy: tuple[int, int], data_encoding: str) -> Sharding:
    """Shards as large as fit into columns of `across_xy` chunks, which start at multiples of that.

    grid_xyz : number of chunks. across_xy : powers of two, or no fewer than the grid has.
    """
    bits = _bits_of_code(grid_xyz)
    inside = next((n for n, (axis, bit) in enumerate(bits) if axis < 2 and (1 << bit) >= across_xy[axis]), len(bits))
    minishard_bits = max(inside - CHUNK_BITS_OF_MINISHARD, 0)
    return Sharding(
        preshift_bits=inside - minishard_bits,
        minishard_bits=minishard_bits,
        shard_bits=len(bits) - inside,
        data_encoding=data_encoding,
    )


def chunk_codes(grid_xyz: tuple[int, int, int], x: NDArray[Any], y: NDArray[Any], z: NDArray[Any]) -> Codes:
    """The numbers of the chunks at (x, y, z) of the grid. x, y, z : whole numbers, of shapes that broadcast."""
    places = [np.asarray(place).astype(np.uint64) for place in (x, y, z)]
    codes = np.zeros(np.broadcast_shapes(*(place.shape for place in places)), np.uint64)
    for number, (axis, bit) in enumerate(_bits_of_code(grid_xyz)):
        codes |= ((places[axis] >> np.uint64(bit)) & np.uint64(1)) << np.uint64(number)
    return codes


def _bits_of_code(grid_xyz: tuple[int, int, int]) -> list[tuple[int, int]]:
    """(axis, bit along that axis) of each bit of the code, lowest first."""
    return [(axis, bit) for bit in range(32) for axis in range(3) if (1 << bit) < grid_xyz[axis]]


def _shifted(codes: Codes, bits: int) -> Codes:
    """What is left of numbers without their lowest bits, which may be all 64."""
    return codes >> np.uint64(bits) if bits < 64 else np.zeros_like(codes)


def murmur_hash(codes: Codes) -> Codes:
    """The lower half of MurmurHash3_x86_128, with seed 0, of each number as eight little-endian bytes.

    https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp; of its four lanes, eight bytes reach two, and
    the others start as zero.
    """
    low, high = (codes & np.uint64(0xFFFFFFFF)).astype(np.uint32), (codes >> np.uint64(32)).astype(np.uint32)
    length = np.uint32(8)
    first = _rotated(low * np.uint32(0x239B961B), 15) * np.uint32(0xAB0E9789) ^ length
    second = _rotated(high * np.uint32(0xAB0E9789), 16) * np.uint32(0x38B34AE5) ^ length
    third = fourth = np.full_like(low, length)
    first = first + second + third + fourth
    lanes = [_mixed(lane) for lane in (first, first + second, first + third, first + fourth)]
    total = lanes[0] + lanes[1] + lanes[2] + lanes[3]
    return total.astype(np.uint64) | (total + lanes[1]).astype(np.uint64) << np.uint64(32)


def _rotated(lane: NDArray[np.uint32], bits: int) -> NDArray[np.uint32]:
    return lane << np.uint32(bits) | lane >> np.uint32(32 - bits)


def _mixed(lane: NDArray[np.uint32]) -> NDArray[np.uint32]:
    lane = (lane ^ lane >> np.uint32(16)) * np.uint32(0x85EBCA6B)
    lane = (lane ^ lane >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    return lane ^ lane >> np.uint32(16)
