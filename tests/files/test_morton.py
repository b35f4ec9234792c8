"""Numbers of chunks, and their shards, as others count them."""

from __future__ import annotations

import numpy as np
import pytest

from brainstack.errors import BrainstackError
from brainstack.files.morton import Sharding, chunk_codes, sharding_for


def test_the_bits_of_x_y_and_z_take_turns() -> None:
    x, y, z = (np.array(place) for place in ([1, 0, 0, 2, 3], [0, 1, 0, 0, 3], [0, 0, 1, 0, 3]))

    assert chunk_codes((4, 4, 4), x, y, z).tolist() == [0b1, 0b10, 0b100, 0b1000, 0b111111]


def test_a_bit_that_the_grid_has_no_use_for_is_left_out() -> None:
    assert chunk_codes((8, 1, 2), np.array([7]), np.array([0]), np.array([1])).tolist() == [0b1111]


@pytest.mark.parametrize("grid", [(1, 1, 1), (5, 3, 2), (16, 16, 16), (583, 309, 7), (1, 900, 3), (2, 1, 70)])
def test_numbers_are_those_of_cloud_volume(grid: tuple[int, int, int]) -> None:
    from cloudvolume.datasource.precomputed.common import compressed_morton_code

    places = np.stack([np.random.default_rng(3).integers(0, size, 200) for size in grid], axis=1)

    wanted = [int(np.squeeze(compressed_morton_code(place, grid))) for place in places.tolist()]

    assert chunk_codes(grid, *places.T).tolist() == wanted


@pytest.mark.parametrize("grid", [(5, 3, 2), (37, 20, 7), (16, 1, 9), (33, 64, 33)])
@pytest.mark.parametrize("across", [1, 2, 4, 16])
def test_a_shard_lies_inside_one_column(grid: tuple[int, int, int], across: int) -> None:
    """And every chunk has its shard and minishard."""
    sharding = sharding_for(grid, (across, across), "gzip")
    x, y, z = (axis.ravel() for axis in np.indices(grid))
    codes = chunk_codes(grid, x, y, z)

    assert len(set(codes.tolist())) == len(codes)
    columns: dict[int, set[tuple[int, int]]] = {}
    shards = sharding.shards_of(codes).tolist()
    for shard, column_x, column_y in zip(shards, (x // across).tolist(), (y // across).tolist(), strict=True):
        columns.setdefault(shard, set()).add((column_x, column_y))
    assert all(len(column) == 1 for column in columns.values())
    assert sharding.minishards_of(codes).max() < 2**sharding.minishard_bits
    assert max(shards) < 2**sharding.shard_bits


def test_a_minishard_has_no_more_than_256_chunks() -> None:
    sharding = sharding_for((583, 309, 7), (16, 16), "gzip")

    assert sharding.preshift_bits == 8
    assert sharding.preshift_bits + sharding.minishard_bits == 4 + 4 + 3  # bits of x, y and z inside a shard


def test_a_sharding_is_read_as_it_was_written() -> None:
    sharding = sharding_for((583, 309, 7), (16, 16), "raw")

    assert Sharding.from_json(sharding.to_json()) == sharding
    assert sharding.shard_name(10) == "00a.shard"
    with pytest.raises(BrainstackError, match=r"murmurhash3_x86_128, wanted .* identity"):
        Sharding.from_json(sharding.to_json() | {"hash": "murmurhash3_x86_128"})
