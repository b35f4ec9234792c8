"""One shard: a file that holds many chunks, as they are stored, and the indexes by which one is found."""

from __future__ import annotations

import errno
import os
from collections import OrderedDict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.files.chunk_encoding import Stored, compress, decompress
from brainstack.files.morton import Sharding
from brainstack.files.whole import whole_file

INDEX = np.dtype([("code", "<u8"), ("offset", "<u8"), ("size", "<u8")])
"""A row for each chunk of a shard: its number, and where its bytes are, from the start of the file."""

SPAN_BYTES = 16
"""Of each minishard the shard starts with: where its index is, first byte and end, counted from behind these."""

NO_SUCH_CALL = (errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP)
"""copy_file_range is not for all file systems, nor from any to any."""

COPY_BYTES = 1 << 22


class OpenFiles:
    """Descriptors of files to read from, a few at a time: a group of blocks has more parts than a process may open."""

    def __init__(self, most: int = 128) -> None:
        self._most = most
        self._open: OrderedDict[Path, int] = OrderedDict()

    def descriptor(self, path: Path) -> int:
        """A descriptor to read `path` with, good until the next call."""
        if path not in self._open:
            if len(self._open) >= self._most:
                os.close(self._open.popitem(last=False)[1])
            self._open[path] = os.open(path, os.O_RDONLY)
        self._open.move_to_end(path)
        return self._open[path]

    def read(self, path: Path, offset: int, size: int) -> bytes:
        """Some bytes of a file. Raises BrainstackError where it ends before."""
        pieces = []
        while size:
            piece = os.pread(self.descriptor(path), size, offset)
            if not piece:
                raise _cut_short(path, offset, size)
            pieces.append(piece)
            size, offset = size - len(piece), offset + len(piece)
        return b"".join(pieces)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._open:
            os.close(self._open.popitem()[1])


class ShardWriter:
    """Writes one shard. Chunks come in the order of their codes, and lie one behind the other, but for what is put
    before one.

    Used in a `with` block; the shard has its name only at its end, and after an error what stood there still stands.
    """

    def __init__(self, path: Path, sharding: Sharding) -> None:
        self.path, self.sharding = path, sharding
        self._codes: list[int] = []
        self._starts: list[int] = []
        self._sizes: list[int] = []
        self._head_bytes = SPAN_BYTES << sharding.minishard_bits
        self._end = self._head_bytes
        self._noted = 0
        self._whole = whole_file(path)

    def append(self, code: int, data: Stored, before: Stored = b"") -> None:
        """Add a chunk as it is stored. before : bytes that stand before it and that no index names: the triangles of a
        mesh, whose manifest is the chunk."""
        self._noted += memoryview(before).nbytes
        self._write(before)
        self._note(code, memoryview(data).nbytes)
        self._write(data)

    def append_many(self, codes: NDArray[np.uint64], sizes: NDArray[np.int64], data: Stored) -> None:
        """Add many chunks at once. data : the bytes of all, one after the other."""
        for code, size in zip(codes.tolist(), sizes.tolist(), strict=True):
            self._note(code, size)
        self._write(data)

    def append_from(self, code: int, files: OpenFiles, path: Path, offset: int, size: int) -> None:
        """Add a chunk that stands in another file, not decoded. Raises BrainstackError where that was cut short."""
        self._note(code, size)
        source = files.descriptor(path)
        while size:
            moved = _copy(source, self._descriptor, min(size, COPY_BYTES), offset, self._end)
            if not moved:
                raise _cut_short(path, offset, size)
            size, offset, self._end = size - moved, offset + moved, self._end + moved

    def __enter__(self) -> Self:
        self._part = self._whole.__enter__()
        self._descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._write_indexes()
        except BaseException as failed:
            os.close(self._descriptor)
            self._whole.__exit__(type(failed), failed, failed.__traceback__)
            raise
        os.close(self._descriptor)
        self._whole.__exit__(kind, error, trace)

    def _note(self, code: int, size: int) -> None:
        if self._codes and code <= self._codes[-1]:
            raise ValueError(f"chunk {code} comes after {self._codes[-1]}")
        self._codes.append(code)
        self._starts.append(self._noted)
        self._noted += size
        self._sizes.append(size)

    def _write(self, data: Stored) -> None:
        left = memoryview(data).cast("B")
        while left:
            written = os.pwrite(self._descriptor, left, self._end)
            left, self._end = left[written:], self._end + written

    def _write_indexes(self) -> None:
        codes, sizes = np.array(self._codes, np.uint64), np.array(self._sizes, np.uint64)
        starts = np.array(self._starts, np.uint64)
        ends = starts + sizes  # what is put before a chunk lies between, and so do chunks of other minishards
        minishards = self.sharding.minishards_of(codes)
        by_minishard = np.argsort(minishards, kind="stable")
        edges = np.searchsorted(minishards[by_minishard], np.arange((1 << self.sharding.minishard_bits) + 1))
        spans = np.zeros((1 << self.sharding.minishard_bits, 2), "<u8")
        for minishard in range(len(spans)):
            spans[minishard] = self._end - self._head_bytes
            here = by_minishard[edges[minishard] : edges[minishard + 1]]
            if len(here):
                index = np.zeros((3, len(here)), "<u8")  # numbers as differences; the gap before each; sizes
                index[0] = np.diff(codes[here], prepend=np.uint64(0))
                index[1] = starts[here] - np.concatenate([np.zeros(1, np.uint64), ends[here[:-1]]])
                index[2] = sizes[here]
                gzip = self.sharding.minishard_index_encoding == "gzip"
                self._write(compress(index.tobytes()) if gzip else index.tobytes())
            spans[minishard, 1] = self._end - self._head_bytes
        self._end = 0
        self._write(spans.tobytes())


