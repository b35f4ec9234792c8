"""What the numbers that people give of a place are about, and what they are once that has changed.

A place is from a frame (the canvas of the middle section, or the reference volume) to a section's canvas. Both move: a
mended mask lies elsewhere on its canvas, an animal is turned, another section becomes the middle one. So a place is
kept with where the pictures of its section, and of some sections of its frame, lay when it was said.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from brainstack.geometry import Matrix, Shape, inverse, rigid, rigid_parts
from brainstack.plan import Plan
from brainstack.records import AlignmentEdit, Placement
from brainstack.stamps import digest

ABOUT_CENTRE: Shape = (1, 1)
"""Lengths are micrometres about the centre of a canvas, which is then that of one pixel."""
ALIKE = np.array([[1e-6, 1e-6, 0.01], [1e-6, 1e-6, 0.01], [0, 0, 1e-6]])
"""The solver rounds to a ten-thousandth of a pixel; a frame that moved by less than this did not move."""
REFERENCE = "reference"

Lies = Callable[[str], Matrix | None]
"""Of a section's key: from its thumbnail as it was scanned to a canvas or a frame, in micrometres; None where it has no
place there."""

Seen = tuple[str, Placement | None, tuple[tuple[str, Placement], ...]]
"""frame, placement and frame_sections, as in AlignmentEdit."""


@dataclass(frozen=True)
class PlaceFrame:
    """name : as in AlignmentEdit. sections : by key, their pictures in it, those first that say best where it lies."""

    name: str
    sections: Mapping[str, Matrix]


def in_micrometres(placement: Matrix, pixel_size_um: float, canvas: Shape) -> Matrix:
    """From a section's thumbnail to its canvas, in pixels, as `Lies` has it: whatever their size, and the canvas'."""
    return about_centre(pixel_size_um, canvas) @ placement @ inverse(_from_corner(pixel_size_um))


def about_centre(pixel_size_um: float, canvas: Shape) -> Matrix:
    """From pixels of a canvas to micrometres about its centre."""
    rows, columns = canvas
    x_um, y_um = (-pixel_size_um * (count - 1) / 2 for count in (columns, rows))
    return np.array([[pixel_size_um, 0.0, x_um], [0.0, pixel_size_um, y_um], [0.0, 0.0, 1.0]])


def _from_corner(pixel_size_um: float) -> Matrix:
    half_um = pixel_size_um / 2
    return np.array([[pixel_size_um, 0.0, half_um], [0.0, pixel_size_um, half_um], [0.0, 0.0, 1.0]])


def kept(matrix: Matrix) -> Placement:
    return tuple(float(one) for one in matrix[:2].ravel())


def matrix_of(placement: Placement) -> Matrix:
    return np.array([*np.reshape(placement, (2, 3)), (0.0, 0.0, 1.0)])


def reference_name(plan: Plan) -> str:
    """Of the frame of the reference volume: another one's is another frame."""
    shape = plan.settings.shape
    return f"{REFERENCE} {digest([shape.reference, shape.reference_pixel_size_um])[:12]}"


# When it is said


def seen_of(plan: Plan, key: str) -> Seen:
    """Of an edit that is said now of a section: as the last run had it, which is what people see. Nothing is known
    before the first run."""
    content = last_transforms(plan)
    if "frame" not in content or key not in content["placements"]:
        return "", None, ()
    sections = tuple((name, tuple(numbers)) for name, numbers in content["frame"]["sections"])
    return content["frame"]["name"], kept(_placement(content, key)), sections


def seen_of_pair(plan: Plan, fixed: str, moving: str) -> Seen:
    """The same of a pair: its frame is the fixed section's canvas."""
    content = last_transforms(plan)
    if "frame" not in content or not {fixed, moving} <= set(content["placements"]):
        return "", None, ()
    return fixed, kept(_placement(content, moving)), ((fixed, kept(_placement(content, fixed))),)


def last_frame(plan: Plan) -> PlaceFrame | None:
    """The frame of the last run; None where it did not say."""
    content = last_transforms(plan)
    if "frame" not in content:
        return None
    return PlaceFrame(content["frame"]["name"], {key: matrix_of(one) for key, one in content["frame"]["sections"]})


def last_transforms(plan: Plan) -> dict[str, Any]:
    """What Transforms left at the last run; nothing before the first."""
    path = plan.folder.small("transforms")
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return content


def _placement(content: dict[str, Any], key: str) -> Matrix:
    return in_micrometres(np.array(content["placements"][key]), content["pixel_size_um"], tuple(content["cleaned"]))


# When it is used


def moved(before: PlaceFrame, name: str, lies: Lies) -> Matrix | None:
    """From a frame of now to one of before, in micrometres; None where it is not known.

    name, lies : of the frame of now. The first section that lies in both says it; one reference stays where it is, and
    what nobody kept anything of is taken as the same.
    """
    if before.name == name and name.startswith(REFERENCE):
        return np.eye(3)
    for key, there in before.sections.items():
        if (here := lies(key)) is not None:
            found = there @ inverse(here)
            return np.eye(3) if (abs(found - np.eye(3)) <= ALIKE).all() else found
    return None if before.sections else np.eye(3)


def said_now(edit: AlignmentEdit, *, name: str, lies: Lies, placed: Lies) -> AlignmentEdit | None:
    """An edit with the numbers that say the same now; None where the frame that it was said in is not known any more.

    name, lies : of the frame of now. placed : of sections on their canvases now.
    """
    before = PlaceFrame(edit.frame, {key: matrix_of(one) for key, one in edit.frame_sections})
    frame = moved(before, name, lies)
    if frame is None:
        return None
    here = placed(edit.section)
    canvas = np.eye(3) if edit.placement is None or here is None else here @ inverse(matrix_of(edit.placement))
    if np.array_equal(frame, np.eye(3)) and (abs(canvas - np.eye(3)) <= ALIKE).all():
        return edit
    said = rigid(edit.rotation_rad, edit.shift_x_um, edit.shift_y_um, ABOUT_CENTRE, mirrored=edit.mirrored)
    parts = rigid_parts(canvas @ said @ frame, ABOUT_CENTRE)
    return dataclasses.replace(
        edit,
        rotation_rad=parts.rotation_rad,
        shift_x_um=parts.shift_x_px,
        shift_y_um=parts.shift_y_px,
        mirrored=parts.mirrored,
    )
