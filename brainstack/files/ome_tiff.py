"""OME-TIFF: pyramids that QuPath and Fiji open, written a block at a time, and put together without unpacking them.

A channel of a section is a page in tiles, and its smaller levels are that page's SubIFDs. A file lists tiles row by
row; blocks come otherwise, so that their tiles wait, packed, in a temporary file.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.files.ome_xml import OmeChannel, ome_xml
from brainstack.files.tiff import COMPRESSIONS, MICROMETRES_IN_A_CENTIMETRE, Compression
from brainstack.files.whole import whole_file
from brainstack.images.plane_pyramid import Block, PlanePyramid, Render, level_shapes


@dataclass(frozen=True)
class OmeTiffLayout:
    """What a file is like but for its pixels. shape : (rows, columns) of each plane. levels : of each plane.

    background : the pixel, one number for each sample, where nothing is. section_um : from a section to the next.
    """

    shape: tuple[int, int]
    levels: int
    dtype: str
    background: tuple[int, ...]
    channels: tuple[OmeChannel, ...]
    pixel_size_um: float
    section_um: float
    tile_px: int = 512
    compression: Compression = "zlib"
    block_px: int = 4096

    @property
    def samples(self) -> int:
        return len(self.background)

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(rows, columns) of each level."""
        return level_shapes(self.shape, self.levels)

    @property
    def pixel(self) -> NDArray[Any]:
        """One of background: a number, or (samples,)."""
        return np.array(self.background if self.samples > 1 else self.background[0], self.dtype)

    def pyramid(self) -> PlanePyramid:
        """Raises ValueError where blocks are not whole tiles."""
        if self.block_px % (2 * self.tile_px):
            raise ValueError(f"Blocks of {self.block_px} are not of pairs of tiles of {self.tile_px}.")
        return PlanePyramid(
            self.shape, levels=self.levels, block_px=self.block_px, dtype=np.dtype(self.dtype),
            background=self.background,
        )  # fmt: skip

    def xml(self, sections: int, name: str) -> str:
        return ome_xml(
            (sections, *self.shape),
            dtype=self.dtype,
            pixel_size_um=self.pixel_size_um,
            channels=self.channels,
            samples=self.samples,
            section_um=self.section_um,
            name=name,
        )


def write_section(path: Path, layout: OmeTiffLayout, renders: Iterable[Render], name: str) -> None:
    """Write the channels of one section, one after another, whole or not at all. renders : one for each channel, good
    until the next is asked for."""
    pyramid = layout.pyramid()
    with whole_file(path) as part, _writer(part) as out:
        for number, render in enumerate(renders):
            with Tiles(layout, path.parent) as tiles:
                for block in pyramid.blocks(render):
                    tiles.put(block)
                _write_page(out, layout, [tiles.of_level(level) for level in range(layout.levels)],
                            layout.xml(1, name) if number == 0 else None)  # fmt: skip


def write_stack(path: Path, layout: OmeTiffLayout, sections: Sequence[Path | None], name: str) -> None:
    """Put files of `write_section`, of this layout, together to one, whole or not at all; their tiles are copied as
    they are. None stands for a section that is all background.

    Raises BrainstackError where a file is not of this layout.
    """
    with whole_file(path) as part, _writer(part) as out:
        xml: str | None = layout.xml(len(sections), name)
        empty = _Empty(layout)
        for section in sections:
            if section is None:
                for _ in layout.channels:
                    _write_page(out, layout, [empty.of_level(level) for level in range(layout.levels)], xml)
                    xml = None
                continue
            with tifffile.TiffFile(section, is_ome=False) as file:
                for page in _pages(file, layout, section):
                    _write_page(out, layout, [_copied(file, one) for one in page], xml)
                    xml = None


def _writer(path: Path) -> tifffile.TiffWriter:
    return tifffile.TiffWriter(path, bigtiff=True, ome=False)


def _write_page(
    out: tifffile.TiffWriter, layout: OmeTiffLayout, levels: Sequence[Iterator[bytes]], description: str | None
) -> None:
    """A page and its smaller levels, of packed tiles. description : of the first page."""
    samples = (layout.samples,) if layout.samples > 1 else ()
    for level, (tiles, shape) in enumerate(zip(levels, layout.shapes, strict=True)):
        pixels_in_a_centimetre = MICROMETRES_IN_A_CENTIMETRE / (layout.pixel_size_um * 2**level)
        place: dict[str, Any] = {"subfiletype": 1} if level else {"subifds": len(levels) - 1}
        if level == 0 and description is not None:
            place["description"] = description.encode()
        out.write(
            tiles,
            shape=(*shape, *samples),
            dtype=layout.dtype,
            tile=(layout.tile_px, layout.tile_px),
            photometric="rgb" if samples else "minisblack",
            resolution=(pixels_in_a_centimetre, pixels_in_a_centimetre),
            resolutionunit="CENTIMETER",
            metadata=None,
            software=False,
            maxworkers=1,
            **place,
            **COMPRESSIONS[layout.compression],
        )


