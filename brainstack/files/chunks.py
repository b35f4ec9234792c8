"""Where the chunks of a block go: each to a file of its own, or all to one part file, for shards to be made of."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.files.chunk_encoding import Stored, compress, encode
from brainstack.files.volume_layout import VolumeLayout
from brainstack.files.whole import PART, flush, whole_file
from brainstack.files.writer import writer

TABLE = np.dtype([("level", "u1"), ("x", "<u4"), ("y", "<u4"), ("z", "<u4"), ("offset", "<u8"), ("size", "<u8")])
"""A row for each chunk of a block, in the part file's table. size 0: it is empty, and not there."""

MAGIC = b"bspart02"
"""The last 8 bytes of a part file. Before them: where the table starts, and how long it is."""


class Sink(Protocol):
    """Takes the chunks of a block."""

    def put(self, level: int, x: int, y: int, z: int, chunk: NDArray[Any]) -> int:
        """Keep a chunk, (z, y, x) or (channels, z, y, x) in C order. Returns how many bytes it takes on disk."""

    def leave_out(self, level: int, x: int, y: int, z: int) -> None:
        """The chunk holds nothing: readers take a chunk that is not there for zeros."""


class PlainChunks:
    """Each chunk is a file, whole as soon as it is put."""

    def __init__(self, path: Path, layout: VolumeLayout) -> None:
        """path : the folder of the volume."""
        self.path, self.layout = path, layout

    def put(self, level: int, x: int, y: int, z: int, chunk: NDArray[Any]) -> int:
        """See `Sink.put`."""
        data = encode(chunk, self.layout.scales[level].encoding, self.layout.jpeg_quality)
        if self.layout.gzip:
            data = compress(data)
        return self.put_bytes(level, x, y, z, data)

    def put_bytes(self, level: int, x: int, y: int, z: int, data: Stored) -> int:
        """Keep a chunk that is encoded already."""
        plain = self._file(level, x, y, z)
        compressed = plain.with_name(plain.name + ".gz")
        file, other = (compressed, plain) if self.layout.gzip else (plain, compressed)
        with whole_file(file) as part:
            part.write_bytes(data)
        other.unlink(missing_ok=True)  # from a run with another setting, and no longer true
        return memoryview(data).nbytes

    def leave_out(self, level: int, x: int, y: int, z: int) -> None:
        """Remove what an earlier run may have put there."""
        file = self._file(level, x, y, z)
        file.unlink(missing_ok=True)
        file.with_name(file.name + ".gz").unlink(missing_ok=True)

    def _file(self, level: int, x: int, y: int, z: int) -> Path:
        scale = self.layout.scales[level]
        return self.path / scale.key / scale.chunk_name(x, y, z)


class PartFile:
    """All chunks of one block in one file, as they will stand in shards, and their table.

    Used in a `with` block, which closes it; the file has its name only then, and after an error none is left.
    """

    def __init__(self, path: Path, layout: VolumeLayout, token: str) -> None:
        """path : the file. token : what the block was made from, for `read_part` to tell."""
        self.path, self.layout, self.token = path, layout, token
        self._rows: list[tuple[int, ...]] = []
        self._end = 0
        self._part = path.with_name(f"{PART}{writer()}-{path.name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = self._part.open("wb", buffering=0)

    def put(self, level: int, x: int, y: int, z: int, chunk: NDArray[Any]) -> int:
        """See `Sink.put`."""
        scale = self.layout.scales[level]
        data = encode(chunk, scale.encoding, self.layout.jpeg_quality)
        if scale.sharding is None or scale.sharding.data_encoding == "gzip":
            data = compress(data)
        size = memoryview(data).nbytes
        self._rows.append((level, x, y, z, self._end, size))
        self._write(data)
        return size

    def leave_out(self, level: int, x: int, y: int, z: int) -> None:
        """Say in the table that this chunk is empty, so that an older one is not taken for it."""
        self._rows.append((level, x, y, z, self._end, 0))

    def close(self) -> None:
        """Write the table, and give the file its name."""
        if self._file.closed:
            return
        try:
            start = self._end
            self._write(np.array(self._rows, TABLE).tobytes())
            table_bytes = self._end - start
            self._write(json.dumps({"token": self.token}).encode())
            self._write(np.array([start, table_bytes], "<u8").tobytes() + MAGIC)
            self._file.close()
            flush(self._part)
            self._part.replace(self.path)
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Leave nothing behind."""
        self._file.close()
        self._part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def _write(self, data: Stored) -> None:
        size = memoryview(data).nbytes
        written = self._file.write(data)
        if written < size:  # the system writes what there is room for
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        self._end += size


def read_part(path: Path) -> tuple[NDArray[Any], str]:
    """(table, token) of a part file; the table has the fields of `TABLE`, in the order in which chunks were put.

    Raises BrainstackError where there is no such file, or not all of one.
    """
    footer_bytes = 16 + len(MAGIC)
    try:
        with path.open("rb") as file:
            end = max(file.seek(0, os.SEEK_END) - footer_bytes, 0)
            file.seek(end)
            footer = file.read()
            start, table_bytes = (int(number) for number in np.frombuffer(footer[:-8], "<u8"))
            if footer[-8:] != MAGIC or start + table_bytes > end:
                raise ValueError("its end is missing")
            file.seek(start)
            table = np.frombuffer(file.read(table_bytes), TABLE)
            token = json.loads(file.read(end - start - table_bytes))["token"]
    except FileNotFoundError as error:
        raise BrainstackError(
            f"{path}, a part of a volume until it is joined, is not there. Delete the volume's folder and run the "
            "same command again."
        ) from error
    except (ValueError, KeyError) as error:
        raise BrainstackError(
            f"{path} is not a whole part file: {error}. Delete it, and run the same command again: it is made again."
        ) from error
    return table, token
