"""The check of a volume: nothing to say of a good one, and a sentence for each way to be bad."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from block_volumes import noise, small_layout, write_volume

from brainstack.files.volume_check import check_volume
from brainstack.files.volume_info import VolumeLayout, write_info
from brainstack.files.volume_layout import Bitmap


def volume(path: Path, **changes: object) -> tuple[VolumeLayout, list[Bitmap]]:
    """A volume whose right half is empty."""
    voxels = noise((10, 150, 203), "uint8")
    voxels[:, :, 96:] = 0
    layout = small_layout(voxels, **changes)
    return layout, write_volume(path, layout, voxels)


@pytest.mark.parametrize(
    "changes", [{}, {"sharded": False}, {"sharded": False, "gzip": True}, {"encoding": "jpeg"}, {"encoding": "png"}]
)
def test_there_is_nothing_to_say_of_a_good_volume(tmp_path: Path, changes: dict[str, object]) -> None:
    layout, written = volume(tmp_path / "C1", **changes)
    told: list[tuple[int, int]] = []

    assert check_volume(tmp_path / "C1", layout, written, lambda done, total: told.append((done, total))) == []

    total = sum(int(level.sum()) for level in written)
    assert told == [(number, total) for number in range(1, total + 1)]


def test_a_chunk_file_that_was_lost_is_named(tmp_path: Path) -> None:
    layout, written = volume(tmp_path / "C1", sharded=False)
    for name in ("0-16_16-32_0-4", "16-32_16-32_8-10"):
        (tmp_path / "C1" / layout.scales[1].key / name).unlink()

    (sentence,) = check_volume(tmp_path / "C1", layout, written)

    assert sentence.startswith(
        f"Level 1 of {tmp_path / 'C1'}, 2000_2000_8000, has lost 2 chunks: 0-16_16-32_0-4, 16-32_16"
    )


def test_a_level_that_was_lost_is_said_in_one_sentence(tmp_path: Path) -> None:
    layout, written = volume(tmp_path / "C1")
    for shard in (tmp_path / "C1" / layout.scales[0].key).iterdir():
        shard.unlink()

    (sentence,) = check_volume(tmp_path / "C1", layout, written)

    assert f"has lost {written[0].sum()} chunks: 0-16_0-16_0-4" in sentence
    assert " ..." in sentence


@pytest.mark.parametrize("sharded", [True, False])
def test_a_chunk_that_should_not_be_there_is_named(tmp_path: Path, sharded: bool) -> None:
    layout, written = volume(tmp_path / "C1", sharded=sharded)
    assert written[0][0, 3, 2]
    written[0][0, 3, 2] = False

    (sentence,) = check_volume(tmp_path / "C1", layout, written)

    assert "has unexpected 1 chunk: 32-48_48-64_0-4." in sentence


def test_what_is_no_chunk_is_named(tmp_path: Path) -> None:
    layout, written = volume(tmp_path / "C1", sharded=False)
    for name in ("0-17_0-16_0-4", "notes.txt", ".part-12-0-16_0-16_0-4"):
        (tmp_path / "C1" / layout.scales[0].key / name).touch()

    (sentence,) = check_volume(tmp_path / "C1", layout, written)

    assert "holds what is not of this volume: 0-17_0-16_0-4, notes.txt." in sentence


@pytest.mark.parametrize("changes", [{}, {"gzip": True}, {"encoding": "jpeg"}, {"encoding": "png"}])
def test_a_chunk_file_that_was_cut_short_is_named(tmp_path: Path, changes: dict[str, object]) -> None:
    layout, written = volume(tmp_path / "C1", sharded=False, **changes)
    (chunk,) = (tmp_path / "C1" / layout.scales[0].key).glob("16-32_0-16_4-8*")
    chunk.write_bytes(chunk.read_bytes()[:-3])

    (sentence,) = check_volume(tmp_path / "C1", layout, written)

    assert sentence.startswith(f"Chunk 16-32_0-16_4-8 in {chunk} was cut short or damaged")


def test_a_chunk_in_a_shard_that_is_damaged_is_named(tmp_path: Path) -> None:
    """A byte in the middle of its gzip: the sum of it is wrong."""
    layout, written = volume(tmp_path / "C1")
    shard = sorted((tmp_path / "C1" / layout.scales[0].key).iterdir())[0]
    data = bytearray(shard.read_bytes())
    data[1000] ^= 255
    shard.write_bytes(data)

    (sentence,) = check_volume(tmp_path / "C1", layout, written)

    assert f"in {shard} was cut short or damaged: it is not whole gzip" in sentence


def test_a_shard_that_was_cut_short_is_named(tmp_path: Path) -> None:
    layout, written = volume(tmp_path / "C1")
    shard = sorted((tmp_path / "C1" / layout.scales[0].key).iterdir())[0]
    shard.write_bytes(shard.read_bytes()[:-5])

    sentences = check_volume(tmp_path / "C1", layout, written)

    assert sentences[0].startswith(f"{shard} was cut short")
    assert len(sentences) <= 5


def test_an_info_of_another_geometry_is_named(tmp_path: Path) -> None:
    layout, written = volume(tmp_path / "C1")
    write_info(tmp_path / "C1", layout, 3)
    info = json.loads((tmp_path / "C1" / "info").read_text())
    info["scales"][1]["size"][0] += 1
    info["data_type"] = "uint16"
    (tmp_path / "C1" / "info").write_text(json.dumps(info))

    sentences = check_volume(tmp_path / "C1", layout, written)

    assert len(sentences) == 3
    assert "info has data_type uint16, wanted uint8" in sentences[0]
    assert f"info names 3 levels, wanted {len(layout.scales)}" in sentences[1]
    assert "info has for level 1 another size than its settings give" in sentences[2]


def test_no_volume_at_all_is_said(tmp_path: Path) -> None:
    layout, written = volume(tmp_path / "C1")

    sentences = check_volume(tmp_path / "C2", layout, written)

    assert sentences[0].startswith(f"There is no volume in {tmp_path / 'C2'}")
    assert all("has lost" in sentence for sentence in sentences[1:])
    assert np.sum([level.any() for level in written]) == len(sentences) - 1
