"""The transforms that people gave pairs of sections, whichever of the two comes first now. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from brainstack.geometry import inverse, rigid, rigid_parts
from brainstack.records import AlignmentEdit, GivenPair


def pair_of(edit: AlignmentEdit, order: Sequence[str]) -> str:
    """The pair that an edit is about, as in its step. order : keys of the sections as they follow each other now; a
    pair of which one is not among them is named as it was said."""
    keys = [edit.other, edit.section]
    return "..".join(sorted(keys, key=order.index) if set(keys) <= set(order) else keys)


def given_pair(edit: AlignmentEdit, pair: str) -> GivenPair:
    """How the moving section of a pair lies on its fixed one. edit : may have been said of them the other way round."""
    said = GivenPair(edit.rotation_rad, edit.shift_x_um, edit.shift_y_um, edit.mirrored)
    if pair == f"{edit.other}..{edit.section}":
        return said
    about_centre = (1, 1)  # lengths are micrometres about the centre of the canvas, which is that of one pixel
    matrix = rigid(said.rotation_rad, said.shift_x_um, said.shift_y_um, about_centre, mirrored=said.mirrored)
    back = rigid_parts(inverse(matrix), about_centre)
    return GivenPair(back.rotation_rad, back.shift_x_px, back.shift_y_px, back.mirrored)