def read_shard_index(path: Path, sharding: Sharding) -> NDArray[Any]:
    """The chunks of a shard: rows of `INDEX`, in the order of their codes.

    Raises BrainstackError where the file is not a whole shard.
    """
    head_bytes = SPAN_BYTES << sharding.minishard_bits
    end = path.stat().st_size
    tables = [np.zeros(0, INDEX)]
    with OpenFiles() as files:
        spans = np.frombuffer(files.read(path, 0, head_bytes), "<u8").reshape(-1, 2)
        for first, last in spans.tolist():
            if first != last:
                if not first < last <= end - head_bytes:
                    raise _cut_short(path, head_bytes + first, last - first)
                tables.append(_minishard_index(path, files.read(path, head_bytes + first, last - first), sharding))
    table = np.sort(np.concatenate(tables), order="code")
    table["offset"] += np.uint64(head_bytes)
    if len(table) and int((table["offset"] + table["size"]).max()) > end:
        raise _cut_short(path, int(table["offset"].max()), int(table["size"].max()))
    return table


def _minishard_index(path: Path, data: bytes, sharding: Sharding) -> NDArray[Any]:
    try:
        plain = decompress(data) if sharding.minishard_index_encoding == "gzip" else data
        codes, gaps, sizes = np.frombuffer(plain, "<u8").reshape(3, -1)
    except ValueError as error:
        raise BrainstackError(
            f"An index of {path} cannot be read: it {error}. If brainstack made that volume, delete its folder "
            "and run the same command again."
        ) from error
    table = np.zeros(len(codes), INDEX)
    table["code"] = np.cumsum(codes, dtype=np.uint64)
    table["size"] = sizes
    before = np.concatenate([np.zeros(1, np.uint64), sizes[:-1]])
    table["offset"] = np.cumsum(gaps + before, dtype=np.uint64)
    return table


def _copy(source: int, target: int, size: int, offset: int, at: int) -> int:
    """Copy some bytes, perhaps fewer than asked for, from one file to another. Returns how many; 0 at the end."""
    try:
        return os.copy_file_range(source, target, size, offset, at)
    except AttributeError:  # not on macOS
        pass
    except OSError as error:
        if error.errno not in NO_SUCH_CALL:
            raise
    return os.pwrite(target, os.pread(source, size, offset), at)


def _cut_short(path: Path, offset: int, size: int) -> BrainstackError:
    return BrainstackError(
        f"{path} was cut short: {offset + size} bytes wanted, {path.stat().st_size} found. "
        f"If brainstack made that volume, delete its folder and run the same command again."
    )
