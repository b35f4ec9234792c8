"""The voxels of a chunk as the bytes that are stored, and back.

Voxels are (channels, z, y, x) in C order, which the format calls (x, y, z, channels) in Fortran order. A chunk as a
picture is x wide and y * z high: its sections, one below the other.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

import compressed_segmentation
import imagecodecs
import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.files.volume_layout import LABEL_BLOCK_XYZ

GZIP_LEVEL = 1
"""libdeflate's. ISA-L's takes two thirds of the time, but now and then gives other bytes for the same."""

GZIP_WINDOW_BITS = 31
"""zlib's way to say: with the header of gzip."""

Stored = bytes | memoryview
"""The bytes of a chunk; a view of the chunk itself where they are its own."""

ENDS = {"jpeg": b"\xff\xd9", "png": b"IEND\xaeB`\x82"}
"""The last bytes of every such picture."""

FASTEST_PNG = {"level": 1, "strategy": 3, "filter": 16}
"""Differences to the left, and runs of equal bytes: what OpenCV does too."""


def compress(data: Stored) -> bytes:
    """gzip of bytes. The same bytes give the same gzip: no name and no time are in it."""
    return bytes(imagecodecs.gzip_encode(data, level=GZIP_LEVEL))  # type: ignore[arg-type]  # it takes any buffer


def decompress(data: bytes) -> bytes:
    """What was compressed. Raises ValueError where the bytes are no gzip, or not all of one."""
    try:
        return zlib.decompress(data, wbits=GZIP_WINDOW_BITS)
    except zlib.error as error:
        raise ValueError(f"is not whole gzip ({error})") from error


def encode(chunk: NDArray[Any], encoding: str, jpeg_quality: int | None) -> Stored:
    """The bytes of a chunk, not compressed further.

    chunk : (z, y, x) or (channels, z, y, x), C-contiguous, little-endian. jpeg_quality : 1 to 100.
    """
    if encoding == "raw":
        return chunk.data
    if encoding == "jpeg":
        # 4:4:4, as colours at half resolution would run from one section into the next
        return bytes(imagecodecs.jpeg8_encode(_as_picture(chunk), level=jpeg_quality, subsampling="444"))
    if encoding == "png":
        return bytes(imagecodecs.png_encode(_as_picture(chunk), **FASTEST_PNG))
    if encoding == "compressed_segmentation":
        return _encode_labels(chunk)
    return _encode_as_others(chunk, encoding)


def decode(data: bytes, encoding: str, shape: tuple[int, int, int, int], data_type: str) -> NDArray[Any]:
    """The chunk (channels, z, y, x) in some bytes. Raises ValueError where they are not a whole chunk of that shape."""
    wanted = np.dtype(data_type).newbyteorder("<")
    if encoding == "raw":
        if len(data) != int(np.prod(shape)) * wanted.itemsize:
            raise ValueError(f"holds {len(data)} bytes, wanted {int(np.prod(shape)) * wanted.itemsize}")
        return np.frombuffer(data, wanted).reshape(shape)
    if encoding in ("jpeg", "png"):
        return _from_picture(_decoded_picture(data, encoding), encoding, shape, wanted)
    if encoding == "compressed_segmentation":
        return _decode_labels(data, shape, data_type)
    return _decode_as_others(data, encoding, shape, data_type)


def _as_picture(chunk: NDArray[Any]) -> NDArray[Any]:
    if chunk.ndim == 3 or len(chunk) == 1:
        return chunk.reshape(-1, chunk.shape[-1])
    return np.ascontiguousarray(np.moveaxis(chunk, 0, -1)).reshape(-1, chunk.shape[-1], len(chunk))


def _decoded_picture(data: bytes, encoding: str) -> NDArray[Any]:
    if not data.endswith(ENDS[encoding]):  # decoders fill in what is missing
        raise ValueError(f"is not a whole {encoding.upper()} (its end is missing)")
    try:
        picture: NDArray[Any] = imagecodecs.jpeg8_decode(data) if encoding == "jpeg" else imagecodecs.png_decode(data)
    except (imagecodecs.Jpeg8Error, imagecodecs.PngError, ValueError) as error:
        raise ValueError(f"is not a whole {encoding.upper()} ({error})") from error
    return picture


def _from_picture(
    picture: NDArray[Any], encoding: str, shape: tuple[int, int, int, int], wanted: np.dtype[Any]
) -> NDArray[Any]:
    channels, _, _, width = shape
    found = picture.reshape(*picture.shape[:2], -1)
    # Others choose another width and height: only how many pixels there are, and in which order, is fixed.
    if found.size != np.prod(shape) or found.shape[2] != channels or found.dtype != wanted:
        raise ValueError(
            f"holds a {encoding.upper()} of {picture.shape} {picture.dtype}, wanted one for {shape} {wanted}"
        )
    pixels = found.reshape(-1, width, channels)
    return np.moveaxis(pixels, -1, 0).reshape(shape)


def _encode_labels(chunk: NDArray[Any]) -> bytes:
    voxels = chunk[0] if chunk.ndim == 4 else chunk
    return bytes(compressed_segmentation.compress(voxels.T, block_size=LABEL_BLOCK_XYZ, order="F"))


def _decode_labels(data: bytes, shape: tuple[int, int, int, int], data_type: str) -> NDArray[Any]:
    try:
        voxels: NDArray[Any] = compressed_segmentation.decompress(
            data, shape[:0:-1], data_type, block_size=LABEL_BLOCK_XYZ, order="F"
        )
    except (compressed_segmentation.DecodeError, IndexError, RuntimeError, ValueError) as error:
        raise ValueError(f"is not a whole compressed_segmentation ({error})") from error
    return voxels.T.reshape(shape)


def _encode_as_others(chunk: NDArray[Any], encoding: str) -> bytes:
    from cloudvolume import chunks

    voxels = (chunk if chunk.ndim == 4 else chunk[None]).T
    others: bytes = chunks.encode(np.asfortranarray(voxels), encoding)
    return others


def _decode_as_others(data: bytes, encoding: str, shape: tuple[int, int, int, int], data_type: str) -> NDArray[Any]:
    from cloudvolume import chunks

    try:
        voxels: NDArray[Any] = chunks.decode(data, encoding, shape=shape[::-1], dtype=data_type)
    except ImportError as error:
        raise BrainstackError(
            f"Chunks as {encoding} cannot be read here, as a package is missing: {error}. Install it, or write the "
            "volume as raw."
        ) from error
    except (IndexError, RuntimeError, struct.error) as error:
        raise ValueError(f"is not a whole {encoding} ({error})") from error
    return voxels.T
