"""Pictures that are attached to a CZI: the scanner's photographs of a slide's label and glass."""

from __future__ import annotations

import struct
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from brainstack.files.czi_directory import inside, read_directory
from brainstack.files.czi_tiles import TileReader, dtype_of, shape_of
from brainstack.files.jpegxr import JpegXrDecoder

PAIRS = (("x", "width"), ("y", "height"))
LARGEST_PICTURE_PX = 10**8


def picture_in(content: bytes, kind: str) -> NDArray[np.uint8]:
    """The picture that an attachment is.

    kind : "JPG", or "CZI" for a CZI within the CZI, whose tiles are put together. Returns (rows, columns) or
    (rows, columns, 3) as red, green, blue; 16 bit are brought to 8 by the brightest. Raises ValueError for another
    kind, and for a picture that is damaged or enormous.
    """
    if kind.upper() in ("JPG", "JPEG"):
        return _jpeg(content)
    if kind.upper() == "CZI":
        return _to_8_bit(_czi(content))
    raise ValueError(f"found a picture of kind {kind!r}, wanted CZI or JPG")


def _czi(content: bytes) -> NDArray[Any]:
    file = inside(content)
    tiles = [tile for tile in read_directory(file).tiles if not tile.is_pyramid and not tile.channel]
    if not tiles or {tile.pixel_type for tile in tiles} - {"Gray8", "Gray16", "Bgr24", "Bgr48"}:
        raise ValueError(f"found pixels of type {', '.join({tile.pixel_type for tile in tiles}) or 'none'}")
    left, top = min(tile.x for tile in tiles), min(tile.y for tile in tiles)
    right, bottom = (max(getattr(tile, at) + getattr(tile, size) for tile in tiles) for at, size in PAIRS)
    if (right - left) * (bottom - top) > LARGEST_PICTURE_PX:
        raise ValueError(f"it should have {right - left} x {bottom - top} pixels, too many for a picture of a slide")
    picture = np.zeros((bottom - top, right - left, *shape_of(tiles[0], 1)[2:]), dtype_of(tiles[0]))
    with JpegXrDecoder() as decoder:
        reader = TileReader(file, decoder)
        for tile in sorted(tiles, key=lambda tile: tile.mosaic):
            y, x = tile.y - top, tile.x - left
            picture[y : y + tile.height, x : x + tile.width] = reader.whole(tile)
    return picture


def _jpeg(content: bytes) -> NDArray[np.uint8]:
    """A JPEG that says that it is enormous would be given the memory before it is read; one that is cut, made up."""
    if b"\xff\xd9" not in content:
        raise ValueError("its JPEG is cut off")
    rows, columns = _jpeg_size(content)
    if rows * columns > LARGEST_PICTURE_PX:
        raise ValueError(f"it should have {columns} x {rows} pixels, too many for a picture of a slide")
    try:
        picture = np.asarray(imagecodecs.jpeg8_decode(content), np.uint8)
    except RuntimeError as error:  # imagecodecs' own errors
        raise ValueError(f"its JPEG is damaged ({error})") from error
    if picture.shape[2:] not in ((), (3,)):
        raise ValueError(f"its JPEG has {picture.shape[2]} colours, wanted 1 or 3")
    return picture


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """(rows, columns) as its frame header says, the segment SOF of ITU-T T.81."""
    at = 2
    while content[at : at + 1] == b"\xff" and len(content) >= at + 9:
        kind, length, rows, columns = struct.unpack_from(">xBHxHH", content, at)
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            return rows, columns
        at += 1 if kind == 0xFF else 2 + length  # any number of 0xFF may stand in front of a marker
    raise ValueError("its JPEG does not say how many pixels it has")


def _to_8_bit(picture: NDArray[Any]) -> NDArray[np.uint8]:
    if picture.dtype == np.uint8:
        return picture
    return np.rint(picture * (255 / max(1, int(picture.max())))).astype(np.uint8)
