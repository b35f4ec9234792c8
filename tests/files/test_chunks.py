"""Where chunks go: to a file each, or to the part file of their block."""

from __future__ import annotations

import errno
import gzip
from pathlib import Path
from typing import Any

import pytest
from block_volumes import noise, small_layout

from brainstack.errors import BrainstackError
from brainstack.files.chunks import PartFile, PlainChunks, read_part

CHUNK = noise((4, 16, 16))


def test_a_chunk_is_a_file_of_plain_bytes(tmp_path: Path) -> None:
    layout = small_layout(noise((8, 100, 100)), sharded=False)

    size = PlainChunks(tmp_path, layout).put(0, 1, 2, 0, CHUNK)

    (file,) = (tmp_path / "1000_1000_8000").iterdir()
    assert file.name == "16-32_32-48_0-4"
    assert file.read_bytes() == CHUNK.tobytes()
    assert size == CHUNK.nbytes


def test_a_chunk_is_gz_where_the_layout_says_so_and_the_plain_one_goes(tmp_path: Path) -> None:
    plain, compressed = (small_layout(noise((8, 100, 100)), sharded=False, gzip=gz) for gz in (False, True))
    PlainChunks(tmp_path, plain).put(0, 1, 2, 0, CHUNK)

    PlainChunks(tmp_path, compressed).put(0, 1, 2, 0, CHUNK)

    (file,) = (tmp_path / "1000_1000_8000").iterdir()
    assert file.name == "16-32_32-48_0-4.gz"
    assert gzip.decompress(file.read_bytes()) == CHUNK.tobytes()


@pytest.mark.parametrize("gz", [False, True])
def test_a_chunk_that_became_empty_is_removed(tmp_path: Path, gz: bool) -> None:
    sink = PlainChunks(tmp_path, small_layout(noise((8, 100, 100)), sharded=False, gzip=gz))
    sink.put(0, 1, 2, 0, CHUNK)

    sink.leave_out(0, 1, 2, 0)
    sink.leave_out(0, 1, 2, 0)

    assert not list((tmp_path / "1000_1000_8000").iterdir())


def test_a_part_file_holds_chunks_as_shards_do_and_a_table(tmp_path: Path) -> None:
    layout = small_layout(noise((8, 100, 100)))
    with PartFile(tmp_path / "parts" / "0_0_0", layout, token="of this") as part:
        size = part.put(0, 1, 2, 0, CHUNK)
        part.leave_out(0, 3, 2, 0)
        part.put(1, 0, 1, 0, CHUNK // 2)
        assert not (tmp_path / "parts" / "0_0_0").exists()

    table, token = read_part(tmp_path / "parts" / "0_0_0")

    data = (tmp_path / "parts" / "0_0_0").read_bytes()
    assert token == "of this"
    assert [tuple(row)[:4] for row in table.tolist()] == [(0, 1, 2, 0), (0, 3, 2, 0), (1, 0, 1, 0)]
    assert table["size"].tolist()[:2] == [size, 0]
    for row, chunk in ((table[0], CHUNK), (table[2], CHUNK // 2)):
        assert gzip.decompress(data[row["offset"] : row["offset"] + row["size"]]) == chunk.tobytes()


def test_a_part_file_of_nothing_is_one(tmp_path: Path) -> None:
    with PartFile(tmp_path / "0_0_0", small_layout(noise((8, 100, 100))), token=""):
        pass

    table, token = read_part(tmp_path / "0_0_0")

    assert len(table) == 0
    assert token == ""


def test_a_picture_is_not_compressed_again(tmp_path: Path) -> None:
    layout = small_layout(noise((8, 100, 100)), encoding="png")
    with PartFile(tmp_path / "0_0_0", layout, token="") as part:
        part.put(0, 1, 2, 0, CHUNK)

    assert (tmp_path / "0_0_0").read_bytes().startswith(b"\x89PNG")


def test_an_error_leaves_no_part_file_and_the_old_one(tmp_path: Path) -> None:
    layout = small_layout(noise((8, 100, 100)))
    with PartFile(tmp_path / "0_0_0", layout, token="old") as part:
        part.put(0, 1, 2, 0, CHUNK)

    with pytest.raises(KeyboardInterrupt), PartFile(tmp_path / "0_0_0", layout, token="new") as part:  # noqa: PT012
        part.put(0, 1, 2, 0, CHUNK)
        raise KeyboardInterrupt

    assert [file.name for file in tmp_path.iterdir()] == ["0_0_0"]
    assert read_part(tmp_path / "0_0_0")[1] == "old"


class FullDisk:
    """A file on a disk with room for some bytes more. Its last write is a short one, as the system's is."""

    def __init__(self, file: Any, room: int) -> None:
        self.file, self.room = file, room

    def write(self, data: Any) -> int:
        written = self.file.write(memoryview(data).cast("B")[: self.room])
        self.room -= written
        return int(written)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


@pytest.mark.parametrize("room", [0, 1000, 4000, 4150])
def test_a_disk_that_is_full_leaves_no_part_file(tmp_path: Path, room: int) -> None:
    """In the middle of a chunk, or of the table."""
    part = PartFile(tmp_path / "0_0_0", small_layout(noise((8, 100, 100)), encoding="raw"), token="")
    part._file = FullDisk(part._file, room)  # type: ignore[assignment]

    with pytest.raises(OSError, match="No space left") as caught, part:  # noqa: PT012
        for x in range(2):
            part.put(0, x, 0, 0, CHUNK)

    assert caught.value.errno == errno.ENOSPC
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("keep", [0, 5, 100, 0.5, -1])
def test_a_part_file_that_was_cut_short_is_named(tmp_path: Path, keep: float) -> None:
    with PartFile(tmp_path / "0_0_0", small_layout(noise((8, 100, 100))), token="") as part:
        part.put(0, 1, 2, 0, CHUNK)
    data = (tmp_path / "0_0_0").read_bytes()
    (tmp_path / "0_0_0").write_bytes(data[: int(len(data) * keep) if keep == 0.5 else int(keep)])

    with pytest.raises(BrainstackError, match="0_0_0 is not a whole part file"):
        read_part(tmp_path / "0_0_0")


def test_a_part_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrainstackError, match="0_0_0, a part of a volume until it is joined, is not there"):
        read_part(tmp_path / "0_0_0")
