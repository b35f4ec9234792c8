"""A few named points in the made-up animal, so that there is a layer of points to look at."""

from __future__ import annotations

import numpy as np

from brainstack.animal_folder import AnimalFolder
from brainstack.demo.truth import Truth
from brainstack.files.point_csv import write_points
from brainstack.point_layer import PointLayer, Property, same_size_starts

MIDDLE_UM = (6350.0, 4200.0)
"""About the middle of the brain on the canvas that holds its aligned sections, which is about 12.7 x 8.4 mm."""

LANDMARKS = {"middle": (0, 0, 1), "left": (-1500, 0, 1), "right": (1500, 0, 2), "top": (0, -1200, 3)}
"""Name -> how far right and down of the middle (micrometres), and the section, from 0."""


def landmarks(truth: Truth) -> PointLayer:
    """The named points, in micrometres from the corner of the aligned volume."""
    last = len(truth.sections) - 1
    places = [
        (MIDDLE_UM[0] + right, MIDDLE_UM[1] + down, (min(section, last) + 0.5) * truth.spacing_um)
        for right, down, section in LANDMARKS.values()
    ]
    count = len(places)
    names = Property("name", "uint8", np.arange(count), tuple(LANDMARKS))
    ids = np.arange(1, count + 1, dtype=np.uint64)
    return PointLayer("point", np.array(places), same_size_starts("point", count), ids, (names,))


def write_landmarks(folder: AnimalFolder, truth: Truth) -> None:
    """Make them the layer `landmarks` of the animal."""
    write_points(folder.points("landmarks"), landmarks(truth))
