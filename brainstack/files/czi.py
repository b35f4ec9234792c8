"""Slide scans as the scanner writes them: Zeiss CZI. Boxes and names at once, pixels a strip at a time.

Tiles are read one by one (`czi_tiles`), where the directory says they are (`czi_directory`), not through a library that
puts a plane together: of a tile that is shorter than it should be, or of another size, libCZI (pylibCZIrw 6.1) draws
the missing part as zeros without a word, and of a damaged one it cannot say which. The tests compare every pixel with
pylibCZIrw and aicspylibczi.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.files.czi_directory import (
    MOST_PX,
    Attachment,
    CutOffError,
    CziDirectory,
    TileEntry,
    read_directory,
    read_identity,
)
from brainstack.files.czi_metadata import CziMetadata, parse_metadata
from brainstack.files.czi_pictures import picture_in
from brainstack.files.czi_tiles import READ_COMPRESSIONS, TileReader, named
from brainstack.files.jpegxr import JpegXrDecoder
from brainstack.records import Scene, SlideScan

Strip = NDArray[np.uint8 | np.uint16]
FocalPlanes = Literal["first", "maximum"]

DTYPES: dict[str, np.dtype[Any]] = {
    "Gray8": np.dtype(np.uint8),
    "Gray16": np.dtype(np.uint16),
    "Bgr24": np.dtype(np.uint8),
}
"""The type of a sample of each pixel type that is read."""

NOT_SCANNED = {"Gray8": 0, "Gray16": 0, "Bgr24": 255}
"""What stands where there is no tile: no light in fluorescence, all of it in bright field."""


def read_slide(path: Path) -> SlideScan:
    """What the slide holds: boxes, channels, pixel size and time, without reading a pixel.

    A file without scenes is one scene that covers all of it. Raises BrainstackError for a file that is missing, empty,
    cut off, not a CZI, or of pixels other than Gray8, Gray16 and Bgr24.
    """
    return open_slide(path).scan


def read_strips(
    path: Path, scene: Scene, channel: int, rows: int, focal_planes: FocalPlanes = "first"
) -> Iterator[Strip]:
    """The scene from top to bottom, `rows` rows at a time; the last strip may be lower.

    Each strip is (rows, columns), uint8 or uint16 as in the file, or (rows, columns, 3) uint8 as red, green, blue; as
    wide as the scene. What was not scanned is 0, or white in a colour scan, and so is what another scene shows inside
    this one's box. Where tiles overlap, the one with the higher mosaic index is seen, as in ZEN. No more than the tiles
    of one strip, and what is left of them for the next, is in memory.
    channel : counted from 1. focal_planes : of several Z the lowest, or the brightest value of all. Of several T (and
    of whatever else a scanner may count) the lowest is read.
    Raises BrainstackError as `read_slide` does, for a channel or scene that is not there, for a damaged tile, which it
    names, and for a file that changes while it is read.
    """
    if rows < 1:
        raise ValueError(f"A strip has at least one row, found {rows}.")
    slide = open_slide(path)
    if not 1 <= channel <= len(slide.scan.channels):
        names = ", ".join(f"{one.number} ({one.name})" for one in slide.scan.channels)
        raise BrainstackError(f"{path} has no channel {channel}; its channels are {names}. Ask for one of these.")
    if _box(scene) not in map(_box, slide.scan.scenes):
        raise BrainstackError(
            f"{path} has no scene {scene.number} of {scene.width} x {scene.height} pixels at ({scene.x}, {scene.y}); "
            "the file was replaced after its metadata was read; run the same command again, which reads both anew."
        )
    if focal_planes == "maximum" and slide.scan.pixel_type == "Bgr24":
        raise BrainstackError(
            f"{path} is a colour scan, and [tifs] focal_planes = 'maximum' is for fluorescence: the brightest of a "
            "bright-field image is glass; set it to 'first'."
        )
    return _strips(path, slide, scene, channel, rows, focal_planes)


def scene_shape(scan: SlideScan, scene: Scene) -> tuple[int, ...]:
    """(rows, columns) of a scene, or (rows, columns, 3) in a colour scan."""
    return (scene.height, scene.width, 3) if scan.pixel_type == "Bgr24" else (scene.height, scene.width)


def _strips(
    path: Path, slide: SlideFile, scene: Scene, channel: int, rows: int, focal_planes: FocalPlanes
) -> Iterator[Strip]:
    readers = _stacked(_planes(_tiles_of(slide.directory, scene, channel), focal_planes))
    with _told(path, scene), path.open("rb", buffering=0) as file, JpegXrDecoder() as decoder:
        reader = TileReader(file, decoder)
        planes = [_PlaneReader(reader, scene, stacks, slide.scan.pixel_type) for stacks in readers]
        for top in range(0, scene.height, rows):
            height = min(rows, scene.height - top)
            strip = planes[0].rows(top, height)
            for other in planes[1:]:
                np.maximum(strip, other.rows(top, height), out=strip)
            if _signature(path) != slide.signature:
                raise BrainstackError(
                    f"{path} was changed while rows {top} to {top + height} of its scene {scene.number} were read; "
                    "wait until nobody writes it any more, and run the same command again."
                )
            yield strip
            del strip  # before the next one is made, if whoever asked for it has let it go


Stack = tuple[TileEntry, ...]
"""Tiles at the same place in different focal planes."""


class _PlaneReader:
    """One plane of a scene, read downwards: each tile is unpacked once. Of a stack of tiles the brightest is seen."""

    def __init__(self, reader: TileReader, scene: Scene, stacks: Iterable[Stack], pixel_type: str) -> None:
        self._reader = reader
        self._scene = scene
        self._stacks = sorted(stacks, key=lambda stack: (stack[0].mosaic, stack[0].number))
        self._background = NOT_SCANNED[pixel_type]
        self._samples = (3,) if pixel_type == "Bgr24" else ()
        self._dtype = DTYPES[pixel_type]
        self._below: dict[int, Strip] = {}
        """Of stacks that reach below what was read so far: their remaining rows, by number of the first tile."""

    def rows(self, top: int, height: int) -> Strip:
        """`height` rows of the scene, from its row `top` on."""
        strip = np.full((height, self._scene.width, *self._samples), self._background, self._dtype)
        for stack in self._stacks:
            tile = stack[0]
            above = tile.y - self._scene.y - top  # of the strip's first row, where the tile begins
            first, end = max(0, -above), min(tile.height, height - above)
            if first < end:
                left = tile.x - self._scene.x
                strip[above + first : above + end, left : left + tile.width] = self._part(stack, first, end)
        return strip

    def _part(self, stack: Stack, first: int, end: int) -> Strip:
        """Rows of a stack that were not asked for yet; those below them are kept, unless they can be read by
        themselves."""
        if all(tile.compression == "raw" for tile in stack):
            return self._brightest(stack, first, end)
        left = self._below.pop(stack[0].number, None)
        whole = self._brightest(stack, first, stack[0].height) if left is None else left
        if end < stack[0].height:
            # A copy: a view would keep all of the tile in memory until its last row is read.
            self._below[stack[0].number] = whole[end - first :].copy()
        return whole[: end - first]

    def _brightest(self, stack: Stack, first: int, end: int) -> Strip:
        brightest: Strip | None = None
        for tile in stack:
            with named(tile):
                pixels = self._reader.rows(tile, first, end)
            brightest = pixels if brightest is None else np.maximum(brightest, pixels)
        assert brightest is not None
        return brightest


def _stacked(planes: list[list[TileEntry]]) -> list[list[Stack]]:
    """The planes as one of stacks, where their tiles lie upon each other, as scanners' do: then no more than the tiles
    of one plane are in memory. Where they do not, each by itself."""
    by_place = [{_place(tile): tile for tile in plane} for plane in planes]
    places = by_place[0].keys()
    alike = all(len(own) == len(plane) and own.keys() == places for own, plane in zip(by_place, planes, strict=True))
    if alike:
        return [[tuple(own[place] for own in by_place) for place in places]]
    return [[(tile,) for tile in plane] for plane in planes]


def _place(tile: TileEntry) -> tuple[int, ...]:
    return tile.x, tile.y, tile.width, tile.height, tile.mosaic


def _tiles_of(directory: CziDirectory, scene: Scene, channel: int) -> list[TileEntry]:
    return [
        tile
        for tile in directory.tiles
        if not tile.is_pyramid and (tile.scene or 0) == scene.index and tile.channel == channel - 1
    ]


def _planes(tiles: list[TileEntry], focal_planes: FocalPlanes) -> list[list[TileEntry]]:
    """The tiles of each plane that is wanted: of all dimensions but Z the lowest; of Z the lowest, or each.

    B is none: it numbers the blocks of a scan, which lie side by side.
    """
    names = {name for tile in tiles for name in tile.dimensions} - {"B", "Z"}
    lowest = {name: min(tile.dimensions.get(name, 0) for tile in tiles) for name in names}
    shown = [tile for tile in tiles if all(tile.dimensions.get(name, 0) == lowest[name] for name in names)]
    by_z: dict[int, list[TileEntry]] = {}
    for tile in shown:
        by_z.setdefault(tile.dimensions.get("Z", 0), []).append(tile)
    return [by_z[z] for z in (sorted(by_z) if focal_planes == "maximum" else sorted(by_z)[:1])]


# The slide ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SlideFile:
    """All that a file says without its pixels. signature : the file's, when it was read."""

    directory: CziDirectory
    metadata: CziMetadata
    scan: SlideScan
    signature: tuple[int, ...]


