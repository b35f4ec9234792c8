"""Where pictures lie now, on their canvases and in the aligned frame, and what people said of places by that."""

from __future__ import annotations

import functools

import numpy as np

from brainstack.files.tiff import read_tiff
from brainstack.frames import (
    REFERENCE,
    Lies,
    PlaceFrame,
    about_centre,
    in_micrometres,
    matrix_of,
    reference_name,
    said_now,
)
from brainstack.geometry import Matrix, Shape, inverse, is_mirrored, turning
from brainstack.images.cleaning import cleaning_matrix
from brainstack.images.stack_alignment import AlignedStack
from brainstack.places_by_hand import edits_in_force
from brainstack.plan import Plan
from brainstack.records import AlignmentEdit

FRAME_SECTIONS = 5
"""So many sections keep where a frame lies: when the middle one is marked as bad, the next say it nearly as well."""
LOOK = "look at it, and place it again or release it"


def read_placement(plan: Plan, key: str, canvas: Shape) -> Matrix:
    """From the pixels of a section's thumbnail to those of its cleaned image."""
    mask = read_tiff(plan.folder.keyed("thumbnail_masked", key)) > 0
    return cleaning_matrix(mask, *plan.turns(key), canvas)


def placements_of(plan: Plan, canvas: Shape) -> Lies:
    """The same in micrometres, of any section that is aligned."""

    @functools.cache
    def on_canvas(key: str) -> Matrix | None:
        if key not in plan.place_in_chain:
            return None
        return in_micrometres(read_placement(plan, key, canvas), plan.pixel_size_um, canvas)

    return on_canvas


def lies_of(plan: Plan, alone: AlignedStack, on_canvas: Lies, canvas: Shape) -> Lies:
    """Where pictures lie in the aligned frame, as the pairs have them without what people said. One that is mirrored
    counts as if it were not: the frame is no other one because a person says that all sections are mirrored."""
    to_um, flop = about_centre(plan.pixel_size_um, canvas), turning(0, "flop", canvas)

    def lies(key: str) -> Matrix | None:
        place, picture = plan.place_in_chain.get(key), on_canvas(key)
        if place is None or place not in alone.placed or picture is None:
            return None
        upright = flop @ alone.placed[place] if is_mirrored(alone.placed[place]) else alone.placed[place]
        return to_um @ inverse(upright) @ inverse(to_um) @ picture

    return lies


def frame_of(plan: Plan, alone: AlignedStack, lies: Lies, *, is_reference: bool) -> PlaceFrame:
    """The frame of the aligned stack: of the placed section nearest to the middle, which stays as it is."""
    first, *others = sorted(alone.placed, key=lambda place: (abs(place - plan.anchor), place))
    upright = [place for place in others if not is_mirrored(alone.placed[place])]
    keys = [plan.chain[place] for place in (first, *upright[: FRAME_SECTIONS - 1])]
    name = reference_name(plan) if is_reference else keys[0]
    return PlaceFrame(name, {key: found for key in keys if (found := lies(key)) is not None})


def said_of_places(plan: Plan, name: str, lies: Lies, on_canvas: Lies) -> tuple[list[AlignmentEdit], dict[str, str]]:
    """What people said of places, with numbers of the frame and the canvases of now; and by section why what was said
    of it does not count."""
    found: list[AlignmentEdit] = []
    doubts: dict[str, str] = {}
    for edit in edits_in_force(plan):
        now = edit if edit.kind == "follow" else said_now(edit, name=name, lies=lies, placed=on_canvas)
        if now is None:
            doubts[edit.section] = _lost_frame(edit)
        else:
            found.append(now)
    return found, doubts


def _lost_frame(edit: AlignmentEdit) -> str:
    then = "a reference volume held the stack" if edit.frame.startswith(REFERENCE) else (
        f"section {edit.frame} was the middle one"
    )  # fmt: skip
    return f"it was placed by hand when {then}, and where that lies now is not known: {LOOK}"


def slips_of(follow: AlignmentEdit, pixel_size_um: float, canvas: Shape, on_canvas: Lies) -> tuple[Matrix, Matrix]:
    """How far the pictures of a section that follows, and of the one that it follows, lie elsewhere on their canvases
    than when that was said: canvas then to canvas now of the first, and now to then of the other, in pixels."""
    then = {follow.section: follow.placement} | dict(follow.frame_sections)
    to_um, slips = about_centre(pixel_size_um, canvas), []
    for key in (follow.section, follow.other):
        before, now = then.get(key), on_canvas(key)
        slip = np.eye(3) if before is None or now is None else now @ inverse(matrix_of(before))
        slips.append(inverse(to_um) @ slip @ to_um)
    return slips[0], inverse(slips[1])
