"""TIFF: path in, array out, and back. Tiled BigTIFF for scans, written as it comes; pixel size in the file's tags."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tifffile
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.files.ome_xml import OmeChannel, ome_xml
from brainstack.files.whole import whole_file

MICROMETRES_IN_A_CENTIMETRE = 10_000


def read_tiff(path: Path) -> NDArray[Any]:
    """The image in a TIFF: (rows, columns) or (rows, columns, 3).

    Raises BrainstackError where there is no file, or none that can be read as TIFF.
    """
    with _said(path), tifffile.TiffFile(path, is_ome=False) as file:
        image = np.asarray(file.asarray())
        if not image.size:
            raise ValueError("it has no image")
        return image


LOSSY = {
    **dict.fromkeys(("OJPEG", "JPEG", "JPEG_LOSSY", "ALT_JPEG"), "JPEG"),
    **dict.fromkeys(("JPEG2000", "JPEG_2000_LOSSY", "APERIO_JP2000_RGB", "APERIO_JP2000_YCBC"), "JPEG 2000"),
    **dict.fromkeys(("JPEGXR", "JPEGXR_NDPI"), "JPEG XR"),
    **dict.fromkeys(("JPEGXL", "JPEGXL_DNG"), "JPEG XL"),
    "WEBP": "WebP",
}
"""Ways of packing that change colours, as tifffile calls them, and as people do."""


def read_saved_tiff(path: Path) -> NDArray[Any]:
    """A picture as another program saved it, in the values that it is shown with: 0 is black.

    A colour map becomes RGB, planes become channels, and what is kept with white as 0 is turned round.
    Returns (rows, columns), or (rows, columns, 2 to 4 channels).
    Raises BrainstackError as `read_tiff` does, and for several layers, packing that changes colours, a picture that is
    to be turned or mirrored, and colours other than RGB.
    """
    with _said(path), tifffile.TiffFile(path, is_ome=False) as file:
        page = file.pages.first
        layers = sum(not one.aspage().is_reduced for one in file.pages)  # but for small copies, to be shown in a list
        if layers > 1:
            raise BrainstackError(f"{path} has {layers} layers or pages, wanted one; flatten the image, and save it.")
        packed = tifffile.COMPRESSION(page.compression).name
        if packed in LOSSY:
            raise BrainstackError(
                f"{path} is packed by {LOSSY[packed]}, which changes the colours; save it with LZW or no compression."
            )
        turned = int(page.tags.valueof("Orientation", default=1))
        if turned != 1:
            raise BrainstackError(
                f"{path} says that it is to be turned or mirrored (its Orientation is {turned}), wanted 1; save it as "
                "it lay when it was opened."
            )
        image = np.asarray(page.asarray())
        if not image.size:
            raise ValueError("it has no image")
        return _as_shown(image, page, path)


def _as_shown(image: NDArray[Any], page: tifffile.TiffPage, path: Path) -> NDArray[Any]:
    """Values as they are kept in a file, as they are shown."""
    kind = tifffile.PHOTOMETRIC(page.photometric).name
    if kind == "PALETTE" and page.colormap is not None:
        colours = np.asarray(page.colormap)
        colours = colours >> 8 if colours.max() > 255 else colours  # some programs write bytes where words belong
        return np.moveaxis(colours[:, image.astype(np.intp)], 0, -1).astype(np.uint8)
    if kind not in ("MINISWHITE", "MINISBLACK", "RGB"):
        raise BrainstackError(f"{path} has its colours as {kind}, wanted RGB or grey; save it so.")
    if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and page.samplesperpixel > 1:
        image = np.moveaxis(image, 0, -1)
    if image.dtype == np.uint8 and 1 < page.bitspersample < 8:
        image = (image.astype(np.uint16) * 255 // (2**page.bitspersample - 1)).astype(np.uint8)
    if kind == "MINISWHITE" and image.dtype.kind in "bu":
        image = np.invert(image)
    return image


def read_tiff_shape(path: Path) -> tuple[int, int]:
    """(rows, columns) of a TIFF, without reading its pixels. Raises BrainstackError as `read_tiff` does."""
    with _said(path), tifffile.TiffFile(path) as file:
        rows, columns = file.pages[0].shape[:2]
    return int(rows), int(columns)


LARGEST_PIECE = 2**30
"""Bytes of a compressed strip or tile: a larger one is not decoded, as it would be in memory as a whole."""

READ_AT_ONCE = 2**24
"""Bytes of compressed strips or tiles; they are decoded one by one."""


def check_tiff(path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """The shape and pixel type of the one image in a TIFF, of which only a piece in the middle is decoded.

    Raises BrainstackError as `read_tiff` does, and for a file that is cut off.
    """
    with _said(path), tifffile.TiffFile(path) as file:
        page = file.pages.first
        if len(file.pages) != 1:
            raise ValueError(f"it has {len(file.pages)} images, wanted one")
        offsets, counts = page.dataoffsets, page.databytecounts
        end, size = max(map(sum, zip(offsets, counts, strict=True)), default=0), path.stat().st_size
        if end > size:
            raise ValueError(f"it is cut off: it has {size} bytes, its image reaches to byte {end}")
        middle = len(offsets) // 2
        if not page.is_memmappable and counts[middle]:
            if np.prod(page.chunks) * page.dtype.itemsize > LARGEST_PIECE:
                raise ValueError(f"its image is in pieces of {page.chunks} pixels, too large to be read")
            file.filehandle.seek(offsets[middle])
            page.decode(file.filehandle.read(counts[middle]), middle, jpegtables=page.jpegtables)
        return tuple(page.shape), np.dtype(page.dtype)


def read_tiff_strips(path: Path, rows: int) -> Iterator[NDArray[Any]]:
    """A TIFF from top to bottom, about `rows` rows at a time, however it is kept in the file.

    Each strip is (rows, columns), or (rows, columns, 3); no more than one, and a row of the file's own tiles, is in
    memory.
    Raises BrainstackError as `read_tiff` does.
    """
    with _said(path), tifffile.TiffFile(path) as file:
        page = file.pages.first
        waiting: list[NDArray[Any]] = []
        for band in _mapped(path, page.shape[0], rows) if page.is_memmappable else _bands(page):
            waiting.append(band)
            if sum(map(len, waiting)) >= rows:
                yield np.concatenate(waiting)
                waiting.clear()
        if waiting:
            yield np.concatenate(waiting)


def _mapped(path: Path, height: int, rows: int) -> Iterator[NDArray[Any]]:
    image = tifffile.memmap(path, mode="r", page=0)
    for top in range(0, height, rows):
        band = image[top : top + rows]
        yield band.astype(band.dtype.newbyteorder("="))


def _bands(page: Any) -> Iterator[NDArray[Any]]:
    """Each row of tiles, or each strip, decoded. A tile that is not in the file is 0."""
    height, width, *samples = page.shape
    rows = min(page.chunks[0], height)
    band, top = np.zeros((rows, width, *samples), page.dtype), 0
    for piece, (_, _, row, column, _), shape in page.segments(maxworkers=1, buffersize=READ_AT_ONCE):
        if row != top:
            yield band[: height - top]
            band, top = np.zeros((rows, width, *samples), page.dtype), row
        if piece is not None:
            pixels = piece.reshape(*piece.shape[-3:-1], *samples)[: height - row, : min(shape[2], width - column)]
            band[: len(pixels), column : column + pixels.shape[1]] = pixels
    yield band[: height - top]


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """What is wrong with a file becomes a sentence."""
    try:
        yield
    except FileNotFoundError as error:
        raise BrainstackError(f"{path} is not there; run the same command again to have it made.") from error
    except (tifffile.TiffFileError, struct.error, ValueError, RuntimeError, LookupError) as error:
        raise BrainstackError(f"{path} is no whole TIFF ({error}); delete it, or put a good one there.") from error


def write_tiff(path: Path, image: NDArray[Any], pixel_size_um: float, channel_name: str = "") -> None:
    """Write an image (rows, columns) or (rows, columns, 3), whole or not at all, losslessly compressed.

    It is a plain TIFF in strips, packed by LZW, which all programs read: ImageJ, and so Fiji, opens such a file itself,
    and shows noise (version 1.53) where zlib packed it with a predictor.
    channel_name : what viewers call it; "" leaves it to them.
    """
    with whole_file(path) as part:
        tifffile.imwrite(
            part,
            image,
            photometric="rgb" if image.ndim == 3 else "minisblack",
            maxworkers=1,
            **COMPRESSIONS["lzw"],
            **_tags(image.shape, image.dtype, pixel_size_um, channel_name),
        )


def write_tiff_in_strips(
    path: Path, strips: Iterator[NDArray[Any]], *, shape: tuple[int, ...], dtype: np.dtype[Any], tile_px: int,
    pixel_size_um: float, channel_name: str = "", compression: Compression = "zlib",
) -> None:  # fmt: skip
    """Write a tiled BigTIFF from strips of `tile_px` rows each (the last may have fewer); one strip is in memory.

    shape : (rows, columns) or (rows, columns, 3) of the whole image. Raises ValueError, and leaves no file, where the
    strips do not add up to it.
    """
    with whole_file(path) as part:
        tifffile.imwrite(
            part,
            _tiles(_checked(strips, shape, dtype), tile_px),
            shape=shape,
            dtype=dtype,
            tile=(tile_px, tile_px),
            bigtiff=True,
            photometric="rgb" if len(shape) == 3 else "minisblack",
            maxworkers=1,  # with threads, one for every second core, it waits for half a gigabyte of tiles
            **COMPRESSIONS[compression],
            **_tags(shape, dtype, pixel_size_um, channel_name),
        )


Compression = Literal["zlib", "zstd", "lzw", "none"]

COMPRESSIONS: dict[Compression, dict[str, Any]] = {
    "zlib": {"compression": "zlib", "compressionargs": {"level": 1}, "predictor": True},
    "zstd": {"compression": "zstd", "compressionargs": {"level": 1}, "predictor": True},
    "lzw": {"compression": "lzw", "predictor": True},
    "none": {},
}
"""What each is to tifffile. The predictor stores differences of neighbours, which scans pack a third better by."""


def _checked(strips: Iterator[NDArray[Any]], shape: tuple[int, ...], dtype: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    """The strips. Raises ValueError where they do not make up an image of this shape and type."""
    rows = 0
    for strip in strips:
        rows += len(strip)
        if strip.shape[1:] != shape[1:] or strip.dtype != dtype or rows > shape[0]:
            raise ValueError(f"found {strip.shape} {strip.dtype} up to row {rows}, wanted {shape} {dtype} in all")
        # tifffile does not ask for more than it needs.
        if rows == shape[0] and next(strips, None) is not None:
            raise ValueError(f"found more than {rows} rows")
        yield strip
        del strip  # before the next one is made
    if rows != shape[0]:
        raise ValueError(f"found {rows} rows, wanted {shape[0]}")


def _tiles(strips: Iterator[NDArray[Any]], tile_px: int) -> Iterator[NDArray[Any]]:
    """Whole tiles in the order of the file; those at the edges are filled up with 0."""
    for strip in strips:
        rows, columns, *samples = strip.shape
        for left in range(0, columns, tile_px):
            piece = strip[:, left : left + tile_px]
            if piece.shape[:2] != (tile_px, tile_px):
                whole = np.zeros((tile_px, tile_px, *samples), strip.dtype)
                whole[:rows, : piece.shape[1]] = piece
                piece = whole
            yield np.ascontiguousarray(piece)
        del strip, piece  # before the next strip is made


def _tags(shape: tuple[int, ...], dtype: np.dtype[Any], pixel_size_um: float, channel_name: str) -> dict[str, Any]:
    """The size of a pixel in the TIFF's own tags, for all programs, and with the channel's name in OME-XML, for those
    that read it (Bio-Formats, so Fiji and QuPath)."""
    pixels_in_a_centimetre = MICROMETRES_IN_A_CENTIMETRE / pixel_size_um
    xml = ome_xml(
        (1, shape[0], shape[1]),
        dtype=dtype.name,
        pixel_size_um=pixel_size_um,
        channels=(OmeChannel(channel_name),),
        samples=shape[2] if len(shape) == 3 else 1,
    )
    return {
        "resolution": (pixels_in_a_centimetre, pixels_in_a_centimetre),
        "resolutionunit": "CENTIMETER",
        "metadata": None,
        "software": False,
        "description": xml.encode(),
    }