def open_slide(path: Path) -> SlideFile:
    """The directory, the metadata and what follows from them, read once. Raises BrainstackError as `read_slide`."""
    if not path.is_file():
        raise BrainstackError(f"{path} is not there; wanted a slide scan. Put the file back, or correct its name.")
    if path.stat().st_size == 0:
        raise BrainstackError(f"{path} is empty (0 bytes); wanted a slide scan. Copy it again from the scanner.")
    with path.open("rb") as file:
        if not (start := file.read(10)).startswith(b"ZISRAWFILE"):
            raise BrainstackError(
                f"{path} is not a CZI file: it starts with {start!r}, wanted b'ZISRAWFILE'. "
                "Take it out of the folder, or put the scan in its place."
            )
    return _read(path, _signature(path))


@lru_cache(maxsize=2)  # a slide's scenes and channels are asked for one after another
def _read(path: Path, signature: tuple[int, ...]) -> SlideFile:
    with _told(path):
        with path.open("rb") as file:
            directory = read_directory(file)
        tiles = [tile for tile in directory.tiles if not tile.is_pyramid]
        if not tiles:
            raise ValueError("it has no tiles")
        pixel_type = _pixel_type(path, tiles)
        metadata = parse_metadata(directory.metadata, _channel_count(tiles))
        scenes = _scenes(tiles, metadata)
        _check_channels(path, tiles, metadata)
    return SlideFile(
        directory=directory,
        metadata=metadata,
        scan=SlideScan(
            file_name=path.name,
            pixel_type=pixel_type,
            pixel_size_um=metadata.pixel_size_um,
            channels=metadata.channels,
            scenes=scenes,
            acquired_at=metadata.acquired_at,
            objective=metadata.objective,
            focal_planes=len({tile.dimensions.get("Z", 0) for tile in tiles}),
            time_points=len({tile.dimensions.get("T", 0) for tile in tiles}),
            warnings=tuple(_warnings(tiles, scenes, metadata)),
        ),
        signature=signature,
    )


