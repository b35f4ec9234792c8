"""Tiles of one large TIFF, read in any order: what is rendered a block at a time needs no more of it than that."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from brainstack.errors import BrainstackError

LARGEST_PIECE = 64 * 2**20
"""Bytes of a tile or strip after decoding: a larger one is as good as a whole image in memory."""

UNPACKED_TILE_PX = 512
"""The side of what is read at once of an image that lies in the file unpacked, row after row."""

UNREADABLE = (tifffile.TiffFileError, struct.error, ValueError, RuntimeError, LookupError)
"""What tifffile and the decoders of imagecodecs raise at bytes that they do not understand."""


class TiledTiff:
    """One image's tiles. A strip is a tile as wide as the image; an image that lies in the file unpacked, row after
    row, has tiles of 512 x 512. A context manager; the file is open until then, and what is read is not kept.

    path. shape : (rows, columns) of the image. samples : 1 or 3. dtype : uint8 or uint16. tile_shape : (rows, columns).
    Raises BrainstackError where there is no file, or no TIFF of one such image; and for tiles or strips of more than
    64 MB, as each has to be in memory as a whole.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = tifffile.TiffFile(path, is_ome=False)
        except FileNotFoundError as error:
            raise BrainstackError(f"{path} is not there; run the same command again to have it made.") from error
        except UNREADABLE as error:
            raise self._no_whole_tiff(error) from error
        try:
            self._look_at(self._file)
        except UNREADABLE as error:
            self.close()
            raise self._no_whole_tiff(error) from error
        except BaseException:
            self.close()
            raise

    def _look_at(self, file: tifffile.TiffFile) -> None:
        """What the directory of the file says."""
        if len(file.pages) != 1:
            raise BrainstackError(f"{self.path} has {len(file.pages)} images, wanted one; save that one by itself.")
        page = self._page = file.pages.first
        self.shape = int(page.imagelength), int(page.imagewidth)
        self.samples = int(page.samplesperpixel)
        self.dtype = np.dtype(page.dtype).newbyteorder("=")
        beside = self.samples == 1 or page.planarconfig == tifffile.PLANARCONFIG.CONTIG
        if self.samples not in (1, 3) or not beside or page.imagedepth != 1 or not all(self.shape):
            raise BrainstackError(
                f"{self.path} is an image of {page.shape}, wanted (rows, columns), or with 3 colours."
            )
        if self.dtype not in (np.uint8, np.uint16) or page.bitspersample != 8 * self.dtype.itemsize:
            raise BrainstackError(
                f"{self.path} has pixels of {page.bitspersample} bits ({self.dtype}), wanted whole numbers of 8 or 16; "
                "save it so."
            )
        unpacked = page.compression == tifffile.COMPRESSION.NONE and page.predictor == 1 and page.fillorder == 1
        self._is_unpacked = bool(unpacked and page.is_contiguous)
        self.tile_shape = self._tile_shape()
        size = self.tile_shape[0] * self.tile_shape[1] * self.samples * self.dtype.itemsize
        if size > LARGEST_PIECE:
            raise BrainstackError(
                f"{self.path} is packed in pieces of {self.tile_shape[0]} rows x {self.tile_shape[1]} columns, too "
                "large to be read; save it in tiles (512 x 512, say)."
            )
        self._across = -(-self.shape[1] // self.tile_shape[1])
        self._down = -(-self.shape[0] // self.tile_shape[0])
        self._offsets, self._counts = page.dataoffsets, page.databytecounts
        if not self._is_unpacked and len(self._offsets) < self._down * self._across:
            raise ValueError(f"it has {len(self._offsets)} tiles, wanted {self._down * self._across}")

    def _tile_shape(self) -> tuple[int, int]:
        if self._is_unpacked:
            return UNPACKED_TILE_PX, UNPACKED_TILE_PX
        if self._page.is_tiled:
            return int(self._page.tilelength), int(self._page.tilewidth)
        return min(int(self._page.rowsperstrip), self.shape[0]), self.shape[1]

    def __enter__(self) -> TiledTiff:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Nothing can be read afterwards."""
        self._file.close()

    def read_tile(self, row: int, column: int) -> NDArray[Any] | None:
        """A tile, by its number down and across, cut at the image's edge: (rows, columns) or (rows, columns, 3).

        None where the file holds none: it is all 0. Raises BrainstackError where the file was cut short, or the tile
        cannot be decoded; IndexError for a number that there is not.
        """
        if not (0 <= row < self._down and 0 <= column < self._across):
            raise IndexError(f"Tile ({row}, {column}) of {self._down} x {self._across}.")
        height = min(self.tile_shape[0], self.shape[0] - row * self.tile_shape[0])
        width = min(self.tile_shape[1], self.shape[1] - column * self.tile_shape[1])
        if self._is_unpacked:
            return self._read_rows(row * self.tile_shape[0], column * self.tile_shape[1], (height, width))
        number = row * self._across + column
        wanted, offset = self._counts[number], self._offsets[number]
        if not wanted:
            return None
        data = os.pread(self._file.filehandle.fileno(), wanted, offset)
        if len(data) < wanted:
            raise self._cut_short(row, column, wanted, len(data))
        try:
            pixels, _, _ = self._page.decode(data, number, jpegtables=self._page.jpegtables)
        except UNREADABLE as error:
            raise BrainstackError(
                f"Tile ({row}, {column}) of {self.path} cannot be decoded ({error}); delete the file, or put a good "
                "one there."
            ) from error
        tile = pixels[0, :height, :width]
        return np.asarray(tile[..., 0] if self.samples == 1 else tile)

    def _read_rows(self, top: int, left: int, shape: tuple[int, int]) -> NDArray[Any]:
        """A box of an image that lies in the file row after row. Not by a map of the file into memory: what was looked
        at there counts as the process' own, and a file that is cut short kills it."""
        pixels = np.empty((*shape, self.samples), self._page.dtype.newbyteorder(self._file.byteorder))
        pixel_bytes = self.samples * self.dtype.itemsize
        handle, step = self._file.filehandle.fileno(), self.shape[1] * pixel_bytes
        start = self._offsets[0] + top * step + left * pixel_bytes
        for number, line in enumerate(pixels.view(np.uint8).reshape(shape[0], -1)):
            found = os.preadv(handle, [line.data], start + number * step)
            if found < line.size:
                row, column = top // self.tile_shape[0], left // self.tile_shape[1]
                raise self._cut_short(row, column, pixels.nbytes, number * line.size + found)
        native = pixels.astype(self.dtype, copy=False)
        return native[..., 0] if self.samples == 1 else native

    def _cut_short(self, row: int, column: int, wanted: int, found: int) -> BrainstackError:
        return BrainstackError(
            f"{self.path} was cut short: of the {wanted} bytes of its tile ({row}, {column}) {found} are there; delete "
            "it, or put a good one there."
        )

    def _no_whole_tiff(self, error: Exception) -> BrainstackError:
        return BrainstackError(f"{self.path} is no whole TIFF ({error}); delete it, or put a good one there.")
