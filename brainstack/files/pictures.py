"""Pictures for people, as PNG files that a browser shows."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from brainstack.files.whole import whole_file


def write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture (rows, columns) or (rows, columns, 3) RGB, uint8."""
    with whole_file(path) as part:
        stored = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        _, encoded = cv2.imencode(".png", stored)
        part.write_bytes(encoded.tobytes())  # which, unlike OpenCV, says when the disk is full
