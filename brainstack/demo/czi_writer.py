"""Files as Zeiss scanners write them: CZI (ZISRAW), of any kind that a test needs.

A file is a row of segments of a multiple of 32 bytes, each with a 32-byte header that says its name, the bytes it takes
and the bytes in use: the file header, a sub-block for each tile, the directory of the tiles, the metadata (XML), then
the attachments and their directory. Numbers are little-endian. Format: ZEISS, "ZISRAW (CZI) file format", 1.2.2.
"""

from __future__ import annotations

import hashlib
import io
import struct
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from brainstack.demo.czi_metadata import ChannelSettings, SceneSettings, metadata_xml

__all__ = [
    "Attachment",
    "ChannelSettings",
    "SceneSettings",
    "Tile",
    "WrittenTile",
    "metadata_xml",
    "picture_attachment",
    "write_czi",
]

ALIGNMENT = 32
PIXEL_TYPES = {"Gray8": 0, "Gray16": 1, "Bgr24": 3}
COMPRESSIONS = {"raw": 0, "jpegxr": 4, "zstd0": 5, "zstd1": 6}
ENTRY_BYTES, DIMENSION_BYTES = 32, 20
MOST_DIMENSIONS = 10
PYRAMID_OF_MANY_TILES = 2

# GUID_PKPixelFormat24bppRGB and 24bppBGR of the JPEG XR container.
JPEGXR_RED_FIRST = bytes.fromhex("24c3dd6f034efe4bb1853d77768dc90d")
JPEGXR_BLUE_FIRST = bytes.fromhex("24c3dd6f034efe4bb1853d77768dc90c")


@dataclass(frozen=True)
class Tile:
    """What one sub-block holds.

    pixels : (rows, columns) uint8 or uint16, or (rows, columns, 3) uint8 in the order blue, green, red of the file.
    x, y : of its upper left corner on the slide, in pixels of the scan; may be negative.
    scene : index in the file, from 0; None leaves the dimension S out. channel, z, t : from 0, always written.
    mosaic : index M; None counts the tiles of each scene, channel, z and t, and leaves M out of a pyramid's tiles;
    -1 leaves it out. compression : "raw", "jpegxr" (lossless), "zstd0" or "zstd1".
    zoom : 1 for the scan itself; 2, 4 ... for a tile of the pyramid, which covers so many times its rows and columns.
    encoded : bytes to write in place of those that `pixels` give, for a damaged file.
    metadata : XML of the tile alone. more_dimensions : such as (("H", 0), ("B", 0)), behind the others.
    """

    pixels: NDArray[Any]
    x: int
    y: int
    scene: int | None = 0
    channel: int = 0
    z: int = 0
    t: int = 0
    mosaic: int | None = None
    compression: str = "zstd1"
    zoom: int = 1
    encoded: bytes | None = None
    metadata: str = "<METADATA />"
    more_dimensions: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Attachment:
    """A file in the file. name : "Label", "SlidePreview", "Thumbnail" ... kind : "CZI", "JPG" ..."""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True)
class WrittenTile:
    """Where a tile lies in the file, in bytes from its start: its segment, and in that its encoded pixels."""

    position: int
    data_position: int
    data_size: int


def write_czi(
    path: Path,
    tiles: Iterable[Tile],
    *,
    metadata: str,
    attachments: Iterable[Attachment] = (),
    room_for_tiles: int = 0,
    seed: int = 0,
) -> list[WrittenTile]:
    """Write a CZI; a tile is written as it comes, and not kept. The same arguments give the same bytes.

    metadata : XML, as `metadata_xml` makes it. room_for_tiles : 0 puts directory and metadata behind the tiles; another
    number puts them in front, with room for so many tiles, as a scanner does. seed : another one, another identity.
    Returns where each tile lies. Raises ValueError for pixels or a compression that CZI does not know, and for more
    tiles than there is room for. attachments : asked for after the last tile.
    """
    with path.open("wb") as file:
        return _write(file, tiles, metadata, attachments, room_for_tiles=room_for_tiles, seed=seed)


def picture_attachment(name: str, picture: NDArray[np.uint8]) -> Attachment:
    """A picture, (rows, columns, 3) uint8 in the order red, green, blue, as scanners attach "Label" and "SlidePreview".

    It becomes a CZI of one uncompressed Bgr24 tile.
    """
    rows, columns = picture.shape[:2]
    about = metadata_xml(channels=(), pixel_size_um=None, pixel_type="Bgr24", size_px=(columns, rows))
    tile = Tile(picture[..., ::-1], 0, 0, scene=None, mosaic=-1, compression="raw")
    content = io.BytesIO()
    _write(content, [tile], about, ())
    return Attachment(name, "CZI", content.getvalue())


