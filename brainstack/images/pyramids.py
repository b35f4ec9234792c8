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
        """strip : (rows, columns), the rows that follow those of the strip before."""
        rows = strip if self._rest is None else np.concatenate([self._rest, strip])
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
        if self._factor == 1:
            return rows.copy()
        starts = [np.arange(0, side, self._factor) for side in rows.shape[:2]]
        sums = np.add.reduceat(np.add.reduceat(rows, starts[0], axis=0, dtype=np.uint64), starts[1], axis=1)
        counts = [np.diff(np.append(start, side)) for start, side in zip(starts, rows.shape[:2], strict=True)]
        return np.rint(sums / np.outer(*counts)).astype(rows.dtype)
