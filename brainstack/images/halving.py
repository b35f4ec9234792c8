"""Images and volumes at half their size: each voxel is the mean of those that it covers, rounded once, ties to even.

At an odd end a voxel covers fewer: only those that there are count.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

STRIP_ROWS = 64
"""Rows of the result made at a time: 2048 pixels of it and of what they come from stay in a core's cache."""

Factor = tuple[int, int, int]


def halve_plane(plane: NDArray[Any], out: NDArray[Any] | None = None) -> NDArray[Any]:
    """A plane of half as many rows and columns (rounded up), of the same dtype.

    plane : (rows, columns) or (rows, columns, channels), of whole numbers or float32.
    out : where to put it; None: a new array.
    """
    rows, columns = plane.shape[:2]
    if out is None:
        out = np.empty((-(-rows // 2), -(-columns // 2), *plane.shape[2:]), plane.dtype)
    plane = _made_even(plane, (0, 1))
    if plane.dtype in (np.uint8, np.uint16):
        for top in range(0, len(out), STRIP_ROWS):
            strip = out[top : top + STRIP_ROWS]
            _round_into(_sums_of_four(plane[2 * top : 2 * top + 2 * len(strip)], strip.shape), strip)
    else:
        out[...] = _mean_of([plane[row::2, column::2] for row in (0, 1) for column in (0, 1)])
    return out


def halve_volume(volume: NDArray[Any], factor_xyz: Factor) -> NDArray[Any]:
    """A volume of half as many rows and columns, and with a factor of (2, 2, 2) half as many sections; rounded up.

    volume : (z, y, x) or (z, y, x, channels), of whole numbers or float32. factor_xyz : (2, 2, 1) or (2, 2, 2).
    """
    depth, rows, columns = volume.shape[:3]
    z_factor = factor_xyz[2]
    shape = (-(-depth // z_factor), -(-rows // 2), -(-columns // 2), *volume.shape[3:])
    out = np.empty(shape, volume.dtype)
    for z, plane in enumerate(out):
        pair = volume[z * z_factor : (z + 1) * z_factor]
        if len(pair) == 1:
            halve_plane(pair[0], plane)
        else:
            _halve_pair(pair[0], pair[1], plane)
    return out


def most_frequent(volume: NDArray[Any], factor_xyz: Factor) -> NDArray[Any]:
    """As `halve_volume`, for labels: the one that most voxels have; of several, the smallest that is not 0.

    volume : (z, y, x) or (z, y, x, channels), of whole numbers.
    """
    volume = _made_even(volume, (1, 2) if factor_xyz[2] == 1 else (0, 1, 2))
    corners = [volume[z :: factor_xyz[2], y::2, x::2] for z in range(factor_xyz[2]) for y in range(2) for x in range(2)]
    best = corners[0].copy()
    # Where all agree, as nearly everywhere, there is nothing to count.
    mixed: NDArray[np.bool_] = np.zeros(corners[0].shape, bool)
    for other in corners[1:]:
        mixed |= other != corners[0]
    labels = np.stack([corner[mixed] for corner in corners])
    winner, votes = labels[0].copy(), np.zeros(labels.shape[1], np.uint8)
    for candidate in labels:
        count = (labels == candidate).sum(axis=0, dtype=np.uint8)
        first = (winner == 0) | ((candidate < winner) & (candidate != 0))
        better = (count > votes) | ((count == votes) & first)
        winner[better], votes[better] = candidate[better], count[better]
    best[mixed] = winner
    return best


def _halve_pair(first: NDArray[Any], second: NDArray[Any], out: NDArray[Any]) -> None:
    """The mean of 2 x 2 x 2 voxels, of two sections."""
    first, second = _made_even(first, (0, 1)), _made_even(second, (0, 1))
    if out.dtype not in (np.uint8, np.uint16):
        out[...] = _mean_of(
            [plane[row::2, column::2] for plane in (first, second) for row in (0, 1) for column in (0, 1)]
        )
        return
    for top in range(0, len(out), STRIP_ROWS):
        strip = out[top : top + STRIP_ROWS]
        rows = slice(2 * top, 2 * top + 2 * len(strip))
        one, two = (_sums_of_four(plane[rows], strip.shape) for plane in (first, second))
        _round_into((one + two) * np.float32(0.5), strip)


def _made_even(array: NDArray[Any], axes: tuple[int, ...]) -> NDArray[Any]:
    """With the last row of an odd axis twice: the mean of two equal voxels is the voxel."""
    widths = [(0, array.shape[axis] % 2 if axis in axes else 0) for axis in range(array.ndim)]
    return np.pad(array, widths, mode="edge") if any(after for _, after in widths) else array


def _sums_of_four(plane: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """A quarter of the sums of 2 x 2 pixels: exact, as 18 bits and two of fraction fit into float32's 24.

    OpenCV's own mean of whole numbers rounds halves up: 1/8 grey level too bright at each level.
    """
    mean: NDArray[np.float32] = cv2.resize(plane.astype(np.float32), shape[1::-1], interpolation=cv2.INTER_AREA)
    return mean.reshape(shape)  # OpenCV drops an axis of one channel


def _round_into(means: NDArray[np.float32], out: NDArray[Any]) -> None:
    np.rint(means, out=means)
    np.copyto(out, means, casting="unsafe")


def _mean_of(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """The mean of 4 or 8 arrays, rounded to even in whole numbers that never overflow."""
    dtype = parts[0].dtype
    if dtype.kind == "f":
        total: NDArray[np.float64] = np.sum([part.astype(np.float64) for part in parts], axis=0)
        return (total / len(parts)).astype(dtype, copy=False)
    bits = len(parts).bit_length() - 1
    low = len(parts) - 1
    wide = np.uint64 if dtype.kind == "u" else np.int64
    mean = np.zeros(parts[0].shape, wide)
    rest = np.zeros(parts[0].shape, np.uint8)
    for part in parts:
        mean += (part >> dtype.type(bits)).astype(wide)
        rest += (part & dtype.type(low)).astype(np.uint8)
    mean += (rest >> bits).astype(wide)
    rest &= low
    half = np.uint8(len(parts) // 2)
    up = (rest > half) | ((rest == half) & ((mean & wide(1)) == 1))
    mean += up.astype(wide)
    return mean.astype(dtype)
