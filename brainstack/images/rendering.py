"""Rendering: any piece of a section as it is to be, masked, cleaned, aligned, straight from the tiles of its scan.

What has to happen to the scan's pixels before they are interpolated, happens in pieces of 512 x 512 of them, whatever
its tiles are; then each cell of the canvas is interpolated from its own window of these.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.geometry import Matrix
from brainstack.images.cells import CELL_PX, INTERPOLATIONS, Cell, Interpolation, cell_at, cell_starts, fill_cell
from brainstack.images.full_masks import SURE, Box, Soft, mask_region
from brainstack.images.scan_pieces import between_centres, has_tissue, inside, soft_range

LARGEST_WINDOW_PX = 2**26
"""So much of a scan is in memory at once, 128 MB of 16 bit. A block of 4096 x 4096 needs 40 million pixels at most; but
a strip as wide as a canvas, turned by a few degrees, is all over the scan."""


class Tiles(Protocol):
    """A scan in tiles, as `brainstack.files.tiles.TiledTiff`.

    shape, tile_shape : (rows, columns). samples : 1 or 3. dtype : uint8 or uint16.
    """

    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def samples(self) -> int: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def tile_shape(self) -> tuple[int, int]: ...
    def read_tile(self, row: int, column: int) -> NDArray[Any] | None:
        """By number down and across; cut at the image's edge. None where it is all 0."""


@dataclass(frozen=True, eq=False)
class Placement:
    """How a scanned section goes onto a canvas of the scan's pixel size.

    to_scan : 3x3, from points of the canvas to those of the scan, (x, y), pixel centres; it may mirror.
    soft_mask : (rows, columns) float32, the thumbnail's mask as `full_masks.softened` gives it.
    factor : pixels of the scan in one of the thumbnail, a side.
    gain : grey only; None is none.
    background : a value for each sample; 0 where there is a gain.
    haze : (thumbnail rows, columns) float32, in grey values: taken from the tissue before all else, interpolated
    linearly between centres of thumbnail pixels.
    field_px : (any rows, any columns, 2) float32, how far to go from a point of the canvas, in x and y, in its pixels,
    before `to_scan`: a picture of the whole canvas on larger pixels, as for `alignment.align`.
    canvas_shape : (rows, columns), needed with `field_px`.
    Raises ValueError where these do not go together.
    """

    to_scan: Matrix
    soft_mask: Soft
    factor: int
    gain: float | None
    background: tuple[int, ...]
    haze: NDArray[np.float32] | None = None
    field_px: NDArray[np.float32] | None = None
    canvas_shape: tuple[int, int] | None = None
    interpolation: Interpolation = "linear"

    def __post_init__(self) -> None:
        if self.gain is not None and self.background != (0,):
            raise ValueError(f"With a gain, the background is (0,), found {self.background}.")
        if self.field_px is not None and self.canvas_shape is None:
            raise ValueError("A field is a picture of a canvas: its canvas_shape is wanted.")
        if self.haze is not None and self.haze.shape != self.soft_mask.shape:
            raise ValueError(f"The haze is {self.haze.shape}, the mask {self.soft_mask.shape}.")
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(f"interpolation is one of {', '.join(INTERPOLATIONS)}, found {self.interpolation!r}.")


def aligned_region(tiles: Tiles, placement: Placement, box: Box) -> NDArray[Any]:
    """A piece of the canvas: (rows, columns) or (rows, columns, 3) of the scan's dtype.

    box : top, bottom, left, right in pixels of the canvas; bottom and right are outside.
    Raises BrainstackError as `Renderer.render`.
    """
    out = np.empty(_shape(box, tiles.samples), tiles.dtype)
    Renderer().render(tiles, placement, box[0], box[2], out)
    return out


