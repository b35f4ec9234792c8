"""Pictures as browsers take and send them: JPEG to look at, PNG where every pixel counts, masks as a bit a pixel; in
memory, never a file."""

from __future__ import annotations

import gzip
import struct
import zlib
from typing import Any, Literal

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError

Kind = Literal["jpeg", "png"]

JPEG_QUALITY = 85
"""At which neither grain nor the edge of tissue is lost to the eye, for a third of the bytes of PNG."""
FAST_PNG: dict[str, Any] = {"level": 1, "strategy": 3, "filter": 16}  # OpenCV's: ten times as fast, hardly larger
GZIP_START = b"\x1f\x8b"
BITS_HEAD = struct.Struct(">II")
"""Rows and columns, before the bits of a mask."""
PNG_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


def encoded(picture: NDArray[np.uint8], kind: Kind = "jpeg") -> bytes:
    """picture : (rows, columns), or (rows, columns, 3) RGB."""
    whole = np.ascontiguousarray(picture, np.uint8)
    if kind == "png":
        return bytes(imagecodecs.png_encode(whole, **FAST_PNG))
    return bytes(imagecodecs.jpeg8_encode(whole, level=JPEG_QUALITY))


def decoded_png(content: bytes, *, shape: tuple[int, int], name: str) -> NDArray[Any]:
    """The pixels of a PNG that somebody sent: (rows, columns), or with 3 or 4 channels; uint8 or uint16.

    shape : (rows, columns) wanted; what the PNG says of itself is compared before anything is unpacked, as a few bytes
    can unpack to gigabytes. name : what a sentence calls it. Raises BrainstackError for any other size, and for what is
    no whole PNG.
    """
    if not content.startswith(PNG_START) or len(content) < len(PNG_START) + 8:
        raise BrainstackError(f"{name} is no PNG picture; wanted a mask as the page sends it, in black and white.")
    columns, rows = struct.unpack_from(">II", content, len(PNG_START))
    if (rows, columns) != shape:
        raise BrainstackError(
            f"{name} is {rows} x {columns} pixels (rows x columns) but its section is {shape[0]} x {shape[1]}; send "
            "the mask without scaling or cropping it."
        )
    try:
        return np.asarray(imagecodecs.png_decode(content))
    except (RuntimeError, ValueError) as error:  # imagecodecs' own errors
        raise BrainstackError(f"{name} is no whole PNG picture ({error}); send it again.") from error


def packed_bits(mask: NDArray[Any]) -> bytes:
    """A mask as a bit a pixel, row after row, behind its rows and columns; packed by gzip. mask : (rows, columns)."""
    bits = np.packbits((mask > 0).ravel()).tobytes()
    return gzip.compress(BITS_HEAD.pack(*mask.shape) + bits, 1, mtime=0)


def sent_mask(content: bytes, *, shape: tuple[int, int], name: str) -> NDArray[Any]:
    """A mask that a browser sent, as `packed_bits` packs it or as PNG: an image as `decoded_png` returns it.

    Raises BrainstackError as that does; no more is unpacked than a mask of this shape has.
    """
    if not content.startswith(GZIP_START):
        return decoded_png(content, shape=shape, name=name)
    wanted = BITS_HEAD.size + -(-shape[0] * shape[1] // 8)
    try:
        found = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content, wanted + 1)
    except zlib.error as error:
        raise BrainstackError(f"{name} is damaged ({error}); send it again.") from error
    said = BITS_HEAD.unpack_from(found) if len(found) >= BITS_HEAD.size else (0, 0)
    if said != shape or len(found) != wanted:
        raise BrainstackError(
            f"{name} is {said[0]} x {said[1]} pixels (rows x columns) in {len(found)} bytes but its section is "
            f"{shape[0]} x {shape[1]} in {wanted}; send the mask whole, without scaling or cropping it."
        )
    bits = np.unpackbits(np.frombuffer(found, np.uint8, offset=BITS_HEAD.size), count=shape[0] * shape[1])
    return np.asarray(bits.reshape(shape) * np.uint8(255), np.uint8)
