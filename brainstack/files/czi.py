"""Slide scans as the scanner writes them: Zeiss CZI. Boxes and names at once, pixels a strip at a time.

The format (ZISRAW): segments, each with a 32-byte header that says its name and its length. The first one points at
the directory, which points at the sub-blocks, the tiles of the scan.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
from pylibCZIrw import czi as pylibczi

from brainstack.errors import BrainstackError
from brainstack.records import Channel, Scene, SlideScan

log = logging.getLogger(__name__)

PIXEL_TYPES: dict[str, np.dtype[Any]] = {"Gray8": np.dtype(np.uint8), "Gray16": np.dtype(np.uint16)}

# Tiles of slide scanners have at most 2,048 rows, and a strip may lie across two rows of tiles. Keeping both decoded
# spares a tile from being decoded once for each strip that it crosses.
CACHED_ROWS = 2 * 2048

HEADER_BYTES = 544
"""The first segment: 32 bytes of its header and 512 that name the file and say where the directories are."""

Strip = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


def read_slide(path: Path) -> SlideScan:
    """What the slide holds: boxes, channels, pixel size and time, without reading a pixel.

    A file without scenes is one scene that covers all of it. Raises BrainstackError for a file that is missing, empty,
    cut off, not a CZI, or of pixels other than Gray8 and Gray16.
    """
    _check_whole(path)
    with _opened(path) as reader:
        extent = reader.total_bounding_box_no_pyramid
        _warn_of_depth(path, extent)
        pixel_type = _pixel_type(path, reader)
        scenes = _scenes(reader)
        about = ElementTree.fromstring(reader.raw_metadata)
    return SlideScan(
        file_name=path.name,
        pixel_type=pixel_type,
        pixel_size_um=_pixel_size_um(about),
        channels=_channels(about, extent["C"][1] - extent["C"][0]),
        scenes=scenes,
        acquired_at=_acquired_at(about),
        objective=_objective(about),
    )


def read_strips(path: Path, scene: Scene, channel: int, rows: int) -> Iterator[Strip]:
    """The scene from top to bottom, `rows` rows at a time; the last strip may be lower.

    Each strip is (rows, columns), uint8 or uint16 as in the file, as wide as the scene. What was not scanned is 0, and
    so is what another scene shows inside this one's box. channel : counted from 1.
    Raises BrainstackError as `read_slide` does, for a channel or scene that is not there, and for damaged pixels.
    """
    if rows < 1:
        raise ValueError(f"A strip has at least one row, found {rows}.")
    slide = read_slide(path)
    if not 1 <= channel <= len(slide.channels):
        names = ", ".join(f"{one.number} ({one.name})" for one in slide.channels)
        raise BrainstackError(f"{path} has no channel {channel}; its channels are {names}. Ask for one of these.")
    if scene not in slide.scenes:
        raise BrainstackError(
            f"{path} has no scene {scene.number} of {scene.width} x {scene.height} pixels at ({scene.x}, {scene.y}); "
            "the file was replaced after its metadata was read. Read the metadata again."
        )
    return _strips(path, scene, channel, rows, PIXEL_TYPES[slide.pixel_type])


def _strips(path: Path, scene: Scene, channel: int, rows: int, dtype: np.dtype[Any]) -> Iterator[Strip]:
    with _opened(path, cache_bytes=CACHED_ROWS * scene.width * dtype.itemsize) as reader:
        # Without this filter, the pixels of a neighbour whose box overlaps this one's would be drawn in.
        only = scene.index if _boxes(reader) else None
        for top in range(0, scene.height, rows):
            height = min(rows, scene.height - top)
            box = (scene.x, scene.y + top, scene.width, height)
            strip = reader.read(roi=box, plane={"C": channel - 1}, scene=only)[..., 0]
            if strip.shape != (height, scene.width) or strip.dtype != dtype:
                raise BrainstackError(
                    f"{path}, scene {scene.number}, rows {top} to {top + height}: found {strip.shape} {strip.dtype}, "
                    f"wanted {(height, scene.width)} {dtype}. Copy or scan the slide again."
                )
            yield strip


@contextmanager
def _opened(path: Path, cache_bytes: int = 0) -> Iterator[Any]:
    """The reader, with each fault it finds in the file told as one sentence."""
    cache = pylibczi.CacheOptions(
        type=pylibczi.CacheType.Standard, max_memory_usage=cache_bytes, max_sub_block_count=2**31 - 1
    )
    try:
        with pylibczi.open_czi(str(path), cache_options=cache) as reader:
            yield reader
    except (RuntimeError, ValueError, KeyError, IndexError, ElementTree.ParseError) as error:
        # The library has no exceptions of its own; these are what damaged files were seen to raise.
        raise BrainstackError(f"{path} is damaged ({error}). Copy it again, or scan the slide again.") from error


def _scenes(reader: Any) -> tuple[Scene, ...]:
    boxes = _boxes(reader) or {0: reader.total_bounding_rectangle_no_pyramid}
    return tuple(
        Scene(number, index, box.x, box.y, box.w, box.h)
        for number, (index, box) in enumerate(sorted(boxes.items()), start=1)
    )


def _boxes(reader: Any) -> dict[int, Any]:
    """Box of each scene by its index, without pyramids, whose tiles may stick out; none in a file without scenes."""
    # The library's own property raises ValueError for a slide of which a scene was deleted.
    return {index: boxes.boundingBoxLayer0 for index, boxes in reader._stats.sceneBoundingBoxes.items()}


def _pixel_type(path: Path, reader: Any) -> str:
    found = sorted(set(reader.pixel_types.values()))
    if len(found) == 1 and found[0] in PIXEL_TYPES:
        return str(found[0])
    raise BrainstackError(
        f"{path} has pixels of type {' and '.join(found) or 'unknown'}; wanted {' or '.join(PIXEL_TYPES)} in all "
        "channels. Export the slide with such pixels, or take it out of the folder."
    )


def _warn_of_depth(path: Path, extent: dict[str, tuple[int, int]]) -> None:
    for dimension, what in (("Z", "focal planes"), ("T", "time points")):
        first, end = extent.get(dimension, (0, 1))
        if end - first > 1:
            log.warning("%s has %d %s; only the first is read.", path.name, end - first, what)


# What the metadata says -----------------------------------------------------------------------------------------------


def _channels(about: ElementTree.Element, count: int) -> tuple[Channel, ...]:
    names = [""] * count
    # Some files name their channels only where they say how to show them.
    for place in (".//Information/Image/Dimensions/Channels/Channel", ".//DisplaySetting/Channels/Channel"):
        for number, element in enumerate(about.findall(place)[:count]):
            names[number] = names[number] or element.get("Name", "")
    return tuple(Channel(number, name or f"C{number}") for number, name in enumerate(names, start=1))


def _pixel_size_um(about: ElementTree.Element) -> tuple[float, float] | None:
    metres = [float(about.findtext(f".//Scaling/Items/Distance[@Id='{axis}']/Value") or 0) for axis in "XY"]
    if min(metres) <= 0:
        return None
    # Rounded to a femtometre, so that 3.25e-07 m is 0.325 um and not 0.32499999999999996.
    return round(metres[0] * 1e6, 9), round(metres[1] * 1e6, 9)


def _acquired_at(about: ElementTree.Element) -> str:
    places = (".//Information/Image/AcquisitionDateAndTime", ".//Information/Document/CreationDate")
    return next((text.strip() for place in places if (text := about.findtext(place))), "")


def _objective(about: ElementTree.Element) -> str:
    used = about.find(".//Information/Image/ObjectiveSettings/ObjectiveRef")
    every = about.findall(".//Information/Instrument/Objectives/Objective")
    chosen = [one for one in every if used is not None and one.get("Id") == used.get("Id")] or every
    return chosen[0].get("Name", "") if chosen else ""


def content_signature(path: Path) -> str:
    """A short name for what a CZI holds, without reading its pixels: the same file, copied or touched, has the same.

    It is taken from the file's identity, the directory of its tiles with their places and sizes, and the metadata,
    all of which a scanner or program that writes the file anew writes anew. Raises BrainstackError as `read_slide`.
    """
    _check_whole(path)
    hashed = hashlib.blake2b(str(path.stat().st_size).encode(), digest_size=16)
    with path.open("rb") as file:
        hashed.update(file.read(HEADER_BYTES))
        directory, metadata, attachments = _numbers(file, 32, "<52xqq4xq")
        segments = ((directory, b"ZISRAWDIRECTORY"), (metadata, b"ZISRAWMETADATA"), (attachments, b"ZISRAWATTDIR"))
        for position, name in segments:
            if position:
                end = _segment_end(file, position, name)
                file.seek(position)
                hashed.update(file.read(end - position))
    return hashed.hexdigest()


# Whether the file is whole --------------------------------------------------------------------------------------------


def _check_whole(path: Path) -> None:
    """Refuse what is no CZI, and one whose end is missing.

    Scanners write the directory first: without this look at the last tile, a copy that broke off would open well and
    fail, or not, in the middle of the pixels.
    """
    if not path.is_file():
        raise BrainstackError(f"{path} is not there; wanted a slide scan. Put the file back, or correct its name.")
    size = path.stat().st_size
    if size == 0:
        raise BrainstackError(f"{path} is empty (0 bytes); wanted a slide scan. Copy it again from the scanner.")
    with path.open("rb") as file:
        start = file.read(16)
        if not start.startswith(b"ZISRAWFILE"):
            raise BrainstackError(
                f"{path} is not a CZI file: it starts with {start[:10]!r}, wanted b'ZISRAWFILE'. "
                "Take it out of the folder, or put the scan in its place."
            )
        try:
            end = _end_of_content(file)
        except ValueError as error:
            raise BrainstackError(
                f"{path} is cut off or was never finished: {error}. Copy it again from the scanner."
            ) from error
    if end > size:
        raise BrainstackError(
            f"{path} is cut off: it has {size} bytes, its contents reach to byte {end}. Copy it again from the scanner."
        )


def _end_of_content(file: BinaryIO) -> int:
    """Byte after the last one in use. Raises ValueError where a segment is not where it should be.

    Only the last tile and the last attachment are looked at: segments follow each other, and a slide may have a
    hundred thousand.
    """
    directory, metadata, attachments = _numbers(file, 32, "<52xqq4xq")
    ends = [_segment_end(file, directory, b"ZISRAWDIRECTORY")]
    if tiles := _tile_positions(file, directory):
        ends.append(_segment_end(file, max(tiles), b"ZISRAWSUBBLOCK"))
    if metadata:
        ends.append(_segment_end(file, metadata, b"ZISRAWMETADATA"))
    if attachments:
        ends.append(_segment_end(file, attachments, b"ZISRAWATTDIR"))
        if extras := _attachment_positions(file, attachments):
            ends.append(_segment_end(file, max(extras), b"ZISRAWATTACH"))
    return max(ends)


def _segment_end(file: BinaryIO, position: int, name: bytes) -> int:
    found, used = _numbers(file, position, "<16s8xq")
    if found.rstrip(b"\0") != name:
        raise ValueError(f"wanted {name.decode()} at byte {position}, found something else")
    return position + 32 + int(used)


def _tile_positions(file: BinaryIO, directory: int) -> list[int]:
    """Where the sub-blocks are. An entry of the directory has 32 bytes, and 20 more for each of its dimensions."""
    (count,) = _numbers(file, directory + 32, "<i")
    at, positions = directory + 32 + 128, []
    for _ in range(count):
        position, dimensions = _numbers(file, at, "<6xq14xi")
        positions.append(position)
        at += 32 + 20 * dimensions
    return positions


def _attachment_positions(file: BinaryIO, directory: int) -> list[int]:
    """Where the label, the preview and the like are. An entry of their directory has 128 bytes."""
    (count,) = _numbers(file, directory + 32, "<i")
    return [_numbers(file, directory + 32 + 256 + 128 * number, "<12xq")[0] for number in range(count)]


def _numbers(file: BinaryIO, position: int, layout: str) -> tuple[Any, ...]:
    """What stands at `position`, by the layout of `struct`."""
    size = os.fstat(file.fileno()).st_size
    if not 0 <= position <= size - struct.calcsize(layout):
        raise ValueError(f"it has {size} bytes and should go on at byte {position}")
    file.seek(position)
    return struct.unpack(layout, file.read(struct.calcsize(layout)))