def _signature(path: Path) -> tuple[int, ...]:
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


@contextmanager
def _told(path: Path, scene: Scene | None = None) -> Iterator[None]:
    """What is wrong with a file becomes a sentence."""
    where = "" if scene is None else f"scene {scene.number}: "
    try:
        yield
    except CutOffError as error:
        raise BrainstackError(
            f"{path} is cut off or was never finished: {where}{error}. Copy it again from the scanner."
        ) from error
    except ValueError as error:
        raise BrainstackError(
            f"{path} is damaged: {where}{error}. Copy it again from the scanner, or scan the slide again."
        ) from error


def _scenes(tiles: Iterable[TileEntry], metadata: CziMetadata) -> tuple[Scene, ...]:
    """Their boxes without pyramids, whose tiles may stick out."""
    by_index: dict[int, list[TileEntry]] = {}
    for tile in tiles:
        by_index.setdefault(tile.scene or 0, []).append(tile)
    scenes = []
    for number, index in enumerate(sorted(by_index), start=1):
        own = by_index[index]
        x, y = min(tile.x for tile in own), min(tile.y for tile in own)
        width = max(tile.x + tile.width for tile in own) - x
        height = max(tile.y + tile.height for tile in own) - y
        if max(width, height) > MOST_PX or width * height > SPARSEST * _area(own):
            raise ValueError(
                f"scene {number} should have {width} x {height} pixels, of which its {len(own)} tiles have {_area(own)}"
            )
        scenes.append(Scene(number, index, x, y, width, height, metadata.stage_um.get(index)))
    return tuple(scenes)


SPARSEST = 10_000
"""A scene so many times as large as all its tiles together has a tile at a wrong place."""


def _area(tiles: Iterable[TileEntry]) -> int:
    return sum(tile.width * tile.height for tile in tiles)


def _box(scene: Scene) -> tuple[int, ...]:
    return scene.number, scene.index, scene.x, scene.y, scene.width, scene.height


