"""Where sections lie on the aligned canvas: as the last run left them, and as the next one will, with what people said
since. Both on the canvas of the last run, so that they can be looked at together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from brainstack.alignment_results import read_canvas, read_matrices
from brainstack.errors import BrainstackError
from brainstack.files.alignment_metrics import read_alignment_metrics
from brainstack.frames import about_centre, last_frame, moved
from brainstack.geometry import Matrix, Shape, inverse, rigid, shift
from brainstack.plan import Plan
from brainstack.records import SectionAlignment
from brainstack.stack_placing import PlacedStack, place_stack, used_pairs
from brainstack.stamps import Stamps, Step

WHOLE_PX = 0.01
"""The canvas lies in the aligned frame by whole pixels; what is off by more is of another run."""


@dataclass(frozen=True)
class Laid:
    """canvas, cleaned : (rows, columns) of the aligned and of the cleaned images. corner : (x, y) in pixels, where the
    top left pixel of the canvas lies in the aligned frame, in which rotations and shifts are said. matrices : by key,
    from the canvas to the cleaned image. is_approved : these places follow from pairs and people, but what is in force
    is what was approved. missing : pairs that the next run still has to register."""

    canvas: Shape
    cleaned: Shape
    corner: tuple[int, int]
    matrices: Mapping[str, Matrix]
    is_approved: bool = False
    missing: int = 0


def last_laid(plan: Plan) -> Laid | None:
    """As the last run placed the sections; None before the first. Raises BrainstackError where its files are not of one
    run."""
    if not plan.folder.small("transforms").exists():
        return None
    content = read_matrices(plan)
    found = content["computed"] if "matrices" in content.get("computed", {}) else content
    rows, columns = found["canvas"]
    matrices = {key: np.array(matrix) for key, matrix in found["matrices"].items() if key in plan.section}
    cleaned, is_approved = read_canvas(plan), "transforms" in plan.approved
    sections, _ = read_alignment_metrics(plan.folder.alignment_metrics)
    corners = [
        inverse(_placed(one, plan.pixel_size_um, cleaned)) @ matrices[one.section]
        for one in sections
        if one.section in matrices
    ]
    return Laid((rows, columns), cleaned, _corner(plan, [one[:2, 2] for one in corners]), matrices, is_approved)


def next_laid(plan: Plan, last: Laid) -> Laid:
    """As the next run will place them, where it registers no pair anew: solved where something was said since the last
    one. Raises BrainstackError where people said what cannot be."""
    if _is_as_it_was(plan):
        return last
    missing = [pair for pair in used_pairs(plan) if not plan.folder.pair_in_force(pair).exists()]
    found = place_stack(plan, but=missing)
    on_canvas = _frame_of_last(plan, found, last.cleaned) @ shift(*last.corner)
    matrices = {key: matrix @ on_canvas for key, matrix in found.placed.items()}
    return replace(last, matrices=matrices, missing=len(missing))


def _frame_of_last(plan: Plan, found: PlacedStack, cleaned: Shape) -> Matrix:
    """From the frame of the last run to that of the next one, in which another section may be the middle one."""
    before = last_frame(plan)
    back = None if before is None else moved(before, found.frame.name, found.lies)
    to_um = about_centre(plan.pixel_size_um, cleaned)
    return np.eye(3) if back is None else inverse(to_um) @ inverse(back) @ to_um


def _is_as_it_was(plan: Plan) -> bool:
    """Whether nobody said anything since the last run that Transforms takes from people or settings."""
    step = Step("Transforms")
    stamp = Stamps(plan.folder.stamps).read(step)
    own = plan.own_ingredients(step)
    return stamp is not None and all(stamp.ingredients.get(name) == value for name, value in own.items())


def _placed(one: SectionAlignment, pixel_size_um: float, cleaned: Shape) -> Matrix:
    """From the aligned frame to the section's cleaned image."""
    x_px, y_px = one.shift_x_um / pixel_size_um, one.shift_y_um / pixel_size_um
    return rigid(one.rotation_rad, x_px, y_px, cleaned, mirrored=one.mirrored)


def _corner(plan: Plan, corners: list[np.ndarray]) -> tuple[int, int]:
    if not corners:
        return 0, 0
    middle = np.rint(np.median(corners, axis=0))
    if np.abs(np.array(corners) - middle).max() > WHOLE_PX:
        raise BrainstackError(
            f"{plan.folder.alignment_metrics} and {plan.folder.transforms.name} beside it are not of one run; run the "
            f"stage again: luigi --module tasks Transforms --animal {plan.folder.prep_id} --local-scheduler"
        )
    return int(middle[0]), int(middle[1])
