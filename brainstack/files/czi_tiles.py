"""The pixels of single tiles of a CZI: read, unpacked, and checked against what the directory says of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import cv2
import imagecodecs
import numpy as np
from numpy.typing import NDArray

from brainstack.files.czi_directory import SAMPLES, CutOffError, TileEntry, bytes_of_pixels
from brainstack.files.jpegxr import JpegXrDecoder

Pixels = NDArray[np.uint8 | np.uint16]

READ_COMPRESSIONS = ("raw", "jpegxr", "zstd0", "zstd1")

LARGEST_TILE = 2**30
"""Bytes of a packed tile, unpacked: it is in memory as a whole. Scanners' tiles have 8 MB."""


class TileReader:
    """The tiles of one open CZI. Raises ValueError, with what is wrong, for a tile that is damaged."""

    def __init__(self, file: BinaryIO, decoder: JpegXrDecoder) -> None:
        self._file = file
        self._decoder = decoder

    def rows(self, tile: TileEntry, first: int, end: int) -> Pixels:
        """Rows `first` up to `end` of a tile: (rows, columns), or (rows, columns, 3) as red, green, blue.

        Of an uncompressed tile only these rows are read; another is unpacked as a whole.
        """
        if tile.compression == "raw":
            return _shaped(self._raw(tile, first, end), tile, end - first)
        return self.whole(tile)[first:end]

    def whole(self, tile: TileEntry) -> Pixels:
        """All pixels of a tile, as `rows`."""
        wanted = bytes_of_pixels(tile)
        if tile.compression == "raw":
            return self.rows(tile, 0, tile.stored[0])
        if wanted > LARGEST_TILE:
            raise ValueError(f"it has {wanted} bytes, unpacked; a packed tile of more than {LARGEST_TILE} is not read")
        packed = self._read(*tile.data)
        if tile.compression == "jpegxr":
            shape, dtype = shape_of(tile, tile.stored[0]), dtype_of(tile)
            return self._decoder.decode(packed, shape, dtype)
        return _shaped(_unpacked(packed, tile.compression, wanted, dtype_of(tile).itemsize), tile, tile.stored[0])

    def _raw(self, tile: TileEntry, first: int, end: int) -> bytes:
        start, length = tile.data
        if length < bytes_of_pixels(tile):
            raise ValueError(f"it has {length} bytes of pixels, wanted {bytes_of_pixels(tile)}")
        row_bytes = bytes_of_pixels(tile) // tile.stored[0]
        return self._read(start + first * row_bytes, (end - first) * row_bytes)

    def _read(self, start: int, length: int) -> bytes:
        self._file.seek(start)
        content = self._file.read(length)
        if len(content) < length:
            raise CutOffError(f"the file ends inside it: {len(content)} of {length} bytes are there")
        return content


def dtype_of(tile: TileEntry) -> np.dtype[Any]:
    return np.dtype(np.uint8 if SAMPLES[tile.pixel_type][1] == 1 else np.uint16)


def shape_of(tile: TileEntry, rows: int) -> tuple[int, ...]:
    """(rows, columns), or (rows, columns, 3), of so many rows of a tile."""
    samples = SAMPLES[tile.pixel_type][0]
    return (rows, tile.stored[1]) if samples == 1 else (rows, tile.stored[1], samples)


def _shaped(content: Any, tile: TileEntry, rows: int) -> Pixels:
    """Bytes as pixels; files hold blue, green, red."""
    pixels = np.frombuffer(content, dtype_of(tile).newbyteorder("<")).reshape(shape_of(tile, rows))
    native = pixels.astype(dtype_of(tile), copy=False)
    # Not native[..., ::-1]: a view that is read backwards makes every later copy of it thirty times as slow.
    return cv2.cvtColor(native, cv2.COLOR_BGR2RGB) if native.ndim == 3 else native


def _unpacked(packed: bytes, compression: str, wanted: int, sample_bytes: int) -> NDArray[np.uint8]:
    """The bytes of a tile's pixels. zstd1 has a head that says whether low and high bytes stand apart."""
    is_split, start = _zstd1_head(packed) if compression == "zstd1" else (False, 0)
    room = bytearray(wanted)
    try:
        content = imagecodecs.zstd_decode(packed[start:], out=room)
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"its pixels cannot be unpacked ({error})") from error
    if len(content) != wanted:
        raise ValueError(f"its pixels have {len(content)} bytes, unpacked; wanted {wanted}")
    unpacked = np.frombuffer(room, np.uint8)
    if not is_split:
        return unpacked
    if sample_bytes != 2:
        raise ValueError("its pixels are said to have low and high bytes, but have one byte each")
    joined = unpacked[wanted // 2 :].astype("<u2")
    joined <<= 8
    joined |= unpacked[: wanted // 2]
    return joined.view(np.uint8)


def _zstd1_head(packed: bytes) -> tuple[bool, int]:
    """Whether low and high bytes stand apart, and where the packed bytes begin."""
    if packed[:1] == b"\x01":
        return False, 1
    if packed[:2] == b"\x03\x01" and len(packed) > 2:
        return bool(packed[2] & 1), 3
    raise ValueError(f"its pixels begin with {packed[:3].hex(' ')}, wanted 01 or 03 01")


@contextmanager
def named(tile: TileEntry) -> Iterator[None]:
    """What is wrong with a tile, with its name."""
    try:
        yield
    except CutOffError as error:
        raise CutOffError(f"{tile}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{tile}: {error}") from error
