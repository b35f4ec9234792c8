"""Between the pixels of a coarse picture: linear, and cheap where many fine pixels lie between two coarse ones."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def linear_at(
    coarse: NDArray[np.float32], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float32]:
    """A picture where these rows and columns cross, (n,) and (m,), in its pixels: linear between their centres, and
    beyond the outermost as there. coarse : (rows, columns). Returns (n, m) float32.

    As products of matrices, in OpenCV's one thread: three times as quick as its warp, and as exact as float32.
    """
    down, across = _weights(rows, coarse.shape[0]), _weights(columns, coarse.shape[1])
    between_rows = cv2.gemm(down, np.ascontiguousarray(coarse, np.float32), 1, None, 0)
    return np.asarray(cv2.gemm(between_rows, across, 1, None, 0, flags=cv2.GEMM_2_T), np.float32)


def _weights(at: NDArray[np.float64], count: int) -> NDArray[np.float32]:
    """(positions, count): how much of each coarse pixel is in each position."""
    inside = np.clip(at, 0, count - 1)
    first = np.minimum(inside.astype(np.intp), max(count - 2, 0))
    share, number = inside - first, np.arange(len(at))
    weights = np.zeros((len(at), count), np.float32)
    weights[number, first] = 1 - share
    weights[number, np.minimum(first + 1, count - 1)] += share.astype(np.float32)
    return weights