def _pixel_type(path: Path, tiles: Iterable[TileEntry]) -> str:
    types, packed = {tile.pixel_type for tile in tiles}, {tile.compression for tile in tiles}
    if len(types) > 1 or not types <= DTYPES.keys():
        raise BrainstackError(
            f"{path} has pixels of type {' and '.join(sorted(types))}; wanted {', '.join(DTYPES)}, the same in all "
            "channels. Export the slide with such pixels, or take it out of the folder."
        )
    if strange := sorted(packed - set(READ_COMPRESSIONS)):
        raise BrainstackError(
            f"{path} has tiles packed as {' and '.join(strange)}; wanted {', '.join(READ_COMPRESSIONS)}. "
            "Export the slide with such tiles, or take it out of the folder."
        )
    return types.pop()


def _channel_count(tiles: Collection[TileEntry]) -> int:
    """Refuse a number beyond what there can be, before a list of so many is made."""
    channels = [tile.channel for tile in tiles]
    if not 0 <= min(channels) <= max(channels) < len(tiles):
        raise ValueError(f"its {len(tiles)} tiles should be of channels {min(channels) + 1} to {max(channels) + 1}")
    return max(channels) + 1


def _check_channels(path: Path, tiles: Iterable[TileEntry], metadata: CziMetadata) -> None:
    """Refuse a scene that has a channel not at all: it would be background from edge to edge."""
    found = {(tile.scene or 0, tile.channel) for tile in tiles}
    for index in sorted({scene for scene, _ in found}):
        for channel in metadata.channels:
            if (index, channel.number - 1) not in found:
                raise ValueError(f"scene index {index} has no tile of channel {channel.number} ({channel.name})")


def _warnings(tiles: list[TileEntry], scenes: tuple[Scene, ...], metadata: CziMetadata) -> Iterator[str]:
    """What a person should know of the slide before they trust its pictures."""
    for name, what in (("Z", "focal planes, of which [tifs] focal_planes says what is shown"), *OF_SEVERAL):
        count = len({tile.dimensions.get(name, 0) for tile in tiles})
        if count > 1:
            yield f"it has {count} {what}"
    if metadata.scene_count not in (None, len(scenes)):
        yield f"its metadata speak of {metadata.scene_count} scenes, and {len(scenes)} are there"
    for scene in scenes:
        counts = {
            channel.number: sum(
                tile.channel == channel.number - 1 and (tile.scene or 0) == scene.index for tile in tiles
            )
            for channel in metadata.channels
        }
        most = max(counts, key=lambda number: counts[number])
        for number, count in counts.items():
            if count < counts[most]:
                yield (
                    f"scene {scene.number} has {counts[most]} tiles in channel {most} but {count} in channel {number}, "
                    "in which what is missing is left empty"
                )


OF_SEVERAL = (
    ("T", "time points, of which the first is shown"),
    ("H", "phases, of which the first is shown"),
    ("I", "directions of light, of which the first is shown"),
    ("V", "views, of which the first is shown"),
    ("R", "rotations, of which the first is shown"),
)


# What else is in the file ---------------------------------------------------------------------------------------------


def read_slide_pictures(path: Path) -> dict[str, NDArray[np.uint8]]:
    """The scanner's photographs of the glass: "label" and "preview", those that the file has.

    Each is (rows, columns) or (rows, columns, 3) as red, green, blue; 16 bit are brought to 8 by their brightest.
    Raises BrainstackError as `read_slide`, and for one that is damaged.
    """
    slide, found = open_slide(path), {}
    for attachment in slide.directory.attachments:
        if attachment.name in PICTURES:
            with _told(path), path.open("rb") as file:
                file.seek(attachment.data[0])
                content = file.read(attachment.data[1])
                with _named(attachment):
                    found[PICTURES[attachment.name]] = picture_in(content, attachment.kind)
    return found


PICTURES = {"Label": "label", "SlidePreview": "preview"}


@contextmanager
def _named(attachment: Attachment) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"its attachment {attachment.name!r}: {error}") from error


def content_signature(path: Path) -> str:
    """A short name for what a CZI holds, without reading its pixels: the same file, copied or touched, has the same.

    It is taken from the file's identity, the directory of its tiles with their places and sizes, and the metadata,
    all of which a scanner or program that writes the file anew writes anew. Raises BrainstackError as `read_slide`.
    """
    open_slide(path)
    with _told(path), path.open("rb") as file:
        return hashlib.blake2b(
            str(os.fstat(file.fileno()).st_size).encode() + read_identity(file), digest_size=16
        ).hexdigest()
