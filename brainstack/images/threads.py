"""How many cores one process takes."""

from __future__ import annotations

import cv2


def use_one_thread() -> None:
    """OpenCV takes no more than one core in this process: the scheduler counts processes."""
    cv2.setNumThreads(1)
