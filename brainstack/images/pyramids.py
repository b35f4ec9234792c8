"""Smaller copies of images by area average, in strips, so that no whole image is ever held."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class AreaAverage:
    """Shrinks an image that comes in strips by a whole factor: each pixel is the mean of its factor x factor pixels.

    At the right and lower edge the mean is over the pixels that are there, so that the result has
    ceil(rows / factor) x ceil(columns / factor) pixels. Means are rounded to the nearest whole number, half to even.
    """

    def __init__(self, factor: int) -> None:
        self._factor = factor
        self._rest: NDArray[Any] | None = None
        self._done: list[NDArray[Any]] = []

    def add(self, strip: NDArray[Any]) -> None:
        """strip : (rows, columns) or (rows, columns, 3), the rows that follow those of the strip before."""
        # With nothing left over, the strip itself: a copy of it costs as much as the average.
        rows = strip if self._rest is None or not len(self._rest) else np.concatenate([self._rest, strip])
        whole = len(rows) - len(rows) % self._factor
        if whole:
            self._done.append(self._shrunk(rows[:whole]))
        self._rest = rows[whole:].copy()

    def finish(self) -> NDArray[Any]:
        """The whole small image, of the strips' dtype."""
        if self._rest is not None and len(self._rest):
            self._done.append(self._shrunk(self._rest))
        self._rest = None
        return np.concatenate(self._done)

    def _shrunk(self, rows: NDArray[Any]) -> NDArray[Any]:
        """rows : a multiple of the factor, or fewer: the last."""
        if self._factor == 1:
            return rows.copy()
        height, starts = min(self._factor, len(rows)), np.arange(0, rows.shape[1], self._factor)
        # Down first, row upon row: there the time goes, and `reduceat` in 64 bits is six times as slow. 32 bits hold
        # 65,537 white pixels of 16.
        columns = np.add.reduce(rows.reshape(-1, height, *rows.shape[1:]), axis=1, dtype=np.uint32)
        sums = np.add.reduceat(columns, starts, axis=1, dtype=np.uint64)
        pixels = height * np.diff(np.append(starts, rows.shape[1]))
        return np.rint(sums / (pixels if rows.ndim == 2 else pixels[:, None])).astype(rows.dtype)
