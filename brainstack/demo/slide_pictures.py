"""The pictures that a scanner takes of a whole slide: of its paper label, and of all that lies on it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from brainstack.demo.brightfield import AnyPicture

PREVIEW_UM = 50.0
"""Side of the preview's pixel."""

SLIDE_MM = (50.0, 25.0)
"""The part of a slide that has no label; more where the scenes need it."""

LABEL_PX = 480
PAPER, INK = (238, 240, 232), (38, 36, 52)
DARK_GROUND = (48, 50, 52)
FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_label(slide: str, channels: Sequence[str]) -> npt.NDArray[np.uint8]:
    """The label: animal, slide number, channels, a code; (480, 480, 3) uint8, red first."""
    animal, number = slide.split("_")[0], slide[-3:]
    page = np.full((LABEL_PX, LABEL_PX, 3), 40, np.uint8)
    cv2.rectangle(page, (14, 14), (LABEL_PX - 15, LABEL_PX - 15), PAPER, -1)
    lines = ((animal, 84, 2.2, 5), (f"slide {number}", 168, 1.8, 4), (" ".join(channels), 232, 0.9, 2))
    for text, lower, size, thick in lines:
        cv2.putText(page, text, (38, lower), FONT, size, INK, thick, cv2.LINE_AA)
    cv2.line(page, (38, 258), (LABEL_PX - 39, 258), INK, 2)
    code = np.random.default_rng(zlib.crc32(slide.encode())).integers(0, 2, (14, 14))
    code[:, 0] = code[-1] = 1
    code[0, :], code[:, -1] = np.arange(14) % 2 == 0, np.arange(14) % 2 == 1
    square = np.kron(code, np.ones((12, 12), np.int64))
    page[282 : 282 + 168, 38 : 38 + 168][square > 0] = INK
    cv2.putText(page, slide.removesuffix(f"_slide{number}"), (232, 380), FONT, 0.7, INK, 2, cv2.LINE_AA)
    # Paper is never even.
    grain = np.random.default_rng(zlib.crc32(slide.encode()) + 1).normal(0, 3, (*page.shape[:2], 1))
    return np.asarray(np.clip(cv2.GaussianBlur(page, (0, 0), 0.8) + grain, 0, 255), np.uint8)


class Overview:
    """The slide as a small camera sees it, put together from its scenes."""

    def __init__(self, pixel_size_um: float, stain: str) -> None:
        self._scale = pixel_size_um / PREVIEW_UM
        self._is_stained = stain == "nissl"
        self._scenes: list[tuple[npt.NDArray[np.uint8], int, int]] = []

    def add(self, picture: AnyPicture, x: int, y: int) -> None:
        """A scene, (rows, columns) uint16 or (rows, columns, 3) uint8, with the place of its corner in scan pixels."""
        size = tuple(max(1, round(side * self._scale)) for side in picture.shape[1::-1])
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        colours = small[..., ::-1] if self._is_stained else _lit_from_the_side(small)
        self._scenes.append((colours, round(x * self._scale), round(y * self._scale)))

    def draw(self) -> npt.NDArray[np.uint8]:
        """All scenes on their slide: (rows, columns, 3) uint8, red first, some 500 x 1000."""
        half = [round(side * 500 / PREVIEW_UM) for side in SLIDE_MM]
        for colours, x, y in self._scenes:
            half[0] = max(half[0], -x + 8, x + colours.shape[1] + 8)
            half[1] = max(half[1], -y + 8, y + colours.shape[0] + 8)
        glass = np.median(np.vstack([colours[0] for colours, _, _ in self._scenes]), axis=0)
        page = np.full((2 * half[1], 2 * half[0], 3), glass if self._is_stained else DARK_GROUND, np.uint8)
        for colours, x, y in self._scenes:
            rows, columns = colours.shape[:2]
            ground = page[y + half[1] :, x + half[0] :][:rows, :columns]
            ground[:] = ground + _share((rows, columns)) * (colours - ground.astype(np.float32))
        return page


def _share(shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """1 inside a scene, falling to 0 at its border, so that the glass goes on around it; (rows, columns, 1)."""
    inside = np.pad(np.ones((shape[0] - 2, shape[1] - 2), np.uint8), 1)
    share = np.clip(cv2.distanceTransform(inside, cv2.DIST_L2, 3) / 24, 0, 1)
    return np.asarray(share[..., np.newaxis], np.float32)


def _lit_from_the_side(small: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    """Unstained tissue on dark ground: (rows, columns) uint16 to (rows, columns, 3) uint8."""
    dark, bright = np.percentile(small, (25, 99.5))
    light = np.clip((small - dark) / max(bright - dark, 1.0), 0, 1)[..., np.newaxis]
    return np.asarray(DARK_GROUND + light * np.array([130, 128, 118]), np.uint8)
