"""Small things found by a number: sharded, so that a million of them are a few files.

https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/sharded.md
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.files.chunk_encoding import compress
from brainstack.files.morton import Codes, Sharding
from brainstack.files.shard_files import ShardWriter

Words = NDArray[np.uint32]
Pieces = Callable[[NDArray[np.int64]], tuple[Words, NDArray[np.int64]]]
"""Which of the things -> their bytes, as words of four, one after the other; and the word at which each begins, and the
end of all."""

MINISHARD_KEYS = 1024
"""Things of a minishard at most, where that can be had: its index, 24 bytes for each before they are packed, is fetched
to find one."""

MOST_MINISHARD_BITS = 14
"""A quarter of a megabyte at the head of a shard, of which a viewer reads 16 bytes."""

SHARD_BYTES = 1 << 28
"""About; a shard is made in one go."""

BLOCK_BYTES = 1 << 22
"""Put together at once, about."""


def choose_sharding(keys: Codes, size_bytes: int, *, data_encoding: str) -> Sharding:
    """Sharding for these keys, which together take `size_bytes`: by their highest bits, so that neighbours stay
    together; hashed where these would put too many into one minishard."""
    bits = int(keys.max()).bit_length()
    shard_bits = max(0, (-(-size_bytes // SHARD_BYTES) - 1).bit_length())
    for minishard_bits in range(min(MOST_MINISHARD_BITS, bits - shard_bits) + 1 if bits >= shard_bits else 0):
        sharding = Sharding(bits - shard_bits - minishard_bits, minishard_bits, shard_bits, data_encoding)
        if _fullest(sharding, keys) <= MINISHARD_KEYS:
            return sharding
    minishards = (len(keys) * 2 // MINISHARD_KEYS).bit_length() - shard_bits
    minishard_bits = min(MOST_MINISHARD_BITS, max(0, minishards))
    return Sharding(0, minishard_bits, shard_bits, data_encoding, is_hashed=True)


def _fullest(sharding: Sharding, keys: Codes) -> int:
    places = (sharding.shards_of(keys) << np.uint64(sharding.minishard_bits)) | sharding.minishards_of(keys).astype(
        "u8"
    )
    return int(np.unique(places, return_counts=True)[1].max())


def write_index(
    folder: Path, keys: Codes, sizes_bytes: NDArray[np.int64], pieces: Pieces, *, gzip: bool
) -> dict[str, Any]:
    """Write things to the shards of a folder. Returns the sharding, as `info` has it.

    keys : of each, no two alike. sizes_bytes : of each, before it is packed. pieces : makes them, some at a time.
    gzip : each is packed by itself.
    """
    sharding = choose_sharding(keys, int(sizes_bytes.sum()), data_encoding="gzip" if gzip else "raw")
    shards = sharding.shards_of(keys)
    order = np.lexsort((keys, shards))
    edges = np.flatnonzero(np.diff(shards[order], prepend=shards[order[:1]] + np.uint64(1)))
    for start, end in zip(edges, [*edges[1:], len(order)], strict=True):
        inside = order[start:end]
        with ShardWriter(folder / sharding.shard_name(int(shards[inside[0]])), sharding) as out:
            blocks = np.cumsum(sizes_bytes[inside]) // BLOCK_BYTES
            for some in np.split(inside, np.flatnonzero(np.diff(blocks)) + 1):
                _append(out, keys[some], *pieces(some), gzip=gzip)
    return sharding.to_json()


def _append(out: ShardWriter, keys: Codes, words: Words, starts: NDArray[np.int64], *, gzip: bool) -> None:
    if not gzip:
        out.append_many(keys, np.diff(starts) * 4, words.data)
        return
    for key, start, end in zip(keys.tolist(), starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        out.append(key, compress(words[start:end].data))