class Renderer:
    """Renders block after block in memory that is used again. One for each thread."""

    def __init__(self) -> None:
        self._memory = np.empty(0, np.uint8)

    def render(self, tiles: Tiles, placement: Placement, top: int, left: int, out: NDArray[Any]) -> bool:
        """Fill `out`, (rows, columns) or (rows, columns, 3), with the pixels of the canvas from (top, left) on.

        False where nothing of the tissue comes near: all of `out` is background then. Only tiles that the mask keeps
        are decoded, each once unless the block is large. OpenCV's threads are the caller's affair.
        Raises BrainstackError where the mask is of another scale; ValueError for an `out` that does not fit the tiles.
        """
        _check(tiles, placement, out)
        every = [
            cell_at(row, column, placement.to_scan, placement.field_px, placement.canvas_shape)
            for row in cell_starts(top, top + out.shape[0])
            for column in cell_starts(left, left + out.shape[1])
        ]
        empty = _background(placement, tiles.dtype)
        cells = []
        for cell in every:
            if _has_tissue(placement, inside(cell.window, tiles.shape)):
                cells.append(cell)
            else:
                target = _view(out, _part_of(cell, top, left, out))
                target[...] = empty[: target.shape[0], : target.shape[1]]
        if not cells:
            return False
        for group in _groups(cells):
            window = self._window(tiles, placement, [cell.window for cell in group], empty)
            for cell in group:
                _fill(out, (top, left), cell, window.view(cell.window), placement)
        return True

    def _window(self, tiles: Tiles, placement: Placement, boxes: list[Box], empty: NDArray[Any]) -> _Window:
        """The scan with all done that comes before interpolation, wherever these boxes are."""
        pieces = {(top, left) for box in boxes for top in cell_starts(*box[:2]) for left in cell_starts(*box[2:])}
        rows, columns = zip(*pieces, strict=True)
        around = min(rows), max(rows) + CELL_PX, min(columns), max(columns) + CELL_PX
        window = _Window(around, self._array(_shape(around, tiles.samples), tiles.dtype))
        for row, column, area in _kept(tiles, placement, boxes, around):
            pixels = tiles.read_tile(row, column)
            from_tile = _moved(area, -row * tiles.tile_shape[0], -column * tiles.tile_shape[1])
            window.view(area)[...] = 0 if pixels is None else _view(pixels, from_tile)
        for top, left in pieces:
            box = top, top + CELL_PX, left, left + CELL_PX
            _finish(window.view(box), box, tiles.shape, placement, empty)
        return window

    def _array(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Memory of this shape, with anything in it."""
        size = math.prod(shape) * dtype.itemsize
        if self._memory.size < size:
            self._memory = np.empty(size, np.uint8)
        return self._memory[:size].view(dtype).reshape(shape)


@dataclass(frozen=True, eq=False)
class _Window:
    """Pixels of a box of the scan, which may reach beyond it; anything where nobody asked for them."""

    box: Box
    pixels: NDArray[Any]

    def view(self, box: Box) -> NDArray[Any]:
        return _view(self.pixels, _moved(box, -self.box[0], -self.box[2]))


def _check(tiles: Tiles, placement: Placement, out: NDArray[Any]) -> None:
    samples = (tiles.samples,) if tiles.samples > 1 else ()
    if out.dtype != tiles.dtype or out.shape[2:] != samples or len(placement.background) != tiles.samples:
        raise ValueError(
            f"The scan is {tiles.dtype} with {tiles.samples} samples, out {out.dtype} {out.shape}, "
            f"the background {placement.background}."
        )
    if tiles.samples > 1 and (placement.haze is not None or placement.gain is not None):
        raise ValueError("Haze and gain are for grey scans only.")
    thumbnail = placement.soft_mask.shape
    off = [abs(full - placement.factor * small) for full, small in zip(tiles.shape, thumbnail, strict=True)]
    if max(off) >= placement.factor:  # thumbnails of other programs leave out the last, narrower pixel
        raise BrainstackError(
            f"The mask is {thumbnail} but the section {tiles.shape}, as (rows, columns); wanted a mask of 1/"
            f"{placement.factor} of the section, as [tifs] thumbnail_factor says: its TIFF or its thumbnail is not the "
            "one that brainstack made; delete both, in tif and tif/thumbnail, and run the same command again."
        )


def _kept(tiles: Tiles, placement: Placement, boxes: Iterable[Box], around: Box) -> Iterator[tuple[int, int, Box]]:
    """The tiles that the boxes and the mask both touch, in the order of the file: number down and across, and what of
    the tile is inside of `around` (a strip is much wider)."""
    down, across = tiles.tile_shape
    numbers: set[tuple[int, int]] = set()
    for box in boxes:
        top, bottom, left, right = inside(box, tiles.shape)
        rows, columns = range(top // down, -(-bottom // down)), range(left // across, -(-right // across))
        numbers.update((row, column) for row in rows for column in columns)
    first_row, last_row, first_column, last_column = inside(around, tiles.shape)
    for row, column in sorted(numbers):
        area = (
            max(row * down, first_row),
            min((row + 1) * down, last_row),
            max(column * across, first_column),
            min((column + 1) * across, last_column),
        )
        if _has_tissue(placement, area):
            yield row, column, area


def _finish(
    piece: NDArray[Any], box: Box, scan_shape: tuple[int, int], placement: Placement, background: NDArray[Any]
) -> None:
    """Take the haze from a piece of the scan, and make background of what is outside of the mask or of the scan.

    background : an array as large as the piece, full of it.
    """
    scanned_box = inside(box, scan_shape)
    lowest, highest = soft_range(placement.soft_mask, placement.factor, scanned_box)
    if highest < 0.5 - SURE:
        piece[...] = background
        return
    in_piece = top, bottom, left, right = _moved(scanned_box, -box[0], -box[2])
    scanned = _view(piece, in_piece)
    if scanned.shape != piece.shape:
        for outside in (np.s_[:top], np.s_[bottom:], np.s_[:, :left], np.s_[:, right:]):
            piece[outside] = background[outside]
    if placement.haze is not None:
        haze = between_centres(placement.haze, placement.factor, scanned_box)
        cv2.subtract(scanned, haze, dst=scanned, dtype=cv2.CV_8U if scanned.dtype == np.uint8 else cv2.CV_16U)
    if lowest <= 0.5 + SURE:
        mask = mask_region(placement.soft_mask, placement.factor, scanned_box)
        # Three times as quick as np.copyto, and a hundred times for colours.
        cv2.copyTo(_view(background, in_piece), (~mask).view(np.uint8), scanned)


def _groups(cells: list[Cell]) -> Iterator[list[Cell]]:
    """The cells, in as few groups as do for a window of each to be small enough."""
    tops, bottoms, lefts, rights = zip(*(cell.window for cell in cells), strict=True)
    if len(cells) == 1 or (max(bottoms) - min(tops)) * (max(rights) - min(lefts)) <= LARGEST_WINDOW_PX:
        yield cells
        return
    rows, columns = sorted({cell.top for cell in cells}), sorted({cell.left for cell in cells})
    if rows[-1] - rows[0] > columns[-1] - columns[0]:
        middle = (rows[0] + rows[-1]) / 2
        halves = [cell for cell in cells if cell.top <= middle], [cell for cell in cells if cell.top > middle]
    else:
        middle = (columns[0] + columns[-1]) / 2
        halves = [cell for cell in cells if cell.left <= middle], [cell for cell in cells if cell.left > middle]
    for half in halves:
        yield from _groups(half)


def _fill(out: NDArray[Any], corner: tuple[int, int], cell: Cell, scan: NDArray[Any], placement: Placement) -> None:
    """Fill what of `out`, which begins at the canvas' corner, is in a cell. scan : the pixels of the cell's window."""
    part = _part_of(cell, *corner, out)
    target = _view(out, part)
    full = (CELL_PX, CELL_PX, *out.shape[2:])
    is_direct = target.shape == full and _can_be_filled(target)
    whole = target if is_direct else np.empty(full, out.dtype)
    fill_cell(cell, scan, placement.interpolation, whole)
    if placement.gain is not None and placement.gain != 1:
        cv2.multiply(whole, float(placement.gain), dst=whole)  # cut at the highest value; half to even
    if not is_direct:
        target[...] = _view(whole, _moved(part, corner[0] - cell.top, corner[1] - cell.left))


def _background(placement: Placement, dtype: np.dtype[Any]) -> NDArray[Any]:
    """A cell, or a piece of the scan, full of it."""
    row = np.tile(np.array(placement.background, dtype), (CELL_PX, 1))
    plane = np.empty((CELL_PX, *row.shape), dtype)
    plane[...] = row
    return plane if len(placement.background) > 1 else plane[..., 0]


def _part_of(cell: Cell, top: int, left: int, out: NDArray[Any]) -> Box:
    """What of `out`, whose first pixel is (top, left) of the canvas, is in a cell."""
    row, column = cell.top - top, cell.left - left
    return inside((row, row + CELL_PX, column, column + CELL_PX), (out.shape[0], out.shape[1]))


def _has_tissue(placement: Placement, box: Box) -> bool:
    return has_tissue(placement.soft_mask, placement.factor, box)


def _can_be_filled(part: NDArray[Any]) -> bool:
    """True where OpenCV can write there: pixels of a row lie side by side."""
    pixel = part.itemsize * math.prod(part.shape[2:])
    return part.strides[1] == pixel and part.strides[-1] == part.itemsize and part.strides[0] >= pixel * part.shape[1]


def _view(image: NDArray[Any], box: Box) -> NDArray[Any]:
    return image[box[0] : box[1], box[2] : box[3]]


def _moved(box: Box, rows: int, columns: int) -> Box:
    return box[0] + rows, box[1] + rows, box[2] + columns, box[3] + columns


def _shape(box: Box, samples: int) -> tuple[int, ...]:
    """Of an image that fills a box."""
    return (box[1] - box[0], box[3] - box[2]) + ((samples,) if samples > 1 else ())
