"""transforms.csv: where each section lies, for people and other programs."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from brainstack.files.whole import whole_file
from brainstack.records import Section

COLUMNS = ("section", "slide", "scene", "key", "a11", "a12", "tx", "a21", "a22", "ty",
           "downsample", "canvas_width", "canvas_height")  # fmt: skip


@dataclass(frozen=True)
class SectionTransform:
    """One row: x' = a11 x + a12 y + tx, y' = a21 x + a22 y + ty takes a point of the aligned canvas to the section's
    cleaned thumbnail, in thumbnail pixels whose centres are whole numbers.

    matrix : 3 x 3. downsample : pixels of the scan to a side of a thumbnail's pixel. canvas_shape : (rows, columns).
    """

    section: Section
    matrix: NDArray[np.float64]
    downsample: int
    canvas_shape: tuple[int, int]


def write_transforms(path: Path, transforms: Iterable[SectionTransform]) -> None:
    """Write the table, with all digits."""
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for one in transforms:
            numbers = [repr(float(number)) for number in one.matrix[:2].ravel()]
            where = [one.section.number, one.section.slide, one.section.scene, one.section.key]
            writer.writerow([*where, *numbers, one.downsample, one.canvas_shape[1], one.canvas_shape[0]])


def read_transforms(path: Path) -> dict[str, NDArray[np.float64]]:
    """The 3 x 3 matrix of each section, by its key."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {row["key"]: np.array([[float(row["a11"]), float(row["a12"]), float(row["tx"])],
                                  [float(row["a21"]), float(row["a22"]), float(row["ty"])],
                                  [0.0, 0.0, 1.0]]) for row in rows}  # fmt: skip
