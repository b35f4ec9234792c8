"""Things found by a number in shards, read by tensorstore."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorstore

from brainstack.files.uint64_index import MINISHARD_KEYS, _fullest, choose_sharding, write_index

RANDOM = np.random.default_rng(5)
KEYS = {
    "one": np.array([0]),
    "dense": np.arange(1, 5001),
    "sparse": RANDOM.choice(2**63, 5000),
    "uneven": (720575940 << 30) + RANDOM.choice(2**22, 5000, replace=False),
    "largest": np.array([1, 2**64 - 1], np.uint64),
}


@pytest.mark.parametrize("gzip", [True, False])
@pytest.mark.parametrize("name", KEYS)
def test_all_are_found_under_their_numbers(tmp_path: Path, name: str, gzip: bool) -> None:
    keys = KEYS[name].astype(np.uint64)
    sizes = np.arange(len(keys)) % 5 + 1  # words, each the place of the thing

    def pieces(which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        starts = np.append(0, np.cumsum(sizes[which]))
        return np.repeat(which, sizes[which]).astype("<u4"), starts

    sharding = write_index(tmp_path, keys, sizes * 4, pieces, gzip=gzip)

    spec = {"driver": "neuroglancer_uint64_sharded", "base": f"file://{tmp_path}/", "metadata": sharding}
    store = tensorstore.KvStore.open(spec).result()
    found = {int.from_bytes(key, "big") for key in store.list().result()}
    assert found == set(keys.tolist())
    for place in range(0, len(keys), max(1, len(keys) // 40)):
        data = bytes(store[int(keys[place]).to_bytes(8, "big")])
        assert data == np.full(sizes[place], place, "<u4").tobytes()


@pytest.mark.parametrize(("name", "hashed"), [("dense", False), ("sparse", False), ("uneven", True)])
def test_an_index_that_is_fetched_to_find_one_is_small(name: str, hashed: bool) -> None:
    keys = KEYS[name].astype(np.uint64)
    sharding = choose_sharding(keys, 100_000, data_encoding="raw")
    assert sharding.is_hashed == hashed
    assert sharding.shard_bits == 0
    assert _fullest(sharding, keys) <= MINISHARD_KEYS


def test_a_shard_is_not_made_larger_than_can_be_made_at_once() -> None:
    sharding = choose_sharding(np.arange(1 << 20, dtype=np.uint64), 3 << 28, data_encoding="raw")
    assert sharding.shard_bits == 2
    assert len(set(sharding.shards_of(np.arange(1 << 20, dtype=np.uint64)).tolist())) == 4