def _write(
    file: BinaryIO,
    tiles: Iterable[Tile],
    metadata: str,
    attachments: Iterable[Attachment],
    *,
    room_for_tiles: int = 0,
    seed: int = 0,
) -> list[WrittenTile]:
    identity = _identity(f"{seed} {metadata}")
    _write_segment(file, b"ZISRAWFILE", _file_header(identity, 0, 0, 0))
    front = file.tell()
    room = _directory_bytes(room_for_tiles) if room_for_tiles else 0
    if room:
        _write_segment(file, b"DELETED", b"", allocated=room)
        metadata_at = _write_metadata(file, metadata)
    entries, written = _write_tiles(file, tiles)
    if not room:
        metadata_at = _write_metadata(file, metadata)
    directory = struct.pack("<i124x", len(entries)) + b"".join(entries)
    directory_at = _write_in_front(file, directory, front, room) if room else _write_directory(file, directory)
    attachments_at = _write_attachments(file, attachments, identity)
    file.seek(0)
    _write_segment(file, b"ZISRAWFILE", _file_header(identity, directory_at, metadata_at, attachments_at))
    return written


def _identity(text: str) -> uuid.UUID:
    return uuid.UUID(bytes=hashlib.blake2b(text.encode(), digest_size=16).digest(), version=4)


# Segments -------------------------------------------------------------------------------------------------------------


def _write_segment(file: BinaryIO, name: bytes, content: bytes, *, allocated: int = 0) -> int:
    """Write a segment where the file stands; allocated : bytes it takes, at least those of its content."""
    position = file.tell()
    allocated = max(allocated, _aligned(len(content)))
    file.write(struct.pack("<16sqq", name, allocated, len(content)))
    file.write(content)
    file.write(bytes(allocated - len(content)))
    return position


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _file_header(identity: uuid.UUID, directory_at: int, metadata_at: int, attachments_at: int) -> bytes:
    version, part, update_pending = (1, 0), 0, 0
    identities = (identity.bytes_le, identity.bytes_le)
    positions = (directory_at, metadata_at, update_pending, attachments_at)
    return struct.pack("<ii8x16s16siqqiq", *version, *identities, part, *positions).ljust(512, b"\0")


def _write_metadata(file: BinaryIO, metadata: str) -> int:
    text = metadata.encode()
    return _write_segment(file, b"ZISRAWMETADATA", struct.pack("<ii248x", len(text), 0) + text)


def _write_directory(file: BinaryIO, directory: bytes) -> int:
    return _write_segment(file, b"ZISRAWDIRECTORY", directory)


def _directory_bytes(tiles: int) -> int:
    return _aligned(128 + tiles * (ENTRY_BYTES + MOST_DIMENSIONS * DIMENSION_BYTES))


def _write_in_front(file: BinaryIO, directory: bytes, front: int, room: int) -> int:
    """Put the directory where room was left for it, and go back to the end."""
    if len(directory) > room:
        raise ValueError(f"The directory has {len(directory)} bytes, but room for {room} was left; leave more.")
    file.seek(front)
    _write_segment(file, b"ZISRAWDIRECTORY", directory, allocated=room)
    file.seek(0, io.SEEK_END)
    return front


def _write_attachments(file: BinaryIO, attachments: Iterable[Attachment], identity: uuid.UUID) -> int:
    """Write attachments and their directory; returns where this is, 0 where there is none."""
    entries = []
    for number, attachment in enumerate(attachments):
        own = _identity(f"{identity} {number}").bytes_le
        names = (attachment.kind.encode(), attachment.name.encode())
        entries.append(struct.pack("<2s10xqi16s8s80s", b"A1", file.tell(), 0, own, *names))
        header = (struct.pack("<q8x", len(attachment.content)) + entries[-1]).ljust(256, b"\0")
        _write_segment(file, b"ZISRAWATTACH", header + attachment.content)
    if not entries:
        return 0
    return _write_segment(file, b"ZISRAWATTDIR", struct.pack("<i252x", len(entries)) + b"".join(entries))


# Tiles ----------------------------------------------------------------------------------------------------------------


