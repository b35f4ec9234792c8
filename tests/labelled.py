"""Labels to test with: three structures in the aligned stack of the made-up animal, by each way there is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import tifffile
from lab import Lab

from brainstack.annotations import Voxel
from brainstack.database import open_database
from brainstack.points import POLYGONS, AnnotationSession, Point

STRUCTURES = {1: "10N", 2: "12N", 3: "3N"}
"""Label -> what the table of structures calls it; both sides of 10N and 3N share one."""


def canvas_of(lab: Lab) -> tuple[int, int]:
    """(rows, columns) of the aligned stack."""
    rows, columns = json.loads(lab.folder.small("transforms").read_text())["canvas"]
    return rows, columns


def ellipsoids(shape: tuple[int, int, int]) -> np.ndarray:
    """Three of them beside one another, (z, y, x) uint8: labels 1, 2 and 3."""
    z, y, x = (axis / length for axis, length in zip(np.indices(shape) + 0.5, shape, strict=True))
    labels = np.zeros(shape, np.uint8)
    for label in STRUCTURES:
        away = ((x - 0.2 - 0.15 * label) / 0.06) ** 2 + ((y - 0.5) / 0.12) ** 2 + ((z - 0.5) / 0.35) ** 2
        labels[away < 1] = label
    return labels


def write_label_tiffs(folder: Path, labels: np.ndarray) -> None:
    """A TIFF a section, called by its number."""
    folder.mkdir(parents=True)
    for number, plane in enumerate(labels):
        tifffile.imwrite(folder / f"{number:03d}.tif", plane)


def circle(x: float, y: float, radius: float, voxel: Voxel, slot: int, polygon: int = 0) -> list[Point]:
    """The corners of a circle in a section. x, y, radius : in pixels of an array."""
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    corners = [voxel.from_array((x + radius * np.cos(a), y + radius * np.sin(a), slot)) for a in angles]
    return [Point(one.x_um, one.y_um, one.z_um, polygon, order) for order, one in enumerate(corners)]


def draw(lab: Lab, *sessions: AnnotationSession) -> None:
    """Put polygons into the database, as `brainstack annotate import` does."""
    with open_database(lab.url) as database:
        database.add_annotations("DEMO", list(sessions))


def drawn(structure: str, points: list[Point], person: str = "ann") -> AnnotationSession:
    return AnnotationSession(POLYGONS, tuple(points), structure, "regions", person)
