"""What an outline is between two sections that it is known on: their signed distances, mixed (Raya and Udupa 1990,
"Shape-based interpolation of multidimensional objects"), on the way from the one's middle to the other's."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]


def signed_distance_px(mask: NDArray[np.bool_]) -> Plane:
    """How far inside a mask each pixel's middle is, in pixels; negative outside. Between a pixel and its neighbour
    outside it is 0. mask : (rows, columns); where it is empty all is far outside."""
    if not mask.any():
        return np.full(mask.shape, -float(sum(mask.shape)), np.float32)
    # The edge of the picture is no edge of the mask: it goes on beyond.
    framed = np.pad(mask, 1, mode="edge").astype(np.uint8)
    inside = cv2.distanceTransform(framed, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    outside = cv2.distanceTransform(1 - framed, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    return np.asarray(np.where(mask, inside - np.float32(0.5), np.float32(0.5) - outside), np.float32)


class Between:
    """The outlines between two masks of one shape, (rows, columns) bool."""

    def __init__(self, before: NDArray[np.bool_], after: NDArray[np.bool_]) -> None:
        self._is_empty = not before.any(), not after.any()
        first, second = _middle(before), _middle(after)
        self._way = second - first if not any(self._is_empty) else np.zeros(2)
        # With a frame as wide as they are moved, so that what comes in at the edge is a distance too.
        self._frame = int(np.ceil(np.abs(self._way).max()))
        before, after = (np.pad(mask, self._frame, mode="edge") for mask in (before, after))
        self._ends = signed_distance_px(before), signed_distance_px(after)

    def distance_px(self, share: float) -> Plane:
        """The signed distance, in pixels, at a share of the way from the first (0) to the second (1). Positive is
        inside. Next to an empty mask there is nothing."""
        before, after = self._ends
        if any(self._is_empty):
            return before if share < 0.5 else after
        moved = _moved(before, share * self._way), _moved(after, (share - 1) * self._way)
        mixed = np.asarray(moved[0] * np.float32(1 - share) + moved[1] * np.float32(share))
        return mixed[self._frame : len(mixed) - self._frame, self._frame : mixed.shape[1] - self._frame]


def _middle(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(x, y) of the middle of a mask's pixels."""
    count = max(int(mask.sum()), 1)
    rows, columns = mask.sum(axis=1), mask.sum(axis=0)
    return np.array([columns @ np.arange(len(columns)), rows @ np.arange(len(rows))]) / count


def _moved(plane: Plane, by_xy: NDArray[np.float64]) -> Plane:
    if not by_xy.any():
        return plane
    matrix = np.array([[1.0, 0.0, -by_xy[0]], [0.0, 1.0, -by_xy[1]]])
    return np.asarray(
        cv2.warpAffine(
            plane, matrix, plane.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.float32,
    )  # fmt: skip