class Tiles:
    """The packed tiles of a plane, of all its levels, in a temporary file until they are written in order."""

    def __init__(self, layout: OmeTiffLayout, folder: Path) -> None:
        """folder : where the temporary file is to be; it has no name, and goes with this process."""
        self._layout, self._background = layout, layout.pixel
        self._empty = _Empty(layout)
        folder.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by __exit__
        self._end = 0
        self._places = [
            np.zeros((*(-(-length // layout.tile_px) for length in shape), 2), np.int64) for shape in layout.shapes
        ]

    def __enter__(self) -> Tiles:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def put(self, block: Block) -> None:
        """Pack the tiles of a block. Tiles of background are all the same, and are kept once."""
        side = self._layout.tile_px
        if block.pixels is None:
            return
        rows, columns = block.pixels.shape[:2]
        for top in range(0, rows, side):
            for left in range(0, columns, side):
                tile = block.pixels[top : top + side, left : left + side]
                if (tile == self._background).all():
                    continue
                data = packed(tile, self._layout.tile_px, self._layout.compression, self._background)
                self._file.write(data)
                at = (block.top + top) // side, (block.left + left) // side
                self._places[block.level][at] = self._end, len(data)
                self._end += len(data)

    def of_level(self, level: int) -> Iterator[bytes]:
        """The tiles of a level, row by row."""
        self._file.flush()
        for offset, size in self._places[level].reshape(-1, 2).tolist():
            yield os.pread(self._file.fileno(), size, offset) if size else self._empty.tile


class _Empty:
    """Levels of background."""

    def __init__(self, layout: OmeTiffLayout) -> None:
        self._counts = [-(-rows // layout.tile_px) * -(-columns // layout.tile_px) for rows, columns in layout.shapes]
        one = np.broadcast_to(layout.pixel, (1, 1, *layout.pixel.shape))
        self.tile = packed(one, layout.tile_px, layout.compression, layout.pixel)

    def of_level(self, level: int) -> Iterator[bytes]:
        return (self.tile for _ in range(self._counts[level]))


def packed(tile: NDArray[Any], side: int, compression: Compression, background: NDArray[Any]) -> bytes:
    """A tile as a file has it. tile : (rows, columns) or (rows, columns, 3); what lies beyond it is background."""
    whole = tile
    if tile.shape[:2] != (side, side):
        whole = np.empty((side, side, *tile.shape[2:]), tile.dtype)
        whole[...] = background
        whole[: tile.shape[0], : tile.shape[1]] = tile
    options = COMPRESSIONS[compression]
    if options.get("predictor"):
        whole = imagecodecs.delta_encode(np.ascontiguousarray(whole), axis=1)
    data = whole.tobytes()
    if compression == "none":
        return data
    encode = {"zlib": imagecodecs.zlib_encode, "zstd": imagecodecs.zstd_encode, "lzw": imagecodecs.lzw_encode}
    return bytes(encode[compression](data, **options.get("compressionargs", {})))


def _pages(file: tifffile.TiffFile, layout: OmeTiffLayout, path: Path) -> Iterator[list[Any]]:
    """Of each channel its page and the smaller levels of it."""
    wanted = layout.shapes
    pages = [[page, *(page.pages or ())] for page in file.pages]
    for page in pages:
        found = [(one.imagelength, one.imagewidth) for one in page]
        if found != wanted or page[0].dtype != layout.dtype or len(pages) != len(layout.channels):
            raise BrainstackError(
                f"{path} has {len(pages)} pages with levels of {found} pixels (rows, columns), wanted "
                f"{len(layout.channels)} of {wanted}; delete it, and run the same command again."
            )
        yield page


def _copied(file: tifffile.TiffFile, page: Any) -> Iterator[bytes]:
    for offset, size in zip(page.dataoffsets, page.databytecounts, strict=True):
        yield os.pread(file.filehandle.fileno(), size, offset)
