"""Where people want sections to lie, on top of where the pairs put them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping

import numpy as np

from brainstack.errors import BrainstackError
from brainstack.geometry import Matrix, Shape, is_mirrored, turning
from brainstack.plan import Plan
from brainstack.records import AlignmentEdit
from brainstack.stack import key_of_scene


def check_edits(plan: Plan) -> None:
    """Raise BrainstackError where sections follow each other in a ring, so that none has a place."""
    followed = {edit.section: edit.other for edit in plan.records.alignment_edits if edit.kind == "follow"}
    for first in followed:
        key, seen = first, [first]
        while key in followed:
            key = followed[key]
            if key in seen:
                ring = seen[seen.index(key) :]  # what only leads into it is no part of it
                raise BrainstackError(
                    f"{plan.folder.prep_id}: the sections {', '.join(ring)} follow each other in a ring, so that none "
                    f"has a place; take one back: brainstack align release {plan.folder.prep_id} {ring[0]}."
                )
            seen.append(key)


def edits_in_force(plan: Plan) -> list[AlignmentEdit]:
    """Those that give a place, but for what names a section that is not aligned: that is without effect until it is."""
    return [
        edit
        for edit in plan.records.alignment_edits
        if edit.kind != "leave_out" and all(key in plan.place_in_chain for key in (edit.section, edit.other) if key)
    ]


def states_by_hand(plan: Plan) -> dict[int, bool]:
    """Whether a section is mirrored, by place in the chain, of those that people made anchors. One that is only placed
    says nothing of others."""
    anchors = [edit for edit in edits_in_force(plan) if edit.kind == "anchor"]
    return {plan.place_in_chain[edit.section]: edit.mirrored for edit in anchors}


def with_edits(
    placed: Mapping[str, Matrix],
    edits: Iterable[AlignmentEdit],
    *,
    rigid_of: Callable[[AlignmentEdit], Matrix],
    slips_of: Callable[[AlignmentEdit], tuple[Matrix, Matrix]] = lambda edit: (np.eye(3), np.eye(3)),
    mirrored: Container[str],
    shape: Shape,
) -> dict[str, Matrix]:
    """The places of sections with those on top that people gave; a section whose neighbour has no place has none.

    placed : by key, from the aligned frame to the section's canvas. rigid_of : the same of an edit that gives numbers.
    slips_of : of one that follows, where both pictures lie on their canvases since: its own after, the other's before.
    mirrored : keys of sections that lie the wrong way up and are turned back. One that follows a neighbour keeps its
    own state: its picture, turned the right way up, lies as the neighbour's does. shape : (rows, columns) of their
    canvas.
    """
    found = dict(placed)
    followed: dict[str, AlignmentEdit] = {}
    for edit in edits:
        if edit.kind in ("place", "anchor"):
            found[edit.section] = rigid_of(edit)
        elif edit.kind == "follow":
            followed[edit.section] = edit
            found.pop(edit.section, None)

    def put(key: str) -> Matrix | None:
        if key in followed and (source := put(followed[key].other)) is not None:
            own, others = slips_of(followed.pop(key))
            is_other = is_mirrored(own @ others @ source) != (key in mirrored)
            found[key] = own @ (turning(0, "flop", shape) if is_other else np.eye(3)) @ others @ source
        return found.get(key)

    for key in [*followed]:
        put(key)
    return found


def check_not_placed(prep_id: str, key: str, said: Iterable[AlignmentEdit]) -> None:
    """Raises BrainstackError where a section, or a copy of it, or a pair of it, has a place that a person gave it."""
    for edit in said:
        if key in (key_of_scene(edit.section), key_of_scene(edit.other) if edit.kind == "pair" else ""):
            _refuse_to_turn(prep_id, edit)


def check_can_turn(prep_id: str, said: Iterable[AlignmentEdit]) -> None:
    """Raises BrainstackError where a place that a person gave cannot be carried along when all pictures are turned, as
    it is not known where its own lay: it was said before the first run, or to an older brainstack."""
    for edit in said:
        if edit.placement is None:
            _refuse_to_turn(prep_id, edit)


def _refuse_to_turn(prep_id: str, edit: AlignmentEdit) -> None:
    if edit.kind in ("place", "anchor"):
        raise BrainstackError(
            f"{edit.section} was placed by hand, from its picture as it is turned now; take that back first: "
            f"brainstack align release {prep_id} {edit.section}"
        )
    if edit.kind == "pair":
        raise BrainstackError(
            f"The pair of {edit.other} and {edit.section} was laid by hand, from their pictures as they are turned "
            f"now; take that back first: brainstack animal pair {prep_id} {edit.other} {edit.section} --release"
        )
