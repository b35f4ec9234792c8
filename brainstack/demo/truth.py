"""What is true of the made-up animal: where every section lies, where its tissue is, where the bright cells are."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from brainstack.errors import BrainstackError
from brainstack.files.whole import whole_file, write_json

Matrix = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SectionTruth:
    """One section on its slide.

    key : such as "slide001_S1". slide : name of the CZI without its suffix. scene : counted from 1. order : place in
    the brain, from 0. z_um : order times the spacing. width_px, height_px : of the scene, in pixels of the scan.
    rotation_rad : about the middle of the scene, positive from x to y. shift_px : (x, y), pixels of the scan.
    gain : how bright the section is against the others. matrix : 2 x 3; takes a point (x, y) of the ideal canvas to
    the scene, both in pixels of the scan with centres at whole numbers; a part that is torn off lies elsewhere.
    flaws : what befell it, of `difficulty.FLAWS`.
    """

    key: str
    slide: str
    scene: int
    order: int
    z_um: float
    width_px: int
    height_px: int
    rotation_rad: float
    shift_px: tuple[float, float]
    gain: float
    matrix: tuple[tuple[float, float, float], tuple[float, float, float]]
    flaws: tuple[str, ...] = ()

    def to_scene(self) -> Matrix:
        """From the ideal canvas to the scene: (3, 3), points as (x, y, 1)."""
        return np.array([*self.matrix, (0.0, 0.0, 1.0)])


@dataclass(frozen=True)
class Truth:
    """All of it. folder : of the animal; the CZIs are in czi/, the rest in truth/.

    canvas_px : (width, height) of the ideal canvas. spacing_um : between neighbouring sections.
    thumbnail_factor : how many pixels of the scan a side make one pixel of the masks. stain : "fluorescence" or
    "nissl". difficulty : of `difficulty.DIFFICULTIES`.
    """

    folder: Path
    pixel_size_um: float
    spacing_um: float
    canvas_px: tuple[int, int]
    thumbnail_factor: int
    channel_names: tuple[str, ...]
    sections: tuple[SectionTruth, ...]
    stain: str = "fluorescence"
    difficulty: str = "easy"

    @property
    def czi_files(self) -> list[Path]:
        """The slides, in order."""
        names = dict.fromkeys(section.slide for section in self.sections)
        return [self.folder / "czi" / f"{name}.czi" for name in names]

    def section(self, key: str) -> SectionTruth:
        """The section with this key. Raises BrainstackError where there is none."""
        for section in self.sections:
            if section.key == key:
                return section
        raise BrainstackError(
            f"{self.folder} has no section {key}; its sections are named like {self.sections[0].key}."
        )

    def pair_matrix(self, fixed_key: str, moving_key: str) -> Matrix:
        """From pixels of the fixed section's scene to those of the moving one's: (3, 3), points as (x, y, 1)."""
        fixed, moving = self.section(fixed_key), self.section(moving_key)
        return np.asarray(moving.to_scene() @ np.linalg.inv(fixed.to_scene()))

    def mask(self, key: str) -> Mask:
        """True where half of the pixel or more is tissue, ventricles included: bool, a thumbnail's shape.

        The shape is ceil(height / factor) x ceil(width / factor).
        """
        found = cv2.imread(str(mask_path(self.folder, self.section(key))), cv2.IMREAD_GRAYSCALE)
        if found is None:
            raise BrainstackError(f"{self.folder} has no true mask of {key}; make the animal again.")
        return np.asarray(found > 0)

    def cells_um(self) -> npt.NDArray[np.float64]:
        """The bright cells: (count, 3), as (x, y, z), micrometres on the ideal canvas.

        x and y count from the centre of its first pixel, z from the first section.
        """
        return np.loadtxt(self.folder / "truth" / "cells.csv", delimiter=",", skiprows=1, ndmin=2)


def make_matrix(
    canvas_px: tuple[int, int], scene_px: tuple[int, int], rotation_rad: float, shift_px: tuple[float, float]
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """From the ideal canvas to the scene: middle upon middle, turned about it, then shifted. Sizes: (width, height)."""
    cos, sin = math.cos(rotation_rad), math.sin(rotation_rad)
    from_x, from_y = ((size - 1) / 2 for size in canvas_px)
    to_x, to_y = ((size - 1) / 2 + by for size, by in zip(scene_px, shift_px, strict=True))
    return (
        (cos, -sin, to_x - cos * from_x + sin * from_y),
        (sin, cos, to_y - sin * from_x - cos * from_y),
    )


def mask_path(folder: Path, section: SectionTruth) -> Path:
    """The true mask of a section: an 8-bit PNG, 0 or 255."""
    return folder / "truth" / "masks" / f"{section.slide}_S{section.scene}.png"


def write_mask(folder: Path, section: SectionTruth, mask: Mask) -> None:
    """Write the true mask of a section."""
    with whole_file(mask_path(folder, section)) as part:
        cv2.imwrite(str(part), np.where(mask, 255, 0).astype(np.uint8))


def write_truth(truth: Truth) -> None:
    """Write truth.json into the animal's folder."""
    content = asdict(truth)
    del content["folder"]
    write_json(truth.folder / "truth" / "truth.json", content)


def read_truth(folder: Path) -> Truth:
    """What `write_truth` wrote. Raises BrainstackError where nothing was written."""
    path = folder / "truth" / "truth.json"
    if not path.is_file():
        raise BrainstackError(f"{path} is not there; wanted a made-up animal. Make it first.")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    sections = tuple(
        SectionTruth(
            **{
                **one,
                "shift_px": tuple(one["shift_px"]),
                "matrix": tuple(map(tuple, one["matrix"])),
                "flaws": tuple(one.get("flaws", ())),
            }
        )
        for one in content.pop("sections")
    )
    for name in ("canvas_px", "channel_names"):
        content[name] = tuple(content[name])
    return Truth(folder=folder, sections=sections, **content)


def stain_of(folder: Path) -> str | None:
    """The stain of the made-up animal in this folder; None where there is none."""
    return read_truth(folder).stain if (folder / "truth" / "truth.json").is_file() else None


def difficulty_of(folder: Path) -> str | None:
    """The difficulty of the made-up animal in this folder; None where there is none."""
    return read_truth(folder).difficulty if (folder / "truth" / "truth.json").is_file() else None


def write_cells(folder: Path, cells_um: Sequence[Sequence[float]] | npt.NDArray[np.float64]) -> None:
    """Write truth/cells.csv: x_um, y_um, z_um."""
    with whole_file(folder / "truth" / "cells.csv") as part, part.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("x_um", "y_um", "z_um"))
        writer.writerows([f"{value:.2f}" for value in cell] for cell in cells_um)