def _write_tiles(file: BinaryIO, tiles: Iterable[Tile]) -> tuple[list[bytes], list[WrittenTile]]:
    """Write a sub-block for each tile; returns their entries of the directory, and where they lie."""
    entries, written = [], []
    counted: Counter[tuple[int | None, int, int, int]] = Counter()
    for tile in tiles:
        place = (tile.scene, tile.channel, tile.z, tile.t)
        mosaic = tile.mosaic
        if mosaic is None:
            # A tile of the pyramid is none of the mosaic.
            mosaic = counted[place] if tile.zoom == 1 else -1
            counted[place] += tile.zoom == 1
        data = _encoded(tile) if tile.encoded is None else tile.encoded
        position = file.tell()
        entry = _entry(tile, mosaic, position)
        about = tile.metadata.encode()
        header = (struct.pack("<iiq", len(about), 0, len(data)) + entry).ljust(256, b"\0")
        _write_segment(file, b"ZISRAWSUBBLOCK", header + about + data)
        entries.append(entry)
        written.append(WrittenTile(position, position + 32 + len(header) + len(about), len(data)))
    return entries, written


def _entry(tile: Tile, mosaic: int, position: int) -> bytes:
    """What the directory and the sub-block itself say of a tile."""
    rows, columns = tile.pixels.shape[:2]
    one = {"C": tile.channel, "Z": tile.z, "T": tile.t, "S": tile.scene, "M": None if mosaic < 0 else mosaic}
    dimensions = [("X", tile.x, columns * tile.zoom, columns), ("Y", tile.y, rows * tile.zoom, rows)]
    every = [*one.items(), *tile.more_dimensions]
    dimensions += [(name, start, 1, 1) for name, start in every if start is not None]
    if len(dimensions) > MOST_DIMENSIONS:
        raise ValueError(f"A tile has at most {MOST_DIMENSIONS} dimensions, found {len(dimensions)}.")
    pyramid = PYRAMID_OF_MANY_TILES if tile.zoom > 1 else 0
    kinds = (PIXEL_TYPES[_pixel_type(tile.pixels)], position, 0, _compression(tile), pyramid, len(dimensions))
    return struct.pack("<2siqiiB5xi", b"DV", *kinds) + b"".join(
        struct.pack("<4siifi", name.encode(), start, size, start, stored) for name, start, size, stored in dimensions
    )


def _pixel_type(pixels: NDArray[Any]) -> str:
    known = {(2, "uint8"): "Gray8", (2, "uint16"): "Gray16", (3, "uint8"): "Bgr24"}
    if (pixels.ndim, str(pixels.dtype)) not in known or pixels.shape[2:] not in ((), (3,)):
        raise ValueError(f"Wanted a plane of uint8 or uint16, or three of uint8, found {pixels.shape} {pixels.dtype}.")
    return known[pixels.ndim, str(pixels.dtype)]


def _compression(tile: Tile) -> int:
    if tile.compression not in COMPRESSIONS:
        raise ValueError(f"Wanted one of {', '.join(COMPRESSIONS)}, found {tile.compression!r}.")
    return COMPRESSIONS[tile.compression]


def _encoded(tile: Tile) -> bytes:
    pixels = np.ascontiguousarray(tile.pixels)
    _pixel_type(pixels), _compression(tile)
    if tile.compression == "raw":
        return pixels.tobytes()
    if tile.compression == "jpegxr":
        return _jpegxr(pixels)
    if tile.compression == "zstd0":
        return bytes(imagecodecs.zstd_encode(pixels.tobytes(), level=1))
    return _zstd1(pixels)


def _jpegxr(pixels: NDArray[Any]) -> bytes:
    """Lossless JPEG XR, which names the order of its colours by an identity."""
    if pixels.ndim == 2:
        return bytes(imagecodecs.jpegxr_encode(pixels, level=1.0))
    # The codec takes red first, but scanners and their readers know only files that say "blue first".
    encoded = bytes(imagecodecs.jpegxr_encode(np.ascontiguousarray(pixels[..., ::-1]), level=1.0))
    return encoded.replace(JPEGXR_RED_FIRST, JPEGXR_BLUE_FIRST, 1)


def _zstd1(pixels: NDArray[Any]) -> bytes:
    """zstd behind a header of its own: its length, then (1, 1) where low and high bytes are stored apart."""
    if pixels.dtype == np.uint8:
        return b"\x01" + bytes(imagecodecs.zstd_encode(pixels.tobytes(), level=1))
    low_and_high = pixels.astype("<u2", copy=False).view(np.uint8).reshape(-1, 2).T
    return b"\x03\x01\x01" + bytes(imagecodecs.zstd_encode(low_and_high.tobytes(), level=1))
