"""Pictures that are part of a page: read from PNG or TIFF, and packed into its text."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.files.tiff import read_tiff

JPEG_QUALITY = 80


def read_picture(path: Path) -> NDArray[Any]:
    """A PNG or TIFF: (rows, columns), or (rows, columns, 3) RGB. Raises BrainstackError for one that is damaged."""
    if path.suffix != ".png":
        return read_tiff(path)
    content = np.frombuffer(path.read_bytes(), np.uint8)
    picture = cv2.imdecode(content, cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH) if content.size else None
    if picture is None:
        raise BrainstackError(f"{path} is no picture, or damaged; delete it, and run the same command again.")
    return np.asarray(picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))


def jpeg_uri(picture: NDArray[np.uint8], quality: int = JPEG_QUALITY) -> str:
    """A picture, (rows, columns) or (rows, columns, 3) RGB, as the address of an image that holds it."""
    return data_uri("image/jpeg", jpeg(picture, quality))


def jpeg(picture: NDArray[np.uint8], quality: int = JPEG_QUALITY) -> bytes:
    """A picture, (rows, columns) or (rows, columns, 3) RGB, as a file."""
    stored = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", stored, [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1])
    return encoded.tobytes()


def png_uri(picture: NDArray[np.uint8]) -> str:
    """As `jpeg_uri`, without loss: of pictures with words in them."""
    stored = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".png", stored, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return data_uri("image/png", encoded.tobytes())


def data_uri(kind: str, content: bytes) -> str:
    """kind : such as "image/png"."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
