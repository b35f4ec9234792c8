"""A reference volume (blockface pictures, the template of an atlas, an aligned brain) as files, read plane by plane."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.files.tiff import read_tiff

ENDINGS = (".tif", ".tiff")


@dataclass(frozen=True)
class Reference:
    """Planes of a volume, of which none is in memory.

    path : a TIFF of many pages, or a folder of TIFFs. files : those of the folder, in order; none for a TIFF of pages.
    count : of planes. spacing_um : from one plane to the next; the first lies at z = 0, and z grows with the pages, or
    with the numbers in the files' names. pixel_size_um : side of a pixel in the planes.
    """

    path: Path
    files: tuple[Path, ...]
    count: int
    spacing_um: float
    pixel_size_um: float

    def reaches(self, z_um: float) -> bool:
        """Whether there is a plane at a depth: one reaches half of the spacing, also beyond the first and the last."""
        return -0.5 <= z_um / self.spacing_um <= self.count - 0.5

    def plane(self, z_um: float) -> NDArray[np.float32]:
        """The volume at a depth, linearly interpolated between its two nearest planes: (rows, columns) float32.

        Of colours, the mean is taken. Beyond the first and the last plane these go on as far as they reach. Raises
        BrainstackError for a depth outside the volume, and for planes that cannot be read or are of two sizes.
        """
        if not self.reaches(z_um):
            raise BrainstackError(
                f"{self.path} has {self.count} planes, from 0 to {(self.count - 1) * self.spacing_um:.0f} um, wanted "
                f"one at {z_um:.0f} um; put its spacing or its first section right, or leave that section without it."
            )
        at = min(max(z_um / self.spacing_um, 0.0), self.count - 1.0)
        below, share = math.floor(at), at - math.floor(at)
        lower = self._read(below)
        if share == 0:
            return lower
        upper = self._read(below + 1)
        if lower.shape != upper.shape:
            raise BrainstackError(
                f"{self.path}: plane {below} is {lower.shape} and plane {below + 1} is {upper.shape}, as (rows, "
                "columns), wanted all planes of one size; make the volume again."
            )
        return np.asarray((1 - share) * lower + share * upper, np.float32)

    def _read(self, number: int) -> NDArray[np.float32]:
        plane = read_tiff(self.files[number]) if self.files else _page(self.path, number)
        if plane.ndim not in (2, 3):
            raise BrainstackError(f"{self.path}: plane {number} is {plane.shape}, wanted (rows, columns); split it.")
        return np.asarray(plane if plane.ndim == 2 else plane.mean(axis=-1), np.float32)


def open_reference(path: Path, *, spacing_um: float, pixel_size_um: float) -> Reference:
    """The volume in a TIFF of many pages (z, y, x), or in a folder of TIFFs, one a plane, in the order of numbers.

    Raises BrainstackError where there is no such thing, and for a folder without TIFFs.
    """
    if path.is_dir():
        files = sorted((file for file in path.iterdir() if file.suffix.lower() in ENDINGS), key=_in_order)
        if not files:
            raise BrainstackError(f"{path} has no TIFF in it, wanted one for each plane; put them there.")
        return Reference(path, tuple(files), len(files), spacing_um, pixel_size_um)
    with _opened(path) as file:
        count = len(file.series[0].shape) > 2 and _has_one_page(file) and file.series[0].shape[0]
        return Reference(path, (), int(count or len(file.pages)), spacing_um, pixel_size_um)


def _in_order(file: Path) -> tuple[list[tuple[int, str]], str]:
    """Numbers count as numbers: plane_9 comes before plane_10. Whatever the name, these compare."""
    words = re.findall(r"\d+|\D+", file.name)
    return [(int(word), "") if word.isdecimal() else (-1, word) for word in words], file.name


def _page(path: Path, number: int) -> NDArray[Any]:
    with _opened(path) as file:
        if _has_one_page(file) and file.series[0].shape[0] > number:
            return np.array(tifffile.memmap(path, mode="r", series=0)[number])
        return np.asarray(file.pages[number].asarray())


def _has_one_page(file: tifffile.TiffFile) -> bool:
    """Some programs, ImageJ among them, say only where the first plane of a large volume is: the rest lie behind it."""
    return len(file.pages) == 1 and bool(file.series[0].is_truncated)


@contextmanager
def _opened(path: Path) -> Iterator[tifffile.TiffFile]:
    """What is wrong with a file becomes a sentence."""
    try:
        with tifffile.TiffFile(path, is_ome=False) as file:
            yield file
    except FileNotFoundError as error:
        raise BrainstackError(f"{path} is not there; wanted a TIFF of many pages, or a folder of TIFFs.") from error
    except (tifffile.TiffFileError, struct.error, ValueError, RuntimeError, LookupError) as error:
        raise BrainstackError(f"{path} is no whole TIFF ({error}); put a good one there.") from error
