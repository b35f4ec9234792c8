"""Chunks as bytes, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from brainstack.errors import BrainstackError
from brainstack.files.chunk_encoding import compress, decode, decompress, encode

Array = np.ndarray[Any, Any]


def chunk_of(channels: int, dtype: str) -> Array:
    """(channels, z, y, x), smooth enough for JPEG, each axis and channel another."""
    channel, z, y, x = np.indices((channels, 3, 24, 32))
    return np.ascontiguousarray((40 * channel + 10 * z + 2 * y + 3 * x).astype(dtype))


@pytest.mark.parametrize(
    ("encoding", "dtype", "channels"),
    [
        *(
            ("raw", dtype, channels)
            for dtype in ("uint8", "uint16", "uint32", "uint64", "float32")
            for channels in (1, 3)
        ),
        *(("png", dtype, channels) for dtype in ("uint8", "uint16") for channels in (1, 3)),
        ("compressed_segmentation", "uint32", 1),
        ("compressed_segmentation", "uint64", 1),
    ],
)
def test_a_chunk_comes_back(encoding: str, dtype: str, channels: int) -> None:
    chunk = chunk_of(channels, dtype)

    back = decode(bytes(encode(chunk, encoding, None)), encoding, chunk.shape, dtype)

    np.testing.assert_array_equal(back, chunk)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_jpeg_comes_back_nearly(channels: int) -> None:
    chunk = chunk_of(channels, "uint8")

    back = decode(bytes(encode(chunk, "jpeg", 95)), "jpeg", chunk.shape, "uint8")

    assert np.abs(back.astype(int) - chunk).max() <= 8


@pytest.mark.parametrize("channels", [1, 3])
def test_cloud_volume_makes_the_same_pictures(channels: int) -> None:
    """Its reader, in version 12.15, takes the pixels of colours for whole colours one after the other."""
    from cloudvolume import chunks

    chunk = chunk_of(channels, "uint8")

    theirs = chunks.encode(np.asfortranarray(chunk.T), "jpeg", compression_params={"level": 95})

    assert np.abs(decode(theirs, "jpeg", chunk.shape, "uint8").astype(int) - chunk).max() <= 16


def test_a_raw_chunk_has_x_running_fastest_and_channels_slowest() -> None:
    chunk = chunk_of(3, "uint16")

    assert bytes(encode(chunk, "raw", None)) == chunk.tobytes()
    assert bytes(encode(chunk[0], "raw", None)) == chunk[0].tobytes()


def test_the_same_chunk_is_the_same_gzip_and_any_reader_s() -> None:
    import gzip

    data = chunk_of(1, "uint16").tobytes()

    assert compress(data) == compress(data)
    assert gzip.decompress(compress(data)) == data
    assert decompress(gzip.compress(data)) == data


@pytest.mark.parametrize("encoding", ["raw", "jpeg", "png"])
@pytest.mark.parametrize("keep", [0, 1, 20, 0.5, -1])
def test_a_chunk_that_was_cut_short_is_an_error(encoding: str, keep: float) -> None:
    chunk = np.random.default_rng(0).integers(0, 255, (1, 4, 32, 32)).astype("uint8")
    data = bytes(encode(chunk, encoding, 90))
    short = data[: int(len(data) * keep) if keep == 0.5 else int(keep)]

    with pytest.raises(ValueError, match=r"whole|bytes"):
        decode(short, encoding, chunk.shape, "uint8")


@pytest.mark.parametrize("keep", [0, 5, 18, 1000, -9, -1])
def test_gzip_that_was_cut_short_is_an_error(keep: int) -> None:
    data = compress(np.random.default_rng(0).bytes(5000))

    with pytest.raises(ValueError, match="is not whole gzip"):
        decompress(data[:keep])


def test_what_needs_another_package_says_so() -> None:
    with pytest.raises(BrainstackError, match=r"Chunks as compresso cannot be read here.*pip install compresso"):
        decode(b"1234", "compresso", (1, 3, 24, 32), "uint16")


def test_a_picture_of_another_shape_is_an_error() -> None:
    chunk = chunk_of(1, "uint8")

    with pytest.raises(ValueError, match="holds a PNG"):
        decode(bytes(encode(chunk, "png", None)), "png", (1, 3, 24, 31), "uint8")
    with pytest.raises(ValueError, match="holds a PNG"):
        decode(bytes(encode(chunk, "png", None)), "png", chunk.shape, "uint16")
