"""FullMasks: the mask at the scan's full size, without the steps of its thumbnail, a block at a time."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

FEW = 1000
"""Thumbnail pixels that are looked at one by one, 4 us each, before it is quicker to look at all of a piece."""

Box = tuple[int, int, int, int]
"""top, bottom, left, right in pixels of the scan; bottom and right are outside."""

SURE = 1e-3
"""Between soft values that are all farther than this on one side of one half, nothing has to be interpolated."""


def softened(mask: NDArray[np.bool_], smoothing_px: float) -> NDArray[np.float32]:
    """How much of a thumbnail's mask is around each of its pixels, from 0 to 1: a Gaussian mean.

    The mask goes on beyond its edges as it is there, so that tissue at the edge of the scan stays tissue.

    mask : (rows, columns) bool. smoothing_px : sigma in pixels of the mask; 0 is none. Returns (rows, columns) float32.
    """
    plane = mask.astype(np.float32)
    if not smoothing_px:
        return plane
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), smoothing_px, borderType=cv2.BORDER_REPLICATE), np.float32)


PIECE_PX = 64
"""Side of the pieces, in pixels of the thumbnail, that a soft mask is made in."""


class SoftMask:
    """What `softened` gives, made piece by piece where it is looked at, on a grid of its own: a pixel is the same
    whatever is asked for. Away from the outline a piece takes no memory, and the mask is kept in bits: the 64 sections
    of a block would take 0.7 GB as a whole.

    Has a shape, (rows, columns), and gives the float32 array of two slices, as an array of numpy does.
    """

    def __init__(self, mask: NDArray[np.bool_], smoothing_px: float) -> None:
        """mask : (rows, columns). smoothing_px : as for `softened`."""
        self.shape: tuple[int, int] = (mask.shape[0], mask.shape[1])
        self._bits = np.packbits(mask, axis=1)
        self._smoothing_px = smoothing_px
        self._pieces: dict[tuple[int, int], NDArray[np.float32]] = {}

    def __getitem__(self, box: tuple[slice, slice]) -> NDArray[np.float32]:
        (top, bottom, _), (left, right, _) = (one.indices(length) for one, length in zip(box, self.shape, strict=True))
        found = np.empty((max(bottom - top, 0), max(right - left, 0)), np.float32)
        for row in range(top // PIECE_PX, -(-bottom // PIECE_PX)):
            for column in range(left // PIECE_PX, -(-right // PIECE_PX)):
                first_row, first_column = row * PIECE_PX, column * PIECE_PX
                rows = slice(max(top, first_row), min(bottom, first_row + PIECE_PX))
                columns = slice(max(left, first_column), min(right, first_column + PIECE_PX))
                piece = self._piece(row, column)
                if piece.ndim:
                    piece = piece[
                        rows.start - first_row : rows.stop - first_row,
                        columns.start - first_column : columns.stop - first_column,
                    ]
                found[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = piece
        return found

    def _piece(self, row: int, column: int) -> NDArray[np.float32]:
        """A piece, or an array without axes where all of it is one number."""
        if (row, column) not in self._pieces:
            reach = math.ceil(4 * self._smoothing_px) + 2  # farther than OpenCV's kernel
            top, left = max(row * PIECE_PX - reach, 0), max(column * PIECE_PX - reach, 0)
            bits = self._bits[top : (row + 1) * PIECE_PX + reach]
            around = np.unpackbits(bits, axis=1, count=self.shape[1])[:, left : (column + 1) * PIECE_PX + reach] > 0
            if around.all() or not around.any():
                self._pieces[row, column] = np.array(around.flat[0], np.float32)
            else:
                soft = softened(around, self._smoothing_px)[row * PIECE_PX - top :, column * PIECE_PX - left :]
                self._pieces[row, column] = soft[:PIECE_PX, :PIECE_PX].copy()
        return self._pieces[row, column]


Soft = NDArray[np.float32] | SoftMask


def mask_region(soft: Soft, factor: int, box: Box) -> NDArray[np.bool_]:
    """A block of the full-size mask: what `softened` gave, interpolated linearly between centres of thumbnail pixels,
    and cut at one half. A pixel is the same in whichever block it lies.

    soft : (rows, columns) float32 or a SoftMask, of the whole thumbnail. factor : pixels of the scan in one of the
    thumbnail, a side. box : of the block, inside the scan. Returns (bottom - top, right - left) bool.

    Only between those centres where the outline goes through, has anything to be interpolated.
    """
    top, bottom, left, right = box
    above, _, down = _between(top, bottom, factor, soft.shape[0])
    before, _, across = _between(left, right, factor, soft.shape[1])
    around = np.pad(soft[above[0] : above[-1] + 2, before[0] : before[-1] + 2],
                    ((0, above[-1] + 2 > soft.shape[0]), (0, before[-1] + 2 > soft.shape[1])), mode="edge")  # fmt: skip
    corners = np.stack([around[:-1, :-1], around[1:, :-1], around[:-1, 1:], around[1:, 1:]])
    lowest, highest = corners.min(axis=0), corners.max(axis=0)
    crossed = np.argwhere((lowest <= 0.5 + SURE) & (highest >= 0.5 - SURE)).tolist()
    if len(crossed) > FEW:
        return mask_of_every_pixel(soft, factor, box)
    rows = np.searchsorted(above, np.arange(above[0], above[-1] + 2)).tolist()
    columns = np.searchsorted(before, np.arange(before[0], before[-1] + 2)).tolist()
    mask = np.repeat(np.repeat(lowest > 0.5, np.diff(rows), axis=0), np.diff(columns), axis=1)
    for row, column in crossed:
        height, width = slice(rows[row], rows[row + 1]), slice(columns[column], columns[column + 1])
        upper_left, lower_left, upper_right, lower_right = corners[:, row, column]
        first = upper_left + (lower_left - upper_left) * down[height]
        second = upper_right + (lower_right - upper_right) * down[height]
        mask[height, width] = first[:, np.newaxis] + (second - first)[:, np.newaxis] * across[width] > 0.5
    return mask


def mask_of_every_pixel(soft: Soft, factor: int, box: Box) -> NDArray[np.bool_]:
    """The same as `mask_region`, bit for bit, by looking at every pixel: quicker where most of the block is outline."""
    top, bottom, left, right = box
    above, below, down = _between(top, bottom, factor, soft.shape[0])
    before, after, across = _between(left, right, factor, soft.shape[1])
    around = soft[above[0] : below[-1] + 1, before[0] : after[-1] + 1]
    rows = around[above - above[0]]
    rows = rows + (around[below - above[0]] - rows) * down[:, np.newaxis]
    first = rows[:, before - before[0]]
    return np.asarray(first + (rows[:, after - before[0]] - first) * across > 0.5)


def _between(
    start: int, stop: int, factor: int, count: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """For each pixel of the scan along a side: the thumbnail's pixels on both sides of its centre, and the share of the
    way from the first to the second. Beyond the outermost centres it is these."""
    centres = (np.arange(start, stop) + 0.5) / factor - 0.5
    first = np.clip(np.floor(centres), 0, count - 1).astype(np.intp)
    second = np.minimum(first + 1, count - 1)
    return first, second, np.clip(centres - first, 0, 1).astype(np.float32)
