"""What a CZI file is made of: where its tiles, its metadata and its attachments are, read without a pixel.

The format (ZISRAW): segments, each with a 32-byte header that says its name and its length. The first one says where
the directory is, which lists the sub-blocks, the tiles of the scan; each tile repeats its entry of the directory. Here
every entry is compared with the tile's own, so that a directory that was cut off, or points nowhere, is found before
anything is read from it.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

HEADER_BYTES = 544
"""The first segment: 32 bytes of its header and 512 that name the file and say where the directories are."""

SEGMENT = struct.Struct("<16s8xq")
SEGMENT_HEAD = struct.Struct("<16sq")
TILE_HEAD = struct.Struct("<iiq")
ENTRY = struct.Struct("<2siq4xi6xi")
DIMENSION = struct.Struct("<4sii4xi")
ATTACHMENT = struct.Struct("<12xq4x16x8s80s")

DIRECTORY, TILE, METADATA = b"ZISRAWDIRECTORY", b"ZISRAWSUBBLOCK", b"ZISRAWMETADATA"
ATTACHMENTS, ATTACHED = b"ZISRAWATTDIR", b"ZISRAWATTACH"

PIXEL_TYPES = {
    0: "Gray8", 1: "Gray16", 2: "Gray32Float", 3: "Bgr24", 4: "Bgr48", 8: "Bgr96Float", 9: "Bgra32",
    10: "Gray64ComplexFloat", 11: "Bgr192ComplexFloat", 12: "Gray32", 13: "Gray64",
}  # fmt: skip
COMPRESSIONS = {0: "raw", 1: "jpeg", 2: "lzw", 4: "jpegxr", 5: "zstd0", 6: "zstd1"}

LAST = 2**31 - 1
"""Mosaic index of a tile that has none: it is drawn last."""

MOST_PX = 2**20
"""Longest side of a scene: a million pixels are 7 cm of glass at 0.07 um. A place beyond is damage."""


class CutOffError(ValueError):
    """The file ends before its content does."""


@dataclass(frozen=True)
class TileEntry:
    """One tile, as the directory lists it.

    number : in the directory, from 0. position : of its segment in the file. data : where its pixels begin and how many
    bytes they take there. x, y, width, height : its place on the slide, in pixels of the scan. stored : (rows, columns)
    of its own pixels, fewer in a pyramid. scene : None in a file without scenes. dimensions : start of all others, such
    as Z and T.
    """

    number: int
    position: int
    pixel_type: str
    compression: str
    x: int
    y: int
    width: int
    height: int
    stored: tuple[int, int]
    scene: int | None
    channel: int
    mosaic: int
    data: tuple[int, int] = (0, 0)
    dimensions: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_pyramid(self) -> bool:
        return self.stored != (self.height, self.width)

    def __str__(self) -> str:
        scene = "" if self.scene is None else f"scene index {self.scene}, "
        return f"{scene}channel {self.channel + 1}, tile {self.number + 1} at ({self.x}, {self.y})"


@dataclass(frozen=True)
class Attachment:
    """A file inside the file. name : "Label", "SlidePreview" ... kind : its format, "CZI", "JPG" ... data : where it
    begins and how many bytes it has."""

    name: str
    kind: str
    data: tuple[int, int]


@dataclass(frozen=True)
class CziDirectory:
    """What is where. tiles : in the order of the directory. metadata : XML, b"" where there is none."""

    tiles: tuple[TileEntry, ...]
    metadata: bytes
    attachments: tuple[Attachment, ...]


def read_directory(file: BinaryIO) -> CziDirectory:
    """Read the directory of a CZI, and compare it with the head of every tile.

    Raises ValueError, which says what was found, for a file that is not CZI, is cut off, or whose parts disagree.
    """
    size = file.seek(0, os.SEEK_END)
    directory, metadata, attachments = _places(file, size)
    _check_nothing_is_forgotten(file, size, {METADATA: metadata, ATTACHMENTS: attachments})
    tiles = [_with_data(file, size, tile) for tile in sorted(_tiles(file, size, directory), key=_position)]
    return CziDirectory(
        tiles=tuple(sorted(tiles, key=lambda tile: tile.number)),
        metadata=_metadata(file, size, metadata) if metadata else b"",
        attachments=tuple(_attachments(file, size, attachments)) if attachments else (),
    )


def read_identity(file: BinaryIO) -> bytes:
    """What a scanner or program that writes the file anew writes anew: its head, directories and metadata.

    Raises ValueError as `read_directory`.
    """
    size = file.seek(0, os.SEEK_END)
    parts = [_bytes(file, size, 0, HEADER_BYTES)]
    for position, name in zip(_places(file, size), (DIRECTORY, METADATA, ATTACHMENTS), strict=True):
        if position:
            used = _used(file, size, position, name)
            parts.append(_bytes(file, size, position, 32 + used))
    return b"".join(parts)


def _places(file: BinaryIO, size: int) -> tuple[int, int, int]:
    """Where the directory, the metadata and the directory of attachments are; 0 for none of the latter two."""
    start = _bytes(file, size, 0, min(size, 16))
    if not start.startswith(b"ZISRAWFILE"):
        raise ValueError(f"it starts with {start[:10]!r}, wanted b'ZISRAWFILE'")
    directory, metadata, attachments = struct.unpack("<52xqq4xq", _bytes(file, size, 32, 80))
    if not directory:
        raise CutOffError("it has no directory of its tiles, which is written last")
    return directory, metadata, attachments


def _check_nothing_is_forgotten(file: BinaryIO, size: int, places: Mapping[bytes, int]) -> None:
    """Refuse a file whose head says 0 for the place of something that is in it.

    Segments are looked through only then: in a file without attachments, which scanners do not write.
    """
    missing = [name for name, position in places.items() if not position]
    at = 0
    while missing and at + SEGMENT_HEAD.size <= size:
        name, allocated = SEGMENT_HEAD.unpack(_bytes(file, size, at, SEGMENT_HEAD.size))
        if (found := name.rstrip(b"\0")) in missing:
            raise ValueError(f"its head knows of no {found.decode()}, but there is one at byte {at}")
        if allocated < 0:
            return
        at += 32 + allocated


def _tiles(file: BinaryIO, size: int, directory: int) -> list[TileEntry]:
    used = _used(file, size, directory, DIRECTORY)
    content = _bytes(file, size, directory + 32, used)
    if used < 128:
        raise ValueError(f"its directory has {used} bytes, wanted at least 128")
    (count,) = struct.unpack_from("<i", content)
    if not 0 <= count <= (used - 128) // ENTRY.size:
        raise ValueError(f"its directory of {used} bytes should list {count} tiles")
    tiles, at = [], 128
    for number in range(count):
        tile, at = _entry(content, at, number)
        tiles.append(tile)
    if content[at : at + 2] == b"DV":
        raise ValueError(f"its directory should list {count} tiles, but lists more")
    if len({tile.position for tile in tiles}) < count:
        raise ValueError("its directory lists a tile twice")
    return tiles


def _entry(content: bytes, at: int, number: int) -> tuple[TileEntry, int]:
    """A tile as an entry at `at` says, and where the entry ends."""
    try:
        schema, pixel_type, position, compression, count = ENTRY.unpack_from(content, at)
        end = at + ENTRY.size + DIMENSION.size * count
        if schema != b"DV" or not 2 <= count <= 32 or end > len(content):
            raise ValueError(f"the entry of tile {number + 1} in its directory is no such entry")
        dimensions = {
            name.rstrip(b"\0").decode("ascii"): (start, length, stored)
            for name, start, length, stored in DIMENSION.iter_unpack(content[at + ENTRY.size : end])
        }
        x, width, stored_width = dimensions.pop("X")
        y, height, stored_height = dimensions.pop("Y")
    except (struct.error, UnicodeDecodeError, KeyError) as error:
        raise ValueError(f"the entry of tile {number + 1} in its directory is broken ({error})") from error
    starts = {name: start for name, (start, _, _) in dimensions.items()}
    tile = TileEntry(
        number=number,
        position=position,
        pixel_type=PIXEL_TYPES.get(pixel_type, f"number {pixel_type}"),
        compression=COMPRESSIONS.get(compression, f"number {compression}"),
        x=x,
        y=y,
        width=width,
        height=height,
        stored=(stored_height or height, stored_width or width),
        scene=starts.pop("S", None),
        channel=starts.pop("C", 0),
        mosaic=starts.pop("M", LAST),
        dimensions=starts,
    )
    if min(width, height, *tile.stored) < 1 or max(width, height) > MOST_PX:
        raise ValueError(f"{tile} should have {width} x {height} pixels, stored as {stored_width} x {stored_height}")
    return tile, end


def _with_data(file: BinaryIO, size: int, tile: TileEntry) -> TileEntry:
    """The tile with the place of its pixels. Raises ValueError where its own head says other than the directory."""
    try:
        used = _used(file, size, tile.position, TILE)
        head = _bytes(file, size, tile.position + 32, min(used, 16 + ENTRY.size + 32 * DIMENSION.size))
        metadata_bytes, attached_bytes, data_bytes = TILE_HEAD.unpack_from(head)
        own, end = _entry(head, TILE_HEAD.size, tile.number)
    except CutOffError as error:
        raise CutOffError(f"{tile}: {error}") from error
    except (struct.error, ValueError) as error:
        raise ValueError(f"{tile}: {error}") from error
    if _said(own) != _said(tile):
        raise ValueError(f"{tile}: its own head says {_told(own, tile)}")
    start = max(256, end) + metadata_bytes
    rest = used - (start + data_bytes + attached_bytes)
    if min(metadata_bytes, attached_bytes, data_bytes, rest) < 0:
        raise ValueError(f"{tile}: {data_bytes} bytes of pixels do not fit into its {used} bytes")
    if rest and not _is_filling(file, size, tile.position + 32 + used, rest):
        raise ValueError(f"{tile}: its parts have {used - rest} bytes, and should have {used}")
    return _replaced(tile, (tile.position + 32 + start, data_bytes))


def _is_filling(file: BinaryIO, size: int, end: int, count: int) -> bool:
    """Whether the last `count` bytes of a segment only fill it up to a multiple of 32; a writer may count them as used.

    Where they do not, the pixels begin too early, by a wrong length of what is in front of them.
    """
    return count < 32 and end % 32 == 0 and not any(_bytes(file, size, end - count, count))


def _replaced(tile: TileEntry, data: tuple[int, int]) -> TileEntry:
    return TileEntry(**{**vars(tile), "data": data})


def _said(tile: TileEntry) -> dict[str, object]:
    return {name: value for name, value in vars(tile).items() if name not in ("position", "data")}


def _told(own: TileEntry, tile: TileEntry) -> str:
    others = _said(tile)
    return ", ".join(
        f"{name} {value} where the directory says {others[name]}"
        for name, value in _said(own).items()
        if value != others[name]
    )


def _position(tile: TileEntry) -> int:
    """Tiles are looked at in the order of the file: a disk, and a network more so, is slow at going back and forth."""
    return tile.position


def _metadata(file: BinaryIO, size: int, position: int) -> bytes:
    used = _used(file, size, position, METADATA)
    (xml_bytes,) = struct.unpack("<i", _bytes(file, size, position + 32, 4))
    if not 0 <= xml_bytes <= used - 256 or (not xml_bytes and used > 256):
        raise ValueError(f"its metadata of {used} bytes should hold {xml_bytes} bytes of XML")
    return _bytes(file, size, position + 32 + 256, xml_bytes)


def _attachments(file: BinaryIO, size: int, position: int) -> list[Attachment]:
    used = _used(file, size, position, ATTACHMENTS)
    content = _bytes(file, size, position + 32, used)
    (count,) = struct.unpack_from("<i", content)
    if not 0 <= count <= (used - 256) // ATTACHMENT.size:
        raise ValueError(f"its directory of attachments of {used} bytes should list {count}")
    end = 256 + ATTACHMENT.size * count
    if content[end : end + 2] == b"A1":
        raise ValueError(f"its directory of attachments should list {count}, but lists more")
    entries = list(ATTACHMENT.iter_unpack(content[256:end]))
    if len({place for place, _, _ in entries}) < count:
        raise ValueError("its directory of attachments lists one twice")
    return [_attachment(file, size, *entry) for entry in entries]


def _attachment(file: BinaryIO, size: int, place: int, kind: bytes, name: bytes) -> Attachment:
    about, of_kind = _text(name), _text(kind)
    used = _used(file, size, place, ATTACHED)
    if used < 256:
        raise ValueError(f"its attachment {about!r} has {used} bytes, wanted at least 256")
    head = _bytes(file, size, place + 32, 16 + ATTACHMENT.size)
    (data_bytes,) = struct.unpack_from("<q", head)
    if not 0 <= data_bytes <= used - 256:
        raise ValueError(f"its attachment {about!r} of {used} bytes should hold {data_bytes}")
    _, own_kind, own_name = ATTACHMENT.unpack_from(head, 16)
    if (own_kind, own_name) != (kind, name):
        raise ValueError(f"its attachment {about!r} calls itself {_text(own_name)!r}, or is of another kind")
    return Attachment(about, of_kind, (place + 32 + 256, data_bytes))


def _text(field: bytes) -> str:
    """Up to its first zero."""
    return field.partition(b"\0")[0].decode("ascii", "replace")


def _used(file: BinaryIO, size: int, position: int, name: bytes) -> int:
    """Bytes of a segment behind its header. Raises ValueError where none of that name is there, or its end is not."""
    found, used = SEGMENT.unpack(_bytes(file, size, position, SEGMENT.size))
    if found.rstrip(b"\0") != name:
        raise ValueError(f"wanted {name.decode()} at byte {position}, found something else")
    if used < 4:
        raise ValueError(f"what begins at byte {position} should have {used} bytes")
    if position + 32 + used > size:
        raise CutOffError(
            f"it has {size} bytes, and what begins at byte {position} reaches to byte {position + 32 + used}"
        )
    return int(used)


def _bytes(file: BinaryIO, size: int, position: int, count: int) -> bytes:
    """`count` bytes from `position` on. Raises ValueError where the file is shorter."""
    if not 0 <= position <= size - count:
        raise CutOffError(f"it has {size} bytes and should go on at byte {position}")
    file.seek(position)
    content = file.read(count)
    if len(content) < count:
        raise CutOffError(f"it became shorter while it was read: {len(content)} of {count} bytes at byte {position}")
    return content


def inside(content: bytes) -> BinaryIO:
    """A file that is an attachment of another."""
    return io.BytesIO(content)


def bytes_of_pixels(tile: TileEntry) -> int:
    """How many bytes the tile's pixels have, unpacked: Gray8, Gray16, Bgr24 and Bgr48."""
    samples, sample_bytes = SAMPLES[tile.pixel_type]
    return int(np.prod(tile.stored, dtype=np.int64)) * samples * sample_bytes


SAMPLES: dict[str, tuple[int, int]] = {"Gray8": (1, 1), "Gray16": (1, 2), "Bgr24": (3, 1), "Bgr48": (3, 2)}
"""Samples a pixel and bytes a sample of the pixel types that are read."""
